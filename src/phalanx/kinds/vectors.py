"""Rows that become vectors of numbers: the least that a kind of data must say of its encoder."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from phalanx.data import Goal
from phalanx.data.encoded import Encoded
from phalanx.kinds.rows import RowEncoder
from phalanx.kinds.tables.space import table_size, table_space
from phalanx.layers import Columns
from phalanx.network import Network
from phalanx.search.effort import Size


class VectorEncoder(RowEncoder):
    """An encoder that makes `width` numbers of each row, which networks take as they take those of a table."""

    width: int

    @abstractmethod
    def vectors(self, rows: Any) -> np.ndarray:
        """Return the numbers of each row, (rows, width): finite, of the order of 1."""

    @property
    def input_layer(self) -> Columns:
        return Columns()

    @property
    def row_shape(self) -> Any:
        return (self.width,), (0,)

    def size(self, rows: int) -> Size:
        return table_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return table_space(rows, (self.width,), goals)

    def transform(self, rows: Any) -> Encoded:
        return Encoded(np.asarray(self.vectors(rows), np.float32), np.zeros((len(rows), 0), np.int32))

    def as_numbers(self, inputs: Encoded) -> Encoded:
        return inputs
