"""Which layers of several networks share a place: a common sequence in which each finds its own layers in order."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from phalanx.blueprint import Placed
from phalanx.layers import Layer
from phalanx.layers.layer import has_parts
from phalanx.network import OUTPUT

_BESIDE = 1.0
"""What it costs to put another kind of layer into a place."""

_ABSENT, _WIDE_ABSENT = 1.0, 4.0
"""What it costs that a network has no layer there: one that keeps its width, or makes one."""


def holds_layers(layer: Layer) -> str | None:
    """Return the field of the layers inside a layer which runs them one after the other, None: there is none."""
    if layer.forks or not layer.inner:
        return None
    return next((name for name in layer.children if getattr(layer, name) == layer.inner), None)


def body(layer: Layer) -> Any:
    """Return what layers that are computed as one have in common: all but sizes, knobs, names and layers inside."""
    inside = holds_layers(layer)
    plain: dict[str, Any] = {"name": "", **dict.fromkeys(layer.sizes, 1)}
    if inside is not None:
        plain[inside] = ()
    return jax.tree.structure(dataclasses.replace(layer, **plain))


@dataclasses.dataclass(frozen=True)
class Alignment:
    """How sequences of layers are laid beside each other; `masked`: whether steps of their rows may be padding."""

    masked: bool
    _bodies: dict[int, tuple[Layer, Any]] = dataclasses.field(default_factory=dict)

    def body(self, layer: Layer) -> Any:
        """Return the `body` of a layer, made once."""
        if id(layer) not in self._bodies:
            self._bodies[id(layer)] = layer, body(layer)  # kept, so that no other gets its id
        return self._bodies[id(layer)][1]

    def of(self, sequences: Sequence[Sequence[Placed]]) -> list[list[int | None]] | None:
        """Return places in order, and for each which layer of every sequence stands there, None: it has none there.

        None: there is no such sequence. The longest comes first, and each further one is joined at least cost; those
        that differ in sizes and knobs alone stand alike.
        """
        alike: dict[Any, list[int]] = {}
        for i, sequence in enumerate(sequences):
            key = tuple((self.body(one.layer), _around(one), one.name == OUTPUT) for one in sequence)
            alike.setdefault(key, []).append(i)
        table = self._of_distinct([sequences[same[0]] for same in alike.values()])
        if table is None:
            return None
        which = {i: number for number, same in enumerate(alike.values()) for i in same}
        return [[place[which[i]] for i in range(len(sequences))] for place in table]

    def _of_distinct(self, sequences: Sequence[Sequence[Placed]]) -> list[list[int | None]] | None:
        order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
        table = [{order[0]: k} for k in range(len(sequences[order[0]]))]
        for i in order[1:]:
            joined = self._join(table, sequences, i)
            if joined is None:
                return None
            table = joined
        return [[place.get(i) for i in range(len(sequences))] for place in table]

    def _join(
        self, table: list[dict[int, int]], sequences: Sequence[Sequence[Placed]], i: int
    ) -> list[dict[int, int]] | None:
        """Return the places with the layers of one more sequence in them."""
        own, there = sequences[i], [self._distinct([sequences[j][k] for j, k in place.items()]) for place in table]
        cost = np.full((len(table) + 1, len(own) + 1), np.inf)
        came = np.zeros(cost.shape, int)
        cost[0, 0] = 0
        for a, b in itertools.product(*map(range, cost.shape)):
            if not a and not b:
                continue
            steps = (  # of equal cost the first is taken, from the end: layers come together early
                cost[a - 1, b] + max(map(self._absence, there[a - 1])) if a else np.inf,
                cost[a, b - 1] + self._absence(own[b - 1]) if b else np.inf,
                cost[a - 1, b - 1] + self._together(there[a - 1], own[b - 1]) if a and b else np.inf,
            )
            came[a, b] = int(np.argmin(steps))
            cost[a, b] = steps[came[a, b]]
        if not np.isfinite(cost[-1, -1]):
            return None
        made: list[dict[int, int]] = []
        a, b = len(table), len(own)
        while a or b:
            alone, without = came[a, b] == 1, came[a, b] == 0
            a, b = a - (not alone), b - (not without)
            made.append({**({} if alone else table[a]), **({} if without else {i: b})})
        return made[::-1]

    def _distinct(self, placed: Sequence[Placed]) -> list[Placed]:
        return list({(self.body(one.layer), _around(one)): one for one in placed}.values())

    def _together(self, there: Sequence[Placed], new: Placed) -> float:
        costs = [self._beside(one, new) for one in there]
        return min(costs) if max(costs) < np.inf else np.inf

    def _beside(self, one: Placed, other: Placed) -> float:
        """Return what it costs that two layers share a place."""
        if _around(one) != _around(other):
            return np.inf
        if self.body(one.layer) == self.body(other.layer):
            return 0.0
        if not (self._switches(one) and self._switches(other)):
            return np.inf
        both_noisy = one.layer.noise(one.before) and other.layer.noise(other.before)
        return np.inf if both_noisy or bool(one.layer.sizes) != bool(other.layer.sizes) else _BESIDE

    def _absence(self, placed: Placed) -> float:
        """Return what it costs that a network has no such layer; infinity: it must have one."""
        layer = placed.layer
        if has_parts(placed.before) or placed.before[:-1] != placed.after[:-1] or _is_last(placed):
            return np.inf
        if layer.neutral() is not None:
            return _ABSENT
        if not self._switches(placed) or (not layer.sizes and placed.before != placed.after):
            return np.inf
        return _WIDE_ABSENT if layer.sizes else _ABSENT

    def _switches(self, placed: Placed) -> bool:
        """Say whether a layer may be one of several in a place, or be left out there."""
        layer = placed.layer
        tells = layer.masks or (self.masked and type(layer).mask is not Layer.mask)
        special = layer.inner or layer.learned or layer.tables or layer.unrolls or layer.shared_noise(placed.before)
        return not (tells or special or _is_last(placed))


def _around(placed: Placed) -> Any:
    """Return what must be the same of the shapes of layers in one place: all but the last axis."""
    return placed.before if has_parts(placed.before) else placed.before[:-1], placed.after[:-1]


def _is_last(placed: Placed) -> bool:
    return placed.name.rpartition(".")[2] == OUTPUT
