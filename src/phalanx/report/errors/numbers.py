"""Figures of numbers: predictions beside the truth, what is left over, and whether intervals hold what they promise."""

import numpy as np
from scipy.stats import norm, spearmanr
from sklearn.metrics import r2_score, root_mean_squared_error

from phalanx.judged import NumberErrors
from phalanx.report.errors.classes import SIGMAS
from phalanx.report.errors.words import number, share
from phalanx.report.figures import Figure, axis, band, line, lines, points, spread_out, table

_NOMINAL = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_USUAL = 0.9  # the level of which a sentence speaks
_MOST_BINS = 40
_SHOWN = 200  # rows in the table of a scatter
_SURE = 0.01  # the chance of a rank correlation as strong as the one that is named


def predicted(errors: NumberErrors, called: str) -> Figure:
    """Return predictions against the truth."""
    drawn = points(
        axis(f"true {errors.name}"), axis(f"predicted {errors.name}"), errors.truth, errors.said, reference="diagonal"
    )
    off = np.abs(errors.residual)
    far = int(off.argmax())
    spread = (
        f", {share(r2_score(errors.truth, errors.said))} of the spread of {errors.name} is explained (r2)"
        if len(off) > 1 and np.ptp(errors.truth) and r2_score(errors.truth, errors.said) > 0
        else ""
    )
    says = (
        f"Over {called}, predictions are off by {number(float(off.mean()))} on average (rmse "
        f"{number(root_mean_squared_error(errors.truth, errors.said))}){spread}; the largest error is "
        f"{number(float(off[far]))}: predicted {number(float(errors.said[far]))}, in truth "
        f"{number(float(errors.truth[far]))}."
    )
    return Figure("predicted", "errors", "Predictions and the truth", says, drawn, _pairs(errors))


def _pairs(errors: NumberErrors) -> dict:
    """Return truth, prediction and deviation of some rows, the worst first."""
    at = spread_out(len(errors.truth), _SHOWN)
    at = at[np.argsort(-np.abs(errors.residual[at]), kind="stable")]
    rows = zip(errors.truth[at], errors.said[at], errors.residual[at], errors.deviation[at], strict=True)
    return table(["truth", "predicted", "truth - predicted", "predicted deviation"], list(rows))


def residuals(errors: NumberErrors, called: str, independent: bool = True) -> Figure:
    """Return what is left over against the prediction: a trend that the networks missed, or a spread that grows. What
    chance does is said of `independent` rows.
    """
    left = errors.residual
    mean, error = float(left.mean()), float(left.std(ddof=1) / np.sqrt(len(left))) if len(left) > 1 else np.inf
    drawn = points(axis(f"predicted {errors.name}"), axis("truth - predicted"), errors.said, left, reference="zero")
    low = "low" if mean > 0 else "high"
    bias = (
        f"predictions are too {low} by {number(abs(mean))} on average (± {number(SIGMAS * error)})"
        if abs(mean) > SIGMAS * error
        else f"no bias is seen (truth - predicted is {number(mean)} ± {number(SIGMAS * error)} on average)"
    )
    bias = bias if independent else f"truth - predicted is {number(mean)} on average"
    grows = ""
    if independent and len(left) > 2 and np.ptp(errors.said) > 0 and np.ptp(np.abs(left)) > 0:
        found = spearmanr(errors.said, np.abs(left))
        if found.pvalue < _SURE:
            which = "larger" if found.statistic > 0 else "smaller"
            grows = f"; errors are {which} where predictions are high (rank correlation {found.statistic:.2f})"
    tenths = [part for part in np.array_split(np.argsort(errors.said, kind="stable"), 10) if len(part)]
    rows = [
        [errors.said[part].min(), errors.said[part].max(), len(part), left[part].mean(), left[part].std()]
        for part in tenths
    ]
    return Figure("residuals", "errors", "What is left over", f"Over {called}, {bias}{grows}.", drawn,
                  table(["predicted from", "to", "count", "mean of truth - predicted", "deviation"], rows))  # fmt: skip


def spread(errors: NumberErrors, called: str) -> Figure:
    """Return how what is left over is distributed, beside a normal distribution of its mean and deviation."""
    left = errors.residual
    counts, edges = np.histogram(left, bins=int(np.clip(np.sqrt(len(left)), 1, _MOST_BINS)))
    middle = (edges[:-1] + edges[1:]) / 2
    found = [line("what is left over", middle, counts)]
    if left.std() > 0:
        x = np.linspace(edges[0], edges[-1], 101)
        normal = len(left) * (edges[1] - edges[0]) * norm.pdf(x, left.mean(), left.std())
        found.append(line("normal distribution of their mean and deviation", x, normal))
    half, most = np.quantile(np.abs(left), [0.5, 0.9])
    says = (
        f"Over {called}, half of the errors are below {number(float(half))}, nine in ten below {number(float(most))}, "
        f"the largest is {number(float(np.abs(left).max()))}."
    )
    drawn = lines(axis("truth - predicted"), axis("how many"), found)
    rows = [[low, high, int(count)] for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)]
    return Figure("spread", "errors", "How errors are spread", says, drawn, table(["from", "to", "count"], rows))


def held(errors: NumberErrors, level: float) -> np.ndarray:
    """Return which rows lie in the central interval of a level: P(Y ≤ y) ≥ (1 − level)/2 and P(Y < y) ≤ (1 + level)/2,
    which for counts are the whole numbers from one quantile to the other.
    """
    return (errors.upto >= (1 - level) / 2) & (errors.below <= (1 + level) / 2)


def coverage(errors: NumberErrors, called: str, independent: bool = True) -> Figure:
    """Return the share of rows that intervals hold, by the probability that they promise; the band is what chance does
    to `independent` rows where the intervals are right.
    """
    levels = np.array(_NOMINAL)
    shares = np.array([held(errors, level).mean() for level in levels])
    chance = np.sqrt(levels * (1 - levels) / len(errors.truth))
    at = _NOMINAL.index(_USUAL)
    wide = SIGMAS * chance[at]
    off = shares[at] - _USUAL
    verdict = (
        f"within what chance does (± {100 * wide:.1f} percentage points)"
        if abs(off) <= wide
        else f"they are too {'wide' if off > 0 else 'narrow'}"
    )
    if not independent:
        verdict = "" if abs(off) <= wide else f"{verdict}, if rows were independent"
    says = f"Of {called}, the 90% intervals hold {share(float(shares[at]))}{': ' if verdict else ''}{verdict}."
    bands = [
        band(
            "95 of 100 intervals that are right",
            levels,
            np.maximum(levels - SIGMAS * chance, 0),
            np.minimum(levels + SIGMAS * chance, 1),
        )
    ]
    drawn = lines(
        axis("probability of the interval"),
        axis("share that it holds"),
        [line("these rows", levels, shares)],
        bands if independent else (),
        "diagonal",
    )
    rows = list(zip(levels, shares, chance, strict=True))
    return Figure("coverage", "errors", "Do intervals hold what they promise?", says, drawn,
                  table(["probability", "share held", "standard error by chance"], rows))  # fmt: skip
