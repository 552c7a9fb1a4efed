"""Where the layers of several networks stand in their superstructure."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from phalanx.blueprint import Blueprint, Placed
from phalanx.errors import InputError
from phalanx.layers import Layer, Linear
from phalanx.layers.layer import Places, has_parts
from phalanx.likelihoods import Joint
from phalanx.network import OUTPUT, Network, branches, layers_of
from phalanx.parts import names
from phalanx.superstructure.alignment import Alignment, holds_layers
from phalanx.superstructure.slot import Slot


class ApartError(Exception):
    """Networks cannot share a program."""


class Seat(NamedTuple):
    """Where a layer of one network stands: the name of its place, the number of its option among all, and where its
    parameters and states stand, by name; those that are not there stand alike in both.
    """

    place: str
    option: int
    options: int
    axes: Mapping[str, tuple[Places, ...]]


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


@dataclasses.dataclass
class _Line:
    """A sequence of places, what a row that leaves them is, and where the numbers of each network stand in it."""

    places: list[Place]
    shape: Any
    positions: list[Any]


class Seating:
    """The places of the layers of networks, for rows of a shape: those of the `trunk` and of the `heads`, and the place
    that each head comes `after`.

    `plans`: the blueprint of each network. `seats`: where each of its layers stands. `padded`: whether any has more
    numbers there than its own. Raises `ApartError` where layers cannot share a program.
    """

    def __init__(self, networks: Sequence[Network], shape: Any) -> None:
        self.plans = [Blueprint.of(network, shape) for network in networks]
        self.seats: list[dict[str, Seat]] = [{} for _ in networks]
        self.padded = False
        self._placed = [{placed.name: placed for placed in plan.layers} for plan in self.plans]
        self._alignment = Alignment(any(layer.masks for network in networks for _, layer in layers_of(network)))
        self._passed: dict[str, _Line] = {}
        whole = [None if has_parts(shape) else np.arange(shape[-1])] * len(networks)
        own = [self._sequence(i, "", network.layers) for i, network in enumerate(networks)]
        line = self._line(own, "", shape, whole)
        self.trunk, self.heads, self.after = line.places, list[list[Place]](), list[str]()
        for number, (name, _) in enumerate(branches(networks[0])):
            if not isinstance(networks[0].likelihood, Joint):
                break
            each = [branches(network)[number] for network in networks]
            ends = {self.seats[i][head.after].place if head.after else "" for i, (_, head) in enumerate(each)}
            if len(ends) > 1:
                raise ApartError
            (after,) = ends
            start = self._passed[after] if after else line
            own = [self._sequence(i, f"{prefix}.", head.layers) for i, (prefix, head) in enumerate(each)]
            made = self._line(own, f"{name}.", start.shape, start.positions)
            self.heads.append(made.places)
            self.after.append(after)

    def _sequence(self, i: int, prefix: str, layers: Sequence[Layer]) -> list[Placed]:
        return [self._placed[i][prefix + name] for name in names(layers)]

    def _line(self, own: list[list[Placed]], prefix: str, shape: Any, positions: list[Any]) -> _Line:
        """Return the places of sequences whose rows have a shape in the superstructure, their own at `positions`."""
        table = self._alignment.of(own)
        if table is None:
            raise ApartError
        made = _Line([], shape, positions)
        for number, index in enumerate(table, 1):
            there = [None if k is None else own[i][k] for i, k in enumerate(index)]
            last = any(one is not None and one.name.rpartition(".")[2] == OUTPUT for one in there)
            name = OUTPUT if last else f"place_{number}"
            made = self._place(made, name, prefix, there, index)
            self._passed[prefix + name] = _Line([], made.shape, made.positions)
        return made

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
            found: list[tuple[np.ndarray, Mapping[str, Any]]]
            out, found = first.after, [(np.arange(first.after[-1]), {})] * len(there)
        else:
            out = self._output(line, options)
            found = [
                (line.positions[i], {}) if one is None else self._room(line, options[which[i]], one, line.positions[i])
                for i, one in enumerate(there)
            ]
        for i, one in present.items():
            self._sit(i, one, prefix + name, which[i], len(options), found[i][1])
        after = [positions for positions, _ in found]
        alive = _masks(after, out[-1])
        entering = None if has_parts(line.shape) else _masks(line.positions, line.shape[-1])
        self.padded |= alive is not None
        place = Place(name, options, out[-1], index, which, alive, entering, inner)
        return _Line([*line.places, place], out, after)

    def _output(self, line: _Line, options: list[Layer]) -> Any:
        """Return the shape of rows after a place: as wide as the widest of its layers makes them."""
        try:
            shapes = [option.output_shape(line.shape) for option in options]
        except InputError:
            raise ApartError from None
        return (*shapes[0][:-1], max(shape[-1] for shape in shapes))

    def _room(self, line: _Line, option: Layer, own: Placed, positions: Any) -> tuple[np.ndarray, Mapping[str, Any]]:
        """Return where the outputs and the tensors of a network's layer stand in that of its place."""
        same = all(getattr(option, size) == getattr(own.layer, size) for size in own.layer.sizes)
        if same and (has_parts(line.shape) or len(positions) == line.shape[-1]):
            return np.arange(own.after[-1]), {}
        found = None if has_parts(line.shape) else option.room_for(own.layer, positions, line.shape)
        if found is None:
            raise ApartError
        return found

    def _inner(self, line: _Line, name: str, prefix: str, present: dict[int, Placed]) -> list[Place]:
        """Return the places inside a place where layers stand that hold others, all of them of one shape outside."""
        if len(present) < len(self.plans) or len({one.after for one in present.values()}) > 1:
            raise ApartError
        if any(len(positions) != line.shape[-1] for positions in line.positions):
            raise ApartError
        own = [self._sequence(i, f"{one.name}.", one.layer.inner) for i, one in present.items()]
        inside = self._line(own, f"{prefix}{name}.", line.shape, line.positions)
        if any(len(positions) != inside.shape[-1] for positions in inside.positions):
            raise ApartError
        return inside.places

    def _sit(self, i: int, placed: Placed, place: str, option: int, options: int, axes: Mapping[str, Any]) -> None:
        """Note where a layer stands, and those inside it where they have no places of their own."""
        self.seats[i][placed.name] = Seat(place, option, options, axes)
        if holds_layers(placed.layer) is None:
            for name in self._placed[i]:
                if name.startswith(f"{placed.name}."):
                    self.seats[i][name] = Seat(place + name.removeprefix(placed.name), 0, 1, {})


def _masks(positions: Sequence[Any], width: int) -> list[np.ndarray] | None:
    """Return for each network which of so many numbers are its own; None: all are of every one."""
    if all(len(own) == width for own in positions):
        return None
    masks = np.zeros((len(positions), width), np.float32)
    for mask, own in zip(masks, positions, strict=True):
        mask[own] = 1
    return list(masks)


def indices(seat: Seat, tensor: str, whole: Any) -> Any:
    """Return where a tensor of a layer stands in that of its place."""
    axes = seat.axes.get(tensor)
    if axes is None:
        return ...
    return np.ix_(*(np.arange(length) if at is None else at for at, length in zip(axes, whole.shape, strict=True)))
