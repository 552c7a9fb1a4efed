"""Rows in canonical form, so that weighting a row equals repeating it, and the order of rows does not matter."""

from typing import Any

import numpy as np
import pandas as pd

from phalanx.data.cells import holds_objects, keys, tidy

_MOST_COPIES = 16  # a row, on average: weights that are larger only weigh


def copied_rows(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the rows that weights count, in their order, and the weight of each (float64).

    Rows of weight 0 are dropped. Where all weights are whole numbers, of at most 16 on average, a row of weight k
    becomes k rows of weight 1, so that nothing tells it from k rows of the data: copies may fall into different parts
    of a split, as equal rows do.

    >>> copied_rows(np.array([2.0, 0.0, 1.0]))
    (array([0, 0, 2]), array([1., 1., 1.]))
    >>> copied_rows(np.array([0.5, 0.0, 1.0]))
    (array([0, 2]), array([0.5, 1. ]))
    """
    present = np.flatnonzero(weight > 0)
    if np.all(weight == np.floor(weight)) and weight.sum() <= _MOST_COPIES * len(weight):
        rows = np.repeat(present, weight[present].astype(np.int64))
        return rows, np.ones(len(rows))
    return present, weight[present].astype(np.float64)


def canonical_order(matrix: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the order of rows, a permutation, that does not depend on the one they are given in.

    Rows are sorted by `matrix` (float64, two-dimensional), then by `target` and `weight`.

    >>> canonical_order(np.array([[2.0], [1.0], [2.0]]), np.array([1, 0, 0]), np.ones(3))
    array([1, 2, 0])
    """
    whole = np.column_stack([matrix, target.astype(np.float64), weight])
    whole = np.where(np.isnan(whole), np.nan, whole) + 0.0  # one form of NaN, and of zero
    # As bytes, most significant first, rows sort in one fixed order whatever their number.
    rows = np.ascontiguousarray(whole.astype(">f8")).view(np.dtype((np.void, 8 * whole.shape[1]))).ravel()
    return np.argsort(rows, kind="stable")


def comparable(X: Any) -> np.ndarray | None:
    """Return a float64 matrix in which two rows are equal exactly when the rows of a table are, a DataFrame or numbers
    (rows, columns); None for rows of another
    kind. Columns of images, or other objects, tell no two rows apart.
    """
    if not isinstance(X, pd.DataFrame):
        return X.astype(np.float64) if X.ndim == 2 and X.dtype.kind in "biuf" else None
    cells = [X.iloc[:, j] for j in range(X.shape[1])]
    columns = [_codes(column) for column in cells if not holds_objects(column)]
    return np.column_stack(columns) if columns else np.zeros((len(X), 0))


def _codes(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)
    rows, _, texts = keys(tidy(column))
    order = np.argsort(np.argsort(np.array([*texts, ""], dtype=object)[: len(texts)])) if texts else np.zeros(1)
    return np.append(order.astype(np.float64), np.nan)[rows]
