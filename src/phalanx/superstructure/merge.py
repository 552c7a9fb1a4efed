"""Networks of several structures as one: a superstructure, in whose knobs stands which of them a member is.

Layers of several networks that can be computed as one share a place. Where they differ in size, it has the largest, and
a smaller one's parameters stand among zeros that stay zeros; where they differ in kind, it is switched. So a member is
computed as it would be alone, and once trained is cut back to its own shapes: outside the engine no one sees it.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.blueprint import Blueprint, Placed
from phalanx.errors import InputError
from phalanx.layers import Layer, Linear
from phalanx.layers.layer import has_parts, names_weight
from phalanx.likelihoods import Joint
from phalanx.model import initialize
from phalanx.network import OUTPUT, Network, branches, layers_of
from phalanx.optimizers import Optimizer
from phalanx.parts import names
from phalanx.regularizers import Regularizer
from phalanx.superstructure.alignment import Alignment, holds_layers
from phalanx.superstructure.slot import Slot, Superstructure, Switched, named


class ApartError(Exception):
    """Networks cannot share a program."""


class Seat(NamedTuple):
    """Where a layer of one network stands: the name of its place, the number of its option among all, and where its
    parameters and states stand, by name; those that are not there stand alike in both.
    """

    place: str
    option: int
    options: int
    axes: Mapping[str, tuple[np.ndarray | None, ...]]


@dataclasses.dataclass
class Place:
    """A place of a sequence: its name, the layers that may stand there, the `width` of its output, which layer of each
    network's own sequence stands there (None: none does), and which option that is.

    `alive`, `entering`: of each network which numbers of the output, and of the input, are its own; None: all are of
    every one. `inner`: the places inside, where the layers are such that hold others.
    """

    name: str
    options: list[Layer]
    width: int
    index: list[int | None]
    which: list[int]
    alive: list[np.ndarray] | None
    entering: list[np.ndarray] | None
    inner: "list[Place] | None" = None

    @property
    def plain(self) -> bool:
        """Whether it is one layer that all have, at one size."""
        return len(self.options) == 1 and self.alive is None and self.entering is None

    def layer(self, i: int, own: Sequence[Layer]) -> Layer:
        """Return the place with the values of a network, whose sequence is its own."""
        options, at = list(self.options), self.index[i]
        if at is None and len(options) == 1:
            neutral = options[0].neutral()
            assert neutral is not None
            options[0] = neutral
        elif at is not None:
            options[self.which[i]] = self._resized(i, own[at])
        if self.plain:
            return dataclasses.replace(options[0], name=self.name)
        alive, entering = (None if held is None else held[i] for held in (self.alive, self.entering))
        return Slot(options, self.width, float(self.which[i]), alive, entering, name=self.name)

    def _resized(self, i: int, own: Layer) -> Layer:
        template = self.options[self.which[i]]
        changed: dict[str, Any] = {"name": "", **{size: getattr(template, size) for size in own.sizes}}
        if self.inner is not None:
            field = holds_layers(own)
            assert field is not None
            changed[field] = [place.layer(i, own.inner) for place in self.inner]
        return dataclasses.replace(own, **changed)


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


@dataclasses.dataclass
class _Line:
    """A sequence of places, what a row that leaves them is, and where the numbers of each network stand in it."""

    places: list[Place]
    shape: Any
    positions: list[Any]


class Merged:
    """Networks of several structures as one, for rows of a shape; of one structure they stay what they are.

    `networks`: one of each structure. Raises `ApartError` where they cannot share a program.
    """

    def __init__(self, networks: Sequence[Network], shape: Any) -> None:
        self.networks, self.shape = list(networks), shape
        self._number = {jax.tree.structure(network): i for i, network in enumerate(networks)}
        self._seats: list[dict[str, Seat]] = [{} for _ in networks]
        self._padded = False
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
            heads = [
                dataclasses.replace(
                    head, layers=[place.layer(i, head.layers) for place in line], after=after, name=name
                )
                for (name, head), line, after in zip(branches(network), self._heads, self._after, strict=True)
            ]
            likelihood = dataclasses.replace(likelihood, heads=heads)
        return Superstructure(
            [place.layer(i, network.layers) for place in self._trunk],
            likelihood,
            self._regularized(i, network),
            self._optimizer(i, network),
            network.stopping,
            network.batch_size,
            own=self._own[i],
        )

    def widen(self, network: Network, params: Any, states: Any) -> tuple[Any, Any]:
        """Return a network's own parameters and states as those of the superstructure: the rest is 0."""
        if self.alone:
            return params, states
        wide = jax.tree.map(np.zeros_like, self._shapes)
        for own, seat in self._seats[self._number[jax.tree.structure(network)]].items():
            for held, whole in zip((params, states), wide, strict=True):
                for name, value in held[own].items():
                    target = whole[seat.place][named(name, seat.option, seat.options)]
                    target[_indices(seat, name, target)] = value
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
                made[name] = {t: np.asarray(a)[_indices(seat, t, a)].copy() for t, a in held.items()}
        return own

    def by_layer(self, network: Network, table: np.ndarray) -> np.ndarray:
        """Return of a table with a row for each layer of the superstructure, as `diagnostics.health` makes it, those
        of a network's own layers, in their order."""
        if self.alone:
            return table
        i = self._number[jax.tree.structure(network)]
        at = {name: k for k, (name, _) in enumerate(layers_of(self.network(network)))}
        rows = table[[at[self._seats[i][name].place] for name in self._kept[i]]].copy()
        for row, (params, _) in zip(rows, self._kept[i].values(), strict=True):
            row[2] = row[2] if params else np.nan
            row[3] = row[3] if any(map(names_weight, params)) else np.nan
        return rows

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """What the layers of each network compute; 0 where it has none."""
        places = list(dict.fromkeys(seat.place for seats in self._seats for seat in seats.values()))
        table = np.zeros((3, len(self.networks), len(places)))
        for i, seats in enumerate(self._seats):
            for name, (params, _) in self._kept[i].items():
                placed = self._placed[i][name]
                size = sum(math.prod(shape) for shape in params.values() if len(shape) > 1)
                if not size or has_parts(placed.before):
                    continue
                points = math.prod(placed.after[:-1])
                k, pair = places.index(seats[name].place), placed.before[-1] * placed.after[-1]
                table[:, i, k] = placed.before[-1], placed.after[-1], size * points / pair
        return Arithmetic(*table)

    # -- how it is made

    def _merge(self) -> None:
        if len({self._shared(network) for network in self.networks}) > 1:
            raise ApartError
        self._plans = [Blueprint.of(network, self.shape) for network in self.networks]
        self._placed = [{placed.name: placed for placed in plan.layers} for plan in self._plans]
        masked = any(layer.masks for network in self.networks for _, layer in layers_of(network))
        self._alignment = Alignment(masked)
        whole = [None if has_parts(self.shape) else np.arange(self.shape[-1])] * len(self.networks)
        prefixes = [""] * len(self.networks)
        own = [self._sequence(i, "", network.layers) for i, network in enumerate(self.networks)]
        trunk = self._line(own, prefixes, "", self.shape, whole)
        self._trunk, self._heads, self._after = trunk.places, list[list[Place]](), list[str]()
        for number, (name, _) in enumerate(branches(self.networks[0])):
            if not isinstance(self.networks[0].likelihood, Joint):
                break
            heads = [branches(network)[number][1] for network in self.networks]
            ends = {self._seats[i][one.after].place if one.after else "" for i, one in enumerate(heads)}
            if len(ends) > 1:
                raise ApartError
            (after,) = ends
            start = trunk if not after else self._until(trunk, after)
            prefixes = [f"{branches(network)[number][0]}." for network in self.networks]
            own = [self._sequence(i, prefixes[i], one.layers) for i, one in enumerate(heads)]
            line = self._line(own, prefixes, f"{name}.", start.shape, start.positions)
            self._heads.append(line.places)
            self._after.append(after)
        self._check_parts()
        blank = self.network(self.networks[0])  # what parameters there are, whichever the member
        self._shapes = initialize(blank, 0, self.shape)
        self._kept = [
            {
                name: tuple({tensor: a.shape for tensor, a in held[name].items()} for held in (params, states))
                for name in params
            }
            for params, states in (initialize(network, 0, self.shape) for network in self.networks)
        ]

    @staticmethod
    def _shared(network: Network) -> Any:
        """Return what networks that share a program have in common."""
        likelihood: Any = network.likelihood
        if isinstance(likelihood, Joint):
            heads = tuple(dataclasses.replace(head, layers=(), after="") for head in likelihood.heads)
            likelihood = dataclasses.replace(likelihood, heads=heads)
        return jax.tree.structure((likelihood, network.stopping)), network.batch_size

    def _sequence(self, i: int, prefix: str, layers: Sequence[Layer]) -> list[Placed]:
        return [self._placed[i][prefix + name] for name in names(layers)]

    def _line(
        self, own: list[list[Placed]], prefixes: list[str], prefix: str, shape: Any, positions: list[Any]
    ) -> _Line:
        """Return the places of sequences whose rows have a shape in the superstructure, their own at `positions`."""
        table = self._alignment.of(own)
        if table is None:
            raise ApartError
        made = _Line([], shape, positions)
        self._passed: dict[str, _Line] = getattr(self, "_passed", {})
        for number, index in enumerate(table, 1):
            there = [None if k is None else own[i][k] for i, k in enumerate(index)]
            last = any(one is not None and one.name.rpartition(".")[2] == OUTPUT for one in there)
            name = OUTPUT if last else f"place_{number}"
            made = self._place(made, name, prefix, there, index)
            self._passed[prefix + name] = _Line([], made.shape, made.positions)
        return made

    def _until(self, trunk: _Line, name: str) -> _Line:
        return self._passed[name]

    def _place(self, line: _Line, name: str, prefix: str, there: list[Placed | None], index: list[int | None]) -> _Line:
        """Return the sequence with one more place, where the layers `there` stand."""
        present = {i: one for i, one in enumerate(there) if one is not None}
        kinds = [None if one is None else self._alignment.body(one.layer) for one in there]
        bodies = list(dict.fromkeys(kind for kind in kinds if kind is not None))
        which = [0 if kind is None else bodies.index(kind) for kind in kinds]
        options: list[Layer] = []
        for kind in range(len(bodies)):
            held = [one.layer for i, one in present.items() if which[i] == kind]
            largest = {size: max(getattr(layer, size) for layer in held) for size in held[0].sizes}
            options.append(dataclasses.replace(held[0], name="", **largest))
        if len(present) < len(there) and not (len(options) == 1 and options[0].neutral() is not None):
            which = [len(options) if one is None else which[i] for i, one in enumerate(there)]
            options.append(Linear())
        inner = self._inner(line, name, prefix, present) if holds_layers(options[0]) is not None else None
        if inner is not None:
            first = next(iter(present.values()))
            out, after = first.after, [np.arange(first.after[-1])] * len(there)
        else:
            out, after = self._outputs(line, options, which, there)
        for i, one in present.items():
            axes = self._axes(line, options[which[i]], one.layer, line.positions[i])
            self._sit(i, one, prefix + name, which[i], len(options), axes)
        alive = _masks(after, out[-1])
        entering = None if has_parts(line.shape) else _masks(line.positions, line.shape[-1])
        self._padded |= alive is not None
        place = Place(name, options, out[-1], index, which, alive, entering, inner)
        return _Line([*line.places, place], out, after)

    def _outputs(
        self, line: _Line, options: list[Layer], which: list[int], there: list[Placed | None]
    ) -> tuple[Any, list[np.ndarray]]:
        """Return the shape of rows after a place, and where the numbers of each network stand in it."""
        try:
            shapes = [option.output_shape(line.shape) for option in options]
        except InputError:
            raise ApartError from None
        width = max(shape[-1] for shape in shapes)
        after = []
        for i, one in enumerate(there):
            if one is None:
                after.append(line.positions[i])
                continue
            found = self._found(line, options[which[i]], one.layer, line.positions[i])
            after.append(np.arange(one.after[-1]) if found is None else found[0])
        return (*shapes[0][:-1], width), after

    def _found(self, line: _Line, option: Layer, own: Layer, positions: Any) -> Any:
        """Return what a layer says of a smaller one; None where that is as large, and so are its inputs."""
        same = all(getattr(option, size) == getattr(own, size) for size in own.sizes)
        if has_parts(line.shape) or (same and len(positions) == line.shape[-1]):
            if not same:
                raise ApartError
            return None
        found = option.room_for(own, positions, line.shape)
        if found is None:
            raise ApartError
        return found

    def _axes(self, line: _Line, option: Layer, own: Layer, positions: Any) -> Mapping[str, Any]:
        if own.inner:
            if not has_parts(line.shape) and len(positions) != line.shape[-1]:
                raise ApartError
            return {}
        found = self._found(line, option, own, positions)
        return {} if found is None else found[1]

    def _inner(self, line: _Line, name: str, prefix: str, present: dict[int, Placed]) -> list[Place]:
        """Return the places inside a place where layers stand that hold others, all of them of one shape outside."""
        if len(present) < len(self.networks) or len({one.after for one in present.values()}) > 1:
            raise ApartError
        if any(len(positions) != line.shape[-1] for positions in line.positions):
            raise ApartError
        prefixes = [f"{one.name}." for one in present.values()]
        own = [self._sequence(i, prefixes[i], one.layer.inner) for i, one in present.items()]
        inside = self._line(own, prefixes, f"{prefix}{name}.", line.shape, line.positions)
        if any(len(positions) != inside.shape[-1] for positions in inside.positions):
            raise ApartError
        return inside.places

    def _sit(self, i: int, placed: Placed, place: str, option: int, options: int, axes: Mapping[str, Any]) -> None:
        """Note where a layer stands, and those inside it where they have no places of their own."""
        self._seats[i][placed.name] = Seat(place, option, options, axes)
        if holds_layers(placed.layer) is None:
            for name in self._placed[i]:
                if name.startswith(f"{placed.name}."):
                    self._seats[i][name] = Seat(place + name.removeprefix(placed.name), 0, 1, {})

    # -- what is beside the layers

    def _check_parts(self) -> None:
        """Find the regularizers and rules of all networks, and the numbers of their layers."""
        kinds: dict[Any, Regularizer] = {}
        for i, network in enumerate(self.networks):
            mine = self._keyed(i, network)
            if not all(one.pads for one in mine.values()) and self._padded:
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
        for i, network in enumerate(self.networks):
            at = {name: k for k, (name, _) in enumerate(layers_of(self.network(network)))}
            own = np.zeros(len(at))
            for k, placed in enumerate(self._plans[i].layers):
                own[at[self._seats[i][placed.name].place]] = k
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

    def _optimizer(self, i: int, network: Network) -> Optimizer:
        mine = self._renamed(i, network.optimizer)
        if len(self._rules) == 1:
            return mine
        at = [jax.tree.structure(rule) for rule in self._rules].index(jax.tree.structure(mine))
        return Switched([mine if k == at else rule for k, rule in enumerate(self._rules)], float(at))

    def _renamed(self, i: int, optimizer: Optimizer) -> Optimizer:
        """Return a rule whose factors name places in place of layers."""
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


def _masks(positions: Sequence[Any], width: int) -> list[np.ndarray] | None:
    """Return for each network which of so many numbers are its own; None: all are of every one."""
    if all(len(own) == width for own in positions):
        return None
    masks = np.zeros((len(positions), width), np.float32)
    for mask, own in zip(masks, positions, strict=True):
        mask[own] = 1
    return list(masks)


def _indices(seat: Seat, tensor: str, whole: Any) -> Any:
    """Return where a tensor of a layer stands in that of its place."""
    axes = seat.axes.get(tensor)
    if axes is None:
        return ...
    return np.ix_(*(np.arange(length) if at is None else at for at, length in zip(axes, whole.shape, strict=True)))


def merged(networks: Sequence[Network], shape: Any) -> Merged | None:
    """Return networks, one of each structure, as one; None: they cannot share a program."""
    try:
        return Merged(networks, shape)
    except ApartError:
        return None
