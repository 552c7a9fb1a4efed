"""Paired differences between alternatives that were scored with the same seeds: intervals, p values, and power.

Seed j gives alternative a the score x_aj, and d_j = x_aj − x_bj. Where each seed splits the rows anew, training rows
overlap between splits, so that the d_j hang together and s²/n is too small for the variance of their mean. It is taken
as s² (1/n + ρ), ρ = rows that test / rows that train (Nadeau & Bengio 2003, "Inference for the generalization error");
on one fixed split ρ is 0. Then t = mean / (s √(1/n + ρ)) has Student's distribution with n − 1 degrees of freedom.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import nct, norm
from scipy.stats import t as student

POWER = 0.8
"""With which probability a difference should be seen by the seeds that are said to be needed."""

_MOST_SEEDS = 10**6


@dataclass(frozen=True)
class Difference:
    """By how much alternative `one` is better than `other`: the `mean` over seeds, the interval from `low` to `high`
    that holds the true difference of this pair and of all others with the confidence asked for, `p` corrected for the
    number of pairs, and the deviation `spread` of single differences. Without two seeds all but the mean are NaN.
    """

    one: str
    other: str
    mean: float
    low: float
    high: float
    p: float
    spread: float

    @property
    def better(self) -> str | None:
        """Which of the two is better, None: the interval holds 0."""
        return self.one if self.low > 0 else self.other if self.high < 0 else None

    def within(self, size: float) -> bool:
        """Say whether every difference in the interval is smaller than `size`."""
        return -size < self.low and self.high < size


def differences(scores: pd.DataFrame, overlap: float, level: float) -> list[Difference]:
    """Return the difference of each pair of columns; higher scores are better, and all are finite.

    `overlap` is ρ. Intervals and p values are corrected by Bonferroni: m pairs share the error 1 − `level`, whatever
    the correlation between pairs is, and an interval holds 0 just where p is at least 1 − `level`.
    """
    pairs = list(combinations(scores.columns, 2))
    return [
        _difference(one, other, (scores[one] - scores[other]).to_numpy(float), overlap, level, len(pairs))
        for one, other in pairs
    ]


def _difference(one: str, other: str, values: np.ndarray, overlap: float, level: float, pairs: int) -> Difference:
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Difference(one, other, mean, math.nan, math.nan, math.nan, math.nan)
    spread = float(values.std(ddof=1))
    if spread <= 1e-12 * float(np.abs(values).max()):  # equal but for rounding, so that there is no t
        return _without_spread(one, other, mean, n, level, pairs)
    error = spread * math.sqrt(1 / n + overlap)
    half = error * critical(n, level, pairs)
    p = min(1.0, pairs * 2 * float(student.sf(abs(mean) / error, n - 1)))
    return Difference(one, other, mean, mean - half, mean + half, p, spread)


def _without_spread(one: str, other: str, mean: float, n: int, level: float, pairs: int) -> Difference:
    """Return a difference that is the same with every seed: 0 is no difference; another counts as far as the test of
    signs goes, p = 2 · 2⁻ⁿ, since a few equal values do not say that all would be equal.
    """
    if mean == 0:
        return Difference(one, other, 0.0, 0.0, 0.0, 1.0, 0.0)
    p = min(1.0, pairs * 2.0 ** (1 - n))
    low, high = (mean, mean) if p < 1 - level else (-math.inf, math.inf)
    return Difference(one, other, mean, low, high, p, 0.0)


def critical(n: int, level: float, pairs: int) -> float:
    """Return how many standard errors an interval reaches to each side, of n seeds, corrected for so many pairs.

    >>> round(critical(10, 0.95, 1), 3)
    2.262
    """
    return float(student.isf((1 - level) / (2 * pairs), n - 1))


def power(size: float, spread: float, n: int, overlap: float, level: float, pairs: int) -> float:
    """Return with which probability n seeds show a true difference of `size`: t is then Student's noncentral t with
    the noncentrality size / (spread √(1/n + ρ)).

    For one pair without overlap this is the power of the paired t test:

    >>> round(power(0.5, 1.0, 34, overlap=0.0, level=0.95, pairs=1), 3)
    0.808
    """
    if spread == 0:
        return 1.0
    away, reach = size / (spread * math.sqrt(1 / n + overlap)), critical(n, level, pairs)
    if away > reach + 10:  # where the noncentral t is beyond what is computed well
        return 1.0
    return float(nct.sf(reach, n - 1, away) + nct.cdf(-reach, n - 1, away))


def seeds_needed(size: float, spread: float, overlap: float, level: float, pairs: int) -> float:
    """Return the fewest seeds that show a true difference of `size` with probability 0.8; infinite where none do: what
    the splits have in common, s² ρ, is left of the variance however many seeds there are.

    >>> seeds_needed(0.5, 1.0, overlap=0.0, level=0.95, pairs=1), seeds_needed(0.5, 1.0, 1 / 3, 0.95, 1)
    (34.0, inf)
    """
    if not math.isfinite(spread):
        return math.nan
    if spread == 0:
        return 2.0
    if size <= smallest_seen(spread, overlap, level, pairs):
        return math.inf
    low, high = 1, 2
    while power(size, spread, high, overlap, level, pairs) < POWER:
        if high > _MOST_SEEDS:
            return math.inf
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if power(size, spread, middle, overlap, level, pairs) < POWER:
            low = middle
        else:
            high = middle
    return float(high)


def smallest_seen(spread: float, overlap: float, level: float, pairs: int) -> float:
    """Return the size of the true difference that endless seeds would show with probability 0.8: with what the splits
    have in common alone, s √ρ (z + z₀.₈), where z is the normal quantile of the corrected level.

    >>> round(smallest_seen(1.0, 0.25, level=0.95, pairs=1), 3)
    1.401
    """
    return spread * math.sqrt(overlap) * float(norm.isf((1 - level) / (2 * pairs)) + norm.ppf(POWER))


def means(scores: pd.DataFrame, overlap: float, sign: int) -> pd.DataFrame:
    """Return of each column its mean, the standard error of that, s √(1/n + ρ), and its rank, from the best to the
    worst; `sign` is 1 where higher scores are better, else −1. Columns with a score that is not finite come last.
    """
    sound = scores.where(np.isfinite(scores))
    whole = sound.notna().all()
    mean = sound.mean().where(whole)
    error = sound.std(ddof=1).where(whole) * math.sqrt(1 / max(len(scores), 1) + overlap)
    table = pd.DataFrame({"mean": mean, "error": error})
    table["rank"] = (-sign * table["mean"]).rank(method="min", na_option="bottom").astype(int)
    return table.sort_values("rank", kind="stable")


def as_table(found: list[Difference], needed: list[float]) -> pd.DataFrame:
    """Return differences as a table in which `first` is ahead of `second`, with the seeds that each would need."""
    columns = ["first", "second", "difference", "low", "high", "p", "seeds_needed"]
    rows: list[list[Any]] = []
    for one, seeds in zip(found, needed, strict=True):
        turned = one.mean < 0  # so that all differences are positive
        ends = (-one.high, -one.low) if turned else (one.low, one.high)
        names = (one.other, one.one) if turned else (one.one, one.other)
        rows.append([*names, abs(one.mean), *ends, one.p, seeds])
    return pd.DataFrame(rows, columns=columns)
