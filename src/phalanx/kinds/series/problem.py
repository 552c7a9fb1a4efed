"""From a series to a problem: windows, the values that follow them, and parts in the order of time."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psutil

from phalanx.data import Goal, NumberTarget
from phalanx.data.goals import Forecast
from phalanx.errors import InputError
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.series.grid import Series
from phalanx.kinds.series.layout import Layout
from phalanx.kinds.series.seasons import window_steps
from phalanx.kinds.series.windows import origins_of, split_origins, targets
from phalanx.likelihoods import NumberLikelihood
from phalanx.parts.distributions import Choice
from phalanx.problem import Problem
from phalanx.search.heads import group_columns, make_goal
from phalanx.task import FoldRows


@dataclass(frozen=True)
class Forecasting:
    """A series as a problem: its encoder, the problem, the windows and values that test, and the origins of all windows
    of the problem and of those that test.
    """

    encoder: SeriesEncoder
    problem: Problem
    test_inputs: np.ndarray
    test_values: np.ndarray
    origins: np.ndarray
    test_origins: np.ndarray


def forecasting(
    series: Series,
    layout: Layout,
    *,
    horizon: int,
    steps: int | None = None,
    likelihood: Any = None,
    test: float = 0.2,
    valid: float = 0.2,
) -> Forecasting:
    """Return the problem of forecasting the first column of a series `horizon` steps ahead, from `steps` steps of past.

    The last share `test` of the windows tests and the last share `valid` of the rest validates. Whatever is learned
    from data, the window's length included if it is not given, is learned from the part before these. Steps ahead
    without a value are NaN and cost nothing; a likelihood that needs all of them learns from complete windows alone.
    Raises InputError where the series is too short, and for a likelihood that is not of numbers.
    """
    values = series.values[:, 0]
    if horizon >= len(values):
        raise InputError(
            f"the horizon is {horizon:,} steps, but the whole series has {len(values):,}; give a shorter horizon "
            f"or a longer series"
        )
    if steps is None:
        found = origins_of(values, 1, horizon)
        border = _border(found, split_origins(found, horizon, test, valid).train, horizon)
        steps = window_steps(layout.step, series.filled()[:border, 0], horizon)
    found = origins_of(values, steps, horizon)
    if not _takes_holes(likelihood):
        found = found[~np.isnan(targets(values, found, horizon)).any(1)]
    split = split_origins(found, horizon, test, valid)
    encoder = SeriesEncoder.fit(series, layout, steps, horizon, _border(found, split.train, horizon))
    _check_memory(len(found), steps, len(encoder.channels))
    windows, ahead = encoder.windows(series, found), encoder.targets(series, found)
    goal = _goal(encoder, windows[split.train], ahead[split.train], likelihood)
    between = np.arange(split.train[-1] + 1, split.valid[0]) if len(split.valid) else None
    problem = Problem(
        (windows,),
        (goal,),
        (ahead,),
        (FoldRows(split.train, split.valid),),
        encoder.input_layer,
        encoder.size(len(split.train)),
        encoder.refit,
        between=between,
    )
    return Forecasting(encoder, problem, windows[split.test], ahead[split.test], found, found[split.test])


def _takes_holes(likelihood: Any) -> bool:
    """Say whether every likelihood that may be tried takes rows in which numbers are unknown."""
    tried = likelihood.options if isinstance(likelihood, Choice) else (likelihood,)
    return all(one.partial for one in tried if isinstance(one, NumberLikelihood))


def _border(origins: np.ndarray, train: np.ndarray, horizon: int) -> int:
    """Return how many of the first steps are seen or forecast by the windows that train."""
    return int(origins[train[-1]]) + horizon + 1


def _goal(encoder: SeriesEncoder, windows: np.ndarray, values: np.ndarray, likelihood: Any) -> Goal:
    """Return the goal, a column for each step ahead, standardized by the training rows."""
    names = [f"{encoder.layout.columns[0]}+{step}" for step in range(1, encoder.horizon + 1)]
    if len(group_columns(likelihood, names, [False] * len(names))) > 1:
        raise InputError("the likelihood is a Joint of several heads, but the steps of a forecast have one; give one")
    goal = make_goal(likelihood, 0, names, [_standardized(column) for column in values.T])
    if not goal.counts:
        relative = encoder.anchor.relative(values, windows)
        goal = replace(goal, columns=tuple(_standardized(column) for column in relative.T))
    return replace(goal, forecast=Forecast(encoder.anchor, encoder.naive))


def _standardized(column: np.ndarray) -> NumberTarget:
    """Return the standardization of a column, NaN where missing; one that never changes is only centred."""
    known = column[~np.isnan(column)]
    if not len(known):
        return NumberTarget(0.0, 1.0, 0.0, 0.0)
    return NumberTarget(float(known.mean()), float(known.std()) or 1.0, float(known.min()), float(known.max()))


def _check_memory(rows: int, steps: int, channels: int) -> None:
    needed, free = 4 * rows * steps * channels, psutil.virtual_memory().available // 2
    if needed > free:
        raise InputError(
            f"{rows:,} windows of {steps:,} steps and {channels} channels need {needed / 1e9:,.1f} GB of memory, but "
            f"only {free / 1e9:,.1f} GB (half of what is free) may be used; give a smaller window"
        )
