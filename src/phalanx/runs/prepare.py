"""From a configuration to a problem: read the table, choose targets and tasks, split, encode. All choices are noted."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from phalanx.data import (
    BUNDLED,
    Column,
    Encoded,
    Goal,
    Source,
    Split,
    TableEncoder,
    check_target,
    infer_columns,
    load_source,
    split_rows,
)
from phalanx.data.cells import check_finite
from phalanx.data.targets import no_column
from phalanx.errors import InputError
from phalanx.experiment import Problem
from phalanx.runs.config import DEFAULT, Config
from phalanx.runs.targets import (
    Target,
    choose_tasks,
    lost_rows,
    make_goals,
    present_rows,
    read_target,
    rows_with_targets,
)

_EACH_WARNED = 3  # columns of one kind with a warning each; of more columns there is one warning


@dataclass(frozen=True)
class Prepared:
    """A table ready for training: the problem, the test rows, what was inferred, and `notes` on what was decided.

    `config` has the targets filled in, and the task if all have the same; `test_values` are those of each goal.
    """

    config: Config
    name: str
    columns: tuple[Column, ...]
    encoder: TableEncoder
    problem: Problem
    test_inputs: Encoded
    test_values: tuple[np.ndarray, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def test_rows(self) -> int:
        """The number of test rows."""
        return len(self.test_values[0])


def prepare(config: Config) -> Prepared:
    """Read and encode the table a configuration names; raise `InputError` for what cannot be used."""
    if config.source is None:
        raise InputError(f"no source given: name a table such as data.csv, or one of {' '.join(BUNDLED)}")
    source = load_source(config.source)
    frame = source.frame
    names = tuple(check_target(frame, name) for name in config.target or (source.target,))
    config = replace(config, target=names)
    inputs = _inputs(frame, config)
    for name in [*inputs, *names]:  # before any row is dropped, so that errors count rows as the file does
        if frame[name].dtype.kind == "f":
            check_finite(frame[name].to_numpy(np.float64), name)
    present, lost = present_rows(frame, names)
    likelihood = None if config.likelihood == DEFAULT else config.likelihood
    tasks, notes = choose_tasks(frame, names, config.task, likelihood)
    config = replace(config, task=tasks[0] if len(set(tasks)) == 1 else None)
    inputs = inputs.loc[present].reset_index(drop=True)
    _check_enough(len(inputs), config)
    targets = [read_target(frame[name], present, task, name) for name, task in zip(names, tasks, strict=True)]
    split = _split(frame.loc[present], targets, config)
    _check_classes(targets, split)
    columns = infer_columns(inputs)
    if not any(column.used for column in columns):
        listed = f"target{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
        raise InputError(f"{config.source} has no column left to learn from besides the {listed}")
    encoder = TableEncoder.fit(columns, inputs.iloc[split.train])
    goals, values = make_goals(targets, likelihood, split.train)
    encoded = encoder.transform(inputs)
    problem = Problem(encoded, goals, values, split.train, split.valid, encoder.cardinalities)
    _ = problem.rows  # made here, so that values which the likelihood cannot have are found before anything trains
    test_inputs, test_values, tested = _test_rows(config, encoder, goals, encoded, values, split)
    rows = (len(split.train), len(split.valid), len(test_values[0]))
    notes.append("rows: {:,} train, {:,} validate, {:,} test (seed {})".format(*rows, config.seed))
    warnings = (*source.notes, *lost_rows(lost, names), *tested, *split.notes, *_of_columns(columns))
    return Prepared(config, source.name, columns, encoder, problem, test_inputs, test_values, tuple(notes), warnings)


def absolute(source: str) -> str:
    """Return a path that stays right from another folder; a bundled name stays as it is."""
    return str(Path(source).resolve()) if Path(source).exists() else source


def _inputs(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    left_out = {"ignore": config.ignore, "id": (config.id,), "group": (config.group,)}
    named = [(option, name) for option, names in left_out.items() for name in names if name is not None]
    for option, name in named:
        if name not in frame:
            raise no_column(name, f"--{option}", list(frame.columns))
    return frame.drop(columns=[*config.target, *{name for _, name in named}])


def _check_enough(rows: int, config: Config) -> None:
    parts = ["2 to train on", "1 to validate on"]
    if not isinstance(config.test, str) and config.test > 0:
        parts.append("1 to test on")
    if rows <= len(parts):
        have = "a target" if len(config.target) == 1 else "every target"
        are = f"row that has {have} is" if rows == 1 else f"rows that have {have} are"
        raise InputError(f"{config.source}: {rows} {are} too few; there must be at least {', '.join(parts)}")


def _split(frame: pd.DataFrame, targets: list[Target], config: Config) -> Split:
    """Split rows; their classes are balanced where there is one target, of classes, and no group."""
    labels = targets[0].labels if len(targets) == 1 and config.group is None else None
    return split_rows(
        len(frame),
        classes=labels.decode(targets[0].values) if labels else None,
        groups=None if config.group is None else frame[config.group].to_numpy(),
        test=0.0 if isinstance(config.test, str) else config.test,
        valid=config.valid,
        seed=config.seed,
    )


def _check_classes(targets: list[Target], split: Split) -> None:
    for target in targets:
        if target.labels and len(np.unique(target.values[split.train])) < 2:
            which = "" if len(targets) == 1 else f" of {target.name!r}"
            raise InputError(
                f"the training rows hold one class{which} only; use more rows, another --seed or another --group"
            )


def _test_rows(
    config: Config,
    encoder: TableEncoder,
    goals: tuple[Goal, ...],
    encoded: Encoded,
    values: tuple[np.ndarray, ...],
    split: Split,
) -> tuple[Encoded, tuple[np.ndarray, ...], list[str]]:
    """Return inputs and values of the test rows, from the split or a file of their own, and warnings."""
    if not isinstance(config.test, str):
        return Encoded(*(part[split.test] for part in encoded)), tuple(held[split.test] for held in values), []
    source = _test_source(config.test)
    try:
        inputs, found, lost = rows_with_targets(source.frame, encoder, goals)
    except InputError as error:
        raise InputError(f"{config.test}: {error}") from None
    return inputs, found, [*source.notes, *lost_rows(lost, config.target, "test row")]


def _test_source(test: str) -> Source:
    if not Path(test).exists() and test not in BUNDLED and not Path(test).suffix:
        raise InputError(f"test is {test!r}, but must be a share of the rows, such as 0.2, or a table")
    return load_source(test)


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
