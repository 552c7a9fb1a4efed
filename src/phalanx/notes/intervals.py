"""How sure a mean is, as the chapters tell it."""

from typing import Any

import numpy as np
from scipy.stats import t as student


def interval(values: Any) -> tuple[float, float]:
    """Return the mean, and half the width of its 95 % interval by Student's t: t₀.₉₇₅ s / √n with n − 1 degrees.

    >>> mean, half = interval([1.0, 2.0, 3.0])
    >>> round(mean, 3), round(half, 3)
    (2.0, 2.484)
    """
    values = np.asarray(values)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(student.ppf(0.975, len(values) - 1) * error)
