"""What a comparison says, in sentences: what is better, what is not known, and what it would take to know."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from phalanx.comparing.differences import Difference, seeds_needed, smallest_seen
from phalanx.comparing.sizes import SHARES, told, unit
from phalanx.display import listed, number
from phalanx.metrics import Metric

_MOST = 10
"""Pairs without a verdict that are told one by one."""


@dataclass(frozen=True)
class Asked:
    """What was asked: the metric, the size of a difference worth seeing, and the confidence of all intervals together;
    of how many seeds; how far splits overlap; and the number of pairs.
    """

    metric: Metric
    size: float
    level: float
    seeds: int
    overlap: float
    pairs: int

    @property
    def corrected(self) -> str:
        """What is said of the correction."""
        return f", corrected for {self.pairs} comparisons" if self.pairs > 1 else ""

    def interval(self, low: float, high: float) -> str:
        """Return an interval in words."""
        return f"{100 * self.level:g}% interval {told(low, self.metric)} to {told(high, self.metric)}"

    def by(self, mean: float) -> str:
        """Return a difference in words."""
        return f"{told(abs(mean), self.metric)} {unit(self.metric)}"

    def sized(self, size: float) -> str:
        """Return the size of a difference in words."""
        return f"{100 * size:.2g} points" if self.metric.kind in SHARES else told(size, self.metric)


def verdict(pairs: Sequence[Difference], asked: Asked) -> list[str]:
    """Return the sentences on pairs: which is better, what was not seen and what it would take, and what is best."""
    if not pairs:
        return ["fewer than two alternatives can be compared"]
    if asked.seeds < 2:
        return ["with one seed no difference can be told from chance; train each with two seeds and more"]
    said = [_better(pair, asked) for pair in sorted(pairs, key=lambda pair: pair.p) if pair.better]
    unsure = [pair for pair in pairs if not pair.better]
    if len(unsure) <= _MOST:
        said += [_unsure(pair, asked) for pair in unsure]
    else:
        said.append(_many(unsure, asked))
    return [*said, *_best(pairs)]


def _better(pair: Difference, asked: Asked) -> str:
    turned = pair.better == pair.other
    first, second = (pair.other, pair.one) if turned else (pair.one, pair.other)
    low, high = (-pair.high, -pair.low) if turned else (pair.low, pair.high)
    said = f"{first} is better than {second} by {asked.by(pair.mean)}"
    return f"{said}, with every seed alike" if low == high else f"{said} ({asked.interval(low, high)}{asked.corrected})"


def _unsure(pair: Difference, asked: Asked) -> str:
    both, one = f"{pair.one} and {pair.other}", asked.sized(asked.size)
    if pair.spread == 0 and pair.mean == 0:
        return f"{both} have the same score with every seed"
    if pair.spread == 0:
        return f"{both} differ by {asked.by(pair.mean)} with each of only {asked.seeds} seeds; more are needed"
    if pair.within(asked.size):
        return f"{both} differ by less than {one} ({asked.interval(pair.low, pair.high)}{asked.corrected})"
    needed = _needed(pair, asked)
    if math.isinf(needed):
        floor = asked.sized(smallest_seen(pair.spread, asked.overlap, asked.level, asked.pairs))
        takes = f"no number of seeds could show one of {one} on so few rows, where {floor} is the least"
    elif needed <= asked.seeds:
        takes = f"so many seeds would mostly show one of {one} ({asked.interval(pair.low, pair.high)}{asked.corrected})"
    else:
        takes = f"one of {one} would take about {_count(needed)} seeds"
    return f"no difference between {both} was seen; {takes}"


def _needed(pair: Difference, asked: Asked) -> float:
    return seeds_needed(asked.size, pair.spread, asked.overlap, asked.level, asked.pairs)


def _many(pairs: Sequence[Difference], asked: Asked) -> str:
    """Return one sentence for many pairs of which none is better."""
    needed = [_needed(pair, asked) for pair in pairs]
    finite, one = sorted(count for count in needed if math.isfinite(count)), asked.sized(asked.size)
    if not finite:
        takes = f"no number of seeds could show one of {one} on so few rows"
    else:
        counts = " to ".join(dict.fromkeys(_count(count) for count in (finite[0], finite[-1])))
        never = len(needed) - len(finite)
        more = f", and in {never} of the pairs no number of them would do on so few rows" if never else ""
        takes = f"one of {one} would take about {counts} seeds{more}"
    return f"no difference was seen in {len(pairs):,} pairs; {takes}"


def _best(pairs: Sequence[Difference]) -> list[str]:
    """Return what is best as far as that is known: what is better than all others, or what nothing is better than."""
    names = list(dict.fromkeys(name for pair in pairs for name in (pair.one, pair.other)))
    beaten = {pair.one if pair.better == pair.other else pair.other for pair in pairs if pair.better}
    left = [name for name in names if name not in beaten]
    if not beaten:
        return []
    wins = {name: sum(pair.better == name for pair in pairs) for name in left}
    if len(left) == 1 and wins[left[0]] == len(names) - 1:
        return [f"best: {left[0]}"]
    return [f"nothing was seen to be better than {listed(left)}"]


def _count(needed: float) -> str:
    return f"{needed:.0f}" if needed < 100 else f"{float(f'{needed:.2g}'):,.0f}"


def aligned(table: pd.DataFrame, metric: Metric) -> list[str]:
    """Return the means as lines of text."""
    cells = [["rank", "alternative", metric.name, "s.e."]]
    for row in table.to_dict("records"):
        cells.append([str(row["rank"]), row["alternative"], number(row["mean"]), number(row["error"])])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        f"{rank:>{widths[0]}}  {name:<{widths[1]}}  {mean:>{widths[2]}}  {error:>{widths[3]}}"
        for rank, name, mean, error in cells
    ]
