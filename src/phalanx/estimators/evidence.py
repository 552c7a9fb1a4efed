"""What a fitted estimator keeps of its validation rows, from which a report is made when it is asked for."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from phalanx.candidates import Fitted
from phalanx.judged import MOST, Part, of_validation
from phalanx.kinds.series.recent import Recent
from phalanx.kinds.shown import Gallery
from phalanx.problem import Problem, rows_at
from phalanx.report.figures import spread_out

_BYTES = 2**24
"""Of what networks said, and of the rows, about."""

_ROWS = 2_000
"""Rows that are kept themselves, at most."""


@dataclass(frozen=True)
class Kept:
    """Validation rows that are kept: those of each fold as its encoder makes them, with the values of each goal; and
    the same rows, one fold after the other, to be shown.
    """

    inputs: list[Any]
    values: list[tuple[np.ndarray, ...]]
    gallery: Gallery


@dataclass(frozen=True)
class Evidence:
    """What was said of validation rows, of `total` there are; `again`: whether networks learned from them later.

    `recent`: the windows of a series. `kept`: rows themselves, None: of a series, or where each step has a target.
    """

    parts: list[Part]
    total: int
    again: bool
    kept: Kept | None = None
    recent: Recent | None = None


def evidence_of(
    problem: Problem,
    fitted: Fitted,
    ensemble: bool,
    kind: Any = None,
    encoder: Any = None,
    given: Any = None,
    at: np.ndarray | None = None,
    recent: Recent | None = None,
) -> Evidence | None:
    """Return what is kept of the validation rows, of many a part of them; None where there are none.

    `given` are the rows that validate as the encoder of the `kind` takes them, at the positions `at`, fold after fold.
    """
    total = sum(len(problem.valid_values(fold)[0]) for fold in range(fitted.folds))
    if not total or not fitted.shares:
        return None
    said = [fitted.members[i].valid for i in fitted.shares]
    each = sum(p[:1].nbytes for one in said for p in one.predictions)
    each += sum(0 if o is None else o.z[:1].nbytes for one in said for o in one.outputs)
    most = min(MOST, max(1, _BYTES * fitted.folds // each))
    if recent is not None:
        rows, drawn = recent.looked_at()[-most:], recent.drawn()[-most:]
        return Evidence(of_validation(problem, fitted, rows, drawn, ensemble), total, fitted.again, recent=recent)
    rows = spread_out(total, most)
    parts = of_validation(problem, fitted, rows, ensemble=ensemble)
    kept = None if at is None or problem.real is not None else _kept(problem, rows, kind, encoder, given, at)
    return Evidence(parts, total, fitted.again, kept)


def _kept(problem: Problem, rows: np.ndarray, kind: Any, encoder: Any, given: Any, at: np.ndarray) -> Kept:
    """Return the rows that are kept, of those at some positions among the validation rows."""
    valid = problem.valid
    each = sum(leaf[:1].nbytes for leaf in jax.tree.leaves(problem.inputs))
    shown = spread_out(len(rows), min(_ROWS, max(1, _BYTES // max(each, 1))))
    chosen = rows[shown]
    gallery = Gallery(
        kind,
        encoder,
        rows_at(problem.inputs[0], valid[chosen]),
        kind.kept(given, at[chosen], encoder),
        [f"X[{i}]" for i in at[chosen]],
        shown,
    )
    inputs, values, first = [], [], 0
    for fold, part in enumerate(problem.folds):
        held = part.valid[chosen[(chosen >= first) & (chosen < first + len(part.valid))] - first]
        inputs.append(rows_at(problem.inputs[fold], held))
        values.append(problem.values_at(held))
        first += len(part.valid)
    return Kept(inputs, values, gallery)
