"""What a cell means: missing, a number, or a value whose text is its name.

One set of rules serves every door: text cells of a CSV file, columns of a DataFrame in
training, and the same columns at prediction, where their type may have changed.
"""

import numbers as abstract
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from phalanx.data.alike import stand_ins
from phalanx.data.letters import composed
from phalanx.data.numerals import numeral
from phalanx.data.reading import MISSING_AMONG_NUMBERS, Reading, read_texts
from phalanx.errors import InputError


def tidy(column: pd.Series) -> pd.Series:
    """Return a column as booleans, numbers, dates or text, with its missing cells as NaN.

    Text is read as ``read_texts`` reads a table of this one column; categories by their values; dates with a time zone
    become what clocks show there; durations become seconds; anything else becomes its text.
    """
    return _on_the_clock(zoned(column) if (found := typed(column)) is None else found)


def zoned(column: pd.Series) -> pd.Series:
    """Return a column as ``tidy`` does, but dates that have one time zone keep it, and quarters and months are text.

    >>> zoned(pd.Series(pd.period_range("2026Q1", periods=2, freq="Q"))).tolist()
    ['2026Q1', '2026Q2']
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    if str(column.dtype) in ("period[Q-DEC]", "period[M]"):
        return column.astype(str).mask(column.isna())
    found = typed(column)
    return read_texts({"": as_text(column)})[""][0].set_axis(column.index) if found is None else found


def typed(column: pd.Series) -> pd.Series | None:
    """Return a column as ``tidy`` does where its type says what it holds, None where its cells are text or objects."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        held = pd.Series(dtype.categories)
        values, reading = (held, None) if typed(held) is not None else read_texts({"": as_text(held)})[""]
        if reading is not None and reading.bad:  # a few of the names of categories are no numbers: all are names
            values = held.astype(str)
        return tidy(values).reindex(column.cat.codes).set_axis(column.index)
    if types.is_bool_dtype(dtype) and not column.hasnans:
        return column.astype(bool)
    if types.is_datetime64_any_dtype(dtype):
        return _on_the_clock(column)
    if isinstance(dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if types.is_timedelta64_dtype(dtype):
        return column.dt.total_seconds()
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype) and not types.is_complex_dtype(dtype):
        if not types.is_extension_array_dtype(dtype):
            return column
        whole = types.is_integer_dtype(dtype) and not column.hasnans
        return pd.Series(
            column.to_numpy("int64") if whole else column.to_numpy("float64", na_value=np.nan), index=column.index
        )
    return None


def holds_objects(column: pd.Series) -> bool:
    """Say whether the cells of a column are arrays or other objects, such as images, and no numbers, texts or dates."""
    if column.dtype != object:
        return False
    first = next((cell for cell in column if cell is not None), None)
    return not types.is_scalar(first)


def _on_the_clock(column: pd.Series) -> pd.Series:
    return column.dt.tz_localize(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column


def numbers(column: pd.Series, name: str) -> np.ndarray:
    """Return a column as float64 with NaN for missing cells.

    Raises InputError with the column's ``name``, the value and its row (from 1) where a cell is
    not a number or is infinite.
    """
    column = tidy(column)
    if types.is_datetime64_any_dtype(column.dtype):
        if column.notna().any():
            raise InputError(f"column {name!r} holds dates where numbers are needed: {column.dropna().iloc[0].date()}")
        return np.full(len(column), np.nan)
    if not types.is_numeric_dtype(column.dtype):
        text = as_text(column)
        column, reading = read_texts({"": text}, known={"": Reading(number=True)})[""]
        if not reading.number or reading.bad:
            row, value = first_non_number(text)
            raise InputError(f"column {name!r} must hold numbers, but row {row} holds {value!r}")
    values = column.to_numpy(dtype=np.float64)
    check_finite(values, name)
    return values


def check_finite(values: np.ndarray, name: str) -> None:
    """Raise InputError with the row (from 1) of the first infinite value of a column."""
    infinite = np.isinf(values)
    if infinite.any():
        raise InputError(
            f"column {name!r} holds an infinite value in row {int(infinite.argmax()) + 1}; "
            "correct it or leave the cell empty"
        )


def first_non_number(text: pa.Array) -> tuple[int, str]:
    """Return the row (from 1) and the text of the first cell because of which a column is not numbers."""
    cells = [
        (row, cell)
        for row, cell in enumerate(text.to_pylist(), start=1)
        if cell is not None and cell.lower() not in MISSING_AMONG_NUMBERS
    ]
    # Where each cell alone is a number, points and commas contradict each other.
    wrong = (place for place in cells if not is_number(place[1]))
    return next(wrong, None) or next((place for place in cells if "," in place[1]), cells[0])


def is_number(cell: str) -> bool:
    """Tell whether a text, alone, reads as a number."""
    return numeral(cell.strip()) is not None


def text_of(value: Any) -> str:
    """Return the text that stands for a value: the same for 3 and 3.0, ``True`` for booleans."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, abstract.Integral):
        return str(int(value))
    if isinstance(value, abstract.Real):
        real = float(value)
        return str(int(real)) if real.is_integer() else repr(real)
    if isinstance(value, date):
        return value.isoformat()
    return composed(str(value))


def keys(column: pd.Series) -> tuple[np.ndarray, list[Any], list[str]]:
    """Return each row's position among the distinct values (-1 where missing), the values, and their texts.

    Spellings of the same truth are one value: see ``are_truths``.
    """
    rows, values, texts = _distinct(column)
    counts = np.bincount(rows[rows >= 0], minlength=len(texts))
    place = stand_ins(texts, counts.tolist())
    if place == list(range(len(texts))):
        return rows, values, texts
    kept = sorted(set(place))
    position = np.array([kept.index(stand_in) for stand_in in place] + [-1])
    return position[rows], [values[i] for i in kept], [texts[i] for i in kept]


def _distinct(column: pd.Series) -> tuple[np.ndarray, list[Any], list[str]]:
    if types.infer_dtype(column, skipna=True) == "string":
        column = pc.utf8_normalize(as_text(column), form="NFC").to_pandas()
    if column.dtype == object and types.infer_dtype(column, skipna=True) != "string":
        # Among objects, factorize would take True, 1 and 1.0 for one value.
        rows, texts = pd.factorize(np.array(_object_texts(column), dtype=object))
        _, first = np.unique(rows[rows >= 0], return_index=True)
        return rows, column[rows >= 0].iloc[first].tolist(), texts.tolist()
    rows, distinct = pd.factorize(column)
    values = list(distinct)
    return rows, values, [text_of(value) for value in values]


def _object_texts(column: pd.Series) -> list[str | None]:
    missing = column.isna().to_numpy()
    return [None if absent else text_of(value) for value, absent in zip(column, missing, strict=True)]


def as_text(column: pd.Series) -> pa.Array:
    """Return the texts of the cells of a column, null where they are missing."""
    if types.infer_dtype(column, skipna=True) in ("string", "empty"):
        array = pa.array(column, type=pa.large_string(), from_pandas=True)
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return pa.array(_object_texts(column), pa.large_string())
