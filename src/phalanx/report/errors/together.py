"""All figures of the errors of a model, and of its members, target by target."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from phalanx.judged import ClassErrors, Errors, Judged
from phalanx.report.errors import classes, numbers
from phalanx.report.errors.members import agreement
from phalanx.report.figures import Figure

MOST_TARGETS = 8
"""Targets that have figures of their own, the first of them."""


def error_figures(judged: Judged) -> Iterator[Figure]:
    """Yield the figures of the errors in rows that are judged, and those of the members, target after target."""
    yield from of_each_target(judged, lambda errors: _of_errors(errors, judged))


def member_figures(judged: Judged) -> Iterator[Figure]:
    """Yield how alike the members are, target after target."""
    yield from of_each_target(judged, lambda errors: iter([agreement(errors, judged.called)]))


def of_each_target(judged: Judged, figures: Callable[[Errors], Iterator[Figure | None]]) -> Iterator[Figure]:
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
    for of_numbers in (numbers.predicted, numbers.residuals, numbers.spread):
        yield of_numbers(errors, called)
    yield numbers.coverage(errors, called, independent=not judged.goals[0].pooled)
