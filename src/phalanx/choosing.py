"""Which network is called the best, how sure its score is, and how much of that was luck.

Judged are trials: of several seeds the mean of their scores, of folds the score of what all say of rows that they did
not see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from phalanx.metrics import Metric
from phalanx.row_scores import RowScores


@dataclass(frozen=True)
class Optimism:
    """How good the best of several trials looks on the rows that chose it, and what it is worth without that luck, with
    the standard error of this.
    """

    metric: str
    best: float
    corrected: float
    error: float
    trials: int

    def to_plain(self) -> dict[str, Any]:
        """Return what result.json holds."""
        return asdict(self)


@dataclass(frozen=True)
class Resampled:
    """What draws of the validation rows say of trials, by their number.

    `errors`: standard errors of their scores. `apart`: standard errors of how far they are from the best.
    """

    errors: Mapping[int, float]
    apart: Mapping[int, float]
    optimism: Optimism | None


def resample(scores: RowScores, trials: Mapping[int, Sequence[int]], metric: Metric, seed: int) -> Resampled:
    """Draw the units of the validation rows again and again, with replacement, and score trials by what is drawn.

    `trials`: of each the places of its voices, one for each seed, the best trial first; the first of them, as many as
    `scores` have the time for.

    A standard error is the deviation over the draws: of a score, and of a score less that of the best trial in the same
    draw. The corrected score is that of the bootstrap bias corrected cross-validation (BBC-CV, Tsamardinos, Greasidou &
    Borboudakis 2018): in each draw the best trial is chosen by what is drawn, and scored by the rows that are not; the
    mean over draws is the score, and their deviation its error, which is rather too large, since about a third of the
    rows is left out of a draw.
    """
    compared = dict(list(trials.items())[: scores.most])
    names, voices = list(compared), [np.asarray(each) for each in compared.values()]
    counts = _draws(scores.units, scores.resamples, seed)
    found = scores.all(counts, np.concatenate(voices))
    ends = np.cumsum([len(of_trial) for of_trial in voices])[:-1]
    each = np.stack([of_trial.mean(1) for of_trial in np.split(found, ends, axis=1)], axis=1)
    errors = dict(zip(names, _deviation(each), strict=True))
    apart = dict(zip(names, _deviation(each - each[:, :1]), strict=True))
    optimism = _optimism(scores, voices, counts, each, metric, len(trials)) if len(trials) > 1 else None
    return Resampled(errors, apart, optimism)


def within_one_error(losses: Mapping[int, float], apart: Mapping[int, float], best: int) -> list[int]:
    """Return the trials whose loss is within one standard error of the best's (Breiman et al. 1984, section 3.4.3); the
    error is that of the difference, since all are judged by the same rows.

    >>> within_one_error({0: 1.0, 1: 1.1, 2: 1.3}, {0: 0.0, 1: 0.2, 2: 0.2}, best=0)
    [0, 1]
    """
    return [trial for trial in losses if losses[trial] - losses[best] <= apart.get(trial, -np.inf)]


def _draws(units: int, resamples: int, seed: int) -> np.ndarray:
    """Return how often each unit is drawn, (resamples, units)."""
    drawn = np.random.default_rng([seed, units]).integers(units, size=(resamples, units))
    places = drawn + units * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=resamples * units).reshape(resamples, units).astype(np.float64)


def _optimism(
    scores: RowScores,
    voices: Sequence[np.ndarray],
    counts: np.ndarray,
    each: np.ndarray,
    metric: Metric,
    trials: int,
) -> Optimism | None:
    """Return what is left of the best score; None where a draw leaves nothing to be said."""
    losses = np.where(np.isnan(each), np.inf, -each if metric.maximize else each)
    chosen = losses.argmin(1)
    left = (counts == 0).astype(np.float64)
    seeds = max(len(of_trial) for of_trial in voices)
    filled = np.stack([np.resize(of_trial, seeds) for of_trial in voices])  # one that lacks a seed says another twice
    by_seed = [scores.each(left, of_seed[chosen]) for of_seed in filled.T]
    outside = np.mean(by_seed, axis=0)[np.isfinite(losses.min(1))]
    outside = outside[np.isfinite(outside)]
    best = float(scores.all(np.ones((1, scores.units)), voices[0]).mean())
    if len(outside) < 2 or not np.isfinite(best):
        return None
    return Optimism(metric.name, best, float(outside.mean()), float(outside.std(ddof=1)), trials)


def _deviation(values: np.ndarray) -> list[float]:
    """Return the deviation over draws, of those that have a value."""
    with np.errstate(invalid="ignore"):
        known = np.isfinite(values)
        number = known.sum(0)
        held = np.where(known, values, 0)
        mean = held.sum(0) / np.maximum(number, 1)
        squares = (np.where(known, values - mean, 0) ** 2).sum(0)
    return [float(s) for s in np.where(number > 1, np.sqrt(squares / np.maximum(number - 1, 1)), np.nan)]
