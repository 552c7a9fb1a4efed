"""Series in a run: from a table and the column to forecast to a problem, and from a model to forecasts."""

from dataclasses import replace

import numpy as np
import pandas as pd

from phalanx.data import Source
from phalanx.errors import InputError
from phalanx.kinds.series import SeriesEncoder, infer_layout, read_series
from phalanx.kinds.series.problem import forecasting
from phalanx.predictor import Predictor
from phalanx.runs.config import DEFAULT, Config
from phalanx.runs.prepared import Prepared

_ROW = "row"
"""What a step is called where a table has no times."""
_ANCHORS = {
    "mean": "around its mean",
    "last": "relative to its last value, since it wanders",
    "ratio": "as a share of its last value, since it grows by a factor",
}


def prepare_forecast(config: Config, source: Source, held_out: Source | None) -> Prepared:
    """Return a table as a series ready for training; `held_out` is a table to test on, if there is one.

    Raises InputError for what is not a series.
    """
    layout, notes = infer_layout(_table(source), str(config.forecast), config.time, config.ignore)
    series = read_series(source.frame, layout)
    horizon = config.horizon or 1
    made = forecasting(
        series,
        layout,
        horizon=horizon,
        steps=config.window,
        likelihood=None if config.likelihood == DEFAULT else config.likelihood,
        test=float(config.test) if isinstance(config.test, float | int) else 0.0,
        valid=config.valid,
    )
    encoder, problem = made.encoder, made.problem
    _ = problem.rows  # made here, so that values which the likelihood cannot have are found before anything trains
    windows, values, tested = made.test_inputs, made.test_values, tuple[str, ...]()
    if held_out is not None:
        windows, values, tested = _windows(encoder, held_out)
    ahead = f"one {layout.step}" if horizon == 1 else f"{horizon:,} steps of one {layout.step}"
    rows = (len(problem.train), len(problem.valid), len(values))
    notes += [
        f"forecast: {config.forecast!r}, {ahead} ahead, from the last {encoder.steps:,} (--window changes it)",
        f"{config.forecast!r} is seen {_ANCHORS[encoder.anchor_kind]}",
        "windows, in the order of time: {:,} train, {:,} validate, {:,} test".format(*rows),
    ]
    if holes := int(np.isnan(problem.values[0]).any(1).sum()):
        notes.append(f"{holes:,} windows have steps ahead without a value, which cost nothing")
    return Prepared(
        replace(config, horizon=horizon, window=encoder.steps, time=layout.time),
        source.name,
        (),
        encoder,
        problem,
        windows,
        (values,),
        None,
        tuple(notes),
        (*source.notes, *series.warnings, *tested),
        source.readings,
    )


def forecast_table(
    encoder: SeriesEncoder, predictor: Predictor, source: Source, level: float, ensemble: bool
) -> pd.DataFrame:
    """Return the forecast of the steps after the end of a table, one row each: time, prediction, lower, upper."""
    series = encoder.read(_table(source))
    window = encoder.windows(series, np.array([len(series) - 1]))
    (said,), ((low, high),) = predictor.ask(window, lambda told: (told.means, told.interval(level)), ensemble)
    columns = {"prediction": said[0], "lower": low[0], "upper": high[0]}
    table = pd.DataFrame(columns)
    times = series.times.text(len(series) + np.arange(encoder.horizon))
    table.insert(0, encoder.layout.time or _ROW, times, allow_duplicates=True)
    return table


def evaluate_forecast(
    encoder: SeriesEncoder, predictor: Predictor, source: Source, ensemble: bool
) -> tuple[dict[str, float], int]:
    """Return all metrics of the forecasts from every origin of a table with a full window and horizon, and how many."""
    windows, values, _ = _windows(encoder, source)
    return predictor.scores(windows, (values,), ensemble=ensemble), len(values)


def _windows(encoder: SeriesEncoder, source: Source) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return all windows of a table whose horizon it holds, their values, and warnings."""
    series = encoder.read(_table(source))
    origins = encoder.origins(series)
    if not len(origins):
        raise InputError(
            f"the table holds {len(series):,} steps, but one window and what follows it are "
            f"{encoder.steps + encoder.horizon:,}"
        )
    return encoder.windows(series, origins), encoder.targets(series, origins), series.warnings


def _table(source: Source) -> pd.DataFrame:
    if source.kind != "table":
        raise InputError(f"a forecast needs a table, but {source.name} holds {source.kind}")
    return source.frame
