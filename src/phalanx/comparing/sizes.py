"""How large a difference is worth seeing where nobody says, and how differences of a metric are told."""

import numpy as np
import pandas as pd

from phalanx.metrics import Metric

SHARES = ("accuracy", "balanced_accuracy", "f1", "roc_auc", "average_precision", "r2", "score")
"""Metrics whose best value is 1; differences are told in hundredths of that, points."""
_NATS = ("log_loss", "nll", "nats_per_token")
"""Metrics in nats: a difference of 0.01 is 1% in the probability of what came."""


def practical_size(metric: Metric, scores: pd.DataFrame) -> float:
    """Return the size of a difference that a person may care about, in units of the metric: half a point, 0.01 nats,
    or of any other metric 1% of the mean score.

    >>> from phalanx.metrics import metrics_of
    >>> practical_size(metrics_of(classify=False)["rmse"], pd.DataFrame({"a": [54.0, 56.0]}))
    0.55
    """
    if metric.kind in SHARES:
        return 0.005
    if metric.kind in _NATS:
        return 0.01
    values = scores.to_numpy(float)
    return 0.01 * float(np.abs(values[np.isfinite(values)]).mean()) if np.isfinite(values).any() else float("nan")


def told(value: float, metric: Metric) -> str:
    """Return a difference without its unit.

    >>> from phalanx.metrics import metrics_of
    >>> told(0.0123, metrics_of(classify=True)["accuracy"]), told(1.234, metrics_of(classify=False)["rmse"])
    ('1.2', '1.23')
    """
    if metric.kind in SHARES and np.isfinite(value):
        return f"{100 * value:.1f}" if abs(value) >= 0.0005 else f"{100 * value:.2g}"
    return f"{value:.3g}"


def unit(metric: Metric) -> str:
    """Return what differences of a metric are told in."""
    return f"points of {metric.name}" if metric.kind in SHARES else f"in {metric.name}"
