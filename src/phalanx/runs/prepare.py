"""From a configuration to a problem: read the table, choose target and task, split, encode. All choices are noted."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data import (
    BUNDLED,
    ClassTarget,
    Column,
    Encoded,
    NumberTarget,
    Source,
    Split,
    TableEncoder,
    Task,
    check_target,
    infer_columns,
    infer_task,
    load_source,
    split_rows,
    target_present,
)
from phalanx.data.cells import check_finite, numbers
from phalanx.data.targets import no_column
from phalanx.errors import InputError
from phalanx.experiment import Problem
from phalanx.likelihoods import Bernoulli, Gaussian, Likelihood
from phalanx.runs.config import Config
from phalanx.search.defaults import likelihood_for

_EACH_WARNED = 3  # columns of one kind with a warning each; of more columns there is one warning


@dataclass(frozen=True)
class Prepared:
    """A table ready for training: the problem, the test rows, what was inferred, and `notes` on what was decided.

    `config` has the target and the task filled in.
    """

    config: Config
    name: str
    columns: tuple[Column, ...]
    encoder: TableEncoder
    target: ClassTarget | NumberTarget
    problem: Problem
    test_inputs: Encoded
    test_target: np.ndarray
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def prepare(config: Config) -> Prepared:
    """Read and encode the table a configuration names; raise `InputError` for what cannot be used."""
    if config.source is None:
        raise InputError(f"no source given: name a table such as data.csv, or one of {' '.join(BUNDLED)}")
    source = load_source(config.source)
    target = check_target(source.frame, config.target or source.target)
    config = replace(config, target=target)
    inputs = _inputs(source.frame, config)
    for name in [*inputs, target]:  # before any row is dropped, so that errors count rows as the file does
        if source.frame[name].dtype.kind == "f":
            check_finite(source.frame[name].to_numpy(np.float64), name)
    present, lost = target_present(source.frame[target], target)
    task, notes = _task(source.frame[target], config)
    config = replace(config, task=task)
    inputs = inputs.loc[present].reset_index(drop=True)
    _check_enough(len(inputs), config)
    labels, values = _target(source.frame[target], present, task, target)
    classes = len(labels.labels) if labels else 0
    _check_likelihood(config.likelihood, classes)
    split = _split(source.frame.loc[present], labels, values, config)
    if labels and len(np.unique(values[split.train])) < 2:
        raise InputError("the training rows hold one class only; use more rows, another --seed or another --group")
    columns = infer_columns(inputs)
    if not any(column.used for column in columns):
        raise InputError(f"{config.source} has no column left to learn from besides the target {target!r}")
    encoder = TableEncoder.fit(columns, inputs.iloc[split.train])
    number = None if labels else NumberTarget.fit(values[split.train], name=target)
    encoded = encoder.transform(inputs)
    problem = Problem(encoded, values, split.train, split.valid, encoder.cardinalities, classes, number)
    held: ClassTarget | NumberTarget = labels or number  # type: ignore[assignment]
    test_inputs, test_target, tested = _test_rows(config, encoder, held, encoded, values, split)
    rows = (len(split.train), len(split.valid), len(test_target))
    notes.append("rows: {:,} train, {:,} validate, {:,} test (seed {})".format(*rows, config.seed))
    warnings = (*source.notes, *_left_out(lost, target), *tested, *split.notes, *_of_columns(columns))
    return Prepared(
        config, source.name, columns, encoder, held, problem, test_inputs, test_target, tuple(notes), warnings
    )


def absolute(source: str) -> str:
    """Return a path that stays right from another folder; a bundled name stays as it is."""
    return str(Path(source).resolve()) if Path(source).exists() else source


def _inputs(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    left_out = {"ignore": config.ignore, "id": (config.id,), "group": (config.group,)}
    named = [(option, name) for option, names in left_out.items() for name in names if name is not None]
    for option, name in named:
        if name not in frame:
            raise no_column(name, f"--{option}", list(frame.columns))
    return frame.drop(columns=[config.target, *{name for _, name in named}])


def _task(values: pd.Series, config: Config) -> tuple[Task, list[str]]:
    """Return the task as asked, or as the target suggests, with a note on how to change it."""
    inferred, reason = infer_task(values, str(config.target))
    if config.task is not None:
        return config.task, []  # type: ignore[return-value]
    other = "regress" if inferred == "classify" else "classify"
    change = f" (--task {other} changes it)" if inferred == "regress" or pd.api.types.is_numeric_dtype(values) else ""
    return inferred, [f"task: {inferred}, because the target {config.target!r} {reason.removeprefix('it ')}{change}"]


def _check_enough(rows: int, config: Config) -> None:
    parts = ["2 to train on", "1 to validate on"]
    if not isinstance(config.test, str) and config.test > 0:
        parts.append("1 to test on")
    if rows <= len(parts):
        are = "row that has a target is" if rows == 1 else "rows that have a target are"
        raise InputError(f"{config.source}: {rows} {are} too few; there must be at least {', '.join(parts)}")


def _target(values: pd.Series, present: np.ndarray, task: Task, name: str) -> tuple[ClassTarget | None, np.ndarray]:
    """Return the labels of classes, or None, and the codes or numbers of the rows that have a target."""
    if task == "classify":
        held = values.loc[present]
        labels = ClassTarget.fit(held, name)
        return labels, labels.encode(held, name)
    return None, _numbers(values, name)[present]


def _numbers(values: pd.Series, name: str) -> np.ndarray:
    try:
        return numbers(values, name)
    except InputError as error:
        raise InputError(f"{error}; --task classify predicts classes") from None


def _split(frame: pd.DataFrame, labels: ClassTarget | None, values: np.ndarray, config: Config) -> Split:
    return split_rows(
        len(frame),
        classes=labels.decode(values) if labels and config.group is None else None,
        groups=None if config.group is None else frame[config.group].to_numpy(),
        test=0.0 if isinstance(config.test, str) else config.test,
        valid=config.valid,
        seed=config.seed,
    )


def _test_rows(
    config: Config,
    encoder: TableEncoder,
    target: ClassTarget | NumberTarget,
    encoded: Encoded,
    values: np.ndarray,
    split: Split,
) -> tuple[Encoded, np.ndarray, list[str]]:
    """Return inputs and target of the test rows, from the split or a file of their own, and warnings."""
    if not isinstance(config.test, str):
        return Encoded(*(part[split.test] for part in encoded)), values[split.test], []
    source = _test_source(config.test)
    try:
        inputs, found, lost = rows_with_target(source.frame, encoder, target, str(config.target))
    except InputError as error:
        raise InputError(f"{config.test}: {error}") from None
    return inputs, found, [*source.notes, *_left_out(lost, str(config.target), "test row")]


def _test_source(test: str) -> Source:
    if not Path(test).exists() and test not in BUNDLED and not Path(test).suffix:
        raise InputError(f"test is {test!r}, but must be a share of the rows, such as 0.2, or a table")
    return load_source(test)


def rows_with_target(
    frame: pd.DataFrame, encoder: TableEncoder, target: ClassTarget | NumberTarget, name: str
) -> tuple[Encoded, np.ndarray, int]:
    """Return the encoded inputs and the target of those rows of a further table that have one, and how many have none.

    Raises `InputError` for a column that is missing, and for a target that the model cannot have.
    """
    check_target(frame, name)
    present, lost = target_present(frame[name], name)
    if isinstance(target, ClassTarget):
        values = target.encode(frame.loc[present, name], name)
    else:
        values = numbers(frame[name], name)[present]
    encoded = encoder.transform(frame)
    return Encoded(*(part[present] for part in encoded)), values, lost


def _check_likelihood(likelihood: Any, classes: int) -> None:
    if not isinstance(likelihood, Likelihood):
        return
    fits = isinstance(likelihood, Gaussian) == (classes == 0) and not (
        isinstance(likelihood, Bernoulli) and classes > 2
    )
    if not fits:
        what = f"a target of {classes} classes" if classes else "a target of numbers"
        usual = type(likelihood_for(classes)).__name__.lower()
        raise InputError(f"likelihood {type(likelihood).__name__.lower()} does not fit {what}; use {usual}")


def _left_out(lost: int, target: str, what: str = "row") -> list[str]:
    return [f"{lost:,} {what}{'s' if lost > 1 else ''} without a value of {target!r} left out"] if lost else []


def _of_columns(columns: tuple[Column, ...]) -> list[str]:
    """Return the warnings about columns; many of one kind are one warning."""
    warnings = []
    for kind in dict.fromkeys(column.kind for column in columns if column.warning):
        warned = [column for column in columns if column.kind == kind and column.warning]
        if len(warned) <= _EACH_WARNED:
            warnings += [column.warning for column in warned]
        else:
            names = ", ".join(repr(column.name) for column in warned[:_EACH_WARNED])
            more = f"{names} and {len(warned) - _EACH_WARNED:,} more"
            left_out = "are left out" if not warned[0].used else f"may be misread: {warned[0].warning}"
            warnings.append(f"{len(warned):,} columns of kind {kind} {left_out}: {more}")
    return warnings
