"""The rows of a run on the devices: padded once, and placed once on each mesh, whatever trains on them."""

import threading
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from phalanx.model import Batch
from phalanx.population.stack import padded, power_of_two


class Rows:
    """All rows of a run. Populations that train on one mesh share its copy, which every device of the mesh holds whole.

    `batch`: the rows as they are, on the host. They are padded to the next power of two, so that data of other lengths
    meet the same program.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._placed: dict[Mesh, Batch] = {}
        self._lock = threading.Lock()

    @staticmethod
    def of(rows: "Batch | Rows") -> "Rows":
        """Return rows that can be placed."""
        return rows if isinstance(rows, Rows) else Rows(rows)

    def on(self, mesh: Mesh) -> Batch:
        """Return the rows on a mesh."""
        with self._lock:
            if mesh not in self._placed:
                whole = jax.tree.map(lambda a: padded(a, power_of_two(len(a))), self.batch)
                self._placed[mesh] = jax.device_put(whole, NamedSharding(mesh, P()))
            return self._placed[mesh]

    def alone(self, mesh: Mesh) -> Batch:
        """Return the copy of the first device of a mesh, for what needs one device only."""
        return jax.tree.map(lambda a: a.addressable_shards[0].data, self.on(mesh))

    def missing_bytes(self, copies: int) -> int:
        """Return the bytes that placing the rows on so many devices will take; 0 once they are placed."""
        return 0 if self._placed else copies * sum(_bytes(leaf) for leaf in jax.tree.leaves(self.batch))


def _bytes(leaf: Any) -> int:
    return power_of_two(len(leaf)) * (leaf.nbytes // max(len(leaf), 1))
