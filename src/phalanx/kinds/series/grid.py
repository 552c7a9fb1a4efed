"""A table becomes a series on a regular grid; what was missing, moved or out of order is said."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from phalanx.data.targets import no_column
from phalanx.errors import InputError
from phalanx.kinds.series.layout import Layout, read_numbers, read_times
from phalanx.kinds.series.times import Times, places_of, text_of


@dataclass(frozen=True)
class Series:
    """A series on a regular grid: its times, `values` (steps, columns) float64 with NaN where missing, and warnings.

    The first column is the one to forecast; it is present in the first and the last step.
    """

    times: Times
    values: np.ndarray
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def days(self) -> np.ndarray:
        """The times in days since 1970, float64; of whole numbers, the numbers."""
        times = self.times.at(np.arange(len(self)))
        return times.astype(float) if times.dtype.kind == "i" else times.astype(np.int64) / 86_400_000_000

    def filled(self) -> np.ndarray:
        """Return the values with the last one before in the place of each that is missing; NaN where there is none."""
        return pd.DataFrame(self.values).ffill().to_numpy()


def read_series(frame: pd.DataFrame, layout: Layout) -> Series:
    """Put the rows of a table on a regular grid.

    Rows out of order are sorted, and steps without a row become steps of missing values, with a warning; so do cells of
    the series that are missing or are not numbers. Steps before the first and after the last value to forecast are
    left out. Raises InputError for a column that is absent, a time that occurs twice, times that are not regular, and a
    series without values.

    >>> from phalanx.kinds.series.times import Step
    >>> table = pd.DataFrame({"day": ["2024-01-03", "2024-01-01"], "sold": [5, 3]})
    >>> series = read_series(table, Layout("day", "", Step("microsecond", 86_400_000_000), ("sold",)))
    >>> series.values.ravel().tolist(), series.filled().ravel().tolist(), series.times.text(np.array([3]))
    ([3.0, nan, 5.0], [3.0, 3.0, 5.0], ['2024-01-04'])
    >>> series.warnings[0]
    "the rows are not in the order of 'day': sorted"
    """
    names = [str(name) for name in frame.columns]
    for name in (*layout.columns, *(() if layout.time is None else (layout.time,))):
        if name not in names:
            raise no_column(name, "the forecast", names)
    read = [read_numbers(frame[name], name) for name in layout.columns]
    values = np.column_stack([column for column, _ in read])
    warnings = [warning for _, warning in read if warning]
    for (column, warning), name in zip(read, layout.columns, strict=True):
        missing = int(np.isnan(column).sum())
        if missing and not warning:
            warnings.append(
                f"column {name!r} has no value in {missing:,} of {len(column):,} rows: the last one before stands in"
            )
    if np.isnan(values[:, 0]).all():
        raise InputError(f"column {layout.columns[0]!r} has no value in any row: there is nothing to forecast")
    times = Times(layout.step, 1)
    if layout.time is not None:
        found, zone = read_times(frame[layout.time], layout.time, layout.spelling)
        if (found.dtype.kind == "i") != (layout.step.unit == "number"):
            raise InputError(
                f"column {layout.time!r} held {'dates' if found.dtype.kind == 'i' else 'whole numbers'} in "
                f"training, but now holds {text_of(found[0])!r}"
            )
        times, values, said = _on_grid(found, values, layout)
        times = replace(times, spelling=layout.spelling, zone=zone)
        warnings += said
    present = np.flatnonzero(~np.isnan(values[:, 0]))
    first, end = int(present[0]), int(present[-1]) + 1
    if end < len(values):
        warnings.append(
            f"the last {len(values) - end:,} steps have no {layout.columns[0]!r}: forecasts start after "
            f"{times.text(np.array([end - 1]))[0]}"
        )
    values = values[first:end]
    return Series(replace(times, first=times.first + first * times.step.count), values, tuple(warnings))


def _on_grid(found: np.ndarray, values: np.ndarray, layout: Layout) -> tuple[Times, np.ndarray, list[str]]:
    """Return the grid of the times of rows, the values at each of its places, and warnings."""
    warnings = []
    order = np.argsort(found, kind="stable")
    if (np.diff(order) < 0).any():
        warnings.append(f"the rows are not in the order of {layout.time!r}: sorted")
    found = found[order]
    twice = np.flatnonzero(found[1:] == found[:-1])
    if len(twice):
        rows = f"rows {order[twice[0]] + 1:,} and {order[twice[0] + 1] + 1:,}"
        more = f"; so do {len(twice) - 1:,} more" if len(twice) > 1 else ""
        raise InputError(
            f"column {layout.time!r} holds {text_of(found[twice[0]])} twice, in {rows}{more}; give one row a time"
        )
    times, places, moved = places_of(found, layout.step, str(layout.time))
    grid = np.full((int(places[-1]) + 1, values.shape[1]), np.nan)
    grid[places] = values[order]
    if moved:
        warnings.append(f"{moved:,} times of {layout.time!r} are moved to the nearest step of one {layout.step}")
    if absent := len(grid) - len(found):
        first = int(np.setdiff1d(np.arange(len(grid)), places)[0])
        warnings.append(
            f"{absent:,} of {len(grid):,} steps have no row, the first {times.text(np.array([first]))[0]}: "
            f"taken as missing"
        )
    return times, grid, warnings
