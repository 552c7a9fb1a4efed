"""The targets of a source: the task each sets, its values, and those of further sources."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data import (
    ClassTarget,
    Goal,
    Source,
    Task,
    check_target,
    each_column,
    holds_whole_numbers,
    infer_task,
    target_present,
)
from phalanx.data.cells import numbers
from phalanx.data.notes import spellings
from phalanx.errors import InputError
from phalanx.kinds.kind import Encoder
from phalanx.kinds.learning import Target
from phalanx.problem import rows_at
from phalanx.search.heads import likelihood_of_each


def present_rows(frame: pd.DataFrame, names: Sequence[str]) -> tuple[np.ndarray, int]:
    """Return which rows have a value of every target, as a boolean mask, and how many have not."""
    present = np.logical_and.reduce([target_present(frame[name], name)[0] for name in names])
    return present, int(len(present) - present.sum())


def lost_rows(
    lost: int, names: Sequence[str], what: str = "row", missing: Mapping[str, Mapping[str, int]] | None = None
) -> list[str]:
    """Return the warning that rows without a target are left out, if there are any; `missing`: how they are spelt."""
    if not lost:
        return []
    listed = " or ".join(map(repr, names))
    spelt = "; ".join(spellings(words) for words in (missing or {}).values() if set(words) - {""})
    return [
        f"{lost:,} {what}{'s' if lost > 1 else ''} without a value of {listed} left out"
        f"{f' ({spelt}; --missing WORD says what is missing)' if spelt else ''}"
    ]


def choose_tasks(
    frame: pd.DataFrame, names: Sequence[str], asked: Task | None, likelihood: Any
) -> tuple[list[Task], list[str]]:
    """Return the task of each target, and notes on those that were not asked for.

    The task is as `asked`; or whole numbers, which may be classes as well, are what their likelihood is of; or it
    follows from the column. Raises `InputError` where the likelihood contradicts what was asked.
    """
    tasks: list[Task] = []
    notes = []
    changes = "changes it" if len(names) == 1 else "changes every target"
    for name, stated in zip(names, likelihood_of_each(likelihood, names), strict=True):
        task, reason = infer_task(frame[name], name)
        note = f"because the target {name!r} {reason.removeprefix('it ')}"
        if task == "regress" or types.is_numeric_dtype(frame[name]):
            note += f" (--task {'regress' if task == 'classify' else 'classify'} {changes})"
        if stated is not None:
            meant: Task = "classify" if stated.target == "classes" else "regress"
            if asked not in (None, meant):
                raise InputError(
                    f"--task {asked} contradicts likelihood {stated.kind()}, which is of {stated.target}; "
                    "leave one of the two out"
                )
            if task != meant and holds_whole_numbers(frame[name]):
                task, note = meant, f"because the likelihood of {name!r} is {stated.kind()}"
        tasks.append(asked or task)
        if asked is None:
            notes.append(f"task: {task}, {note}")
    return tasks, notes


def read_target(column: pd.Series, present: np.ndarray, task: Task, name: str) -> Target:
    """Return a target's values in the rows that are `present`; errors count rows as the whole column does."""
    if task == "classify":
        held = column.loc[present]
        labels = ClassTarget.fit(held, name)
        return Target(name, labels.encode(held, name), labels)
    try:
        return Target(name, numbers(column, name)[present])
    except InputError as error:
        raise InputError(f"{error}; --task classify predicts classes") from None


def rows_with_targets(
    source: Source, encoder: Encoder, goals: Sequence[Goal], what: str = "row"
) -> tuple[Any, tuple[np.ndarray | None, ...], np.ndarray, list[str]]:
    """Return inputs and values of those rows of a further source that have every target, which these are, and warnings.

    Of several goals, one whose column is not there or holds a class that was not seen in training has no values, None,
    and a warning: it is not scored. Raises `InputError` where no goal is left.
    """
    scored, faults = [], []
    for goal in goals:
        try:
            _check_known(source.frame, goal)
            scored.append(goal)
        except InputError as error:
            faults.append((goal, error))
    if not scored:
        raise faults[0][1]
    names = [name for goal in scored for name in goal.names]
    present, lost = present_rows(source.frame, names)
    frame, values = source.frame.loc[present], {}
    for name, column in each_column(scored):
        if isinstance(column, ClassTarget):
            values[name] = column.encode(frame[name], name)
        else:
            values[name] = numbers(source.frame[name], name)[present]
    of_scored = dict(zip([goal.names for goal in scored], _by_goal(scored, values), strict=True))
    warnings = [f"{error}; {', '.join(map(repr, goal.names))} is not scored" for goal, error in faults]
    inputs = rows_at(encoder.transform(source.inputs), present)
    found = tuple(of_scored.get(goal.names) for goal in goals)
    return inputs, found, np.flatnonzero(present), [*warnings, *lost_rows(lost, names, what)]


def _check_known(frame: pd.DataFrame, goal: Goal) -> None:
    """Raise `InputError` where a goal's column is not there, is empty, or holds a class not seen in training."""
    for name, column in zip(goal.names, goal.columns, strict=True):
        check_target(frame, name)
        present, _ = target_present(frame[name], name)
        if isinstance(column, ClassTarget):
            column.encode(frame.loc[present, name], name)


def _by_goal(goals: Sequence[Goal], values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    return tuple(
        values[goal.names[0]] if goal.classes else np.column_stack([values[name] for name in goal.names])
        for goal in goals
    )


def task_of(goals: Sequence[Goal]) -> str:
    """Return what is done: classify, regress, forecast, or mixed of several."""
    tasks = {"classify" if goal.classes else "forecast" if goal.forecast else "regress" for goal in goals}
    return tasks.pop() if len(tasks) == 1 else "mixed"
