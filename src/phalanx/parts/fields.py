"""What a field of a part may hold, declared beside the field and checked in one place."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any

from phalanx.constraint import Constraint
from phalanx.errors import InputError
from phalanx.parts.distributions import Choice, Repeat
from phalanx.parts.kinds import FieldKind, subclasses


def field(
    *,
    default: Any = dataclasses.MISSING,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    choices: Iterable[str] | None = None,
    kw_only: Any = dataclasses.MISSING,
) -> Any:
    """Declare a field of a part with its default and the values it accepts.

    >>> from phalanx import Layer, Knob, part
    >>> @part
    ... class Scale(Layer):
    ...     factor: Knob = field(default=1.0, above=0)
    ...     def __call__(self, params, state, x, at):
    ...         return self.factor * x, state
    >>> Scale(-1.0)
    Traceback (most recent call last):
    ...
    phalanx.errors.InputError: Scale: factor is -1.0, but must be above 0
    """
    options = None if choices is None else tuple(choices)
    constraint = Constraint(at_least, above, at_most, below, options)
    return dataclasses.field(default=default, kw_only=kw_only, metadata={"constraint": constraint})


def constraint_of(declared: dataclasses.Field[Any]) -> Constraint:
    """Return a field's constraint; a plain default in a user's own part means any finite number."""
    return declared.metadata.get("constraint", Constraint())


def check(where: str, declared: dataclasses.Field[Any], kind: FieldKind, value: Any) -> None:
    """Raise `InputError` unless `value` fits the field: its kind, and its interval or list of words."""
    name, constraint = declared.name, constraint_of(declared)
    if not kind.listed or (kind.alone and not isinstance(value, tuple)):
        _check_one(f"{where}: {name} is", kind, constraint, value)
    elif isinstance(value, tuple):
        for element in value:
            _check_one(f"{where}: {name} holds", kind, constraint, element)
    else:
        raise InputError(f"{where}: {name} is {value!r}, but must be a list, each element {kind}")


def _check_one(claim: str, kind: FieldKind, constraint: Constraint, value: Any, option: bool = False) -> None:
    """Check a value, an element of a list, or an `option` of either; `claim` begins the error's sentence."""
    if isinstance(value, type):
        raise InputError(f"{claim} the class {value.__name__}; write {value.__name__}() to make one of it")
    inside: tuple[Any, ...] = ()
    if isinstance(value, Repeat):
        fits, inside = kind.lists_parts and not option, value.parts
    elif option and (kind.lists_parts or kind.alone) and (value is None or isinstance(value, tuple)):
        fits, inside = value is not None or kind.lists_parts, value or ()
    else:
        fits = kind.admits(value)
        inside = value.extremes() if fits and hasattr(value, "extremes") else ()  # a distribution, a schedule
    if not fits:
        wanted = str(constraint) if constraint.choices else str(kind)
        raise InputError(f"{claim} {value!r}, but must be {wanted}{_hint(kind, value)}")
    if not constraint.admits(value):
        raise InputError(f"{claim} {value!r}, but must be {constraint}")
    for held in inside:
        _check_one(f"{claim} {value!r}, which can be", kind, constraint, held, option=isinstance(value, Choice))


def _hint(kind: FieldKind, value: Any) -> str:
    """Return the name of the part that a word may stand for."""
    known = (cls.__name__ for base in kind.named for cls in subclasses(base))
    near = nearest(value, known) if isinstance(value, str) else ""
    return f"; did you mean {near}?" if near else ""


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the known name most like the given one, "" if none is; capitals do not matter."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[near[0]] if near else ""


def unknown(where: str, what: str, given: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that does not exist, with the nearest one that does."""
    known = sorted(known)
    near = nearest(given, known)
    hint = f"did you mean `{near}`?" if near else f"known: {', '.join(known)}" if known else "there are none here"
    return InputError(f"{where}: unknown {what} `{given}`; {hint}")
