"""Plain models beside the networks, trained on the same rows, as far as a time limit has room for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from phalanx.baselines import FittedBaseline, baselines, fit_baseline
from phalanx.data import ClassTarget, Goal, each_column
from phalanx.display import Display, number
from phalanx.ensemble import Predictions
from phalanx.kinds.budget import Budget, sample_sizes
from phalanx.kinds.kind import Encoder
from phalanx.kinds.prepared import Compared
from phalanx.metrics import Metric, evaluate
from phalanx.population.predict import Folded
from phalanx.population.train import Clock
from phalanx.predictive import Likelihoods, around, likelihoods_around
from phalanx.problem import Problem, rows_at

if TYPE_CHECKING:
    from phalanx.kinds.labelled import PreparedRows

Predict = Callable[[Any], Predictions]
"""From encoded rows to predictions of each goal."""


@runtime_checkable
class Baseline(Protocol):
    """A plain model.

    `instant`: it takes no time worth speaking of. `most_rows`: from how many rows it learns at most, None: from all.
    `fit` learns from the rows at some positions of `inputs`, rows as the encoder made them, and from their values.
    """

    @property
    def instant(self) -> bool: ...

    @property
    def most_rows(self) -> int | None: ...

    def fit(self, encoder: Encoder, problem: Problem, inputs: Any, at: np.ndarray, seed: int) -> Predict:
        """Return what predicts."""
        ...


@dataclass(frozen=True)
class Plain:
    """A model of scikit-learn, one for each column of the target; see `phalanx.baselines`."""

    name: str

    @property
    def instant(self) -> bool:
        """Only to look up the mean takes no time."""
        return self.name == "dummy"

    @property
    def most_rows(self) -> int | None:
        """It is the same for classes and numbers."""
        return baselines("classify")[self.name].most_rows

    def fit(self, encoder: Encoder, problem: Problem, inputs: Any, at: np.ndarray, seed: int) -> Predict:
        """Train a model for each column."""
        rows = encoder.as_numbers(rows_at(inputs, at))

        def models(goal: Goal, values: np.ndarray) -> tuple[FittedBaseline, ...]:
            return tuple(
                fit_baseline(
                    self.name,
                    rows,
                    held[at],
                    cardinalities=encoder.cardinalities,
                    classes=len(column.labels) if isinstance(column, ClassTarget) else 0,
                    seed=seed,
                )
                for _, column, held in each_column([goal], [values])
            )

        of_goals = [models(goal, values) for goal, values in zip(problem.goals, problem.values, strict=True)]
        return partial(_predict, of_goals, encoder)


PLAIN: dict[str, Baseline] = {name: Plain(name) for name in baselines("classify")}
"""The plain models of rows with targets; their names are those for numbers too."""


def compare(
    prepared: "PreparedRows",
    known: Mapping[str, Baseline],
    metric: Metric,
    again: bool,
    clock: Clock,
    display: Display,
) -> dict[str, Compared]:
    """Train plain models: those named, or with None all for which their share of the time suffices; see `Budget`.

    With folds each is trained on every one, and the mean of their predictions is tested. With `again` those of a series
    are trained once more, on all that is before the test, once they are validated.
    """
    problem, names, seed = prepared.problem, prepared.config.baselines, prepared.config.seed
    chosen = [name for name in known if (name in names if names is not None else name not in prepared.kind.slow)]
    again = again and problem.again is not None
    budget = Budget[list[Predict]](clock)
    all_rows = min(len(part.train) for part in problem.folds)
    found: dict[str, Compared] = {}
    for place, name in enumerate(chosen):
        baseline = known[name]
        display.stage(f"baseline {name}")
        if names is None and not baseline.instant and budget.left <= 0:
            display.line(f"baseline {name}: left out, the baselines' share of the time is used up")
            continue
        sizes = _sizes(prepared, baseline.most_rows)
        if not sizes:
            display.line(f"baseline {name}: left out, a sample of {baseline.most_rows:,} rows does not tell enough")
            continue
        others = sum(not known[other].instant for other in chosen[place + 1 :]) + int(again)
        tried = sizes[-1:] if baseline.instant else sizes
        models, rows, seconds = budget.grow(partial(_fit, baseline, prepared, seed), tried, others)
        valid, likelihoods = _validated(problem, models)
        few = "" if rows == all_rows else f", trained on {rows:,} of {all_rows:,} {prepared.kind.unit}s"
        if again:
            before_test = np.arange(max(problem.train[-1], *problem.valid[-1:]) + 1)  # rows are in the order of time
            rows = len(before_test) if rows == all_rows else rows
            at = _sample(before_test, rows, seed)
            models = [baseline.fit(prepared.encoder, problem, problem.inputs[0], at, seed)]
        test = partial(_tested, prepared, models, likelihoods)
        found[name] = Compared(valid, seconds, {"rows": rows}, test)
        display.line(f"baseline {name}: valid {metric.name} {number(valid[metric.name])}{few}, {seconds:.1f} s")
    return found


def _fit(baseline: Baseline, prepared: "PreparedRows", seed: int, rows: int) -> list[Predict]:
    """Train a plain model on so many training rows of each fold."""
    problem = prepared.problem
    return [
        baseline.fit(encoder, problem, inputs, _sample(part.train, rows, seed), seed)
        for encoder, inputs, part in zip(prepared.encoder.of_folds, problem.inputs, problem.folds, strict=True)
    ]


def _validated(problem: Problem, models: Sequence[Predict]) -> tuple[dict[str, float], Likelihoods]:
    """Return the validation metrics of a plain model, and its distributions, which are estimated from the validation
    rows, like those of networks.
    """
    said = [predict(inputs) for predict, inputs in zip(models, problem.valid_inputs, strict=True)]
    values = tuple(held[problem.valid] for held in problem.values)
    whole = tuple(np.concatenate(each) for each in zip(*said, strict=True))
    inputs = problem.valid_inputs[0]  # which only the goal of a series asks for, of which there is one fold
    likelihoods = likelihoods_around(problem.goals, inputs, whole, values, problem.valid_weight)
    pairs = zip(said, problem.valid_inputs, strict=True)
    scored = problem.score_all([around(problem.goals, inputs, one, likelihoods) for one, inputs in pairs])
    return scored.metrics, likelihoods


def _tested(prepared: "PreparedRows", models: Sequence[Predict], likelihoods: Likelihoods) -> dict[str, float]:
    """Return the test metrics of a plain model."""
    goals, inputs, values = prepared.problem.goals, prepared.test_inputs, prepared.test_values
    of_folds = inputs.parts if isinstance(inputs, Folded) else (inputs,)
    said = [predict(part) for predict, part in zip(models, of_folds, strict=True)]
    predicted = around(goals, inputs, tuple(np.mean(each, axis=0) for each in zip(*said, strict=True)), likelihoods)
    return evaluate(goals, values, predicted.means, costs=predicted.costs(values))


def _predict(models: Sequence[Sequence[FittedBaseline]], encoder: Encoder, inputs: Any) -> Predictions:
    rows = encoder.as_numbers(inputs)
    return tuple(
        goal[0].predict(rows) if goal[0].classes else np.column_stack([model.predict(rows) for model in goal])
        for goal in models
    )


def _sizes(prepared: "PreparedRows", most: int | None) -> list[int]:
    """Return the sizes of the samples that a plain model learns from, of `most` rows at most: in each, every column of
    the target varies, and a number that is known in some rows only is known in two. []: there is no such sample.
    """
    problem, seed = prepared.problem, prepared.config.seed
    train = min((part.train for part in problem.folds), key=len)
    first = train[:100]
    held = prepared.encoder.of_folds[0].as_numbers(rows_at(problem.inputs[0], first))
    columns = [values for _, _, values in each_column(problem.goals, problem.values)]
    complete = not any(np.isnan(values[train]).any() for values in columns)
    regressions = 1 if complete else len(columns)  # each column by itself where not all are known
    numbers = (held.numbers.size + held.codes.size) // len(first)  # of sparse numbers those that are stored
    sizes = sample_sizes(len(train), numbers * regressions)
    needed = [min(int((~np.isnan(values[train])).sum()), 2) for values in columns]

    def tells(size: int) -> bool:
        at = _sample(train, size, seed)
        known = [values[at][~np.isnan(values[at])] for values in columns]
        return all(len(np.unique(one)) >= count for one, count in zip(known, needed, strict=True))

    if most is None or sizes[-1] <= most:
        return [size for size in sizes[:-1] if tells(size)] + sizes[-1:]
    return [size for size in sorted({min(size, most) for size in sizes}) if tells(size)]


def _sample(rows: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Return so many of the positions of rows, drawn at random."""
    if size >= len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:size])
