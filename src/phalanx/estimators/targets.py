"""The target of an estimator: its columns, as they are given and as they are learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import column_or_1d

from phalanx.data.columns import unique_names
from phalanx.data.letters import composed, one_form
from phalanx.data.splits import Split, split_rows
from phalanx.data.targets import ClassTarget, NumberTarget
from phalanx.errors import InputError


@dataclass(frozen=True)
class TargetColumn:
    """A column of the target: codes (int32) of so many `classes`, or numbers (float64, `classes` 0)."""

    name: str
    values: np.ndarray
    classes: int = 0

    def target(self, rows: np.ndarray, weight: np.ndarray) -> ClassTarget | NumberTarget:
        """Return the classes, or the standardization by some rows; a constant target is only centred."""
        if self.classes:
            return ClassTarget(tuple(range(self.classes)))
        values = self.values[rows]
        try:
            return NumberTarget.fit(values, weight[rows])
        except InputError:
            return NumberTarget(float(values[0]), 1.0, float(values[0]), float(values[0]))


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


def split_training(columns: Sequence[TargetColumn], groups: np.ndarray | None, valid: float, seed: int) -> Split:
    """Return the rows that train and those that validate: of one target of classes balanced, or whole groups.

    Raises `InputError` where the groups that train hold one class only.
    """
    balanced = len(columns) == 1 and columns[0].classes and groups is None
    classes = columns[0].values if balanced else None
    split = split_rows(len(columns[0].values), classes=classes, groups=groups, test=0.0, valid=valid, seed=seed)
    if groups is not None and any(c.classes and len(np.unique(c.values[split.train])) < 2 for c in columns):
        raise InputError("the groups that train hold one class only; use more groups, or another random_state")
    return split


def joined(inputs: Any, more: Any) -> Any:
    """Return encoded rows followed by others."""
    return jax.tree.map(lambda *parts: np.concatenate(parts), inputs, more)
