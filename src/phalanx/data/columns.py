"""What kind of thing each column of a table is, and which columns are left out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data.alike import are_truths
from phalanx.data.cells import as_text, check_finite, first_non_number, is_number, keys, text_of, tidy
from phalanx.data.cells import numbers as as_numbers
from phalanx.data.letters import one_form
from phalanx.data.names import last_word
from phalanx.data.notes import spellings
from phalanx.data.reading import Reading
from phalanx.data.spellings import date_formats, shown
from phalanx.errors import InputError

#: Integers with at most this many distinct values, whose column is named like a code, are categories ...
CODED_VALUES = 8
#: ... if each value has at least this many rows on average.
CODED_ROWS = 10
#: A column that counts fewer rows than this may do so by chance.
COUNTED_ROWS = 10
#: A text column with more distinct values than this may be an identifier.
FEW_VALUES = 20
#: A text column with more distinct values than this, and under ten rows each, is one.
MANY_VALUES = 10_000

_YEAR_WORDS = frozenset(["year", "yr", "jahr", "annee", "année", "ano", "año", "anno"])
_ID_WORDS = frozenset(["id", "ids", "index", "idx", "key", "nr", "no", "number", "row", "rownum", "uuid", "guid"])
_CODE_WORDS = frozenset(
    ["code", "codes", "type", "kind", "category", "class", "group", "zone", "region", "cluster", "status", "color",
     "colour", "sex", "gender", "race"]
)  # fmt: skip
_UNNAMED = "unnamed_"
_NOTHING = Reading()
_EACH_WARNED = 3  # columns of one kind with a warning each; of more columns there is one warning


@dataclass(frozen=True)
class Column:
    """A column of a table and what it was taken for.

    ``kind`` is number, category, date, constant or identifier; the last two are left out of
    training. ``detail`` says what it holds, ``warning`` what is lost or guessed (or is empty), and
    ``date_format`` how dates that are not ISO 8601 are spelt. ``missing`` counts the cells of each spelling that was
    taken for missing, ``bad`` are row (from 1) and text of cells that are no numbers, or no dates, though the others
    are, ``unit`` is what stands around each number, and ``decimal`` the decimal sign of text, empty where nothing told
    it.
    """

    name: str
    kind: str
    detail: str
    warning: str = ""
    date_format: str = ""
    missing: Mapping[str, int] = field(default_factory=dict)
    bad: tuple[tuple[int, str], ...] = ()
    unit: str = ""
    decimal: str = ""

    @property
    def used(self) -> bool:
        """Whether the column enters training."""
        return self.kind not in ("constant", "identifier")

    @property
    def tabular(self) -> bool:
        """Whether it enters as numbers or codes, and not as a text, an image or a sound."""
        return self.kind in ("number", "category", "date")

    def to_plain(self) -> dict[str, Any]:
        """Return what is known of the column as plain data, with whether it is used."""
        return {**asdict(self), "missing": dict(self.missing), "bad": [list(cell) for cell in self.bad],
                "used": self.used}  # fmt: skip


def infer_columns(
    frame: pd.DataFrame,
    readings: Mapping[str, Reading] | None = None,
    *,
    categories: Collection[str] = (),
    numbers: Collection[str] = (),
) -> tuple[Column, ...]:
    """Say of each column what it is: a number, a category, a date, a constant or an identifier.

    - Text, booleans, categorical columns, and numbers that are 0 and 1 alone: a category. So are integers of at most
      8 distinct values with ten rows each or more in a column that is named like a code, such as ``zone`` or
      ``job_type``. All other numbers keep their order.
    - One distinct value, or none: a constant. (One value beside missing cells: a category.)
    - An identifier is a text column in which values hardly repeat (more than 20 distinct, and
      fewer than two rows each; or more than 10,000, and fewer than ten rows each), a column of
      integers, all different, with a name like ``customer_id``, ``index`` or no name, or whatever its name one that
      counts the rows in steps of 1 by the table's index, ten rows or more. (Such a column is kept where there is
      no other, and one of years, whose last word is ``year`` or the like.)

    Columns in ``categories`` and ``numbers`` are what these say. ``readings`` says how columns of text were read.
    Constants and identifiers have a warning. Raises InputError with column and row (from 1)
    where a number is infinite.

    >>> frame = pd.DataFrame({"age": [39.5, 50, 38], "sex": ["Male", "Male", "Female"], "unit": [1, 1, 1]})
    >>> [(column.name, column.kind) for column in infer_columns(frame)]
    [('age', 'number'), ('sex', 'category'), ('unit', 'constant')]
    """
    readings, table = readings or {}, named_columns(frame)
    found = []
    for name, column in table.items():
        reading = readings.get(name, _NOTHING)
        if name in categories or name in numbers:
            inferred = _declared(name, column, reading, "category" if name in categories else "number")
        else:
            inferred = _infer(name, column, reading)
        found.append(
            replace(inferred, missing=reading.missing, bad=reading.bad, unit=reading.unit, decimal=reading.decimal)
        )
    counting = [
        name
        for name in table
        if name not in {*categories, *numbers} and last_word(name) not in _YEAR_WORDS and _counts_rows(table[name])
    ]
    return _without_counters(found, counting)


def warnings_of(columns: Sequence[Column]) -> list[str]:
    """Return the warnings about columns; many of one kind are one warning."""
    warnings = []
    for kind in dict.fromkeys(column.kind for column in columns if column.warning):
        warned = [column for column in columns if column.kind == kind and column.warning]
        if len(warned) <= _EACH_WARNED:
            warnings += [column.warning for column in warned]
        else:
            names = ", ".join(repr(column.name) for column in warned[:_EACH_WARNED])
            more = f"{names} and {len(warned) - _EACH_WARNED:,} more"
            left_out = "are left out" if not warned[0].used else f"may be misread: {warned[0].warning}"
            warnings.append(f"{len(warned):,} columns of kind {kind} {left_out}: {more}")
    return warnings


def named_columns(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns of a table by name; names are text and unique (a second ``a`` is ``a.1``)."""
    names = unique_names(one_form(str(name)) for name in frame.columns)
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


def _counts_rows(column: pd.Series) -> bool:
    """Say whether a column of whole numbers goes up by 1 from row to row, by the positions that its index says."""
    if isinstance(column.dtype, pd.CategoricalDtype) or not types.is_numeric_dtype(column.dtype):
        return False
    present = column.notna().to_numpy()
    if types.is_bool_dtype(column.dtype) or present.sum() < COUNTED_ROWS:
        return False
    labelled = types.is_integer_dtype(column.index.dtype) and column.index.is_unique
    position = column.index.to_numpy() if labelled else np.arange(len(column))
    values = column[present].to_numpy(np.float64)
    return bool(np.ptp(values - position[present]) == 0) and float(values[0]).is_integer()


def _without_counters(columns: list[Column], counting: Collection[str]) -> tuple[Column, ...]:
    """Return the columns, of which those that count the rows are identifiers, unless nothing else would be left."""
    left = [column for column in columns if column.used and column.name not in counting]
    if not left:
        counts = "column {!r} counts the rows: kept, since there is no other column to learn from"
        return tuple(
            replace(column, warning=counts.format(column.name)) if column.used and column.name in counting else column
            for column in columns
        )
    return tuple(
        replace(column, kind="identifier", warning=f"column {column.name!r} counts the rows: left out")
        if column.used and column.name in counting
        else column
        for column in columns
    )


def _lost(column: pd.Series, reading: Reading) -> str:
    missing = int(column.isna().sum())
    if not missing:
        return ""
    spelt = f" ({spellings(reading.missing)})" if set(reading.missing) - {""} else ""
    return f", {missing:,} missing{spelt}"


def _declared(name: str, column: pd.Series, reading: Reading, kind: str) -> Column:
    column = tidy(column)
    if kind == "category":
        return Column(name, kind, _listed(column) + _lost(column, reading))
    values = as_numbers(column, name)
    if np.isnan(values).all():
        raise InputError(f"column {name!r} is said to hold numbers, but has no values")
    return Column(name, kind, f"{np.nanmin(values):.6g} to {np.nanmax(values):.6g}{_lost(column, reading)}")


def _infer(name: str, column: pd.Series, reading: Reading) -> Column:
    declared = isinstance(column.dtype, pd.CategoricalDtype)
    zone = f", local time of {column.dt.tz}" if isinstance(column.dtype, pd.DatetimeTZDtype) else ""
    timed = reading.seconds or types.is_timedelta64_dtype(column.dtype)
    column = tidy(column)
    missing = int(column.isna().sum())
    present = len(column) - missing
    lost = _lost(column, reading)
    number = types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)
    if types.is_float_dtype(column.dtype):
        check_finite(column.to_numpy(dtype=np.float64), name)
    distinct = pd.unique(column.dropna()) if number or types.is_datetime64_any_dtype(column.dtype) else keys(column)[1]
    if len(distinct) == 0 or (len(distinct) == 1 and not missing):
        detail = f"is always {text_of(distinct[0])!r}" if len(distinct) else "has no values"
        return Column(name, "constant", detail, f"column {name!r} {detail}: left out")
    if declared or len(distinct) == 1 or types.is_bool_dtype(column.dtype):
        return Column(name, "category", _listed(column) + lost)
    if types.is_datetime64_any_dtype(column.dtype):
        return Column(name, "date", f"{column.min().date()} to {column.max().date()}{zone}{lost}")
    if number:
        found = _infer_number(name, column, distinct, present, lost)
        return (
            replace(found, detail=f"durations in seconds, {found.detail}")
            if timed and found.kind == "number"
            else found
        )
    return _infer_text(name, column, len(distinct), present, lost)


def _infer_number(name: str, column: pd.Series, distinct: Any, present: int, lost: str) -> Column:
    # pandas turns integers into floats where cells are missing.
    whole = bool((distinct == np.floor(distinct)).all())
    coded = len(distinct) <= CODED_VALUES and present >= CODED_ROWS * len(distinct) and last_word(name) in _CODE_WORDS
    if whole and (coded or (len(distinct) == 2 and are_truths([text_of(value) for value in distinct]))):
        return Column(name, "category", _listed(column) + lost)
    if whole and len(distinct) == present > FEW_VALUES and _looks_like_id(name):
        warning = f"column {name!r} numbers the rows: taken for an identifier and left out"
        return Column(name, "identifier", f"{present:,} different integers{lost}", warning)
    return Column(name, "number", f"{column.min():.6g} to {column.max():.6g}{lost}")


def _infer_text(name: str, column: pd.Series, distinct: int, present: int, lost: str) -> Column:
    formats = date_formats(column) if distinct > 2 else []
    if formats:
        warning = ""
        if len(formats) > 1:
            warning = f"column {name!r}: dates read as {formats[0]}, though they also fit {formats[1]}"
        return Column(name, "date", f"{shown(formats[0])} like {column.dropna().iloc[0]!r}{lost}", warning, formats[0])
    hardly_repeats = distinct > FEW_VALUES and distinct > present / 2
    if hardly_repeats or (distinct > MANY_VALUES and distinct > present / 10):
        detail = f"{distinct:,} distinct texts in {present:,} rows{lost}"
        return Column(name, "identifier", detail, f"column {name!r} holds {detail}: {_identifier_reason(column)}")
    return Column(name, "category", _listed(column) + lost)


def _identifier_reason(column: pd.Series) -> str:
    sample = column.dropna().iloc[:100]
    if sum(is_number(cell) for cell in sample) > len(sample) / 2:
        row, cell = first_non_number(as_text(column))
        row = _row_of_table(column, row)
        return f"left out, since not all are numbers (row {row} holds {cell!r}); correct or empty such cells"
    return "taken for an identifier and left out"


def _row_of_table(column: pd.Series, row: int) -> int:
    """Return which row (from 1) of the whole table a row of a column is, of which some rows may be left out."""
    index = column.index
    ordered = types.is_integer_dtype(index.dtype) and index.is_unique and index.is_monotonic_increasing
    return int(index[row - 1]) + 1 if ordered else row


def _listed(column: pd.Series) -> str:
    """Describe a category by its commonest values."""
    rows, _, texts = keys(column)
    counts = np.bincount(rows[rows >= 0], minlength=len(texts))
    shown = [texts[position] for position in np.argsort(-counts, kind="stable")[:4]]
    return f"{len(texts):,} values: {', '.join(shown)}{', ...' if len(texts) > len(shown) else ''}"


def _looks_like_id(name: str) -> bool:
    return name.startswith(_UNNAMED) or last_word(name) in _ID_WORDS
