"""What a report shows of a fitted estimator: the errors in its validation rows."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from typing import Any

from sklearn.utils.validation import check_is_fitted

from phalanx.estimators.evidence import Evidence
from phalanx.estimators.saving import renamed
from phalanx.judged import Asked, asked_by_fold, judge
from phalanx.kinds.language.judged import TextErrors
from phalanx.metrics import metrics_for
from phalanx.report.errors.language import members, text_figures
from phalanx.report.errors.together import all_figures, forecast_figures
from phalanx.report.figures import Figure


def figures_of(estimator: Any) -> list[Figure]:
    """Return the figures of a fitted estimator."""
    check_is_fitted(estimator)
    told = getattr(estimator, "_told", None)
    if isinstance(told, TextErrors):
        alike = members(told)
        return [*text_figures(told), *([] if alike is None else [alike])]
    return [] if told is None else list(_of_rows(estimator, told))


def _of_rows(estimator: Any, told: Evidence) -> Iterator[Figure]:
    what = "validation steps" if estimator._each_step else f"validation {estimator._kind.unit}s"
    judged = judge(told.parts, what, told.total, told.again)
    if told.recent is not None:
        return forecast_figures(judged, told.recent.ahead(estimator._column), told.recent.names()[-judged.rows :])
    called, labels = estimator._called, estimator._labels()
    judged = replace(judged, goals=tuple(renamed(goal, called, labels) for goal in judged.goals))
    metric, asked, gallery = metrics_for(judged.goals).get(_metric(estimator)), list[Asked](), None
    if told.kept is not None:
        predictor = replace(estimator._predictor, goals=judged.goals)
        asked = asked_by_fold(predictor, told.kept.inputs, told.kept.values, estimator.encoder_)
        gallery = told.kept.gallery
    return all_figures(judged, asked, metric, lambda: inf, gallery)


def _metric(estimator: Any) -> str:
    """Return the name of the metric of the run, with the target as it was given."""
    target, _, metric = estimator._ranked_by[0].rpartition(".")
    return f"{estimator._called.get(target, target)}.{metric}" if target else metric
