"""The life of one network: its start, and one round of training with Algorithm 7.1. Knows nothing of a population."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.model import Batch, Network, cost, forward, initialize, noise_bytes, score
from phalanx.spec import at_progress

NOISE_STEPS = 16
"""Steps whose random bytes are drawn in one operation."""

VALID_ROWS = 128
"""Rows of a validation block."""


class Member(NamedTuple):
    """What makes a network one of a population: its specification, the seed of its weights and noise, its fold."""

    network: Network
    seed: Any
    fold: Any


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
    """Which rows each fold trains on and watches: `batches` (folds, steps, batch) row numbers of this round,
    `valid` (folds, rows) row numbers and `valid_rows` (folds,) how many of them count.
    """

    batches: Any
    valid: Any
    valid_rows: Any


class Limits(NamedTuple):
    """Numbers that bound a round: its steps, and the rounds of the whole run."""

    steps: Any
    max_rounds: Any


class Record(NamedTuple):
    """What the host sees of a round: mean training cost, validation cost and watched score, and how the member is."""

    train_cost: Any
    valid_cost: Any
    best_score: Any
    best_round: Any
    active: Any
    diverged: Any


NO_RECORD = Record(*(np.float32(0),) * 3, np.int32(0), np.bool_(False), np.bool_(False))
"""The record of a member that has not trained."""


def real(number: jax.typing.ArrayLike) -> jax.Array:
    """Return a number as a floating-point array, of JAX's usual precision."""
    return jnp.asarray(number, float)


def row_shape(x: Any) -> Any:
    """Return the shape of one row of inputs: of an array, or of each array of a table."""
    return jax.tree.map(lambda a: a.shape[1:], x) if isinstance(x, tuple) else x.shape[1:]


def start(member: Member, x: Any) -> State:
    """Return the state before the first step, for inputs like `x`."""
    network = at_progress(member.network, jnp.zeros(()))
    params, states = initialize(network, _keys(member)[0], row_shape(x))
    zero = jnp.zeros((), jnp.int32)
    state = State(
        params=params,
        states=states,
        optimizer=network.optimizer.init(params),
        step=zero,
        round=zero,
        best=(params, states),
        best_score=real(jnp.inf),
        best_round=zero,
        worse=zero,
        active=jnp.ones((), bool),
        diverged=jnp.zeros((), bool),
    )
    # Types as they are after a round, or the first round would be compiled twice.
    return jax.tree.map(lambda a: lax.convert_element_type(a, a.dtype), state)


def one_round(
    member: Member, state: State, rows: Batch, folds: Folds, limits: Limits, ranks: int
) -> tuple[State, Record]:
    """Train for a round, validate, and keep the best (Algorithm 7.1).

    `ranks` devices share each batch, on the mesh axis `data`; every one of them ends with the same state.
    """
    horizon = real(limits.max_rounds * limits.steps)
    params, states, optimizer, total = _steps(member, state, rows, folds.batches, limits.steps, horizon, ranks)
    done = state.step + limits.steps
    network = at_progress(member.network, real(done) / horizon)
    train_cost = total / real(limits.steps)

    fold = _fold(member, folds.valid)
    count = folds.valid_rows[fold]
    valid_cost, watched = _validate(network, params, states, rows, folds.valid[fold], count)
    finite = jnp.isfinite(train_cost) & ((count == 0) | jnp.isfinite(valid_cost))
    better = finite if network.stopping is None else finite & (watched < state.best_score)
    worse = jnp.where(better, 0, state.worse + 1)
    round_ = state.round + 1
    patient = True if network.stopping is None else real(worse) < network.stopping.patience
    after = State(
        params=params,
        states=states,
        optimizer=optimizer,
        step=done,
        round=round_,
        best=jax.tree.map(lambda new, old: jnp.where(better, new, old), (params, states), state.best),
        best_score=jnp.where(better, watched, state.best_score),
        best_round=jnp.where(better, round_, state.best_round),
        worse=worse,
        active=finite & (round_ < limits.max_rounds) & patient,
        diverged=~finite,
    )
    return after, Record(train_cost, valid_cost, after.best_score, after.best_round, after.active, after.diverged)


def _keys(member: Member) -> jax.Array:
    """Return the keys of the member's initial weights and of its noise."""
    return jax.random.split(jax.random.key(member.seed))


def _steps(
    member: Member, state: State, rows: Batch, batches: jax.Array, steps: jax.Array, horizon: jax.Array, ranks: int
) -> tuple[Any, Any, Any, jax.Array]:
    """Take the optimizer steps of a round; return parameters, states, optimizer state and the sum of the costs."""
    counts = noise_bytes(member.network, row_shape(rows.x))
    batch_size = batches.shape[2]
    share = batch_size // ranks
    rank = lax.axis_index("data") if ranks > 1 else 0
    noise_key, fold = _keys(member)[1], _fold(member, batches)

    def draw(first: jax.Array) -> jax.Array:
        """Return the random bytes of the steps from `first` on, four of them from each random word."""
        shape = (NOISE_STEPS, batch_size, -(-sum(counts) // 4))
        words = jax.random.bits(jax.random.fold_in(noise_key, first), shape, jnp.uint32)
        return lax.bitcast_convert_type(words, jnp.uint8).reshape(*shape[:2], -1)

    def step(t: jax.Array, noise: jax.Array | None, carry: Any) -> Any:
        params, states, optimizer, total = carry
        network = at_progress(member.network, real(state.step + t) / horizon)
        index = lax.dynamic_slice(batches[fold, t], (rank * share,), (share,))
        batch = jax.tree.map(lambda a: a[index], rows)
        bits = _split(None if noise is None else lax.dynamic_slice_in_dim(noise, rank * share, share), counts)
        (_, (data, states)), grads = jax.value_and_grad(lambda p: cost(network, p, states, batch, bits), has_aux=True)(
            params
        )
        if ranks > 1:
            grads, data = lax.pmean((grads, data), "data")
        params, optimizer = network.optimizer.update(grads, optimizer, params)
        return params, states, optimizer, total + data

    carry = (state.params, state.states, state.optimizer, jnp.zeros(()))
    if not sum(counts):
        return lax.fori_loop(0, steps, lambda t, carry: step(t, None, carry), carry)

    def chunk(i: jax.Array, carry: Any) -> Any:
        first = i * NOISE_STEPS
        noise = draw(state.step + first)
        last = jnp.minimum(first + NOISE_STEPS, steps)
        return lax.fori_loop(first, last, lambda t, carry: step(t, noise[t - first], carry), carry)

    return lax.fori_loop(0, -(-steps // NOISE_STEPS), chunk, carry)


def _fold(member: Member, by_fold: jax.Array) -> Any:
    """Return the member's fold; a constant where there is one only, so that members of a block share its rows."""
    return 0 if len(by_fold) == 1 else member.fold


def _split(noise: jax.Array | None, counts: list[int]) -> list[Any]:
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    return [None if noise is None else noise[:, end - n : end] for n, end in zip(counts, ends, strict=True)]


def _validate(
    network: Network, params: Any, states: Any, rows: Batch, index: jax.Array, count: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return the weighted mean cost and watched score over the first `count` rows of `index`."""

    def block(i: jax.Array, sums: jax.Array) -> jax.Array:
        first = i * VALID_ROWS
        batch = jax.tree.map(lambda a: a[lax.dynamic_slice_in_dim(index, first, VALID_ROWS)], rows)
        weight = jnp.where(first + jnp.arange(VALID_ROWS) < count, batch.weight, 0)
        z, _ = forward(network, params, states, batch.x, None)
        nll, watched = score(network, z, batch.y)
        return sums + jnp.stack([(weight * nll).sum(), (weight * watched).sum(), weight.sum()])

    sums = lax.fori_loop(0, -(-count // VALID_ROWS), block, jnp.zeros(3))
    return sums[0] / sums[2], sums[1] / sums[2]
