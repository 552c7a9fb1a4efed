"""Sequences as they are given in Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from phalanx.errors import InputError
from phalanx.kinds.sequences.container import Sequences


def sequences_of(given: Any, known: bool = False) -> np.ndarray | None:
    """Return an array (rows,) of sequences of numbers, each (steps, channels); None for what is given as another kind.

    Sequences are `Sequences`, and lists of arrays (steps, channels) or (steps,), of which those of one axis must differ
    in length: otherwise they are a table. Where they are `known`, any list of arrays is, and so are arrays
    (rows, steps, channels) and (rows, steps), whose rows end where only NaN follows. Raises `InputError` for sequences
    that cannot be used.

    >>> [row.shape for row in sequences_of([np.zeros(2), np.zeros(5)])]
    [(2, 1), (5, 1)]
    """
    rows = _listed(given, known)
    if rows is None:
        return None
    found = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        found[i] = _checked(np.asarray(row), i + 1)
        if found[i].shape[1] != found[0].shape[1]:
            raise InputError(
                f"sequence {i + 1} has {found[i].shape[1]} channels, but sequence 1 has {found[0].shape[1]}; all must "
                "have the same"
            )
    return found


def _listed(given: Any, known: bool) -> Sequence[Any] | None:
    """Return what is given as a list of rows, None: it is of another kind."""
    if isinstance(given, Sequences):
        return given
    if isinstance(given, np.ndarray) and given.dtype != object:
        return Sequences(given) if known and given.ndim in (2, 3) and given.dtype.kind in "biuf" else None
    if not isinstance(given, (list, tuple, np.ndarray, pd.Series)) or getattr(given, "ndim", 1) != 1:
        return None
    rows = list(given)
    return rows if known or (rows and _are_sequences(rows)) else None


def _are_sequences(rows: list[Any]) -> bool:
    """Say whether rows that may be those of a table are sequences of numbers."""
    if any(isinstance(row, (str, bytes)) or not hasattr(row, "__len__") for row in rows):
        return False
    if np.ndim(rows[0]) == 1 and len({len(row) for row in rows}) == 1:
        return False
    try:
        arrays = [np.asarray(row) for row in rows]
    except ValueError:  # what is in a row has no shape
        return False
    return all(array.ndim in (1, 2) and array.dtype.kind in "biuf" for array in arrays)


def _checked(row: np.ndarray, number: int) -> np.ndarray:
    """Return a sequence as floats (steps, channels)."""
    if row.ndim not in (1, 2) or row.dtype.kind not in "biuf":
        raise InputError(f"sequence {number} is no array of numbers (steps, channels), or (steps,)")
    row = row.reshape(len(row), -1) if row.size else row.reshape(0, 1)
    if not len(row):
        raise InputError(f"sequence {number} has no steps; leave it out")
    row = row if row.dtype.kind == "f" else row.astype(np.float64)
    if np.isinf(row).any():
        raise InputError(f"sequence {number} holds an infinite value; a missing one is NaN")
    return row
