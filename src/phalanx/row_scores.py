"""What a metric says of voices on rows that are drawn again from those that validate.

A voice is a network, or those of all folds, each of which speaks of its own rows. What is drawn are units: rows, or
what cannot be taken apart, such as the steps of a row or windows of a series that forecast the same values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from phalanx.data.goals import Goal, each_column
from phalanx.data.targets import ClassTarget
from phalanx.ensemble import Predictions
from phalanx.metrics import SCORE, Costs, Metric, log_probability, metrics_of

UNITS = 2_000
"""Units that are drawn at most where a metric is made of means; more rows are put together at random."""

MOST, _WORK = 64, 20_000_000
"""Trials that are compared at most where each draw is scored by itself, and probabilities that are looked at for it,
which takes about a second."""

_ROUNDING = 1e-9  # share of the mean square that a variance may be by rounding alone

_OF_RANKS = ("balanced_accuracy", "f1", "roc_auc", "average_precision")
"""Metrics of classes that are no mean over rows."""


class Said(NamedTuple):
    """What a voice says of all validation rows, and what these cost it, see `Predictive.costs`."""

    predictions: Predictions
    costs: Sequence[Costs | None]


@dataclass(frozen=True)
class Mean:
    """A mean of losses over rows, and the score that is made of it: "mean", its "root", the "share" 1 − mean, or "r2",
    1 − mean / variance of y.

    `loss` (voices, units) is the sum over the rows of a unit of mass × loss, `mass` (units,) of mass, and `moments`
    (2, units) of mass × y and mass × y².
    """

    finish: Literal["mean", "root", "share", "r2"]
    loss: np.ndarray
    mass: np.ndarray
    moments: np.ndarray

    def score(self, counts: np.ndarray, loss: np.ndarray) -> np.ndarray:
        """Return scores of sums of losses (draws, ...) over units that count so often."""
        shape = (-1, *[1] * (loss.ndim - 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            mass = (counts @ self.mass).reshape(shape)
            mean = loss / mass
            match self.finish:
                case "root":
                    return np.sqrt(mean)
                case "share":
                    return 1 - mean
                case "r2":
                    first, second = (counts @ self.moments.T).T.reshape(2, *shape) / mass
                    variance = second - first**2
                    return np.where(variance > _ROUNDING * second, 1 - mean / variance, np.nan)
                case "mean":
                    return mean


@dataclass(frozen=True)
class Means:
    """Scores of voices that are means, or the mean of several: all draws are one matrix product."""

    parts: tuple[Mean, ...]
    resamples: ClassVar[int] = 400
    most: ClassVar[int | None] = None

    @property
    def units(self) -> int:
        """How many units there are to draw."""
        return len(self.parts[0].mass)

    def all(self, counts: np.ndarray, voices: np.ndarray) -> np.ndarray:
        """Return the scores of the voices at some places, (draws, voices), where units count as often as `counts`
        (draws, units) says; NaN where it cannot be computed.
        """
        return np.mean([part.score(counts, counts @ part.loss[voices].T) for part in self.parts], axis=0)

    def each(self, counts: np.ndarray, voices: np.ndarray) -> np.ndarray:
        """Return of each draw the score of one of the voices, (draws,)."""
        losses = [np.einsum("du,du->d", counts, part.loss[voices]) for part in self.parts]
        return np.mean([part.score(counts, loss) for part, loss in zip(self.parts, losses, strict=True)], axis=0)


@dataclass(frozen=True)
class Ranks:
    """Scores of classes that are no means, computed draw by draw: of `y` (rows,), probabilities (voices, rows, classes)
    and the `mass` of rows, which belong to a `unit` each.
    """

    metric: Metric
    y: np.ndarray
    predictions: Sequence[np.ndarray]
    mass: np.ndarray
    unit: np.ndarray
    resamples: ClassVar[int] = 50

    @property
    def units(self) -> int:
        """How many units there are to draw."""
        return int(self.unit.max()) + 1

    @property
    def most(self) -> int:
        """How many trials are compared: 64, or of many rows and classes fewer."""
        return min(MOST, _WORK // (self.resamples * self.predictions[0].size))

    def all(self, counts: np.ndarray, voices: np.ndarray) -> np.ndarray:
        """Return the scores of some voices; see `Means`."""
        return np.array([[self._score(one, int(i)) for i in voices] for one in counts])

    def each(self, counts: np.ndarray, voices: np.ndarray) -> np.ndarray:
        """Return of each draw the score of one of the voices."""
        return np.array([self._score(one, int(i)) for one, i in zip(counts, voices, strict=True)])

    def _score(self, counts: np.ndarray, voice: int) -> float:
        weight = counts[self.unit] * self.mass
        there = weight > 0
        if not there.any():
            return float("nan")
        return self.metric.score(self.y[there], self.predictions[voice][there], weight[there])


RowScores = Means | Ranks
"""Scores of voices by how often each unit counts. It is worth drawing `resamples` times, for the `most` best trials
(None: all)."""


def row_scores(
    goals: Sequence[Goal],
    values: Sequence[np.ndarray],
    voices: Sequence[Said],
    metric: Metric,
    weight: np.ndarray | None,
    unit: np.ndarray,
) -> RowScores | None:
    """Return the scores of voices that speak of the same rows, whose `values` of each goal are known and which belong
    to a `unit` each, counted from 0; None where it would take too long to compare two of them.
    """
    mass = np.ones(len(unit)) if weight is None else weight
    if metric.kind in _OF_RANKS:
        at = next(i for i, (name, *_) in enumerate(each_column(goals)) if metric.column in ("", name))
        y = each_column(goals, values)[at][2]
        said = [each_column(goals, voice.predictions)[at][2] for voice in voices]
        ranks = Ranks(metrics_of(True)[metric.kind], y, said, mass, unit)
        return ranks if ranks.most > 1 else None
    unit = together(unit)
    losses = [_losses(goals, values, voice, metric) for voice in voices]
    return Means(tuple(_mean([of_voice[k] for of_voice in losses], mass, unit) for k in range(len(losses[0]))))


def token_scores(costs: Sequence[np.ndarray], unit: np.ndarray) -> RowScores:
    """Return the scores of voices by what each token (tokens,) costs them, in nats."""
    unit = together(unit)
    losses = [_Loss("mean", one) for one in costs]
    return Means((_mean(losses, np.ones(len(unit)), unit),))


def together(unit: np.ndarray) -> np.ndarray:
    """Return the units with some of them put together at random where there are many: each of `UNITS` has as many.

    A mean over units that are drawn again varies as much as before, on average over how they are put together.
    """
    units = int(unit.max()) + 1
    return unit if units <= UNITS else (np.random.default_rng(0).permutation(units) % UNITS)[unit]


class _Loss(NamedTuple):
    """A loss of each row, (rows,) or (rows, steps), and the numbers `y` that came, where these are needed: NaN where
    they are not known.
    """

    finish: Literal["mean", "root", "share", "r2"]
    loss: np.ndarray
    y: np.ndarray | None = None


def _mean(losses: Sequence[_Loss], mass: np.ndarray, unit: np.ndarray) -> Mean:
    """Return a mean of the losses of several voices."""
    shape = losses[0].loss.shape
    y = np.zeros(shape) if losses[0].y is None else losses[0].y
    known = ~np.isnan(y)
    y = y - y[known].mean() if known.any() else y  # so that the variance is not lost in rounding

    def summed(each: np.ndarray) -> np.ndarray:
        of_rows = np.where(known, each, 0)
        return np.bincount(unit, mass * (of_rows if of_rows.ndim == 1 else of_rows.sum(1)))

    sums = np.stack([summed(one.loss) for one in losses])
    sums = np.where(np.isfinite(sums), sums, np.nan)
    return Mean(losses[0].finish, sums, summed(np.ones(shape)), np.stack([summed(y), summed(y**2)]))


def _losses(goals: Sequence[Goal], values: Sequence[np.ndarray], voice: Said, metric: Metric) -> list[_Loss]:
    """Return the losses of rows of which a metric is made, one for each of its terms."""
    if goals[0].pooled:
        return [_of_forecast(goals[0], values[0], voice, metric)]
    columns = _each(goals, values, voice)
    if metric.name == SCORE.name:
        return [_of_column(column, "accuracy" if column.classes else "r2") for column in columns]
    if metric.takes == "nll" and not metric.column and len(columns) > 1:
        told = zip(values, voice.predictions, voice.costs, strict=True)
        joint = [cost.joint if cost is not None else -log_probability(p, y) for y, p, cost in told]
        return [_Loss("mean", np.sum(joint, axis=0))]
    return [_of_column(next(one for one in columns if metric.column in ("", one.name)), metric.kind)]


class _Column(NamedTuple):
    """A target: what came and what a voice said of it."""

    name: str
    classes: bool
    y: np.ndarray
    p: np.ndarray
    nll: np.ndarray | None
    crps: np.ndarray | None


def _each(goals: Sequence[Goal], values: Sequence[np.ndarray], voice: Said) -> list[_Column]:
    found = []
    for goal, y, p, cost in zip(goals, values, voice.predictions, voice.costs, strict=True):
        for j, (name, column, of_y, of_p) in enumerate(each_column([goal], [y], [p])):
            beside = (None, None) if cost is None else (cost.nll[:, j], cost.crps[:, j])
            found.append(_Column(name, isinstance(column, ClassTarget), of_y, of_p, *beside))
    return found


def _of_column(column: _Column, kind: str) -> _Loss:
    made: dict[str, Callable[[], _Loss]] = {
        "accuracy": lambda: _Loss("share", (column.p.argmax(1) != column.y).astype(np.float64)),
        "log_loss": lambda: _Loss("mean", -log_probability(column.p, column.y)),
        "nll": lambda: _Loss("mean", np.asarray(column.nll)),
        "crps": lambda: _Loss("mean", np.asarray(column.crps)),
    }
    return made[kind]() if kind in made else _of_errors(kind, column.y, column.p)


def _of_errors(kind: str, y: np.ndarray, p: np.ndarray) -> _Loss:
    if kind == "mae":
        return _Loss("mean", np.abs(y - p), y)
    return _Loss("r2" if kind == "r2" else "root", (y - p) ** 2, y)


def _of_forecast(goal: Goal, y: np.ndarray, voice: Said, metric: Metric) -> _Loss:
    """Return the losses (rows, steps) of a forecast, see `metrics.metrics_of_forecast`."""
    p, (cost,) = voice.predictions[0], voice.costs
    if metric.takes == "crps" and cost is not None:
        return _Loss("mean", cost.crps, y)
    if metric.takes == "nll" and cost is not None:
        steps = (~np.isnan(y)).sum(1, keepdims=True)
        return _Loss("mean", np.broadcast_to(cost.joint[:, None] / np.maximum(steps, 1), y.shape), y)
    if metric.kind == "mase":
        return _Loss("mean", np.abs(y - p) / (goal.naive or np.nan), y)
    return _of_errors(metric.kind, y, p)
