"""Rows whose truth is known, beside what an ensemble and its members say of them: what figures are computed from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.candidates import Fitted
from phalanx.data.goals import Goal
from phalanx.data.targets import ClassTarget
from phalanx.ensemble import Predictions
from phalanx.predictive import Predictive
from phalanx.predictor import Predictor
from phalanx.problem import Problem, rows_at

MOST = 20_000
"""Rows that figures look at, at most."""

LEVELS = (0.5, 0.9)
"""The probabilities of the intervals of a forecast."""

Values = tuple[np.ndarray | None, ...]


class Told(NamedTuple):
    """What is predicted of rows, of each goal: `means`, and of numbers (None: classes, or no truth is known) P(Y < y),
    P(Y ≤ y) and the standard deviation, (rows, columns), in units of the target.

    `ends`: of a forecast, for some rows, the ends of the intervals of `LEVELS`, (rows, columns) each.
    """

    means: Predictions
    below: Values
    upto: Values
    deviation: Values
    ends: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


def tell(predicted: Predictive, values: Values, drawn: np.ndarray | None = None) -> Told:
    """Return what is predicted of rows whose `values` are known; `drawn`: the rows of which a forecast is shown."""
    cumulative, deviation = predicted.cumulative(values), iter(predicted.deviation())
    return Told(
        predicted.means,
        tuple(None if each is None else each[0] for each in cumulative),
        tuple(None if each is None else each[1] for each in cumulative),
        tuple(None if goal.classes else next(deviation) for goal in predicted.goals),
        () if drawn is None else tuple(predicted.only(drawn).interval(level)[0] for level in LEVELS),
    )


@dataclass(frozen=True)
class ClassErrors:
    """A target of classes: their names, the true codes and the probabilities (rows, classes), and the codes that each
    member finds most probable.
    """

    name: str
    labels: tuple[str, ...]
    truth: np.ndarray
    said: np.ndarray
    members: Mapping[str, np.ndarray] = field(default_factory=dict)

    def only(self, at: np.ndarray) -> "ClassErrors":
        """Return some rows, without members."""
        return ClassErrors(self.name, self.labels, self.truth[at], self.said[at])

    @property
    def found(self) -> np.ndarray:
        """The most probable class of each row."""
        return self.said.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """Which rows are right."""
        return self.found == self.truth

    @property
    def sure(self) -> np.ndarray:
        """The probability of the class that is said."""
        return self.said.max(1)


@dataclass(frozen=True)
class NumberErrors:
    """A target of numbers, (rows,) each: the truth, the predicted mean and deviation, P(Y < y) and P(Y ≤ y) of the
    truth, and what each member predicts.
    """

    name: str
    truth: np.ndarray
    said: np.ndarray
    deviation: np.ndarray
    below: np.ndarray
    upto: np.ndarray
    members: Mapping[str, np.ndarray] = field(default_factory=dict)

    def only(self, at: np.ndarray) -> "NumberErrors":
        """Return some rows, without members."""
        parts = (self.truth, self.said, self.deviation, self.below, self.upto)
        return NumberErrors(self.name, *(part[at] for part in parts))

    @property
    def residual(self) -> np.ndarray:
        """Truth − prediction."""
        return self.truth - self.said

    @property
    def surprise(self) -> np.ndarray:
        """How many predicted deviations the truth lies from the prediction."""
        return np.abs(self.residual) / np.maximum(self.deviation, np.finfo(float).tiny)


Errors = ClassErrors | NumberErrors


@dataclass(frozen=True)
class Judged:
    """Rows that are judged: `what` they are called ("test rows"), how many there are in `total`, the `values` of each
    goal (None: not known) and what is told of them, by the ensemble and by each of its members.

    `again`: whether networks that predict learned from these rows later, when they were trained again.
    """

    what: str
    total: int
    goals: tuple[Goal, ...]
    values: Values
    told: Told
    members: Mapping[str, Predictions] = field(default_factory=dict)
    again: bool = False

    @property
    def rows(self) -> int:
        """How many rows are looked at."""
        return len(self.told.means[0])

    @property
    def called(self) -> str:
        """What a sentence calls them, with how many of how many there are."""
        few = "" if self.rows == self.total else f" of {self.total:,}"
        return f"{self.rows:,}{few} {self.what if self.total != 1 else self.what.removesuffix('s')}"

    def errors(self) -> list[Errors]:
        """Return the targets whose truth is known; the steps of a forecast are one, those of a row one after the
        other, without those that are not known.
        """
        found: list[Errors] = []
        for i, (goal, truth) in enumerate(zip(self.goals, self.values, strict=True)):
            if truth is None:
                continue
            members = {id_: said[i] for id_, said in self.members.items()}
            if isinstance(goal.columns[0], ClassTarget):
                labels = tuple(map(str, goal.columns[0].labels))
                chosen = {id_: said.argmax(1) for id_, said in members.items()}
                found.append(ClassErrors(goal.names[0], labels, truth, self.told.means[i], chosen))
                continue
            told = (self.told.means, self.told.deviation, self.told.below, self.told.upto)
            for name, at in _columns(goal, truth):
                said, deviation, below, upto = (np.asarray(held[i])[at] for held in told)
                of_members = {id_: held[at] for id_, held in members.items()}
                found.append(NumberErrors(name, truth[at], said, deviation, below, upto, of_members))
        return found


def _columns(goal: Goal, truth: np.ndarray) -> list[tuple[str, Any]]:
    """Return the name and the place of each column of numbers; those of a forecast are one."""
    if goal.pooled:
        return [(goal.names[0].rpartition("+")[0], ~np.isnan(truth))]
    return [(name, (slice(None), j)) for j, name in enumerate(goal.names)]


class Part(NamedTuple):
    """Rows with their values, what the ensemble says of them, and what each of its members does; `drawn`: of which of
    them a forecast is shown.
    """

    predicted: Predictive
    values: Values
    members: dict[str, Predictions]
    drawn: np.ndarray | None = None


def judge(parts: Sequence[Part], what: str, total: int, again: bool = False) -> Judged:
    """Return what is told of the rows of all parts, one after the other."""
    told = joined([tell(part.predicted, part.values, part.drawn) for part in parts])
    values, members = (joined([held(part) for part in parts]) for held in (lambda p: p.values, lambda p: p.members))
    return Judged(what, total, parts[0].predicted.goals, values, told, members, again)


def of_validation(
    problem: Problem, fitted: Fitted, rows: np.ndarray, drawn: np.ndarray | None = None, ensemble: bool = True
) -> list[Part]:
    """Return what was said of some of the validation rows before networks were trained again, a part a fold.

    `rows`: positions among the validation rows of all folds, ascending, and `drawn` which of these a forecast is shown
    of. Members of several folds that belong together are one, called as the first of them. Without `ensemble` it is
    what the best of these says.
    """
    best = fitted.choice.winner - fitted.best.fold
    alone = {best + fold: 1 / fitted.folds for fold in range(fitted.folds)}
    shares, temperatures = (fitted.shares, fitted.temperatures) if ensemble else (alone, ())
    parts, first = [], 0
    for fold, inputs in enumerate(problem.valid_inputs):
        count = len(problem.valid_values(fold)[0])
        at = (rows >= first) & (rows < first + count)
        inside = rows[at] - first
        speaking = {i: share * fitted.folds for i, share in shares.items() if fitted.members[i].fold == fold}
        said = {i: fitted.members[i].valid for i in speaking}
        predicted = Predictive.of(said, speaking, fitted.goals, inputs, fitted.vote, temperatures).only(inside)
        called = {fitted.members[i - fold].id: tuple(p[inside] for p in one.predictions) for i, one in said.items()}
        values = tuple(held[inside] for held in problem.valid_values(fold))
        parts.append(Part(predicted, values, called if len(called) > 1 else {}, None if drawn is None else drawn[at]))
        first += count
    return parts


def ask_and_judge(
    predictor: Predictor,
    inputs: Any,
    values: Values,
    what: str,
    chosen: np.ndarray,
    drawn: np.ndarray | None = None,
) -> tuple[tuple[Predictions, Any, tuple[Predictions, Any]], Judged]:
    """Return what an ensemble says of rows: its predictions, what the `values` cost it, and both of the best member;
    and what is told of those that are `chosen`, see `of_validation`. Networks see each row once.
    """

    def alone(predicted: Predictive, at: np.ndarray, shown: np.ndarray | None, *y: np.ndarray | None) -> Any:
        return predicted.means, predicted.costs(y)

    def together(predicted: Predictive, at: np.ndarray, shown: np.ndarray | None, *y: np.ndarray | None) -> Any:
        held = tuple(None if one is None else one[at] for one in y)
        told = tell(predicted.only(at), held, None if shown is None else shown[at])
        return predicted.means, predicted.costs(y), told

    def member(predicted: Predictive, at: np.ndarray, *_: Any) -> Predictions:
        return tuple(said[at] for said in predicted.means)

    members = list(predictor.shares) if len(predictor.shares) > 1 else []
    questions: list[tuple[str | None, Callable[..., Any]]] = [(None, together), (predictor.best, alone)]
    questions += [(id_, member) for id_ in members]
    (means, costs, told), best, *each = predictor.ask_each(questions, inputs, (chosen, drawn, *values))
    held = tuple(None if one is None else one[chosen] for one in values)
    judged = Judged(what, len(chosen), predictor.goals, held, told, dict(zip(members, each, strict=True)))
    return (means, costs, best), judged


@dataclass(frozen=True)
class Asked:
    """Rows that networks can be asked of again: a predictor, the rows as it takes them, their values, and the encoder
    that made them.
    """

    predictor: Predictor
    inputs: Any
    values: Values
    encoder: Any

    @property
    def rows(self) -> int:
        """How many they are."""
        return len(jax.tree.leaves(self.inputs)[0])

    def some(self, most: int) -> "Asked":
        """Return at most so many of the rows."""
        if self.rows <= most:
            return self
        at = np.sort(np.random.default_rng(0).choice(self.rows, most, replace=False))
        values = tuple(None if held is None else held[at] for held in self.values)
        return Asked(self.predictor, rows_at(self.inputs, at), values, self.encoder)


def asked_by_fold(predictor: Predictor, inputs: Sequence[Any], values: Sequence[Values], encoder: Any) -> list[Asked]:
    """Return the rows of each fold, with those networks of the ensemble that trained on the others."""
    found = []
    for fold, (rows, held) in enumerate(zip(inputs, values, strict=True)):
        shares = {id_: share for id_, share in predictor.shares.items() if predictor.members[id_].fold == fold}
        whole = sum(shares.values())
        if shares and len(jax.tree.leaves(rows)[0]):
            shares = {id_: share / whole for id_, share in shares.items()}
            alone = replace(predictor, shares=shares, best=next(iter(shares)))
            found.append(Asked(alone, rows, held, encoder.of_folds[fold]))
    return found


def joined(parts: Sequence[Any]) -> Any:
    """Return trees of arrays as one tree, whose rows are those of each, one after the other."""
    return parts[0] if len(parts) == 1 else jax.tree.map(lambda *each: np.concatenate(each), *parts)
