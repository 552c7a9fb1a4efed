"""From rows and their targets to a `Problem`, the same way at every door: weights, order, split, encoders, goals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from phalanx.data import ClassTarget, Column, Goal, NumberTarget, split_rows
from phalanx.data.canonical import canonical_order, comparable, copied_rows
from phalanx.data.columns import warnings_of
from phalanx.data.copies import telling_columns
from phalanx.data.splits import split_folds
from phalanx.data.steps import known_steps, with_steps
from phalanx.errors import InputError
from phalanx.kinds.folds import together
from phalanx.kinds.kind import Encoder, How, Rows
from phalanx.options import Options
from phalanx.problem import Problem
from phalanx.search.heads import group_columns, make_goal
from phalanx.study import RULES
from phalanx.task import FoldRows

if TYPE_CHECKING:
    from phalanx.kinds.rows import RowKind

FOLDS = 5
"""Folds of few rows, where nothing is said; see `RowKind.few`."""


@dataclass(frozen=True)
class Target:
    """A column to predict: codes (int32) of its `labels`, or without labels numbers (float64), one a row, or
    (rows, steps) one for each step, see `phalanx.data.steps`.

    `constant`: whether numbers may all be equal, and are then only centred. `called`: its name in messages, if another.
    """

    name: str
    values: np.ndarray
    labels: ClassTarget | None = None
    constant: bool = False
    called: str = ""

    def column(self, at: np.ndarray, weight: np.ndarray | None) -> ClassTarget | NumberTarget:
        """Return the classes, or the standardization by the rows at some positions."""
        if self.labels is not None:
            return self.labels
        values, weight = self.known(at), None if weight is None else self._of_steps(weight[at], at)
        try:
            return NumberTarget.fit(values, weight, name=self.name)
        except InputError:
            if not self.constant:
                raise
            return NumberTarget(float(values[0]), 1.0, float(values[0]), float(values[0]))

    @property
    def each_step(self) -> bool:
        """Whether there is one for each step of a row."""
        return self.values.ndim > 1

    def known(self, at: np.ndarray) -> np.ndarray:
        """Return the values of the rows at some positions, or of all their steps."""
        values = self.values[at]
        return values[known_steps(values)] if self.each_step else values

    def _of_steps(self, held: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return what each row at some positions has, for each of its steps where each has a value."""
        return np.repeat(held, known_steps(self.values[at]).sum(1)) if self.each_step else held


@dataclass(frozen=True)
class Learned:
    """What rows with targets have become: the `kind` that they turned out to be, their `encoder`, and the problem.

    `at` are the positions among the given rows of those of the problem, `test` the positions among these of those that
    test.

    `columns` are those of a table, `groups` the positions of the targets of each goal; `notes` say what was decided,
    `warnings` what was noticed, and `of_split` what of it is about the split.
    """

    kind: Any
    encoder: Encoder
    problem: Problem
    at: np.ndarray
    test: np.ndarray
    groups: list[list[int]]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    of_split: tuple[str, ...]


def learn(
    kind: "RowKind",
    rows: Any,
    targets: Sequence[Target],
    how: How,
    *,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    held_out: tuple[Any, Sequence[np.ndarray]] | None = None,
) -> Learned:
    """Split rows, encode them by what the training rows of each fold say, and make a problem of them.

    `kind` is the `RowKind` of `rows`, which are a DataFrame, or an array whose first axis counts them.
    `weight` counts rows, see `copied_rows`. `groups`: of each row a number; equal ones stay on one side of every split.
    `held_out`: rows that validate in place of a share, and the values of each target. Rows of a table are put in an
    order of their own, so that the one they come in decides nothing.

    Raises `InputError` for too few rows, training rows of one class, and values that do not fit the likelihood.
    """
    beside = [target.values for target in targets] + ([] if groups is None else [groups])
    given = (rows, targets, weight, groups)
    at, weight = _in_order(rows, np.column_stack(beside), weight)
    held, groups = take(rows, at), None if groups is None else groups[at]
    targets = [replace(target, values=target.values[at]) for target in targets]
    usual = how.folds is None
    if usual:
        how = replace(how, folds=_usual_folds(kind, targets, groups, how) if held_out is None else 1)
    heads = group_columns(how.likelihood, [t.name for t in targets], [t.labels is not None for t in targets])
    if held_out is None:
        parts, test, notes = _split(targets, groups, how)
    else:
        inside = np.arange(len(at))
        parts, test, notes = [FoldRows(inside, np.arange(len(at), len(at) + len(held_out[1][0])))], at[:0], ()
    for part in parts:
        _check_classes(targets, part.train)
    learned_from = np.unique(np.concatenate([positions for part in parts for positions in part]))
    seen = take(rows, np.sort(at[learned_from[learned_from < len(at)]]))
    learnt = kind.learn(Rows(held, [part.train for part in parts], seen, weight), how)
    if usual and len(parts) > 1 and not learnt.kind.few:  # such as a table whose columns hold texts
        rows, targets, weight, groups = given
        return learn(kind, rows, targets, replace(how, folds=1), weight=weight, groups=groups)
    copies = _copies(learnt.columns, seen, at, learned_from, targets, how.ignore)
    encoder, inputs = together(learnt.encoders), learnt.inputs
    if targets[0].each_step:  # the steps of a row end where the encoder cuts it
        steps = inputs[0].shape[1]
        targets = [replace(target, values=with_steps(target.values, steps)) for target in targets]
        held_out = held_out and (held_out[0], [with_steps(values, steps) for values in held_out[1]])
    if held_out is not None:
        inputs = [_joined(inputs[0], _valid_inputs(encoder, held_out[0]))]
        targets = [
            replace(target, values=np.concatenate([target.values, more]))
            for target, more in zip(targets, held_out[1], strict=True)
        ]
        weight = None if weight is None else np.concatenate([weight, np.ones(len(held_out[1][0]))])
    goals = [_goals(targets, heads, how.likelihood, part.train, weight) for part in parts]
    values = tuple(
        targets[group[0]].values if goal.classes else np.stack([targets[i].values for i in group], axis=-1)
        for goal, group in zip(goals[0], heads, strict=True)
    )
    problem = Problem(
        tuple(inputs),
        goals[0] if len(parts) == 1 else _goals(targets, heads, how.likelihood, learned_from, weight),
        values,
        tuple(parts),
        encoder.input_layer,
        encoder.size(len(parts[0].train)),
        encoder.refit,
        weight,
        goals_of_folds=tuple(goals) if len(parts) > 1 else (),
    )
    _ = problem.rows  # made here, so that values which the likelihood cannot have are found before anything trains
    new = () if held_out is None else encoder.unseen(held_out[0])
    warnings = (*warnings_of(learnt.columns), *copies, *new)
    return Learned(learnt.kind, encoder, problem, at, test, heads, learnt.columns, learnt.notes, warnings, tuple(notes))


def further(
    rows: Any,
    values: Sequence[np.ndarray],
    encoder: Encoder,
    goals: Sequence[Goal],
    of_folds: Sequence[Sequence[Goal]] = (),
    weight: np.ndarray | None = None,
) -> Problem:
    """Return the problem of further rows, all of which train, in every fold: the encoder and the goals stay.

    `values` are those of each goal, `of_folds` the goals of each fold, if there are several. Raises `InputError` for
    what the encoder or the likelihood does not take.
    """
    at, weight = _in_order(rows, np.column_stack(values), weight)
    inputs = tuple(one.transform(take(rows, at)) for one in encoder.of_folds)
    part = FoldRows(np.arange(len(at)), np.arange(0))
    return Problem(
        inputs,
        tuple(goals),
        tuple(held[at] for held in values),
        (part,) * len(inputs),
        encoder.input_layer,
        encoder.size(len(at)),
        weight=weight,
        goals_of_folds=tuple(map(tuple, of_folds)),
    )


def take(rows: Any, at: np.ndarray) -> Any:
    """Return the rows at some positions of a DataFrame or an array."""
    return rows.iloc[at] if isinstance(rows, pd.DataFrame) else rows[at]


def _in_order(rows: Any, beside: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the positions of the rows that weights count, those of a table in an order of their own, and the weight of
    each, None: all count alike; `beside` are numbers of each row that order equal ones.
    """
    at = np.arange(len(beside))
    if weight is not None:
        at, weight = copied_rows(weight)
        weight = None if (weight == 1).all() else weight
    matrix = comparable(take(rows, at))
    if matrix is None:
        return at, weight
    order = canonical_order(matrix, beside[at], np.ones(len(at)) if weight is None else weight)
    return at[order], None if weight is None else weight[order]


def _split(
    targets: Sequence[Target], groups: np.ndarray | None, how: How
) -> tuple[list[FoldRows], np.ndarray, tuple[str, ...]]:
    """Return what trains and validates in each fold, what tests, and notes; classes are balanced where there is one
    target, of classes of rows, and no groups.
    """
    labels = targets[0].labels if len(targets) == 1 and groups is None and not targets[0].each_step else None
    classes = None if labels is None else labels.decode(targets[0].values)
    rows = len(targets[0].values)
    assert how.folds is not None
    if how.folds == 1:
        split = split_rows(rows, classes=classes, groups=groups, test=how.test, valid=how.valid, seed=how.seed)
        return [FoldRows(split.train, split.valid)], split.test, split.notes
    split = split_rows(rows, classes=classes, groups=groups, test=how.test, valid=0.0, seed=how.seed)
    rest = split.train
    folds = split_folds(
        len(rest),
        how.folds,
        classes=None if classes is None else classes[rest],
        groups=None if groups is None else groups[rest],
        seed=how.seed,
    )
    return [FoldRows(rest[train], rest[valid]) for train, valid in folds], split.test, split.notes


def folds_asked(folds: int | None, options: Options, said: bool) -> int | None:
    """Return the folds that are asked for, None: by the rows, where nothing is said of what validates: not by training
    again on all rows, by a bootstrap, or else (`said`).
    """
    otherwise = said or options.bootstrap or options.refit in RULES
    return 1 if folds is None and otherwise else folds


def _usual_folds(kind: "RowKind", targets: Sequence[Target], groups: np.ndarray | None, how: How) -> int:
    """Return how many folds there are where nothing is said: `FOLDS` of few rows, where each can have all classes."""
    parts, _, _ = _split(targets, groups, replace(how, folds=1))
    rest = np.concatenate(parts[0])
    units = len(rest) if groups is None else len(np.unique(groups[rest]))
    counts = [np.bincount(target.values[rest]) for target in targets if target.labels and not target.each_step]
    rare = any(count[count > 0].min() < FOLDS for count in counts)
    few = len(rest) < kind.few and units >= 2 * FOLDS and not targets[0].each_step and not rare
    if not few:
        return 1
    folds, _, _ = _split(targets, groups, replace(how, folds=FOLDS))
    whole = all(len(np.unique(target.values[part.train])) > 1 for target in targets if target.labels for part in folds)
    return FOLDS if whole else 1


def _check_classes(targets: Sequence[Target], train: np.ndarray) -> None:
    """Raise `InputError` where rows that train hold one class only."""
    for target in targets:
        if target.labels and len(np.unique(target.known(train))) < 2:
            which = "" if len(targets) == 1 else f" of {(target.called or target.name)!r}"
            raise InputError(
                f"the training rows hold one class{which} only, but two classes are needed; use more rows, another "
                "seed or other groups"
            )


def _goals(
    targets: Sequence[Target], heads: Sequence[Sequence[int]], likelihood: Any, train: np.ndarray, weight: Any
) -> tuple[Goal, ...]:
    """Return the goal of each head, standardized by the training rows."""
    goals = []
    for head, group in enumerate(heads):
        columns = [targets[i].column(train, weight) for i in group]
        goals.append(make_goal(likelihood, head, [targets[i].name for i in group], columns))
    return tuple(goals)


def _copies(
    columns: Sequence[Column],
    seen: Any,
    at: np.ndarray,
    learned: np.ndarray,
    targets: Sequence[Target],
    ignore: str,
) -> list[str]:
    """Return a warning of each column of a table that alone says a target."""
    if not isinstance(seen, pd.DataFrame):
        return []
    inside = learned[learned < len(at)]
    order = np.argsort(at[inside], kind="stable")
    return [
        f"column {name!r} alone says {(target.called or target.name)!r} in every row: if it is a copy of it, or known "
        f"only after it, leave it out{ignore.format(repr(name))}"
        for target in targets
        for name in telling_columns(
            [column for column in columns if column.tabular],
            seen,
            target.values[inside][order],
            target.labels is not None,
        )
    ]


def _valid_inputs(encoder: Encoder, rows: Any) -> Any:
    try:
        return encoder.transform(rows)
    except InputError as error:
        raise InputError(f"validation: {error}") from None


def _joined(inputs: Any, more: Any) -> Any:
    """Return encoded rows followed by others."""
    return jax.tree.map(lambda *parts: np.concatenate(parts), inputs, more)
