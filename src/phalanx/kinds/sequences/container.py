"""Rows of different lengths in one array."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from phalanx.errors import InputError


class Sequences(Sequence[np.ndarray]):
    """Rows of different lengths: `padded`, an array (rows, steps, ...), and how many steps each row has, `lengths`.

    `padded` may be a list of arrays (steps, ...) instead, which have lengths of their own. In an array of floats
    without `lengths` a row ends where only NaN follows; in any other all rows are as long as the array. A row that is
    asked for by its number is an array (steps, ...); slices, lists and masks of rows are `Sequences` again, so that
    scikit-learn can split them. Estimators take them for `X`, and for a `y` that has a target for each step.

    Raises `InputError` for rows that differ in more than their length, and for lengths that do not fit.

    >>> rows = Sequences([[1.0, 2.0, 3.0], [4.0]])
    >>> rows.padded.tolist(), rows.lengths.tolist()
    ([[1.0, 2.0, 3.0], [4.0, nan, nan]], [3, 1])
    >>> len(rows), rows[1].tolist(), rows[[False, True]]
    (2, [4.0], Sequences(rows=1, steps=1))
    """

    def __init__(self, padded: Any, lengths: Any = None) -> None:
        if lengths is None and not (isinstance(padded, np.ndarray) and padded.dtype != object):
            padded, lengths = _together([np.asarray(row) for row in padded])
        self.padded = np.asarray(padded)
        if self.padded.ndim < 2:
            raise InputError(f"padded has the shape {self.padded.shape}, but must be (rows, steps, ...)")
        self.lengths = _ends(self.padded) if lengths is None else _checked(lengths, *self.padded.shape[:2])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the padded array."""
        return self.padded.shape

    def __len__(self) -> int:
        return len(self.padded)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (row[:length] for row, length in zip(self.padded, self.lengths, strict=True))

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, tuple) and at[1:] == (Ellipsis,):  # as scikit-learn asks for rows of an array
            at = at[0]
        if isinstance(at, (int, np.integer)):
            return self.padded[at][: self.lengths[at]]
        return Sequences(self.padded[at], self.lengths[at])

    def __repr__(self) -> str:
        return f"Sequences(rows={len(self)}, steps={self.lengths.max(initial=0)})"


def _together(rows: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Return rows as one array, shorter ones with NaN (of floats), 0 or "" behind their end, and their lengths."""
    for i, row in enumerate(rows, start=1):
        if not row.ndim or row.shape[1:] != rows[0].shape[1:]:
            raise InputError(
                f"row {i} has the shape {row.shape}, but row 1 {rows[0].shape}; they may differ in their steps "
                "only, the first axis"
            )
    lengths = [len(row) for row in rows]
    kind = np.result_type(*(row.dtype for row in rows)) if rows else np.dtype(float)
    shape = (len(rows), max(lengths, default=0), *(rows[0].shape[1:] if rows else ()))
    padded = np.full(shape, np.nan, kind) if kind.kind == "f" else np.zeros(shape, kind)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return padded, lengths


def _ends(padded: np.ndarray) -> np.ndarray:
    """Return of each row the number of steps up to the last that is not NaN; of other than floats all."""
    rows, steps = padded.shape[:2]
    if padded.dtype.kind != "f" or not padded.size:
        return np.full(rows, steps)
    known = ~np.isnan(padded.reshape(rows, steps, -1)).all(2)
    return np.where(known, np.arange(1, steps + 1), 0).max(1)


def _checked(lengths: Any, rows: int, steps: int) -> np.ndarray:
    """Return lengths as whole numbers; raise `InputError` unless each row has one that it can have."""
    given = np.asarray(lengths)
    if given.shape != (rows,) or (rows and given.dtype.kind not in "iuf"):
        raise InputError(
            f"lengths has the shape {given.shape}, but there are {rows:,} rows: give a whole number for each"
        )
    wrong = (given < 0) | (given > steps) | (given != np.floor(given))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"the length of row {row + 1} is {given[row]}, but must be a whole number from 0 to {steps:,}, the steps "
            "there are"
        )
    return given.astype(np.intp)
