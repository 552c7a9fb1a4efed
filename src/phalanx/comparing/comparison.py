"""What a comparison found: scores by seed, and what they say of each pair of alternatives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from phalanx.comparing.differences import Difference, as_table, differences, means, seeds_needed
from phalanx.comparing.sizes import practical_size
from phalanx.comparing.words import Asked, aligned, verdict
from phalanx.metrics import Metric


@dataclass(frozen=True, eq=False)
class Comparison:
    """Alternatives, each scored once with every seed on the same rows; see docs/comparing.md.

    `scores`: a row a seed, a column an alternative; `metric` says which are better. `overlap`: rows that test by rows
    that train where each seed splits anew, 0: all seeds share one split. `difference`: how large a difference is worth
    seeing, None: `comparing.sizes.practical_size`. `level`: confidence of all intervals together. `diverged`: with how
    many seeds an alternative diverged. `notes`: what was noticed.

    >>> scores = pd.DataFrame({"a": [0.90, 0.91, 0.89, 0.92], "b": [0.70, 0.72, 0.69, 0.70]})
    >>> from phalanx.metrics import metrics_of
    >>> Comparison(scores, metrics_of(classify=True)["accuracy"]).verdict
    ['a is better than b by 20.3 points of accuracy (95% interval 18.2 to 22.3)', 'best: a']
    """

    scores: pd.DataFrame
    metric: Metric
    overlap: float = 0.0
    difference: float | None = None
    level: float = 0.95
    diverged: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each alternative, from the best: mean score, its standard error, and rank."""
        table = means(self._usable, self.overlap, self._sign)
        return table.rename_axis("alternative").reset_index()

    @cached_property
    def differences(self) -> pd.DataFrame:
        """A row for each pair: by how much the `first` is better than the `second`, the interval from `low` to `high`,
        `p`, both corrected for the number of pairs, and the seeds that would show a difference of `size`.
        """
        return as_table(self._pairs, [self._needed(pair) for pair in self._pairs])

    @cached_property
    def size(self) -> float:
        """The difference that is worth seeing, in units of the metric."""
        return practical_size(self.metric, self._usable) if self.difference is None else self.difference

    @cached_property
    def verdict(self) -> list[str]:
        """What can be said, a sentence each, and no more than the seeds support."""
        return [*self._failures, *verdict(self._pairs, self._asked)]

    def to_plain(self) -> dict[str, Any]:
        """Return all of it as maps, lists, numbers and texts; a number that is not finite stays a float."""
        return {
            "metric": self.metric.name,
            "direction": self.metric.direction,
            "seeds": [int(seed) for seed in self.scores.index],
            "scores": {str(name): self.scores[name].tolist() for name in self.scores},
            "table": self.table.to_dict("records"),
            "differences": self.differences.to_dict("records"),
            "size": self.size,
            "level": self.level,
            "overlap": self.overlap,
            "diverged": dict(self.diverged),
            "verdict": self.verdict,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return f"Comparison({len(self.scores.columns)} alternatives, {len(self.scores)} seeds)"

    def __str__(self) -> str:
        return "\n".join([*aligned(self.table, self.metric), "", *self.verdict, *self.notes])

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(f"<li>{escape(line)}</li>" for line in (*self.verdict, *self.notes))
        return f"{self.table.to_html(index=False, na_rep='none')}<ul>{lines}</ul>"

    @property
    def _sign(self) -> int:
        return 1 if self.metric.maximize else -1

    @cached_property
    def _usable(self) -> pd.DataFrame:
        """The scores of seeds with which some alternative has one: else the rows do not allow the metric."""
        return self.scores[np.isfinite(self.scores.to_numpy(float)).any(axis=1)]

    @cached_property
    def _whole(self) -> pd.DataFrame:
        """The scores of the alternatives that have one with every usable seed, so that higher ones are better."""
        sound = np.isfinite(self._usable.to_numpy(float)).all(axis=0)
        return self._sign * self._usable[self._usable.columns[sound]]

    @cached_property
    def _pairs(self) -> list[Difference]:
        return differences(self._whole, self.overlap, self.level) if len(self._usable) else []

    @property
    def _asked(self) -> Asked:
        seeds, pairs = len(self._usable), len(self._pairs)
        return Asked(self.metric, self.size, self.level, seeds, self.overlap, pairs)

    def _needed(self, pair: Difference) -> float:
        return seeds_needed(self.size, pair.spread, self.overlap, self.level, len(self._pairs))

    @property
    def _failures(self) -> list[str]:
        """Return what is to be said of scores that are missing, and of networks that diverged."""
        said, seeds = [], len(self._usable)
        if lost := len(self.scores) - seeds:
            said.append(f"{lost} of {len(self.scores)} seeds left out: their test rows do not allow {self.metric.name}")
        for name in map(str, self.scores):
            failed = int((~np.isfinite(self._usable[name].to_numpy(float))).sum())
            if failed:
                said.append(f"{name} has no finite score with {failed} of {seeds} seeds: it is not compared")
            if count := self.diverged.get(name, 0):
                after = "" if failed else ", and is scored as it was before"
                said.append(f"{name} diverged with {count} of {len(self.scores)} seeds{after}")
        return said
