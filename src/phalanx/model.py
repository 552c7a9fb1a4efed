"""One network on one batch: the cost J̃(θ; x, y) and the prediction, from the parts of a specification."""

import math
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from phalanx.errors import InputError
from phalanx.layers import At, Layer, Params
from phalanx.network import OUTPUT, Network, branches, heads, layers_of
from phalanx.regularizers import Cost, Parameters, Regularizer
from phalanx.spec import names

_REDUCE = "put Flatten() or GlobalAveragePool() after them"

MEMORY = "memory"
"""How the names of states begin that have a row for each row of a batch."""


class Batch(NamedTuple):
    """Rows: inputs (an array or a tree of arrays), targets (a tuple, one array a head), and weights of mean 1.

    The first axis of each array counts the rows.
    """

    x: Any
    y: tuple[Any, ...]
    weight: Any


class Noise(NamedTuple):
    """Random bytes of a step, by name: of layers for each row (batch, bytes) and for all rows (bytes,), and of
    regularizers (bytes,). A part that needs none is not there.
    """

    rows: dict[str, Any]
    shared: dict[str, Any]
    regularizers: dict[str, Any]


class Passed(NamedTuple):
    """What comes out of a forward pass: the output of each head, the new states, the outputs asked for by name, and
    which of their steps are real (see `Layer.mask`)."""

    z: tuple[jax.Array, ...]
    states: dict[str, Params]
    kept: dict[str, jax.Array]
    masks: dict[str, Any]


def initialize(network: Network, key: jax.Array, shape: Any) -> tuple[Parameters, dict[str, Params]]:
    """Return the parameters to learn and the states of all layers, by layer name; `shape` is that of one row."""
    params: Parameters = {}
    states: dict[str, Params] = {}
    for i, (name, layer, at) in enumerate(_with_shapes(network, key, shape)):
        params[name], states[name], _ = layer.init(jax.random.fold_in(key, i), at)
    for regularizer in network.regularizers:
        params = regularizer.untie(params)
    return params, fresh(states, network.batch_size)


def fresh(states: dict[str, Params], rows: int) -> dict[str, Params]:
    """Return the states with a memory of nothing for each of so many rows."""
    return {
        layer: {
            name: jnp.zeros((rows, *value.shape[1:]), value.dtype) if name.startswith(MEMORY) else value
            for name, value in held.items()
        }
        for layer, held in states.items()
    }


def _with_shapes(network: Network, key: jax.Array, shape: Any) -> Iterator[tuple[str, Layer, Any]]:
    """Yield every layer with its name and the shape of a row that reaches it, in the order of `layers_of`.

    Raises `InputError` where a shape does not fit a layer.
    """
    after: dict[str, Any] = {}

    def along(prefix: str, layers: Sequence[Layer], shape: Any) -> Iterator[tuple[str, Layer, Any]]:
        for local, layer in zip(names(layers), layers, strict=True):
            name = prefix + local
            yield from along(f"{name}.", layer.inner, shape)
            if _is_table(shape) and not layer.tables:
                raise InputError(
                    f"{name}: {type(layer).__name__} needs rows of one array, but gets a table's numbers and codes; "
                    "put Columns() before it"
                )
            try:
                after[name] = layer.init(key, shape)[2]
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
            yield name, layer, shape
            shape = after[name]

    yield from along("", network.layers, shape)
    last = after[names(network.layers)[-1]] if network.layers else shape
    for prefix, head in branches(network):
        yield from along(f"{prefix}.", head.layers, after[head.after] if head.after else last)


def _is_table(shape: Any) -> bool:
    return bool(shape) and isinstance(shape[0], tuple)


def check_rows(network: Network, x: Any, each_step: bool = False) -> None:
    """Raise `InputError` where rows of input like these do not fit a layer; does not start JAX's backend.

    `each_step`: there is a target for each step of a row.
    """
    seed = jax.ShapeDtypeStruct((), "uint32")
    shape = row_shape(x)

    def begin(seed: jax.Array) -> tuple[Parameters, dict[str, Params]]:
        for name, _, at in _with_shapes(network, jax.random.key(seed), shape):
            if name.rpartition(".")[2] == OUTPUT and len(at) != 1 + each_step:
                raise InputError(
                    f"the layers before {name} end with rows of shape {tuple(at)}; "
                    + ('let the last recurrent layer have output="all"' if each_step else _REDUCE)
                )
        return initialize(network, jax.random.key(seed), shape)

    params, states = jax.eval_shape(begin, seed)
    if any(layer.masks for layer in network.layers):  # of different lengths, which not every layer takes
        rows = jax.tree.map(lambda a: jax.ShapeDtypeStruct((network.batch_size, *a.shape[1:]), a.dtype), x)
        jax.eval_shape(lambda params, states, rows: forward(network, params, states, rows).z, params, states, rows)


def row_shape(x: Any) -> Any:
    """Return the shape of one row of inputs: of an array, or of each array of a table."""
    return jax.tree.map(lambda a: a.shape[1:], x) if isinstance(x, tuple) else x.shape[1:]


def widest(network: Network, shape: Any) -> int:
    """Return the most numbers that one row has anywhere in the network; `shape` is that of one row of input."""
    found: list[Any] = []

    def measure(key: jax.Array) -> None:
        found.extend(at for _, _, at in _with_shapes(network, key, shape))

    jax.eval_shape(measure, jax.random.key(0))
    return max(math.prod(at) for at in found if all(isinstance(length, int) for length in at))


def keeps_batches_whole(network: Network) -> bool:
    """Say whether a batch must be computed at once: rows depend on each other, or share the steps of a layer."""
    layers = [layer for _, layer in layers_of(network)]
    coupled = any(layer.couples_rows or layer.unrolls for layer in layers)
    return coupled or any(part.couples_rows for part in network.regularizers)


def remembers(states: dict[str, Params]) -> bool:
    """Say whether a layer hands a memory on from batch to batch, so that rows must be read in their order."""
    return any(name.startswith(MEMORY) for held in states.values() for name in held)


def noise_bytes(network: Network, shape: Any) -> Noise:
    """Return how many random bytes a step needs, by name; `shape` is that of one row of input."""
    needed = Noise({}, {}, {})

    def measure(key: jax.Array) -> None:
        for name, layer, at in _with_shapes(network, key, shape):
            needed.rows[name], needed.shared[name] = layer.noise(at), layer.shared_noise(at)
        params, _ = initialize(network, key, shape)
        for name, regularizer in _named_regularizers(network):
            needed.regularizers[name] = regularizer.noise(params)

    jax.eval_shape(measure, jax.random.key(0))
    return Noise(*({name: count for name, count in kind.items() if count} for kind in needed))


def _named_regularizers(network: Network) -> Sequence[tuple[str, Regularizer]]:
    return list(zip(names(network.regularizers), network.regularizers, strict=True))


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
    for regularizer in network.regularizers:
        params = regularizer.tie(params)
    wanted = {*keep, *(head.after for head in heads(network))}
    after: dict[str, Params] = {}
    kept: dict[str, Any] = {}
    masks: dict[str, Any] = {}

    def through(prefix: str, layers: Sequence[Layer], mask: Any, x: Any) -> Any:
        for local, layer in zip(names(layers), layers, strict=True):
            name = prefix + local
            inside = partial(through, f"{name}.", layer.inner, mask)
            drawn = (None, None) if noise is None else (noise.rows.get(name), noise.shared.get(name))
            mask, entering = layer.mask(x, mask), mask
            x, after[name] = layer(params[name], states[name], x, At(train, *drawn, inside, over, entering))
            if name in wanted:
                kept[name], masks[name] = x, mask
        masks[prefix] = mask
        return x

    kept[""] = through("", network.layers, None, x)
    z = tuple(through(f"{name}.", head.layers, masks[head.after], kept[head.after]) for name, head in branches(network))
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

    With several heads the nll of a row is the weighted sum of theirs. Regularizers come in where their methods say.
    `over` is the axis of the mesh that splits the batch.
    """
    keep = {name for regularizer in network.regularizers for name in regularizer.watched()}
    at = params
    for name, regularizer in _named_regularizers(network):
        at = regularizer.weights(at, noise.regularizers.get(name))

    def data(x: Any) -> tuple[jax.Array, Any]:
        passed = forward(network, at, states, x, noise, train=True, keep=keep, over=over)
        z, y = _by_step(passed.z, batch.y)
        total = jnp.mean(batch.weight * _of_rows(_nll(network, z, _learned(network, z, y)), batch.weight))
        return total, (total, passed.states, passed.kept, passed.masks)

    whole: Cost = data
    for regularizer in network.regularizers:
        whole = regularizer.cost(whole)
    value, (clean, after, kept, masks) = whole(batch.x)
    penalties = sum(regularizer.penalty(params, kept, masks) for regularizer in network.regularizers)
    return value + penalties, (clean, after)


def _by_step(z: Sequence[jax.Array], y: Sequence[jax.Array]) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
    """Return outputs and targets with each step of a row as a row of its own, if there is a target for each."""
    if all(output.ndim == 2 for output in z):
        return tuple(z), tuple(y)
    return tuple(a.reshape(-1, a.shape[-1]) for a in z), tuple(a.reshape(-1, *a.shape[2:]) for a in y)


def _of_rows(costs: jax.Array, rows: jax.Array) -> jax.Array:
    """Return of each row the mean over its steps."""
    return costs if costs.shape == rows.shape else costs.reshape(len(rows), -1).mean(1)


def _learned(network: Network, z: Sequence[jax.Array], y: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
    """Return the targets as regularizers want them learned."""
    found = []
    for head, output, target in zip(heads(network), z, y, strict=True):
        classes = jax.eval_shape(head.likelihood.mean, output).shape[-1] if head.likelihood.target == "classes" else 0
        for regularizer in network.regularizers:
            target = regularizer.targets(target, classes)
        found.append(target)
    return tuple(found)


def _nll(network: Network, z: Sequence[jax.Array], y: Sequence[jax.Array]) -> jax.Array:
    """Return the cost of each row: the sum over heads of weight × nll."""
    costs = [
        head.weight * head.likelihood.nll(output, target)
        for head, output, target in zip(heads(network), z, y, strict=True)
    ]
    return sum(costs[1:], costs[0])


def score(network: Network, z: Sequence[jax.Array], y: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Return of each row the cost and what early stopping watches."""
    rows = z[0][:, 0] if z[0].ndim == 2 else z[0][:, 0, 0]
    z, y = _by_step(z, y)
    nll = _of_rows(_nll(network, z, y), rows)
    if network.stopping is None or network.stopping.watch == "cost":
        return nll, nll
    parts = heads(network)
    errors = [head.likelihood.error(output, target) for head, output, target in zip(parts, z, y, strict=True)]
    return nll, _of_rows(sum(errors[1:], errors[0]) / len(parts), rows)


def step(network: Network, params: Parameters, optimizer: Any, grads: Any, noise: Noise) -> tuple[Parameters, Any]:
    """Return the parameters and the optimizer's state after a step, projected and perturbed where asked."""
    params, optimizer = network.optimizer.step(grads, optimizer, params)
    for name, regularizer in _named_regularizers(network):
        params = regularizer.after(params, noise.regularizers.get(name))
    return params, optimizer


def parameter_count(params: Any) -> int:
    """Return the number of learned numbers in a tree of arrays or shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
