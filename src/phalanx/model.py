"""One network on one batch: the cost J̃(θ; x, y) and the prediction, from the parts of a specification."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from phalanx.layers import EVALUATE, At, Dense, Layer, Params
from phalanx.likelihoods import Likelihood
from phalanx.optimizers import Adam, Optimizer
from phalanx.regularizers import Regularizer
from phalanx.spec import Fixed, Listed, Part, field, names, part
from phalanx.stopping import EarlyStopping

OUTPUT = "output"


@part
class Network(Part):
    """Everything that describes one network and its training; with distributions, a whole space of them.

    `layers`: hidden layers; the output layer follows from the likelihood, see `complete`.
    `likelihood`: of the target given the outputs. `regularizers`: terms added to the cost.
    `optimizer`: the rule of the steps. `stopping`: when to stop, None: only after the last round.
    `batch_size`: rows a step.
    """

    layers: Listed[Layer] = field()
    likelihood: Fixed[Likelihood] = field()
    regularizers: Listed[Regularizer] = field(default=())
    optimizer: Fixed[Optimizer] = field(default=Adam())
    stopping: Fixed[EarlyStopping | None] = field(default=EarlyStopping())
    batch_size: Fixed[int] = field(default=32, at_least=1)


class Batch(NamedTuple):
    """Rows: inputs (an array or a tree of arrays), targets, and weights of mean 1, first axis the rows."""

    x: Any
    y: Any
    weight: Any


Noise = Sequence[jax.Array | None]
"""The random bytes of each layer, shape (batch, bytes); None for layers that need none."""


def complete(network: Network, classes: int) -> Network:
    """Return the network with the output layer that its likelihood needs for this many classes (0: a number).

    The output layer has Glorot weights: no rectifier follows it.
    """
    output = Dense(network.likelihood.units(classes), initializer="glorot", name=OUTPUT)
    return dataclasses.replace(network, layers=(*network.layers, output))


def initialize(network: Network, key: jax.Array, shape: Any) -> tuple[dict[str, Params], dict[str, Params]]:
    """Return the parameters and states of all layers, by layer name; `shape` is that of one row."""
    params, states = {}, {}
    for i, (name, layer) in enumerate(zip(names(network.layers), network.layers, strict=True)):
        params[name], states[name], shape = layer.init(jax.random.fold_in(key, i), shape)
    return params, states


def noise_bytes(network: Network, shape: Any) -> list[int]:
    """Return how many random bytes a row needs in each layer; `shape` is that of one row of input."""
    counts: list[int] = []

    def measure(key: jax.Array) -> None:
        at = shape
        for layer in network.layers:
            counts.append(layer.noise(at))
            at = layer.init(key, at)[2]

    jax.eval_shape(measure, jax.random.key(0))
    return counts


def forward(
    network: Network, params: dict[str, Params], states: dict[str, Params], x: Any, noise: Noise | None
) -> tuple[jax.Array, dict[str, Params]]:
    """Return the output z, shape (batch, units), and the new states; `noise` is None outside training."""
    after = {}
    for i, (name, layer) in enumerate(zip(names(network.layers), network.layers, strict=True)):
        at = EVALUATE if noise is None else At(train=True, noise=noise[i])
        x, after[name] = layer(params[name], states[name], x, at)
    return x, after


def cost(
    network: Network, params: dict[str, Params], states: dict[str, Params], batch: Batch, noise: Noise
) -> tuple[jax.Array, tuple[jax.Array, dict[str, Params]]]:
    """Return J̃ = mean of weight × nll + penalties, and beside it the first term alone and the new states."""
    z, after = forward(network, params, states, batch.x, noise)
    data = jnp.mean(batch.weight * network.likelihood.nll(z, batch.y))
    return data + sum(r.penalty(params) for r in network.regularizers), (data, after)


def score(network: Network, z: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return of each row the cost and what early stopping watches."""
    nll = network.likelihood.nll(z, y)
    if network.stopping is None or network.stopping.watch == "cost":
        return nll, nll
    return nll, network.likelihood.error(z, y)


def parameter_count(params: Any) -> int:
    """Return the number of learned numbers in a tree of arrays or shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
