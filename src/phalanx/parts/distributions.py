"""What a person is unsure of: distributions that stand where a value will be.

A distribution maps a number u in [0, 1) to a value, so that grid, random and Sobol designs are three ways to choose u.
It never reaches the compiled program: a design replaces it by a value first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar

import numpy as np

from phalanx.constraint import is_finite
from phalanx.errors import InputError


@dataclass(frozen=True, repr=False)
class Distribution:
    """Base of all distributions. Those that share a `name` are one draw; without one, each stands for itself."""

    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InputError(f"{type(self).__name__.lower()}: name is {self.name!r}, but must be a word")

    def __repr__(self) -> str:
        return f"{type(self).__name__.lower()}({', '.join(self._arguments())})"

    def _arguments(self) -> list[str]:
        given = [repr(getattr(self, f.name)) for f in fields(self) if f.name != "name"]
        return [*given, f"name={self.name!r}"] if self.name else given

    def extremes(self) -> tuple[Any, ...]:
        """Return values between which, or among which, all values lie."""
        raise NotImplementedError

    def at(self, u: float) -> Any:
        """Return the value at quantile `u` in [0, 1]."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Range(Distribution):
    """Base of distributions over an interval, both ends included."""

    number: ClassVar[type[int] | type[float]] = float

    low: float
    high: float

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = type(self).__name__.lower()
        for end in ("low", "high"):
            bound = without_numpy(getattr(self, end))
            if isinstance(bound, bool) or not isinstance(bound, (int, self.number)) or not is_finite(bound):
                wanted = "whole" if self.number is int else "finite"
                raise InputError(f"{kind}: {end} is {bound!r}, but must be a {wanted} number")
            object.__setattr__(self, end, self.number(bound))
        if self.low > self.high:
            raise InputError(f"{kind}: low is {self.low!r}, but must be at most high, which is {self.high!r}")

    def extremes(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True, repr=False)
class Uniform(Range):
    """See `uniform`."""

    def at(self, u: float) -> float:
        return min(max(self.low * (1 - u) + self.high * u, self.low), self.high)


@dataclass(frozen=True, repr=False)
class LogUniform(Range):
    """See `loguniform`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise InputError(f"loguniform: low is {self.low!r}, but must be above 0")

    def at(self, u: float) -> float:
        value = math.exp(math.log(self.low) * (1 - u) + math.log(self.high) * u)
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, repr=False)
class Integers(Range):
    """See `integers`."""

    number = int

    low: int
    high: int

    def at(self, u: float) -> int:
        return min(self.low + int((self.high - self.low + 1) * u), self.high)


@dataclass(frozen=True, repr=False)
class Choice(Distribution):
    """See `choice`."""

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "options", without_numpy(self.options))
        if not self.options:
            raise InputError("choice: there is nothing to choose from; give at least one option")

    def _arguments(self) -> list[str]:
        return [*map(repr, self.options), *([f"name={self.name!r}"] if self.name else [])]

    def extremes(self) -> tuple[Any, ...]:
        return self.options

    def at(self, u: float) -> Any:
        return self.options[min(int(len(self.options) * u), len(self.options) - 1)]


@dataclass(frozen=True, repr=False)
class Repeat(Distribution):
    """See `repeat`."""

    count: Any
    parts: tuple[Any, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "count", without_numpy(self.count))
        object.__setattr__(self, "parts", without_numpy(self.parts))
        if not isinstance(self.parts, tuple):
            raise InputError(f"repeat: parts is {self.parts!r}, but must be a list")
        for count in self.count.extremes() if isinstance(self.count, Distribution) else (self.count,):
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise InputError(f"repeat: count is {self.count!r}, but must be a whole number of at least 0")


def without_numpy(value: Any) -> Any:
    """Return a NumPy number as a Python number and a list, or a tuple, as a tuple; anything else as it is."""
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        return value.item()
    return tuple(map(without_numpy, value)) if isinstance(value, (list, tuple)) else value


def uniform(low: float, high: float, *, name: str = "") -> Distribution:
    """Draw a number between `low` and `high`, each equally likely.

    >>> uniform(0.0, 0.5).at(0.5)
    0.25
    """
    return Uniform(low, high, name=name)


def loguniform(low: float, high: float, *, name: str = "") -> Distribution:
    """Draw a number whose logarithm is uniform: for learning rates, penalties and other numbers of unknown scale.

    >>> round(loguniform(1e-4, 1e-2).at(0.5), 6)
    0.001
    """
    return LogUniform(low, high, name=name)


def integers(low: int, high: int, *, name: str = "") -> Distribution:
    """Draw a whole number from `low` to `high`, both included.

    >>> [integers(1, 3).at(u) for u in (0.0, 0.4, 0.99)]
    [1, 2, 3]
    """
    return Integers(low, high, name=name)


def choice(*options: Any, name: str = "") -> Distribution:
    """Choose among values, or among parts; distributions inside an option are drawn only where it is chosen.

    In a list of layers an option may be a list of layers, or None for no layer.

    >>> choice(64, 128).at(0.7)
    128
    """
    return Choice(options, name=name)


def repeat(count: Any, parts: Sequence[Any]) -> Distribution:
    """Stand in a list of layers for `count` copies of `parts`, drawn anew for each copy: the way to search depth.

    `count` is a whole number of at least 0, or a distribution over such.

    >>> from phalanx import Dense, ReLU
    >>> repeat(choice(1, 2, 3), [Dense(choice(64, 128)), ReLU()])
    repeat(choice(1, 2, 3), (Dense(units=choice(64, 128)), ReLU()))
    """
    return Repeat(count, without_numpy(parts))


T = TypeVar("T")

KNOB = "a number that may differ between members"

if TYPE_CHECKING:  # to a type checker: a constructor also takes distributions, methods see what was drawn

    class Fixed(Generic[T]):
        """A field of structure (units, kernel size): members that differ in it are compiled separately."""

        def __get__(self, owner: Any, kind: Any = None) -> T: ...
        def __set__(self, owner: Any, value: T | Distribution) -> None: ...

    class Listed(Generic[T]):
        """A list of parts; a list given is kept as a tuple."""

        def __get__(self, owner: Any, kind: Any = None) -> tuple[T, ...]: ...
        def __set__(self, owner: Any, value: Sequence[T | Distribution]) -> None: ...

    class PerAxis:
        """A whole number for all axes of space, or one for each: structure too."""

        def __get__(self, owner: Any, kind: Any = None) -> Any: ...
        def __set__(self, owner: Any, value: int | Sequence[int] | Distribution) -> None: ...

    class MaybePerAxis(PerAxis):
        """The same, or None."""

        def __set__(self, owner: Any, value: int | Sequence[int] | Distribution | None) -> None: ...

    class Names:
        """A list of names; it is kept as a tuple."""

        def __get__(self, owner: Any, kind: Any = None) -> tuple[str, ...]: ...
        def __set__(self, owner: Any, value: Sequence[str]) -> None: ...

    class Number:
        """A knob that cannot change during a run: a number or a distribution."""

        def __get__(self, owner: Any, kind: Any = None) -> Any: ...
        def __set__(self, owner: Any, value: float | Distribution) -> None: ...

else:
    Fixed = T | Distribution
    Listed = Sequence[T | Distribution]
    PerAxis = int | Distribution | tuple[int, ...]
    MaybePerAxis = PerAxis | None
    Names = tuple[str, ...]
    Number = Annotated[float | Distribution, KNOB]
