"""Rows as a person looks at them: a picture, a text or lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from phalanx.data.cells import text_of
from phalanx.kinds.learning import take
from phalanx.population.predict import Folded, Stepped
from phalanx.problem import rows_at

_MOST_TEXT, _MOST_COLUMNS, _MOST_LINES = 300, 6, 4


class Shown(NamedTuple):
    """What there is to see of a row: pixels (height, width, 1 or 3), of bytes, a text, and lines of numbers."""

    picture: np.ndarray | None = None
    text: str | None = None
    lines: list[np.ndarray] | None = None


@dataclass(frozen=True)
class Gallery:
    """Rows that can be shown: their kind, the encoder, the rows as it makes them, what is `kept` of them as they were
    given (None: nothing), and what each is called. `at`: which they are of those that are judged, None: all.
    """

    kind: Any  # a `RowKind`
    encoder: Any
    inputs: Any
    kept: Any
    names: Sequence[str]
    at: np.ndarray | None = None

    def show(self, at: np.ndarray, telling: Sequence[str] = ()) -> list[Shown]:
        """Return some rows; of a table the `telling` columns, the first of them."""
        inputs = self.inputs.parts[0] if isinstance(self.inputs, Folded) else self.inputs
        if isinstance(inputs, Stepped):
            return [Shown()] * len(at)
        kept = None if self.kept is None else take(self.kept, at)
        shown: list[Shown] = self.kind.show(self.encoder.of_folds[0], rows_at(inputs, at), kept, telling)
        return shown


def named_columns_at(frame: pd.DataFrame, at: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """Return some columns of a table at some rows."""
    kept = frame[[name for name in frame.columns if str(name) in names]]
    return kept.iloc[at]


def bytes_of(array: np.ndarray) -> np.ndarray:
    """Return numbers as bytes, 0 the least of each row and 255 the greatest, NaN as 0; bytes stay as they are.

    >>> bytes_of(np.array([[-1.0, 0.0, 1.0]])).tolist()
    [[0, 128, 255]]
    """
    if array.dtype == np.uint8:
        return array
    axes = tuple(range(1, array.ndim))
    low, high = (find(array, axis=axes, keepdims=True) for find in (np.nanmin, np.nanmax))
    scaled = 255 * (array - low) / np.where(high > low, high - low, 1)
    return np.nan_to_num(scaled).round().astype(np.uint8)


def pictures(rows: np.ndarray) -> list[Shown]:
    """Return images (rows, *space, channels): of volumes the middle slice, of rows of pixels lines; of channels that
    are no colours the first.
    """
    if rows.ndim == 3:
        return [lines(row) for row in rows]
    if rows.ndim == 5:
        rows = rows[:, rows.shape[1] // 2]
    seen = rows if rows.shape[-1] == 3 else rows[..., :1]
    return [Shown(picture=one) for one in bytes_of(seen)]


def lines(row: np.ndarray) -> Shown:
    """Return a row of steps (steps, channels) as lines, of many channels the first."""
    real = row[~np.isnan(row).all(1)]
    return Shown(lines=[real[:, i] for i in range(min(real.shape[1], _MOST_LINES))])


def text(written: str) -> Shown:
    """Return a text, the beginning of a long one."""
    return Shown(text=written if len(written) <= _MOST_TEXT else written[: _MOST_TEXT - 1] + "…")


def cells(table: Any, telling: Sequence[str]) -> list[str]:
    """Return of each row of a table, or of an array, its telling columns with their values."""
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(table).rename(columns="x{}".format)
    there = {str(name): name for name in frame.columns}
    names = [name for name in telling if name in there] or list(there)
    return [
        ", ".join(f"{name} {_written(row[there[name]])}" for name in names[:_MOST_COLUMNS])
        for _, row in frame.astype(object).iterrows()
    ]


def _written(value: Any) -> str:
    """Return a cell; a number with six significant digits."""
    if pd.isna(value):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else text_of(value)
