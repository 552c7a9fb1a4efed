"""Which rows make which batch, as a function of the fold and the round: an endless stream of seeded permutations, cut
into batches; or the rows in order.
"""

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


def batches_of(fold: Fold, batch_size: int, turn: int, steps: int, lengths: np.ndarray | None = None) -> np.ndarray:
    """Return the batches of a round of so many steps, the first where `turn` is 0; shape (steps, batch size).

    They are cut from an endless stream of seeded permutations: a pass over the rows may end inside a batch, and no row
    is left out. With the `lengths` of all rows, a batch holds rows of similar length, drawn from 32 batches: layers
    that go through the steps of a row are done when the longest of a batch is.

    >>> fold = Fold(np.arange(3), np.arange(0), seed=0)
    >>> sorted(batches_of(fold, batch_size=2, turn=0, steps=3).ravel().tolist())
    [0, 0, 1, 1, 2, 2]
    """
    number, count = steps * batch_size, len(fold.train)
    first = turn * number
    passes = range(first // count, -(-(first + number) // count))
    orders = [np.random.default_rng([fold.seed, i]).permutation(fold.train) for i in passes]
    rows = np.concatenate(orders)[first - passes[0] * count :][:number].astype(np.int32)
    if lengths is None:
        return rows.reshape(steps, batch_size)
    pools = np.split(rows, range(_POOL * batch_size, number, _POOL * batch_size))
    seeds = [[fold.seed, turn * len(pools) + i + 1, 1] for i in range(len(pools))]
    return np.concatenate([_dealt(pool, batch_size, lengths, seed) for pool, seed in zip(pools, seeds, strict=True)])


def _dealt(rows: np.ndarray, batch_size: int, lengths: np.ndarray, seed: list[int]) -> np.ndarray:
    """Return batches of rows of similar length, in random order."""
    batches = rows[np.argsort(lengths[rows], kind="stable")].reshape(-1, batch_size)
    return np.random.default_rng(seed).permutation(batches)


def batches_in_order(fold: Fold, batch_size: int, turn: int, steps: int) -> np.ndarray:
    """Return the batches of a round of so many steps, the first where `turn` is 0, of rows that are read in order.

    As many readers as a batch has rows begin at equal distances and go on for ever, from the last row to the first: the
    row at some place of a batch follows the row at that place of the batch before, except once a pass.

    >>> batches_in_order(Fold(np.arange(6), np.arange(0), seed=0), batch_size=2, turn=0, steps=4).tolist()
    [[0, 3], [1, 4], [2, 5], [3, 0]]
    """
    first = np.arange(batch_size) * (len(fold.train) // batch_size)
    at = first[None] + (turn * steps + np.arange(steps))[:, None]
    return fold.train[at % len(fold.train)].astype(np.int32)


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


def padded_batches(lines: Sequence[np.ndarray], room: int) -> np.ndarray:
    """Return the batches (steps, batch) of several lines as one array, padded to `batches_shape`."""
    taken = np.stack(lines)
    whole = np.zeros(batches_shape(room, *taken.shape[1:]), np.int32)
    whole[: len(lines), : taken.shape[1]] = taken
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
