"""What a fitted estimator keeps of its validation rows, from which a report is made when it is asked for."""

from dataclasses import dataclass

from phalanx.candidates import Fitted
from phalanx.judged import MOST, Part, of_validation
from phalanx.problem import Problem
from phalanx.report.figures import spread_out

_BYTES = 2**24
"""Of what networks said, about."""


@dataclass(frozen=True)
class Evidence:
    """What was said of validation rows, of `total` there are; `again`: whether networks learned from them later."""

    parts: list[Part]
    total: int
    again: bool


def evidence_of(problem: Problem, fitted: Fitted, ensemble: bool) -> Evidence | None:
    """Return what is kept of the validation rows, of many a part of them; None where there are none."""
    total = sum(len(problem.valid_values(fold)[0]) for fold in range(fitted.folds))
    if not total or not fitted.shares:
        return None
    said = [fitted.members[i].valid for i in fitted.shares]
    each = sum(p[:1].nbytes for one in said for p in one.predictions)
    each += sum(0 if o is None else o.z[:1].nbytes for one in said for o in one.outputs)
    rows = spread_out(total, min(MOST, max(1, _BYTES * fitted.folds // each)))
    return Evidence(of_validation(problem, fitted, rows, ensemble=ensemble), total, fitted.again)
