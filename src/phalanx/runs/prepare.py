"""From a configuration to a problem: read the source, choose targets and tasks, split, encode; all is noted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from phalanx.data import BUNDLED, Goal, Reading, Source, Split, check_target, split_rows
from phalanx.data.cells import check_finite
from phalanx.data.columns import warnings_of
from phalanx.data.copies import telling_columns
from phalanx.data.targets import no_column
from phalanx.entries import entry_for
from phalanx.errors import InputError
from phalanx.kinds.codes.encoder import CodeEncoder
from phalanx.kinds.images import ImageEncoder
from phalanx.kinds.registry import Encoder, load, paths_of
from phalanx.kinds.series.run import prepare_forecast
from phalanx.kinds.texts import TextEncoder, texts_of_table
from phalanx.problem import Problem, rows_at
from phalanx.runs.config import DEFAULT, Config
from phalanx.runs.inputs import Inputs, check_options, choose_inputs, describe, named_texts
from phalanx.runs.prepared import Prepared
from phalanx.runs.targets import (
    Target,
    choose_tasks,
    lost_rows,
    make_goals,
    present_rows,
    read_target,
    rows_with_targets,
    unseen,
)

_TEST = 0.2  # share of the rows that test where the source holds none out


def prepare(config: Config, watch: Callable[[int, int], None] | None = None) -> Prepared:
    """Read and encode the source a configuration names; raise `InputError` for what cannot be used.

    `watch` is called with how many of all images are read.
    """
    if config.source is None:
        raise InputError(
            f"no source given: name a table such as data.csv, a folder of images, sounds or texts, or one of "
            f"{' '.join(BUNDLED)}"
        )
    if config.tokens is not None:
        raise InputError(f"--tokens is for a text file (.txt), but {config.source} is none; leave it out")
    source = load(
        (config.source,),
        size=config.image_size,
        strict=config.strict,
        watch=watch,
        known={name: Reading(verbatim=True) for name in (config.id, config.group) if name is not None},
        missing=config.missing,
    )
    source = named_texts(source, config)
    frame = source.frame
    check_options(source, config)
    if config.forecast is not None:
        return prepare_forecast(
            replace(config, test=_TEST if config.test is None else config.test),
            source,
            load((config.test,), known=source.readings) if isinstance(config.test, str) else None,
        )
    names = tuple(check_target(frame, name) for name in config.target or (source.target,))
    config = replace(config, target=names)
    if config.test is None and source.test is None:
        config = replace(config, test=_TEST)
    columns = _input_columns(frame, config)
    for name in [*columns, *names]:  # before any row is dropped, so that errors count rows as the file does
        if frame[name].dtype.kind == "f":
            check_finite(frame[name].to_numpy(np.float64), name)
    present, lost = present_rows(frame, names)
    missing = {name: source.readings[name].missing for name in names if name in source.readings}
    likelihood = None if config.likelihood == DEFAULT else config.likelihood
    tasks, notes = choose_tasks(frame, names, config.task, likelihood)
    config = replace(config, task=tasks[0] if len(set(tasks)) == 1 else None)
    _check_enough(int(present.sum()), config)
    targets = [read_target(frame[name], present, task, name) for name, task in zip(names, tasks, strict=True)]
    split = _split(frame.loc[present], targets, config)
    _check_classes(targets, split)
    inputs = choose_inputs(source, present, columns, config)
    config, (encoder, encoded) = inputs.config, inputs.encode(split.train)
    copies = [line for target in targets for line in _copies(inputs, target)]
    goals, values = make_goals(targets, likelihood, split.train)
    problem = Problem(encoded, goals, values, split.train, split.valid, entry_for(encoder))
    _ = problem.rows  # made here, so that values which the likelihood cannot have are found before anything trains
    test_values: tuple[np.ndarray | None, ...]
    held_out = _test_source(config, encoder, source.readings) if isinstance(config.test, str) else source.test
    if held_out is not None and not isinstance(config.test, float | int):
        test_inputs, test_values, tested = _test_rows(held_out, config, encoder, goals)
        files = _files(held_out)
    else:
        test_inputs, test_values, tested = rows_at(encoded, split.test), tuple(held[split.test] for held in values), []
        files = _files(source, np.flatnonzero(present)[split.test])
    rows = (len(split.train), len(split.valid), len(jax.tree.leaves(test_inputs)[0]))
    notes.append("rows: {:,} train, {:,} validate, {:,} test (seed {})".format(*rows, config.seed))
    columns_said = warnings_of(inputs.columns)
    warnings = (
        *source.notes,
        *inputs.notes,
        *lost_rows(lost, names, missing=missing),
        *tested,
        *split.notes,
        *columns_said,
        *copies,
    )
    notes = [*describe(encoder, len(frame)), *notes]
    return Prepared(
        config,
        source.name,
        inputs.columns,
        encoder,
        problem,
        test_inputs,
        test_values,
        files,
        tuple(notes),
        warnings,
        source.readings,
    )


def _files(source: Source, rows: np.ndarray | None = None) -> tuple[str, ...] | None:
    """Return the files that rows come from, None where they do not."""
    if source.id is None:
        return None
    files = source.frame[source.id]
    return tuple(files if rows is None else files.iloc[rows])


def _input_columns(frame: pd.DataFrame, config: Config) -> list[str]:
    """Return the columns of the table that are neither targets nor left out."""
    for option, names in (("category", config.category), ("number", config.number)):
        for name in names:
            if name not in frame:
                raise no_column(name, f"--{option}", list(frame.columns))
    left_out = {"ignore": config.ignore, "id": (config.id,), "group": (config.group,)}
    named = [(option, name) for option, names in left_out.items() for name in names if name is not None]
    for option, name in named:
        if name not in frame:
            raise no_column(name, f"--{option}", list(frame.columns))
    out = {*config.target, *(name for _, name in named)}
    return [str(name) for name in frame if name not in out]


def _check_enough(rows: int, config: Config) -> None:
    parts = ["2 to train on", "1 to validate on"]
    if isinstance(config.test, float | int) and config.test > 0:
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
        test=float(config.test) if isinstance(config.test, float | int) else 0.0,
        valid=config.valid,
        seed=config.seed,
    )


def _copies(inputs: Inputs, target: Target) -> list[str]:
    """Return a warning of each column of a table that alone says a target."""
    if not isinstance(inputs.rows, pd.DataFrame):
        return []
    found = telling_columns(inputs.columns, inputs.rows, target.values, target.labels is not None)
    return [
        f"column {name!r} alone says {target.name!r} in every row: if it is a copy of it, or known only after it, "
        f"leave it out (--ignore {name!r})"
        for name in found
    ]


def _check_classes(targets: list[Target], split: Split) -> None:
    for target in targets:
        if target.labels and len(np.unique(target.values[split.train])) < 2:
            which = "" if len(targets) == 1 else f" of {target.name!r}"
            raise InputError(
                f"the training rows hold one class{which} only; use more rows, another --seed or another --group"
            )


def _test_rows(
    source: Source, config: Config, encoder: Encoder, goals: tuple[Goal, ...]
) -> tuple[Any, tuple[np.ndarray | None, ...], list[str]]:
    """Return inputs and values of test rows that are a source of their own, and warnings."""
    try:
        inputs, found, warnings = rows_with_targets(source, encoder, goals, "test row")
    except InputError as error:
        raise InputError(f"{config.test or f'the test {source.kind}'}: {error}") from None
    return inputs, found, [*source.notes, *warnings, *unseen(encoder, source)]


def _test_source(config: Config, encoder: Encoder, readings: Mapping[str, Reading]) -> Source:
    test = str(config.test)
    if not paths_of(test) and test not in BUNDLED and not Path(test).suffix:
        raise InputError(f"test is {test!r}, but must be a share of the rows, such as 0.2, or a source")
    return load_like(encoder, (test,), readings, strict=config.strict)


def load_like(
    encoder: Encoder | CodeEncoder, sources: Sequence[str], readings: Mapping[str, Reading], strict: bool = False
) -> Source:
    """Read a source as an encoder takes it: images of the size and channels that it was trained on, a text column.

    `readings` says how the columns of the training table were read.
    """
    if isinstance(encoder, TextEncoder) and encoder.column is not None:
        source = load(sources, strict=strict, known=readings)
        return texts_of_table(source, encoder.column) if source.kind == "table" else source
    if not isinstance(encoder, ImageEncoder) or len(encoder.shape) != 3:
        return load(sources, strict=strict, known=readings)
    *size, channels = encoder.shape
    return load(sources, size=(size[0], size[1]), channels=channels, strict=strict)
