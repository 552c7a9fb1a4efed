"""How good predictions are, under the names that reports use.

Of what is said of a row a metric takes the prediction, or what the value that came costs under the whole predicted
distribution: `nll`, its negative log-likelihood, and `crps`, the continuous ranked probability score.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn import metrics

from phalanx.data.goals import Goal, each_column
from phalanx.data.targets import ClassTarget
from phalanx.errors import InputError
from phalanx.likelihoods import Joint, Likelihood
from phalanx.parts.distributions import Choice
from phalanx.parts.fields import unknown

Weight = np.ndarray | None


class Costs(NamedTuple):
    """What came, as a predicted distribution costs it, in units of the target: −log p of the numbers of a row together,
    (rows,), and −log p and the CRPS of each by itself, (rows, columns).
    """

    joint: np.ndarray
    nll: np.ndarray
    crps: np.ndarray


@dataclass(frozen=True)
class Metric:
    """A named score: `maximize` says which direction is better; `score(y, p, weight)` computes it.

    `takes`: what p is: "prediction", or the cost of each row by that name.
    """

    name: str
    maximize: bool
    score: Callable[[np.ndarray, np.ndarray, Weight], float]
    takes: Literal["prediction", "nll", "crps"] = "prediction"

    @property
    def direction(self) -> str:
        """Return "maximize" or "minimize"."""
        return "maximize" if self.maximize else "minimize"

    @property
    def kind(self) -> str:
        """Return the name without the target's: `rmse` of `price.rmse`."""
        return self.name.rpartition(".")[2]

    @property
    def column(self) -> str:
        """Return the name of the target that is measured, "": all of them, or the only one."""
        return self.name.rpartition(".")[0]

    def loss(self, value: float) -> float:
        """Return a number that is lower where the score is better; not a number sorts last."""
        return float("inf") if np.isnan(value) else -value if self.maximize else value


def _along_thresholds(positive: np.ndarray, score: np.ndarray, weight: Weight) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of the rows of the class, and of the others, whose score is at least each of the scores that
    occur, from the highest down.
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # of the rows with equal scores
    mass = np.ones(len(order)) if weight is None else np.asarray(weight, float)[order]
    return np.cumsum(mass * positive[order])[last], np.cumsum(mass * ~positive[order])[last]


def _over_classes(of: Callable[[np.ndarray, np.ndarray], float], y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    """Return a number of what lies `_along_thresholds`: of two classes for the second, else the mean over classes, each
    against the rest; NaN where a class is not there.
    """
    if len(np.unique(y)) < p.shape[1]:
        return float("nan")
    chosen = range(1, 2) if p.shape[1] == 2 else range(p.shape[1])
    each = [_along_thresholds(y == i, p[:, i], weight) for i in chosen]
    return float(np.mean([of(hits, others) if hits[-1] and others[-1] else np.nan for hits, others in each]))


def _roc_auc(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    """Area under the ROC curve; for more than two classes the mean over classes, each against the rest."""

    def area(hits: np.ndarray, others: np.ndarray) -> float:
        return np.trapezoid(np.append(0, hits), np.append(0, others)) / (hits[-1] * others[-1])

    return _over_classes(area, y, p, weight)


def _average_precision(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    """Mean of the precision over all thresholds, weighted by the gain in recall: of two classes for the second, else
    the mean over classes, each against the rest.
    """

    def mean(hits: np.ndarray, others: np.ndarray) -> float:
        precision = hits / np.maximum(hits + others, np.finfo(float).tiny)  # the first rows may weigh nothing
        return np.sum(np.diff(hits, prepend=0) * precision) / hits[-1]

    return _over_classes(mean, y, p, weight)


def log_probability(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return log p of the class `y` of each row, of probabilities (rows, classes); one that rounds to 0 counts as the
    smallest that single precision holds.
    """
    return np.log(np.clip(p[np.arange(len(y)), y].astype(np.float64), np.finfo(np.float32).tiny, 1))


def _log_loss(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    return float(np.average(-log_probability(p, y), weights=weight))


NATS = Metric("nats_per_token", False, _log_loss)
"""What ranks language models: the mean of −log p(token | all before it), in nats."""


def _accuracy(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    return float(np.average(p.argmax(1) == y, weights=weight))


def _of_numbers(score: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray, Weight], float]:
    return lambda y, p, weight: float(score(y, p, sample_weight=weight))


def _counted(y: np.ndarray, p: np.ndarray, weight: Weight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each class the weight of its rows, of those said to be of it, and of those of which that is right."""
    said, classes = p.argmax(1), p.shape[1]
    mass = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    right = mass * (said == y)
    return np.bincount(y, mass, classes), np.bincount(said, mass, classes), np.bincount(y, right, classes)


def _balanced(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    """Mean of the share of its rows that are right, over the classes that there are."""
    there, _, right = _counted(y, p, weight)
    present = np.unique(y)
    return float(np.mean(right[present] / np.maximum(there[present], np.finfo(float).tiny)))


def _f1(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
    """Harmonic mean of precision and recall: of two classes for the second, else the mean over the classes that there
    are or that are said; 0 where none of a class is right.
    """
    there, said, right = _counted(y, p, weight)
    of = [1] if p.shape[1] == 2 else np.union1d(y, p.argmax(1))
    return float(np.mean(2 * right[of] / np.maximum(there + said, np.finfo(float).tiny)[of]))


def _mean_cost(y: np.ndarray, cost: np.ndarray, weight: Weight) -> float:
    return float(np.average(cost, weights=weight))


_CLASSES = (
    Metric("accuracy", True, _accuracy),
    Metric("balanced_accuracy", True, _balanced),
    Metric("f1", True, _f1),
    Metric("log_loss", False, _log_loss),
    Metric("roc_auc", True, _roc_auc),
    Metric("average_precision", True, _average_precision),
)
_RMSE = Metric("rmse", False, _of_numbers(metrics.root_mean_squared_error))
_MAE = Metric("mae", False, _of_numbers(metrics.mean_absolute_error))
_R2 = Metric("r2", True, lambda y, p, w: _of_numbers(metrics.r2_score)(y, p, w) if len(y) > 1 else float("nan"))
_NLL = Metric("nll", False, _mean_cost, "nll")
_CRPS = Metric("crps", False, _mean_cost, "crps")
_NUMBERS = (_RMSE, _MAE, _R2, _NLL, _CRPS)


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
    rmse, mae, r2, nll, crps = (replace(metric, score=_of_all(metric)) for metric in _NUMBERS)
    mase = Metric("mase", False, lambda y, p, weight: mae.score(y, p, weight) / naive if naive else float("nan"))
    return {metric.name: metric for metric in (mae, rmse, r2, mase, nll, crps)}


def _of_all(metric: Metric) -> Callable[[np.ndarray, np.ndarray, Weight], float]:
    """Return a metric of numbers over all columns of each row whose value is known, not NaN."""

    def score(y: np.ndarray, p: np.ndarray, weight: Weight) -> float:
        known = ~np.isnan(y)
        mass = None if weight is None else np.broadcast_to(weight[:, None], y.shape)[known]
        return metric.score(y[known], p[known], mass)

    return score


def metrics_for(goals: Sequence[Goal]) -> dict[str, Metric]:
    """Return the metrics of a problem by name: those of its target, or of each of its targets as `TARGET.accuracy`.

    The first is the default. Of several targets there is also `nll`, −log p of all of them together: columns of one
    head as its likelihood has it, heads independent of each other, classes with their log loss.
    """
    if goals[0].pooled:
        return metrics_of_forecast(goals[0].naive)
    columns = each_column(goals)
    if len(columns) == 1:
        return metrics_of(isinstance(columns[0][1], ClassTarget))
    named = {SCORE.name: SCORE}
    if any(not goal.classes for goal in goals):
        named[_NLL.name] = _NLL
    for name, column in columns:
        for metric in metrics_of(isinstance(column, ClassTarget)).values():
            named[f"{name}.{metric.name}"] = replace(metric, name=f"{name}.{metric.name}")
    return named


def metric_named(name: str | None, goals: Sequence[Goal], likelihood: Any = None) -> Metric:
    """Return a metric by name, or the default for None; raise `InputError` for one that the problem has not.

    The default is `nll` where the `likelihood` given, or to be chosen, says more than a mean: where its distributions
    differ in more than that (`Likelihood.says_more`), or where it is a choice of several for numbers.
    """
    known = metrics_for(goals)
    if name is None:
        return known[_NLL.name] if _NLL.name in known and _says_more(likelihood) else next(iter(known.values()))
    if name in known:
        return known[name]
    classify = goals[0].classes > 0
    if (len(each_column(goals)) == 1 or goals[0].pooled) and name in metrics_of(not classify):
        task, other = ("classification", "regression") if classify else ("regression", "classification")
        raise InputError(f"metric {name} is for {other}, but this is {task}; use one of {', '.join(known)}")
    raise unknown("metric", "metric", name, known)


def _says_more(likelihood: Any) -> bool:
    if isinstance(likelihood, Choice):
        kinds = {type(option) for option in likelihood.options}
        several = len(kinds) > 1 and all(issubclass(kind, Likelihood) and kind.target != "classes" for kind in kinds)
        return several or any(_says_more(option) for option in likelihood.options)
    if isinstance(likelihood, Joint):
        return any(_says_more(head.likelihood) for head in likelihood.heads)
    return isinstance(likelihood, Likelihood) and likelihood.says_more


def evaluate(
    goals: Sequence[Goal],
    values: Sequence[np.ndarray | None],
    predictions: Sequence[np.ndarray],
    weight: Any = None,
    costs: Sequence[Costs | None] | None = None,
) -> dict[str, float]:
    """Return all metrics of predictions: probabilities (rows, classes), or numbers (rows, columns), of each goal.

    Of several goals, one whose values are None is not scored. `nll` and `crps` need the `costs` of each goal of
    numbers, and are left out without.

    >>> from phalanx.data.targets import NumberTarget
    >>> goal = Goal(("y",), (NumberTarget(2.0, 1.0, 1.0, 3.0),))
    >>> evaluate([goal], [np.array([[1.0], [3.0]])], [np.array([[1.0], [2.0]])])["mae"]
    0.5
    """
    beside = [None] * len(goals) if costs is None else costs
    if goals[0].pooled:
        ((y, p, cost),) = zip(values, predictions, beside, strict=True)
        assert y is not None
        if cost is not None:  # of a step, where the likelihood may know how steps hang together
            steps = (~np.isnan(y)).sum(1, keepdims=True)
            cost = cost._replace(nll=np.broadcast_to(cost.joint[:, None] / steps, y.shape))
        return _scores(metrics_for(goals).values(), y, p, weight, cost)
    each: dict[str, dict[str, float]] = {}
    for goal, y, p, cost in zip(goals, values, predictions, beside, strict=True):
        if y is None:
            continue
        for j, (name, column, of_y, of_p) in enumerate(each_column([goal], [y], [p])):
            part = None if cost is None else Costs(cost.joint, cost.nll[:, j], cost.crps[:, j])
            each[name] = _scores(metrics_of(isinstance(column, ClassTarget)).values(), of_y, of_p, weight, part)
    if len(each_column(goals)) == 1:
        return next(iter(each.values()))
    scores = [found.get("accuracy", found.get("r2", float("nan"))) for found in each.values()]
    named = {f"{name}.{metric}": value for name, found in each.items() for metric, value in found.items()}
    return {SCORE.name: float(np.mean(scores)), **_joint(goals, values, predictions, weight, beside), **named}


def _scores(named: Any, y: np.ndarray, p: np.ndarray, weight: Weight, costs: Costs | None) -> dict[str, float]:
    found = {}
    for metric in named:
        if metric.takes == "prediction":
            found[metric.name] = metric.score(y, p, weight)
        elif costs is not None:
            found[metric.name] = metric.score(y, getattr(costs, metric.takes), weight)
    return found


def _joint(
    goals: Sequence[Goal], values: Sequence[Any], predictions: Sequence[Any], weight: Weight, costs: Sequence[Any]
) -> dict[str, float]:
    """Return the nll of all targets together, if any holds numbers and every value is known with its cost."""
    each = []
    for goal, y, p, cost in zip(goals, values, predictions, costs, strict=True):
        if y is None or (cost is None and not goal.classes):
            return {}
        each.append(_log_loss(y, p, weight) if goal.classes else _mean_cost(y, cost.joint, weight))
    return {} if all(goal.classes for goal in goals) else {_NLL.name: float(sum(each))}
