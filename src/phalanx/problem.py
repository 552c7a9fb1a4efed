"""Rows with targets: a task of classes and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from phalanx.data import Goal
from phalanx.data.steps import known_steps, spread
from phalanx.ensemble import Errors, PairCosts, Predictions
from phalanx.layers import Layer
from phalanx.member_errors import FoldPredictions, errors_of_folds
from phalanx.metrics import Costs, Metric, evaluate
from phalanx.model import Batch, check_rows
from phalanx.network import Network, OutputSize, complete, heads, with_likelihoods
from phalanx.population.predict import Final, Folded, Stepped
from phalanx.predictive import NetworkPrediction, Predictive, in_units_of, predict_each
from phalanx.row_scores import RowScores, Said, row_scores
from phalanx.search.effort import Size
from phalanx.task import Evaluated, FoldRows, Scored
from phalanx.temperature import best_temperature


@dataclass(frozen=True)
class Problem:
    """Rows to learn from, encoded, with the positions that train and those that validate.

    `inputs`: of each fold all rows as its encoder makes them: an array, or a tuple of arrays, whose first axis counts
    the rows. `folds`: which rows train and validate in it, and `goals_of_folds` its goals, standardized by those that
    train. Without folds there is one of each.

    `values` are those of each goal: class codes (rows,) int32, or numbers (rows, columns) float64 in their own units;
    with a further axis of steps after the rows where there is a target for each step, see `phalanx.data.steps`. Then a
    row costs the mean over its steps, and what is said is evaluated step by step.
    `goals`: in whose units predictions are made. `input_layer` takes the rows, `size` says how much to try,
    and `again` how networks train again, see `Task`. `weight` (float64) counts rows, None: each once. `between`:
    positions of rows that neither train nor validate, but are learned from when networks are trained again.
    """

    inputs: tuple[Any, ...]
    goals: tuple[Goal, ...]
    values: tuple[np.ndarray, ...]
    folds: tuple[FoldRows, ...]
    input_layer: Layer
    size: Size
    again: str | None = None
    weight: np.ndarray | None = None
    between: np.ndarray | None = None
    goals_of_folds: tuple[tuple[Goal, ...], ...] = ()

    @cached_property
    def rows(self) -> Batch:
        """What the networks see: standardized numbers, and weights of mean 1 over the training rows of a fold."""
        batches = []
        for i, (inputs, part) in enumerate(zip(self.inputs, self.folds, strict=True)):
            pairs = zip(self._goals(i), self.values, strict=True)
            y = tuple(self._encoded(goal, held, inputs) for goal, held in pairs)
            weight = np.ones(len(y[0])) if self.weight is None else self.weight / self.weight[part.train].mean()
            batches.append(Batch(inputs, y, weight.astype(np.float32)))
        return batches[0] if len(batches) == 1 else jax.tree.map(lambda *each: np.concatenate(each), *batches)

    @cached_property
    def real(self) -> np.ndarray | None:
        """Which steps of rows have a target, (rows, steps), None: there is one for each row."""
        steps = self.values[0].ndim > (1 if self.goals[0].classes else 2)
        return known_steps(self.values[0]) if steps else None

    @property
    def fold_rows(self) -> list[FoldRows]:
        """Where the rows of each fold stand in `rows`."""
        rows = len(self.values[0])
        return [FoldRows(part.train + i * rows, part.valid + i * rows) for i, part in enumerate(self.folds)]

    @cached_property
    def train(self) -> np.ndarray:
        """Positions of the rows that train, in one fold or another."""
        return (
            self.folds[0].train
            if len(self.folds) == 1
            else np.unique(np.concatenate([part.train for part in self.folds]))
        )

    @cached_property
    def valid(self) -> np.ndarray:
        """Positions of the rows that validate, fold after fold."""
        return np.concatenate([part.valid for part in self.folds])

    @cached_property
    def valid_inputs(self) -> list[Any]:
        """Of each fold the inputs of its validation rows."""
        return [self._inputs_at(fold, part.valid) for fold, part in enumerate(self.folds)]

    @property
    def whole(self) -> Any:
        """All rows as networks take them, of whichever fold they are."""
        return self.inputs[0] if len(self.inputs) == 1 else Folded(self.inputs)

    def valid_values(self, fold: int) -> tuple[np.ndarray, ...]:
        """The values of the validation rows of a fold."""
        return self.values_at(self.folds[fold].valid)

    @property
    def valid_weight(self) -> np.ndarray | None:
        """The weights of the validation rows, fold after fold."""
        return self.weight_at(self.valid)

    def values_at(self, at: np.ndarray) -> tuple[np.ndarray, ...]:
        """The values of some rows, those of all their steps one after the other where each has a target."""
        if self.real is None:
            return tuple(held[at] for held in self.values)
        return tuple(held[at][self.real[at]] for held in self.values)

    def weight_at(self, at: np.ndarray) -> np.ndarray | None:
        """The weights of some rows, or of their steps; None: each counts once."""
        return None if self.weight is None else self._of_steps(self.weight[at], at)

    def networks(self, drawn: Sequence[Network]) -> list[Network]:
        """Return the networks with their output layers; see `Task`."""
        sizes = [OutputSize(goal.size, goal.mean) for goal in self.goals]
        networks = [complete(network, *sizes) for network in drawn]
        for one in {jax.tree.structure(network): network for network in networks}.values():
            check_rows(one, self.inputs[0], each_step=self.real is not None)
        return networks

    def evaluate_networks(self, finals: Sequence[Final], samples: int) -> list[Evaluated]:
        """Return what trained networks are worth, with what training left out of their likelihoods estimated."""
        evaluated: dict[int, Evaluated] = {}
        for fold in range(len(self.folds)):
            of_fold = [i for i, final in enumerate(finals) if final.fold == fold]
            found = self._with_fitted_likelihoods([self._in_shared_units(finals[i]) for i in of_fold], fold, samples)
            for i, (final, said) in zip(of_fold, found, strict=True):
                alone = Predictive.of({0: said}, {0: 1.0}, self.goals, self.valid_inputs[fold])
                costs = alone.costs(self.valid_values(fold)) if len(self.folds[fold].valid) else []
                evaluated[i] = Evaluated(final, said, self._metrics([alone.means], [costs], [fold]), costs)
        return [evaluated[i] for i in range(len(finals))]

    def together(self, folds: Sequence[Evaluated]) -> dict[str, float]:
        """Return the metrics of the out-of-fold predictions; see `Task`."""
        if len(folds) == 1:
            return folds[0].metrics
        return self._metrics([one.said.predictions for one in folds], [one.costs for one in folds])

    def errors(self, evaluated: Sequence[Sequence[Evaluated]], metric: Metric) -> list[Errors | PairCosts]:
        """Return what networks say as the ensemble hears it; see `Task`."""
        if not len(self.valid):
            return []
        sets = []
        for fold, part in enumerate(self.folds):
            said, costs = [one[fold].said for one in evaluated], [one[fold].costs for one in evaluated]
            weight = self.weight_at(part.valid)
            sets.append(FoldPredictions(self.valid_values(fold), said, costs, self.valid_inputs[fold], weight))
        return errors_of_folds(self.goals, sets, metric)

    def row_scores(self, voices: Sequence[Sequence[Evaluated]], metric: Metric) -> RowScores | None:
        """Return what the metric says of voices by how often rows count; see `Task`.

        The steps of a row stay together, and so do as many windows of a series as steps are forecast, whose values they
        share.
        """
        if not len(self.valid) or not voices:
            return None
        said = []
        for voice in voices:
            predictions = tuple(
                np.concatenate(each) for each in zip(*(one.said.predictions for one in voice), strict=True)
            )
            said.append(
                Said(predictions, [_one_after_other(each) for each in zip(*(one.costs for one in voice), strict=True)])
            )
        unit = np.arange(len(self.valid)) // (self.goals[0].size if self.goals[0].pooled else 1)
        weight = self.weight_at(self.valid)
        return row_scores(
            self.goals, self.values_at(self.valid), said, metric, weight, self._of_steps(unit, self.valid)
        )

    def score(
        self,
        evaluated: Sequence[Sequence[NetworkPrediction]],
        shares: Sequence[float],
        vote: bool,
        temperatures: Sequence[float] = (),
    ) -> Scored:
        """Return what an ensemble is worth; see `Task`."""
        mixed, share_of = [], dict(enumerate(shares))
        for fold, inputs in enumerate(self.valid_inputs):
            said = {i: one[fold] for i, one in enumerate(evaluated)}
            mixed.append(Predictive.of(said, share_of, self.goals, inputs, vote, temperatures))
        return self.score_all(mixed)

    def temperatures(self, predictions: Predictions) -> tuple[float, ...]:
        """Return the temperature of each goal; see `Task`."""
        told = zip(self.goals, predictions, self.values_at(self.valid), strict=True)
        return tuple(best_temperature(p, y, self.valid_weight) if goal.classes else 1.0 for goal, p, y in told)

    def score_all(self, folds: Sequence[Predictive]) -> Scored:
        """Return what is said of the validation rows of each fold is worth; no metrics where there are no such rows."""
        means = tuple(np.concatenate(each) for each in zip(*(one.means for one in folds), strict=True))
        if not len(self.valid):
            return Scored({}, means)
        costs = [one.costs(self.valid_values(fold)) for fold, one in enumerate(folds)]
        return Scored(self._metrics([one.means for one in folds], costs), means)

    def _metrics(
        self, means: Sequence[Any], costs: Sequence[Any], folds: Sequence[int] | None = None
    ) -> dict[str, float]:
        """Return all metrics of predictions for the validation rows of some folds, None: all; none without rows."""
        at = np.concatenate([self.folds[i].valid for i in (range(len(self.folds)) if folds is None else folds)])
        if not len(at):
            return {}
        whole = tuple(np.concatenate(each) for each in zip(*means, strict=True))
        beside = [_one_after_other(each) for each in zip(*costs, strict=True)]
        return evaluate(self.goals, self.values_at(at), whole, self.weight_at(at), beside)

    def _encoded(self, goal: Goal, held: np.ndarray, inputs: Any) -> np.ndarray:
        """Return the values of all rows as networks learn them."""
        return goal.encode(held, inputs) if self.real is None else spread(goal.encode(held[self.real]), self.real)

    def _inputs_at(self, fold: int, at: np.ndarray) -> Any:
        """Return some rows as the networks of a fold are asked about them."""
        rows = rows_at(self.inputs[fold], at)
        return rows if self.real is None else Stepped(rows, self.real[at])

    def _of_steps(self, held: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return what each of some rows has, for each of its steps where each has a target."""
        return held if self.real is None else np.repeat(held, self.real[at].sum(1))

    def _goals(self, fold: int) -> tuple[Goal, ...]:
        return self.goals_of_folds[fold] if self.goals_of_folds else self.goals

    def _in_shared_units(self, final: Final) -> Final:
        """Return a network of a fold so that it predicts in the units of `goals`."""
        if not self.goals_of_folds:
            return final
        pairs = zip(heads(final.network), self._goals(final.fold), self.goals, strict=True)
        likelihoods = [in_units_of(head.likelihood, own, shared) for head, own, shared in pairs]
        return final._replace(network=with_likelihoods(final.network, likelihoods))

    def _with_fitted_likelihoods(
        self, finals: Sequence[Final], fold: int, samples: int
    ) -> list[tuple[Final, NetworkPrediction]]:
        """Return the networks with what training left out of their likelihoods, such as a fixed variance, estimated,
        and what they then say of the validation rows.

        From the validation rows, or the training rows where there are none.
        """
        at = self.folds[fold].valid
        valid = seen = predict_each(finals, self.valid_inputs[fold], self.goals, samples)
        estimated = [any(head.likelihood.estimated for head in heads(final.network)) for final in finals]
        if not any(estimated):
            return list(zip(finals, valid, strict=True))
        if not len(at):
            at = self.folds[fold].train
            seen = predict_each(finals, self._inputs_at(fold, at), self.goals, samples)
        there = self._inputs_at(fold, at)
        targets = [goal.encode(held, there) for goal, held in zip(self.goals, self.values_at(at), strict=True)]
        weight = self._of_steps(self.rows.weight[at + fold * len(self.values[0])], at)
        found = []
        for final, said, learned_from, needed in zip(finals, valid, seen, estimated, strict=True):
            if not needed:
                found.append((final, said))
                continue
            learned = [
                head.likelihood if output is None else head.likelihood.fitted(output.z, y, weight)
                for head, output, y in zip(heads(final.network), learned_from.outputs, targets, strict=True)
            ]
            outputs = tuple(
                None if output is None else output._replace(likelihood=part)
                for part, output in zip(learned, said.outputs, strict=True)
            )
            network = with_likelihoods(final.network, learned)
            found.append((final._replace(network=network), said._replace(outputs=outputs)))
        return found


def rows_at(inputs: Any, at: np.ndarray) -> Any:
    """Return the rows at some positions of an array, or of each of a tuple of arrays."""
    return jax.tree.map(lambda part: part[at], inputs)


def _one_after_other(folds: Sequence[Costs | None]) -> Costs | None:
    """Return the costs of the rows of all folds."""
    known = [one for one in folds if one is not None]
    return Costs(*map(np.concatenate, zip(*known, strict=True))) if len(known) == len(folds) else None
