"""The target of an estimator: its columns as they are given."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import column_or_1d

from phalanx.data.columns import unique_names
from phalanx.data.letters import composed, one_form
from phalanx.errors import InputError


def check_lengths(X: Any, y: Any) -> None:
    """Raise ValueError unless rows and targets are as many."""
    if len(X) != len(y):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(X), len(y)]}")


def columns_of(y: Any, **options: Any) -> tuple[list[np.ndarray], bool]:
    """Return the columns of a target, and whether there are several; `options` go to scikit-learn's checks."""
    array = np.asarray(y)
    if array.ndim and array.dtype.kind in "OUT":
        missing = pd.isna(np.asarray(y, object))  # an array of texts would call NaN "nan"
        if missing.any():
            row = int(np.argwhere(missing)[0][0]) + 1
            more = f", the first of {int(missing.sum()):,}" if missing.sum() > 1 else ""
            raise InputError(f"Input y contains NaN or None: no value in row {row}{more}; leave such rows out")
        y = array = _composed(array)
    if array.ndim == 2 and array.shape[1] > 1:
        whole = check_array(y, **{"dtype": None, **options})
        return [whole[:, j] for j in range(whole.shape[1])], True
    column = column_or_1d(y, warn=True, **options)
    assert_all_finite(column, input_name="y")
    return [column], False


def _composed(labels: np.ndarray) -> np.ndarray:
    """Return labels of which those that differ only in how accents are encoded are one."""
    if all(not isinstance(label, str) or label.isascii() for label in labels.ravel().tolist()):
        return labels
    found = np.array([composed(label) if isinstance(label, str) else label for label in labels.ravel()], labels.dtype)
    return found.reshape(labels.shape)


def names_of(y: Any, several: bool) -> list[str]:
    """Return how the columns of a target are called: as its Series or DataFrame says, else y, or y0, y1, ..."""
    if isinstance(y, pd.DataFrame):
        return unique_names([one_form(str(name)) or "y" for name in y.columns])
    if isinstance(y, pd.Series) and y.name is not None:
        return [one_form(str(y.name)) or "y"]
    return [f"y{j}" for j in range(np.shape(y)[1])] if several else ["y"]


def group_codes(groups: Any, rows: int) -> np.ndarray:
    """Return of each row the number of its group. Raises `InputError` unless there is a group for each row."""
    given = np.asarray(groups)
    if given.shape != (rows,):
        raise InputError(f"groups has shape {given.shape}, but X has {rows:,} rows; give one group for each")
    return pd.factorize(given, sort=True, use_na_sentinel=False)[0].astype(np.float64)
