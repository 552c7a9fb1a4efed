"""How good predictions are: scikit-learn's metrics under the names that reports use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn import metrics

from phalanx.data.goals import Goal, each_column
from phalanx.data.targets import ClassTarget
from phalanx.errors import InputError
from phalanx.spec.fields import unknown


@dataclass(frozen=True)
class Metric:
    """A named score: `maximize` says which direction is better; `score(y, p, weight)` computes it."""

    name: str
    maximize: bool
    score: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]

    @property
    def direction(self) -> str:
        """Return "maximize" or "minimize"."""
        return "maximize" if self.maximize else "minimize"

    def loss(self, value: float) -> float:
        """Return a number that is lower where the score is better; not a number sorts last."""
        return float("inf") if np.isnan(value) else -value if self.maximize else value


def _roc_auc(y: np.ndarray, p: np.ndarray, weight: np.ndarray | None) -> float:
    """Area under the ROC curve; for more than two classes the mean over classes, each against the rest."""
    if len(np.unique(y)) < p.shape[1]:
        return float("nan")
    scores = p[:, 1] if p.shape[1] == 2 else p / p.sum(1, keepdims=True)
    return float(metrics.roc_auc_score(y, scores, multi_class="ovr", sample_weight=weight))


def _log_loss(y: np.ndarray, p: np.ndarray, weight: np.ndarray | None) -> float:
    chosen = np.clip(p[np.arange(len(y)), y].astype(np.float64), np.finfo(np.float32).tiny, 1)
    return float(np.average(-np.log(chosen), weights=weight))


NATS = Metric("nats_per_token", False, _log_loss)
"""What ranks language models: the mean of −log p(token | all before it), in nats."""


def _of_classes(score: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    return lambda y, p, weight: float(score(y, p.argmax(1), sample_weight=weight))


def _of_numbers(score: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    return lambda y, p, weight: float(score(y, p, sample_weight=weight))


def _balanced(y: np.ndarray, p: np.ndarray, weight: np.ndarray | None) -> float:
    predicted = p.argmax(1)
    return float(metrics.recall_score(y, predicted, labels=np.unique(y), average="macro", sample_weight=weight))


_CLASSES = (
    Metric("accuracy", True, _of_classes(metrics.accuracy_score)),
    Metric("balanced_accuracy", True, _balanced),
    Metric("log_loss", False, _log_loss),
    Metric("roc_auc", True, _roc_auc),
)
_NUMBERS = (
    Metric("rmse", False, _of_numbers(metrics.root_mean_squared_error)),
    Metric("mae", False, _of_numbers(metrics.mean_absolute_error)),
    Metric("r2", True, lambda y, p, w: _of_numbers(metrics.r2_score)(y, p, w) if len(y) > 1 else float("nan")),
)


SCORE = Metric("score", True, lambda y, p, weight: float("nan"))
"""Of several targets: the mean over them of accuracy, for classes, and r2, for numbers."""


def metrics_of(classify: bool) -> dict[str, Metric]:
    """Return the metrics of one column by name; the first is its default."""
    return {metric.name: metric for metric in (_CLASSES if classify else _NUMBERS)}


def metrics_of_forecast(naive: float) -> dict[str, Metric]:
    """Return the metrics of a forecast by name, over all its steps; the first is its default.

    `mase` is the mean absolute error in units of `naive`, that of the seasonal naive forecast in training (Hyndman &
    Koehler 2006).

    >>> round(metrics_of_forecast(naive=4.0)["mase"].score(np.array([[1.0, 2.0]]), np.array([[2.0, 5.0]]), None), 2)
    0.5
    """
    rmse, mae, r2 = (replace(metric, score=_of_all(metric)) for metric in _NUMBERS)
    mase = Metric("mase", False, lambda y, p, weight: mae.score(y, p, weight) / naive if naive else float("nan"))
    return {metric.name: metric for metric in (mae, rmse, r2, mase)}


def _of_all(metric: Metric) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Return a metric of numbers over all columns of each row."""

    def score(y: np.ndarray, p: np.ndarray, weight: np.ndarray | None) -> float:
        return metric.score(y.ravel(), p.ravel(), None if weight is None else np.repeat(weight, y.shape[1]))

    return score


def metrics_for(goals: Sequence[Goal]) -> dict[str, Metric]:
    """Return the metrics of a problem by name: those of its target, or of each of its targets as `TARGET.accuracy`.

    The first is the default.
    """
    if goals[0].forecast:
        return metrics_of_forecast(goals[0].forecast.naive)
    columns = each_column(goals)
    if len(columns) == 1:
        return metrics_of(isinstance(columns[0][1], ClassTarget))
    named = {SCORE.name: SCORE}
    for name, column in columns:
        for metric in metrics_of(isinstance(column, ClassTarget)).values():
            named[f"{name}.{metric.name}"] = replace(metric, name=f"{name}.{metric.name}")
    return named


def metric_named(name: str | None, goals: Sequence[Goal]) -> Metric:
    """Return a metric by name, or the default for None; raise `InputError` for one that the problem has not."""
    known = metrics_for(goals)
    if name is None:
        return next(iter(known.values()))
    if name in known:
        return known[name]
    classify = goals[0].classes > 0
    if (len(each_column(goals)) == 1 or goals[0].forecast) and name in metrics_of(not classify):
        task, other = ("classification", "regression") if classify else ("regression", "classification")
        raise InputError(f"--metric {name} is for {other}, but this is {task}; use one of {', '.join(known)}")
    raise unknown("--metric", "metric", name, known)


def evaluate(
    goals: Sequence[Goal], values: Sequence[np.ndarray | None], predictions: Sequence[np.ndarray], weight: Any = None
) -> dict[str, float]:
    """Return all metrics of predictions: probabilities (rows, classes), or numbers (rows, columns), of each goal.

    Of several goals, one whose values are None is not scored.

    >>> from phalanx.data.targets import NumberTarget
    >>> goal = Goal(("y",), (NumberTarget(2.0, 1.0, 1.0, 3.0),))
    >>> evaluate([goal], [np.array([[1.0], [3.0]])], [np.array([[1.0], [2.0]])])["mae"]
    0.5
    """
    known = [(goal, y, p) for goal, y, p in zip(goals, values, predictions, strict=True) if y is not None]
    if goals[0].forecast:
        return {m.name: m.score(*known[0][1:], weight) for m in metrics_for(goals).values()}
    columns = [
        (name, {m.name: m.score(y, p, weight) for m in metrics_of(isinstance(column, ClassTarget)).values()})
        for name, column, y, p in each_column(*zip(*known, strict=True))
    ]
    if len(each_column(goals)) == 1:
        return columns[0][1]
    scores = [found.get("accuracy", found.get("r2", float("nan"))) for _, found in columns]
    each = {f"{name}.{metric}": value for name, found in columns for metric, value in found.items()}
    return {SCORE.name: float(np.mean(scores)), **each}
