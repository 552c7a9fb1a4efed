"""Columns that say the target alone: a second copy of it, its other name, or what is known only after it."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data.cells import keys, tidy
from phalanx.data.columns import Column

#: The fewest rows from which a column is said to tell the target.
FEWEST_ROWS = 20
#: The fewest rows a value, on average, from which values are said to tell the target each.
REPEATS = 5


def telling_columns(
    columns: Iterable[Column], frame: pd.DataFrame, target: np.ndarray, classes: bool
) -> tuple[str, ...]:
    """Return the names of used columns that alone say the target of every row, codes of `classes` or numbers.

    Such a column has five rows or more for each of its values on average, and one target for each; or both are numbers
    in the same order, or in the opposite one, without ties that the other has not. Rows in which it is missing do not
    count; 20 must be left.

    >>> frame = pd.DataFrame({"name": ["cat", "dog"] * 10, "age": [1, 2, 3, 4, 5] * 4})
    >>> columns = [Column("name", "category", ""), Column("age", "number", "")]
    >>> telling_columns(columns, frame, np.array([0, 1] * 10), classes=True)
    ('name',)
    """
    return tuple(column.name for column in columns if column.used and _tells(frame[column.name], target, classes))


def _tells(cells: pd.Series, target: np.ndarray, classes: bool) -> bool:
    column = tidy(cells)
    present = column.notna().to_numpy() & ~np.isnan(target.astype(np.float64))
    if present.sum() < FEWEST_ROWS:
        return False
    column, target = column[present], target[present]
    rows, values, _ = keys(column)
    if len(np.unique(target)) < 2:
        return False
    if len(values) * REPEATS <= len(rows):
        return _one_target_each(rows, target)
    if classes or not types.is_numeric_dtype(column.dtype):
        return False
    order = np.argsort(column.to_numpy(np.float64), kind="stable")
    steps, change = np.diff(column.to_numpy(np.float64)[order]), np.diff(target[order])
    rises = change[steps > 0]
    return bool((change[steps == 0] == 0).all() and ((rises > 0).all() or (rises < 0).all()))


def _one_target_each(rows: np.ndarray, target: np.ndarray) -> bool:
    order = np.argsort(rows, kind="stable")
    same_value = np.diff(rows[order]) == 0
    return bool((np.diff(target[order])[same_value] == 0).all())
