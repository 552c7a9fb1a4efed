"""Trained members with what they are worth: ranked, and combined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phalanx.choosing import Optimism, resample, within_one_error
from phalanx.data import Goal
from phalanx.ensemble import Errors, PairCosts, greedy
from phalanx.metrics import Costs, Metric
from phalanx.model import parameter_count
from phalanx.population.predict import Final
from phalanx.population.refit import Refitted
from phalanx.population.train import Outcome
from phalanx.population.trial import Trained
from phalanx.predictive import NetworkPrediction
from phalanx.predictor import Predictor
from phalanx.row_scores import RowScores
from phalanx.search.designs import Draw
from phalanx.study import ONE_ERROR
from phalanx.task import Evaluated, Scored, Task


@dataclass
class Candidate:
    """A trained member with its place in the design, what it says of its validation rows and what these cost it, its
    metrics, and its refit if any.

    `final` is what predicts. A member that never trained says nothing, and has no metrics. With folds, k members belong
    together, one of each `fold`; `together` are the metrics of their out-of-fold predictions, by which all of them
    rank. There are none where one of them never trained.
    """

    id: str
    draw: Draw
    trial: int
    trained: Trained
    final: Final
    structure: int
    valid: NetworkPrediction
    metrics: dict[str, float]
    costs: Sequence[Costs | None] = ()
    fold: int = 0
    together: dict[str, float] = field(default_factory=dict)
    refitted: Refitted | None = None


@dataclass(frozen=True)
class Choice:
    """Which member is called the best, by position, and by which `rule`; `plain` is the one of the best score.

    `errors`: of each trial the standard error of its score over the validation rows.
    """

    winner: int
    plain: int
    rule: str
    errors: Mapping[int, float] = field(default_factory=dict)
    optimism: Optimism | None = None


@dataclass
class Fitted:
    """All members, the positions from best to worst, the shares of the ensemble and what it is worth on the validation
    rows; rounds and width of each population, and the program of each structure; which member is the best; `cut` says
    who was stopped in favour of others, see `population.train`. `adds`: by how much the score of the ensemble is worse
    without a member, of those that have a share; `temperatures` are those of the ensemble, one a goal.
    """

    members: list[Candidate]
    ranking: list[int]
    shares: dict[int, float]
    valid: Scored
    rounds: list[int]
    widths: list[int]
    programs: list[int]
    goals: tuple[Goal, ...]
    choice: Choice
    folds: int = 1
    vote: bool = False
    samples: int = 0
    cut: list[int] = field(default_factory=list)
    adds: Mapping[int, float] = field(default_factory=dict)
    temperatures: tuple[float, ...] = ()

    @property
    def best(self) -> Candidate:
        """The best member."""
        return self.members[self.choice.winner]

    @property
    def used(self) -> list[int]:
        """Positions of the members that predict: those of the ensemble, and the best."""
        return sorted({*self.shares, self.choice.winner})

    @property
    def again(self) -> bool:
        """Whether members that predict were trained again on all rows."""
        return any(self.members[i].refitted is not None for i in self.used)

    @property
    def recorded(self) -> dict[str, Any]:
        """By what arguments of `fit` the training can be repeated to the bit."""
        return {
            "rounds": tuple(self.rounds),
            "widths": tuple(self.widths),
            "programs": tuple(self.programs),
            "cut": tuple(self.cut) or None,
        }

    def predictor(self) -> Predictor:
        """Return what predicts: the members of the ensemble, and the best one; refitted where they were."""
        finals = {self.members[i].id: self.members[i].final for i in self.used}
        shares = {self.members[i].id: share for i, share in self.shares.items()}
        return Predictor(finals, shares, self.best.id, self.goals, self.vote, self.samples, self.temperatures)


def candidates(
    task: Task, outcome: Outcome, draws: Sequence[Draw], repeats: int, evaluated: Sequence[Evaluated]
) -> list[Candidate]:
    """Return the members, and what those that trained are worth; a point that is drawn has so many `repeats`, and each
    of these a member of each fold.
    """
    structures: dict[Any, int] = {}
    folds = len(task.fold_rows)
    members, found = [], iter(evaluated)
    for i, member in enumerate(outcome.members):
        trial = i // (repeats * folds)
        structure = structures.setdefault(member.structure, len(structures) + 1)
        one = next(found) if member.rounds else Evaluated(member.final, NetworkPrediction((), ()), {})
        members.append(
            Candidate(f"m{i + 1:03d}", draws[trial], trial, member, one.final, structure, *one[1:], i % folds)
        )
    for each in whole(members, folds):
        scores = task.together([evaluated_of(members[i]) for i in each])
        for i in each:
            members[i].together = scores
    return members


def whole(members: Sequence[Candidate], folds: int) -> list[list[int]]:
    """Return the positions of members that belong together, one of each fold, where all of them trained: where the time
    is short, some may never begin.
    """
    each = [list(range(first, first + folds)) for first in range(0, len(members), folds)]
    return [together for together in each if all(members[i].trained.rounds for i in together)]


def evaluated_of(member: Candidate) -> Evaluated:
    """Return what a member that trained is worth."""
    return Evaluated(member.final, member.valid, member.metrics, member.costs)


def rank(members: Sequence[Candidate], metric: Metric) -> list[int]:
    """Return positions from best to worst: by the metric, out of fold where there are folds, then by the log loss or
    the cost, which break ties; last those that never trained.
    """

    def key(i: int) -> tuple[float, ...]:
        member = members[i]
        if not member.trained.rounds or (member.metrics and not member.together):
            return (True, not member.trained.rounds, i)
        if not member.metrics:
            return (False, member.trained.curve[-1][0], i)
        tie = member.together.get("log_loss", member.trained.best_score)
        return (False, metric.loss(member.together[metric.name]), tie, i)

    return sorted(range(len(members)), key=key)


def choose(
    members: Sequence[Candidate],
    ranking: Sequence[int],
    voices: Sequence[Sequence[int]],
    scores: RowScores | None,
    metric: Metric,
    rule: str,
    seed: int,
) -> Choice:
    """Choose the best member: of the trial of the best mean over its seeds, or by `ONE_ERROR` of the simplest of those
    within one standard error of it. Of several seeds it is the one of the best score.

    `voices`: positions of members that are judged together, one of each fold; `scores` are theirs. Simpler is a network
    of fewer parameters, then one whose best round came earlier; then comes the order of the ranking. Without `scores`
    it is the first of the ranking.
    """
    place = {member: rank for rank, member in enumerate(ranking)}
    of_trial: dict[int, list[int]] = {}
    for k, each in enumerate(voices):
        of_trial.setdefault(members[each[0]].trial, []).append(k)
    if scores is None or not of_trial:
        return Choice(ranking[0], ranking[0], rule)
    losses, first = {}, {}
    for trial, places in of_trial.items():
        found = [members[voices[k][0]].together[metric.name] for k in places]
        losses[trial] = metric.loss(float(np.mean(found)))
        first[trial] = min((i for k in places for i in voices[k]), key=place.__getitem__)
    order = sorted(of_trial, key=lambda trial: (losses[trial], place[first[trial]]))
    resampled = resample(scores, {trial: of_trial[trial] for trial in order}, metric, seed)
    chosen = order[0]
    if rule == ONE_ERROR and np.isfinite(losses[chosen]):
        near = within_one_error(losses, resampled.apart, chosen)
        chosen = min(near, key=lambda trial: (*_effort(members[first[trial]]), place[first[trial]]))
    return Choice(first[chosen], first[order[0]], rule, resampled.errors, resampled.optimism)


def _effort(member: Candidate) -> tuple[int, int]:
    """Return how many numbers a network learned, and in how many rounds."""
    return parameter_count(member.final.params), member.trained.best_round


def trained_ones(members: Sequence[Candidate]) -> list[int]:
    """Return the positions of the members that trained: where the time is short, some may never begin."""
    return [i for i, member in enumerate(members) if member.trained.rounds]


def shares(
    members: Sequence[Candidate], folds: int, errors: Sequence[Errors | PairCosts], weight: np.ndarray | None = None
) -> dict[int, float]:
    """Choose the ensemble by what all members that trained say of the validation rows; without such rows, where nothing
    is errors, every member that did not diverge has one voice. Members of several folds share one voice.
    """
    there = whole(members, folds)
    if not there:  # of no trial every fold trained
        trained = trained_ones(members)
        return {i: 1 / len(trained) for i in trained}
    sound = [k for k, each in enumerate(there) if all(members[i].trained.stopped != "diverged" for i in each)]
    sound = sound or list(range(len(there)))
    if errors:
        chosen = {sound[i]: share for i, share in greedy([voice.only(sound) for voice in errors], weight).items()}
    else:
        chosen = {k: 1 / len(sound) for k in sound}
    return {i: share / folds for k, share in chosen.items() for i in there[k]}
