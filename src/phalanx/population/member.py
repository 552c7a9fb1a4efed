"""The life of one network: its start, and one round of training with Algorithm 7.1. Knows nothing of a population."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.blueprint import Blueprint
from phalanx.model import Batch, forward, fresh, initialize, remembers, row_shape, score
from phalanx.network import Network, layers_of
from phalanx.parts import at_progress
from phalanx.population.diagnostics import COLUMNS, bounded, count, health, no_count
from phalanx.population.steps import (
    Folds,
    Limits,
    Member,
    Sharing,
    State,
    horizon_of,
    network_at,
    one_of,
    real,
    take_steps,
)

VALID_ROWS = 128
"""Rows of a validation block."""


class Record(NamedTuple):
    """What the host sees of a round: mean training cost, validation cost and watched score, and how the member is.

    `layers`: its diagnostics, (layers, `diagnostics.COLUMNS`).
    """

    train_cost: Any
    valid_cost: Any
    best_score: Any
    best_round: Any
    active: Any
    diverged: Any
    layers: Any


def no_record(network: Network) -> Record:
    """Return the record of a member that has not trained."""
    layers = np.zeros((len(list(layers_of(network))), len(COLUMNS)), np.float32)
    return Record(*(np.float32(0),) * 3, np.int32(0), np.bool_(False), np.bool_(False), layers)


def begin(member: Member, trained: tuple[Any, Any]) -> State:
    """Return the state before the first step from given parameters and states."""
    network = at_progress(member.network, jnp.zeros(()))
    params, states = trained
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


def state_shape(network: Network, x: Any) -> State:
    """Return the shapes of a member's state for inputs like `x`, without making it."""
    zero = np.int32(0)
    member = Member(jax.tree.map(np.float32, network), np.uint32(0), zero, zero, zero, np.float32(0))
    return jax.eval_shape(begin, member, initialize(network, 0, row_shape(x)))


def bytes_of_a_member(network: Network, rows: Batch) -> int:
    """Estimate the memory a member takes: its state, three times (where it is moved, or brought to the host)."""
    leaves = jax.tree.leaves(state_shape(network, rows.x))
    return 3 * sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)


def one_round(
    member: Member, state: State, rows: Batch, folds: Folds, limits: Limits, sharing: Sharing
) -> tuple[State, Record]:
    """Train for a round, validate, and keep the best (Algorithm 7.1).

    Devices that share each batch all end with the same state.
    """
    horizon = horizon_of(limits)
    trained, total = take_steps(member, state, rows, folds.batches, limits.steps, horizon, sharing)
    params, states, optimizer, gradient = trained
    done = state.step + limits.steps
    network = network_at(member, done, horizon)
    train_cost = total / real(limits.steps)

    fold = one_of(member.fold, folds.valid)
    number = folds.valid_rows[fold]
    valid_cost, watched, counted = validate(network, params, states, rows, folds.valid[fold], number)
    finite = jnp.isfinite(train_cost) & ((number == 0) | jnp.isfinite(valid_cost))
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
        active=finite & (round_ < member.rounds) & patient & ~(valid_cost <= member.goal),
        diverged=~finite,
    )
    layers = health(network, counted, real(number), params, gradient, optimizer)
    record = Record(train_cost, valid_cost, after.best_score, after.best_round, after.active, after.diverged, layers)
    return after, record


def validate(
    network: Network, params: Any, states: Any, rows: Batch, index: jax.Array, number: jax.Array
) -> tuple[jax.Array, jax.Array, Any]:
    """Return the weighted mean cost and watched score over the first `number` rows of `index`, and what `count`ed."""
    keep = bounded(network)
    each = valid_block(network, states)

    def block(i: jax.Array, carry: tuple[jax.Array, Any, Any]) -> tuple[jax.Array, Any, Any]:
        sums, counted, states = carry
        first = i * each
        batch = jax.tree.map(lambda a: a[lax.dynamic_slice_in_dim(index, first, each)], rows)
        counts = first + jnp.arange(each) < number
        weight = jnp.where(counts, batch.weight, 0)
        passed = forward(network, params, states, batch.x, keep=keep)
        nll, watched = score(network, passed.z, batch.y)
        sums = sums + jnp.stack([(weight * nll).sum(), (weight * watched).sum(), weight.sum()])
        return sums, count(network, counted, passed.kept, passed.masks, counts), passed.states

    widths = {
        placed.name: placed.after[-1]
        for placed in Blueprint.of(network, row_shape(rows.x)).layers
        if placed.name in keep
    }
    nothing = jnp.zeros(3), no_count(network, widths), fresh(states, each)
    sums, counted, _ = lax.fori_loop(0, -(-number // each), block, nothing)
    return sums[0] / sums[2], sums[1] / sums[2], counted


def valid_block(network: Network, states: Any) -> int:
    """Return the rows of a validation block: as many as read in training, where they are read in order."""
    return network.batch_size if remembers(states) else VALID_ROWS
