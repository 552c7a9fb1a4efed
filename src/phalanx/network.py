"""The specification of a network: its parts, its output layers, and how its layers are called."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from phalanx.errors import InputError
from phalanx.layers import Dense, Layer
from phalanx.layers.products import PRECISIONS
from phalanx.likelihoods import Head, Joint, Likelihood
from phalanx.optimizers import Adam, LeastSquares, Optimizer
from phalanx.parts import Fixed, Listed, Part, field, names, part
from phalanx.parts.fields import unknown
from phalanx.regularizers import Regularizer
from phalanx.stopping import EarlyStopping

OUTPUT = "output"


@part
class Network(Part):
    """Everything that describes one network and its training; with distributions, a whole space of them.

    `layers`: hidden layers; the output layer follows from the likelihood, see `complete`.
    `likelihood`: of the target given the outputs; a `Joint` of several heads for several targets.
    `regularizers`: what is done against learning the training rows by heart. `optimizer`: the rule of the steps,
    or `LeastSquares`.
    `stopping`: when to stop, None: only after the last round. `batch_size`: rows a step.
    `precision`: of the factors of products of dense and recurrent layers, "float32" (default); "bfloat16", rounded to 8
    binary digits, which some processors multiply several times faster; or "auto", which of the two is faster here by at
    least a fifth. Convolutions, sums, weights and what the optimizer keeps stay in float32.
    """

    layers: Listed[Layer] = field()
    likelihood: Fixed[Likelihood | Joint] = field()
    regularizers: Listed[Regularizer] = field(default=())
    optimizer: Fixed[Optimizer | LeastSquares] = field(default=Adam())
    stopping: Fixed[EarlyStopping | None] = field(default=EarlyStopping())
    batch_size: Fixed[int] = field(default=32, at_least=1)
    precision: Fixed[str] = field(default="float32", choices=PRECISIONS)

    def numbers(self, layers: int) -> Any:
        """Return the number of each of so many layers, in the order of `layers_of`, by which it draws its noise."""
        return np.arange(layers)


class OutputSize(NamedTuple):
    """What an output layer must know of its target: how many classes, or numbers a row, and the mean of counts."""

    size: int
    mean: float = 1.0


def heads(network: Network) -> tuple[Head, ...]:
    """Return the heads of a network; one that has a single target has one head without layers."""
    likelihood = network.likelihood
    return likelihood.heads if isinstance(likelihood, Joint) else (Head(likelihood),)


def with_likelihoods(network: Network, likelihoods: Sequence[Likelihood]) -> Network:
    """Return the network with another likelihood in each head."""
    if not isinstance(network.likelihood, Joint):
        return dataclasses.replace(network, likelihood=likelihoods[0])
    changed = (
        dataclasses.replace(head, likelihood=likelihood)
        for head, likelihood in zip(network.likelihood.heads, likelihoods, strict=True)
    )
    return dataclasses.replace(network, likelihood=dataclasses.replace(network.likelihood, heads=tuple(changed)))


def complete(network: Network, *aims: OutputSize) -> Network:
    """Return the network with the output layer that each likelihood needs for its target.

    Output layers have Glorot weights: no rectifier follows them. Raises `InputError` where a part names a layer that
    does not exist, or the heads do not match the targets.
    """
    if len(aims) != len(heads(network)):
        have, want = len(heads(network)), len(aims)
        raise InputError(
            f"the likelihood has {have} head{'s' if have > 1 else ''} for {want} target{'s' if want > 1 else ''}; "
            "give a Joint with a head for each"
        )

    outputs = [
        Dense(head.likelihood.units(aim.size), initializer="glorot", name=OUTPUT)
        for head, aim in zip(heads(network), aims, strict=True)
    ]
    scaled = [head.likelihood.at_scale(aim.mean) for head, aim in zip(heads(network), aims, strict=True)]
    made = with_likelihoods(network, scaled)
    if isinstance(made.likelihood, Joint):
        tops = tuple(
            dataclasses.replace(head, layers=(*head.layers, output))
            for head, output in zip(made.likelihood.heads, outputs, strict=True)
        )
        made = dataclasses.replace(made, likelihood=dataclasses.replace(made.likelihood, heads=tops))
    else:
        made = dataclasses.replace(made, layers=(*made.layers, outputs[0]))
    _check_names(made)
    return made


def _check_names(network: Network) -> None:
    """Raise `InputError` where a head or a regularizer names a layer that does not exist."""
    trunk, every = names(network.layers), [name for name, _ in layers_of(network)]
    for head in heads(network):
        if head.after and head.after not in trunk:
            raise unknown("Head: after", "layer", head.after, trunk)
    for regularizer in network.regularizers:
        for name in regularizer.on:
            if name not in every:
                raise unknown(f"{type(regularizer).__name__}: on", "layer", name, every)


def layers_of(network: Network) -> Iterator[tuple[str, Layer]]:
    """Yield every layer with its name: those of the trunk, then those of the heads as `head_1.dense_1`.

    The layers inside a layer come before it, as `residual_1.conv_1`.
    """
    yield from _named("", network.layers)
    for prefix, head in branches(network):
        yield from _named(f"{prefix}.", head.layers)


def _named(prefix: str, layers: Sequence[Layer]) -> Iterator[tuple[str, Layer]]:
    for name, layer in zip(names(layers), layers, strict=True):
        yield from _named(f"{prefix}{name}.", layer.inner)
        yield f"{prefix}{name}", layer


def branches(network: Network) -> list[tuple[str, Head]]:
    """Return every head with its name, `head_1` and so on where it has none."""
    return list(zip(names(heads(network)), heads(network), strict=True))
