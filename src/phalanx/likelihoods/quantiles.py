"""Quantiles of a distribution of which only the distribution function, mean and deviation are known."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

State = tuple[jax.Array, jax.Array, jax.Array]
"""Steps done, and the ends of the brackets."""


def quantile(
    cdf: Callable[[jax.Array], jax.Array],
    share: float | jax.Array,
    mean: jax.Array,
    deviation: jax.Array,
    *,
    whole: bool = False,
    steps: int = 50,
) -> jax.Array:
    """Return the smallest y with cdf(y) ≥ share, elementwise, by bisection; with `whole` the smallest whole number.

    The bracket is Cantelli's inequality: the quantile lies no more than deviation · √((1 − q)/q) below the mean and
    deviation · √(q/(1 − q)) above it. It is halved until no bracket holds a further value, or `steps` times.
    """
    low = mean - deviation * jnp.sqrt((1 - share) / share)
    high = mean + deviation * jnp.sqrt(share / (1 - share))
    if whole:  # a distribution function of counts is a staircase: search between whole numbers
        low, high = jnp.floor(low) - 1, jnp.ceil(high) + 1

    def centre(low: jax.Array, high: jax.Array) -> jax.Array:
        return jnp.floor((low + high) / 2) if whole else (low + high) / 2

    def unsettled(state: State) -> jax.Array:
        step, low, high = state
        middle = centre(low, high)
        return (step < steps) & ((low < middle) & (middle < high)).any()

    def halve(state: State) -> State:
        step, low, high = state
        middle = centre(low, high)
        enough = cdf(middle) >= share
        return step + 1, jnp.where(enough, low, middle), jnp.where(enough, middle, high)

    return lax.while_loop(unsettled, halve, (jnp.zeros((), int), low, high))[2]
