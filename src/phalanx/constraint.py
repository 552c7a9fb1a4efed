"""The values that a field or an option accepts: an interval of finite numbers, or a list of words."""

import sys
from dataclasses import dataclass
from typing import Any


def is_finite(value: float) -> bool:
    """Say whether a number is one that a float can hold: not NaN, not infinite, not an integer beyond 10^308."""
    return abs(value) <= sys.float_info.max


@dataclass(frozen=True)
class Constraint:
    """The values a field accepts: an interval of finite numbers, or a list of words.

    A distribution or schedule is accepted where its extremes are.
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    choices: tuple[str, ...] | None = None

    def admits(self, value: Any) -> bool:
        """Say whether one value is allowed; what is neither a number nor a word always is."""
        if isinstance(value, str):
            return self.choices is None or value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        return (
            is_finite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        bounds = (
            ("at least", self.at_least),
            ("above", self.above),
            ("at most", self.at_most),
            ("below", self.below),
        )
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None) or "a finite number"
