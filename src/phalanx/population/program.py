"""The compiled programs. This is the one place where the member axis is added to what is written for one network.

All take everything as arguments and are compiled once for a structure, a capacity and the shapes of a row: a second
fit, other knob values, seeds or numbers of rows compile nothing.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from phalanx.blueprint import Blueprint
from phalanx.model import Batch, forward, fresh, row_shape
from phalanx.network import Network, heads
from phalanx.parts import at_progress
from phalanx.population import noise as noises
from phalanx.population.member import Record, begin, no_record, one_round, validate
from phalanx.population.steps import Folds, Limits, Member, Sharing, State

BY_MEMBER, EVERYWHERE = P("member"), P()


# What runs once is compiled without optimization: it starts sooner.
@partial(jax.jit, static_argnames="mesh", compiler_options={"xla_backend_optimization_level": 0})
def begin_all(members: Member, trained: tuple[Any, Any], mesh: Mesh) -> State:
    """Return the state of every member before its first step, from given parameters and states."""
    state = jax.vmap(begin)(members, trained)
    return jax.lax.with_sharding_constraint(state, NamedSharding(mesh, BY_MEMBER))


@partial(jax.jit, static_argnames=("mesh", "width"), donate_argnames="state")
def advance(
    members: Member, state: State, rows: Batch, folds: Folds, limits: Limits, active: jax.Array, mesh: Mesh, width: int
) -> tuple[State, Record]:
    """Train a round of the first `active[d]` members on each device d, in blocks of `width`; leave the others alone."""
    sharing = Sharing(mesh.shape["data"], cache=mesh.devices.flat[0].platform == "cpu")

    def on_device(
        members: Member, state: State, active: jax.Array, rows: Batch, folds: Folds, limits: Limits
    ) -> tuple[State, Record]:
        def train(member: Member, state: State) -> tuple[State, Record]:
            return one_round(member, state, rows, folds, limits, sharing)

        def block(i: jax.Array, carry: tuple[State, Record]) -> tuple[State, Record]:
            if width == 1:
                this, old = jax.tree.map(lambda a: a[i], (members, carry[0]))
                after = train(this, old)
                return jax.tree.map(lambda whole, one: whole.at[i].set(one), carry, after)
            this, old = jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, i * width, width), (members, carry))
            after = jax.vmap(train)(this, old[0])
            kept = jax.vmap(lambda was, new, old: jax.tree.map(partial(lax.select, was), new, old))(
                old[0].active, after, old
            )
            return jax.tree.map(lambda w, b: lax.dynamic_update_slice_in_dim(w, b, i * width, 0), carry, kept)

        records = jax.tree.map(lambda a: jnp.broadcast_to(a, (*state.step.shape, *a.shape)), no_record(members.network))
        return lax.fori_loop(0, -(-active[0] // width), block, (state, records))

    return jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(BY_MEMBER, BY_MEMBER, BY_MEMBER, EVERYWHERE, EVERYWHERE, EVERYWHERE),
        out_specs=BY_MEMBER,
        check_vma=False,
    )(members, state, active, rows, folds, limits)


@partial(jax.jit, static_argnames="mesh", donate_argnames="state")
def reorder(members: Member, state: State, order: jax.Array, mesh: Mesh) -> tuple[Member, State]:
    """Return members and states in another order, which keeps the active ones in front on each device."""
    moved = jax.tree.map(lambda a: a[order], (members, state))
    return jax.lax.with_sharding_constraint(moved, NamedSharding(mesh, BY_MEMBER))


@partial(jax.jit, static_argnames="mesh", donate_argnames="state")
def exchange(enters: jax.Array, begun: State, state: State, mesh: Mesh) -> State:
    """Return the states with those `begun` at the places where a member `enters`."""
    chosen = jax.vmap(lambda new, one, other: jax.tree.map(partial(lax.select, new), one, other))(enters, begun, state)
    return jax.lax.with_sharding_constraint(chosen, NamedSharding(mesh, BY_MEMBER))


@jax.jit
def mean_cost(
    network: Network, params: Any, states: Any, rows: Batch, index: jax.Array, number: jax.Array, progress: Any
) -> jax.Array:
    """Return the mean cost of the first `number` rows of `index`, without penalties and noise."""
    return validate(at_progress(network, progress), params, states, rows, index, number)[0]


@partial(jax.jit, static_argnames=("ask", "width"))
def answers(members: Any, number: jax.Array, x: Any, *given: Any, ask: Callable[..., Any], width: int) -> Any:
    """Return what `ask(network, params, states, x, *given)` says of a block of rows for the first `number` members.

    `members` holds networks, parameters, states and progress, stacked, in blocks of `width`. The answers of the other
    members are 0.
    """

    def one(member: Any) -> Any:
        network, params, states, progress = member
        return ask(at_progress(network, progress), params, states, x, *given)

    def block(i: jax.Array, found: Any) -> Any:
        if width == 1:
            said = one(jax.tree.map(lambda a: a[i], members))
            return jax.tree.map(lambda whole, one: whole.at[i].set(one), found, said)
        said = jax.vmap(one)(jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, i * width, width), members))
        return jax.tree.map(lambda w, b: lax.dynamic_update_slice_in_dim(w, b, i * width, 0), found, said)

    shapes = jax.eval_shape(jax.vmap(one), members)
    return lax.fori_loop(0, -(-number // width), block, jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes))


def outputs(network: Network, params: Any, states: Any, x: Any) -> tuple[jax.Array, ...]:
    """Return one network's outputs z for a block of rows, of each head."""
    return forward(network, params, fresh(states, len(jax.tree.leaves(x)[0])), x).z


def predictions(network: Network, params: Any, states: Any, x: Any) -> tuple[jax.Array, ...]:
    """Return one network's predictions for a block of rows, of each head: see `means`."""
    return means(network, outputs(network, params, states, x))


def sampled_predictions(
    network: Network, params: Any, states: Any, x: Any, samples: jax.Array, seed: jax.Array
) -> tuple[jax.Array, ...]:
    """Return the mean of the predictions of as many thinned networks: each draws its masks once, for all rows.

    So a row's answer does not depend on its neighbours.
    """

    def thinned(i: jax.Array) -> tuple[jax.Array, ...]:
        return means(network, thinned_outputs(network, params, states, x, i, seed))

    zero = jnp.zeros((), jnp.int32)
    total = lax.fori_loop(1, samples, lambda i, sums: jax.tree.map(jnp.add, sums, thinned(i)), thinned(zero))
    return jax.tree.map(lambda sums: sums / samples.astype(sums.dtype), total)


def thinned_outputs(
    network: Network, params: Any, states: Any, x: Any, number: jax.Array, seed: jax.Array
) -> tuple[jax.Array, ...]:
    """Return the outputs z of a thinned network, that of so high a `number` among those of `sampled_predictions`."""
    plan = Blueprint.of(network, row_shape(x))
    needed = plan.noise(params)
    rows = len(jax.tree.leaves(x)[0])
    drawn = noises.at_step(noises.draw(plan, needed, jax.random.fold_in(jax.random.key(seed), number), 1), 0)
    noise = drawn._replace(rows=jax.tree.map(lambda a: jnp.broadcast_to(a, (rows, a.shape[-1])), drawn.rows))
    return forward(network, params, fresh(states, rows), x, noise).z


def means(network: Network, z: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """Return probabilities (rows, classes), or means (rows, d), of each head."""
    return tuple(head.likelihood.mean(output) for head, output in zip(heads(network), z, strict=True))
