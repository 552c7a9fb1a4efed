"""Dates: which spelling a column of text uses, and dates as numbers of days."""

from datetime import datetime
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from phalanx.errors import InputError

_ISO = r"^\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?)?$"
_LONGEST = 40  # characters of a date
_NUMERIC_DAYS = ["%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%Y/%m"]
_SHORT_DAYS = ["%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%y"]
_NAMED_DAYS = ["%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%b %Y", "%B %Y", "%b-%Y"]
_TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"]
#: Spellings of dates other than ISO 8601; of two that fit a whole column the earlier is taken.
FORMATS = tuple(day + time for day, time in product(_NUMERIC_DAYS + _SHORT_DAYS + _NAMED_DAYS, _TIMES))


def iso_dates(text: pa.Array) -> pd.Series | None:
    """Read a column of ISO 8601 dates (1981-01-31, 1981-01, 1981-01-31 08:30Z), or return None.

    ISO dates mean one thing in every file. For other spellings the order of day and month is
    decided once, on the training table: see ``date_formats``.
    """
    if text.null_count == len(text) or not pc.all(pc.match_substring_regex(text, _ISO)).as_py():
        return None
    times = pd.to_datetime(text.to_pandas(), format="ISO8601", utc=True, errors="coerce").dt.tz_localize(None)
    return times if int(times.isna().sum()) == text.null_count else None


def date_formats(column: pd.Series) -> list[str]:
    """Return the spellings of ``FORMATS`` that fit every cell of a column of text, likeliest first.

    >>> date_formats(pd.Series(["25/12/2020", "03/04/2021"]))
    ['%d/%m/%Y']
    >>> date_formats(pd.Series(["03/04/2021"]))
    ['%m/%d/%Y', '%d/%m/%Y']
    """
    cells = column.dropna().drop_duplicates()
    if cells.empty or len(cells.iloc[0]) > _LONGEST or not any(letter.isdigit() for letter in cells.iloc[0]):
        return []
    return [
        spelling
        for spelling in FORMATS
        if _fits(cells.iloc[0], spelling) and pd.to_datetime(cells, format=spelling, errors="coerce").notna().all()
    ]


def _fits(cell: str, spelling: str) -> bool:
    try:
        datetime.strptime(cell, spelling)
    except ValueError:
        return False
    return True


def days(column: pd.Series, name: str, spelling: str) -> np.ndarray:
    """Return a tidy column of dates, or of text in the given ``spelling``, as days since 1970-01-01.

    Days are float64, with the time of day as a fraction and NaN where missing. Raises InputError
    with the column's ``name``, the cell and its row (from 1) where a cell is not such a date.
    """
    times = column
    if not types.is_datetime64_any_dtype(column.dtype):
        if types.is_numeric_dtype(column.dtype) or not spelling:
            times = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
        else:
            times = pd.to_datetime(column, format=spelling, errors="coerce")
        wrong = (times.isna() & column.notna()).to_numpy()
        if wrong.any():
            row = int(wrong.argmax())
            wanted = f"spelt like {datetime(2024, 12, 31, 8, 30).strftime(spelling or '%Y-%m-%d')!r}"
            raise InputError(
                f"column {name!r} must hold dates {wanted}, but row {row + 1} holds {str(column.iloc[row])!r}"
            )
    stamps = times.to_numpy(dtype="datetime64[us]")
    since = (stamps - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return np.where(np.isnat(stamps), np.nan, since)
