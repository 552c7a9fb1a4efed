"""The optimizer steps of a round, for one network: its batches, its noise, its gradients."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from phalanx.blueprint import Blueprint, Noise
from phalanx.layers.layer import arrays_of
from phalanx.model import Batch, cost, remembers, row_shape, step
from phalanx.network import Network
from phalanx.parts import at_progress
from phalanx.population import noise as noises

GATHERED = 2**20
"""Numbers in all batches of a round, up to which they are gathered at once: four megabytes in single precision."""

PIECE = 2**17
"""Numbers that a piece of a batch has in its widest layer, where a batch of images is cut to stay in a core's cache."""


class Member(NamedTuple):
    """What makes a network one of a population: its specification, the seed of its weights and noise, its fold, and the
    `line` of its batches: that of its fold, and of the step it is at.

    `rounds` bounds its training; so does `goal`, a validation cost that is low enough (−inf: none is).
    """

    network: Network
    seed: Any
    fold: Any
    line: Any
    rounds: Any
    goal: Any


class State(NamedTuple):
    """All that changes while a network trains. Integers instead of keys, so that it has a NumPy form."""

    params: Any
    states: Any
    optimizer: Any
    step: jax.Array
    round: jax.Array
    best: tuple[Any, Any]
    best_score: jax.Array
    best_round: jax.Array
    worse: jax.Array
    active: jax.Array
    diverged: jax.Array


class Folds(NamedTuple):
    """Which rows members train on and watch: `batches` (lines, steps, batch) row numbers of this round, `valid`
    (folds, rows) row numbers and `valid_rows` (folds,) how many of them count.
    """

    batches: Any
    valid: Any
    valid_rows: Any


class Sharing(NamedTuple):
    """How a batch is divided: over `ranks` devices, on the mesh axis `data`; and on each, if it has a `cache`, into
    pieces that stay there.
    """

    ranks: int = 1
    cache: bool = False


class Limits(NamedTuple):
    """The steps of a round, and the rounds of the whole run, which are the horizon of schedules."""

    steps: Any
    max_rounds: Any


def real(number: jax.typing.ArrayLike) -> jax.Array:
    """Return a number as a floating-point array, of JAX's usual precision."""
    return jnp.asarray(number, float)


def horizon_of(limits: Limits) -> jax.Array:
    """Return the steps of the whole run, a floating-point number: they may be more than 32 bits count."""
    return real(limits.max_rounds) * real(limits.steps)


def network_at(member: Member, step: jax.Array, horizon: jax.Array) -> Network:
    """Return the network with its schedules as they are after a step; beyond the horizon they keep their last value."""
    return at_progress(member.network, jnp.minimum(real(step) / horizon, 1.0))


def one_of(number: Any, several: jax.Array) -> Any:
    """Return the member's number among several; a constant where there is one only, so that all of a block share it."""
    return 0 if len(several) == 1 else number


def take_steps(
    member: Member,
    state: State,
    rows: Batch,
    batches: jax.Array,
    steps: jax.Array,
    horizon: jax.Array,
    sharing: Sharing,
) -> tuple[tuple[Any, Any, Any, Any], jax.Array]:
    """Take the optimizer steps of a round.

    Returns parameters, states, optimizer state and last gradient, and the sum of the costs.
    """
    plan = Blueprint.of(member.network, row_shape(rows.x))
    needed = plan.noise(state.params)
    batch_size = batches.shape[2]
    ranks = sharing.ranks
    share = batch_size // ranks
    each = _piece(plan, row_shape(rows.x), share) if sharing.cache and not remembers(state.states) else share
    rank = lax.axis_index("data") if ranks > 1 else 0
    over = "data" if ranks > 1 else None
    noise_key, line = jax.random.key(member.seed), one_of(member.line, batches)

    def own(rows: jax.Array) -> jax.Array:
        return lax.dynamic_slice_in_dim(rows, rank * share, share)

    if ranks == 1 and batches[0].size * sum(math.prod(a.shape[1:]) for a in jax.tree.leaves(rows)) <= GATHERED:
        together = jax.tree.map(lambda a: a[batches[line]], rows)

        def batch_at(t: jax.Array) -> Batch:
            return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, t, keepdims=False), together)
    else:

        def batch_at(t: jax.Array) -> Batch:
            index = lax.dynamic_slice(batches[line, t], (rank * share,), (share,))
            return jax.tree.map(lambda a: a[index], rows)

    def one_step(t: jax.Array, drawn: Noise, carry: Any) -> Any:
        (params, states, optimizer, _), total = carry
        network = network_at(member, state.step + t, horizon)
        batch = batch_at(t)
        noise = drawn._replace(rows=jax.tree.map(own, drawn.rows))
        (data, states), gradient = _slope(
            network, network.optimizer.look(params, optimizer), states, batch, noise, over, each
        )
        if ranks > 1:
            gradient, data = lax.pmean((gradient, data), "data")
        params, optimizer = step(network, params, optimizer, gradient, noise)
        return (params, states, optimizer, gradient), total + data

    nothing = jax.tree.map(jnp.zeros_like, state.params)
    carry = (state.params, state.states, state.optimizer, nothing), jnp.zeros(())
    if not any(needed):
        return lax.fori_loop(0, steps, lambda t, carry: one_step(t, needed, carry), carry)

    def chunk(i: jax.Array, carry: Any) -> Any:
        first = i * noises.STEPS
        drawn = noises.draw(plan, needed, jax.random.fold_in(noise_key, state.step + first), batch_size)
        last = jnp.minimum(first + noises.STEPS, steps)

        def at(t: jax.Array, carry: Any) -> Any:
            return one_step(t, noises.at_step(drawn, t - first), carry)

        return lax.fori_loop(first, last, at, carry)

    return lax.fori_loop(0, -(-steps // noises.STEPS), chunk, carry)


def _piece(plan: Blueprint, shape: Any, rows: int) -> int:
    """Return how many rows of a batch are computed at a time: all where they are vectors, and of images, or of parts
    some of which are, as the cache holds.
    """
    if all(len(one) < 2 for one in arrays_of(shape)) or plan.keeps_batches_whole:
        return rows
    most = max(PIECE // plan.widest, 1)
    return max(n for n in range(1, min(most, rows) + 1) if rows % n == 0)


def _slope(
    network: Network, params: Any, states: Any, batch: Batch, noise: Noise, over: str | None, each: int
) -> tuple[tuple[jax.Array, Any], Any]:
    """Return the cost of the data and the new states, and the gradient, the mean of those of pieces of `each` rows."""

    def of(states: Any, batch: Batch, rows: Any) -> tuple[jax.Array, Any, Any]:
        (_, (data, after)), gradient = jax.value_and_grad(
            lambda p: cost(network, p, states, batch, noise._replace(rows=rows), over), has_aux=True
        )(params)
        return data, after, gradient

    count = len(batch.weight) // each
    if count == 1:
        data, after, gradient = of(states, batch, noise.rows)
        return (data, after), gradient
    pieces = jax.tree.map(lambda a: a.reshape(count, each, *a.shape[1:]), (batch, noise.rows))

    def add(sums: Any, piece: Any) -> tuple[Any, None]:
        total, states, gradients = sums
        data, after, gradient = of(states, *piece)
        return (total + data / count, after, jax.tree.map(lambda a, b: a + b / count, gradients, gradient)), None

    nothing = jnp.zeros((), batch.weight.dtype), states, jax.tree.map(jnp.zeros_like, params)
    (data, after, gradient), _ = lax.scan(add, nothing, pieces)
    return (data, after), gradient
