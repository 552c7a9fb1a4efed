"""What a cell means: missing, a number, or a value whose text is its name.

One set of rules serves every door: text cells of a CSV file, columns of a DataFrame in
training, and the same columns at prediction, where their type may have changed.
"""

import numbers as abstract
import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from phalanx.data.dates import iso_dates
from phalanx.errors import InputError

#: Spellings that mean "missing" in any column.
MISSING = frozenset(
    ["", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "-nan", "-NaN", "NULL", "Null", "null", "None"]
)
#: Spellings, in lower case, that mean "missing" where every other cell is a number.
MISSING_AMONG_NUMBERS = frozenset(["-", "--", ".", "na", "n.a.", "none", "nil", "missing", "unknown"])

_INTEGER = r"^-?\d+$"
_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity))$"
_CODE = r"^[+-]?0[0-9xX]"  # 007 and 0x1F are names, not quantities
_GROUPED = r"^[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?$"  # 1,234,567.8
_DECIMAL_COMMA = r"^[+-]?((\d+|\d{1,3}(\.\d{3})+)(,\d+)?|,\d+)([eE][+-]?\d+)?$"  # 3,5 and 1.234,5

DECIMAL_COMMA = "a decimal comma"
GROUPING_COMMA = "a comma between thousands"


def tidy(column: pd.Series) -> pd.Series:
    """Return a column as booleans, numbers, dates or text, with its missing cells as NaN.

    Text is read as ``tidy_text`` says; categories by their values; time zones become UTC;
    durations become seconds; anything else becomes its text.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = tidy(pd.Series(dtype.categories))
        return values.reindex(column.cat.codes).set_axis(column.index)
    if types.is_bool_dtype(dtype) and not column.hasnans:
        return column.astype(bool)
    if types.is_datetime64_any_dtype(dtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
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
    return tidy_text(_as_text(column))[0].set_axis(column.index)


def tidy_text(text: pa.Array, semicolon: bool = False) -> tuple[pd.Series, str]:
    """Read cells of text as integers, else numbers, else ISO dates, else leave them as text.

    White space around a cell and the spellings of ``MISSING`` are removed first. Numbers may
    have a decimal comma (``3,5``) or commas between thousands (``1,234``); where both readings
    fit every cell, ``semicolon`` (the cells come from a semicolon-separated file) decides for
    the decimal comma. Returns the column and the meaning given to commas, or an empty string.
    """
    text = _without_missing(text)
    comma = ""
    if not _any(pc.match_substring_regex(text, _CODE)):
        found, comma = _parse_numbers(text, semicolon)
        # A column of nothing but "-" is text.
        if found is not None and (found.null_count < len(found) or text.null_count == len(text)):
            return found.to_pandas(), comma
        times = iso_dates(text)
        if times is not None:
            return times, ""
    return text.to_pandas(), ""


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
        text = _without_missing(_as_text(column))
        found, _ = _parse_numbers(text, semicolon=False)
        if found is None:
            row, value = first_non_number(text)
            raise InputError(f"column {name!r} must hold numbers, but row {row} holds {value!r}")
        column = found.to_pandas()
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
    return next(wrong, None) or next(place for place in cells if "," in place[1])


def is_number(cell: str) -> bool:
    """Tell whether a text, alone, reads as a number."""
    return any(re.fullmatch(pattern, cell, re.ASCII) for pattern in (_NUMBER, _GROUPED, _DECIMAL_COMMA))


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
    return str(value)


def keys(column: pd.Series) -> tuple[np.ndarray, list[Any], list[str]]:
    """Return each row's position among the distinct values (-1 where missing), the values, and their texts."""
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


def _as_text(column: pd.Series) -> pa.Array:
    if types.infer_dtype(column, skipna=True) in ("string", "empty"):
        array = pa.array(column, type=pa.large_string(), from_pandas=True)
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return pa.array(_object_texts(column), pa.large_string())


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask, min_count=0).as_py())


def _all_match(text: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py())


def _null_where(mask: pa.Array, text: pa.Array) -> pa.Array:
    return pc.if_else(mask, pa.scalar(None, text.type), text)


def _without_missing(text: pa.Array) -> pa.Array:
    text = pc.utf8_trim_whitespace(text)
    return _null_where(pc.is_in(text, value_set=pa.array(sorted(MISSING), text.type)), text)


def _parse_numbers(text: pa.Array, semicolon: bool) -> tuple[pa.Array | None, str]:
    found = _cast_numbers(text)
    if found is not None:
        return found, ""
    missing = pa.array(sorted(MISSING_AMONG_NUMBERS), text.type)
    rest = _null_where(pc.is_in(pc.utf8_lower(text), value_set=missing), text)
    found = _cast_numbers(rest)
    if found is not None or not _any(pc.match_substring(rest, ",")):
        return found, ""
    grouped = _all_match(rest, _GROUPED)
    if _all_match(rest, _DECIMAL_COMMA) and (semicolon or not grouped):
        plain = pc.replace_substring(pc.replace_substring(rest, ".", ""), ",", ".")
        return _cast_numbers(plain), DECIMAL_COMMA
    if grouped:
        return _cast_numbers(pc.replace_substring(rest, ",", "")), GROUPING_COMMA
    return None, ""


def _cast_numbers(text: pa.Array) -> pa.Array | None:
    if not _all_match(text, _NUMBER):
        return None
    if _all_match(text, _INTEGER):
        try:
            return pc.cast(text, pa.int64())
        except pa.ArrowInvalid:  # more than 64 bits
            pass
    return pc.cast(text, pa.float64())
