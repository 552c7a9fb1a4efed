"""Windows of a series: the past that each forecast sees, the values that follow, and parts in the order of time.

The origin of a forecast is the last step that it sees. A window holds the origin and the steps before it; its targets
are the values of the `horizon` steps after it.
"""

from math import ceil

import numpy as np

from phalanx.data.splits import FEWEST_ROWS, Split
from phalanx.errors import InputError


def sliding(values: np.ndarray, steps: int) -> np.ndarray:
    """Return every run of so many steps, (runs, steps, ...), as a view.

    >>> sliding(np.array([1, 2, 3]), 2).tolist()
    [[1, 2], [2, 3]]
    """
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(values, steps, axis=0), -1, 1)


def origins(length: int, steps: int, horizon: int) -> np.ndarray:
    """Return the origins, of a series of so many steps, that have a full window and a full horizon, in order."""
    return np.arange(steps - 1, length - horizon)


def origins_of(values: np.ndarray, steps: int, horizon: int) -> np.ndarray:
    """Return the origins of a series, NaN where missing, that have a full window and a target that is known.

    >>> origins_of(np.array([1, 2, np.nan, np.nan, 5]), steps=1, horizon=2).tolist()
    [0, 2]
    """
    found = origins(len(values), steps, horizon)
    return found[~np.isnan(targets(values, found, horizon)).all(axis=1)]


def targets(values: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    """Return the values of the `horizon` steps after each origin, (origins, horizon), NaN where missing."""
    return values[origins[:, None] + np.arange(1, horizon + 1)]


def split_origins(origins: np.ndarray, horizon: int, test: float, valid: float) -> Split:
    """Split origins, ascending, in the order of time: the last share tests, the last share of the rest validates.

    Between two parts so many origins are left out that no value is a target of both. Raises InputError where too few
    are left to train on.

    >>> split = split_origins(np.arange(10), horizon=2, test=0.2, valid=0.25)
    >>> split.train, split.valid, split.test
    (array([0, 1, 2, 3]), array([5, 6]), array([8, 9]))
    """
    for share, part in ((test, "test"), (valid, "validation")):
        if not 0 <= share < 1:
            raise InputError(f"the {part} share must be at least 0 and below 1, not {share}")
    rest, tested = _cut(origins, np.arange(len(origins)), horizon, test)
    rest, validated = _cut(origins, rest, horizon, valid)
    if len(rest) < FEWEST_ROWS:
        raise InputError(
            f"{len(origins):,} windows of the series have a full past and future, of which {len(rest)} are left to "
            f"train on, and {FEWEST_ROWS} are needed; give a longer series, a shorter horizon, or a shorter window"
        )
    return Split(rest, validated, tested)


def _cut(origins: np.ndarray, rows: np.ndarray, horizon: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows whose targets end before those of the last share of them begin, and that share."""
    if not share or not len(rows):
        return rows, rows[:0]
    last = rows[len(rows) - ceil(share * len(rows)) :]
    return rows[origins[rows] + horizon <= origins[last[0]]], last
