"""How numbers and dates of a table are scaled: by what their training rows say, robust or standardized."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phalanx.data.dates import CYCLES

#: The quantiles a number is scaled by.
QUARTILES = (0.25, 0.5, 0.75)
#: Where the smooth clip levels off, in scaled units.
CLIP = 3.0
#: The names of what `waves` returns.
WAVES = ("sine", "cosine")

_LARGEST = 1e300  # numbers are cut here, so that no difference of two overflows
_LARGEST_SCALED = 1e30  # a float32 holds it, and its square is finite
_COUNTS_CLIP = 30.0  # where it does for whole numbers of few values, none of them outlying
_COUNTS, _COUNTS_ROWS = 20, 10  # few values are at most so many, each with so many rows on average


@dataclass(frozen=True)
class NumberScale:
    """A number column: what is taken off, what it is divided by, whether missing cells get an indicator, and where it
    levels off, None: nowhere.
    """

    name: str
    center: float
    scale: float
    indicator: bool
    clip: float | None = CLIP


@dataclass(frozen=True)
class DateScale:
    """A date column: its days since 1970 scaled as a number, and the cycles it moves through."""

    name: str
    center: float
    scale: float
    indicator: bool
    date_format: str
    cycles: tuple[str, ...]
    clip: float | None = CLIP


def scaled(raw: np.ndarray, scales: Sequence[NumberScale | DateScale]) -> np.ndarray:
    """Scale columns of numbers and days and add the indicators, all as float32."""
    center = np.array([scale.center for scale in scales], dtype=np.float64)
    # Dividing by infinity makes a column without spread 0.
    spread = np.array([scale.scale or np.inf for scale in scales], dtype=np.float64)
    with np.errstate(over="ignore"):
        z = (np.clip(raw, -_LARGEST, _LARGEST) - center) / spread
    z = np.clip(z, -_LARGEST_SCALED, _LARGEST_SCALED)
    clip = np.array([scale.clip or np.inf for scale in scales])
    z /= np.sqrt(1.0 + (z / clip) ** 2)
    missing = np.isnan(raw)
    z[missing] = 0.0
    marked = [position for position, scale in enumerate(scales) if scale.indicator]
    return np.hstack([z, missing[:, marked]], dtype=np.float32, casting="same_kind")


def robust_scale(values: np.ndarray, weight: np.ndarray | None) -> tuple[float, float, bool]:
    """Return center, scale, and whether some but not all values are missing."""
    values, weight, indicator = _present(values, weight)
    if not len(values):
        return 0.0, 0.0, False
    low, middle, high = np.quantile(values, QUARTILES, method="inverted_cdf", weights=weight)
    return float(middle), float(high - low or (values.max() - values.min()) / 2), indicator


def standard_scale(values: np.ndarray, weight: np.ndarray | None) -> tuple[float, float, bool]:
    """Return mean, deviation, and whether some but not all values are missing."""
    values, weight, indicator = _present(values, weight)
    if not len(values) or (values == values[0]).all():
        return (float(values[0]) if len(values) else 0.0), 0.0, indicator
    unit = float(np.abs(values).max())  # its square may not be finite
    mean = np.average(values / unit, weights=weight)
    deviation = np.sqrt(np.average((values / unit - mean) ** 2, weights=weight))
    return float(mean * unit), float(deviation * unit), indicator


def _present(values: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Return the values that are not missing, their weights, and whether some but not all are missing."""
    present = ~np.isnan(values)
    whole = bool(present.all())
    if not whole:
        values, weight = values[present], None if weight is None else weight[present]
    return np.clip(values, -_LARGEST, _LARGEST), weight, bool(present.any()) and not whole


def number_scale(name: str, values: np.ndarray, weight: np.ndarray | None, scaling: str) -> NumberScale:
    """Return how a column of numbers is scaled, by one of `phalanx.study.SCALINGS`."""
    if scaling == "standard":
        return NumberScale(name, *standard_scale(values, weight), clip=None)
    if scaling == "none":
        return NumberScale(name, 0.0, 1.0, _present(values, weight)[2], clip=None)
    center, scale, indicator = robust_scale(values, weight)
    present = ~np.isnan(values)
    seen = np.unique(values[present])
    rows = present.sum() if weight is None else weight[present].sum()
    counts = 1 < len(seen) <= _COUNTS and rows >= _COUNTS_ROWS * len(seen) and bool((seen == np.floor(seen)).all())
    near = counts and float(np.abs(seen - center).max()) <= CLIP * scale
    return NumberScale(name, center, scale, indicator, _COUNTS_CLIP if near else CLIP)


def cycles_in(since: np.ndarray) -> tuple[str, ...]:
    """Return the cycles that days since 1970 move through."""
    seen = since[~np.isnan(since)]
    if not seen.size:
        return ()
    # Within one day, as times of day are, neither year nor week says more than the day does.
    cycles = CYCLES if np.ptp(np.floor(seen)) > 0 else {"day": CYCLES["day"]}
    return tuple(cycle for cycle, period in cycles.items() if np.ptp(np.mod(seen, period)) > 0)


def waves(since: np.ndarray, cycle: str) -> np.ndarray:
    """Return sine and cosine of where days since 1970 stand in a cycle, (rows, 2), 0 where missing."""
    phase = 2 * np.pi * np.mod(since, CYCLES[cycle]) / CYCLES[cycle]
    return np.nan_to_num(np.stack([np.sin(phase), np.cos(phase)], axis=1))
