"""What rows of steps of numbers have in common, sequences as they are or sounds as spectrograms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from phalanx.kinds.rows import RowEncoder
from phalanx.layers import Conv, Frames, GlobalMaxPool, Layer, ReLU


class FrameEncoder(RowEncoder):
    """An encoder that makes rows of `steps` steps, each of some numbers; NaN follows the end of a shorter row.

    `mean`: of each of these numbers in training.
    """

    steps: int
    mean: tuple[float, ...]

    @property
    def input_layer(self) -> Frames:
        return Frames()

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self.steps, len(self.mean)

    @property
    def vector(self) -> list[Layer]:
        return [self.input_layer, Conv(32, 5), ReLU(), GlobalMaxPool()]

    @classmethod
    def alike(cls, encoders: Sequence[Self]) -> Sequence[Self]:
        """Return encoders of as many steps as the one that has most."""
        steps = max(encoder.steps for encoder in encoders)
        return [replace(encoder, steps=steps) for encoder in encoders]
