"""A target for each step of a row: as it is given to an estimator, and answers as they are handed back."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from phalanx.data.steps import spread
from phalanx.errors import InputError
from phalanx.estimators.targets import check_lengths
from phalanx.kinds.rows import RowKind
from phalanx.kinds.sequences.container import Sequences
from phalanx.kinds.steps import by_row
from phalanx.population.predict import real_steps


class OfSteps:
    """What estimators share that learn a target of each row, or of each step of a row; it stands before their bases."""

    _given: RowKind
    _columns: Callable[[Any], list[np.ndarray]]
    predict: Callable[[Any], Any]
    _each_step: bool

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of classes, or r2 of numbers; where there is a target for each step, over all steps.

        `sample_weight` weighs rows, each of whose steps then counts so much.
        """
        if not self._each_step:
            return super().score(X, y, sample_weight)  # type: ignore[misc]
        told = self.predict(X)
        lengths = np.array([len(row) for row in told], int)
        score = accuracy_score if is_classifier(self) else r2_score
        weight = None if sample_weight is None else np.repeat(np.asarray(sample_weight), lengths)
        return float(score(targets_of_steps(y, lengths), np.concatenate(told), sample_weight=weight))

    def _one_by_one(self, rows: Any, y: Any) -> tuple[Any, np.ndarray | None]:
        """Find out whether the target `y` of `fit` is one of each step of the rows; return the targets one after the
        other, and which steps there are, None: it is one of rows, as it was given.
        """
        real = self._given.real(rows)
        self._each_step = is_of_steps(y, real)
        return (targets_of_steps(y, real.sum(1)), real) if self._each_step and real is not None else (y, None)

    def _held_columns(self, rows: Any, y: Any) -> list[np.ndarray]:
        real = self._given.real(rows) if self._each_step else None
        if real is None:
            return super()._held_columns(rows, y)  # type: ignore[misc]
        return [spread(column, real) for column in self._columns(targets_of_steps(y, real.sum(1)))]

    def _columns_of(self, inputs: Any, y: Any) -> list[np.ndarray]:
        real = real_steps(inputs)
        if real is None:
            return self._columns(y)
        return [spread(column, real) for column in self._columns(targets_of_steps(y, real.sum(1)))]

    def _of_rows(self, inputs: Any, found: np.ndarray, axis: int = 0) -> Any:
        """Return what is said of rows, or of each step along an axis: then as a list with an array for each row."""
        real = real_steps(inputs)
        return found if real is None else by_row(found, real, axis)


def is_of_steps(y: Any, real: np.ndarray | None) -> bool:
    """Say whether `y` has a target for each step of rows, whose steps are `real` (None: they have none).

    Such a target is `Sequences`, or it has for every row as many entries as that has steps, and one row has two or
    more: a list of lists or arrays, or an array. Raises `InputError` for entries of different lengths that are not so.

    >>> real = np.array([[True, True, True], [True, True, False]])
    >>> is_of_steps([["a", "b", "a"], ["b", "b"]], real), is_of_steps(["a", "b"], real)
    (True, False)
    """
    given = _entries(y)
    if given is None or isinstance(y, pd.DataFrame):
        return False
    several = len({len(one) for one in given}) > 1 or isinstance(y, Sequences)
    if real is None:
        if several:
            raise InputError("y has a target for each step, but X has no steps; give sequences, or rows of codes")
        return False
    lengths = real.sum(1)
    if several:
        targets_of_steps(y, lengths)
        return True
    fits = len(given) == len(lengths) and all(len(one) == n for one, n in zip(given, lengths, strict=True))
    return bool(fits and lengths.max() > 1)


def targets_of_steps(y: Any, lengths: np.ndarray) -> np.ndarray:
    """Return the targets of the steps of all rows, one after the other; raise `InputError` unless each step has one."""
    given = _entries(y)
    if given is None:
        raise InputError("y has one target for each row, but the model answers at each step: give a list of sequences")
    check_lengths(lengths, given)
    for i, (one, steps) in enumerate(zip(given, lengths, strict=True), start=1):
        if len(one) != steps:
            raise InputError(
                f"row {i} of X has {steps:,} steps, but y has {len(one):,} targets for it; give one for each"
            )
    return np.concatenate([np.asarray(one) for one in given])


def _entries(y: Any) -> Sequence[Any] | None:
    """Return what y has for each row where these are lists or arrays, else None."""
    if isinstance(y, Sequences):
        return list(y)
    if not isinstance(y, (list, tuple, np.ndarray, pd.Series)) or not len(y):
        return None
    given = list(y)
    return (
        given if all(isinstance(one, (list, tuple, np.ndarray, pd.Series)) and np.ndim(one) for one in given) else None
    )
