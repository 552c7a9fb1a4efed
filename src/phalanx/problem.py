"""Rows with targets: a task of classes and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from phalanx.data import Goal
from phalanx.ensemble import Pairs, Voice
from phalanx.hearing import hear
from phalanx.layers import Columns, Layer
from phalanx.metrics import Costs, Metric, evaluate
from phalanx.model import Batch, check_rows, row_shape
from phalanx.network import Aim, Network, complete, heads, with_likelihoods
from phalanx.population.predict import Final
from phalanx.predictive import Predictive, Said, say_all
from phalanx.search.defaults import REFIT, Kind, size_for
from phalanx.search.effort import Size
from phalanx.task import Judged


@dataclass(frozen=True)
class Problem:
    """Rows to learn from, encoded, with the positions that train and those that validate.

    `inputs` is an array, or a tuple of arrays, whose first axis counts the rows; `entry` is the layer that takes them.
    `values` are those of each goal: class codes (rows,) int32, or numbers (rows, columns) float64 in their own units.
    `weight` (float64) counts rows, None: each once. `between`: positions of rows that neither train nor validate, but
    are learned from when networks are trained again.
    """

    inputs: Any
    goals: tuple[Goal, ...]
    values: tuple[np.ndarray, ...]
    train: np.ndarray
    valid: np.ndarray
    entry: Layer
    weight: np.ndarray | None = None
    between: np.ndarray | None = None

    @cached_property
    def rows(self) -> Batch:
        """What the networks see: standardized numbers, and weights of mean 1 over the training rows."""
        y = tuple(goal.encode(held, self.inputs) for goal, held in zip(self.goals, self.values, strict=True))
        weight = np.ones(len(y[0])) if self.weight is None else self.weight / self.weight[self.train].mean()
        return Batch(self.inputs, y, weight.astype(np.float32))

    @cached_property
    def valid_inputs(self) -> Any:
        """The inputs of the validation rows."""
        return rows_at(self.inputs, self.valid)

    @property
    def valid_values(self) -> tuple[np.ndarray, ...]:
        """The values of the validation rows."""
        return tuple(held[self.valid] for held in self.values)

    @property
    def valid_weight(self) -> np.ndarray | None:
        """The weights of the validation rows."""
        return None if self.weight is None else self.weight[self.valid]

    @property
    def kind(self) -> Kind:
        """What a row is, by which defaults are chosen."""
        shape = row_shape(self.inputs)
        return Kind(type(self.entry), shape[0] if isinstance(self.entry, Columns) else shape)

    @property
    def size(self) -> Size:
        """How much to try when nothing is said."""
        return size_for(len(self.train), self.kind)

    def score(self, predictive: Predictive) -> tuple[dict[str, float], list[Costs | None]]:
        """Return all metrics of what is said of the validation rows, and what each row costs; none where there are no
        such rows.
        """
        if not len(self.valid):
            return {}, []
        costs = predictive.costs(self.valid_values)
        return evaluate(self.goals, self.valid_values, predictive.means, self.valid_weight, costs), costs

    @property
    def again(self) -> str | None:
        """How the networks that predict train again on all rows when nothing is said."""
        return REFIT.get(type(self.entry))

    def networks(self, drawn: Sequence[Network]) -> list[Network]:
        """Return the networks with their output layers; see `Task`."""
        aims = [Aim(goal.size, goal.mean) for goal in self.goals]
        networks = [complete(network, *aims) for network in drawn]
        for one in {jax.tree.structure(network): network for network in networks}.values():
            check_rows(one, self.inputs)
        return networks

    def judge(self, finals: Sequence[Final], samples: int) -> list[Judged]:
        """Return what trained networks are worth, with what training left out of their likelihoods estimated."""
        judged = []
        for final, said in _with_fitted_likelihoods(finals, self, samples):
            alone = Predictive.of({0: said}, {0: 1.0}, self.goals, self.valid_inputs)
            judged.append(Judged(final, said, *self.score(alone)))
        return judged

    def voices(self, judged: Sequence[Judged], metric: Metric) -> list[Voice | Pairs]:
        """Return what networks say as the ensemble hears it; see `Task`."""
        if not len(self.valid):
            return []
        said, costs = [one.said for one in judged], [one.costs for one in judged]
        return hear(self.goals, self.valid_values, said, costs, metric, self.valid_inputs, self.valid_weight)


def rows_at(inputs: Any, at: np.ndarray) -> Any:
    """Return the rows at some positions of an array, or of each of a tuple of arrays."""
    return jax.tree.map(lambda part: part[at], inputs)


def _with_fitted_likelihoods(finals: Sequence[Final], problem: Problem, samples: int) -> list[tuple[Final, Said]]:
    """Return the networks with what training left out of their likelihoods, such as a fixed variance, estimated, and
    what they then say of the validation rows.

    From the validation rows, or the training rows where there are none.
    """
    valid = seen = say_all(finals, problem.valid_inputs, problem.goals, samples)
    at, estimated = problem.valid, [any(h.likelihood.estimated for h in heads(final.network)) for final in finals]
    if not len(at) and any(estimated):
        at = problem.train
        seen = say_all(finals, rows_at(problem.inputs, at), problem.goals, samples)
    found = []
    for final, said, learned_from, needed in zip(finals, valid, seen, estimated, strict=True):
        if not needed:
            found.append((final, said))
            continue
        learned = [
            part if output is None else part.fitted(output.z, y[at], problem.rows.weight[at])
            for part, output, y in zip(
                (head.likelihood for head in heads(final.network)), learned_from.outputs, problem.rows.y, strict=True
            )
        ]
        outputs = tuple(
            None if output is None else output._replace(likelihood=part)
            for part, output in zip(learned, said.outputs, strict=True)
        )
        network = with_likelihoods(final.network, learned)
        found.append((final._replace(network=network), said._replace(outputs=outputs)))
    return found
