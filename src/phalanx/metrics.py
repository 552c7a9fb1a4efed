"""How good predictions are: scikit-learn's metrics under the names that reports use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

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


def metrics_of(classify: bool) -> dict[str, Metric]:
    """Return the metrics of a task by name; the first is its default."""
    return {metric.name: metric for metric in (_CLASSES if classify else _NUMBERS)}


def metric_named(name: str | None, classify: bool) -> Metric:
    """Return a metric by name, or the task's default for None; raise `InputError` for one the task has not."""
    known = metrics_of(classify)
    if name is None:
        return next(iter(known.values()))
    if name in known:
        return known[name]
    if name in metrics_of(not classify):
        task, other = ("classification", "regression") if classify else ("regression", "classification")
        raise InputError(f"--metric {name} is for {other}, but this is {task}; use one of {', '.join(known)}")
    raise unknown("--metric", "metric", name, known)


def evaluate(classify: bool, y: np.ndarray, p: np.ndarray, weight: np.ndarray | None = None) -> dict[str, float]:
    """Return all metrics of a task.

    `y`: class codes, or numbers in the target's units. `p`: probabilities (rows, classes), or numbers (rows,).

    >>> evaluate(False, np.array([1.0, 3.0]), np.array([1.0, 2.0]))["mae"]
    0.5
    """
    return {name: metric.score(y, p, weight) for name, metric in metrics_of(classify).items()}
