"""The first layer of rows that have different lengths: recordings as frames, series as windows."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.layers.layer import At, Layer, Params
from phalanx.parts import part


@part
class Frames(Layer):
    """h = x with 0 in place of steps that do not exist; rows are numbers, (steps, channels).

    A step does not exist where its first channel is NaN, which is how rows are padded to one length: layers that
    follow pass over such steps.

    Source: notes I1.
    """

    @property
    def masks(self) -> bool:
        return True

    @property
    def example(self) -> Any:
        return np.where(np.arange(7)[:, None] < 4, np.zeros((7, 4), np.float32), np.nan)

    def mask(self, x: Any, mask: Any) -> Any:
        first = x.reshape(*x.shape[:2], -1)[..., 0]
        return first == first  # which NaN is not

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return jnp.where(jnp.isnan(x), 0, x), state
