"""The newest windows of a series whose values are known, of which a report shows the forecasts."""

from dataclasses import dataclass

import numpy as np

from phalanx.judged import MOST
from phalanx.kinds.series.grid import Series
from phalanx.report.errors.forecast import Ahead

_STEPS, _WINDOWS = 500, 300  # steps ahead and windows of which forecasts are shown, at most


@dataclass(frozen=True)
class Recent:
    """Windows of a series, by their origins, ascending; forecasts are of so many steps as the `horizon` is."""

    series: Series
    origins: np.ndarray
    horizon: int

    def looked_at(self) -> np.ndarray:
        """Return at which windows figures look: the newest."""
        return np.arange(len(self.origins))[-MOST:]

    def drawn(self) -> np.ndarray:
        """Return which of these are shown: from the newest back such that no two forecast the same step."""
        origins = self.origins[self.looked_at()]
        most, found = min(_WINDOWS, max(1, _STEPS // self.horizon)), np.zeros(len(origins), bool)
        at = len(origins) - 1
        while at >= 0 and found.sum() < most:
            found[at] = True
            at = int(np.searchsorted(origins, origins[at] - self.horizon, "right")) - 1
        return found

    def ahead(self, name: str) -> Ahead:
        """Return the times of the steps ahead that are shown, and what was before them."""
        rows = self.drawn()
        origins = self.origins[self.looked_at()][rows]
        places = origins[:, None] + np.arange(1, self.horizon + 1)
        first = int(origins[0]) + 1
        before = np.arange(max(0, first - max(places.size // 2, self.horizon)), first)
        return Ahead(name, rows, self._times(places), self._times(before), self.series.values[before, 0])

    def names(self) -> list[str]:
        """Return what windows are called at which figures look: by the time of their origin."""
        return [f"after {time}" for time in self._times(self.origins[self.looked_at()])]

    def _times(self, places: np.ndarray) -> np.ndarray:
        """Return the times at some places, ISO texts or whole numbers."""
        times = self.series.times.at(places)
        if times.dtype.kind == "i":
            return times
        days = times.astype("datetime64[D]")
        return np.datetime_as_string(days if (days == times).all() else times.astype("datetime64[s]"))
