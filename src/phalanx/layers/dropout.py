"""Dropout of units."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from phalanx.layers.layer import At, Layer, Params
from phalanx.spec import Knob, field, part


@part
class Dropout(Layer):
    """Set each unit to 0 with probability `rate` in training, and divide the others by the share kept.

    h' = h ⊙ μ / (1 − rate), μ_i ~ Bernoulli(1 − rate), drawn anew for each row and step; the identity outside
    training (MAP F10, the "inverted" variant of Srivastava et al. 2014: dividing in training instead of multiplying
    weights afterwards).

    `rate`: probability in [0, 1) (default 0.5), rounded to a multiple of 1/256, as a random byte decides each unit.
    """

    rate: Knob = field(default=0.5, at_least=0, below=1)

    def noise(self, shape: Any) -> int:
        return math.prod(shape)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        if at.noise is None:
            return x, state
        dropped = jnp.clip(jnp.round(self.rate * 256), 0, 255)
        kept = at.noise.reshape(x.shape) >= dropped.astype(jnp.uint8)
        scale = (256 / (256 - dropped)).astype(x.dtype)
        return jnp.where(kept, x * scale, 0), state
