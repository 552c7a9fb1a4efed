"""Which structures share a program: what compiling another costs, against the arithmetic on zeros that it saves.

The rule is written, so that it decides the same on every machine, and what it decided is kept with a run. Its seconds
are those of two cores (`benchmarks/README.md`); only their ratio matters.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from phalanx.errors import InputError
from phalanx.layers import Layer
from phalanx.network import Network, layers_of
from phalanx.parts import names
from phalanx.superstructure.alignment import body
from phalanx.superstructure.merge import Merged, merged


@dataclass(frozen=True)
class Price:
    """What a program costs, in seconds: to be compiled, at all and for each of its layers; for each layer of each step
    of a member; and for each number that is multiplied and added.
    """

    program: float
    layer: float
    step: float
    number: float


TRAINING = {"cpu": Price(3.0, 0.4, 3e-6, 2.5e-11), "gpu": Price(4.0, 0.5, 1e-7, 1e-14)}
PREDICTING = {"cpu": Price(0.6, 0.1, 3e-6, 2.5e-11), "gpu": Price(1.0, 0.1, 1e-7, 1e-14)}


_MOST_RUNS = 64
"""Of structures in the order of their arithmetic, that are not cut apart."""


@dataclass(frozen=True)
class Work:
    """How often each member of a program is computed: so many steps, and in all so many rows, forward and back."""

    steps: float
    rows: float


def programs(networks: Sequence[Network], shape: Any, work: Work, price: Price) -> list[int]:
    """Return for each of the structures of networks, in the order in which they appear, the number of its program.

    Structures that may share one are ordered by their arithmetic, and cut where that is cheapest in all: a program for
    those from one place to another computes the largest size of each layer for all of them.
    """
    keys = list(map(jax.tree.structure, networks))
    distinct, counts = list(dict(zip(keys, networks, strict=True)).values()), np.array(list(Counter(keys).values()))
    groups = [
        group
        for own in _kin(distinct, shape)
        for group in _cut(own, [distinct[i] for i in own], counts[own], shape, work, price)
    ]
    return _numbers(groups)


def grouped(networks: Sequence[Network], shape: Any, chosen: Sequence[int]) -> list[tuple[list[int], Merged]]:
    """Return for each program the positions of its networks, and what they are together.

    `chosen`: the program of each structure, as `programs` says. Raises `InputError` where it is of other networks.
    """
    keys = list(map(jax.tree.structure, networks))
    distinct = dict(zip(keys, networks, strict=True))
    if len(chosen) != len(distinct):
        raise InputError(f"programs names those of {len(chosen)} structures, but {len(distinct)} are trained")
    of = dict(zip(distinct, chosen, strict=True))
    found = []
    for number in dict.fromkeys(chosen):
        positions = [i for i, key in enumerate(keys) if of[key] == number]
        found.append((positions, together([networks[i] for i in positions], shape)))
    return found


def together(networks: Sequence[Network], shape: Any) -> Merged:
    """Return networks as one: the same program, in whatever order they come.

    Raises `InputError` where they cannot be.
    """
    distinct = {jax.tree.structure(network): network for network in networks}
    made = merged([distinct[key] for key in sorted(distinct, key=str)], shape)
    if made is None:
        raise InputError("programs puts structures together that cannot share one; leave it out")
    return made


def kin(networks: Sequence[Network], shape: Any) -> list[int]:
    """Return for each network the number of its kind, in the order in which kinds appear: networks of one kind may
    share a program.
    """
    keys = list(map(jax.tree.structure, networks))
    distinct = dict(zip(keys, networks, strict=True))
    of = dict(zip(distinct, _numbers(_kin(list(distinct.values()), shape)), strict=True))
    return [of[key] for key in keys]


def _numbers(groups: Sequence[Sequence[int]]) -> list[int]:
    """Return of each position the number of its group, in the order in which groups appear."""
    of = {i: number for number, group in enumerate(groups) for i in group}
    order = {number: new for new, number in enumerate(dict.fromkeys(of[i] for i in range(len(of))))}
    return [order[of[i]] for i in range(len(of))]


def _kin(networks: Sequence[Network], shape: Any) -> list[list[int]]:
    """Return groups of networks each of which may share a program with the largest of its group; those asked for last
    are kept.
    """
    key = tuple(map(jax.tree.structure, networks)), shape
    if key not in _newest:
        _newest.clear()
        _newest[key] = _found_kin(networks, shape)
    return _newest[key]


_newest: dict[Any, list[list[int]]] = {}


def _found_kin(networks: Sequence[Network], shape: Any) -> list[list[int]]:
    order = sorted(range(len(networks)), key=lambda i: -len(list(layers_of(networks[i]))))
    groups: list[list[int]] = []
    known: dict[Any, list[int]] = {}
    for i in order:
        key = _skeleton(networks[i])
        if key not in known:
            of = (group for group in groups if merged([networks[group[0]], networks[i]], shape) is not None)
            known[key] = next(of, [])
            if not known[key]:
                groups.append(known[key])
        known[key].append(i)
    return [sorted(group) for group in groups]


def _skeleton(network: Network) -> Any:
    """Return what is the same of networks that differ in sizes alone."""

    def inside(layers: Sequence[Layer]) -> tuple[Any, ...]:
        return tuple(
            (name, body(layer), inside(layer.inner)) for name, layer in zip(names(layers), layers, strict=True)
        )

    rest = jax.tree.structure((network.likelihood, network.regularizers, network.optimizer, network.stopping))
    return inside(network.layers), rest, network.batch_size, network.precision


def _cut(
    positions: Sequence[int], networks: Sequence[Network], counts: np.ndarray, shape: Any, work: Work, price: Price
) -> list[list[int]]:
    """Return the groups into which kin are cut, by position."""
    if len(networks) == 1:
        return [list(positions)]
    whole = merged(networks, shape)
    if whole is None:  # each two may share a program, but not all
        return [[i] for i in positions]
    table = whole.arithmetic
    order = np.argsort(table.numbers.sum(1), kind="stable")
    runs = [run.tolist() for run in np.array_split(order, min(len(order), _MOST_RUNS))]
    each = [table.widest(run) for run in runs]
    best, came = [0.0], [0]
    for end in range(1, len(runs) + 1):
        totals = []
        widest = np.zeros_like(each[0])
        number = 0
        for start in range(end - 1, -1, -1):
            widest = np.maximum(widest, each[start])
            number += int(counts[runs[start]].sum())
            totals.append(best[start] + _seconds(widest, number, work, price))
        came.append(end - 1 - int(np.argmin(totals)))
        best.append(min(totals))
    groups, end = [], len(runs)
    while end:
        groups.append([positions[i] for run in runs[came[end] : end] for i in run])
        end = came[end]
    return groups


def _seconds(widest: np.ndarray, members: int, work: Work, price: Price) -> float:
    """Return what a program costs whose layers have these inputs, outputs, and numbers for each pair of them."""
    layers = np.count_nonzero(widest[1])
    numbers = float(widest.prod(0).sum())
    each = work.steps * layers * price.step + work.rows * numbers * price.number
    return price.program + layers * price.layer + members * each
