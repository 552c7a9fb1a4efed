"""Figures of classes: which is taken for which, how well scores separate them, and whether probabilities are to be
believed.
"""

from typing import NamedTuple

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, confusion_matrix, precision_recall_curve, roc_curve

from phalanx.judged import ClassErrors
from phalanx.report.errors.words import number, share, some
from phalanx.report.figures import Figure, axis, band, line, lines, matrix, table

MOST_CLASSES, _EACH = 20, 10
"""Classes that a confusion matrix names, and those that have a curve of their own, at most."""

_BINS, _IN_A_BIN = 10, 20
_GRID = np.linspace(0, 1, 201)
SIGMAS = 1.96
"""Standard errors between which 95 of 100 estimates lie."""


def confusion(errors: ClassErrors, called: str) -> Figure:
    """Return how often each class is taken for each; of many classes the most confused by name, the rest as one."""
    counts = confusion_matrix(errors.truth, errors.found, labels=np.arange(len(errors.labels)))
    wrong = counts - np.diag(np.diag(counts))
    right, rows = int(np.trace(counts)), int(counts.sum())
    says = f"Of {called} {right:,} are right ({share(right / rows)})"
    if wrong.any():
        truth, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
        pair = f"{errors.labels[truth]} is taken for {errors.labels[said]}"
        says += f"; most often {pair} ({some(int(wrong.max()), 'time')})"
    labels, found = list(errors.labels), counts
    if len(labels) > MOST_CLASSES:
        order = np.argsort(-(wrong.sum(0) + wrong.sum(1)), kind="stable")
        kept = np.sort(order[:MOST_CLASSES])
        into = np.full(len(labels), MOST_CLASSES)
        into[kept] = np.arange(MOST_CLASSES)
        found = np.zeros((MOST_CLASSES + 1,) * 2, int)
        np.add.at(found, (into[:, None], into[None, :]), counts)
        others = len(labels) - MOST_CLASSES
        labels = [*(labels[i] for i in kept), f"{others:,} others"]
        says += f"; the {MOST_CLASSES} most confused classes have a row of their own, the other {others:,} one together"
    drawn = matrix(labels, labels, found, "said", "truth", "count")
    rows_of = [[label, *map(int, row)] for label, row in zip(labels, found, strict=True)]
    return Figure("confusion", "errors", "Which class is taken for which", says + ".", drawn,
                  table(["truth \\ said", *labels], rows_of))  # fmt: skip


class _Curve(NamedTuple):
    """A curve of one class against the rest, the area that sums it up, and the area of chance."""

    name: str
    x: np.ndarray
    y: np.ndarray
    area: float
    chance: float


def roc(errors: ClassErrors, called: str) -> Figure | None:
    """Return the curves of hits against false alarms over all thresholds; None where no class can be told apart."""
    curves = []
    for name, positive, score in _against_the_rest(errors):
        false, true, _ = roc_curve(positive, score)
        curves.append(_Curve(name, false, true, float(auc(false, true)), 0.5))
    if not curves:
        return None
    drawn = lines(
        axis("share of the other rows that are taken for the class"),
        axis("share of the rows of the class that are found"),
        _lines(curves, len(errors.labels)),
        reference="diagonal",
    )
    says = f"Over {called}, the area under the ROC curve is {_areas(curves)}; chance has 0.5."
    return Figure("roc", "errors", "ROC curves", says, drawn, _table(curves, "area under the ROC curve"))


def precision_recall(errors: ClassErrors, called: str) -> Figure | None:
    """Return the curves of precision against recall over all thresholds; None where no class can be told apart."""
    curves = []
    for name, positive, score in _against_the_rest(errors):
        precision, recall, _ = precision_recall_curve(positive, score)
        area = float(average_precision_score(positive, score))
        curves.append(_Curve(name, recall[::-1], precision[::-1], area, float(positive.mean())))
    if not curves:
        return None
    drawn = lines(
        axis("recall: share of the rows of the class that are found"),
        axis("precision: share of what is taken for the class that is of it"),
        _lines(curves, len(errors.labels)),
    )
    chance = number(float(np.mean([curve.chance for curve in curves])))
    says = f"Over {called}, the average precision is {_areas(curves)}; chance has {chance}."
    return Figure("precision_recall", "errors", "Precision and recall", says, drawn,
                  _table(curves, "average precision"))  # fmt: skip


def _against_the_rest(errors: ClassErrors) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return the name of each class, which rows are of it, and its scores; of two classes the second. Those are left
    out of which there is no row, or nothing but rows.
    """
    codes = [1] if len(errors.labels) == 2 else range(len(errors.labels))
    found = [(errors.labels[i], errors.truth == i, errors.said[:, i]) for i in codes]
    return [one for one in found if one[1].any() and not one[1].all()]


def _lines(curves: list[_Curve], classes: int) -> list[dict]:
    """Return the lines of each class, or of many classes the mean of their curves at equal x."""
    if classes <= _EACH:
        return [line(curve.name, curve.x, curve.y) for curve in curves]
    mean = np.mean([np.interp(_GRID, curve.x, curve.y) for curve in curves], axis=0)
    return [line(f"mean over {len(curves)} classes", _GRID, mean)]


def _areas(curves: list[_Curve]) -> str:
    """Return the area of the only curve, or the mean with the lowest."""
    if len(curves) == 1:
        return f"{curves[0].area:.4f} (of {curves[0].name})"
    low = min(curves, key=lambda curve: curve.area)
    mean = np.mean([curve.area for curve in curves])
    classes = f"{len(curves)} classes, each against the rest"
    return f"{mean:.4f} on average over {classes}, and lowest for {low.name} ({low.area:.4f})"


def _table(curves: list[_Curve], what: str) -> dict:
    return table(["class", what, "of chance"], [[curve.name, curve.area, curve.chance] for curve in curves])


class Bins(NamedTuple):
    """Rows by how probable something was said to be: in each bin the mean probability, how often it was so, and the
    number of rows.
    """

    said: np.ndarray
    came: np.ndarray
    rows: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error Σ_b (n_b / n) |came_b − said_b| (Naeini et al. 2015)."""
        return float(self.rows / self.rows.sum() @ np.abs(self.came - self.said))

    @property
    def chance(self) -> np.ndarray:
        """The binomial standard error √(p (1 − p) / n) that `came` has where what is `said` is right."""
        return np.sqrt(self.said * (1 - self.said) / self.rows)


def bins_of(came: np.ndarray, said: np.ndarray) -> Bins:
    """Return rows in bins of equally many, at most ten and of 20 rows or more; equal probabilities stay together."""
    count = int(np.clip(len(said) // _IN_A_BIN, 1, _BINS))
    came_of, said_of = calibration_curve(came.astype(int), said, pos_label=1, n_bins=count, strategy="quantile")
    edges = np.percentile(said, np.linspace(0, 1, count + 1) * 100)
    rows = np.bincount(np.searchsorted(edges[1:-1], said), minlength=count)
    return Bins(said_of, came_of, rows[rows > 0])


def calibration(errors: ClassErrors, called: str) -> Figure:
    """Return how often what is said with a probability is so: of two classes the second, else the class that is said.

    Source: Guo et al. 2017.
    """
    two = len(errors.labels) == 2
    came, said = (errors.truth == 1, errors.said[:, 1]) if two else (errors.right, errors.sure)
    found = bins_of(came, np.clip(said, 0, 1))
    wide = SIGMAS * found.chance
    outside = np.abs(found.came - found.said) > wide
    what = errors.labels[1] if two else "the class that is said"
    drawn = lines(
        axis(f"probability of {what}"),
        axis("how often it was so"),
        [line("these rows", found.said, found.came)],
        [
            band(
                "95 of 100 bins of probabilities that are right",
                found.said,
                np.maximum(found.said - wide, 0),
                np.minimum(found.said + wide, 1),
            )
        ],
        "diagonal",
    )
    lie = f"{int(outside.sum())} of {some(len(outside), 'bin')} {'lies' if outside.sum() == 1 else 'lie'}"
    says = (
        f"Over {called}, probabilities are {number(100 * found.error)} percentage points off on average (expected "
        f"calibration error {found.error:.4f}); {what} is given a probability of {share(float(said.mean()))} on "
        f"average, and {'comes' if two else 'is right'} in {share(float(came.mean()))}; {lie} outside of what chance "
        "does to probabilities that are right."
    )
    rows = list(zip(found.said, found.came, found.rows, found.chance, strict=True))
    return Figure("calibration", "errors", "Are probabilities to be believed?", says, drawn,
                  table(["said", "came", "rows", "standard error"], rows))  # fmt: skip
