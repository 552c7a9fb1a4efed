"""Normal noise, and the layer that adds it to values."""

import math
from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params, described, has_parts, is_table
from phalanx.parts import Knob, field, part

BYTES_A_NUMBER = 2
"""Random bytes that `normal` uses for one number."""


def normal(noise: jax.Array, dtype: Any) -> jax.Array:
    """Return standard normal numbers made of random bytes, shape (..., 2n) to (..., n).

    Two bytes are one of 65536 equally likely levels of the distribution function, the middle of each; so numbers lie
    within ±4.33 and have variance 0.9999.
    """
    pairs = noise.reshape(*noise.shape[:-1], -1, BYTES_A_NUMBER).astype(dtype)
    return ndtri((256 * pairs[..., 0] + pairs[..., 1] + 0.5) / 65536)


@part
class GaussianNoise(Layer):
    """h' = h + n with n ~ N(0, σ²), drawn anew for each number, row and step of training; the identity outside it.

    As the first layer it shows several noisy copies of each datum (data augmentation). Of a table, whose inputs are
    numbers and category codes, the numbers get noise. It is normal on 65536 levels, at most 4.3 deviations from 0.

    `deviation`: σ, in units of h (default 0.1). A table's numbers are in interquartile ranges of their column, which
    are 1.35 deviations where it is normal, and bent towards ±3; with `scaling="standard"` they are in deviations.
    Raises `InputError` for rows of several parts, and in training for whole numbers.
    Source: notes F2; book 7.4.
    """

    deviation: Knob = field(default=0.1, at_least=0)

    @property
    def tables(self) -> bool:
        return True

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]] | None:
        return None if has_parts(shape) else (inputs, {})

    def neutral(self) -> Self | None:
        return replace(self, deviation=0.0)

    def output_shape(self, shape: Any) -> Any:
        if has_parts(shape) and not is_table(shape):
            raise InputError(
                f"GaussianNoise needs rows of one array or of a table, but gets {described(shape)}; put it in a branch"
            )
        return shape

    def noise(self, shape: Any) -> int:
        return BYTES_A_NUMBER * math.prod(shape[0] if is_table(shape) else shape)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[Any, Params]:
        if at.noise is None:
            return x, state
        numbers, *codes = x if isinstance(x, tuple) else (x,)
        if not jnp.issubdtype(numbers.dtype, jnp.floating):
            raise InputError(f"GaussianNoise is added to numbers, but gets whole numbers of type {numbers.dtype}")
        noisy = numbers + self.deviation * normal(at.noise, numbers.dtype).reshape(numbers.shape)
        return (noisy, *codes) if isinstance(x, tuple) else noisy, state
