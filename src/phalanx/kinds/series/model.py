"""What forecasts: from a table, or a series in Python, to the steps after its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data import Source
from phalanx.errors import InputError
from phalanx.kinds.model import RowModel
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.series.given import forecast_of
from phalanx.kinds.series.grid import Series

_ROW = "row"
"""What a step is called where a table has no times."""


@dataclass(frozen=True)
class SeriesSource(Source):
    """A series that is given in Python; `frequency`: of the periods by which it is indexed, None: it is not."""

    frequency: Any = None


@dataclass(frozen=True)
class SeriesModel(RowModel):
    """The model of a series."""

    encoder: SeriesEncoder

    @property
    def named(self) -> tuple[str, ...]:
        """What is predicted: the column of the series."""
        return self.encoder.layout.columns[:1]

    def predict(self, source: Source) -> dict[str, Any]:
        """Return the expected values of the steps after the end of a series."""
        return {self.named[0]: self._ahead(source, lambda predicted: predicted.means)[0]}

    def interval(self, source: Source, level: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the ends of the interval that holds each value with probability `level`."""
        low, high = self._ahead(source, lambda predicted: [end for ends in predicted.interval(level) for end in ends])
        return {self.named[0]: low}, {self.named[0]: high}

    def table(self, source: Source, level: float = 0.9, ensemble: bool = True) -> pd.DataFrame:
        """Return the forecast of the steps after the end of a table, one row each: time, prediction, lower, upper."""
        encoder = self.encoder
        series = encoder.read(_table(source))
        window = encoder.windows(series, np.array([len(series) - 1]))
        (said,), ((low, high),) = self.predictor.ask(
            window, lambda predicted: (predicted.means, predicted.interval(level)), ensemble
        )
        table = pd.DataFrame({"prediction": said[0], "lower": low[0], "upper": high[0]})
        times = series.times.text(len(series) + np.arange(encoder.horizon))
        table.insert(0, encoder.layout.time or _ROW, times, allow_duplicates=True)
        return table

    def evaluate(self, source: Source, ensemble: bool = True) -> tuple[dict[str, float], int, list[str]]:
        """Return all metrics of the forecasts from every origin of a table with a full window and horizon, how many
        these are, and warnings.
        """
        windows, values, _, _ = windows_of(self.encoder, source)
        return self.predictor.scores(windows, (values,), ensemble=ensemble), len(values), []

    def _ahead(self, source: Source, question: Callable[..., Any]) -> list[Any]:
        """Return the answers about the steps after the end of a series, each with their times."""
        series = self.encoder.read(_table(source))
        frequency = getattr(source, "frequency", None)
        return [forecast_of(series, answer[0], self.named[0], frequency) for answer in self._ask(source, question)]


def windows_of(encoder: SeriesEncoder, source: Source) -> tuple[np.ndarray, np.ndarray, Series, np.ndarray]:
    """Return all windows of a table whose horizon it holds, their values, the series that it is, and their origins."""
    series = encoder.read(_table(source))
    origins = encoder.origins(series)
    if not len(origins):
        raise InputError(
            f"the table holds {len(series):,} steps, but one window and what follows it are "
            f"{encoder.steps + encoder.horizon:,}"
        )
    return encoder.windows(series, origins), encoder.targets(series, origins), series, origins


def _table(source: Source) -> pd.DataFrame:
    if source.rows is not None:
        raise InputError(f"a forecast needs a table, but {source.name} holds {source.kind}")
    return source.frame
