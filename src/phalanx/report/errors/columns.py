"""Which columns of a table predictions depend on: how much worse they get when one is shuffled.

Permutation importance (Breiman 2001; for any model Fisher et al. 2019): the cells of a column change places among the
rows, all others stay, and the score is computed again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.data.goals import Goal, each_column
from phalanx.judged import Asked, Values, joined
from phalanx.metrics import Metric, evaluate
from phalanx.model import parameter_count
from phalanx.predictive import Predictive
from phalanx.problem import rows_at
from phalanx.report.errors.classes import SIGMAS
from phalanx.report.errors.words import number
from phalanx.report.figures import Figure, bars, table

SECONDS = 2.0
"""That columns may take, at most."""

_ROWS, _FEWEST, _SHUFFLES = 2_000, 200, 10
_WORK = 4e10  # products of a parameter and a row, in about two seconds
_AGAIN = " The networks had learned from these rows too, when they were trained again."
_SHOWN, _NAMED = 30, 3  # bars; columns that a sentence names


@dataclass(frozen=True)
class Drop:
    """How much worse a score is when a column is shuffled: the mean over shuffles, and its standard error."""

    mean: float
    error: float

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the interval of 1.96 standard errors around the mean."""
        return self.mean - SIGMAS * self.error, self.mean + SIGMAS * self.error

    @property
    def seen(self) -> bool:
        """Whether the interval lies above 0."""
        return self.ends[0] > 0


@dataclass(frozen=True)
class Drops:
    """What shuffling did to a metric: of each column that there was time for, of how many, and in how many rows."""

    of: Mapping[str, Drop]
    columns: int
    rows: int
    metric: str

    @property
    def ranked(self) -> list[tuple[str, Drop]]:
        """The columns, those first that matter most."""
        return sorted(self.of.items(), key=lambda one: -one[1].mean)


def timed(seconds: float) -> Callable[[], float]:
    """Return what says how many of some seconds are left from now on."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def drops(asked: Sequence[Asked], metric: Metric, left: Callable[[], float], shuffles: int = _SHUFFLES) -> Drops | None:
    """Return what shuffling each column does to a metric, in the order of the table; None where it is not computable.

    `left` says how many seconds there are: columns for which there is none are left out. Of many rows so many are asked
    of as the networks compute in about that time, which depends on no clock.
    """
    columns = asked[0].encoder.raw
    if not columns or left() <= 0:
        return None
    work = sum(parameter_count(final.params) for final in asked[0].predictor.members.values()) * shuffles * len(columns)
    rows = int(np.clip(_WORK // max(work, 1), _FEWEST, _ROWS))
    asked = [part.some(max(rows // len(asked), 1)) for part in asked]
    base = _score(metric, asked, [_said(part, part.inputs, part.values, metric) for part in asked])
    if np.isnan(base):
        return None
    rng, found = np.random.default_rng(0), dict[str, Drop]()
    for column in columns:
        if found and left() <= 0:
            break
        scores = np.array(_shuffled(asked, column, metric, rng, shuffles))
        worse = base - scores if metric.maximize else scores - base
        found[column] = Drop(float(worse.mean()), float(worse.std(ddof=1) / np.sqrt(shuffles)))
    return Drops(found, len(columns), sum(part.rows for part in asked), metric.name)


def _shuffled(
    asked: Sequence[Asked], column: str, metric: Metric, rng: np.random.Generator, shuffles: int
) -> list[float]:
    """Return the score after each of some shuffles of a column, all of which are asked of together."""
    said = []
    for part in asked:
        orders = [rng.permutation(part.rows) for _ in range(shuffles)]
        inputs = joined([part.encoder.shuffled(part.inputs, column, order) for order in orders])
        values = tuple(None if y is None else np.concatenate([y] * shuffles) for y in part.values)
        said.append(_said(part, inputs, values, metric))
    size = [part.rows for part in asked]
    return [
        _score(metric, asked, [rows_at(one, np.arange(k * n, (k + 1) * n)) for one, n in zip(said, size, strict=True)])
        for k in range(shuffles)
    ]


def _said(part: Asked, inputs: Any, values: Values, metric: Metric) -> Any:
    """Return the predictions of rows, and what their values cost where the metric is of that."""

    def asked(predicted: Predictive, *y: np.ndarray | None) -> Any:
        return predicted.means, predicted.costs(y) if metric.kind in ("nll", "crps") else None

    return part.predictor.ask(inputs, asked, beside=values)


def _score(metric: Metric, asked: Sequence[Asked], said: Sequence[Any]) -> float:
    """Return the score of what is said of all parts."""
    means, costs = joined(list(said))
    values = joined([part.values for part in asked])
    goals = asked[0].predictor.goals
    if len(each_column(goals)) == 1 and metric.takes == "prediction":
        return (
            metric.score(values[0], means[0], None)
            if goals[0].classes
            else metric.score(values[0][:, 0], means[0][:, 0], None)
        )
    return evaluate(goals, values, means, costs=costs).get(metric.name, float("nan"))


def importance(found: Drops, goals: Sequence[Goal], what: str, again: bool = False) -> Figure:
    """Return the columns by what shuffling them did to the metric of the run."""
    ranked = found.ranked[:_SHOWN]
    low, high = zip(*(drop.ends for _, drop in ranked), strict=True)
    label = f"how much worse {found.metric} is when the column is shuffled"
    drawn = bars([name for name, _ in ranked], [drop.mean for _, drop in ranked], label, low, high)
    rows = [[name, drop.mean, *drop.ends, "yes" if drop.seen else "no"] for name, drop in found.ranked]
    return Figure(
        "importance",
        "columns",
        "Which columns predictions depend on",
        _verdict(found, goals, what) + (_AGAIN if again else ""),
        drawn,
        table(["column", f"{found.metric} worse by", "from", "to", "seen"], rows),
    )


def _verdict(found: Drops, goals: Sequence[Goal], what: str) -> str:
    names = [name for name, _ in each_column(goals)]
    subject = names[0] if len(names) == 1 else "the prediction"
    seen = [(name, drop) for name, drop in found.ranked if drop.seen]
    not_seen = [name for name, drop in found.ranked if drop.ends[0] <= 0 <= drop.ends[1]]
    better = [name for name, drop in found.ranked if drop.ends[1] < 0]
    parts = []
    if seen:
        listed = [
            f"`{name}` ({found.metric} worse by {number(d.mean)} ± {number(SIGMAS * d.error)})" for name, d in seen
        ]
        then = f", then on {', '.join(listed[1:_NAMED])}" if len(listed) > 1 else ""
        parts.append(f"{subject} depends most on {listed[0]}{then} when {'they are' if then else 'it is'} shuffled")
    else:
        parts.append(f"no column was seen to matter for {subject}")
    if not_seen:
        parts.append(f"no difference seen of {_listed(not_seen)}")
    if better:
        parts.append(f"better without {_listed(better)}")
    few = f"; of {found.columns:,} columns there was time for the first {len(found.of):,}"
    parts.append(
        f"intervals are 1.96 standard errors over {_SHUFFLES} shuffles of {found.rows:,} {what}"
        f"{few if len(found.of) < found.columns else ''}"
    )
    return f"{'; '.join(parts)}."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(f"`{name}`" for name in names[:5]) + more
