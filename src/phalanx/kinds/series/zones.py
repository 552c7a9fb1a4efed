"""Offsets from UTC of the times of a series: kept from the data, and written beside forecasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

_MINUTE = np.timedelta64(1, "m")


@dataclass(frozen=True)
class Zone:
    """How the times of a series stand to UTC.

    `offset`: minutes before UTC (120: +02:00) of the last row. `name`: a time zone, such as Europe/Berlin, whose rules
    say the offset of later times; empty: they have that of the last row. `local`: times of the grid are what clocks
    show, which steps of a day or more keep; else they have the `offset` all along. `z`: an offset of 0 is written Z.
    """

    offset: int
    name: str = ""
    local: bool = False
    z: bool = False

    def written(self, times: np.ndarray) -> list[tuple[datetime, str]]:
        """Return the time on the clock and the offset, +02:00, of each of some times, datetime64[us], of the grid."""
        if not self.name:
            return [(time, self._text(self.offset)) for time in times.tolist()]
        index = pd.DatetimeIndex(times)
        if self.local:
            early = np.ones(len(index), bool)  # of an hour that occurs twice, the first
            index = index.tz_localize(ZoneInfo(self.name), ambiguous=early, nonexistent="shift_forward")
        else:
            index = (index - pd.Timedelta(minutes=self.offset)).tz_localize("UTC").tz_convert(ZoneInfo(self.name))
        offsets = [(time.utcoffset() or timedelta()) // timedelta(minutes=1) for time in index]
        clocks = index.tz_localize(None).to_pydatetime()
        return [(clock, self._text(offset)) for clock, offset in zip(clocks, offsets, strict=True)]

    def _text(self, offset: int) -> str:
        if self.z and offset == 0:
            return "Z"
        return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def on_one_clock(clocks: np.ndarray, offsets: np.ndarray, name: str = "", z: bool = False) -> tuple[np.ndarray, Zone]:
    """Return times that a regular grid can hold, datetime64[us], and their zone.

    `clocks` is what clocks showed, `offsets` the minutes before UTC, both in the order of rows. Where offsets differ
    and all times of day are the same, steps are days or longer, and the clock is kept; else all times get the offset of
    the last.

    >>> clocks = np.array(["2024-10-27T02:00", "2024-10-27T02:00", "2024-10-27T03:00"], "datetime64[us]")
    >>> times, zone = on_one_clock(clocks, np.array([120, 60, 60]))
    >>> np.diff(times).astype("timedelta64[m]").tolist() == [timedelta(hours=1)] * 2, zone.offset
    (True, 60)
    """
    instants = clocks - offsets * _MINUTE
    last = int(offsets[instants.argmax()])
    daily = len(np.unique(clocks - clocks.astype("datetime64[D]"))) == 1 and len(np.unique(clocks)) == len(clocks)
    if len(np.unique(offsets)) == 1 and not name:
        return clocks, Zone(last, z=z)
    if daily:
        return clocks, Zone(last, name, True, z)
    return instants + last * _MINUTE, Zone(last, name, False, z)
