"""How many rows a baseline learns from: samples that grow until they hold all, or its share of the time is spent."""

import time
from collections.abc import Callable, Sequence
from math import log
from typing import Generic, TypeVar

from phalanx.population.train import Clock

SHARE = 0.1
"""Of the time left, what all baselines together may use."""
UNLIMITED = 600.0
"""Seconds of which the share is taken where no limit is set."""
FIRST_NUMBERS, FEWEST_ROWS = 30_000, 50
"""Numbers in the first sample, which is at least so many rows."""
MOST_NUMBERS = 100_000_000
"""Numbers in the last sample, which must fit into memory several times."""
GROWTH = 4
"""How many times larger the next sample is."""

Model = TypeVar("Model")


class Budget(Generic[Model]):
    """The seconds that baselines share, from now on."""

    def __init__(self, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._end = now() + SHARE * (UNLIMITED if clock.deadline is None else max(clock.left(), 0.0))

    @property
    def left(self) -> float:
        """Return the seconds left."""
        return self._end - self._now()

    def grow(self, fit: Callable[[int], Model], sizes: Sequence[int], others: int = 0) -> tuple[Model, int, float]:
        """Fit on samples of growing `sizes`; return the last model, its size, and the seconds that it took.

        The next is begun if it is expected to end in time: with `others` to come after this one, in an equal part of
        what is left. The seconds are taken to grow as size^p, with p as measured between the last two, from 1 to 2, and
        1 after the first, which is fitted in any case.
        """
        end = self._now() + self.left / (1 + others)
        spent: list[float] = []
        for place, size in enumerate(sizes):
            if spent and self._now() + _expected(spent, sizes[: place + 1]) > end:
                break
            began = self._now()
            model = fit(size)
            spent.append(self._now() - began)
        return model, sizes[len(spent) - 1], spent[-1]


def sample_sizes(rows: int, numbers: int) -> list[int]:
    """Return the sizes of the samples of so many rows, of so many numbers each.

    >>> sample_sizes(8_000, numbers=3_072)
    [50, 200, 800, 3200, 8000]
    >>> sample_sizes(1_000, numbers=20)
    [1000]
    """
    last = min(rows, max(MOST_NUMBERS // max(numbers, 1), FEWEST_ROWS))
    sizes = [max(FIRST_NUMBERS // max(numbers, 1), FEWEST_ROWS)]
    while sizes[-1] < last:
        sizes.append(sizes[-1] * GROWTH)
    return [*sizes[:-1], last]


def _expected(spent: Sequence[float], sizes: Sequence[int]) -> float:
    """Return the seconds of the last of the sizes, by what those before it took."""
    power = 1.0
    if len(spent) > 1 and min(spent[-2:]) > 0:
        power = min(max(log(spent[-1] / spent[-2]) / log(sizes[-2] / sizes[-3]), 1.0), 2.0)
    return spent[-1] * (sizes[-1] / sizes[-2]) ** power
