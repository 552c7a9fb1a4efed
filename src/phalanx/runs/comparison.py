"""The baselines of a run, trained on the same rows as the networks, as far as a time limit has room for them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from phalanx.baselines import FittedBaseline, baselines, fit_baseline
from phalanx.data import ClassTarget, Encoded, Encoder, Goal, ImageEncoder, SeriesEncoder, TextEncoder, each_column
from phalanx.display import Display, number
from phalanx.ensemble import Predictions
from phalanx.experiment import Problem, rows_at
from phalanx.forecast import Method, forecast_baselines
from phalanx.metrics import Metric
from phalanx.population.train import Clock
from phalanx.runs.prepare import Prepared

_PROBE_ROWS = 1000
_SHARE = 0.25  # of the time left that one baseline may take
_MOST_IMAGES = 5_000  # images that a baseline trains on
_LEFT_OUT: dict[type[Encoder], tuple[str, ...]] = {
    ImageEncoder: ("gradient_boosting",),
    TextEncoder: ("random_forest", "gradient_boosting"),
}
"""Baselines that are trained only if they are named: they are slow on hundreds of columns, or thousands."""


@dataclass(frozen=True)
class Compared:
    """A trained baseline, its validation metrics, and the seconds training took.

    `predict` returns of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units.
    """

    predict: Callable[[Any], Predictions]
    valid: dict[str, float]
    seconds: float


def compare(
    prepared: Prepared,
    metric: Metric,
    seed: int,
    names: tuple[str, ...] | None,
    again: bool,
    clock: Clock,
    display: Display,
) -> dict[str, Compared]:
    """Train baselines: those named, or with None all for which the time is expected to suffice.

    With `again` those of a series are trained once more, on all that is before the test, once they are validated.
    """
    if isinstance(prepared.encoder, SeriesEncoder):
        return _compare_forecasts(prepared.encoder, prepared.problem, metric, names, again, display)
    problem = prepared.problem
    found: dict[str, Compared] = {}
    left_out = _LEFT_OUT.get(type(prepared.encoder), ())
    if isinstance(prepared.encoder, ImageEncoder):
        rows = len(prepared.problem.train)
        if rows > _MOST_IMAGES:
            display.line(f"baselines train on {_MOST_IMAGES:,} of {rows:,} images, as vectors of pixels")
    for name in baselines("classify"):  # the names are those for numbers too
        if name not in names if names is not None else name in left_out:
            continue
        display.stage(f"baseline {name}")
        if names is None and not _fits(prepared, name, seed, clock):
            display.line(f"baseline {name}: left out, its share of the time left is too short")
            continue
        models, seconds = _train(prepared, name, seed, _rows(prepared))
        valid = problem.score(_predict(models, prepared.encoder.as_numbers(problem.valid_inputs)))
        found[name] = Compared(partial(_predict_encoded, models, prepared.encoder), valid, seconds)
        display.line(f"baseline {name}: valid {metric.name} {number(valid[metric.name])}, {seconds:.1f} s")
    return found


def _compare_forecasts(
    encoder: SeriesEncoder,
    problem: Problem,
    metric: Metric,
    names: tuple[str, ...] | None,
    again: bool,
    display: Display,
) -> dict[str, Compared]:
    """Train the baselines of a series, all of which are quick."""
    found = {}
    windows, values = problem.inputs[problem.train], problem.values[0][problem.train]
    last = max(problem.train[-1], *problem.valid[-1:])  # in the order of time
    for name, fit in forecast_baselines().items():
        if names is None or name in names:
            display.stage(f"baseline {name}")
            began = time.monotonic()
            forecast = fit(encoder, windows, values)
            seconds = time.monotonic() - began
            valid = problem.score((forecast(problem.valid_inputs),))
            if again:
                forecast = fit(encoder, problem.inputs[: last + 1], problem.values[0][: last + 1])
            found[name] = Compared(partial(_as_goals, forecast), valid, seconds)
            display.line(f"baseline {name}: valid {metric.name} {number(valid[metric.name])}, {seconds:.1f} s")
    return found


def _as_goals(forecast: Method, windows: np.ndarray) -> Predictions:
    return (forecast(windows),)


def _predict_encoded(models: tuple[tuple[FittedBaseline, ...], ...], encoder: Encoder, inputs: Any) -> Predictions:
    return _predict(models, encoder.as_numbers(inputs))


def _rows(prepared: Prepared) -> int:
    """Return how many training rows a baseline uses: all of a table's, and of images as many as it can bear."""
    rows = len(prepared.problem.train)
    return min(rows, _MOST_IMAGES) if isinstance(prepared.encoder, ImageEncoder) else rows


def _predict(models: tuple[tuple[FittedBaseline, ...], ...], inputs: Encoded) -> Predictions:
    return tuple(
        goal[0].predict(inputs) if goal[0].classes else np.column_stack([model.predict(inputs) for model in goal])
        for goal in models
    )


def _fits(prepared: Prepared, name: str, seed: int, clock: Clock) -> bool:
    """Say whether a baseline's share of the time left suffices, by training it on a few rows."""
    problem, rows = prepared.problem, _rows(prepared)
    if clock.deadline is None or name == "dummy":
        return True
    if clock.left() <= 0:
        return False
    probe = min(_PROBE_ROWS, rows // 2)
    columns = each_column(problem.goals, problem.values)
    if any(len(np.unique(values[problem.train[:probe]])) < 2 for _, _, values in columns):
        return True
    return _train(prepared, name, seed, probe)[1] * rows / probe < _SHARE * clock.left()


def _train(prepared: Prepared, name: str, seed: int, rows: int) -> tuple[tuple[tuple[FittedBaseline, ...], ...], float]:
    """Train a baseline for each column on the first `rows` training rows; return the models and the seconds."""
    problem, began = prepared.problem, time.monotonic()
    chosen = problem.train[:rows]
    inputs = prepared.encoder.as_numbers(rows_at(problem.inputs, chosen))

    def models(goal: Goal, values: np.ndarray) -> tuple[FittedBaseline, ...]:
        return tuple(
            fit_baseline(
                name,
                inputs,
                held[chosen],
                cardinalities=prepared.encoder.cardinalities,
                classes=len(column.labels) if isinstance(column, ClassTarget) else 0,
                seed=seed,
            )
            for _, column, held in each_column([goal], [values])
        )

    made = tuple(models(goal, values) for goal, values in zip(problem.goals, problem.values, strict=True))
    return made, time.monotonic() - began
