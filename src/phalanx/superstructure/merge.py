"""Networks of several structures as one: a superstructure, in whose knobs stands which of them a member is.

Layers of several networks that can be computed as one share a place. Where they differ in size, it has the largest, and
a smaller one's parameters stand among zeros that stay zeros; where they differ in kind, it is switched. So a member is
computed as it would be alone, and once trained is cut back to its own shapes: outside the engine no one sees it.
"""

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.layers.layer import has_parts, names_weight
from phalanx.likelihoods import Joint
from phalanx.model import initialize
from phalanx.network import Network, branches, layers_of
from phalanx.parts import at_progress
from phalanx.regularizers import Regularizer
from phalanx.superstructure.seating import ApartError, Seating, indices
from phalanx.superstructure.slot import Slot, Superstructure, Switched, named


class Arithmetic(NamedTuple):
    """Of each network and each place with parameters: the numbers of its inputs and outputs, how many products a row
    takes for each pair of these, and in all.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    density: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        return self.inputs * self.outputs * self.density

    def widest(self, networks: Sequence[int]) -> np.ndarray:
        """Return the most that any of some networks has: (3, places)."""
        return np.stack([part[networks].max(0) for part in self])


class Merged:
    """Networks of several structures as one, for rows of a shape; of one structure they stay what they are.

    `networks`: one of each structure. Raises `ApartError` where they cannot share a program.
    """

    def __init__(self, networks: Sequence[Network], shape: Any) -> None:
        self.networks, self.shape = list(networks), shape
        self._number = {jax.tree.structure(network): i for i, network in enumerate(networks)}
        if len(networks) > 1:
            self._merge()

    @property
    def alone(self) -> bool:
        """Whether all are of one structure."""
        return len(self.networks) == 1

    def holds(self, network: Network) -> bool:
        """Say whether a network is one of these."""
        return jax.tree.structure(network) in self._number

    @cached_property
    def switches(self) -> bool:
        """Whether members compute different layers, or different rules."""
        merged = self.network(self.networks[0])
        several = any(isinstance(layer, Slot) and len(layer.options) > 1 for _, layer in layers_of(merged))
        return several or isinstance(merged.optimizer, Switched)

    def network(self, network: Network) -> Network:
        """Return the superstructure with the values of one of its networks."""
        if self.alone:
            return network
        i = self._number[jax.tree.structure(network)]
        likelihood: Any = network.likelihood
        if isinstance(likelihood, Joint):
            lines = zip(branches(network), self._seating.heads, self._seating.after, strict=True)
            heads = [
                dataclasses.replace(
                    head, layers=[place.layer(i, head.layers) for place in line], after=after, name=name
                )
                for (name, head), line, after in lines
            ]
            likelihood = dataclasses.replace(likelihood, heads=heads)
        return Superstructure(
            [place.layer(i, network.layers) for place in self._seating.trunk],
            likelihood,
            self._regularized(i, network),
            self._optimizer(i, network),
            network.stopping,
            network.batch_size,
            network.precision,
            own=self._own[i],
        )

    def widen(self, network: Network, params: Any, states: Any) -> tuple[Any, Any]:
        """Return a network's own parameters and states as those of the superstructure: the rest is 0."""
        if self.alone:
            return params, states
        wide = jax.tree.map(np.copy, self._blank)
        for own, seat in self._seats[self._number[jax.tree.structure(network)]].items():
            for held, whole in zip((params, states), wide, strict=True):
                for name, value in held[own].items():
                    target = whole[seat.place][named(name, seat.option, seat.options)]
                    target[indices(seat, name, target)] = value
        return wide

    def cut(self, network: Network, params: Any, states: Any) -> tuple[Any, Any]:
        """Return a network's own part of the parameters and states of the superstructure."""
        if self.alone:
            return params, states
        i = self._number[jax.tree.structure(network)]
        own: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        for name, kept in self._kept[i].items():
            seat = self._seats[i][name]
            for made, whole, tensors in zip(own, (params, states), kept, strict=True):
                held = {tensor: whole[seat.place][named(tensor, seat.option, seat.options)] for tensor in tensors}
                made[name] = {t: np.asarray(a)[indices(seat, t, a)].copy() for t, a in held.items()}
        return own

    def by_layer(self, network: Network, table: np.ndarray) -> np.ndarray:
        """Return of a table with a row for each layer of the superstructure, as `diagnostics.health` makes it, those
        of a network's own layers, in their order."""
        if self.alone:
            return table
        i = self._number[jax.tree.structure(network)]
        rows = table[self._rows[i]].copy()
        for row, (params, _) in zip(rows, self._kept[i].values(), strict=True):
            row[2] = row[2] if params else np.nan
            row[3] = row[3] if any(map(names_weight, params)) else np.nan
        return rows

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """What the layers of each network compute; 0 where it has none."""
        places = list(dict.fromkeys(seat.place for seats in self._seats for seat in seats.values()))
        table = np.zeros((3, len(self.networks), len(places)))
        placed_of = [{placed.name: placed for placed in plan.layers} for plan in self._seating.plans]
        for i, seats in enumerate(self._seats):
            for name, (params, _) in self._kept[i].items():
                placed = placed_of[i][name]
                size = sum(a.size for a in params.values() if a.ndim > 1)
                if not size or has_parts(placed.before):
                    continue
                points = math.prod(placed.after[:-1])
                k, pair = places.index(seats[name].place), placed.before[-1] * placed.after[-1]
                table[:, i, k] = placed.before[-1], placed.after[-1], size * points / pair
        return Arithmetic(*table)

    def _merge(self) -> None:
        if len({_shared(network) for network in self.networks}) > 1:
            raise ApartError
        self._seating = Seating(self.networks, self.shape)
        self._seats = self._seating.seats
        self._drawn: dict[Any, Any] = {}
        self._check_parts()

    @cached_property
    def _blank(self) -> Any:
        """Parameters and states of the superstructure, all of them 0."""
        return jax.tree.map(np.zeros_like, initialize(self.network(self.networks[0]), 0, self.shape))

    @cached_property
    def _kept(self) -> list[dict[str, tuple[dict[str, Any], dict[str, Any]]]]:
        """Of each network and each of its layers the parameters and states, for their names and shapes."""
        return [self._tensors(i) for i in range(len(self.networks))]

    @cached_property
    def _order(self) -> dict[str, int]:
        """The number of each place among the layers of the superstructure, which is the same for all members."""
        return {name: k for k, (name, _) in enumerate(layers_of(self.network(self.networks[0])))}

    @cached_property
    def _rows(self) -> list[list[int]]:
        """Of each network the numbers of its layers among those of the superstructure."""
        each = zip(self._seats, self._kept, strict=True)
        return [[self._order[seats[name].place] for name in kept] for seats, kept in each]

    def _tensors(self, i: int) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Return of each layer of a network its parameters and states."""
        params: dict[str, Any] = {}
        states: dict[str, Any] = {}
        for placed in self._seating.plans[i].layers:
            key = jax.tree.structure(dataclasses.replace(placed.layer, name="")), placed.before
            if key not in self._drawn:
                self._drawn[key] = at_progress(placed.layer, 0.0).init(np.random.default_rng(0), placed.before)
            params[placed.name], states[placed.name] = self._drawn[key]
        for regularizer in self.networks[i].regularizers:
            params = regularizer.untie(params)
        return {name: (params[name], states[name]) for name in params}

    def _check_parts(self) -> None:
        """Find the regularizers and rules of all networks, and the numbers of their layers."""
        kinds: dict[Any, Regularizer] = {}
        for i, network in enumerate(self.networks):
            mine = self._keyed(i, network)
            if not all(one.pads for one in mine.values()) and self._seating.padded:
                raise ApartError
            kinds = {**kinds, **{key: one for key, one in mine.items() if key not in kinds}}
        for i, network in enumerate(self.networks):
            order = [key for key in kinds if key in self._keyed(i, network)]
            missing = [kinds[key] for key in kinds if key not in order]
            if order != list(self._keyed(i, network)) or any(one.neutral() is None for one in missing):
                raise ApartError
        self._kinds = kinds
        rules = [self._renamed(i, network.optimizer) for i, network in enumerate(self.networks)]
        self._rules = list({jax.tree.structure(rule): rule for rule in rules}.values())
        if len(self._rules) > 1 and not all(rule.shares_state for rule in self._rules):
            raise ApartError
        self._own = [np.zeros(0)] * len(self.networks)
        for i, plan in enumerate(self._seating.plans):
            own = np.zeros(len(self._order))
            for k, placed in enumerate(plan.layers):
                own[self._order[self._seats[i][placed.name].place]] = k
            self._own[i] = own

    def _keyed(self, i: int, network: Network) -> dict[Any, Regularizer]:
        """Return a network's regularizers, by what those have in common that are one in the superstructure."""
        found: dict[Any, Regularizer] = {}
        for one in network.regularizers:
            on: dict[str, Any] = {"on": tuple(self._moved(i, name) for name in one.on)} if one.on else {}
            renamed = dataclasses.replace(one, name="", **on)
            key, count = jax.tree.structure(renamed), 0
            while (key, count) in found:
                count += 1
            found[key, count] = renamed
        return found

    def _regularized(self, i: int, network: Network) -> list[Any]:
        mine = self._keyed(i, network)
        return [mine[key] if key in mine else one.neutral() for key, one in self._kinds.items()]

    def _optimizer(self, i: int, network: Network) -> Any:
        mine = self._renamed(i, network.optimizer)
        if len(self._rules) == 1:
            return mine
        at = [jax.tree.structure(rule) for rule in self._rules].index(jax.tree.structure(mine))
        return Switched([mine if k == at else rule for k, rule in enumerate(self._rules)], float(at))

    def _renamed(self, i: int, optimizer: Any) -> Any:
        """Return a rule whose factors name places in place of layers."""
        if not optimizer.factors:
            return dataclasses.replace(optimizer, name="")
        factors = [
            dataclasses.replace(factor, on=tuple(self._moved(i, name) for name in factor.on))
            for factor in optimizer.factors
        ]
        return dataclasses.replace(optimizer, factors=tuple(factors), name="")

    def _moved(self, i: int, name: str) -> str:
        """Return the name of the place of a layer, or of one of its tensors."""
        seats = self._seats[i]
        if name in seats:
            return seats[name].place
        layer, _, tensor = name.rpartition(".")
        if layer not in seats or seats[layer].options > 1:
            raise ApartError
        return f"{seats[layer].place}.{tensor}"


def _shared(network: Network) -> Any:
    """Return what networks that share a program have in common."""
    likelihood: Any = network.likelihood
    if isinstance(likelihood, Joint):
        heads = tuple(dataclasses.replace(head, layers=(), after="") for head in likelihood.heads)
        likelihood = dataclasses.replace(likelihood, heads=heads)
    return jax.tree.structure((likelihood, network.stopping)), network.batch_size, network.precision


def merged(networks: Sequence[Network], shape: Any) -> Merged | None:
    """Return networks, one of each structure, as one; None: they cannot share a program. The newest are kept."""
    key = tuple(map(jax.tree.structure, networks)), shape
    if key not in _newest:
        try:
            _newest[key] = Merged(networks, shape)
        except ApartError:
            _newest[key] = None
        while len(_newest) > _MOST_KEPT:
            del _newest[next(iter(_newest))]
    return _newest[key]


_MOST_KEPT = 64
_newest: dict[Any, Merged | None] = {}
