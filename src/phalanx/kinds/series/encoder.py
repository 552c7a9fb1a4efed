"""The encoder of a series: what the training part of it says, and how any series becomes windows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data.anchor import Anchor, AnchorKind, choose_anchor
from phalanx.data.dates import CYCLES
from phalanx.data.encoded import Encoded
from phalanx.data.goals import Goal
from phalanx.errors import InputError
from phalanx.kinds.rows import RowEncoder
from phalanx.kinds.series.grid import Series, read_series
from phalanx.kinds.series.layout import Layout
from phalanx.kinds.series.seasons import calendar_cycles, naive_error, naive_period
from phalanx.kinds.series.space import series_size, series_space
from phalanx.kinds.series.windows import origins, origins_of, sliding, targets
from phalanx.layers import Past
from phalanx.network import Network
from phalanx.search.effort import Size

_CLIP = 1e6  # scaled values beyond are cut, so that their squares are finite in float32


@dataclass(frozen=True)
class Scale:
    """A column of numbers: mean and deviation in training, and whether missing values get an indicator."""

    name: str
    center: float
    scale: float
    indicator: bool


@dataclass(frozen=True)
class SeriesEncoder(RowEncoder):
    """Turns a series into windows (rows, steps, channels), float32.

    Channels are: the column to forecast and the others, (x − center) / scale by the training part, a missing value
    being the last one before (without one: 0); an indicator (1: missing) of each column that had missing values in
    training; sine and cosine of each cycle of the calendar. A forecast sees `steps` steps and is of `horizon` more.
    `anchor`: from where networks see a window, see `Anchor`. `period` and `naive`: the season of the seasonal naive
    forecast, and its mean absolute error in training.
    """

    layout: Layout
    steps: int
    horizon: int
    scales: tuple[Scale, ...]
    cycles: tuple[str, ...]
    anchor_kind: AnchorKind
    period: int
    naive: float

    @staticmethod
    def fit(series: Series, layout: Layout, steps: int, horizon: int, border: int) -> "SeriesEncoder":
        """Learn from the first `border` steps of a series; those after it are not looked at.

        Raises InputError where the column to forecast never changes in them.
        """
        part = Series(series.times, series.values[:border])
        values, filled = part.values, part.filled()
        if np.nanmin(values[:, 0]) == np.nanmax(values[:, 0]):
            raise InputError(
                f"column {layout.columns[0]!r} is always {values[0, 0]:g} in the part to train on: there is nothing to "
                f"forecast"
            )
        found = origins(border, steps, horizon)
        kind = choose_anchor(filled[found, 0], targets(filled[:, 0], found, horizon))
        scales = [_scale(name, column) for name, column in zip(layout.columns, values.T, strict=True)]
        if kind == "last":  # in units of how far a window lies from its end
            seen = sliding(filled[:, 0], steps)
            scales[0] = replace(scales[0], scale=float(np.sqrt(np.mean((seen - seen[:, -1:]) ** 2))) or 1.0)
        if kind == "ratio":
            scales[0] = replace(scales[0], center=0.0, scale=float(np.nanmean(values[:, 0])))
        period = naive_period(layout.step, values[:, 0], steps)
        naive = naive_error(values[:, 0], period)
        cycles = calendar_cycles(layout.step, border)
        return SeriesEncoder(layout, steps, horizon, tuple(scales), cycles, kind, period, naive)

    refit = "steps"

    @property
    def input_layer(self) -> Past:
        return Past(self.anchor_kind)

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self.steps, len(self.channels)

    def size(self, rows: int) -> Size:
        return series_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return series_space(rows, (self.steps, len(self.channels)), goals)

    @property
    def anchor(self) -> Anchor:
        """From where networks see a window."""
        return Anchor(self.anchor_kind, self.scales[0].center, self.scales[0].scale)

    @property
    def channels(self) -> tuple[str, ...]:
        """A name for each channel."""
        return (
            *(scale.name for scale in self.scales),
            *(f"{scale.name} is missing" for scale in self.scales if scale.indicator),
            *(f"{wave} of {cycle}" for cycle in self.cycles for wave in ("sine", "cosine")),
        )

    def read(self, frame: pd.DataFrame) -> Series:
        """Read a table like the one of training; raise `InputError` for one shorter than a window."""
        series = read_series(frame, self.layout)
        if len(series) < self.steps:
            raise InputError(
                f"the table holds {len(series):,} steps up to the last value of {self.layout.columns[0]!r}, but a "
                f"forecast needs the last {self.steps}"
            )
        return series

    def transform(self, rows: Any) -> np.ndarray:
        """Return the window that ends a table, one row, from which the steps after its end are forecast."""
        if not isinstance(rows, pd.DataFrame):
            raise InputError("the model was trained on a series, but this is not a table; give a table")
        series = self.read(rows)
        return self.windows(series, np.array([len(series) - 1]))

    def windows(self, series: Series, origins: np.ndarray) -> np.ndarray:
        """Return the window that ends at each origin."""
        return sliding(self._encoded(series), self.steps)[origins - self.steps + 1]

    def origins(self, series: Series) -> np.ndarray:
        """Return the origins that have a full window and a value in the horizon."""
        return origins_of(series.values[:, 0], self.steps, self.horizon)

    def targets(self, series: Series, origins: np.ndarray) -> np.ndarray:
        """Return the values of the horizon of each origin, in their own units, NaN where missing."""
        return targets(series.values[:, 0], origins, self.horizon)

    def as_numbers(self, windows: np.ndarray) -> Encoded:
        """Return each window as one vector for linear models; of the calendar, which is known, only the last step."""
        split = windows.shape[2] - 2 * len(self.cycles)
        observed = windows[:, :, :split].reshape(len(windows), self.steps * split)
        return Encoded(np.hstack([observed, windows[:, -1, split:]]), np.zeros((len(windows), 0), np.int32))

    def observed(self, windows: np.ndarray) -> np.ndarray:
        """Return the values of the column to forecast in each window, (rows, steps), in their own units."""
        return self.anchor.center + self.anchor.scale * windows[:, :, 0].astype(np.float64)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as maps, lists, numbers and texts."""
        return {
            **asdict(self),
            "layout": self.layout.to_plain(),
            "scales": [asdict(scale) for scale in self.scales],
            "cycles": list(self.cycles),
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "SeriesEncoder":
        """Return the encoder whose `to_plain` this is."""
        held = {
            "layout": Layout.from_plain(plain["layout"]),
            "scales": tuple(Scale(**scale) for scale in plain["scales"]),
            "cycles": tuple(plain["cycles"]),
        }
        return SeriesEncoder(**{**plain, **held})

    def _encoded(self, series: Series) -> np.ndarray:
        center = np.array([scale.center for scale in self.scales])
        spread = np.array([scale.scale for scale in self.scales])
        scaled = np.clip((series.filled() - center) / spread, -_CLIP, _CLIP)
        missing = np.isnan(series.values)[:, [scale.indicator for scale in self.scales]]
        phases = [2 * np.pi * np.mod(series.days, CYCLES[cycle]) / CYCLES[cycle] for cycle in self.cycles]
        waves = [wave(phase)[:, None] for phase in phases for wave in (np.sin, np.cos)]
        return np.hstack([np.nan_to_num(scaled), missing, *waves]).astype(np.float32)


def _scale(name: str, values: np.ndarray) -> Scale:
    """Return mean and deviation of a column, which is only centred where it does not change; 0 and 1 without values."""
    present = values[~np.isnan(values)]
    if not len(present):
        return Scale(name, 0.0, 1.0, False)
    return Scale(name, float(present.mean()), float(present.std()) or 1.0, len(present) < len(values))
