"""Times of a series: how far apart they are, and which place each has on a regular grid.

Times are counted in ticks of a unit: months (so that months, quarters and years of unequal length are regular),
weekdays (Monday to Friday), microseconds, or whole numbers as they stand. What is left of a date within its month or
its day is the same for all times of a series: its phase.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from phalanx.data.spellings import write_dates
from phalanx.errors import InputError
from phalanx.kinds.series.zones import Zone

Unit = Literal["month", "weekday", "microsecond", "number"]

_DAY = 86_400_000_000  # microseconds
_MONDAY = np.datetime64("1970-01-05")  # from which weekdays are counted
_NAMES = (("week", 7 * _DAY), ("day", _DAY), ("hour", _DAY // 24), ("minute", 60_000_000), ("second", 1_000_000))
_MONTHS = {3: "quarter", 12: "year"}
_LEAST_SHARE = 0.5  # of the steps of a grid that must have a row


@dataclass(frozen=True)
class Step:
    """The distance of two neighbouring times: `count` ticks of a `unit`.

    >>> str(Step("month", 3)), str(Step("microsecond", 7_200_000_000)), str(Step("weekday", 1))
    ('quarter', '2 hours', 'weekday')
    """

    unit: Unit
    count: int

    @property
    def days(self) -> float:
        """The length in days, on average; 0 for whole numbers, which have none."""
        return (
            self.count * {"month": 365.2425 / 12, "weekday": 7 / 5, "microsecond": 1 / _DAY, "number": 0.0}[self.unit]
        )

    def __str__(self) -> str:
        if self.unit == "month" and self.count in _MONTHS:
            return _MONTHS[self.count]
        count, name = self.count, str(self.unit)
        if self.unit == "microsecond":
            found = next(((name, size) for name, size in _NAMES if count % size == 0), ("microsecond", 1))
            name, count = found[0], count // found[1]
        return name if count == 1 else f"{count:,} {name}s"


@dataclass(frozen=True)
class Times:
    """Regular times: the tick of the first, the phase of all (microseconds), and the step between them.

    `spelling`: how dates are written, empty: in ISO 8601; `zone`: how they stand to UTC, None: nothing is known of it.
    """

    step: Step
    first: int
    phase: int = 0
    spelling: str = ""
    zone: Zone | None = None

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the times at some places of the grid, counted from 0: datetime64[us], or whole numbers."""
        ticks = self.first + places.astype(np.int64) * self.step.count
        if self.step.unit == "number":
            return ticks
        if self.step.unit == "microsecond":
            return ticks.astype("datetime64[us]")
        if self.step.unit == "weekday":
            return np.busday_offset(_MONDAY, ticks).astype("datetime64[us]") + np.timedelta64(self.phase, "us")
        return _in_month(ticks, self.phase)

    def text(self, places: np.ndarray) -> list[str]:
        """Return the times as text: in their spelling, or as ISO 8601 dates, with the time of day where it is not
        midnight and the offset from UTC if there is one; or whole numbers.
        """
        times = self.at(places)
        if self.step.unit == "number":
            return [str(time) for time in times]
        if self.zone is not None:
            return [f"{clock.isoformat()}{offset}" for clock, offset in self.zone.written(times)]
        if self.spelling:
            return write_dates(pd.Series(times), self.spelling)
        days = times.astype("datetime64[D]")
        midnight = (times == days).all()
        seconds = times.astype("datetime64[s]")
        return np.datetime_as_string(days if midnight else seconds if (times == seconds).all() else times).tolist()


def infer_step(times: np.ndarray) -> Step:
    """Return the most common distance of neighbouring times, the shorter of equally common ones.

    `times` are ascending and distinct, datetime64[us] or int64; of fewer than two, the step is a day or 1.

    >>> str(infer_step(np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[us]")))
    'month'
    """
    if times.dtype.kind == "i":
        return Step("number", _commonest(times) if len(times) > 1 else 1)
    if len(times) < 2:
        return Step("microsecond", _DAY)
    months = times.astype("datetime64[M]")
    if len(np.unique(months)) == len(times) and (times == _in_month(months.astype(np.int64), _phase(times))).all():
        return Step("month", _commonest(months.astype(np.int64)))
    days = times.astype("datetime64[D]")
    one_a_day = len(np.unique(days)) == len(times) and len(np.unique(times - days)) == 1
    if one_a_day and np.is_busday(days).all() and int((days[-1] - days[0]).astype(int)) > 7:
        count = _commonest(np.busday_count(_MONDAY, days))
        if count == 1:
            return Step("weekday", 1)
    return Step("microsecond", _commonest(times.astype(np.int64)))


def places_of(times: np.ndarray, step: Step, name: str) -> tuple[Times, np.ndarray, int]:
    """Return the grid of ascending, distinct times, the place of each on it, and how many are moved to get there.

    Raises InputError where two times fall on one place, or fewer than half of the steps have a time: such a series is
    not regular.
    """
    ticks, phase = _ticks(times, step)
    grid = Times(step, int(ticks[0]), phase)
    distance = ticks - ticks[0]
    places = (2 * distance + step.count) // (2 * step.count)
    same = np.flatnonzero(np.diff(places) == 0)
    if len(same) or len(times) < _LEAST_SHARE * (places[-1] + 1):
        why = (
            f"{text_of(times[same[0]])} and {text_of(times[same[0] + 1])} fall on one step"
            if len(same)
            else f"{places[-1] + 1:,} steps have only {len(times):,} rows"
        )
        raise InputError(
            f"the times of column {name!r} are not regular: with a {step} as the step, {why}; give a row for each step"
        )
    return grid, places, int((grid.at(places) != times).sum())


def text_of(time: np.datetime64 | np.int64) -> str:
    """Return a time as a person writes it: the date, and the time of day where it is not midnight."""
    if isinstance(time, np.datetime64):
        day = time.astype("datetime64[D]")
        return str(day) if day == time else str(time.astype("datetime64[s]")).replace("T", " ")
    return str(time)


def _ticks(times: np.ndarray, step: Step) -> tuple[np.ndarray, int]:
    """Return the times in ticks of the step's unit, and their phase."""
    if step.unit == "month":
        return times.astype("datetime64[M]").astype(np.int64), _phase(times)
    if step.unit == "weekday":
        days = times.astype("datetime64[D]")
        return np.busday_count(_MONDAY, days), int((times[0] - days[0]).astype(np.int64))
    return times.astype(np.int64), 0


def _phase(times: np.ndarray) -> int:
    """Return the longest time since the beginning of the month, of which a shorter month has its last day."""
    return int((times - times.astype("datetime64[M]")).max().astype(np.int64))


def _in_month(months: np.ndarray, phase: int) -> np.ndarray:
    start = months.astype("datetime64[M]").astype("datetime64[us]")
    last_day = (months + 1).astype("datetime64[M]").astype("datetime64[us]") - np.timedelta64(_DAY, "us")
    return np.minimum(start + np.timedelta64(phase // _DAY * _DAY, "us"), last_day) + np.timedelta64(phase % _DAY, "us")


def _commonest(ticks: np.ndarray) -> int:
    distances, counts = np.unique(np.diff(ticks), return_counts=True)
    return int(distances[counts.argmax()])
