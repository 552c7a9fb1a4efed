"""What callbacks write of a training: numbers of each round, and in the end of each member."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from phalanx.leaderboard import metric_columns
from phalanx.population.view import View


@dataclass(frozen=True)
class Member:
    """A trained member: the values drawn for it by path, its scores by name, and its costs by round, of which a column
    `round` counts from 1.
    """

    id: str
    drawn: dict[str, bool | int | float | str]
    scores: dict[str, float]
    curve: pd.DataFrame


class Rounds:
    """Counts the rounds of a training; training again on all rows is told apart."""

    def __init__(self) -> None:
        self.trainings = 0

    def begins(self, context: Any) -> None:
        """Note that a task begins."""
        self.trainings += context.task_name == "train"

    def told(self, estimator: Any, context: Any) -> tuple[int, dict[str, float]]:
        """Return the number of a round that ended, from 1, and by name what is told of it; nothing of other tasks."""
        if context.task_name != "round":
            return 0, {}
        again = "" if self.trainings == 1 else "refit/" if self.trainings == 2 else f"refit_{self.trainings - 1}/"
        return context.task_id + 1, {again + name: value for name, value in standing(estimator.progress_).items()}


def standing(view: View) -> dict[str, float]:
    """Return of each population the best and the median of its members' best validation costs so far, and how many of
    them still train; costs only where there are any.
    """
    found: dict[str, float] = {}
    for i, population in enumerate(view.populations, start=1):
        known = population.scores[np.isfinite(population.scores)]
        if len(known):
            found[f"population_{i}/best_cost"] = float(known.min())
            found[f"population_{i}/median_cost"] = float(np.median(known))
        found[f"population_{i}/alive"] = float(population.alive)
    return found


def members_of(estimator: Any, most: int | None = None) -> list[Member]:
    """Return the members of a fitted estimator, as they rank, or the first of them."""
    board = estimator.leaderboard_[estimator.leaderboard_["kind"] == "member"]
    drawn = {member.id: member.drawn for member in estimator.members_}
    curves = dict(tuple(estimator.curves_.groupby("id")))
    none = estimator.curves_.iloc[:0]
    scored = metric_columns(board)
    return [
        Member(
            row["id"],
            {path: _plain(value) for path, value in drawn[row["id"]].items()},
            {name: float(row[name]) for name in (*scored, "rounds", "best_round") if _known(row[name])},
            curves.get(row["id"], none)[["round", "train_cost", "valid_cost"]],
        )
        for row in board.head(len(board) if most is None else most).to_dict("records")
    ]


def costs_of(member: Member) -> list[tuple[int, str, float]]:
    """Return (round, name, cost) for the finite costs of a member."""
    rows = member.curve.to_dict("records")
    found = [(int(row["round"]), name, float(row[name])) for row in rows for name in ("train_cost", "valid_cost")]
    return [one for one in found if math.isfinite(one[2])]


def _known(value: Any) -> bool:
    return not pd.isna(value) and math.isfinite(value)


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, (bool, int, float, str)) else "none" if value is None else str(value)
