"""Seasons: after how many steps a series resembles itself, and how far back a forecast looks."""

import numpy as np

from phalanx.data.dates import CYCLES
from phalanx.kinds.series.times import Step

LONGEST = 256
"""Most steps of the past that a forecast sees unless more are asked for."""
SHORTEST = 32
"""Fewest, where the series is long enough."""

_LEAST_CYCLES = 2.0  # times that a cycle must have been seen to be relied on
_LEAST_CORRELATION = 0.2


def calendar_cycles(step: Step, steps: int) -> tuple[str, ...]:
    """Return the cycles of the calendar that a series of so many steps goes through more than twice, in several steps.

    >>> calendar_cycles(Step("microsecond", 86_400_000_000), 1000), calendar_cycles(Step("month", 1), 100)
    (('year', 'week'), ('year',))
    """
    return tuple(
        name for name, days in CYCLES.items() if 0 < 2 * step.days < days and steps * step.days > _LEAST_CYCLES * days
    )


def calendar_periods(step: Step) -> tuple[int, ...]:
    """Return the cycles of the calendar in whole steps, from 2 on, the shortest first.

    >>> calendar_periods(Step("microsecond", 3_600_000_000)), calendar_periods(Step("weekday", 1))
    ((24, 168, 8766), (5, 261))
    """
    if step.days == 0:
        return ()
    return tuple(sorted(period for days in CYCLES.values() if (period := round(days / step.days)) >= 2))


def autocorrelation_period(values: np.ndarray, longest: int = LONGEST) -> int | None:
    """Return the lag of the strongest return of a series' autocorrelation, None: there is none. Missing values are NaN.

    It is the highest peak after the autocorrelation has first fallen below 0 (a straight line through the series taken
    out), at least 0.2 and at most `longest` steps.

    >>> autocorrelation_period(np.sin(2 * np.pi * np.arange(200) / 11))
    11
    """
    t, known = np.arange(len(values)), ~np.isnan(values)
    if known.sum() < 8:
        return None
    line = np.polynomial.Polynomial.fit(t[known], values[known], 1)
    rest = np.where(known, values - line(t), 0.0)  # a missing value lies on the line
    if np.ptp(rest) <= 1e-9 * (np.abs(values[known]).max() or 1.0):
        return None
    rest /= np.abs(rest).max()
    size = 2 * len(values)
    spectrum = np.abs(np.fft.rfft(rest, size)) ** 2
    correlation = np.fft.irfft(spectrum, size)[: min(longest + 2, len(values) // 3)]
    correlation /= correlation[0]
    below = np.flatnonzero(correlation < 0)
    if not len(below):
        return None
    lags = np.arange(max(below[0], 1), len(correlation) - 1)
    peaks = lags[(correlation[lags] >= correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]
    peaks = peaks[correlation[peaks] >= _LEAST_CORRELATION]
    return int(peaks[correlation[peaks].argmax()]) if len(peaks) else None


def window_steps(step: Step, values: np.ndarray, horizon: int) -> int:
    """Return how many steps of the past a forecast sees: by the calendar, the training `values`, and the horizon.

    Twice the longest cycle of the calendar that is at most 64 steps, the period of the autocorrelation (up to 192
    steps) and a third of it, twice the horizon: whichever is the longest, but at least 32 and at most 256 steps, and
    never more than a quarter of the series.
    """
    usual = max((period for period in calendar_periods(step) if period <= 64), default=0)
    found = autocorrelation_period(values, 192) or 0
    wanted = max(SHORTEST, 2 * usual, found + found // 3, 2 * horizon)
    return max(1, min(wanted, LONGEST, len(values) // 4))


def naive_period(step: Step, values: np.ndarray, steps: int) -> int:
    """Return the season of the seasonal naive forecast: the period with which it errs least on the training `values`.

    Candidates are the cycles of the calendar and the period of the autocorrelation, as far as a window of so many
    `steps` holds them; 1, the last value, where there is none.
    """
    candidates = {*calendar_periods(step), autocorrelation_period(values, steps) or 0}
    fitting = sorted(period for period in candidates if 2 <= period <= min(steps, len(values) // 2))
    return min(fitting, key=lambda period: naive_error(values, period), default=1)


def naive_error(values: np.ndarray, period: int) -> float:
    """Return the mean absolute error of taking each value to be the one `period` steps before.

    It is the unit of the mean absolute scaled error (Hyndman & Koehler 2006); NaN where no two values are present.

    >>> naive_error(np.array([1.0, 2.0, 4.0, 8.0]), 2)
    4.5
    """
    errors = np.abs(values[period:] - values[:-period])
    errors = errors[~np.isnan(errors)]
    return float(errors.mean()) if len(errors) else float("nan")
