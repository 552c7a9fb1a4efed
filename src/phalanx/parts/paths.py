"""Paths: how a place inside a specification is named (`layers.dense_1.units`), read and replaced."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from phalanx.errors import InputError
from phalanx.parts.distributions import Distribution
from phalanx.parts.fields import unknown
from phalanx.parts.part import Part, names


def entries(owner: Part | tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) for the fields of a part, or for the elements of a list of parts."""
    if isinstance(owner, Part):
        yield from ((f.name, getattr(owner, f.name)) for f in dataclasses.fields(owner) if f.name != "name")
    else:
        yield from zip(names(owner), owner, strict=True)


def holds_parts(value: Any) -> bool:
    """Say whether a value is a part or a list that has parts or their distributions as elements."""
    return isinstance(value, Part) or (
        isinstance(value, (tuple, list)) and any(isinstance(v, (Part, Distribution)) for v in value)
    )


def places(owner: Any, prefix: str = "", separator: str = ".") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) for every place below a part or a list of parts, outermost first.

    >>> from phalanx import Dense
    >>> dict(places((Dense(4),)))["dense_1.units"]
    4
    """
    for name, value in entries(tuple(owner) if isinstance(owner, list) else owner):
        yield prefix + name, value
        if holds_parts(value):
            yield from places(value, prefix + name + separator, separator)


def replace_at(owner: Any, path: list[str], value: Any) -> Any:
    """Return a copy of a part or list with the place at `path` replaced; nothing is changed in place.

    >>> from phalanx import Dense
    >>> replace_at((Dense(4),), ["dense_1", "units"], 8)
    (Dense(units=8),)
    """
    name, *rest = path
    if not holds_parts(owner):
        raise InputError(f"{owner!r} has no part or field `{name}`")
    known = dict(entries(tuple(owner) if isinstance(owner, list) else owner))
    if name not in known:
        raise unknown(type(owner).__name__ if isinstance(owner, Part) else "list of parts", "name", name, known)
    new = replace_at(known[name], rest, value) if rest else value
    if isinstance(owner, Part):
        return dataclasses.replace(owner, **{name: new})
    return tuple(new if key == name else element for key, element in known.items())
