"""From where a forecast is measured: the mean of the past as a whole, or the last value that it sees."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

AnchorKind = Literal["mean", "last", "ratio"]

_HALF = 0.5  # of the error of the mean
_GREW = 1.5  # factor between changes late and early
_FEWEST = 20  # windows from which an anchor is chosen
_SHARE = 0.25  # of the training windows on which anchors are compared


@dataclass(frozen=True)
class Anchor:
    """From where, and in which unit, a network sees the values of a window and those that it forecasts:

    - "mean": (y − center) / scale, for a series that stays around its mean;
    - "last": (y − y_last) / scale, for one that wanders (NLinear, Zeng et al. 2023);
    - "ratio": (y − y_last) / |y_last|, for one that grows by a factor.

    y_last is the last value of the window. `center` and `scale` are in units of the series; for "ratio" the center is
    0. Windows hold u = (y − center) / scale.

    >>> Anchor("last", center=10, scale=2).relative(np.array([[13]]), np.array([[[0], [1]]])).tolist()  # (13 − 12) / 2
    [[0.5]]
    """

    kind: AnchorKind
    center: float
    scale: float

    def relative(self, values: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """Return values (rows, columns) as seen from windows (rows, steps, channels), whose first channel is u."""
        level, unit = self._frame(windows)
        return (values - level) / unit

    def absolute(self, found: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """Undo `relative`; the rows are the last axis but one."""
        level, unit = self._frame(windows)
        return found * unit + level

    def unit(self, windows: np.ndarray) -> np.ndarray:
        """Return how much 1 is, in units of the series, for each row, (rows, 1)."""
        return self._frame(windows)[1]

    def _frame(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        last = windows[:, -1, :1].astype(np.float64)
        if self.kind == "mean":
            return np.full_like(last, self.center), np.full_like(last, self.scale)
        unit = np.maximum(np.abs(last), np.finfo(np.float32).eps) if self.kind == "ratio" else np.ones_like(last)
        return self.center + self.scale * last, self.scale * unit


def choose_anchor(last: np.ndarray, targets: np.ndarray) -> AnchorKind:
    """Return the anchor from which the series looks most alike early and late in the training windows.

    `last` (rows,) are the last values of windows, and `targets` (rows, horizon) those to forecast, in order. The mean
    is the anchor unless the last value, with the mean change from it, halves the error of the mean in the last quarter.
    Then it is "ratio" if all values are positive, and changes from the last value grew or shrank by half between the
    earlier windows and the last quarter, but less as ratios.
    """
    border = len(last) - int(_SHARE * len(last))
    early, late = slice(0, max(border - targets.shape[1] + 1, 1)), slice(border, None)
    if len(last) < _FEWEST:
        return "mean"
    level = last[:, None]
    changes = targets - level
    of_mean = np.abs(targets[late] - targets[early].mean(0)).mean()
    of_last = np.abs(changes[late] - changes[early].mean(0)).mean()
    if of_last >= _HALF * of_mean:
        return "mean"

    def growth(found: np.ndarray) -> float:
        """Return by what factor typical values differ between the earlier windows and the late ones."""
        sizes = [float(np.sqrt(np.mean(found[part] ** 2))) or np.finfo(float).tiny for part in (early, late)]
        return max(sizes) / min(sizes)

    positive = min(last.min(), targets.min()) > 0
    return "ratio" if positive and growth(changes) > max(_GREW, growth(changes / level)) else "last"
