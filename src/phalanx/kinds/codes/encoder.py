"""Rows of codes: sequences of whole numbers that name tokens, as they are given to an estimator."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from phalanx.data.encoded import Encoded
from phalanx.errors import InputError
from phalanx.kinds.codes.tokens import TokenEncoder

NONE = -1
"""In place of a code: no token, as behind the end of a shorter row."""

_LARGEST = 2**24


def code_rows(X: Any) -> np.ndarray:
    """Return rows of codes as one array (rows, steps) int64, shorter rows with -1 behind their end.

    `X` is an array (rows, steps), where NaN counts as -1 too, or a list of rows of different lengths. Raises
    `InputError` for what is not a whole number from 0, or -1.

    >>> code_rows([[3, 1], [2]]).tolist()
    [[3, 1], [2, -1]]
    """
    rows = [np.asarray(row) for row in X]
    for i, row in enumerate(rows, start=1):
        if row.ndim != 1 or row.dtype.kind not in "iuf":
            raise InputError(f"row {i} is no row of codes, whole numbers from 0 (-1: none), which Embedding takes")
        values = np.where(np.isnan(row), NONE, row)
        wrong = (values < NONE) | (values > _LARGEST) | (values != np.floor(values))
        if wrong.any():
            raise InputError(
                f"row {i} holds {row[wrong][0]:g}, but Embedding takes codes, whole numbers from 0 to {_LARGEST:,} "
                "(-1: none)"
            )
        rows[i - 1] = values
    made = np.full((len(rows), max((len(row) for row in rows), default=0)), NONE, np.int64)
    for place, row in zip(made, rows, strict=True):
        place[: len(row)] = row
    if not made.shape[1]:
        raise InputError("the rows of codes are empty; each needs one code or more")
    return made


@dataclass(frozen=True)
class CodeEncoder(TokenEncoder):
    """Turns rows of codes into those of a network, (rows, steps) int32: code c becomes c + 1, and none becomes 0.

    `tokens`: how many codes a network knows, none included; `steps`: the length of a row.
    """

    tokens: int
    steps: int

    def widened(self, steps: int, tokens: int) -> "CodeEncoder":
        return replace(self, steps=steps, tokens=tokens)

    def as_numbers(self, inputs: np.ndarray) -> Encoded:
        """Return how often each code is in a row, sparse, for models that take no sequences."""
        row, step = np.nonzero(inputs)
        counts = sparse.coo_array((np.ones(len(row)), (row, inputs[row, step])), (len(inputs), self.tokens))
        return Encoded(counts.tocsr(), np.zeros((len(inputs), 0), np.int32))

    @staticmethod
    def fit(rows: np.ndarray) -> "CodeEncoder":
        """Learn from rows as `code_rows` makes them."""
        return CodeEncoder(int(rows.max()) + 2, rows.shape[1])

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Encode rows, shorter ones too; raise `InputError` for longer ones, and for codes that training had not."""
        if rows.shape[1] > self.steps and (rows[:, self.steps :] != NONE).any():
            raise InputError(f"rows have up to {rows.shape[1]:,} codes, but training had at most {self.steps:,}")
        if rows.max(initial=NONE) > self.tokens - 2:
            raise InputError(f"a row holds code {rows.max():,}, but the largest in training was {self.tokens - 2:,}")
        made = np.zeros((len(rows), self.steps), np.int32)
        made[:, : rows.shape[1]] = rows[:, : self.steps] + 1
        return made
