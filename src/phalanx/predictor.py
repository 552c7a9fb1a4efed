"""What predicts after training: the members of the ensemble and the best member, without anything that trained them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from phalanx.data.goals import Goal
from phalanx.ensemble import Predictions, average, votes
from phalanx.errors import InputError
from phalanx.mixture import Mixture, deviation, interval, mode, sample
from phalanx.network import heads
from phalanx.population.predict import Final, predict_all, raw_outputs_all


@dataclass(frozen=True)
class Predictor:
    """Trained networks by id, their shares in the ensemble, the id of the best, and what their heads predict.

    With `vote` the ensemble's probability of a class is the share of members that find it most probable. With
    `samples` every prediction is an average over so many random dropout masks.
    """

    members: dict[str, Final]
    shares: dict[str, float]
    best: str
    goals: tuple[Goal, ...]
    vote: bool = False
    samples: int = 0

    def predict(self, inputs: Any, ensemble: bool = True) -> Predictions:
        """Return of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units."""
        shares = self._shares(ensemble)
        found = predictions_of([self.members[id_] for id_ in shares], inputs, self.goals, self.samples)
        said = dict(zip(shares, found, strict=True))
        return average({id_: votes(p, self.goals) for id_, p in said.items()} if self.vote else said, shares)

    def interval(self, inputs: Any, level: float, ensemble: bool = True) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return of each goal of numbers the ends of the central interval that holds them with probability `level`.

        Arrays are (rows, columns), in units of the target; the ensemble is the mixture of its members' distributions.
        """
        if not 0 < level < 1:
            raise InputError(f"level is {level!r}, but must be between 0 and 1")
        found = []
        for goal, mixture in self._mixtures(inputs, ensemble):
            low, high = interval(mixture, level)
            found.append((goal.decode(low, inputs), goal.decode(high, inputs)))
        return found

    def deviation(self, inputs: Any, ensemble: bool = True) -> list[np.ndarray]:
        """Return of each goal of numbers the standard deviation (rows, columns), in units of the target."""
        return [goal.units(inputs) * deviation(mixture) for goal, mixture in self._mixtures(inputs, ensemble)]

    def sample(self, inputs: Any, count: int, seed: int, ensemble: bool = True) -> list[np.ndarray]:
        """Return of each goal of numbers `count` draws, (count, rows, columns), in units of the target."""
        keys = jax.random.split(jax.random.key(seed), count)
        return [
            goal.decode(np.stack([sample(mixture, key) for key in keys]), inputs)
            for goal, mixture in self._mixtures(inputs, ensemble)
        ]

    def mode(self, inputs: Any) -> list[np.ndarray]:
        """Return of each goal of numbers the most probable value by the best member, (rows, columns)."""
        return [goal.decode(mode(mixture), inputs) for goal, mixture in self._mixtures(inputs, ensemble=False)]

    def _shares(self, ensemble: bool) -> Mapping[str, float]:
        return self.shares if ensemble else {self.best: 1.0}

    def _mixtures(self, inputs: Any, ensemble: bool) -> list[tuple[Goal, Mixture]]:
        """Return for each goal of numbers the mixture of the members' distributions."""
        if all(goal.classes for goal in self.goals):
            return []
        shares = self._shares(ensemble)
        z = dict(zip(shares, raw_outputs_all([self.members[id_] for id_ in shares], inputs), strict=True))
        found = []
        for i, goal in enumerate(self.goals):
            if not goal.classes:
                likelihoods = tuple(heads(self.members[id_].network)[i].likelihood for id_ in shares)
                outputs = tuple(z[id_][i] for id_ in shares)
                found.append((goal, Mixture(likelihoods, outputs, np.array(list(shares.values()), np.float32))))
        return found


def predictions_of(
    finals: Sequence[Final], inputs: Any, goals: tuple[Goal, ...], samples: int = 0
) -> list[Predictions]:
    """Return each network's predictions: probabilities (rows, classes), or numbers (rows, columns), of each goal."""
    return [
        tuple(p if goal.classes else goal.decode(p, inputs) for goal, p in zip(goals, found, strict=True))
        for found in predict_all(finals, inputs, samples)
    ]
