"""What rows of tokens have in common, words of a text or codes of whatever: their layer, and what is tried."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

from phalanx.data.goals import Goal
from phalanx.kinds.rows import RowEncoder
from phalanx.kinds.texts.space import UNITS, text_size, text_space
from phalanx.layers import Embedding, GlobalAveragePool, Layer
from phalanx.network import Network
from phalanx.search.effort import Size


class TokenEncoder(RowEncoder):
    """An encoder that makes rows of `steps` codes, whole numbers below `tokens`, of which 0 stands for no token."""

    steps: int
    tokens: int

    @abstractmethod
    def widened(self, steps: int, tokens: int) -> Self:
        """Return the encoder with at least as many steps and codes as it has."""

    @property
    def input_layer(self) -> Embedding:
        return Embedding(UNITS, self.tokens)

    @property
    def row_shape(self) -> tuple[int, ...]:
        return (self.steps,)

    @property
    def vector(self) -> list[Layer]:
        return [self.input_layer, GlobalAveragePool()]

    def size(self, rows: int) -> Size:
        return text_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return text_space(rows, (self.steps,), goals)

    @classmethod
    def alike(cls, encoders: Sequence[Self]) -> Sequence[Self]:
        """Return encoders of as many steps, and of as many codes, as the ones that have most."""
        if len(encoders) == 1:
            return encoders
        steps, tokens = (max(sizes) for sizes in zip(*((one.steps, one.tokens) for one in encoders), strict=True))
        return [encoder.widened(steps, tokens) for encoder in encoders]
