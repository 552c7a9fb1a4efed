"""A series as it is given in Python, and a forecast as it is returned."""

from typing import Any

import numpy as np
import pandas as pd

from phalanx.data.columns import unique_names
from phalanx.errors import InputError
from phalanx.kinds.series.grid import Series

_SERIES, _TIME = "y", "time"


def table_of(y: Any, X: Any) -> tuple[pd.DataFrame, str, str | None]:
    """Return a series and the columns beside it as a table, the name of its column, and that of its times, if any."""
    column = y if isinstance(y, pd.Series) else pd.Series(np.asarray(y))
    beside = pd.DataFrame() if X is None else X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    if X is not None and len(beside) != len(column):
        raise InputError(f"y has {len(column):,} values, but X {len(beside):,} rows; each value needs one")
    parts = [column, *(beside.iloc[:, j] for j in range(beside.shape[1]))]
    given = [
        _SERIES if column.name is None else str(column.name),
        *(f"x{name}" if isinstance(name, int) else str(name) for name in beside.columns),
    ]
    dated = is_dated(column)
    if dated:
        parts, given = [*parts, column.index.to_series()], [*given, _TIME]
    names = unique_names(given)
    frame = pd.DataFrame({name: part.reset_index(drop=True) for name, part in zip(names, parts, strict=True)})
    return frame, names[0], names[-1] if dated else None


def is_dated(y: pd.Series) -> bool:
    """Say whether the index of a series are its times."""
    return isinstance(y.index, (pd.DatetimeIndex, pd.PeriodIndex))


def frequency_of(y: Any) -> Any:
    """Return what the periods are by which a series is indexed, None: it is not by periods."""
    return y.index.freq if isinstance(y, pd.Series) and isinstance(y.index, pd.PeriodIndex) else None


def on_the_clock(times: Any) -> pd.DatetimeIndex:
    """Return times as what clocks show; a period is its beginning."""
    return times.to_timestamp() if isinstance(times, pd.PeriodIndex) else times.tz_localize(None)


def forecast_of(series: Series, values: np.ndarray, name: str, frequency: Any = None) -> Any:
    """Return the values of the steps after the end of a series: with their times, as a pandas Series of a name, where
    these are dates, by periods of a `frequency` if there is one; as an array where they are not.
    """
    times = series.times.at(len(series) + np.arange(len(values)))
    if times.dtype.kind == "i":
        return values
    index: pd.Index = pd.DatetimeIndex(times)
    if frequency is not None:
        index = pd.DatetimeIndex(times).to_period(frequency)
    return pd.Series(values, index, name=name)
