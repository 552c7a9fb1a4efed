"""Saving a fitted estimator as a folder that `phalanx.load` and `phalanx predict` open."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from phalanx.data import ClassTarget, Goal
from phalanx.kinds.model import Model
from phalanx.kinds.steps import StepModel
from phalanx.kinds.targets import task_of
from phalanx.parts.plain import to_plain
from phalanx.runs.folder import run_folder, write_trained
from phalanx.runs.result import versions


def save_rows(estimator: Any, folder: str | Path) -> None:
    """Write a fitted estimator of rows, or of a series, into a new folder."""
    predictor, called, labels = estimator._predictor, estimator._called, estimator._labels()
    if not estimator.ensemble:
        predictor = predictor.alone(predictor.best, predictor.members[predictor.best])
    task = task_of(predictor.goals)
    predictor = replace(predictor, goals=tuple(renamed(goal, called, labels) for goal in predictor.goals))
    kind, files = estimator._kind, estimator._in_files
    readings = getattr(estimator, "_readings", {})
    model_class = StepModel if estimator._each_step else kind.model_class
    model = model_class(kind, estimator.encoder_, tuple(called.values()), None, predictor, readings, files)
    _save(estimator, model, predictor.shares, task, folder)


def save_language(estimator: Any, folder: str | Path) -> None:
    """Write a fitted language model into a new folder."""
    _save(estimator, estimator._predictor, estimator._predictor.shares, "language", folder)


def _save(estimator: Any, model: Model, shares: Mapping[str, float], task: str, folder: str | Path) -> None:
    metric, direction = estimator._ranked_by
    rows = estimator.leaderboard_.set_index("id")
    result = {
        "task": task,
        "metric": metric,
        "direction": direction,
        "valid": _metrics(rows.loc["ensemble"]),
        "best_member": {"id": estimator.best_.id, "valid": _metrics(rows.loc[estimator.best_.id])},
        "optimism": estimator.optimism_,
        "ensemble": shares,
        "n_members": len(estimator.members_),
        "hints": estimator.hints_,
        "mattered": estimator.mattered_,
        "best": to_plain(estimator.best_.spec),
        "versions": versions(),
    }
    with run_folder(Path(folder), "", "another folder") as path:
        write_trained(path, result, estimator.leaderboard_, estimator.curves_, model)


def renamed(goal: Goal, called: Mapping[str, str], labels: Mapping[str, list[Any]]) -> Goal:
    """Return a goal with the names of its columns, and the labels of their classes, as they were given."""
    columns = [
        ClassTarget(tuple(labels[name])) if name in labels else column
        for name, column in zip(goal.names, goal.columns, strict=True)
    ]
    return replace(goal, names=tuple(called.get(name, name) for name in goal.names), columns=tuple(columns))


def _metrics(row: Any) -> dict[str, float]:
    return {name.removeprefix("valid_"): float(row[name]) for name in row.index if _is_metric(name)}


def _is_metric(column: str) -> bool:
    return column.startswith("valid_") and not column.endswith(("_mean", "_error"))
