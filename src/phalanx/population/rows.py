"""The rows of a run on the devices: placed once on each mesh, whatever trains on them, or a round's rows each round."""

import threading
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from phalanx.model import Batch
from phalanx.population.backend import memory
from phalanx.population.stack import padded, power_of_two


class Rows:
    """All rows of a run. Populations that train on one mesh share its copy, which every device of the mesh holds whole.

    Where the copies of a mesh would take more than `limit` bytes (None: half of what a population may use), its devices
    get the rows of one round at a time.

    `batch`: the rows as they are, on the host. On devices they are padded to the next power of two, so that data of
    other lengths meet the same program.
    """

    def __init__(self, batch: Batch, limit: int | None = None) -> None:
        self.batch = batch
        self._asked = limit
        self._placed: dict[Mesh, Batch] = {}
        self._lock = threading.Lock()

    @staticmethod
    def of(rows: "Batch | Rows") -> "Rows":
        """Return rows that can be placed."""
        return rows if isinstance(rows, Rows) else Rows(rows)

    def fit(self, copies: int) -> bool:
        """Say whether so many devices hold all rows, rather than those of a round."""
        return copies * self._bytes <= self._limit

    def on(self, mesh: Mesh, *numbers: Any) -> tuple[Batch, tuple[Any, ...]]:
        """Return rows on a mesh, at least those with these `numbers`, and which numbers they have there."""
        if not self.fit(mesh.size):
            chosen, at = np.unique(np.concatenate([part.ravel() for part in numbers]), return_inverse=True)
            pieces = np.split(at.astype(np.int32), np.cumsum([part.size for part in numbers])[:-1])
            there = tuple(piece.reshape(part.shape) for piece, part in zip(pieces, numbers, strict=True))
            most = min(sum(part.size for part in numbers), len(self.batch.weight))  # the same in every round
            return _place(jax.tree.map(lambda a: a[chosen], self.batch), mesh, most), there
        with self._lock:
            if mesh not in self._placed:
                self._placed[mesh] = _place(self.batch, mesh, len(self.batch.weight))
            return self._placed[mesh], numbers

    def alone(self, mesh: Mesh, *numbers: Any) -> tuple[Batch, tuple[Any, ...]]:
        """Return the same on the first device of a mesh only, for what needs no other."""
        rows, numbers = self.on(mesh, *numbers)
        return jax.tree.map(lambda a: a.addressable_shards[0].data, rows), numbers

    def missing_bytes(self, copies: int) -> int:
        """Return the bytes that placing rows on so many devices may yet take; 0 once all are there."""
        return 0 if self._placed else min(copies * self._bytes, self._limit)

    @cached_property
    def _limit(self) -> int:
        return memory() // 2 if self._asked is None else self._asked

    @cached_property
    def _bytes(self) -> int:
        leaves = jax.tree.leaves(self.batch)
        return sum(power_of_two(len(leaf)) * (leaf.nbytes // max(len(leaf), 1)) for leaf in leaves)


def _place(batch: Batch, mesh: Mesh, rows: int) -> Batch:
    whole: Any = jax.tree.map(lambda a: padded(a, power_of_two(rows)), batch)
    return jax.device_put(whole, NamedSharding(mesh, P()))
