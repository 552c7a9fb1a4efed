"""Which precision products have on this machine, where a network leaves that open."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from phalanx.layers.layer import names_weight
from phalanx.layers.products import ROUNDED, product
from phalanx.model import initialize
from phalanx.network import Network
from phalanx.population.backend import devices

OPEN, USUAL = "auto", "float32"

_SECONDS = 0.02
"""How long the two are compared."""

_GAIN = 0.8
"""Rounded factors are taken where they need at most this part of the time: a rounding should be worth something."""

_PRODUCTS = 8
"""Products of a call: enough that what a call itself takes does not count."""


def precision_of(networks: Sequence[Network], shape: Any) -> str | None:
    """Return "float32" or "bfloat16", whichever networks with `precision="auto"` should have, as a trial says.

    None: no network leaves it open. `shape` is that of a row. Tried is a step of a batch through the largest weight
    that any of them has.
    """
    distinct = {jax.tree.structure(network): network for network in networks if network.precision == OPEN}
    if not distinct:
        return None
    sizes = [(network.batch_size, *weight) for network in distinct.values() for weight in _weights(network, shape)]
    return ROUNDED if sizes and pays(*max(sizes, key=lambda size: size[0] * size[1] * size[2])) else USUAL


def at_precision(network: Network, precision: str | None) -> Network:
    """Return a network with what `precision_of` said, where it leaves that open."""
    return network if precision is None or network.precision != OPEN else replace(network, precision=precision)


@cache
def pays(rows: int, inputs: int, outputs: int) -> bool:
    """Say whether a step with rounded factors is faster here by a fifth, with (rows, inputs) through one weight."""
    devices()  # the backend starts with all cores, whoever asks first
    x, weight = jnp.ones((rows, inputs)), jnp.ones((inputs, outputs))
    steps = [jax.jit(partial(_steps, precision)) for precision in (USUAL, ROUNDED)]
    for step in steps:
        jax.block_until_ready(step(x, weight))
    least, end = [float("inf")] * 2, time.perf_counter() + _SECONDS
    while time.perf_counter() < end:  # in turns, and the least: other programs disturb both
        least = [min(best, _seconds(step, x, weight)) for best, step in zip(least, steps, strict=True)]
    return least[1] < _GAIN * least[0]


def _steps(precision: str, x: jax.Array, weight: jax.Array) -> jax.Array:
    def one(_: Any, weight: jax.Array) -> jax.Array:
        z, back = jax.vjp(partial(product, precision=precision), x, weight)
        along, gradient = back(z)
        return weight - 1e-6 * (gradient + along.sum())

    return lax.fori_loop(0, _PRODUCTS, one, weight)


def _seconds(step: Callable[..., Any], *arguments: Any) -> float:
    began = time.perf_counter()
    jax.block_until_ready(step(*arguments))
    return time.perf_counter() - began


def _weights(network: Network, shape: Any) -> list[tuple[int, ...]]:
    """Return the shapes of all weights that are matrices."""
    params, _ = initialize(network, 0, shape)
    return [a.shape for held in params.values() for name, a in held.items() if names_weight(name) and a.ndim == 2]
