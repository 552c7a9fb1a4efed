"""Ensembles: which members to average."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from phalanx.data.goals import Goal

Predictions = tuple[np.ndarray, ...]
"""Of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units."""

Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Voice:
    """What members say of one column, (members, rows): the probability of the true class, or the error of a number.

    Both are averaged to what the average of the members says.
    """

    classify: bool
    said: np.ndarray


def voices(goals: Sequence[Goal], values: Sequence[np.ndarray], predictions: Sequence[Predictions]) -> list[Voice]:
    """Return what members say of each column, from the predictions of each member; errors of numbers standardized."""
    found = []
    stacked = [np.stack([member[head] for member in predictions]) for head in range(len(goals))]
    for goal, y, p in zip(goals, values, stacked, strict=True):
        if goal.classes:
            found.append(Voice(True, p[:, np.arange(len(y)), y]))
        else:
            errors = (p - y) / goal.deviations
            found += [Voice(False, errors[..., j]) for j in range(goal.size)]
    return found


def greedy(heard: Sequence[Voice], weight: np.ndarray | None = None, picks: int = 32) -> dict[int, float]:
    """Choose members one by one, each time the one that lowers the cost of the average most (Caruana et al. 2004).

    A member may be picked again and then counts more. Returned are the shares, by position, of the best prefix of
    the `picks` choices; the cost is the sum over columns of the log loss, or the mean squared error.

    >>> greedy([Voice(False, np.array([[-1.0, -1.0], [1.0, 1.0], [8.0, 8.0]]))])
    {0: 0.5, 1: 0.5}
    """
    rows = heard[0].said.shape[1]
    weight = np.full(rows, 1 / rows) if weight is None else weight / weight.sum()
    totals = [np.zeros(rows) for _ in heard]
    chosen, costs = [], []
    for n in range(1, picks + 1):
        each = [_cost(voice, (total + voice.said) / n, weight) for voice, total in zip(heard, totals, strict=True)]
        cost = np.sum(each, axis=0)
        best = int(np.argmin(cost))
        totals = [total + voice.said[best] for voice, total in zip(heard, totals, strict=True)]
        chosen.append(best)
        costs.append(cost[best])
    best_length = int(np.argmin(costs)) + 1
    members, counts = np.unique(chosen[:best_length], return_counts=True)
    return {int(m): float(c / best_length) for m, c in zip(members, counts, strict=True)}


def _cost(voice: Voice, mean: np.ndarray, weight: np.ndarray) -> np.ndarray:
    errors = -np.log(np.maximum(mean, np.finfo(np.float32).tiny)) if voice.classify else mean**2
    return np.where(np.isnan(errors), np.inf, errors) @ weight


def average(predictions: Mapping[Key, Predictions], shares: Mapping[Key, float]) -> Predictions:
    """Return the weighted mean of members' predictions of each goal, float64."""
    keys, weights = list(shares), list(shares.values())
    heads = zip(*(predictions[key] for key in keys), strict=True)
    return tuple(np.tensordot(weights, np.stack(said).astype(np.float64), 1) for said in heads)


def votes(predictions: Predictions, goals: Sequence[Goal]) -> Predictions:
    """Return a member's vote in place of its predictions: 1 for the most probable class; numbers stay as they are."""
    return tuple(
        np.eye(goal.classes)[found.argmax(1)] if goal.classes else found
        for goal, found in zip(goals, predictions, strict=True)
    )
