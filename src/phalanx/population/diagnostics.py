"""What goes on inside a network: saturated and dead units, gradients and updates, for each layer after each round."""

from typing import Any

import jax
import jax.numpy as jnp

from phalanx.layers.layer import Layer, along_last, names_weight
from phalanx.network import Network, layers_of
from phalanx.optimizers import LeastSquares
from phalanx.regularizers import Parameters

COLUMNS = ("saturated", "dead", "gradient_norm", "update_ratio")
"""What is measured of a layer.

`saturated`: share of outputs, over validation rows and units, within 1% of the range from a bound, where the derivative
nearly vanishes; of functions with two bounds. `dead`: share of units that are at a bound in every validation row, so
that no gradient passes. `gradient_norm`: ‖g‖ of the round's last step. `update_ratio`: ‖Δw‖ / ‖w‖ of the weights for
one more step with that gradient; near 0.001 is usual. Not a number where a layer has no such thing.
"""

NEAR = 0.01
"""Share of the range between two bounds that counts as at the bound."""


def bounded(network: Network) -> dict[str, Layer]:
    """Return the layers whose outputs have bounds."""
    return {name: layer for name, layer in layers_of(network) if layer.bounds is not None}


def at_bounds(bounds: tuple[Any, Any], h: jax.Array) -> jax.Array:
    """Say of each output whether it is at a bound; near it, where there are two."""
    low, high = (jnp.asarray(bound, h.dtype) for bound in bounds)
    slack = jnp.where(jnp.isfinite(high - low), NEAR * (high - low), 0)
    return (h <= low + slack) | (h >= high - slack)


def no_count(network: Network, widths: dict[str, int]) -> dict[str, tuple[jax.Array, jax.Array]]:
    """Return the count before any row: for each bounded layer a sum, and for each of its units whether it is stuck."""
    return {name: (jnp.zeros(()), jnp.ones(widths[name], bool)) for name in bounded(network)}


def count(network: Network, before: Any, kept: dict[str, jax.Array], masks: dict[str, Any], counts: jax.Array) -> Any:
    """Return the count with the outputs of more rows added, of which those with `counts` count, at real steps."""
    after = {}
    for name, layer in bounded(network).items():
        total, stuck = before[name]
        near = at_bounds(layer.bounds, kept[name])
        if layer.live is not None:
            near = near & (along_last(layer.live, near) > 0)
        mask = masks[name]
        real = counts if mask is None else counts[:, None] & mask
        real = jnp.broadcast_to(real.reshape(*real.shape, *[1] * (near.ndim - real.ndim)), near.shape)
        if mask is None:
            share = (near & real).sum(dtype=total.dtype) * (len(near) / near.size)
        else:
            each = tuple(range(1, near.ndim))
            number = real.sum(each, dtype=total.dtype)
            share = ((near & real).sum(each, dtype=total.dtype) / jnp.maximum(number, 1)).sum()
        after[name] = (total + share, stuck & (near | ~real).all(tuple(range(near.ndim - 1))))
    return after


def health(network: Network, counted: Any, rows: jax.Array, params: Parameters, gradient: Any, optimizer: Any) -> Any:
    """Return an array (layers, COLUMNS) after a round."""
    moved, _ = network.optimizer.step(gradient, optimizer, params)
    steps = not isinstance(network.optimizer, LeastSquares)
    nothing = jnp.asarray(jnp.nan, float)
    table = []
    for name, layer in layers_of(network):
        saturated = dead = slope = ratio = nothing
        if name in counted:
            total, stuck = counted[name]
            low, high = (jnp.isfinite(jnp.asarray(bound)) for bound in layer.bounds)
            live = jnp.ones(stuck.shape) if layer.live is None else layer.live
            dead = jnp.where((rows > 0) & (low | high), jnp.where(stuck, live, 0).sum() / live.sum(), nothing)
            saturated = jnp.where(low & high, total / rows * (len(stuck) / live.sum()), nothing)
        if params[name]:
            slope = _norm(gradient[name])
        weights = _weights(params[name])
        if weights and steps:
            change = jax.tree.map(lambda new, old: new - old, _weights(moved[name]), weights)
            size = _norm(weights)
            ratio = jnp.where(size > 0, _norm(change) / jnp.where(size > 0, size, 1), jnp.nan)
        table.append(jnp.stack([saturated, dead, slope, ratio]))
    return jnp.stack(table)


def _weights(params: Any) -> Any:
    return {key: value for key, value in params.items() if names_weight(key)}


def _norm(tree: Any) -> jax.Array:
    return jnp.sqrt(sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(tree)))
