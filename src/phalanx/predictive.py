"""What trained networks say of rows: of each goal a distribution, in units of the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.crps import crps
from phalanx.data.goals import Goal
from phalanx.data.targets import NumberTarget
from phalanx.ensemble import Predictions, average, votes
from phalanx.errors import InputError
from phalanx.likelihoods import Gaussian, Likelihood, NumberLikelihood, Poisson, rescaled
from phalanx.metrics import Costs, log_probability
from phalanx.mixture import (
    Mixture,
    Output,
    covariance,
    cumulative,
    deviation,
    interval,
    log_density,
    marginal_log_density,
    mean,
    mode,
    sample,
)
from phalanx.network import heads
from phalanx.population.predict import Final, predict_all, raw_outputs_all
from phalanx.temperature import all_tempered

_LEAST_RATE = 1e-3  # of a count, in mean counts


class NetworkPrediction(NamedTuple):
    """What one network says of rows: its predictions, and its outputs for each goal of numbers (None: classes)."""

    predictions: Predictions
    outputs: tuple[Output | None, ...]


def predict_each(
    finals: Sequence[Final], inputs: Any, goals: Sequence[Goal], samples: int = 0
) -> list[NetworkPrediction]:
    """Return what each network says of rows; with `samples` an average over so many random dropout masks."""
    if all(goal.classes for goal in goals):
        return [NetworkPrediction(found, (None,) * len(goals)) for found in predict_all(finals, inputs, samples)]
    said = []
    for final, z in zip(finals, raw_outputs_all(finals, inputs, samples), strict=True):
        outputs = [Output(head.likelihood, one) for head, one in zip(heads(final.network), z, strict=True)]
        means = [mean(output) for output in outputs]
        predictions = tuple(p if goal.classes else goal.decode(p, inputs) for goal, p in zip(goals, means, strict=True))
        of_numbers = (None if goal.classes else output for goal, output in zip(goals, outputs, strict=True))
        said.append(NetworkPrediction(predictions, tuple(of_numbers)))
    return said


def in_units_of(likelihood: Likelihood, own: Goal, reference: Goal) -> Likelihood:
    """Return what makes distributions of numbers as the `reference` standardizes them, from a likelihood of those that
    a network saw, standardized by its `own` goal, such as that of the rows of its fold.

    u = (y − m)/s of the reference is shift + scale · (y − mₒ)/sₒ with scale = sₒ/s and shift = (mₒ − m)/s, of each
    column. A likelihood of classes or counts, and of goals that standardize alike, stays as it is.
    """
    if not isinstance(likelihood, NumberLikelihood) or own.kind != "numbers":
        return likelihood
    shift, scale = (_means(own) - _means(reference)) / reference.deviations, own.deviations / reference.deviations
    return rescaled(likelihood, shift, scale) if shift.any() or (scale != 1).any() else likelihood


def _means(goal: Goal) -> np.ndarray:
    return np.array([column.mean for column in goal.columns if isinstance(column, NumberTarget)])


Likelihoods = tuple[NumberLikelihood | None, ...]
"""Of each goal of numbers what makes a distribution of a prediction; None: classes."""


def likelihoods_around(
    goals: Sequence[Goal],
    inputs: Any,
    predictions: Predictions,
    values: Sequence[np.ndarray],
    weight: np.ndarray | None = None,
) -> Likelihoods:
    """Return for models that predict a number alone what makes a distribution of it: a Gaussian whose variance is the
    mean squared error of rows whose `values` are known, and of counts a Poisson distribution.
    """
    found: list[NumberLikelihood | None] = []
    for goal, p, y in zip(goals, predictions, values, strict=True):
        if goal.classes or not len(y):
            found.append(None if goal.classes else Gaussian())
        elif goal.counts:
            found.append(Poisson())
        else:
            mass = np.ones(len(y)) if weight is None else weight
            found.append(Gaussian().fitted(goal.encode(p, inputs)[:, None], goal.encode(y, inputs), mass))
    return tuple(found)


def around(goals: tuple[Goal, ...], inputs: Any, predictions: Predictions, likelihoods: Likelihoods) -> "Predictive":
    """Return the distributions around predictions that are a number alone; a count's rate is at least a thousandth of
    the mean count.
    """
    mixtures: list[Mixture | None] = []
    for goal, p, likelihood in zip(goals, predictions, likelihoods, strict=True):
        if likelihood is None:
            mixtures.append(None)
            continue
        if goal.counts:
            rate = np.maximum(p, _LEAST_RATE * goal.mean)
            z = (rate + np.log(-np.expm1(-rate))).astype(np.float32)  # the inverse of softplus
        else:
            z = goal.encode(p, inputs)
        mixtures.append(Mixture((Output(likelihood, z[:, None]),), np.ones(1)))
    return Predictive(goals, inputs, predictions, tuple(mixtures))


@dataclass(frozen=True)
class Predictive:
    """The predictive distribution of each goal for some rows: `means` are probabilities (rows, classes), or numbers
    (rows, columns) in their own units; `mixtures` are the distributions of numbers as networks see them.

    Goals are independent of each other given the inputs; the columns of one need not be.
    """

    goals: tuple[Goal, ...]
    inputs: Any
    means: Predictions
    mixtures: tuple[Mixture | None, ...]

    @staticmethod
    def of(
        said: Mapping[Any, NetworkPrediction],
        shares: Mapping[Any, float],
        goals: Sequence[Goal],
        inputs: Any,
        vote: bool = False,
        temperatures: Sequence[float] = (),
    ) -> "Predictive":
        """Return the mixture of what members say; with `vote` a class is as probable as the share that finds it so.

        `temperatures`: of each goal, see `phalanx.temperature`; none: 1 each.
        """
        found = {key: said[key].predictions for key in shares}
        means = average({key: votes(p, goals) for key, p in found.items()} if vote else found, shares)
        means = all_tempered(means, temperatures) if temperatures else means
        weight = np.array(list(shares.values()))
        mixtures = []
        for i in range(len(goals)):
            outputs = [said[key].outputs[i] for key in shares]
            held = tuple(output for output in outputs if output is not None)
            mixtures.append(Mixture(held, weight) if held else None)
        return Predictive(tuple(goals), inputs, means, tuple(mixtures))

    def only(self, rows: np.ndarray) -> "Predictive":
        """Return the distributions of some rows: their positions, or which they are. Inputs are kept for forecasts
        alone, whose units depend on them.
        """
        needed = any(goal.forecast for goal in self.goals)
        inputs = jax.tree.map(lambda part: part[rows], self.inputs) if needed else None
        mixtures = [
            None if held is None else Mixture(tuple(o._replace(z=o.z[rows]) for o in held.outputs), held.shares)
            for held in self.mixtures
        ]
        return Predictive(self.goals, inputs, tuple(p[rows] for p in self.means), tuple(mixtures))

    def cumulative(self, values: Sequence[np.ndarray | None]) -> list[tuple[np.ndarray, np.ndarray] | None]:
        """Return of each goal of numbers P(Y < y) and P(Y ≤ y) of each value by itself, (rows, columns), which differ
        for counts only; NaN where a value is not known, and None for classes and where no value is.
        """
        found: list[tuple[np.ndarray, np.ndarray] | None] = []
        for goal, mixture, held in zip(self.goals, self.mixtures, values, strict=True):
            if mixture is None or held is None:
                found.append(None)
                continue
            y = goal.encode(held, self.inputs)
            upto = cumulative(mixture, y)
            found.append((np.where(y > 0, cumulative(mixture, y - 1), 0.0) if goal.counts else upto, upto))
        return found

    def interval(self, level: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return of each goal of numbers the ends of the central interval that holds them with probability `level`.

        Arrays are (rows, columns), in units of the target.
        """
        if not 0 < level < 1:
            raise InputError(f"level is {level!r}, but must be between 0 and 1")
        ends = [(goal, *interval(mixture, level)) for goal, mixture in self._numbers()]
        return [(goal.decode(low, self.inputs), goal.decode(high, self.inputs)) for goal, low, high in ends]

    def deviation(self) -> list[np.ndarray]:
        """Return of each goal of numbers the standard deviation (rows, columns), in units of the target."""
        return [goal.units(self.inputs) * deviation(mixture) for goal, mixture in self._numbers()]

    def covariance(self) -> list[np.ndarray]:
        """Return of each goal of numbers the covariance (rows, columns, columns), in units of the target."""
        found = []
        for goal, mixture in self._numbers():
            unit = np.asarray(goal.units(self.inputs))
            found.append(covariance(mixture) * unit[..., :, None] * unit[..., None, :])
        return found

    def mode(self) -> list[np.ndarray]:
        """Return of each goal of numbers the most probable values, (rows, columns); see `phalanx.mixture.mode`."""
        return [goal.decode(mode(mixture), self.inputs) for goal, mixture in self._numbers()]

    def sample(self, count: int, seed: Sequence[int]) -> list[np.ndarray]:
        """Return `count` draws of each goal: class codes (rows, count), or numbers (rows, count, columns)."""
        found = []
        for i, (goal, mixture, p) in enumerate(zip(self.goals, self.mixtures, self.means, strict=True)):
            stream = np.random.SeedSequence([*seed, i])
            if mixture is None:
                below = p.cumsum(1)
                at = np.random.default_rng(stream).random((len(p), count, 1)) * below[:, None, -1:]
                found.append((at >= below[:, None]).sum(-1).astype(np.int32))
            else:
                keys = jax.random.split(jax.random.key(int(stream.generate_state(1)[0])), count)
                drawn = np.stack([sample(mixture, key) for key in keys])
                found.append(np.moveaxis(goal.decode(drawn, self.inputs), 0, 1))
        return found

    def log_density(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return of each goal log p of the values of each row, (rows,): of a class code its log probability; of numbers
        the log density of all columns together, per unit of the target.
        """
        found = []
        for goal, mixture, p, y in zip(self.goals, self.mixtures, self.means, values, strict=True):
            if mixture is None:
                found.append(log_probability(p, y))
            else:
                density = log_density(mixture, goal.encode(y, self.inputs))
                found.append(density + np.where(np.isnan(y), 0, self._slope(goal)).sum(-1))
        return found

    def marginal_log_density(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return of each goal of numbers log p of each value by itself, (rows, columns), per unit of the target; NaN
        where it is not known.
        """
        pairs = zip(self.goals, self.mixtures, values, strict=True)
        return [self._marginal(goal, mixture, y) for goal, mixture, y in pairs if mixture is not None]

    def costs(self, values: Sequence[np.ndarray | None]) -> list[Costs | None]:
        """Return what the values of each goal cost; None for classes, and where values are not known."""
        found: list[Costs | None] = []
        for goal, mixture, values_of in zip(self.goals, self.mixtures, values, strict=True):
            if mixture is None or values_of is None:
                found.append(None)
                continue
            y, slope = goal.encode(values_of, self.inputs), self._slope(goal)
            joint = np.where(np.isnan(y), 0, slope).sum(-1) + log_density(mixture, y)
            found.append(
                Costs(-joint, -self._marginal(goal, mixture, values_of), crps(mixture, y) * goal.units(self.inputs))
            )
        return found

    def _numbers(self) -> list[tuple[Goal, Mixture]]:
        pairs = zip(self.goals, self.mixtures, strict=True)
        return [(goal, mixture) for goal, mixture in pairs if mixture is not None]

    def _marginal(self, goal: Goal, mixture: Mixture, values: np.ndarray) -> np.ndarray:
        return self._slope(goal) + marginal_log_density(mixture, goal.encode(values, self.inputs))

    def _slope(self, goal: Goal) -> np.ndarray:
        return np.broadcast_to(goal.log_slope(self.inputs), (len(self.means[0]), goal.size))
