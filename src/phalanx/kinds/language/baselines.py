"""Plain language models for the leaderboard: how often tokens occur, and how often after each other."""

from collections.abc import Mapping

import numpy as np
from scipy import sparse

BASELINES = ("dummy", "bigram")
"""The names of the plain models."""


def language_baselines(train: np.ndarray, tests: Mapping[str, np.ndarray], tokens: int) -> dict[str, dict[str, float]]:
    """Return by name of a baseline and of a text the mean of −log p over its codes but the first, in nats.

    `dummy`: p(b) = (n_b + 1) / (n + tokens), where n_b counts token b in `train`. `bigram`: given the token a before,
    p(b | a) = (n_ab + d_a p(b)) / (n_a + d_a), where d_a is the number of different tokens that follow a in `train`
    (Witten & Bell 1991); after a token that is followed by none it is p(b).

    >>> found = language_baselines(np.array([0, 1, 0, 1]), {"test": np.array([0, 1])}, tokens=2)
    >>> np.exp(-found["dummy"]["test"]).round(6), np.exp(-found["bigram"]["test"]).round(6)  # 3/6 and (2 + 0.5) / 3
    (np.float64(0.5), np.float64(0.833333))
    """
    often = (np.bincount(train, minlength=tokens) + 1) / (len(train) + tokens)
    ones = np.ones(len(train) - 1)
    pairs = sparse.coo_array((ones, (train[:-1], train[1:])), (tokens, tokens)).tocsr()
    followed, different = pairs.sum(axis=1), np.diff(pairs.indptr)
    found: dict[str, dict[str, float]] = {"dummy": {}, "bigram": {}}
    for name, codes in tests.items():
        before, after = codes[:-1], codes[1:]
        alone = often[after]
        total = followed[before] + different[before]
        together = np.asarray(pairs[before, after]).ravel() + different[before] * alone
        bigram = np.where(total > 0, together / np.maximum(total, 1), alone)
        found["dummy"][name] = float(-np.log(alone).mean())
        found["bigram"][name] = float(-np.log(bigram).mean())
    return found
