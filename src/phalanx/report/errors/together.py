"""All figures of the errors of a model, and of its members, target by target."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from phalanx.judged import Asked, ClassErrors, Errors, Judged
from phalanx.kinds.shown import Gallery
from phalanx.metrics import Metric
from phalanx.report.errors import classes, numbers
from phalanx.report.errors.cases import worst
from phalanx.report.errors.columns import SECONDS, drops, importance, timed
from phalanx.report.errors.forecast import Ahead, by_step, forecast, worst_windows
from phalanx.report.errors.members import agreement
from phalanx.report.figures import Figure

MOST_TARGETS = 8
"""Targets that have figures of their own, the first of them."""


def all_figures(
    judged: Judged, asked: Sequence[Asked], metric: Metric | None, left: Callable[[], float], gallery: Gallery | None
) -> Iterator[Figure]:
    """Yield all figures; `asked` are the same rows, to be asked of again, `metric` is that of the run, `left` says how
    many seconds there are, and `gallery` shows the rows.
    """
    yield from error_figures(judged)
    found = drops(asked, metric, timed(min(SECONDS, left()))) if asked and metric is not None else None
    if found is not None:
        yield importance(found, judged.goals, judged.what, judged.again)
    if gallery is not None:
        telling = [] if found is None else [name for name, _ in found.ranked]
        yield from of_each_target(judged, lambda errors: [worst(errors, judged.called, gallery, telling)])
    yield from member_figures(judged)


def error_figures(judged: Judged) -> Iterator[Figure]:
    """Yield the figures of the errors in rows that are judged, and those of the members, target after target."""
    yield from of_each_target(judged, lambda errors: _of_errors(errors, judged))


def member_figures(judged: Judged) -> Iterator[Figure]:
    """Yield how alike the members are, target after target."""
    yield from of_each_target(judged, lambda errors: [agreement(errors, judged.called)])


def of_each_target(judged: Judged, figures: Callable[[Errors], Iterable[Figure | None]]) -> Iterator[Figure]:
    """Yield figures of each target, of the first where there are many; with several the target is named."""
    found = judged.errors()
    for errors in found[:MOST_TARGETS]:
        for figure in figures(errors):
            if figure is not None:
                yield figure if len(found) == 1 else _named(figure, errors.name, len(found))


def _named(figure: Figure, target: str, targets: int) -> Figure:
    few = f" (figures are of {MOST_TARGETS} of {targets:,} targets)" if targets > MOST_TARGETS else ""
    return replace(
        figure, id=f"{figure.id}.{target}", title=f"{target}: {figure.title}", says=f"{target}: {figure.says}{few}"
    )


def _of_errors(errors: Errors, judged: Judged) -> Iterator[Figure | None]:
    called = judged.called
    if isinstance(errors, ClassErrors):
        for of_classes in (classes.confusion, classes.roc, classes.precision_recall, classes.calibration):
            yield of_classes(errors, called)
        return
    independent = not judged.goals[0].pooled
    yield numbers.predicted(errors, called)
    yield numbers.residuals(errors, called, independent)
    yield numbers.spread(errors, called)
    yield numbers.coverage(errors, called, independent)


def forecast_figures(judged: Judged, ahead: Ahead, names: Sequence[str]) -> Iterator[Figure]:
    """Yield all figures of a forecast; `names` are those of its windows."""
    yield forecast(judged, ahead)
    step = by_step(judged)
    if step is not None:
        yield step
    yield from error_figures(judged)
    yield worst_windows(judged, names)
    yield from member_figures(judged)
