"""What predicts after training: the members of the ensemble and the best member, without anything that trained them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from phalanx.data.goals import Goal
from phalanx.ensemble import Predictions
from phalanx.errors import InputError
from phalanx.metrics import evaluate
from phalanx.population.predict import Final, real_steps
from phalanx.predictive import Predictive, predict_each

_ROWS = 2**20  # times masks, that are predicted at once


@dataclass(frozen=True)
class Predictor:
    """Trained networks by id, their shares in the ensemble, the id of the best, and what their heads predict.

    With `vote` the ensemble's probability of a class is the share of members that find it most probable. With
    `samples` every prediction is an average over so many random dropout masks. `temperatures`: of the ensemble, one a
    goal; none: 1 each.
    """

    members: dict[str, Final]
    shares: dict[str, float]
    best: str
    goals: tuple[Goal, ...]
    vote: bool = False
    samples: int = 0
    temperatures: tuple[float, ...] = ()

    def alone(self, id_: str, final: Final) -> "Predictor":
        """Return what predicts by one network only."""
        return replace(self, members={id_: final}, shares={id_: 1.0}, best=id_, temperatures=())

    def predict(self, inputs: Any, ensemble: bool = True) -> Predictions:
        """Return of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units."""
        return self.ask(inputs, lambda predictive: predictive.means, ensemble)

    def ask(self, inputs: Any, question: Callable[..., Any], ensemble: bool = True, beside: Any = ()) -> Any:
        """Return the answers to a question about the `Predictive` of the rows: arrays whose first axis counts rows.

        The networks see each row once, whatever is asked. Without `ensemble` the best member speaks alone. The rows of
        the arrays `beside` are handed to the question too.
        """
        return self.ask_each([(None if ensemble else self.best, question)], inputs, beside)[0]

    def ask_each(
        self, questions: Sequence[tuple[str | None, Callable[..., Any]]], inputs: Any, beside: Any = ()
    ) -> list[Any]:
        """Return the answers to several questions, each to a member by its id, or to the ensemble (None); see `ask`.

        The networks see each row once, whoever of them is asked how often.
        """
        speakers = [(self.shares, self.temperatures) if id_ is None else ({id_: 1.0}, ()) for id_, _ in questions]
        ids = list(dict.fromkeys(id_ for shares, _ in speakers for id_ in shares))
        rows = len(jax.tree.leaves(inputs)[0])
        size = max(1024, _ROWS // max(self.samples, 1))
        answers: list[list[Any]] = [[] for _ in questions]
        for first in range(0, max(rows, 1), size):
            part, held = jax.tree.map(lambda a, first=first: a[first : first + size], (inputs, tuple(beside)))
            found = predict_each([self.members[id_] for id_ in ids], part, self.goals, self.samples)
            said = dict(zip(ids, found, strict=True))
            for (shares, temperatures), (_, question), parts in zip(speakers, questions, answers, strict=True):
                found_of = Predictive.of(said, shares, self.goals, part, self.vote, temperatures)
                parts.append(question(found_of, *held))
        return [
            parts[0] if len(parts) == 1 else jax.tree.map(lambda *each: np.concatenate(each), *parts)
            for parts in answers
        ]

    def sample(self, inputs: Any, count: int, seed: int, ensemble: bool = True) -> list[np.ndarray]:
        """Return `count` draws of each goal: class codes (count, rows), or numbers (count, rows, columns)."""
        if not isinstance(count, (int, np.integer)) or count < 1:
            raise InputError(f"count is {count!r}, but must be a whole number from 1")
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise InputError(f"the seed is {seed!r}, but must be a whole number from 0")
        part = itertools.count()
        drawn = self.ask(inputs, lambda predictive: predictive.sample(int(count), (int(seed), next(part))), ensemble)
        return [np.moveaxis(found, 1, 0) for found in drawn]

    def log_density(self, inputs: Any, values: Sequence[np.ndarray], ensemble: bool = True) -> list[np.ndarray]:
        """Return of each goal log p of the values of each row, (rows,); see `Predictive.log_density`.

        Where the networks answer at each step, values are (rows, steps, ...), and it is that of each real step.
        """

        def asked(predicted: Predictive, *y: np.ndarray) -> list[np.ndarray]:
            real = real_steps(predicted.inputs)
            return predicted.log_density(y if real is None else [held[real] for held in y])

        return self.ask(inputs, asked, ensemble, values)

    def scores(
        self, inputs: Any, values: Sequence[np.ndarray | None], weight: np.ndarray | None = None, ensemble: bool = True
    ) -> dict[str, float]:
        """Return all metrics of the predictions for rows whose values are given; see `phalanx.metrics.evaluate`."""
        means, costs = self.ask(inputs, lambda predicted, *y: (predicted.means, predicted.costs(y)), ensemble, values)
        return evaluate(self.goals, values, means, weight, costs)
