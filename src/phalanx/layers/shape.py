"""Layers that change only how numbers are laid out."""

import math
from typing import Any

import jax
import numpy as np

from phalanx.layers.layer import At, Layer, Params, Reach
from phalanx.layers.spatial import zero_padding
from phalanx.parts import part


@part
class Flatten(Layer):
    """y = all numbers of a row as one axis, the last axis of x running fastest; of steps that are padding, zeros.

    >>> Flatten().output_shape((7, 7, 16))
    (784,)

    Source: notes H3; book 9.2.
    """

    @property
    def reach(self) -> Reach:
        return "row"

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        points = np.arange(math.prod(shape[:-1]))
        return (points[:, None] * shape[-1] + inputs).ravel(), {}

    def output_shape(self, shape: Any) -> Any:
        return (math.prod(shape),)

    def mask(self, x: Any, mask: Any) -> Any:
        return None

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return zero_padding(x, at.mask).reshape(len(x), math.prod(x.shape[1:])), state
