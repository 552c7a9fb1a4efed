"""Schedules: numbers that change during a run, as a function of its progress from 0 to 1.

Progress is steps done / (`max_rounds` × steps of a round). A schedule may stand wherever a knob does, and its own
numbers are knobs; the program evaluates it before a layer sees it. Source: the notes on step sizes that change with
iterations (book, sections 8.3.1 and 8.5); the cosine is Loshchilov & Hutter 2017 without restarts.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.parts.distributions import KNOB, Distribution, Number
from phalanx.parts.fields import field
from phalanx.parts.part import Part, part


@part
class Schedule(Part):
    """Base of schedules."""

    @abstractmethod
    def value(self, progress: Any) -> Any:
        """Return the number at `progress` in [0, 1]."""

    @abstractmethod
    def extremes(self) -> tuple[Any, ...]:
        """Return numbers between which all values lie, whatever its own distributions draw."""


@part
class Step(Schedule):
    """Multiply by a factor at regular intervals: start · factor^⌊progress / every⌋.

    `start`: the first value. `factor`: multiplier at each drop (default 0.1).
    `every`: share of the run between drops (default 0.25: at a quarter, a half, three quarters).

    >>> round(float(Step(0.1, factor=0.5, every=0.25).value(0.6)), 6)
    0.025

    Source: notes G2; book 8.3.1.
    """

    start: Number = field()
    factor: Number = field(default=0.1, above=0)
    every: Number = field(default=0.25, above=0, at_most=1)

    def value(self, progress: Any) -> Any:
        return self.start * self.factor ** jnp.floor(progress / self.every)

    def extremes(self) -> tuple[Any, ...]:
        # in single precision, in which programs compute, a drop may fall on the end that is a hair behind it
        drops = (0.0, *(float(np.floor(1 / every * (1 + 1e-6))) for every in _ends(self.every)))
        return tuple(s * _power(f, n) for s in _ends(self.start) for f in _ends(self.factor) for n in drops)


@part
class Exponential(Schedule):
    """Decay at a constant rate: start · factor^progress, so that the run ends at start · factor.

    `start`: the first value. `factor`: last value / first value (default 0.01).

    >>> round(float(Exponential(0.1, factor=0.01).value(0.5)), 6)
    0.01

    Source: notes G2; book 8.3.1.
    """

    start: Number = field()
    factor: Number = field(default=0.01, above=0)

    def value(self, progress: Any) -> Any:
        return self.start * jnp.power(self.factor, progress)

    def extremes(self) -> tuple[Any, ...]:
        return tuple(s * f for s in _ends(self.start) for f in (1, *_ends(self.factor)))


@part
class Cosine(Schedule):
    """Rise linearly during warm-up, then fall along half a cosine.

    For p < warmup: start · p / warmup; after it: end + (start − end) · ½(1 + cos(π (p − warmup) / (1 − warmup))).
    `start`: the highest value, reached when the warm-up ends. `end`: the last value (default 0).
    `warmup`: share of the run spent rising (default 0).

    >>> round(float(Cosine(0.1).value(0.5)), 6)
    0.05

    Source: notes G2; Loshchilov & Hutter 2017.
    """

    start: Number = field()
    end: Number = field(default=0.0)
    warmup: Number = field(default=0.0, at_least=0, below=1)

    def value(self, progress: Any) -> Any:
        falling = jnp.clip((progress - self.warmup) / (1 - self.warmup), 0, 1)
        fall = self.end + (self.start - self.end) * 0.5 * (1 + jnp.cos(jnp.pi * falling))
        rise = self.start * progress / jnp.maximum(jnp.asarray(self.warmup, float), 1e-9)
        return jnp.where(progress < self.warmup, rise, fall)

    def extremes(self) -> tuple[Any, ...]:
        ends = (*_ends(self.start), *_ends(self.end))
        return ends if all(share == 0 for share in _ends(self.warmup)) else (*ends, 0.0)


if TYPE_CHECKING:  # to a type checker: a constructor also takes distributions and schedules, methods see a number

    class Knob:
        """A number that may differ between members without recompiling: a number, a schedule or a distribution."""

        def __get__(self, owner: Any, kind: Any = None) -> Any: ...
        def __set__(self, owner: Any, value: float | Distribution | Schedule) -> None: ...

    class MaybeKnob(Knob):
        """The same, or None."""

        def __set__(self, owner: Any, value: float | Distribution | Schedule | None) -> None: ...

else:
    Knob = Annotated[float | Distribution | Schedule, KNOB]
    MaybeKnob = Knob | None


def at_progress(tree: Any, progress: Any) -> Any:
    """Return the tree with each schedule replaced by its value."""

    def is_schedule(node: Any) -> bool:
        return isinstance(node, Schedule)

    return jax.tree.map(lambda node: node.value(progress) if is_schedule(node) else node, tree, is_leaf=is_schedule)


def _ends(number: Any) -> Iterator[float]:
    """Yield the extremes of a schedule's own number: itself, or those of its distribution; none of an array."""
    if isinstance(number, Distribution):
        for extreme in number.extremes():
            yield from _ends(extreme)
    elif isinstance(number, (int, float)):
        yield number


def _power(factor: float, exponent: float) -> float:
    try:
        return float(factor) ** exponent
    except OverflowError:
        return float("inf")
