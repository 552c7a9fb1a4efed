"""Dates of ISO 8601, with their offsets from UTC, and dates as numbers of days."""

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from phalanx.data.spellings import OFFSETS, example, offset_of, read_dates
from phalanx.errors import InputError

#: Cycles of the calendar, in days.
CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}

_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?(\d{2})?)?)?$"
_OFFSET = r"(Z|[+-]\d{2}:?(\d{2})?)$"


def iso_dates(text: pa.Array, most_bad: float = 0.0) -> pd.Series | None:
    """Read a column of ISO 8601 dates (1981-01-31, 1981-01-31 08:30+02:00), or return None.

    Cells that are no such dates become NaT, if they are at most the share `most_bad` of those that are not missing.
    Dates with one offset from UTC keep it as their time zone; those with several stay text, of the spelling `OFFSETS`.
    ISO dates mean one thing in every file. For other spellings the order of day and month is
    decided once, on the training table: see ``date_formats``.
    """
    present = len(text) - text.null_count
    fits = pc.match_substring_regex(text, _ISO)
    if not present or pc.sum(pc.invert(fits), min_count=0).as_py() > most_bad * present:
        return None
    text = held = pc.if_else(fits, text, pa.scalar(None, text.type))
    offset = None
    if pc.any(pc.match_substring_regex(text, f"[T ].*{_OFFSET}")).as_py():
        offsets = {offset_of(cell) or 0 for cell in text.unique().drop_null().to_pylist()}
        if len(offsets) > 1:
            return None
        offset = offsets.pop()
        held = pc.replace_substring_regex(text, f"([T ].*?){_OFFSET}", r"\1")
    times = pd.to_datetime(held.to_pandas(), format="ISO8601", errors="coerce")
    if int(times.notna().sum()) < (1 - most_bad) * present:
        return None
    if offset is None:
        return times
    # A zone by name is UTC written as Z; 0 minutes are written +00:00.
    marked = offset == 0 and pc.all(pc.ends_with(text, "Z")).as_py()
    return times.dt.tz_localize(ZoneInfo("UTC") if marked else timezone(timedelta(minutes=offset)))


def days(column: pd.Series, name: str, spelling: str) -> np.ndarray:
    """Return a tidy column of dates, or of text in the given ``spelling``, as days since 1970-01-01.

    Days are float64, with the time of day as a fraction and NaN where missing. Raises InputError
    with the column's ``name``, the cell and its row (from 1) where a cell is not such a date.
    """
    times = column
    if not types.is_datetime64_any_dtype(column.dtype):
        if types.is_numeric_dtype(column.dtype):
            times = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
        else:
            times = read_dates(column, spelling or OFFSETS)
        wrong = (times.isna() & column.notna()).to_numpy()
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(
                f"column {name!r} must hold dates spelt like {example(spelling)!r}, but row {row + 1} holds "
                f"{str(column.iloc[row])!r}"
            )
    stamps = times.to_numpy(dtype="datetime64[us]")
    since = (stamps - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return np.where(np.isnat(stamps), np.nan, since)
