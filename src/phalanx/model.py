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
    """What comes out of a forward pass: the output of each head, the new states, and the outputs asked for by name."""

    z: tuple[jax.Array, ...]
    states: dict[str, Params]
    kept: dict[str, jax.Array]


def initialize(network: Network, key: jax.Array, shape: Any) -> tuple[Parameters, dict[str, Params]]:
    """Return the parameters to learn and the states of all layers, by layer name; `shape` is that of one row."""
    params: Parameters = {}
    states: dict[str, Params] = {}
    for i, (name, layer, at) in enumerate(_with_shapes(network, key, shape)):
        params[name], states[name], _ = layer.init(jax.random.fold_in(key, i), at)
    for regularizer in network.regularizers:
        params = regularizer.untie(params)
    return params, states


def _with_shapes(network: Network, key: jax.Array, shape: Any) -> Iterator[tuple[str, Layer, Any]]:
    """Yield every layer with its name and the shape of a row that reaches it, in the order of `layers_of`.

    Raises `InputError` where a shape does not fit a layer.
    """
    after: dict[str, Any] = {}

    def along(prefix: str, layers: Sequence[Layer], shape: Any) -> Iterator[tuple[str, Layer, Any]]:
        for local, layer in zip(names(layers), layers, strict=True):
            name = prefix + local
            yield from along(f"{name}.", layer.inner, shape)
            if local == OUTPUT and len(shape) != 1:
                raise InputError(
                    f"the layers before {name} end with rows of shape {tuple(shape)}; "
                    "put Flatten() or GlobalAveragePool() after them"
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


def check_shapes(network: Network, shape: Any) -> None:
    """Raise `InputError` where rows of input of this shape do not fit a layer; does not start JAX's backend."""
    seed = jax.ShapeDtypeStruct((), "uint32")
    jax.eval_shape(lambda seed: initialize(network, jax.random.key(seed), shape), seed)


def widest(network: Network, shape: Any) -> int:
    """Return the most numbers that one row has anywhere in the network; `shape` is that of one row of input."""
    found: list[Any] = []

    def measure(key: jax.Array) -> None:
        found.extend(at for _, _, at in _with_shapes(network, key, shape))

    jax.eval_shape(measure, jax.random.key(0))
    return max(math.prod(at) for at in found if all(isinstance(length, int) for length in at))


def couples_rows(network: Network) -> bool:
    """Say whether in training a row's part of the cost depends on the other rows of its batch."""
    layers = (layer for _, layer in layers_of(network))
    return any(layer.couples_rows for layer in layers) or any(part.couples_rows for part in network.regularizers)


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

    Without `noise` random layers pass their input through. `over` is the axis of the mesh that splits the batch.
    """
    for regularizer in network.regularizers:
        params = regularizer.tie(params)
    wanted = {*keep, *(head.after for head in heads(network))}
    after: dict[str, Params] = {}
    kept: dict[str, Any] = {}

    def through(prefix: str, layers: Sequence[Layer], x: Any) -> Any:
        for local, layer in zip(names(layers), layers, strict=True):
            name = prefix + local
            inside = partial(through, f"{name}.", layer.inner)
            drawn = (None, None) if noise is None else (noise.rows.get(name), noise.shared.get(name))
            x, after[name] = layer(params[name], states[name], x, At(train, *drawn, inside, over))
            if name in wanted:
                kept[name] = x
        return x

    kept[""] = through("", network.layers, x)
    z = tuple(through(f"{name}.", head.layers, kept[head.after]) for name, head in branches(network))
    return Passed(z, after, {name: kept[name] for name in keep})


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
        total = jnp.mean(batch.weight * _nll(network, passed.z, _learned(network, passed.z, batch.y)))
        return total, (total, passed.states, passed.kept)

    whole: Cost = data
    for regularizer in network.regularizers:
        whole = regularizer.cost(whole)
    value, (clean, after, kept) = whole(batch.x)
    penalties = sum(regularizer.penalty(params, kept) for regularizer in network.regularizers)
    return value + penalties, (clean, after)


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
    nll = _nll(network, z, y)
    if network.stopping is None or network.stopping.watch == "cost":
        return nll, nll
    parts = heads(network)
    errors = [head.likelihood.error(output, target) for head, output, target in zip(parts, z, y, strict=True)]
    return nll, sum(errors[1:], errors[0]) / len(parts)


def step(network: Network, params: Parameters, optimizer: Any, grads: Any, noise: Noise) -> tuple[Parameters, Any]:
    """Return the parameters and the optimizer's state after a step, projected and perturbed where asked."""
    params, optimizer = network.optimizer.step(grads, optimizer, params)
    for name, regularizer in _named_regularizers(network):
        params = regularizer.after(params, noise.regularizers.get(name))
    return params, optimizer


def parameter_count(params: Any) -> int:
    """Return the number of learned numbers in a tree of arrays or shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
