"""Rows that are encoded once for each fold, by what the training rows of that fold say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.data import Goal
from phalanx.data.encoded import Encoded
from phalanx.kinds.kind import Encoder
from phalanx.layers import Layer
from phalanx.network import Network
from phalanx.population.predict import Folded
from phalanx.search.effort import Size


@dataclass(frozen=True)
class FoldEncoder(Encoder):
    """The encoders of k folds: each makes its own numbers of a row, for the networks that trained on its fold.

    Whatever they have in common is asked of the first; what one of them saw, `unseen` does not name.
    """

    encoders: tuple[Encoder, ...]

    @property
    def of_folds(self) -> tuple[Encoder, ...]:
        return self.encoders

    @property
    def input_layer(self) -> Layer:
        return self.encoders[0].input_layer

    @property
    def row_shape(self) -> Any:
        return self.encoders[0].row_shape

    @property
    def raw(self) -> tuple[str, ...]:
        return self.encoders[0].raw

    def shuffled(self, inputs: Folded, column: str, order: np.ndarray) -> Folded:
        pairs = zip(self.encoders, inputs.parts, strict=True)
        return Folded(tuple(encoder.shuffled(part, column, order) for encoder, part in pairs))

    @property
    def vector(self) -> list[Layer]:
        return self.encoders[0].vector

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return self.encoders[0].cardinalities

    def size(self, rows: int) -> Size:
        return self.encoders[0].size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return self.encoders[0].space(rows, goals)

    def transform(self, rows: Any) -> Folded:
        return Folded(tuple(encoder.transform(rows) for encoder in self.encoders))

    def as_numbers(self, inputs: Folded) -> Encoded:
        return self.encoders[0].as_numbers(inputs.parts[0])

    def of_column(self, column: str) -> Encoder:
        return self.encoders[0].of_column(column)

    def describe(self, rows: int) -> list[str]:
        return self.encoders[0].describe(rows)

    def unseen(self, rows: Any) -> list[str]:
        found = [encoder.unseen(rows) for encoder in self.encoders]
        return min(found, key=len)

    def to_plain(self) -> dict[str, Any]:
        return {"folds": [encoder.to_plain() for encoder in self.encoders]}


def together(encoders: Sequence[Encoder]) -> Encoder:
    """Return one encoder for those of all folds."""
    return encoders[0] if len(encoders) == 1 else FoldEncoder(tuple(encoders))
