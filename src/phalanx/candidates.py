"""Trained members with what they are worth: ranked, and combined."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phalanx.data import Goal
from phalanx.ensemble import Pairs, Voice, greedy
from phalanx.metrics import Costs, Metric
from phalanx.population.predict import Final
from phalanx.population.refit import Refitted
from phalanx.population.train import Outcome
from phalanx.population.trial import Trained
from phalanx.predictive import Predictive, Said
from phalanx.predictor import Predictor
from phalanx.search.designs import Draw
from phalanx.task import Judged


@dataclass
class Candidate:
    """A trained member with its place in the design, what it says of the validation rows and what these cost it, its
    metrics, and its refit if any.

    `final` is what predicts. A member that never trained says nothing, and has no metrics.
    """

    id: str
    draw: Draw
    trial: int
    trained: Trained
    final: Final
    structure: int
    valid: Said
    metrics: dict[str, float]
    costs: Sequence[Costs | None] = ()
    refitted: Refitted | None = None


@dataclass
class Fitted:
    """All members, the positions from best to worst, the shares of the ensemble; rounds and width of each
    population; `cut` says who was stopped in favour of others, see `population.train`.
    """

    members: list[Candidate]
    ranking: list[int]
    shares: dict[int, float]
    rounds: list[int]
    widths: list[int]
    goals: tuple[Goal, ...]
    vote: bool = False
    samples: int = 0
    cut: list[int] = field(default_factory=list)

    @property
    def best(self) -> Candidate:
        """The best member."""
        return self.members[self.ranking[0]]

    @property
    def used(self) -> list[int]:
        """Positions of the members that predict: those of the ensemble, and the best."""
        return sorted({*self.shares, self.ranking[0]})

    @property
    def recorded(self) -> dict[str, Any]:
        """By what arguments of `fit` the training can be repeated to the bit."""
        return {"rounds": tuple(self.rounds), "widths": tuple(self.widths), "cut": tuple(self.cut) or None}

    def predictor(self) -> Predictor:
        """Return what predicts: the members of the ensemble, and the best one; refitted where they were."""
        finals = {self.members[i].id: self.members[i].final for i in self.used}
        shares = {self.members[i].id: share for i, share in self.shares.items()}
        return Predictor(finals, shares, self.best.id, self.goals, self.vote, self.samples)

    def ensemble_valid(self, inputs: Any = None) -> Predictive:
        """Return what the ensemble says of the validation rows, whose inputs are given if there are any."""
        return Predictive.of(
            {i: self.members[i].valid for i in self.shares}, self.shares, self.goals, inputs, self.vote
        )


def candidates(outcome: Outcome, draws: Sequence[Draw], repeats: int, judged: Sequence[Judged]) -> list[Candidate]:
    """Return the members, and what those that trained are worth; a point that is drawn has so many `repeats`."""
    structures: dict[Any, int] = {}
    members, found = [], iter(judged)
    for i, member in enumerate(outcome.members):
        trial = i // repeats
        structure = structures.setdefault(member.structure, len(structures) + 1)
        one = next(found) if member.rounds else Judged(member.final, Said((), ()), {})
        members.append(Candidate(f"m{i + 1:03d}", draws[trial], trial, member, one.final, structure, *one[1:]))
    return members


def rank(members: Sequence[Candidate], metric: Metric) -> list[int]:
    """Return positions from best to worst: by the metric, then by the log loss or the cost, which break ties; last
    those that never trained.
    """

    def key(i: int) -> tuple[float, ...]:
        member = members[i]
        if not member.trained.rounds:
            return (True, i)
        if not member.metrics:
            return (False, member.trained.curve[-1][0], i)
        tie = member.metrics.get("log_loss", member.trained.best_score)
        return (False, metric.loss(member.metrics[metric.name]), tie, i)

    return sorted(range(len(members)), key=key)


def trained_ones(members: Sequence[Candidate]) -> list[int]:
    """Return the positions of the members that trained: where the time is short, some may never begin."""
    return [i for i, member in enumerate(members) if member.trained.rounds]


def shares(
    members: Sequence[Candidate], heard: Sequence[Voice | Pairs], weight: np.ndarray | None = None
) -> dict[int, float]:
    """Choose the ensemble by what all members that trained say of the validation rows; without such rows, where nothing
    is heard, every member that did not diverge has one voice.
    """
    sound = _sound(members)
    if not heard:
        return {i: 1 / len(sound) for i in sound}
    place = {i: k for k, i in enumerate(trained_ones(members))}
    chosen = greedy([voice.only([place[i] for i in sound]) for voice in heard], weight)
    return {sound[i]: share for i, share in chosen.items()}


def _sound(members: Sequence[Candidate]) -> list[int]:
    """Return the members that trained and did not diverge, or all that trained where each did."""
    trained = trained_ones(members)
    return [i for i in trained if members[i].trained.stopped != "diverged"] or trained
