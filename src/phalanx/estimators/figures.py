"""What a report shows of a fitted estimator: the errors in its validation rows."""

from dataclasses import replace
from typing import Any

from sklearn.utils.validation import check_is_fitted

from phalanx.estimators.evidence import Evidence
from phalanx.estimators.saving import renamed
from phalanx.judged import judge
from phalanx.report.errors.together import error_figures, member_figures
from phalanx.report.figures import Figure


def figures_of(estimator: Any) -> list[Figure]:
    """Return the figures of a fitted estimator."""
    check_is_fitted(estimator)
    evidence: Evidence | None = getattr(estimator, "_told", None)
    if evidence is None:
        return []
    what = "validation steps" if estimator._each_step else f"validation {estimator._kind.unit}s"
    judged = judge(evidence.parts, what, evidence.total, evidence.again)
    called, labels = estimator._called, estimator._labels()
    judged = replace(judged, goals=tuple(renamed(goal, called, labels) for goal in judged.goals))
    return [*error_figures(judged), *member_figures(judged)]
