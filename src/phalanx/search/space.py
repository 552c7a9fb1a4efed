"""The space a specification with distributions describes: which draws it needs, and the specification for given draws.

Draws are keyed by the distribution's name, or else by its path (`layers.dense_1.units`). What stands inside an option
of a choice is drawn only where the option is chosen, under a path that names the option
(`optimizer.adam_1.learning_rate`); each copy of a `repeat` has its number in the path (`layers.repeat_1.2.dense_1`).
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from phalanx.parts import Distribution, Part, names
from phalanx.parts.distributions import Choice, Integers, Repeat
from phalanx.parts.paths import holds_parts

Pick = Callable[[str, Distribution, bool], Any]
"""Called with key, distribution and whether it shapes the program; returns a value."""


def resolve(value: Any, pick: Pick, path: str = "", knob: bool = False) -> Any:
    """Return a specification with every distribution replaced by what `pick` returns for it.

    `path` and `knob` say where `value` stands: its place, and whether members may differ in it within a program.
    """
    if isinstance(value, Part):
        fields = {
            f.name: resolve(getattr(value, f.name), pick, _join(path, f.name), value.kinds[f.name].knob)
            for f in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **fields)
    if isinstance(value, (tuple, list)) and holds_parts(value):
        return tuple(_elements(tuple(value), pick, path))
    if not isinstance(value, Distribution):
        return value
    picked = pick(value.name or path, value, not (knob and _numbers_only(value)))
    if isinstance(value, Choice) and isinstance(picked, (Part, tuple, Distribution)):
        option = names(value.options, distinct=False)[value.options.index(picked)]
        return resolve(picked, pick, _join(path, option), knob)
    return picked


def is_space(value: Any) -> bool:
    """Say whether a specification holds any distribution."""
    found: list[Distribution] = []

    def pick(key: str, distribution: Distribution, shapes: bool) -> Any:
        found.append(distribution)
        return distribution.at(0.0)

    resolve(value, pick)
    return bool(found)


def options_of(distribution: Distribution) -> Sequence[Any] | None:
    """Return all values of a discrete distribution, or None where it is continuous."""
    if isinstance(distribution, Choice):
        return distribution.options
    if isinstance(distribution, Integers):
        return range(distribution.low, distribution.high + 1)
    return None


def shown(value: Any) -> Any:
    """Return how a drawn value reads in a table: a number or word as it is, a part by its class name."""
    if isinstance(value, tuple):
        return ", ".join(str(shown(element)) for element in value)
    return type(value).__name__ if isinstance(value, (Part, Distribution)) else value


def _elements(elements: tuple[Any, ...], pick: Pick, path: str) -> Iterator[Any]:
    for name, element in zip(names(elements), elements, strict=True):
        place = _join(path, name)
        if isinstance(element, Repeat):
            for copy in range(1, resolve(element.count, pick, place) + 1):
                yield from _elements(element.parts, pick, _join(place, str(copy)))
        else:
            new = resolve(element, pick, place)
            if isinstance(new, tuple):  # an option of a choice that is itself a list of parts
                yield from new
            elif new is not None:  # a choice with None: the layer may be left out
                yield new


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _numbers_only(distribution: Distribution) -> bool:
    return all(isinstance(extreme, (int, float)) for extreme in distribution.extremes())
