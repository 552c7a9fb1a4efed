"""Durations as people and programs write them, in seconds: 26:10:05, 2 days 03:00, 1h 30m, PT1H30M."""

import re

import pyarrow as pa

from phalanx.data.names import last_word
from phalanx.data.spellings import is_time_of_day

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NAMES = frozenset(
    ["duration", "durations", "elapsed", "runtime", "uptime", "downtime", "length", "delay", "dauer", "laufzeit",
     "durée", "duree", "duración", "duracion", "durata"]
)  # fmt: skip
_CLOCK = re.compile(
    r"(?P<sign>[+-])?(?:(?P<d>\d+) ?d(?:ays?)?,? )?[+]?(?P<h>\d+):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:\.\d+)?))?",
    re.ASCII,
)
_ISO = re.compile(
    r"(?P<sign>[+-])?P(?=.)(?:(?P<w>\d+(?:\.\d+)?)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_WORDS = re.compile(
    r"(?P<sign>[+-])?(?=.)(?:(?P<w>\d+(?:\.\d+)?) ?w(?:eeks?)?,? ?)?(?:(?P<d>\d+(?:\.\d+)?) ?d(?:ays?)?,? ?)?"
    r"(?:(?P<h>\d+(?:\.\d+)?) ?h(?:rs?|ours?)?,? ?)?(?:(?P<m>\d+(?:\.\d+)?) ?m(?:ins?|inutes?)?,? ?)?"
    r"(?:(?P<s>\d+(?:\.\d+)?) ?s(?:ecs?|econds?)?)?",
    re.ASCII,
)


def seconds_of(cell: str) -> float | None:
    """Return the seconds of a duration, None: the text is none.

    Two numbers with a colon are hours and minutes.

    >>> seconds_of("26:10:05"), seconds_of("2 days 03:00"), seconds_of("PT1H30M"), seconds_of("1h 5s"), seconds_of("x")
    (94205.0, 183600.0, 5400.0, 3605.0, None)
    """
    found = _CLOCK.fullmatch(cell) or _ISO.fullmatch(cell) or _WORDS.fullmatch(cell)
    if found is None:
        return None
    held = found.groupdict()
    if found.re is _CLOCK and held["d"] and held["sign"] == "-" and "+" in cell:  # -1 days +22:00:00: two hours before
        held = {**held, "d": f"-{held['d']}", "sign": None}
    total = sum(size * float(held[name]) for name, size in _SECONDS.items() if held.get(name))
    return -total if held["sign"] == "-" else total


def are_durations(name: str) -> bool:
    """Say whether a column has the name of one of durations: its last word is duration, elapsed, runtime or the like.

    >>> are_durations("ride_length"), are_durations("tripDuration"), are_durations("departure")
    (True, True, False)
    """
    return last_word(name) in _NAMES


def durations(text: pa.Array, known: bool) -> pa.Array | None:
    """Return a column of durations in seconds, float64, or None where a cell is none.

    A column of nothing but times of day (08:30) is one of durations only if that is `known`, such as from its name.
    """
    if text.null_count == len(text):
        return None
    found: dict[str, float] = {}
    longer = known
    for cell in text.unique().drop_null().to_pylist():
        seconds = seconds_of(cell)
        if seconds is None:
            return None
        found[cell] = seconds
        longer = longer or not is_time_of_day(cell)
    return (
        pa.array([None if cell is None else found[cell] for cell in text.to_pylist()], pa.float64()) if longer else None
    )
