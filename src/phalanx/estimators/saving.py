"""Saving a fitted estimator as a folder that `phalanx.load` and `phalanx predict` open, and as a page."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from phalanx.data import ClassTarget, Goal
from phalanx.kinds.language.kind import LANGUAGE
from phalanx.kinds.model import Model
from phalanx.kinds.steps import StepModel
from phalanx.kinds.targets import task_of
from phalanx.leaderboard import metric_columns
from phalanx.parts.plain import to_plain
from phalanx.report.figures import figures_of_estimator
from phalanx.report.page import Contents, page
from phalanx.runs.folder import run_folder, write_trained
from phalanx.runs.reporting import write_page
from phalanx.runs.result import versions


def save_rows(estimator: Any, folder: str | Path) -> None:
    """Write a fitted estimator of rows, or of a series, into a new folder."""
    predictor, called, labels = estimator._predictor, estimator._called, estimator._labels()
    if not estimator.ensemble:
        predictor = predictor.alone(predictor.best, predictor.members[predictor.best])
    predictor = replace(predictor, goals=tuple(renamed(goal, called, labels) for goal in predictor.goals))
    kind, files = estimator._kind, estimator._in_files
    readings = getattr(estimator, "_readings", {})
    model_class = StepModel if estimator._each_step else kind.model_class
    model = model_class(kind, estimator.encoder_, tuple(called.values()), None, predictor, readings, files)
    _save(estimator, model, result_of_rows(estimator), folder)


def save_language(estimator: Any, folder: str | Path) -> None:
    """Write a fitted language model into a new folder."""
    _save(estimator, estimator._predictor, result_of_language(estimator), folder)


def report_rows(estimator: Any, path: str | Path) -> None:
    """Write the page of a fitted estimator of rows, or of a series."""
    answers, classes = "answers = net.predict(X)", "probabilities = net.predict_proba(X)"
    numbers = "low, high = net.predict_interval(X)"
    uses = {
        "classify": [answers, classes],
        "regress": [answers, numbers],
        "mixed": [answers, classes, numbers],
        "forecast": ["answers = net.predict()", "low, high = net.predict_interval()"],
    }[task_of(estimator._predictor.goals)]
    _report(estimator, result_of_rows(estimator), uses, path)


def report_language(estimator: Any, path: str | Path) -> None:
    """Write the page of a fitted language model."""
    _report(estimator, result_of_language(estimator), ['text = net.generate("Once", length=500)'], path)


def result_of_rows(estimator: Any) -> dict[str, Any]:
    """Return what result.json says of a fitted estimator of rows, or of a series."""
    shares = estimator.ensemble_ if estimator.ensemble else {estimator.best_.id: 1.0}
    columns = [column.to_plain() for column in getattr(estimator, "columns_", ())]
    about = {"kind": estimator._kind.name, "files": estimator._in_files, "columns": columns}
    return {**_result(estimator, task_of(estimator._predictor.goals), shares), **about}


def result_of_language(estimator: Any) -> dict[str, Any]:
    """Return what result.json says of a fitted language model."""
    tokens = {"kind": estimator.tokens, "different": estimator.codec_.tokens, "steps": estimator.steps}
    about = {"kind": LANGUAGE.name, "tokens": tokens}
    return {**_result(estimator, "language", estimator._predictor.shares), **about}


def _result(estimator: Any, task: str, shares: Mapping[str, float]) -> dict[str, Any]:
    metric, direction = estimator._ranked_by
    board = estimator.leaderboard_
    trained = board[board["kind"] == "member"]
    return {
        "task": task,
        "metric": metric,
        "direction": direction,
        "valid": _metrics(board, "ensemble"),
        "best_member": {"id": estimator.best_.id, "valid": _metrics(board, estimator.best_.id)},
        "optimism": estimator.optimism_,
        "ensemble": dict(shares),
        "n_members": len(estimator.members_),
        "n_structures": int(trained["structure"].nunique()),
        "n_diverged": int((trained["stopped"] == "diverged").sum()),
        "n_untrained": int((trained["rounds"] == 0).sum()),
        "hints": estimator.hints_,
        "best": to_plain(estimator.best_.spec),
        "versions": versions(),
        "seed": estimator.random_state if isinstance(estimator.random_state, int) else None,
        **estimator._found,
    }


def _save(estimator: Any, model: Model, result: Mapping[str, Any], folder: str | Path) -> None:
    with run_folder(Path(folder), "", "another folder") as path:
        write_trained(path, dict(result), estimator.leaderboard_, estimator.curves_, model)


def _report(estimator: Any, result: Mapping[str, Any], uses: list[str], path: str | Path) -> None:
    typed = [*uses, 'net.save("a-folder")  # phalanx predict a-folder ... reads it']
    name, python = type(estimator).__name__, [("Python", "\n".join(typed))]
    figures = [figure.to_plain() for figure in figures_of_estimator(estimator)]
    contents = Contents(name, result, estimator.leaderboard_, estimator.curves_, figures, "", python)
    write_page(Path(path), page(contents))


def renamed(goal: Goal, called: Mapping[str, str], labels: Mapping[str, list[Any]]) -> Goal:
    """Return a goal with the names of its columns, and the labels of their classes, as they were given."""
    columns = [
        ClassTarget(tuple(labels[name])) if name in labels else column
        for name, column in zip(goal.names, goal.columns, strict=True)
    ]
    return replace(goal, names=tuple(called.get(name, name) for name in goal.names), columns=tuple(columns))


def _metrics(board: pd.DataFrame, id_: str) -> dict[str, float]:
    row = board[board["id"] == id_].iloc[0]
    return {name.removeprefix("valid_"): float(row[name]) for name in metric_columns(board)}
