"""The options of a study are checked here, by what is declared of them, whatever the door."""

import dataclasses
from typing import Any

from phalanx.constraint import Constraint
from phalanx.declared import Declared, declared
from phalanx.errors import InputError
from phalanx.parts.distributions import without_numpy
from phalanx.parts.kinds import FieldKind, kind_of
from phalanx.study import Ensembles, Search, Seed


@dataclasses.dataclass(kw_only=True)
class Options(Seed, Ensembles, Search):
    """The options of a search, checked and then fixed; see `phalanx.study`.

    Raises `InputError` for a value that no search can use.
    """

    def __post_init__(self) -> None:
        check_options(self)
        for one in declared(type(self)):
            object.__setattr__(self, one.name, without_numpy(getattr(self, one.name)))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self):  # its groups are shared with estimators, so that it cannot be a frozen dataclass
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super().__setattr__(name, value)


def check_options(holder: Any) -> None:
    """Raise `InputError` unless every option of an object has a value as it is declared; `Any` is not checked here."""
    for one in declared(type(holder)):
        if one.hint is not Any:
            _check(one, kind_of(one.hint), getattr(holder, one.name))


def is_text(one: Declared) -> bool:
    """Say whether an option holds texts of a person's own, not one of some words."""
    return one.hint is not Any and kind_of(one.hint).named == (str,) and one.option.constraint.choices is None


def _check(one: Declared, kind: FieldKind, value: Any) -> None:
    """Raise `InputError` unless an option has a value of its kind, or where it is a list, each of its elements."""
    limits, elements, plain = one.option.constraint, (value,), without_numpy(value)
    if is_text(one):
        wanted = "text"
    else:  # of a number or a word, the number has bounds
        wanted = _wanted(FieldKind(tuple(cls for cls in kind.named if cls is not str) or (str,)), limits)
    if kind.listed and isinstance(plain, tuple):
        elements, kind = plain, dataclasses.replace(kind, classes=kind.named)
    elif kind.listed and not kind.alone and plain is not None:
        raise InputError(f"{one.name} is {value!r}, but must be a list, each element {wanted}")
    for element in elements:
        check_value(one.name, element, kind, limits, wanted)
        if wanted == "text" and element == "" and not one.option.empty:
            raise InputError(f"{one.name} is '', but must be text")


def check_value(name: str, value: Any, kind: FieldKind, constraint: Constraint, wanted: str = "") -> None:
    """Raise `InputError` unless the value of an option is of a kind, and one that the constraint admits."""
    plain = without_numpy(value)
    if not (kind.admits(plain) and constraint.admits(plain)):
        raise InputError(f"{name} is {value!r}, but must be {wanted or _wanted(kind, constraint)}")


def check_number(
    name: str, value: Any, *, at_least: float | None = None, above: float | None = None, below: float | None = None
) -> None:
    """Raise `InputError` unless a value is a finite number between bounds."""
    check_value(name, value, FieldKind((float,)), Constraint(at_least, above, below=below))


def check_whole(name: str, value: Any, least: int, most: int = 2**31 - 1) -> None:
    """Raise `InputError` unless a value is a whole number between bounds, both included."""
    check_value(name, value, FieldKind((int,)), Constraint(at_least=least, at_most=most))


def check_word(name: str, value: Any, words: tuple[str, ...]) -> None:
    """Raise `InputError` unless a value is one of some words."""
    check_value(name, value, FieldKind((str,)), Constraint(choices=words))


def check_text(name: str, value: Any) -> None:
    """Raise `InputError` unless a value is text."""
    check_value(name, value, FieldKind((str,)), Constraint())


def _wanted(kind: FieldKind, constraint: Constraint) -> str:
    if constraint.choices is not None:
        return str(constraint)
    if constraint.at_least is not None and constraint.at_most is not None:
        return f"{kind} from {constraint.at_least:,} to {constraint.at_most:,}"
    return str(kind) if constraint == Constraint() else f"{kind} {constraint}"
