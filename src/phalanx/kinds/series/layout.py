"""Which columns of a table are the series: its times, the column to forecast, and others that are numbers."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data.cells import is_number, numbers, tidy, zoned
from phalanx.data.columns import infer_columns
from phalanx.data.spellings import OFFSETS, TIME, date_formats, offset_of, read_dates
from phalanx.data.targets import no_column
from phalanx.errors import InputError
from phalanx.kinds.series.times import Step, infer_step
from phalanx.kinds.series.zones import Zone, on_one_clock

_MINUTE = np.timedelta64(1, "m")
_MOST_ODD = 0.05  # share of a column's cells that may be neither numbers nor missing


@dataclass(frozen=True)
class Layout:
    """How a table holds a series: the column of times (None: rows are in order), how its dates are spelt if they are
    not ISO 8601, the step between times, and the columns of numbers, the one to forecast first.
    """

    time: str | None
    spelling: str
    step: Step
    columns: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return the layout as maps, lists, numbers and texts."""
        return {**asdict(self), "columns": list(self.columns)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Layout":
        """Return the layout whose `to_plain` this is."""
        return Layout(plain["time"], plain["spelling"], Step(**plain["step"]), tuple(plain["columns"]))


def infer_layout(
    frame: pd.DataFrame, forecast: str, time: str | None = None, ignore: Collection[str] = ()
) -> tuple[Layout, list[str]]:
    """Find out how a table holds the series of the column `forecast`; the second answer says what was decided.

    Without `time` it is the only column of dates; where there is none, rows are in order. Columns in `ignore`,
    constants, identifiers, and columns that are not numbers are left out. Raises InputError for columns that are not
    there or do not fit, and where several columns hold dates.
    """
    names = [str(name) for name in frame.columns]
    for name, purpose in ((forecast, "--forecast"), (time, "--time"), *((name, "--ignore") for name in ignore)):
        if name is not None and name not in names:
            raise no_column(name, purpose, names)
    if time == forecast:
        raise InputError(f"--time names {time!r}, which is to be forecast; give another column")
    for name in (forecast, time):
        if name in ignore:
            raise InputError(f"--ignore names {name!r}, which the forecast needs; leave it out")
    others = [name for name in names if name not in (forecast, time, *ignore)]
    notes = []
    if time is None:
        dated = [name for name in others if _is_dates(frame[name])]
        if len(dated) > 1:
            raise InputError(f"columns {', '.join(map(repr, dated))} all hold dates; say which is the time: --time COL")
        time = dated[0] if dated else None
        found = f"time: column {time!r}, the only one of dates (--time changes it)"
        notes.append(found if dated else "time: no column of dates, so rows are in order (--time names a column)")
    others = [name for name in others if name != time]
    inputs = [column.name for column in infer_columns(frame[others]) if column.used and _is_numbers(frame[column.name])]
    left_out = [name for name in others if name not in inputs]
    if inputs:
        notes.append(f"inputs beside {forecast!r}, known up to the present only: {', '.join(map(repr, inputs))}")
    if left_out:
        notes.append(f"left out, since not columns of numbers that change: {', '.join(map(repr, left_out))}")
    spelling, step = "", Step("number", 1)
    if time is not None:
        spelling, guess = _spelling(frame[time])
        notes += [guess] if guess else []
        step = infer_step(np.unique(read_times(frame[time], time, spelling)[0]))
        notes.append(f"steps of one {step}")
    return Layout(time, spelling, step, (forecast, *inputs)), notes


def read_times(column: pd.Series, name: str, spelling: str) -> tuple[np.ndarray, Zone | None]:
    """Return a column of dates as datetime64[us], or one of whole numbers as int64; and how they stand to UTC.

    Raises InputError with the row (from 1) of a cell that is missing or is neither.
    """
    column = zoned(column)
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax()) + 1
        raise InputError(f"column {name!r} holds no time in row {row}; fill the cell in or remove the row")
    if types.is_datetime64_any_dtype(column.dtype):
        zone = column.dt.tz
        clocks = column.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        if zone is None:
            return clocks, None
        offsets = (clocks - column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")) // _MINUTE
        name = getattr(zone, "key", None) or getattr(zone, "zone", None) or ""  # the latter of pytz
        return on_one_clock(clocks, offsets, "" if name == "UTC" else name, name == "UTC")
    if types.is_integer_dtype(column.dtype):
        return column.to_numpy(np.int64), None
    times = None if _numeric(column) else read_dates(column, spelling or OFFSETS)
    if times is None or times.isna().any():
        row = 0 if times is None else int(times.isna().to_numpy().argmax())
        raise InputError(
            f"column {name!r} holds {str(column.iloc[row])!r} in row {row + 1}, which is not a time like those of the "
            f"others; times are dates or whole numbers"
        )
    clocks = times.to_numpy(dtype="datetime64[us]")
    if spelling not in ("", OFFSETS):
        return clocks, None
    return on_one_clock(clocks, np.array([offset_of(cell) or 0 for cell in column]))


def read_numbers(column: pd.Series, name: str) -> tuple[np.ndarray, str]:
    """Return a column as float64, NaN where a cell is missing, and a warning on cells that are not numbers.

    A few such cells are taken for missing ones. Raises InputError where there are many, or a number is infinite.
    """
    column = tidy(column)
    if _numeric(column) or types.is_datetime64_any_dtype(column.dtype):
        return numbers(column, name), ""
    odd = _odd(column)
    if odd.sum() > _MOST_ODD * len(column):
        return numbers(column, name), ""  # which names the first of them
    row = int(odd.argmax())
    several = (
        f"{int(odd.sum()):,} cells that are not numbers, the first" if odd.sum() > 1 else "a cell that is no number:"
    )
    warning = f"column {name!r} holds {several} {str(column.iloc[row])!r} in row {row + 1}: taken for missing"
    return numbers(column.mask(odd), name), warning


def _is_dates(column: pd.Series) -> bool:
    column = tidy(column)
    if _numeric(column) or types.is_datetime64_any_dtype(column.dtype):
        return not _numeric(column)
    return bool(set(date_formats(column)) - {TIME})


def _is_numbers(column: pd.Series) -> bool:
    column = tidy(column)
    if _numeric(column) or types.is_datetime64_any_dtype(column.dtype):
        return _numeric(column)
    return bool(column.notna().any() and _odd(column).sum() <= _MOST_ODD * len(column))


def _odd(column: pd.Series) -> np.ndarray:
    """Return which cells of a column of text are neither numbers nor missing."""
    return np.array(
        [not missing and not is_number(str(cell)) for cell, missing in zip(column, column.isna(), strict=True)]
    )


def _numeric(column: pd.Series) -> bool:
    return types.is_numeric_dtype(column.dtype)


def _spelling(column: pd.Series) -> tuple[str, str]:
    """Return how the dates of a column of text are spelt, empty: they are no text; and a note if that is a guess.

    Of spellings that fit all of them it is one under which they are in order.
    """
    column = zoned(column)
    if _numeric(column) or types.is_datetime64_any_dtype(column.dtype):
        return "", ""
    fitting = date_formats(column)
    ordered = [s for s in fitting if read_dates(column, s).is_monotonic_increasing] or fitting
    guess = f"dates read as {ordered[0]}, though they also fit {ordered[1]}" if len(ordered) > 1 else ""
    return (ordered[0] if ordered else ""), guess
