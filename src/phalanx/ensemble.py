"""Ensembles: which members to average."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", int, str)


def greedy(
    predictions: np.ndarray, classify: bool, y: np.ndarray, weight: np.ndarray | None = None, picks: int = 32
) -> dict[int, float]:
    """Choose members one by one, each time the one that lowers the cost of the average most (Caruana et al. 2004).

    A member may be picked again and then counts more. Returned are the shares, by position, of the best prefix of
    the `picks` choices; the cost is the log loss, or the mean squared error.

    `predictions`: (members, rows, classes) probabilities or (members, rows) numbers. `y`: codes or numbers.

    >>> greedy(np.array([[0.0, 0.0], [2.0, 2.0], [9.0, 9.0]]), False, np.array([1.0, 1.0]))
    {0: 0.5, 1: 0.5}
    """
    # The log loss needs the probability of the true class alone, which makes the average a sum of vectors.
    held = predictions[:, np.arange(len(y)), y] if classify else predictions
    weight = np.full(len(y), 1 / len(y)) if weight is None else weight / weight.sum()
    total, chosen, costs = np.zeros(len(y)), [], []
    for n in range(1, picks + 1):
        means = (total + held) / n
        errors = -np.log(np.maximum(means, np.finfo(np.float32).tiny)) if classify else (y - means) ** 2
        cost = np.where(np.isnan(errors), np.inf, errors) @ weight
        best = int(cost.argmin())
        total = total + held[best]
        chosen.append(best)
        costs.append(cost[best])
    best_length = int(np.argmin(costs)) + 1
    members, counts = np.unique(chosen[:best_length], return_counts=True)
    return {int(m): float(c / best_length) for m, c in zip(members, counts, strict=True)}


def average(predictions: Mapping[Key, np.ndarray], shares: Mapping[Key, float]) -> np.ndarray:
    """Return the weighted mean of members' predictions, float64."""
    keys = list(shares)
    stacked = np.stack([predictions[key] for key in keys]).astype(np.float64)
    return np.tensordot([shares[key] for key in keys], stacked, 1)
