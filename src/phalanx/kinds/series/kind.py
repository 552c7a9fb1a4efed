"""Series: a column of a table whose next values are forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from phalanx.config import DEFAULT, Config
from phalanx.data import Reading, Source
from phalanx.errors import InputError
from phalanx.kinds.kind import Encoder, Load, Request
from phalanx.kinds.labelled import TEST
from phalanx.kinds.model import GIVEN
from phalanx.kinds.rows import VOTES, RowKind
from phalanx.kinds.series.baselines import FORECASTS
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.series.given import frequency_of, table_of
from phalanx.kinds.series.grid import read_series
from phalanx.kinds.series.layout import infer_layout
from phalanx.kinds.series.model import SeriesModel, SeriesSource, windows_of
from phalanx.kinds.series.prepare import PreparedSeries
from phalanx.kinds.series.problem import forecasting
from phalanx.kinds.series.recent import Recent
from phalanx.kinds.tables.kind import TABLES

_ANCHORS = {
    "mean": "around its mean",
    "last": "relative to its last value, since it wanders",
    "ratio": "as a share of its last value, since it grows by a factor",
}


class SeriesKind(RowKind):
    """A table whose rows are in the order of time. What networks take as rows are windows of it."""

    name = "series"
    encoder = SeriesEncoder
    options = frozenset(("forecast", "horizon", "window", "time", "missing", "ignore")) | VOTES
    unit = "window"
    model_class = SeriesModel
    baselines = FORECASTS

    @property
    def what(self) -> str:
        return "is a series"

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        return config is not None and config.forecast is not None

    def load(self, sources: Sequence[str], request: Request) -> Source:
        source = TABLES.load(sources, replace(request, text=None)) if TABLES.holds(sources) else None
        if source is None or source.rows is not None:
            raise InputError(f"a forecast needs a table, but {' '.join(sources)} is none")
        return replace(source, kind=self.name)

    def source(self, given: Any, encoder: Encoder, readings: Mapping[str, Reading]) -> Source:
        """Return the values of a series as a table like that of training."""
        assert isinstance(encoder, SeriesEncoder)
        frame, column, time = table_of(given, None)
        layout = encoder.layout
        if layout.time is not None and time is None:
            raise InputError("the model was trained on a series with times; give a pandas Series with dates for index")
        renamed = {column: layout.columns[0]} | ({} if time is None else {time: layout.time})
        return SeriesSource(GIVEN, frame.rename(columns=renamed), None, (), frequency=frequency_of(given))

    def prepare(self, config: Config, source: Source, load: Load) -> PreparedSeries:
        """Return a table as a series ready for training; raise `InputError` for what is no series."""
        test = TEST if config.test is None else config.test
        layout, notes = infer_layout(source.frame, str(config.forecast), config.time, config.ignore)
        series = read_series(source.frame, layout)
        horizon = config.horizon or 1
        made = forecasting(
            series,
            layout,
            horizon=horizon,
            steps=config.window,
            likelihood=None if config.likelihood == DEFAULT else config.likelihood,
            test=float(test) if isinstance(test, float | int) else 0.0,
            valid=config.valid,
        )
        encoder, problem = made.encoder, made.problem
        _ = problem.rows  # made here, so that values which the likelihood cannot have are found before anything trains
        windows, values, tested = made.test_inputs, made.test_values, tuple[str, ...]()
        shown = Recent(series, made.test_origins if len(values) else made.origins[problem.valid], horizon)
        if isinstance(test, str):
            windows, values, further, origins = windows_of(encoder, load((test,), Request(known=source.readings)))
            tested, shown = further.warnings, Recent(further, origins, horizon)
        ahead = f"one {layout.step}" if horizon == 1 else f"{horizon:,} steps of one {layout.step}"
        rows = (len(problem.train), len(problem.valid), len(values))
        notes += [
            f"forecast: {config.forecast!r}, {ahead} ahead, from the last {encoder.steps:,} (--window changes it)",
            f"{config.forecast!r} is seen {_ANCHORS[encoder.anchor_kind]}",
            "windows, in the order of time: {:,} train, {:,} validate, {:,} test".format(*rows),
        ]
        if holes := int(np.isnan(problem.values[0]).any(1).sum()):
            notes.append(f"{holes:,} windows have steps ahead without a value, which cost nothing")
        return PreparedSeries(
            replace(config, test=test, horizon=horizon, window=encoder.steps, time=layout.time),
            source.name,
            tuple(notes),
            (*source.notes, *series.warnings, *tested),
            self,
            encoder,
            problem,
            windows,
            (values,),
            None,
            source.readings,
            recent=shown,
        )


SERIES = SeriesKind()
