"""Rows in canonical form, so that weighting a row equals repeating it, and the order of rows does not matter."""

from typing import Any

import numpy as np
import pandas as pd

from phalanx.data.cells import keys, tidy


def canonical_rows(
    matrix: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of distinct rows in a fixed order, and the weight of each (float64).

    Rows of zero weight are dropped; rows equal in `matrix` (float64, two-dimensional) and `target` are merged, with
    the sum of their weights.

    >>> canonical_rows(np.array([[2.0], [1.0], [2.0]]), np.array([0, 0, 0]))[1]
    array([1., 2.])
    """
    weight = np.ones(len(target)) if weight is None else np.asarray(weight, np.float64)
    present = np.flatnonzero(weight > 0)
    whole = np.column_stack([matrix[present], target[present].astype(np.float64)])
    whole = np.where(np.isnan(whole), np.nan, whole) + 0.0  # one form of NaN, and of zero
    # As bytes, most significant first, rows sort in one fixed order whatever their number.
    rows = np.ascontiguousarray(whole.astype(">f8")).view(np.dtype((np.void, 8 * whole.shape[1]))).ravel()
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    return present[first], np.bincount(group, weights=weight[present])


def comparable(X: Any) -> np.ndarray:
    """Return a float64 matrix in which two rows are equal exactly when the rows of a table or array are."""
    if not isinstance(X, pd.DataFrame):
        return X
    columns = [_codes(X.iloc[:, j]) for j in range(X.shape[1])]
    return np.column_stack(columns) if columns else np.zeros((len(X), 0))


def _codes(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)
    rows, _, texts = keys(tidy(column))
    order = np.argsort(np.argsort(np.array([*texts, ""], dtype=object)[: len(texts)])) if texts else np.zeros(1)
    return np.append(order.astype(np.float64), np.nan)[rows]
