"""The encoder of rows of several parts: each part has one of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from scipy import sparse

from phalanx.data import Goal
from phalanx.data.encoded import Encoded
from phalanx.errors import InputError
from phalanx.kinds.images.kind import IMAGES
from phalanx.kinds.kind import Encoder
from phalanx.kinds.rows import RowEncoder, RowKind
from phalanx.kinds.sounds.kind import SOUNDS
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.tables.space import table_space
from phalanx.kinds.texts.kind import TEXTS
from phalanx.layers import Branch, Branches
from phalanx.network import Network
from phalanx.search.effort import Size

IN_COLUMNS: dict[str, RowKind] = {kind.name: kind for kind in (IMAGES, SOUNDS, TEXTS)}
"""The kinds of data of which a row may stand in a cell of a table."""

_TABLE = "table"


class ColumnPart(NamedTuple):
    """A part of each row: the column that holds it, "" for all that are a table together, its kind, and its encoder."""

    column: str
    kind: str
    encoder: Any

    def rows(self, frame: pd.DataFrame) -> Any:
        """Return this part of the rows of a table."""
        if not self.column:
            return frame
        if self.column not in frame:
            raise InputError(f"the table lacks the column {self.column!r}")
        return IN_COLUMNS[self.kind].of_cells(frame[self.column])


@dataclass(frozen=True)
class MixedEncoder(RowEncoder):
    """Turns the columns of a table into a tuple with an entry for each part: numbers and codes, a text, an image."""

    parts: tuple[ColumnPart, ...]

    @property
    def input_layer(self) -> Branches:
        return Branches([Branch(part.encoder.vector) for part in self.parts])

    @property
    def row_shape(self) -> tuple[Any, ...]:
        return tuple(part.encoder.row_shape for part in self.parts)

    def size(self, rows: int) -> Size:
        """Return the size of the part of which least is tried: it takes longest."""
        return min((part.encoder.size(rows) for part in self.parts), key=lambda size: size.trials)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        """Return the space of tables, in which each part first becomes a vector."""
        table = next((part.encoder for part in self.parts if not part.column), None)
        space = table_space(rows, (0 if table is None else table.n_numbers,), goals)
        branches = [Branch([space.layers[0]] if not part.column else part.encoder.vector) for part in self.parts]
        layers = [Branches(branches), *space.layers[1:]]
        return replace(space, layers=layers, batch_size=self.size(rows).batch_size)

    def transform(self, rows: Any) -> tuple[Any, ...]:
        if not isinstance(rows, pd.DataFrame):
            raise InputError("the model was trained on a table of several parts; give a table")
        return tuple(part.encoder.transform(part.rows(rows)) for part in self.parts)

    def as_numbers(self, inputs: tuple[Any, ...]) -> Encoded:
        """Return all parts side by side, sparse where one of them is; codes are one-hot."""
        blocks = []
        for part, held in zip(self.parts, inputs, strict=True):
            encoded = part.encoder.as_numbers(held)
            blocks.append(encoded.numbers)
            for column, codes in zip(encoded.codes.T, part.encoder.cardinalities, strict=True):
                blocks.append(np.eye(codes, dtype=np.float32)[column])
        rows = blocks[0].shape[0]
        if any(map(sparse.issparse, blocks)):
            numbers: Any = sparse.csr_array(sparse.hstack([sparse.csr_array(block) for block in blocks]))
        else:
            numbers = np.hstack(blocks)
        return Encoded(numbers, np.zeros((rows, 0), np.int32))

    @property
    def raw(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in ([part.column] if part.column else part.encoder.raw))

    def shuffled(self, inputs: tuple[Any, ...], column: str, order: np.ndarray) -> tuple[Any, ...]:
        found = []
        for part, held in zip(self.parts, inputs, strict=True):
            if part.column == column:
                found.append(jax.tree.map(lambda rows: rows[order], held))
            else:
                found.append(part.encoder.shuffled(held, column, order) if column in part.encoder.raw else held)
        return tuple(found)

    def describe(self, rows: int) -> list[str]:
        return [line for part in self.parts for line in part.encoder.describe(rows)]

    def unseen(self, rows: Any) -> list[str]:
        return [line for part in self.parts for line in part.encoder.unseen(part.rows(rows))]

    def of_column(self, column: str) -> Encoder:
        return next((part.encoder for part in self.parts if part.column == column), self)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as maps, lists, numbers and texts."""
        return {
            "parts": [
                {"column": part.column, "kind": part.kind, "encoder": part.encoder.to_plain()} for part in self.parts
            ]
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "MixedEncoder":
        """Return the encoder whose `to_plain` this is."""
        parts = []
        for part in plain["parts"]:
            kind = IN_COLUMNS[part["kind"]].encoder if part["column"] else TableEncoder
            parts.append(ColumnPart(part["column"], part["kind"], kind.from_plain(part["encoder"])))
        return MixedEncoder(tuple(parts))


def part_of_table(encoder: TableEncoder) -> ColumnPart:
    """Return the part that the columns of numbers, dates and categories are."""
    return ColumnPart("", _TABLE, encoder)
