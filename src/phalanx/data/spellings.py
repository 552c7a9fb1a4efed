"""Spellings of dates, quarters, weeks and times of day: which one a column has, and how to read and write it."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from itertools import product

import pandas as pd

_LONGEST = 40  # characters of a date
_LOOKED_AT = 3  # cells, of which one fits a spelling that is tried
_NUMERIC_DAYS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%Y-%m",
    "%Y/%m",
]
_SHORT_DAYS = ["%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%y"]
_NAMED_DAYS = [
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%b %Y",
    "%B %Y",
    "%b-%Y",
    "%b-%y",
    "%d/%b/%Y",
    "%a %d %b %Y",
    "%a, %d %b %Y",
]
_TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"]
_QUARTERS = ["%YQ%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%qQ%Y", "%qQ %Y", "%qQ%y", "Q%q %y",
             "Q%q-%y", "Q%q'%y"]  # fmt: skip
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)(?:Z|([+-])(\d{2}):?(\d{2})?)?", re.ASCII
)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?)? ?([AaPp]\.?[Mm]\.?)?", re.ASCII)
_FIELDS = {"%Y": r"(?P<Y>\d{4})", "%y": r"(?P<y>\d{2})", "%q": "(?P<q>[1-4])"}

TIME = "%H:%M"
"""The spelling of times of day: 08:30, 8:30 PM, 08:30:15.25."""
OFFSETS = "%Y-%m-%dT%H:%M:%S%z"
"""The spelling of ISO 8601 dates with offsets from UTC that differ."""
WEEK = "%G-W%V"
QUARTERS = (*_QUARTERS, *(spelling.replace("Q", "q") for spelling in _QUARTERS))
#: Spellings of dates other than ISO 8601; of two that fit a whole column the earlier is taken.
FORMATS = (*(day + time for day, time in product(_NUMERIC_DAYS + _SHORT_DAYS + _NAMED_DAYS, _TIMES)), "%Y%m%dT%H%M%S")


def date_formats(column: pd.Series) -> list[str]:
    """Return the spellings that fit every cell of a column of text, likeliest first.

    >>> date_formats(pd.Series(["25/12/2020", "03/04/2021"]))
    ['%d/%m/%Y']
    >>> date_formats(pd.Series(["03/04/2021"]))
    ['%m/%d/%Y', '%d/%m/%Y']
    >>> date_formats(pd.Series(["Q1 2020", "Q3 2021"])), date_formats(pd.Series(["08:30", "8:45 PM"]))
    (['Q%q %Y'], ['%H:%M'])
    """
    cells = column.dropna().drop_duplicates()
    return [spelling for spelling in _fitting(cells.head(1)) if read_dates(cells, spelling).notna().all()]


def nearly_dates(cells: Mapping[str, int], most_bad: float) -> tuple[str, ...]:
    """Return the spellings that fit most of some cells, of which each text is so often there; none where all of them
    leave more than the share `most_bad`, or fewer than three different dates.

    >>> nearly_dates({"25.12.2020": 30, "n/k": 2, "26.12.2020": 30, "27.12.2020": 1}, 0.05)
    ('%d.%m.%Y',)
    """
    texts, counts = pd.Series(list(cells), dtype=str), pd.Series(list(cells.values()))
    found = {spelling: read_dates(texts, spelling).notna() for spelling in _fitting(texts.head(_LOOKED_AT))}
    left = {spelling: int(counts[~fits].sum()) for spelling, fits in found.items() if fits.sum() > 2}
    least = min(left.values(), default=0)
    return tuple(s for s, count in left.items() if count == least <= most_bad * counts.sum())


def _fitting(cells: pd.Series) -> list[str]:
    """Return the spellings of dates that fit one of some cells or more."""
    tried = [cell for cell in cells if len(cell) <= _LONGEST and any(letter.isdigit() for letter in cell)]
    every = (OFFSETS, *FORMATS, *QUARTERS, WEEK, TIME) if tried else ()
    return [spelling for spelling in every if any(_fits(cell, spelling) for cell in tried)]


def read_dates(column: pd.Series, spelling: str) -> pd.Series:
    """Return a column of text in a spelling as datetime64, NaT where a cell is missing or spelt otherwise.

    Dates with offsets become the time that clocks showed there; a quarter or a week becomes its first day, and a time
    of day lies on 1970-01-01.

    >>> read_dates(pd.Series(["2Q20", "4Q21"]), "%qQ%y").dt.strftime("%Y-%m-%d").tolist()
    ['2020-04-01', '2021-10-01']
    """
    if spelling == OFFSETS:
        local = column.map(lambda cell: found[1] if (found := _ISO.fullmatch(cell)) else None, na_action="ignore")
        return pd.to_datetime(local, format="ISO8601", errors="coerce")
    if spelling == TIME:
        return pd.to_datetime(column.map(_on_the_first_day, na_action="ignore"), format="ISO8601", errors="coerce")
    if spelling == WEEK:
        return pd.to_datetime(column + "-1", format=f"{WEEK}-%u", errors="coerce")
    if "%q" in spelling:
        months = column.map(lambda cell: _month(_quarter(spelling).fullmatch(cell)), na_action="ignore")
        return pd.to_datetime(months, format="%Y-%m", errors="coerce")
    return pd.to_datetime(column, format=spelling, errors="coerce")


def write_dates(times: pd.Series, spelling: str) -> list[str]:
    """Return dates (datetime64) as text in a spelling; `read_dates` reads them back.

    >>> write_dates(pd.Series(pd.to_datetime(["2020-04-01"])), "Q%q %Y")
    ['Q2 2020']
    """
    return [
        time.strftime(spelling.replace("%q", str((time.month + 2) // 3))) for time in pd.to_datetime(times).tolist()
    ]


def offset_of(cell: str) -> int | None:
    """Return the offset from UTC of an ISO 8601 date, in minutes, None: it has none.

    >>> offset_of("2024-03-31 03:00+02:00"), offset_of("2024-03-31T01:00Z"), offset_of("2024-03-31")
    (120, 0, None)
    """
    found = _ISO.fullmatch(cell)
    if found is None or found[2] is None:
        return 0 if found is not None and cell.endswith("Z") else None
    return (60 * int(found[3]) + int(found[4] or 0)) * (-1 if found[2] == "-" else 1)


def is_time_of_day(cell: str) -> bool:
    """Tell whether a text is a time of day."""
    return _on_the_first_day(cell) is not None


def shown(spelling: str) -> str:
    """Return in words what is spelt so."""
    if spelling == TIME:
        return "times of day"
    if spelling == OFFSETS:
        return "local times with their offsets"
    if "%q" in spelling:
        return "quarters"
    if spelling == WEEK:
        return "weeks"
    return "dates" if "%d" in spelling else "months"


def example(spelling: str) -> str:
    """Return the 31st of December 2024, 08:30, in a spelling; empty: in ISO 8601."""
    if spelling == OFFSETS:
        return "2024-12-31T08:30:00+01:00"
    return write_dates(pd.Series([datetime(2024, 12, 31, 8, 30)]), spelling or "%Y-%m-%d")[0]


def _fits(cell: str, spelling: str) -> bool:
    if spelling == OFFSETS:
        return _ISO.fullmatch(cell) is not None
    if spelling == TIME:
        return is_time_of_day(cell)
    if "%q" in spelling:
        return _quarter(spelling).fullmatch(cell) is not None
    try:
        datetime.strptime(*((f"{cell}-1", f"{WEEK}-%u") if spelling == WEEK else (cell, spelling)))
    except ValueError:
        return False
    return True


@cache
def _quarter(spelling: str) -> re.Pattern[str]:
    return re.compile(re.sub("%[Yyq]", lambda field: _FIELDS[field[0]], spelling), re.ASCII)


def _on_the_first_day(cell: str) -> str | None:
    found = _CLOCK.fullmatch(cell)
    if found is None or not (found[2] or found[4]):
        return None
    hour, minute, second = int(found[1]), found[2] or "00", found[3] or "00"
    if found[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[4][0] in "Pp" else 0)
    if hour > 23 or int(minute) > 59 or float(second) >= 60:
        return None
    return f"1970-01-01T{hour:02}:{minute}:{second}"


def _month(found: re.Match[str] | None) -> str | None:
    if found is None:
        return None
    held = found.groupdict()
    year = held.get("Y") or str(datetime.strptime(held["y"], "%y").year)
    return f"{year}-{3 * int(held['q']) - 2:02}"
