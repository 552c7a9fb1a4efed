"""Which two choices depend on each other: where the best value of one is another one, depending on the other."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.search.importance import ABSENT, SURE, Seen, ranks_of, standard

_BINS = 3
_IN_A_CELL = 5
"""Trials that a combination needs, on average."""
_SHUFFLES, _RESAMPLES = 199, 200


@dataclass(frozen=True)
class Interaction:
    """What two choices do only together: the share of the spread of ranks that their combinations explain beyond what
    each does by itself (ω²), its standard error (where it is sure), and the chance that the luckiest of all pairs
    without such an effect looks as strong.
    """

    one: str
    other: str
    share: float
    share_error: float
    p: float

    @property
    def sure(self) -> bool:
        """Whether chance does not explain it."""
        return self.p <= SURE


def interactions(
    draws: Sequence[Mapping[str, Any]], losses: Sequence[float] | np.ndarray, seed: int = 0
) -> list[Interaction]:
    """Return of each two choices what they do only together, those that chance explains least first.

    Ranges are cut into three of equally many trials. Trials that lack one of the two are left out, and so are pairs
    with fewer than five trials a combination. The p-value is by shuffling what is left of the ranks when the effects of
    each choice alone are taken out (Freedman & Lane 1983).

    >>> draws = [{"a": i % 2, "b": i // 2 % 2} for i in range(60)]
    >>> (found,) = interactions(draws, [draw["a"] ^ draw["b"] for draw in draws])
    >>> found.one, found.other, found.sure
    ('a', 'b', True)
    """
    ranks = ranks_of(losses).astype(float)
    places = {}
    for key in dict.fromkeys(key for draw in draws for key in draw):
        seen = Seen([draw.get(key, ABSENT) for draw in draws], bins=_BINS)
        if seen.varied:
            places[key] = np.where(seen.has, seen.place, -1)
    rng = np.random.default_rng(seed)
    pairs, unusual, luckiest = [], [], np.full(_SHUFFLES, -np.inf)
    for one, other in itertools.combinations(places, 2):
        both = (places[one] >= 0) & (places[other] >= 0)
        pair = places[one][both], places[other][both], ranks[both]
        parts = _parts(*pair[:2])
        if parts is None:
            continue
        additive, together = parts
        rest = pair[2] - additive @ (additive.T @ pair[2])
        shuffled = rng.permuted(np.tile(rest, (_SHUFFLES, 1)), axis=1).T
        null = _strength(shuffled - additive @ (additive.T @ shuffled), together, additive)
        luckiest = np.maximum(luckiest, standard(null, null))
        unusual.append(standard(_strength(rest[:, None], together, additive)[0], null))
        pairs.append((one, other, pair))
    found = []
    for (one, other, pair), strength in zip(pairs, unusual, strict=True):
        p = float((1 + np.sum(luckiest >= strength - 1e-9)) / (1 + _SHUFFLES))
        found.append(Interaction(one, other, _share(*pair), _error(pair, rng) if p <= SURE else float("nan"), p))
    return sorted(found, key=lambda pair: (pair.p, -pair.share))


def _error(pair: Sequence[np.ndarray], rng: np.random.Generator) -> float:
    """Return the standard error of a share, by a bootstrap over trials."""
    drawn = rng.integers(0, len(pair[0]), (_RESAMPLES, len(pair[0])))
    return float(np.nanstd([_share(*(values[rows] for values in pair)) for rows in drawn], ddof=1))


def _parts(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return orthonormal columns for the effects of each of two choices, and for those of their combinations that are
    left; None where there are too few trials, or none are left.
    """
    if len(one) < 4 * _IN_A_CELL:
        return None
    cells = np.unique(np.stack([one, other]), axis=1, return_inverse=True)[1].ravel()
    if len(one) < _IN_A_CELL * (cells.max() + 1):
        return None
    additive = _basis(np.hstack([np.ones((len(one), 1)), _dummies(one), _dummies(other)]))
    left = _dummies(cells) - additive @ (additive.T @ _dummies(cells))
    together = _basis(left)
    return (additive, together) if together.shape[1] else None


def _dummies(places: np.ndarray) -> np.ndarray:
    return np.asarray(
        np.unique(places, return_inverse=True)[1].ravel()[:, None] == np.arange(len(np.unique(places))), float
    )


def _basis(columns: np.ndarray) -> np.ndarray:
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > 1e-8 * max(1.0, sizes.max(initial=0.0))]


def _strength(rest: np.ndarray, together: np.ndarray, additive: np.ndarray) -> np.ndarray:
    """Return F of the combinations, (cases,), of ranks less the effects of each choice alone, (trials, cases)."""
    explained, free = ((together.T @ rest) ** 2).sum(0), together.shape[1]
    left = np.maximum((rest**2).sum(0) - explained, 1e-9)
    return explained / free / (left / max(len(rest) - free - additive.shape[1], 1))


def _share(one: np.ndarray, other: np.ndarray, ranks: np.ndarray) -> float:
    """Return ω² of the combinations."""
    parts = _parts(one, other)
    if parts is None:
        return float("nan")
    additive, together = parts
    total = ((ranks - ranks.mean()) ** 2).sum()
    rest = ranks - additive @ (additive.T @ ranks)
    explained, free = ((together.T @ rest) ** 2).sum(), together.shape[1]
    noise = (rest @ rest - explained) / max(len(ranks) - free - additive.shape[1], 1)
    return float(np.clip((explained - free * noise) / max(total + noise, 1e-12), 0.0, 1.0))
