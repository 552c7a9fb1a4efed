"""What kind of thing each column of a table is, and which columns are left out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from phalanx.data.cells import check_finite, first_non_number, is_number, keys, text_of, tidy
from phalanx.data.dates import date_formats

#: Integers with at most this many distinct values are codes of categories ...
CODED_VALUES = 8
#: ... if each value has at least this many rows on average.
CODED_ROWS = 10
#: A text column with more distinct values than this may be an identifier.
FEW_VALUES = 20
#: A text column with more distinct values than this, and under ten rows each, is one.
MANY_VALUES = 10_000

_ID_WORDS = frozenset(["id", "ids", "index", "idx", "key", "nr", "no", "number", "row", "rownum", "uuid", "guid"])
_UNNAMED = "unnamed_"


@dataclass(frozen=True)
class Column:
    """A column of a table and what it was taken for.

    ``kind`` is number, category, date, constant or identifier; the last two are left out of
    training. ``detail`` says what it holds, ``warning`` what is lost or guessed (or is empty), and
    ``date_format`` how dates that are not ISO 8601 are spelt.
    """

    name: str
    kind: str
    detail: str
    warning: str = ""
    date_format: str = ""

    @property
    def used(self) -> bool:
        """Whether the column enters training."""
        return self.kind in ("number", "category", "date")


def infer_columns(frame: pd.DataFrame) -> tuple[Column, ...]:
    """Say of each column what it is: a number, a category, a date, a constant or an identifier.

    - Two distinct values, of any type: a category. So are booleans, categorical columns, text,
      and integers of at most 8 distinct values with ten rows each or more.
    - One distinct value, or none: a constant. (One value beside missing cells: a category.)
    - An identifier is a text column in which values hardly repeat (more than 20 distinct, and
      fewer than two rows each; or more than 10,000, and fewer than ten rows each), or a column of
      integers, all different, with a name like ``customer_id``, ``index`` or no name.

    Constants and identifiers have a warning. Raises InputError with column and row (from 1)
    where a number is infinite.

    >>> frame = pd.DataFrame({"age": [39.5, 50, 38], "sex": ["Male", "Male", "Female"], "unit": [1, 1, 1]})
    >>> [(column.name, column.kind) for column in infer_columns(frame)]
    [('age', 'number'), ('sex', 'category'), ('unit', 'constant')]
    """
    return tuple(_infer(name, column) for name, column in named_columns(frame).items())


def named_columns(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns of a table by name; names are text and unique (a second ``a`` is ``a.1``)."""
    names = unique_names(str(name) for name in frame.columns)
    return {name: frame.iloc[:, position] for position, name in enumerate(names)}


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names with repetitions numbered.

    >>> unique_names(["a", "b", "a", "a"])
    ['a', 'b', 'a.1', 'a.2']
    """
    given = list(names)
    used: set[str] = set()
    free = dict.fromkeys(given, 0)
    result = []
    for name in given:
        unique = name
        while unique in used or (unique != name and unique in free):
            free[name] += 1
            unique = f"{name}.{free[name]}"
        used.add(unique)
        result.append(unique)
    return result


def unnamed(position: int) -> str:
    """Return the name given to the column at a position (from 1) whose header is empty."""
    return f"{_UNNAMED}{position}"


def _infer(name: str, column: pd.Series) -> Column:
    declared = isinstance(column.dtype, pd.CategoricalDtype)
    column = tidy(column)
    missing = int(column.isna().sum())
    present = len(column) - missing
    lost = f", {missing:,} missing" if missing else ""
    if types.is_float_dtype(column.dtype):
        check_finite(column.to_numpy(dtype=np.float64), name)
    distinct = pd.unique(column.dropna())
    if len(distinct) == 0 or (len(distinct) == 1 and not missing):
        detail = f"is always {text_of(distinct[0])!r}" if len(distinct) else "has no values"
        return Column(name, "constant", detail, f"column {name!r} {detail}: left out")
    if declared or len(distinct) <= 2 or types.is_bool_dtype(column.dtype):
        return Column(name, "category", _listed(column) + lost)
    if types.is_datetime64_any_dtype(column.dtype):
        return Column(name, "date", f"{column.min().date()} to {column.max().date()}{lost}")
    if types.is_numeric_dtype(column.dtype):
        return _infer_number(name, column, distinct, present, lost)
    return _infer_text(name, column, len(distinct), present, lost)


def _infer_number(name: str, column: pd.Series, distinct: Any, present: int, lost: str) -> Column:
    # pandas turns integers into floats where cells are missing.
    whole = types.is_integer_dtype(column.dtype) or (bool(lost) and bool((distinct == np.floor(distinct)).all()))
    if whole and len(distinct) <= CODED_VALUES and present >= CODED_ROWS * len(distinct):
        return Column(name, "category", _listed(column) + lost)
    if whole and len(distinct) == present > FEW_VALUES and _looks_like_id(name):
        warning = f"column {name!r} numbers the rows: taken for an identifier and left out"
        return Column(name, "identifier", f"{present:,} different integers{lost}", warning)
    return Column(name, "number", f"{column.min():.6g} to {column.max():.6g}{lost}")


def _infer_text(name: str, column: pd.Series, distinct: int, present: int, lost: str) -> Column:
    formats = date_formats(column)
    if formats:
        warning = ""
        if len(formats) > 1:
            warning = f"column {name!r}: dates read as {formats[0]}, though they also fit {formats[1]}"
        return Column(name, "date", f"dates like {column.dropna().iloc[0]!r}{lost}", warning, formats[0])
    hardly_repeats = distinct > FEW_VALUES and distinct > present / 2
    if hardly_repeats or (distinct > MANY_VALUES and distinct > present / 10):
        detail = f"{distinct:,} distinct texts in {present:,} rows{lost}"
        return Column(name, "identifier", detail, f"column {name!r} holds {detail}: {_identifier_reason(column)}")
    return Column(name, "category", _listed(column) + lost)


def _identifier_reason(column: pd.Series) -> str:
    sample = column.dropna().iloc[:100]
    if sum(is_number(cell) for cell in sample) > len(sample) / 2:
        row, cell = first_non_number(pa.array(column, pa.large_string(), from_pandas=True))
        return f"left out, since not all are numbers (row {row} holds {cell!r}); correct or empty such cells"
    return "taken for an identifier and left out"


def _listed(column: pd.Series) -> str:
    """Describe a category by its commonest values."""
    rows, _, texts = keys(column)
    counts = np.bincount(rows[rows >= 0], minlength=len(texts))
    shown = [texts[position] for position in np.argsort(-counts, kind="stable")[:4]]
    return f"{len(texts):,} values: {', '.join(shown)}{', ...' if len(texts) > len(shown) else ''}"


def _looks_like_id(name: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    return name.startswith(_UNNAMED) or (bool(words) and words[-1].lower() in _ID_WORDS)
