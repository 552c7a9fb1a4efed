"""Which choices mattered: what sets the best trials apart from all, how sure that is, and what chance would look like.

A choice mattered if knowing its value says something about how good a trial is. Two numbers tell how much. The first is
PED-ANOVA's importance for being among the best tenth (Watanabe, Bansal & Hutter 2023), unnormalized: with p the
distribution of the choice over all trials and p* that over the best,

    I = Σ p (p*/p − 1)²,

which is 0 where the best are spread as all are, and 1/0.1 − 1 = 9 where they are exactly a tenth that lies side by
side. Numbers are compared by their place among all that were tried, so it does not matter how a range is scaled. A
choice that only some trials have, α of the best and β of all, counts α²/β times what it is among these (Optuna's
conditional form). The second is the share of the spread of all ranks that goes along with the choice, ω².

Since chance alone makes a difference, three things stand beside them: standard errors, by a bootstrap over trials;
`chance`, what I is below in 95% of shuffles of the scores; and a p-value, which compares with the luckiest choice of
each shuffle by either number, so that of choices without effect, however many they are, one is named in 5% of searches.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

BEST = 0.1
"""The share of trials that counts as the best."""
_FEWEST_BEST = 5
_FEWEST = 10
"""Trials without which nothing can be said."""
_SHUFFLES, _RESAMPLES = 999, 400
_GRID = 32
_WIDTHS = (0.03, 0.06, 0.12, 0.24)
"""Widths of a kernel, as parts of a range."""
_BINS = 5
_VALUES = 8
"""Numbers of more values than this are taken for a range."""
SURE = 0.05


@dataclass(frozen=True)
class Importance:
    """What a choice was worth for being among the best trials.

    `importance`: PED-ANOVA's, see above, and `error`, its standard error. `chance`: the 95% quantile without any
    effect. `p`: the chance that the luckiest of all choices without effect looks as important. `share`: what part of
    the spread of the ranks of scores goes along with it (ω² of a main effect), with `share_error` and
    `share_chance`. `best`: of a range the ends between which eight of ten of the best lie, of options those that are
    more frequent among the best than among all, the most frequent first; `ranged` says which of the two. `trials`: that
    have the choice.
    """

    importance: float
    error: float
    chance: float
    p: float
    share: float
    share_error: float
    share_chance: float
    best: tuple[Any, ...]
    ranged: bool
    trials: int

    @property
    def sure(self) -> bool:
        """Whether chance does not explain it."""
        return self.p <= SURE


def importances(
    draws: Sequence[Mapping[str, Any]], losses: Sequence[float] | np.ndarray, seed: int = 0
) -> dict[str, Importance]:
    """Return what each choice was worth, the most important first, by the values drawn for trials and their losses.

    A loss that is no number is worse than any. Fewer than ten trials say nothing, nor does a choice of one value.

    >>> draws = [{"rate": i / 100, "units": 32 * (1 + i % 2)} for i in range(100)]
    >>> found = importances(draws, [abs(draw["rate"] - 0.3) for draw in draws])
    >>> [(name, one.sure) for name, one in found.items()]
    [('rate', True), ('units', False)]
    """
    ranks = ranks_of(losses)
    seen = {key: Seen([draw.get(key, ABSENT) for draw in draws]) for key in dict.fromkeys(k for d in draws for k in d)}
    seen = {key: one for key, one in seen.items() if one.varied}
    if len(ranks) < _FEWEST or not seen:
        return {}
    rng = np.random.default_rng(seed)
    best = number_of_best(len(ranks))
    chosen = (ranks < best)[None]
    every = np.ones((1, len(ranks)))
    shuffled = rng.permuted(np.tile(np.arange(len(ranks)), (_SHUFFLES, 1)), axis=1)
    counts = rng.multinomial(len(ranks), np.full(len(ranks), 1 / len(ranks)), _RESAMPLES)
    top = _first(counts[:, np.argsort(ranks)], best)[:, ranks]
    luckiest = np.full(_SHUFFLES, -np.inf)
    found: dict[str, Importance] = {}
    unusual: dict[str, float] = {}
    for key, choice in seen.items():
        importance, chances = choice.divergence(chosen, every)[0], choice.divergence(shuffled < best, every)
        share, by_chance = choice.share(ranks[None], every)[0], choice.share(shuffled, every)
        unusual[key] = max(standard(importance, chances), standard(share, by_chance))
        luckiest = np.maximum(luckiest, standard(chances, chances))
        luckiest = np.maximum(luckiest, standard(by_chance, by_chance))
        again = choice.divergence(top, counts), choice.share(ranks[None], counts)
        found[key] = Importance(
            float(importance),
            float(again[0].std(ddof=1)),
            float(np.quantile(chances, 0.95)),
            math.nan,
            float(share),
            float(again[1].std(ddof=1)),
            float(np.quantile(by_chance, 0.95)),
            choice.among(np.flatnonzero(chosen[0])),
            choice.range,
            choice.trials,
        )
    for key, one in found.items():
        likely = (1 + np.sum(luckiest >= unusual[key] - 1e-9)) / (1 + _SHUFFLES)
        found[key] = replace(one, p=float(likely))
    return dict(sorted(found.items(), key=lambda item: (item[1].p, -item[1].importance)))


def ranks_of(losses: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the ranks of losses, from 0; what is no number comes last."""
    order = np.argsort(np.nan_to_num(np.asarray(losses, float), nan=np.inf, posinf=np.inf), kind="stable")
    return np.argsort(order, kind="stable")


def number_of_best(trials: int) -> int:
    """Return how many trials count as the best: a tenth, and five at least."""
    return max(math.ceil(BEST * trials), _FEWEST_BEST)


ABSENT = object()
"""Stands for the value of a choice that a trial does not have."""


class Seen:
    """The values that trials have of one choice, and in which cells they fall: those of a range softly, in cells of
    equal numbers of trials; others each in that of its value. `place`: which value a trial has, of a range in which of
    so many `bins` of equal numbers of trials it lies.
    """

    def __init__(self, values: Sequence[Any], bins: int = _BINS) -> None:
        self.values = values
        self.has = np.array([value is not ABSENT for value in values])
        self.trials = int(self.has.sum())
        held = [value for value in values if value is not ABSENT]
        self.options = sorted(dict.fromkeys(held), key=_order)
        self.varied = len(self.options) > 1
        self.range = len(self.options) > _VALUES and all(map(_is_number, self.options))
        self.place = np.zeros(len(values), int)
        if not self.range:
            self.place[self.has] = [self.options.index(value) for value in held]
        self.at = np.zeros(len(values))
        if self.range:
            self.at[self.has] = _places(np.array(held, float))
            self.place[self.has] = np.minimum((self.at[self.has] * bins).astype(int), bins - 1)

    @cached_property
    def kernels(self) -> list[np.ndarray]:
        """In which cells each trial falls, (trials, cells): of a range for each width of a kernel."""
        if self.range:
            return [_soft(self.at, width) * self.has[:, None] for width in _WIDTHS]
        return [self._one_hot]

    @property
    def _one_hot(self) -> np.ndarray:
        return np.asarray(np.eye(self.place.max() + 1)[self.place] * self.has[:, None])

    def divergence(self, best: np.ndarray, every: np.ndarray) -> np.ndarray:
        """Return the importance, (cases,); `best` and `every` say how often each trial counts, (cases, trials)."""
        best = best.astype(float)
        found = np.array([_divergence(best, every, cells) for cells in self.kernels])
        counted, total = best @ self.has, every @ self.has
        weight = (counted / best.sum(1)) ** 2 / np.maximum(total / every.sum(1), 1e-12)
        return weight * (
            found[self._width(best * self.has, counted), np.arange(len(counted))] if self.range else found[0]
        )

    def _width(self, best: np.ndarray, counted: np.ndarray) -> np.ndarray:
        """Return which kernel suits the best: Scott's rule, of the deviation of those there are."""
        n = np.maximum(counted, 1)
        mean = best @ self.at / n
        deviation = np.sqrt(np.maximum(best @ self.at**2 / n - mean**2, 0))
        return np.abs(np.log(np.maximum(deviation * n**-0.2, 1e-3)[:, None] / np.array(_WIDTHS))).argmin(1)

    def share(self, ranks: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return ω² of the ranks by the value, (cases,), among trials that have the choice, each counted as often as
        said; both arguments are (cases, trials).
        """
        groups, weight = self._one_hot, counts * self.has
        n, total = counts @ groups, weight.sum(1)
        sums = (counts * ranks) @ groups
        mean = sums.sum(1) / np.maximum(total, 1)
        squares = (weight * ranks.astype(float) ** 2).sum(1) - total * mean**2
        means = np.divide(sums, n, out=np.zeros_like(sums), where=n > 0)
        between = (n * (means - mean[:, None]) ** 2).sum(1)
        free = (n > 0).sum(1) - 1
        left = total - free - 1
        noise = (squares - between) / np.maximum(left, 1)
        share = (between - free * noise) / np.maximum(squares + noise, 1e-12)
        return np.where(left > 0, np.clip(share, 0.0, 1.0), 0.0)  # nothing is known where every trial has its own value

    def among(self, best: np.ndarray) -> tuple[Any, ...]:
        """Return what the best have: the ends of their range, or the options that they have more often than all."""
        held = [self.values[i] for i in best if self.has[i]]
        if self.range:
            return tuple(np.quantile(held, (0.1, 0.9), method="nearest").tolist()) if held else ()
        every = np.bincount(self.place[self.has], minlength=len(self.options)) / self.trials
        often = np.bincount([self.options.index(value) for value in held], minlength=len(self.options)) / max(
            len(held), 1
        )
        return tuple(self.options[i] for i in np.argsort(-often, kind="stable") if often[i] > every[i])


def _divergence(best: np.ndarray, every: np.ndarray, cells: np.ndarray) -> np.ndarray:
    p, q = (counts @ cells for counts in (every, best))
    p, q = (x / np.maximum(x.sum(1, keepdims=True), 1e-12) for x in (p, q))
    return np.divide((q - p) ** 2, p, out=np.zeros(np.broadcast_shapes(p.shape, q.shape)), where=p > 1e-12).sum(1)


def _soft(places: np.ndarray, width: float) -> np.ndarray:
    """Return of numbers between 0 and 1 the cells of a grid that they fall in, by a Gaussian kernel that is mirrored at
    both ends.
    """
    grid = (np.arange(_GRID) + 0.5) / _GRID
    copies = (places[:, None], -places[:, None], 2 - places[:, None])
    cells = np.sum([np.exp(-0.5 * ((grid - copy) / width) ** 2) for copy in copies], axis=0)
    return np.asarray(cells / cells.sum(1, keepdims=True))


def _places(values: np.ndarray) -> np.ndarray:
    """Return where each number stands among all, between 0 and 1; equal ones at the same place."""
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(values))


def _first(counts: np.ndarray, most: int) -> np.ndarray:
    """Return of counts, in the order of what comes first, those of the first so many."""
    before = np.cumsum(counts, axis=1) - counts
    return np.clip(most - before, 0, counts)


def standard(value: Any, null: np.ndarray) -> Any:
    """Return by how many deviations a value lies above the mean of what chance gives."""
    return (value - null.mean()) / max(float(null.std()), 1e-12)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _order(value: Any) -> tuple[bool, Any]:
    """Sort numbers by size, before all else by its letters."""
    return (False, value) if _is_number(value) else (True, str(value))
