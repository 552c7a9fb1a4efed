"""The baselines of a run, trained on the same rows as the networks, as far as a time limit has room for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from phalanx.baselines import FittedBaseline, baselines, fit_baseline
from phalanx.data import ClassTarget, Goal, each_column
from phalanx.data.encoded import Encoded
from phalanx.display import Display, number
from phalanx.ensemble import Predictions
from phalanx.kinds.images import ImageEncoder
from phalanx.kinds.registry import Encoder
from phalanx.kinds.series import SeriesEncoder
from phalanx.kinds.series.baselines import Method, forecast_baselines
from phalanx.kinds.texts import TextEncoder
from phalanx.metrics import Metric
from phalanx.population.train import Clock
from phalanx.predictive import Likelihoods, Predictive, around, likelihoods_around
from phalanx.problem import Problem, rows_at
from phalanx.runs.budget import Budget, sample_sizes
from phalanx.runs.prepare import Prepared

_LEFT_OUT: dict[type[Encoder], tuple[str, ...]] = {
    ImageEncoder: ("gradient_boosting",),
    TextEncoder: ("random_forest", "gradient_boosting"),
}
"""Baselines that are trained only if they are named: they are slow on hundreds of columns, or thousands."""

_NO_TIME = "baseline {}: left out, the baselines' share of the time is used up"

_Models = tuple[tuple[FittedBaseline, ...], ...]
"""The baselines of each goal, one for each of its columns."""


@dataclass(frozen=True)
class Compared:
    """A trained baseline, its validation metrics, the seconds training took, and the rows it learned from.

    `predict` returns of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units, of
    which `likelihoods` make distributions; see `phalanx.predictive.around`.
    """

    predict: Callable[[Any], Predictions]
    likelihoods: Likelihoods
    valid: dict[str, float]
    seconds: float
    rows: int

    def predictive(self, goals: tuple[Goal, ...], inputs: Any) -> Predictive:
        """Return the distributions that the baseline predicts for rows."""
        return around(goals, inputs, self.predict(inputs), self.likelihoods)


def _judged(predict: Callable[[Any], Predictions], problem: Problem, seconds: float, rows: int) -> Compared:
    """Return a baseline with its validation metrics; its distributions are estimated from the validation rows, like
    those of networks.
    """
    inputs = problem.valid_inputs
    said = predict(inputs)
    likelihoods = likelihoods_around(problem.goals, inputs, said, problem.valid_values, problem.valid_weight)
    valid, _ = problem.score(around(problem.goals, inputs, said, likelihoods))
    return Compared(predict, likelihoods, valid, seconds, rows)


def compare(
    prepared: Prepared,
    metric: Metric,
    seed: int,
    names: tuple[str, ...] | None,
    again: bool,
    clock: Clock,
    display: Display,
) -> dict[str, Compared]:
    """Train baselines: those named, or with None all for which their share of the time suffices; see `Budget`.

    With `again` those of a series are trained once more, on all that is before the test, once they are validated.
    """
    if isinstance(prepared.encoder, SeriesEncoder):
        return _compare_forecasts(prepared, prepared.encoder, metric, seed, names, again, clock, display)
    problem, budget = prepared.problem, Budget[_Models](clock)
    left_out = _LEFT_OUT.get(type(prepared.encoder), ())
    chosen = [  # the names are those for numbers too
        name for name in baselines("classify") if (name in names if names is not None else name not in left_out)
    ]
    sizes = _sizes(prepared, seed)
    found: dict[str, Compared] = {}
    for place, name in enumerate(chosen):
        display.stage(f"baseline {name}")
        if names is None and found and budget.left <= 0:
            display.line(_NO_TIME.format(name))
            continue
        others = len(chosen) - place - 1
        tried = sizes[-1:] if name == "dummy" else sizes
        models, rows, seconds = budget.grow(partial(_train, prepared, name, seed), tried, others)
        found[name] = _judged(partial(_predict_encoded, models, prepared.encoder), problem, seconds, rows)
        few = "" if rows == len(problem.train) else f", trained on {rows:,} of {len(problem.train):,} rows"
        display.line(_line(name, found[name], metric, few))
    return found


def _compare_forecasts(
    prepared: Prepared,
    encoder: SeriesEncoder,
    metric: Metric,
    seed: int,
    names: tuple[str, ...] | None,
    again: bool,
    clock: Clock,
    display: Display,
) -> dict[str, Compared]:
    """Train the baselines of a series; all but the linear one only look up what was, which takes no time."""
    problem, budget = prepared.problem, Budget[Method](clock)
    methods = {name: fit for name, fit in forecast_baselines().items() if names is None or name in names}
    sizes = _sizes_of_series(problem, encoder, seed)
    before_test = np.arange(max(problem.train[-1], *problem.valid[-1:]) + 1)  # windows are in the order of time
    found = {}
    for name, fit in methods.items():
        display.stage(f"baseline {name}")
        learns = name == "linear"
        if learns and names is None and budget.left <= 0:
            display.line(_NO_TIME.format(name))
            continue
        tried, once = sizes if learns else sizes[-1:], partial(_fit, fit, encoder, problem, problem.train, seed)
        forecast, rows, seconds = budget.grow(once, tried, others=int(again))
        found[name] = _judged(partial(_as_goals, forecast), problem, seconds, rows)
        few = "" if rows == len(problem.train) else f", trained on {rows:,} of {len(problem.train):,} windows"
        if again:
            rows = len(before_test) if rows == len(problem.train) else rows
            forecast = _fit(fit, encoder, problem, before_test, seed, rows)
            found[name] = replace(found[name], predict=partial(_as_goals, forecast), rows=rows)
        display.line(_line(name, found[name], metric, few))
    return found


def _fit(
    fit: Callable[..., Method], encoder: SeriesEncoder, problem: Problem, among: np.ndarray, seed: int, rows: int
) -> Method:
    """Train a baseline of a series on so many windows among those at some positions."""
    chosen = _sample(among, rows, seed)
    return fit(encoder, problem.inputs[chosen], problem.values[0][chosen])


def _sizes_of_series(problem: Problem, encoder: SeriesEncoder, seed: int) -> list[int]:
    """Return the sizes of the samples of windows that a baseline learns from: in each, every step ahead that is ever
    known is known in two windows.
    """
    values = problem.values[0]
    known = ~np.isnan(values[problem.train])
    of_a_window = encoder.as_numbers(problem.inputs[problem.train[:1]]).numbers.size
    regressions = 1 if known.all() else encoder.horizon  # of each step its own where not all are known
    sizes = sample_sizes(len(problem.train), of_a_window * regressions)
    needed = np.minimum(known.sum(0), 2)

    def tells(size: int) -> bool:
        held = ~np.isnan(values[_sample(problem.train, size, seed)])
        return bool((held.sum(0) >= needed).all())

    return [size for size in sizes[:-1] if tells(size)] + [len(problem.train)]


def _line(name: str, made: Compared, metric: Metric, few: str = "") -> str:
    return f"baseline {name}: valid {metric.name} {number(made.valid[metric.name])}{few}, {made.seconds:.1f} s"


def _as_goals(forecast: Method, windows: np.ndarray) -> Predictions:
    return (forecast(windows),)


def _predict_encoded(models: _Models, encoder: Encoder, inputs: Any) -> Predictions:
    return _predict(models, encoder.as_numbers(inputs))


def _sizes(prepared: Prepared, seed: int) -> list[int]:
    """Return the sizes of the samples that baselines learn from, in each of which every target varies."""
    problem = prepared.problem
    first = problem.train[:100]
    held = prepared.encoder.as_numbers(rows_at(problem.inputs, first))
    numbers = held.numbers.size  # of sparse numbers those that are stored
    sizes = sample_sizes(len(problem.train), (numbers + held.codes.size) // len(first))
    columns = each_column(problem.goals, problem.values)

    def varies(size: int) -> bool:
        return all(len(np.unique(values[_sample(problem.train, size, seed)])) > 1 for _, _, values in columns)

    return [size for size in sizes[:-1] if varies(size)] + sizes[-1:]


def _sample(rows: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Return so many of the positions of rows, drawn at random."""
    if size == len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:size])


def _predict(models: _Models, inputs: Encoded) -> Predictions:
    return tuple(
        goal[0].predict(inputs) if goal[0].classes else np.column_stack([model.predict(inputs) for model in goal])
        for goal in models
    )


def _train(prepared: Prepared, name: str, seed: int, rows: int) -> _Models:
    """Train a baseline for each column on so many training rows."""
    problem = prepared.problem
    chosen = _sample(problem.train, rows, seed)
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

    return tuple(models(goal, values) for goal, values in zip(problem.goals, problem.values, strict=True))
