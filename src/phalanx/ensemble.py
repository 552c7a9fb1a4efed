"""Ensembles: which members to average."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from phalanx.data.goals import Goal

Predictions = tuple[np.ndarray, ...]
"""Of each goal probabilities (rows, classes), or numbers (rows, columns) in their own units."""

Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Errors:
    """What members say of one column or of all, (members, rows), and what the average of the members costs:

    - "log": −log of it, where they say how probable was what came, or how dense, up to a factor of the row;
    - "square", "absolute": its square, or its absolute value, where they say by how much they err.
    """

    cost: Literal["log", "square", "absolute"]
    said: np.ndarray

    def only(self, members: Sequence[int]) -> "Errors":
        """Return the voice of some members."""
        return Errors(self.cost, self.said[members])

    def costs(self, counts: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Return for each member the mean cost of members that count so much, and of it once more."""
        chosen = counts > 0  # what others say may not be a number
        mean = (counts[chosen] @ self.said[chosen] + self.said) / (counts.sum() + 1)
        match self.cost:
            case "log":
                errors = -np.log(np.maximum(mean, np.finfo(np.float32).tiny))
            case "square":
                errors = mean**2
            case "absolute":
                errors = np.abs(mean)
        return np.where(np.isnan(errors), np.inf, errors) @ shares_of_rows(weight, errors.shape[1])


@dataclass(frozen=True)
class PairCosts:
    """What any two members cost together, C (members, members): an average with shares w costs wᵀ C w."""

    cost: np.ndarray

    def only(self, members: Sequence[int]) -> "PairCosts":
        """Return the pairs of some members."""
        return PairCosts(self.cost[np.ix_(members, members)])

    def costs(self, counts: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Return for each member the cost of members that count so much, and of it once more."""
        chosen = counts > 0
        beside = counts[chosen] @ self.cost[chosen]
        with_it = beside[chosen] @ counts[chosen] + 2 * beside + np.diagonal(self.cost)
        return np.where(np.isnan(with_it), np.inf, with_it) / (counts.sum() + 1) ** 2


def joined(errors: Sequence[Sequence[Errors | PairCosts]], weight: Sequence[float]) -> list[Errors | PairCosts]:
    """Return what is errors of all rows from what is errors, in the same order, of each of several sets of them.

    In each set the same members speak, in one order, though not by the same networks: each point of a search has one
    trained for every fold. Of errors rows stand in the order of the sets; what pairs cost together is averaged, with
    the `weight` of each set, such as its number of rows.

    >>> joined([[Errors("square", np.array([[1.0, 2.0]]))], [Errors("square", np.array([[3.0]]))]], [2, 1])
    [Errors(cost='square', said=array([[1., 2., 3.]]))]
    """
    return [_joined(each, np.asarray(weight, np.float64)) for each in zip(*errors, strict=True)]


def _joined(parts: Sequence[Errors | PairCosts], weight: np.ndarray) -> Errors | PairCosts:
    errors = [part for part in parts if isinstance(part, Errors)]
    if errors:
        return Errors(errors[0].cost, np.concatenate([voice.said for voice in errors], axis=1))
    costs = [part.cost for part in parts if isinstance(part, PairCosts)]
    return PairCosts(np.tensordot(weight / weight.sum(), np.stack(costs), 1))


def greedy(errors: Sequence[Errors | PairCosts], weight: np.ndarray | None = None, picks: int = 32) -> dict[int, float]:
    """Choose members one by one, each time the one that lowers the cost of the average most (Caruana et al. 2004).

    A member may be picked again and then counts more. Returned are the shares, by position, of the best prefix of
    the `picks` choices; the cost is the sum over what is errors. `weight` counts rows.

    >>> greedy([Errors("square", np.array([[-1.0, -1.0], [1.0, 1.0], [8.0, 8.0]]))])
    {0: 0.5, 1: 0.5}
    """
    counts = np.zeros(len(errors[0].said if isinstance(errors[0], Errors) else errors[0].cost))
    chosen, costs = [], []
    for _ in range(picks):
        cost = np.sum([voice.costs(counts, weight) for voice in errors], axis=0)
        best = int(np.argmin(cost))
        counts[best] += 1
        chosen.append(best)
        costs.append(cost[best])
    best_length = int(np.argmin(costs)) + 1
    members, times = np.unique(chosen[:best_length], return_counts=True)
    return {int(m): float(n / best_length) for m, n in zip(members, times, strict=True)}


def shares_of_rows(weight: np.ndarray | None, rows: int) -> np.ndarray:
    """Return the weights of rows, which add up to 1; each is the same for None."""
    return np.full(rows, 1 / rows) if weight is None else weight / weight.sum()


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
