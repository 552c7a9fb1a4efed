"""Products of rows with weights, in single precision, or of factors rounded to bfloat16 and summed in float32.

A bfloat16 has the exponent of a float32 and 8 binary digits in place of 24. Processors with units of their own for it
multiply several times faster. What is rounded are the two factors of a product; results, sums, weights and what the
optimizer keeps stay as they are. On a CPU the compiler passes only plain products of two matrices on to these units,
the left one stored as it is and the right one as it is or transposed, so all are written in this form.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

PRECISIONS = ("float32", "bfloat16", "auto")
"""What factors may be: as they are; rounded; or rounded where that is found to be faster (`population.precision`)."""

ROUNDED = "bfloat16"

_PLAIN, _SECOND_TURNED = (((1,), (0,)), ((), ())), (((1,), (1,)), ((), ()))


def rounded(a: Any, precision: str) -> Any:
    """Return a factor as it is multiplied: the same array, or rounded to bfloat16.

    >>> rounded(jnp.array([1 / 3]), "bfloat16").astype(float).tolist()
    [0.333984375]
    """
    return jnp.asarray(a, jnp.bfloat16) if precision == ROUNDED else a


def times(x: jax.Array, weight: Any, precision: str) -> jax.Array:
    """Return x W over the last axis of x."""
    return _dot(x, weight, _PLAIN, x.dtype) if precision == ROUNDED else x @ weight


def times_transposed(x: jax.Array, weight: Any, precision: str) -> jax.Array:
    """Return x Wᵀ over the last axis of x."""
    return _dot(x, weight, _SECOND_TURNED, x.dtype) if precision == ROUNDED else x @ weight.T


def summed_over_rows(x: jax.Array, y: jax.Array, precision: str) -> jax.Array:
    """Return xᵀ y, the sum over all axes but the last of the products of each pair of their numbers.

    It is formed from a copy of xᵀ: on the CPU the product of a matrix in place with its transpose misses the fast path;
    the barrier keeps the copy from being folded back (measured in `benchmarks/README.md`).
    """
    x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    if precision != ROUNDED:
        return lax.optimization_barrier(x.T) @ y
    # by way of three axes: a plain transpose would say that the copy is stored transposed, and be multiplied in float32
    copy = rounded(x, precision)[:, None].transpose(2, 1, 0).reshape(x.shape[::-1])
    return _dot(lax.optimization_barrier(copy), y, _PLAIN, y.dtype)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def product(x: jax.Array, weight: Any, precision: str = "float32") -> jax.Array:
    """Return x W over the last axis of x, whose gradients x̄ = ȳ Wᵀ and W̄ = xᵀ ȳ have the same precision.

    >>> product(jnp.ones((2, 3)), jnp.full((3, 1), 1 / 3), "bfloat16").tolist()
    [[1.001953125], [1.001953125]]
    """
    return times(x, weight, precision)


def _forward(x: jax.Array, weight: Any, precision: str) -> tuple[jax.Array, tuple[jax.Array, Any]]:
    return times(x, weight, precision), (x, weight)


def _backward(precision: str, kept: tuple[jax.Array, Any], slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, weight = kept
    return times_transposed(slope, weight, precision), summed_over_rows(x, slope, precision)


product.defvjp(_forward, _backward)


def _dot(x: jax.Array, weight: Any, axes: Any, dtype: Any) -> jax.Array:
    """Return the product of rounded factors over some of their axes."""
    rows = rounded(x, ROUNDED).reshape(-1, x.shape[-1])
    z = lax.dot_general(rows, rounded(weight, ROUNDED), axes, preferred_element_type=jnp.float32)
    return z.reshape(*x.shape[:-1], z.shape[-1]).astype(dtype)
