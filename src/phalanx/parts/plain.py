"""Specifications as plain data.

A part is its class name, bare or with a map of fields: `ReLU`, `{Dense: {units: 64}}`. A distribution is a map with one
key: `{loguniform: [1e-4, 1e-1]}`, `{choice: [64, 128]}`, `{repeat: {count: 2, parts: [...]}}`. Fields at their default
are left out. The way back is exact.
"""

import dataclasses
from typing import Any

from phalanx.errors import InputError
from phalanx.parts.distributions import Choice, Distribution, Integers, LogUniform, Range, Repeat, Uniform
from phalanx.parts.fields import check, unknown
from phalanx.parts.kinds import FieldKind, subclasses
from phalanx.parts.part import Part, has_default

_DISTRIBUTIONS: dict[str, type[Distribution]] = {
    cls.__name__.lower(): cls for cls in (Uniform, LogUniform, Integers, Choice, Repeat)
}
_NEEDS = {Choice: "a list of options", Repeat: "a map of count and parts"}
_ANYTHING, _COUNT = FieldKind((object,)), FieldKind((int, Distribution))


def to_plain(value: Any) -> Any:
    """Return parts, distributions and lists as maps, lists, numbers and words.

    >>> from phalanx import Dense, ReLU, choice
    >>> to_plain([Dense(choice(64, 128)), ReLU()])
    [{'Dense': {'units': {'choice': [64, 128]}}}, 'ReLU']
    """
    if isinstance(value, Part):
        given = (f.name for f in dataclasses.fields(value) if not has_default(value, f))
        fields = {name: to_plain(getattr(value, name)) for name in given}
        return {type(value).__name__: fields} if fields else type(value).__name__
    if isinstance(value, Distribution):
        arguments = {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "name"}
        if value.name:
            arguments["name"] = value.name
        short = not value.name and not isinstance(value, Repeat)
        listed = arguments.get("options") or list(arguments.values())
        return {type(value).__name__.lower(): listed if short else arguments}
    return [to_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def from_plain(data: Any, where: str = "specification") -> Any:
    """Return what `to_plain` wrote, or a person: words that name a part become the part.

    Raises `InputError` for an unknown or misspelt part or field, with a suggestion.

    >>> from_plain({"Dense": {"units": 64}})
    Dense(units=64)
    """
    return _read(data, _ANYTHING, where)


def field_from_plain(cls: type[Part], name: str, data: Any, where: str) -> Any:
    """Return the value of a part's field from plain data, checked as its constructor would.

    >>> from phalanx import Network
    >>> field_from_plain(Network, "layers", [{"Dense": {"units": 64}}, "ReLU"], "config.yaml")
    (Dense(units=64), ReLU())
    """
    value = _read(data, cls.kinds[name], f"{where}: {name}")
    check(where, next(f for f in dataclasses.fields(cls) if f.name == name), cls.kinds[name], value)
    return value


def _read(data: Any, kind: FieldKind, where: str) -> Any:
    """Return plain data as what it stands for in a field of this kind: in a field of words, words stay words."""
    if isinstance(data, list):
        return tuple(_read(element, kind, f"{where}, item {i}") for i, element in enumerate(data, 1))
    if isinstance(data, str):
        return _part(data, {}, kind, where) if str not in kind.classes and data in _parts(Part, internal=True) else data
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise InputError(f"{where}: {data!r} should be a map with one key, the name of a part or distribution")
    ((name, arguments),) = data.items()
    if name in _DISTRIBUTIONS:
        return _distribution(name, arguments, kind, where)
    return _part(name, {} if arguments is None else arguments, kind, where)


def _parts(base: type, internal: bool = False) -> dict[str, type[Part]]:
    return {cls.__name__: cls for cls in subclasses(base, internal=internal)}


def _part(name: Any, fields: Any, kind: FieldKind, where: str) -> Part:
    cls = _parts(Part, internal=True).get(name)
    if cls is None:
        expected = {n for base in kind.named for n in _parts(base)} if kind != _ANYTHING else set(_parts(Part))
        raise unknown(where, "part", str(name), (*expected, *_DISTRIBUTIONS))
    if not isinstance(fields, dict):
        raise InputError(f"{where}: {name} needs a map of its fields, not {fields!r}")
    declared = {f.name: f for f in dataclasses.fields(cls)}
    for field in fields:
        if field not in declared:
            raise unknown(f"{where}: {name}", "field", str(field), declared)
    for field, f in declared.items():
        if field not in fields and f.default is dataclasses.MISSING:
            raise InputError(f"{where}: {name} needs a value for `{field}`")
    values = {field: _read(value, cls.kinds[field], f"{where}: {name}: {field}") for field, value in fields.items()}
    return _made(cls, values, where)


def _distribution(name: str, arguments: Any, kind: FieldKind, where: str) -> Distribution:
    cls = _DISTRIBUTIONS[name]
    fields = [f.name for f in dataclasses.fields(cls) if f.name != "name"]
    if isinstance(arguments, list) and cls is Choice:
        arguments = {"options": arguments}
    elif isinstance(arguments, list) and issubclass(cls, Range) and len(arguments) == len(fields):
        arguments = dict(zip(fields, arguments, strict=True))
    known = fields if cls is Repeat else [*fields, "name"]
    if isinstance(arguments, dict) and not set(arguments) <= set(known):
        raise unknown(f"{where}: {name}", "field", str(next(key for key in arguments if key not in known)), known)
    lists = [key for key in ("options", "parts") if key in fields]
    if (
        not isinstance(arguments, dict)
        or not set(fields) <= set(arguments)
        or not all(isinstance(arguments[key], list) for key in lists)
    ):
        raise InputError(f"{where}: {name} needs {_NEEDS.get(cls, 'a list of low and high')}, not {arguments!r}")
    inside = dict.fromkeys(lists, kind) | {"count": _COUNT}
    read = {key: _read(arguments[key], inside[key], f"{where}: {name}") for key in arguments if key in inside}
    return _made(cls, {**arguments, **read}, where)


def _made(cls: type[Any], values: dict[str, Any], where: str) -> Any:
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
