"""The encoder of sequences: what it learns from training sequences, and any sequence as one row of a padded array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.data.encoded import Encoded
from phalanx.data.goals import Goal
from phalanx.errors import InputError
from phalanx.kinds.sequences.frames import FrameEncoder
from phalanx.kinds.sequences.space import sequence_size, sequence_space
from phalanx.network import Network
from phalanx.search.effort import Size

_LARGEST = np.finfo(np.float32).max


@dataclass(frozen=True)
class SequenceEncoder(FrameEncoder):
    """Turns sequences into rows (steps, channels) float32, standardized, with NaN after the end of a shorter one.

    From each channel its `mean` over all steps of the training rows is taken, and it is divided by their `deviation`.
    What is missing (NaN) within a sequence becomes 0, the mean, and nothing tells that it was missing. There are as
    many `steps` as the longest training row has; the end of longer ones is cut, which `unseen` says.

    >>> rows = np.empty(2, object)
    >>> rows[:] = [np.array([[1.0], [3.0], [np.nan]]), np.array([[5.0]])]
    >>> encoder = SequenceEncoder.fit(rows)
    >>> encoder.steps, encoder.mean
    (3, (3.0,))
    >>> print(encoder.transform(rows)[:, :, 0].round(2))
    [[-1.22  0.    0.  ]
     [ 1.22   nan   nan]]
    """

    steps: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @staticmethod
    def fit(rows: np.ndarray) -> "SequenceEncoder":
        """Learn from training sequences, an array (n,) of arrays (steps, channels); a channel that is always alike is
        centred only.
        """
        values = np.concatenate(rows).astype(np.float64)
        count = (~np.isnan(values)).sum(0)
        largest = np.nanmax(np.abs(values), axis=0, initial=0.0)
        unit = np.where(largest > 0, largest, 1.0)  # in which no square overflows or vanishes
        mean = np.nansum(values / unit, axis=0) / np.maximum(count, 1)
        spread = np.sqrt(np.nansum((values / unit - mean) ** 2, axis=0) / np.maximum(count, 1))
        deviation = np.where(spread > 0, spread * unit, 1.0)
        return SequenceEncoder(max(map(len, rows)), tuple((mean * unit).tolist()), tuple(deviation.tolist()))

    @property
    def channels(self) -> int:
        """The numbers of each step."""
        return len(self.mean)

    def size(self, rows: int) -> Size:
        return sequence_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return sequence_space(rows, self.steps, goals)

    def describe(self, rows: int) -> list[str]:
        channels = f"{self.channels:,} channel{'s' if self.channels > 1 else ''}"
        return [f"sequences: {rows:,} of at most {self.steps:,} steps, {channels}"]

    def unseen(self, rows: Any) -> list[str]:
        """Return how many sequences are cut, in a sentence."""
        if longer := sum(len(row) > self.steps for row in rows):
            which = f"{longer:,} sequences have" if longer > 1 else "1 sequence has"
            return [f"{which} more than the {self.steps:,} steps of the longest in training: what follows is cut"]
        return []

    def transform(self, rows: Any) -> np.ndarray:
        """Return sequences as float32 (n, steps, channels); raise `InputError` for anything else."""
        if not isinstance(rows, np.ndarray) or rows.ndim != 1 or not all(np.ndim(row) == 2 for row in rows):
            raise InputError("the model was trained on sequences; give sequences, arrays (steps, channels)")
        found = np.full((len(rows), self.steps, self.channels), np.nan, np.float32)
        mean, deviation = np.array(self.mean), np.array(self.deviation)
        for place, row in zip(found, rows, strict=True):
            if row.shape[1] != self.channels:
                raise InputError(
                    f"sequences have {row.shape[1]:,} channels, but the model was trained on {self.channels:,}"
                )
            with np.errstate(over="ignore"):
                real = (row[: self.steps] - mean) / deviation
            place[: len(real)] = np.where(np.isnan(real), 0, np.clip(real, -_LARGEST, _LARGEST))
        return found

    def as_numbers(self, rows: np.ndarray) -> Encoded:
        """Return mean and deviation over the steps of each channel, and the share of `steps` that there are, for models
        that take no sequences.
        """
        length = (~np.isnan(rows[:, :, :1])).mean(1, dtype=np.float32)
        numbers = np.hstack([np.nanmean(rows, 1), np.nanstd(rows, 1), length])
        return Encoded(numbers, np.zeros((len(rows), 0), np.int32))
