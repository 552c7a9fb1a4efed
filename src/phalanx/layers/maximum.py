"""The larger of numbers, with a derivative that does not ask which of them equals the result.

JAX asks, and a compiled program may compute a number twice, with roundings that differ: then none of them equals the
result and the gradient is lost, as with layer normalization before a maxout unit on CPUs.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


@jax.custom_jvp
def larger(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return max(a, b), elementwise. NaN comes through; the gradient goes to the larger, and equal numbers halve it."""
    return jnp.maximum(a, b)


@larger.defjvp
def _larger_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (a, b), (da, db) = primals, tangents
    one, half, none = (jnp.asarray(share, a.dtype) for share in (1, 0.5, 0))
    share = jnp.where(a > b, one, jnp.where(a == b, half, none))
    return larger(a, b), share * da + (1 - share) * db


def largest(x: jax.Array, axis: int) -> jax.Array:
    """Return the largest number along an axis: halves of it are compared until one place is left."""
    while (length := x.shape[axis]) > 1:
        half = length // 2
        first, second = (lax.slice_in_dim(x, at, at + half, axis=axis) for at in (0, half))
        rest = lax.slice_in_dim(x, 2 * half, length, axis=axis)
        x = larger(first, second)
        x = jnp.concatenate([x, rest], axis) if length % 2 else x
    return x.squeeze(axis)
