"""The first layer of images: pixels as they are stored become numbers of mean 0 and deviation 1."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.layers.layer import At, Layer, Params
from phalanx.parts import Knob, field, part


@part
class Pixels(Layer):
    """h = (x − mean) / deviation, for x in raw units: whole numbers from 0 to 255 as pictures hold them, or floats.

    It is put first where the data are images, with the numbers of the training rows, so that data stay in bytes until
    they are used.

    `mean`, `deviation`: of all pixels and channels, in units of x (defaults 0 and 1: x as it is). Where the data are
    images, what is given stays, and what is left at its default is that of the training rows.
    Source: notes F2; book 12.2.1.
    """

    mean: Knob = field(default=0.0)
    deviation: Knob = field(default=1.0, above=0)

    @property
    def learned(self) -> tuple[str, ...]:
        return ("mean", "deviation")

    @property
    def example(self) -> Any:
        return np.full((6, 6, 4), 255, np.uint8)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return (jnp.asarray(x, float) - self.mean) / self.deviation, state
