"""Plain forecasts on the same windows, for the leaderboard."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

from phalanx.baselines import few_threads
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.problem import Problem

Method = Callable[[np.ndarray], np.ndarray]
"""From windows (rows, steps, channels) to values (rows, horizon) in their own units."""

_PENALTIES = np.logspace(-3, 4, 15)


Fit = Callable[[SeriesEncoder, np.ndarray, np.ndarray], Method]
"""How to fit a baseline on the windows and values of training rows."""


@dataclass(frozen=True)
class PlainForecast:
    """A plain forecast; see `phalanx.kinds.comparison.Baseline`."""

    make: Fit
    instant: bool = True
    most_rows: int | None = None

    def fit(self, encoder: Any, problem: Problem, inputs: Any, at: np.ndarray, seed: int) -> Callable[..., Any]:
        """Learn from the windows at some positions."""
        forecast = self.make(encoder, inputs[at], problem.values[0][at])
        return lambda windows: (forecast(windows),)


def last_value(encoder: SeriesEncoder, windows: np.ndarray, values: np.ndarray) -> Method:
    """Forecast that nothing changes."""
    return lambda windows: np.repeat(encoder.observed(windows)[:, -1:], encoder.horizon, axis=1)


def seasonal_naive(encoder: SeriesEncoder, windows: np.ndarray, values: np.ndarray) -> Method:
    """Forecast the values at the same place of the last season that is known; see `SeriesEncoder.period`."""
    ahead = np.arange(encoder.horizon)
    return lambda windows: encoder.observed(windows)[:, encoder.steps - encoder.period + ahead % encoder.period]


def linear(encoder: SeriesEncoder, windows: np.ndarray, values: np.ndarray) -> Method:
    """Forecast by linear autoregression: each step ahead a ridge regression on the window and the calendar, learned
    from the windows whose value at that step is known.
    """
    inputs, known = encoder.as_numbers(windows).numbers.astype(np.float64), ~np.isnan(values)
    complete = bool(known.all())  # one decomposition for all steps then
    groups = [slice(None)] if complete else [slice(j, j + 1) for j in range(encoder.horizon)]
    with few_threads(inputs):
        models = [
            RidgeCV(_PENALTIES).fit(inputs[rows], values[rows, group]) if len(rows) else None
            for group in groups
            for rows in [np.flatnonzero(known[:, group].all(1))]
        ]

    def predict(windows: np.ndarray) -> np.ndarray:
        inputs = encoder.as_numbers(windows).numbers.astype(np.float64)
        with few_threads(inputs):
            said = [
                encoder.observed(windows)[:, -1:] if model is None else model.predict(inputs).reshape(len(windows), -1)
                for model in models
            ]
        return np.hstack(said)

    return predict


FORECASTS = {
    "last_value": PlainForecast(last_value),
    "seasonal_naive": PlainForecast(seasonal_naive),
    "linear": PlainForecast(linear, instant=False),
}
"""The plain forecasts by name, the quickest first."""
