"""Which rows make which batch: an endless stream of seeded permutations, cut into batches; or the rows in order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from phalanx.population.stack import power_of_two

_FEWEST_STEPS = 512
_POOL = 32  # batches whose rows are dealt out by length


class Fold(NamedTuple):
    """Rows of one or more members: numbers of the rows to train on and to watch, and the seed of their order.

    A row may occur several times (bagging). Members of one fold share their batches.
    """

    train: np.ndarray
    valid: np.ndarray
    seed: int


class Stream:
    """The batches of one fold. A pass over the rows may end inside a batch; no row is left out.

    With the `lengths` of all rows, a batch holds rows of similar length, drawn from 32 batches: layers that go through
    the steps of a row are done when the longest of a batch is.

    >>> stream = Stream(Fold(np.arange(3), np.arange(0), seed=0), batch_size=2)
    >>> sorted(stream.take(3).ravel().tolist())
    [0, 0, 1, 1, 2, 2]
    """

    def __init__(self, fold: Fold, batch_size: int, lengths: np.ndarray | None = None) -> None:
        self._fold, self._batch_size, self._lengths, self._passes = fold, batch_size, lengths, 0
        self._left, self._pools = np.zeros(0, np.int32), 0

    def take(self, steps: int) -> np.ndarray:
        """Return the next `steps` batches, shape (steps, batch size)."""
        wanted = steps * self._batch_size
        pieces, have = [self._left], len(self._left)
        while have < wanted:
            rng = np.random.default_rng([self._fold.seed, self._passes])
            pieces.append(rng.permutation(self._fold.train).astype(np.int32))
            self._passes += 1
            have += len(pieces[-1])
        rows = np.concatenate(pieces)
        self._left = rows[wanted:]
        if self._lengths is None:
            return rows[:wanted].reshape(steps, self._batch_size)
        pools = np.split(rows[:wanted], range(_POOL * self._batch_size, wanted, _POOL * self._batch_size))
        return np.concatenate([self._alike(pool) for pool in pools])

    def _alike(self, rows: np.ndarray) -> np.ndarray:
        """Return batches of rows of similar length, in random order."""
        assert self._lengths is not None
        order = np.argsort(self._lengths[rows], kind="stable")
        batches = rows[order].reshape(-1, self._batch_size)
        self._pools += 1
        return np.random.default_rng([self._fold.seed, self._pools, 1]).permutation(batches)


class Readers:
    """The batches of one fold whose rows go on where the one before ends: as many readers as a batch has rows.

    They begin at equal distances and go on for ever, from the last row to the first: the row at some place of a batch
    follows the row at that place of the batch before, except once a pass.

    >>> Readers(Fold(np.arange(6), np.arange(0), seed=0), batch_size=2).take(4).tolist()
    [[0, 3], [1, 4], [2, 5], [3, 0]]
    """

    def __init__(self, fold: Fold, batch_size: int) -> None:
        self._rows, self._read = fold.train, 0
        self._first = np.arange(batch_size) * (len(fold.train) // batch_size)

    def take(self, steps: int) -> np.ndarray:
        """Return the next `steps` batches, shape (steps, batch size)."""
        at = self._first[None] + (self._read + np.arange(steps))[:, None]
        self._read += steps
        return self._rows[at % len(self._rows)].astype(np.int32)


def in_reading_order(rows: np.ndarray, readers: int) -> np.ndarray:
    """Return rows so that, cut into blocks of as many as there are readers, each reads on from block to block.

    >>> in_reading_order(np.arange(5), readers=2).tolist()
    [0, 3, 1, 4, 2]
    """
    parts = np.array_split(rows, readers)
    return np.array([part[i] for i in range(len(parts[0])) for part in parts if i < len(part)], rows.dtype)


def batches_shape(folds: int, steps: int, batch_size: int) -> tuple[int, int, int]:
    """Return the shape of a round's batches, (folds, steps, batch), with room that keeps programs shared."""
    return power_of_two(folds), power_of_two(steps, _FEWEST_STEPS), batch_size


def batches_of(streams: Sequence[Stream | Readers], steps: int) -> np.ndarray:
    """Return the next batches of all folds, padded to `batches_shape`."""
    taken = np.stack([stream.take(steps) for stream in streams])
    whole = np.zeros(batches_shape(len(streams), steps, taken.shape[2]), np.int32)
    whole[: len(streams), :steps] = taken
    return whole


def valid_of(folds: Sequence[Fold], block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers to watch, (folds, rows), padded to whole blocks, and how many count in each fold.

    The number of blocks is a power of two, so that programs are shared.

    >>> index, count = valid_of([Fold(np.arange(0), np.arange(7), seed=0)], block=3)
    >>> index.tolist(), count.tolist()
    ([[0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0]], [7])
    """
    rows = block * power_of_two(-(-max(len(fold.valid) for fold in folds) // block))
    index = np.zeros((power_of_two(len(folds)), rows), np.int32)
    count = np.zeros(len(index), np.int32)
    for i, fold in enumerate(folds):
        index[i, : len(fold.valid)] = fold.valid
        count[i] = len(fold.valid)
    return index, count
