"""Training on with further rows, such as the newest of a stream (online learning, MAP G1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from phalanx.candidates import Fitted
from phalanx.data import Goal
from phalanx.errors import InputError
from phalanx.model import fresh
from phalanx.network import Network
from phalanx.parts import at_progress
from phalanx.population.batches import Fold
from phalanx.population.predict import Final
from phalanx.population.refit import still
from phalanx.population.rows import Rows
from phalanx.population.train import train
from phalanx.population.trial import Trained, Trial
from phalanx.problem import Problem
from phalanx.solving import is_solved

STEPS = 500
"""Most optimizer steps of a round, as in the first training, so that rows of any number share a program."""


@dataclass(frozen=True)
class Course:
    """What the networks that predict need to train on: each, by id, as it does so, and the goals of each fold, if there
    are several; `seed` decides batches and noise, and so does how often they were trained on, `times`.
    """

    networks: Mapping[str, Network]
    goals_of_folds: tuple[tuple[Goal, ...], ...]
    seed: int
    times: int = 0

    @staticmethod
    def of(fitted: Fitted, problem: Problem, seed: int) -> "Course":
        """Return the course of what was trained."""
        used = [fitted.members[i] for i in fitted.used]
        return Course({member.id: steady(member.trained) for member in used}, problem.goals_of_folds, seed)

    def go_on(self, problem: Problem, finals: Mapping[str, Final]) -> tuple["Course", dict[str, Final], list[str]]:
        """Train networks on from their parameters, for one pass over the training rows of a problem.

        The optimizer begins anew, and nothing validates: what validation rows say of a network, such as a fixed
        variance, stays. Returns the course from there on, the networks, and the ids of those that diverged, which are
        as they were.
        """
        if any(map(is_solved, self.networks.values())):
            raise InputError("LeastSquares learns from all rows at once; call fit with them in place of partial_fit")
        rows, found, lost = Rows(problem.rows), dict(finals), list[str]()
        folds = [Fold(part.train, part.valid, self._seed(0)) for part in problem.fold_rows]
        for size in {network.batch_size: None for network in self.networks.values()}:  # a pass has as many steps
            chosen = [id_ for id_ in finals if self.networks[id_].batch_size == size]
            steps = -(-len(folds[0].train) // size)
            rounds = -(-steps // STEPS)
            trials = [self._trial(id_, finals[id_], i) for i, id_ in enumerate(finals) if id_ in chosen]
            outcome = train(trials, rows, folds, max_rounds=rounds, round_steps=-(-steps // rounds))
            for id_, member in zip(chosen, outcome.members, strict=True):
                if _is_finite(member):
                    found[id_] = finals[id_]._replace(params=member.params, states=member.states)
                else:
                    lost.append(id_)
        return replace(self, times=self.times + 1), found, lost

    def _trial(self, id_: str, final: Final, place: int) -> Trial:
        network = self.networks[id_]
        states = jax.device_get(fresh(final.states, network.batch_size))  # reading begins anew
        return Trial(network, self._seed(1, place), final.fold, trained=(final.params, states))

    def _seed(self, *key: int) -> int:
        return int(np.random.SeedSequence((self.seed, self.times, *key)).generate_state(1)[0])


def steady(member: Trained) -> Network:
    """Return the network of a member as it trains on: its schedules have the values that they had at its best round,
    those of the optimizer the mean of what they had until then: a learning rate that fell to 0 would learn nothing.
    """
    progress = member.best_round / member.max_rounds
    way = np.linspace(0, progress, 101, dtype=np.float32)
    optimizer: Any = jax.tree.map(lambda value: float(np.mean(value)), at_progress(member.trial.network.optimizer, way))
    return replace(still(member.trial.network, progress), optimizer=optimizer)


def _is_finite(member: Trained) -> bool:
    return member.stopped != "diverged" and all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(member.params))
