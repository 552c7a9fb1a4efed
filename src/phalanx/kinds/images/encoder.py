"""The encoder of images: what it learns from training rows, and the shape every image must have."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.data.encoded import Encoded
from phalanx.data.goals import Goal
from phalanx.errors import InputError
from phalanx.kinds.images.space import image_size, image_space
from phalanx.kinds.rows import RowEncoder
from phalanx.layers import Conv, GlobalAveragePool, Layer, MaxPool, Pixels, ReLU
from phalanx.network import Network
from phalanx.search.effort import Size


@dataclass(frozen=True)
class ImageEncoder(RowEncoder):
    """The shape of a row, (*space, channels), and mean and deviation of all numbers of the training rows.

    Rows stay as they are, bytes or float32; networks subtract the mean and divide by the deviation.

    >>> encoder = ImageEncoder.fit(np.array([[[[0]], [[4]]]], np.uint8))
    >>> encoder.shape, encoder.mean, encoder.deviation
    ((2, 1, 1), 2.0, 2.0)
    """

    shape: tuple[int, ...]
    mean: float
    deviation: float

    @staticmethod
    def fit(rows: np.ndarray) -> "ImageEncoder":
        """Learn from training rows (n, *space, channels); rows that are all alike are centred only."""
        if rows.dtype == np.uint8:
            values, counts = np.arange(256.0), np.bincount(rows.ravel(), minlength=256)
            mean = float(values @ counts / counts.sum())
            variance = float((values - mean) ** 2 @ counts / counts.sum())
        else:
            mean = float(rows.mean(dtype=np.float64))
            variance = float(np.square(rows - mean, dtype=np.float64).mean())
        return ImageEncoder(rows.shape[1:], mean, math.sqrt(variance) or 1.0)

    @property
    def input_layer(self) -> Pixels:
        return Pixels(self.mean, self.deviation)

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def vector(self) -> list[Layer]:
        first: list[Layer] = [self.input_layer, Conv(16), ReLU()]
        pooled: list[Layer] = [MaxPool()] if min(self.shape[:-1]) > 3 else []
        return [*first, *pooled, Conv(32), ReLU(), GlobalAveragePool()]

    def size(self, rows: int) -> Size:
        return image_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return image_space(rows, self.shape, goals)

    def describe(self, rows: int) -> list[str]:
        shape = " x ".join(map(str, self.shape[:-1]))
        return [f"images: {rows:,} of {shape} pixels, {'gray' if self.shape[-1] == 1 else 'colour'}"]

    def transform(self, rows: Any) -> np.ndarray:
        """Return rows as networks take them; raise `InputError` for anything but images of the same shape."""
        if not isinstance(rows, np.ndarray):
            raise InputError("the model was trained on images, but this is a table; give images")
        if rows.shape[1:] != self.shape:
            raise InputError(f"rows have shape {rows.shape[1:]}, but the model was trained on {self.shape}")
        return rows

    def as_numbers(self, rows: np.ndarray) -> Encoded:
        """Return each row as a vector of standardized numbers, for models that take no images."""
        flat = (rows.reshape(len(rows), -1).astype(np.float32) - np.float32(self.mean)) / np.float32(self.deviation)
        return Encoded(flat, np.zeros((len(rows), 0), np.int32))
