"""One network on one batch: the cost J̃(θ; x, y) and the prediction, from the parts of a specification."""

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.blueprint import Blueprint, Noise, named_regularizers
from phalanx.errors import InputError
from phalanx.layers import At, Layer, Params
from phalanx.layers.layer import drawn
from phalanx.network import Network, branches, heads, layers_of
from phalanx.parts import at_progress, names
from phalanx.regularizers import Cost, Parameters

MEMORY = "memory"
"""How the names of states begin that have a row for each row of a batch."""

EACH_STEP, MEAN = "each step", "mean cost"
"""The scopes in which steps become rows, and the rows' costs one, beside those that are called as layers, regularizers
and heads are.
"""


class Batch(NamedTuple):
    """Rows: inputs (an array, or a tuple of parts, each an array or a table's two), targets (a tuple, one a head),
    and weights of mean 1.

    The first axis of each array counts the rows.
    """

    x: Any
    y: tuple[Any, ...]
    weight: Any


class Passed(NamedTuple):
    """What comes out of a forward pass: the output of each head, the new states, the outputs asked for by name, and
    which of their steps are real (see `Layer.mask`)."""

    z: tuple[jax.Array, ...]
    states: dict[str, Params]
    kept: dict[str, jax.Array]
    masks: dict[str, Any]


def initialize(network: Network, seed: int, shape: Any) -> tuple[Parameters, dict[str, Params]]:
    """Return the parameters to learn and the states of all layers, by layer name, as arrays of NumPy.

    `shape` is that of one row. Each layer draws from a stream of its own; schedules are at their beginning.
    """
    params: Parameters = {}
    states: dict[str, Params] = {}
    for i, (name, layer, before, _) in enumerate(Blueprint.of(network, shape).layers):
        params[name], states[name] = drawn(at_progress(layer, 0.0), np.random.default_rng([seed, i]), before)
    for regularizer in network.regularizers:
        params = regularizer.untie(params)
    return params, fresh(states, network.batch_size, np.zeros)


def fresh(states: dict[str, Params], rows: int, zeros: Callable[..., Any] = jnp.zeros) -> dict[str, Params]:
    """Return the states with a memory of nothing for each of so many rows, which `zeros` makes."""
    return {
        layer: {
            name: zeros((rows, *value.shape[1:]), value.dtype) if name.startswith(MEMORY) else value
            for name, value in held.items()
        }
        for layer, held in states.items()
    }


def check_rows(network: Network, x: Any, each_step: bool = False) -> None:
    """Raise `InputError` where rows of input like these do not fit the network; does not start JAX's backend.

    `each_step`: there is a target for each step of a row.
    """
    Blueprint.of(network, row_shape(x)).check_outputs(row_shape(x)[0] if each_step else None)
    masked = any(layer.masks for _, layer in layers_of(network))  # rows of different lengths: not all layers take them
    if not masked and not network.regularizers:  # nor does every regularizer take all parameters
        return
    params, states = initialize(network, 0, row_shape(x))
    if masked:
        rows = jax.tree.map(lambda a: jax.ShapeDtypeStruct((network.batch_size, *a.shape[1:]), a.dtype), x)
        jax.eval_shape(partial(forward, network), params, states, rows)


def row_shape(x: Any) -> Any:
    """Return the shape of one row of inputs: of an array, or a tuple with that of each part."""
    return jax.tree.map(lambda a: a.shape[1:], x) if isinstance(x, tuple) else x.shape[1:]


def remembers(states: dict[str, Params]) -> bool:
    """Say whether a layer hands a memory on from batch to batch, so that rows must be read in their order."""
    return any(name.startswith(MEMORY) for held in states.values() for name in held)


def forward(
    network: Network,
    params: Parameters,
    states: dict[str, Params],
    x: Any,
    noise: Noise | None = None,
    *,
    train: bool = False,
    keep: Collection[str] = (),
    over: str | None = None,
) -> Passed:
    """Return the outputs z of all heads, each (batch, units), the new states, and the outputs of the layers in `keep`.

    Where there is a target for each step of a row, z is (batch, steps, units).

    Without `noise` random layers pass their input through. `over` is the axis of the mesh that splits the batch.
    """
    params, states = jax.tree.map(jnp.asarray, (params, states))
    for name, regularizer in named_regularizers(network):
        with jax.named_scope(name):
            params = regularizer.tie(params)
    wanted = {*keep, *(head.after for head in heads(network))}
    after: dict[str, Params] = {}
    kept: dict[str, Any] = {}
    masks: dict[str, Any] = {}

    def run(name: str, layer: Layer, mask: Any, x: Any) -> tuple[Any, Any]:
        """Return what one layer makes of x, and which steps of it are real."""
        if name in after:
            around = name.rpartition(".")[0]
            raise InputError(f"{name} runs twice, but has one state; {around} must call `at.inside` once")
        inside = partial(apart if layer.forks else along, f"{name}.", layer.inner, mask)
        drawn = (None, None) if noise is None else (noise.rows.get(name), noise.shared.get(name))
        with jax.named_scope(name):
            mask, entering = layer.mask(x, mask), mask
            at = At(train, *drawn, inside, over, entering, precision=network.precision)
            x, after[name] = layer(params[name], states[name], x, at)
        for within in names(layer.inner):
            if f"{name}.{within}" not in after:
                raise InputError(f"{name}.{within} does not run; {name} must call `at.inside` once")
        if name in wanted:
            kept[name], masks[name] = x, mask
        return x, mask

    def along(prefix: str, layers: Sequence[Layer], mask: Any, x: Any) -> Any:
        for local, layer in zip(names(layers), layers, strict=True):
            x, mask = run(prefix + local, layer, mask, x)
        masks[prefix] = mask
        return x

    def apart(prefix: str, layers: Sequence[Layer], mask: Any, parts: Any) -> tuple[Any, ...]:
        each = zip(names(layers), layers, parts, strict=True)
        return tuple(run(prefix + local, layer, mask, part)[0] for local, layer, part in each)

    kept[""] = along("", network.layers, None, x)
    z = tuple(along(f"{name}.", head.layers, masks[head.after], kept[head.after]) for name, head in branches(network))
    return Passed(z, after, *({name: held[name] for name in keep} for held in (kept, masks)))


def cost(
    network: Network,
    params: Parameters,
    states: dict[str, Params],
    batch: Batch,
    noise: Noise,
    over: str | None = None,
) -> tuple[jax.Array, tuple[jax.Array, dict[str, Params]]]:
    """Return J̃ = mean of weight × nll + penalties, and beside it the first term alone and the new states.

    With several heads the nll of a row is the weighted sum of theirs. Where there is a target for each step of a row,
    codes (batch, steps) or numbers (batch, steps, d), it is the mean over the steps that have one: a code of -1, and
    NaN in place of all numbers, cost nothing. Regularizers come in where their methods say.
    `over` is the axis of the mesh that splits the batch.
    """
    keep = {name for regularizer in network.regularizers for name in regularizer.watched()}
    at = params
    named = named_regularizers(network)
    for name, regularizer in named:
        with jax.named_scope(name):
            at = regularizer.weights(at, noise.regularizers.get(name))

    def data(x: Any, fixed: bool = False) -> tuple[jax.Array, Any]:
        held = lax.stop_gradient(at) if fixed else at
        passed = forward(network, held, states, x, noise, train=True, keep=keep, over=over)
        with jax.named_scope(EACH_STEP):
            z, y, known = _by_step(passed.z, batch.y)
        costs = _nll(network, z, _learned(network, z, y))
        with jax.named_scope(MEAN):
            total = jnp.mean(batch.weight * _of_rows(costs, known))
        return total, (total, passed.states, passed.kept, passed.masks)

    whole: Cost = data
    for name, regularizer in named:
        if (changed := regularizer.cost(whole)) is not whole:
            whole = jax.named_scope(name)(changed)
    value, (clean, after, kept, masks) = whole(batch.x)
    penalties = sum(jax.named_scope(name)(part.penalty)(params, kept, masks) for name, part in named)
    return value + penalties, (clean, after)


def cost_scope(head: str) -> str:
    """Return the scope in which the cost of a head is computed.

    >>> cost_scope("head_1")
    'head_1 cost'
    """
    return f"{head} cost"


def _by_step(
    z: Sequence[jax.Array], y: Sequence[jax.Array]
) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...], jax.Array | None]:
    """Return outputs and targets with each step of a row as a row of its own, if there is a target for each, and which
    steps have one, (batch, steps), None: there is one target a row. Where a step has none, there stands 0.
    """
    if all(output.ndim == 2 for output in z):
        return tuple(z), tuple(y), None
    known = jnp.stack([_has_target(target) for target in y]).all(0)
    there = known.reshape(-1)
    told = []
    for target in y:
        flat = target.reshape(-1, *target.shape[2:])
        told.append(jnp.where(there.reshape(-1, *(1,) * (flat.ndim - 1)), flat, 0))
    return tuple(a.reshape(-1, a.shape[-1]) for a in z), tuple(told), known


def _has_target(y: jax.Array) -> jax.Array:
    """Return which steps have a target."""
    return y >= 0 if jnp.issubdtype(y.dtype, jnp.integer) else ~jnp.isnan(y).all(-1)


def _of_rows(costs: jax.Array, known: jax.Array | None) -> jax.Array:
    """Return of each row the mean over its steps that are `known`, 0 if none is; None: costs are those of rows."""
    if known is None:
        return costs
    total = jnp.where(known, costs.reshape(known.shape), 0).sum(1)
    return total / jnp.maximum(known.sum(1), 1).astype(total.dtype)


def _learned(network: Network, z: Sequence[jax.Array], y: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
    """Return the targets as regularizers want them learned."""
    found = []
    for head, output, target in zip(heads(network), z, y, strict=True):
        classes = jax.eval_shape(head.likelihood.mean, output).shape[-1] if head.likelihood.target == "classes" else 0
        for name, regularizer in named_regularizers(network):
            with jax.named_scope(name):
                target = regularizer.targets(target, classes)
        found.append(target)
    return tuple(found)


def _nll(network: Network, z: Sequence[jax.Array], y: Sequence[jax.Array]) -> jax.Array:
    """Return the cost of each row: the sum over heads of weight × nll."""
    costs = []
    for (name, head), output, target in zip(branches(network), z, y, strict=True):
        with jax.named_scope(cost_scope(name)):
            costs.append(head.weight * head.likelihood.nll(output, target))
    with jax.named_scope(MEAN):
        return sum(costs[1:], costs[0])


def score(network: Network, z: Sequence[jax.Array], y: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Return of each row the cost and what early stopping watches."""
    z, y, known = _by_step(z, y)
    nll = _of_rows(_nll(network, z, y), known)
    if network.stopping is None or network.stopping.watch == "cost":
        return nll, nll
    parts = heads(network)
    errors = [head.likelihood.error(output, target) for head, output, target in zip(parts, z, y, strict=True)]
    return nll, _of_rows(sum(errors[1:], errors[0]) / len(parts), known)


def step(network: Network, params: Parameters, optimizer: Any, grads: Any, noise: Noise) -> tuple[Parameters, Any]:
    """Return the parameters and the optimizer's state after a step, projected and perturbed where asked."""
    params, optimizer = network.optimizer.step(grads, optimizer, params)
    for name, regularizer in named_regularizers(network):
        params = regularizer.after(params, noise.regularizers.get(name))
    return params, optimizer


def parameter_count(params: Any) -> int:
    """Return the number of learned numbers in a tree of arrays or shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
