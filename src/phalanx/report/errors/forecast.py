"""Figures of a forecast: what it said of the newest steps whose values are known, and how errors grow with the step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.judged import LEVELS, Judged
from phalanx.report.errors.words import number, share
from phalanx.report.figures import MOST_CASES, Figure, axis, band, case, cases, line, lines, table

_NAMED = 6  # steps of a forecast that a case lists


@dataclass(frozen=True)
class Ahead:
    """Which rows of a forecast are shown, one window after the other: which they are of those that are judged, the
    times of the steps ahead of each (windows, horizon), ISO texts or whole numbers, and the times and the values of the
    steps before the first.
    """

    name: str
    rows: np.ndarray
    times: np.ndarray
    before: np.ndarray
    past: np.ndarray

    @property
    def dates(self) -> bool:
        """Whether times are dates."""
        return self.times.dtype.kind == "U"


def forecast(judged: Judged, ahead: Ahead) -> Figure:
    """Return what was forecast beside what came, with the intervals that were to hold half of it and 90%."""
    at = np.flatnonzero(ahead.rows)
    (values,), (means,) = judged.values, judged.told.means
    assert values is not None
    truth, said = values[at].ravel(), means[at].ravel()
    x = ahead.times.ravel()
    ends = [(low.ravel(), high.ravel()) for low, high in judged.told.ends]
    known = ~np.isnan(truth)
    inside = [(truth >= low) & (truth <= high) for low, high in ends]
    off = float(np.abs(truth - said)[known].mean())
    each = f", {len(at)} times the next {ahead.times.shape[1]}" if ahead.times.shape[1] > 1 and len(at) > 1 else ""
    shares = [
        f"{share(float(one[known].mean()))} in the {level:.0%}" for level, one in zip(LEVELS, inside, strict=True)
    ]
    says = (
        f"From {x[0]} to {x[-1]}{each}, forecasts of {ahead.name} ({judged.what}) are off by {number(off)} on average; "
        "of what came, "
        f"{' and '.join(shares)} intervals."
    )
    came = line(f"{ahead.name}", np.concatenate([ahead.before, x]), np.concatenate([ahead.past, truth]))
    drawn = lines(
        axis("time" if ahead.dates else "step", dates=ahead.dates),
        axis(ahead.name),
        [came, line("forecast", x, said)],
        [band(f"{level:.0%} interval", x, *end) for level, end in zip(LEVELS, ends, strict=True)][::-1],
    )
    columns = ["time", "came", "forecast", *(f"{level:.0%} {end}" for level in LEVELS for end in ("from", "to"))]
    rows: list[Any] = list(zip(x, truth, said, *(end for pair in ends for end in pair), strict=True))
    return Figure("forecast", "errors", "The forecast and what came", says, drawn, table(columns, rows))


def by_step(judged: Judged) -> Figure | None:
    """Return the mean absolute error at each step ahead; None where there is one step only."""
    (goal,), (values,), (means,) = judged.goals, judged.values, judged.told.means
    assert values is not None
    if goal.size < 2:
        return None
    off = np.abs(values - means)
    counts = (~np.isnan(off)).sum(0)
    error = np.nansum(off, 0) / np.where(counts > 0, counts, np.nan)
    steps = np.arange(1, goal.size + 1)
    found = [line("mean absolute error", steps, error)]
    beside = ""
    if goal.naive:
        found.append(line("seasonal naive forecast in training", steps, np.full(len(steps), goal.naive)))
        beside = f"; the seasonal naive forecast was off by {number(goal.naive)} in training"
    says = (
        f"Over {judged.called}, the forecast of the next step is off by {number(float(error[0]))} on average, that of "
        f"{goal.size:,} steps ahead by {number(float(error[-1]))}{beside}."
    )
    drawn = lines(axis("steps ahead"), axis("mean absolute error"), found)
    rows = [[int(step), one, int(count)] for step, one, count in zip(steps, error, counts, strict=True)]
    return Figure(
        "by_step", "errors", "Errors by step ahead", says, drawn, table(["step", "mean absolute error", "values"], rows)
    )


def worst_windows(judged: Judged, names: Sequence[str]) -> Figure:
    """Return the windows whose values lie farthest from what was forecast, in deviations that were predicted: what came
    beside what was said of each step ahead.
    """
    (values,), (means,), (deviation,) = judged.values, judged.told.means, judged.told.deviation
    assert values is not None
    assert deviation is not None
    known = ~np.isnan(values)
    far = np.where(known, np.abs(values - means) / np.maximum(deviation, np.finfo(float).tiny), 0).sum(1) / known.sum(1)
    at = np.argsort(-far, kind="stable")[:MOST_CASES]
    found, rows = [], []
    for i in at:
        truth, said = (_listed(one[i]) for one in (values, means))
        found.append(case(truth, said, None, names[i], lines=[values[i], means[i]] if values.shape[1] > 1 else None))
        rows.append([names[i], truth, said, far[i]])
    says = (
        f"The {len(at)} of {judged.called} whose values lie farthest from the forecast, in deviations that were "
        f"predicted; the farthest, {names[at[0]]}, by {far[at[0]]:.1f} on average."
    )
    columns = ["name", "truth", "said", "deviations off"]
    return Figure("worst", "errors", "Forecasts farthest from what came", says, cases(found), table(columns, rows))


def _listed(values: np.ndarray) -> str:
    """Return the first numbers of a forecast."""
    return ", ".join("missing" if np.isnan(value) else number(float(value)) for value in values[:_NAMED]) + (
        ", …" if len(values) > _NAMED else ""
    )
