"""The options of a search, each declared once with the values that it may have; every door checks them here."""

import typing
from dataclasses import dataclass, fields
from typing import Any

from phalanx.errors import InputError
from phalanx.population.refit import NEVER, RULES
from phalanx.search.designs import DESIGNS
from phalanx.spec.distributions import without_numpy
from phalanx.spec.fields import Constraint, constraint_of, field
from phalanx.spec.kinds import Kind, kind_of


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much to try, and how: see `phalanx.Classifier`, which has the same names; `seed` is its `random_state`.

    Raises `InputError` for a value that no search can use.
    """

    trials: int | None = field(default=None, at_least=1, at_most=100_000)
    design: str = field(default="sobol", choices=DESIGNS)
    structures: int = field(default=4, at_least=1, at_most=10_000)
    repeats: int = field(default=1, at_least=1, at_most=10_000)
    max_rounds: int | None = field(default=None, at_least=1, at_most=2**31 - 1)
    round_steps: int | None = field(default=None, at_least=1, at_most=2**20)
    minutes: float | None = field(default=None, above=0)
    seed: int = field(default=0, at_least=0, at_most=2**32 - 1)
    refit: str | None = field(default=None, choices=(*RULES, NEVER))
    bootstrap: bool = field(default=False)
    vote: bool = field(default=False)
    samples: int = field(default=0, at_least=0, at_most=2**31 - 1)

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for declared in fields(self):
            if "constraint" in declared.metadata:
                held = getattr(self, declared.name)
                check_value(declared.name, held, kind_of(hints[declared.name]), constraint_of(declared))
                object.__setattr__(self, declared.name, without_numpy(held))


def check_value(name: str, value: Any, kind: Kind, constraint: Constraint) -> None:
    """Raise `InputError` unless the value of an option is of a kind, and one that the constraint admits."""
    plain = without_numpy(value)
    if not (kind.admits(plain) and constraint.admits(plain)):
        raise InputError(f"{name} is {value!r}, but must be {_wanted(kind, constraint)}")


def check_number(
    name: str, value: Any, *, at_least: float | None = None, above: float | None = None, below: float | None = None
) -> None:
    """Raise `InputError` unless a value is a finite number between bounds."""
    check_value(name, value, Kind((float,)), Constraint(at_least, above, below=below))


def check_whole(name: str, value: Any, least: int, most: int = 2**31 - 1) -> None:
    """Raise `InputError` unless a value is a whole number between bounds, both included."""
    check_value(name, value, Kind((int,)), Constraint(at_least=least, at_most=most))


def check_word(name: str, value: Any, words: tuple[str, ...]) -> None:
    """Raise `InputError` unless a value is one of some words."""
    check_value(name, value, Kind((str,)), Constraint(choices=words))


def check_text(name: str, value: Any) -> None:
    """Raise `InputError` unless a value is text."""
    check_value(name, value, Kind((str,)), Constraint())


def check_switch(name: str, value: Any) -> None:
    """Raise `InputError` unless a value is true or false."""
    check_value(name, value, Kind((bool,)), Constraint())


def _wanted(kind: Kind, constraint: Constraint) -> str:
    if constraint.choices is not None:
        return str(constraint)
    if constraint.at_least is not None and constraint.at_most is not None:
        return f"{kind} from {constraint.at_least:,} to {constraint.at_most:,}"
    return str(kind) if constraint == Constraint() else f"{kind} {constraint}"
