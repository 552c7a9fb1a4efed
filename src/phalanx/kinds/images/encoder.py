"""The encoder of images: what it learns from training rows, and the shape every image must have."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from phalanx.data.encoded import Encoded
from phalanx.errors import InputError


@dataclass(frozen=True)
class ImageEncoder:
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
    def cardinalities(self) -> tuple[int, ...]:
        """The categories of each column of codes, of which there are none."""
        return ()

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

    def to_plain(self) -> dict[str, Any]:
        """Return the state as lists and numbers."""
        return {**asdict(self), "shape": list(self.shape)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "ImageEncoder":
        """Return the encoder whose `to_plain` this is."""
        return ImageEncoder(tuple(plain["shape"]), plain["mean"], plain["deviation"])
