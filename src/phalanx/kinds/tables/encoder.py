"""The encoder of a table: what it learns from training rows, and how it turns any rows into arrays.

All it keeps are plain numbers and texts, and they pass through JSON unchanged.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
import pandas as pd

from phalanx.data.alike import finder
from phalanx.data.cells import check_finite, keys, numbers, tidy
from phalanx.data.columns import Column, named_columns
from phalanx.data.dates import days
from phalanx.data.encoded import Encoded
from phalanx.data.goals import Goal
from phalanx.errors import InputError
from phalanx.kinds.rows import RowEncoder
from phalanx.kinds.tables.scales import (
    CLIP,
    WAVES,
    DateScale,
    NumberScale,
    cycles_in,
    number_scale,
    robust_scale,
    scaled,
    standard_scale,
    waves,
)
from phalanx.kinds.tables.space import table_size, table_space
from phalanx.layers import Columns
from phalanx.layers.basis import MISSING, SCALED
from phalanx.network import Network
from phalanx.search.effort import Size


@dataclass(frozen=True)
class Categories:
    """A category column: the texts of its values in training, in order."""

    name: str
    values: tuple[str, ...]

    @property
    def binary(self) -> bool:
        """Whether the column becomes one number instead of a code."""
        return len(self.values) <= 2


@dataclass(frozen=True)
class Layout:
    """The columns of `Encoded.numbers` and `Encoded.codes` by name, and how many codes each of the latter has."""

    numbers: tuple[str, ...]
    codes: tuple[str, ...]
    cardinalities: tuple[int, ...]


@dataclass(frozen=True)
class TableEncoder(RowEncoder):
    """Turns the columns of a table into float32 numbers and int32 codes.

    - A **number** x becomes z = (x - median) / (q75 - q25), or half the range max - min in place
      of an interquartile range of 0, and then z / sqrt(1 + (z/3)^2), which lies in (-3, 3). This
      is computed in float64. A column that is constant in training becomes 0. A missing cell
      becomes 0; if training rows had some, a column of 1 (missing) and 0 is added. Whole numbers of at most 20 values
      in training, with ten rows each or more and none beyond ±3, lie in (-30, 30): later ones keep their distance.
      That is `scaling` "robust". With "standard" z is (x - mean) / deviation, and with "none" x itself, neither of
      them bent: a linear network of such numbers is linear, beyond the training rows too.
    - A **date** or a time of day becomes its days since 1970, scaled like a number (with
      "none" as with "standard"), and for each cycle (year,
      week, day) that it moves through in training the sine and cosine of its phase; 0 if missing.
    - A **category** of one or two values becomes -1 and +1 (one value: +1), 0 if missing or
      not seen in training. Any other becomes a code: 0 if missing or not seen, else 1, 2, ... in
      sorted order. Values are compared by their text, in which 3.0 is 3; spellings of the same truth, and codes such as
      01 and 1, are one value: see ``finder``.

    ``Encoded.numbers`` holds, in this order: numbers and dates, their indicators, cycles, binary
    categories; ``number_names`` and ``code_names`` say which is which.

    >>> frame = pd.DataFrame({"x": [1.0, 2.0, None, 4.0], "c": ["b", "a", "c", "b"]})
    >>> encoder = TableEncoder.fit([Column("x", "number", ""), Column("c", "category", "")], frame)
    >>> encoder.number_names, encoder.code_names, encoder.cardinalities
    (('x', 'x is missing'), ('c',), (4,))
    >>> encoder.transform(pd.DataFrame({"c": ["c", "?"], "x": [None, 2.0]}))
    Encoded(numbers=array([[0., 1.],
           [0., 0.]], dtype=float32), codes=array([[3],
           [0]], dtype=int32))
    """

    numbers: tuple[NumberScale, ...]
    dates: tuple[DateScale, ...]
    categories: tuple[Categories, ...]
    layout: Layout | None = None

    @property
    def input_layer(self) -> Columns:
        as_they_are = (0.0, 1.0, None)
        changed = {one.name: SCALED for one in self._scales if (one.center, one.scale, one.clip) != as_they_are}
        changed |= {category.name: " (-1 or 1)" for category in self.categories if category.binary}
        names = tuple(f"{name}{changed.get(name, '')}" for name in self.number_names)
        return Columns(self.cardinalities, names=names)

    @property
    def row_shape(self) -> Any:
        return (self.n_numbers,), (len(self.cardinalities),)

    def size(self, rows: int) -> Size:
        return table_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return table_space(rows, (self.n_numbers,), goals)

    @classmethod
    def alike(cls, encoders: Sequence[Self]) -> Sequence[Self]:
        """Return encoders whose arrays have all columns that one of them makes; those of another hold 0."""
        numbers = dict.fromkeys(name for encoder in encoders for name in encoder.number_names)
        codes = {name: 0 for encoder in encoders for name in encoder.code_names}
        for encoder in encoders:
            for name, cardinality in zip(encoder.code_names, encoder.cardinalities, strict=True):
                codes[name] = max(codes[name], cardinality)
        layout = Layout(tuple(numbers), tuple(codes), tuple(codes.values()))
        if all(encoder.layout is None and encoder._own == layout for encoder in encoders):
            return encoders
        return [replace(encoder, layout=layout) for encoder in encoders]

    @staticmethod
    def fit(
        columns: Iterable[Column], frame: pd.DataFrame, weight: np.ndarray | None = None, scaling: str = "robust"
    ) -> "TableEncoder":
        """Learn from training rows the columns that are used; `scaling` is one of `phalanx.study.SCALINGS`.

        ``weight`` (n,) counts rows: an integer weight gives what that many copies of the row would, with
        "robust" exactly. Raises InputError for a missing column, and for a cell that does not fit its
        column's kind.
        """
        if weight is not None:
            frame, weight = frame.loc[weight > 0], weight[weight > 0]
        used = [column for column in columns if column.used]
        table = named_columns(frame)
        _check_names([column.name for column in used], table)
        scales, dates, categories = [], [], []
        for column in used:
            cells = table[column.name]
            if column.kind == "number":
                scales.append(number_scale(column.name, numbers(cells, column.name), weight, scaling))
            elif column.kind == "date":
                since = days(tidy(cells), column.name, column.date_format)
                robust = scaling == "robust"
                scale = (robust_scale if robust else standard_scale)(since, weight)
                cycles = cycles_in(since)
                dates.append(DateScale(column.name, *scale, column.date_format, cycles, CLIP if robust else None))
            else:
                categories.append(Categories(column.name, tuple(sorted(set(keys(tidy(cells))[2]), key=_order))))
        return TableEncoder(tuple(scales), tuple(dates), tuple(categories))

    @staticmethod
    def fit_numbers(values: np.ndarray, weight: np.ndarray | None = None, scaling: str = "robust") -> "TableEncoder":
        """Learn from an (n, p) array in which every column is a number; they are named x0, x1, ...

        No column is left out: one that is constant becomes 0. NaN is missing.
        """
        if weight is not None:
            values, weight = values[weight > 0], weight[weight > 0]
        values = np.asarray(values, dtype=np.float64)
        names = [f"x{position}" for position in range(values.shape[1])]
        for name, column in zip(names, values.T, strict=True):
            check_finite(column, name)
        scales = [number_scale(name, column, weight, scaling) for name, column in zip(names, values.T, strict=True)]
        return TableEncoder(tuple(scales), (), ())

    def transform(self, frame: Any) -> Encoded:
        """Encode rows of a DataFrame; an array (n, p) has the columns that `fit_numbers` saw.

        Columns are found by name; their order and further columns do not matter.

        Raises InputError naming a column that is missing, or column, row (from 1) and value of a
        cell that is infinite, or is text where training had a number or a date.
        """
        if not isinstance(frame, pd.DataFrame):
            if getattr(frame, "ndim", 0) != 2:
                raise InputError("the model was trained on a table; give a table")
            return self.transform_numbers(frame)
        table = named_columns(frame)
        _check_names(self.columns, table)
        raw = np.empty((len(frame), len(self.numbers) + len(self.dates)), dtype=np.float64, order="F")
        for position, number in enumerate(self.numbers):
            raw[:, position] = numbers(table[number.name], number.name)
        for position, date in enumerate(self.dates, start=len(self.numbers)):
            raw[:, position] = days(tidy(table[date.name]), date.name, date.date_format)
        cycles = [
            waves(raw[:, position], cycle)
            for position, date in enumerate(self.dates, start=len(self.numbers))
            for cycle in date.cycles
        ]
        rows = [(category, _rows(category, table[category.name])) for category in self.categories]
        signs = [_signs(category, row)[:, None] for category, row in rows if category.binary]
        codes = [row for category, row in rows if not category.binary]
        return self._placed(
            Encoded(
                np.hstack([scaled(raw, self._scales), *cycles, *signs], dtype=np.float32, casting="same_kind"),
                np.stack(codes, axis=1) if codes else np.empty((len(frame), 0), dtype=np.int32),
            )
        )

    def unseen(self, frame: Any) -> list[str]:
        """Say of each category column which values of a table training did not have, and in what share of the rows.

        Such a cell is encoded as a missing one is. Raises InputError naming a column that is missing.
        """
        if not isinstance(frame, pd.DataFrame):
            return []
        table, said = named_columns(frame), list[str]()
        _check_names(self.columns, table)
        for category in self.categories:
            find = finder(category.values)
            rows, _, texts = keys(tidy(table[category.name]))
            new = [text for text in texts if find(text) < 0]
            if new:
                count = int(np.isin(rows, [place for place, text in enumerate(texts) if find(text) < 0]).sum())
                shown = ", ".join(repr(text) for text in new[:3]) + (", ..." if len(new) > 3 else "")
                said.append(
                    f"column {category.name!r} has values that training did not, in {count:,} of {len(frame):,} rows "
                    f"({count / len(frame):.1%}), taken for missing: {shown}"
                )
        return said

    def transform_numbers(self, values: np.ndarray) -> Encoded:
        """Encode an (n, p) array with the columns that ``fit_numbers`` saw."""
        values = np.asarray(values, dtype=np.float64)
        if values.shape[1] != len(self.numbers):
            raise InputError(f"the array has {values.shape[1]} columns, but training had {len(self.numbers)}")
        if np.isinf(values).any():
            for number, column in zip(self.numbers, values.T, strict=True):
                check_finite(column, number.name)
        return self._placed(Encoded(scaled(values, self._scales), np.empty((len(values), 0), dtype=np.int32)))

    def _placed(self, encoded: Encoded) -> Encoded:
        """Return encoded rows with the columns of the layout, 0 where this encoder has none of a name."""
        if self.layout is None:
            return encoded
        numbers = np.zeros((len(encoded.numbers), len(self.layout.numbers)), np.float32)
        codes = np.zeros((len(encoded.codes), len(self.layout.codes)), np.int32)
        numbers[:, self._places] = encoded.numbers
        codes[:, [self.layout.codes.index(name) for name in self._own.codes]] = encoded.codes
        return Encoded(numbers, codes)

    @property
    def _scales(self) -> tuple[NumberScale | DateScale, ...]:
        return (*self.numbers, *self.dates)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the table's columns that are used."""
        parts: list[NumberScale | DateScale | Categories] = [*self.numbers, *self.dates, *self.categories]
        return tuple(part.name for part in parts)

    @property
    def number_names(self) -> tuple[str, ...]:
        """A name for each column of ``Encoded.numbers``."""
        return self._own.numbers if self.layout is None else self.layout.numbers

    @property
    def _own(self) -> Layout:
        """The columns that the columns of a table become."""
        many = [category for category in self.categories if not category.binary]
        names = (
            *(scale.name for scale in self._scales),
            *(f"{scale.name}{MISSING}" for scale in self._scales if scale.indicator),
            *(f"{date.name} {wave} of {cycle}" for date in self.dates for cycle in date.cycles for wave in WAVES),
            *(category.name for category in self.categories if category.binary),
        )
        sizes = tuple(len(category.values) + 1 for category in many)
        return Layout(names, tuple(category.name for category in many), sizes)

    @property
    def code_names(self) -> tuple[str, ...]:
        """The name of each column of ``Encoded.codes``."""
        return self._own.codes if self.layout is None else self.layout.codes

    @property
    def n_numbers(self) -> int:
        """The number of columns of ``Encoded.numbers``."""
        return len(self.number_names)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """The number of codes of each column of ``Encoded.codes``, 0 (missing or not seen) included."""
        return self._own.cardinalities if self.layout is None else self.layout.cardinalities

    @property
    def raw(self) -> tuple[str, ...]:
        return self.columns

    def shuffled(self, inputs: Encoded, column: str, order: np.ndarray) -> Encoded:
        numbers, codes = np.array(inputs.numbers), np.array(inputs.codes)
        at = [i for i, name in zip(self._places, self._owners, strict=True) if name == column]
        numbers[:, at] = numbers[order][:, at]
        of_codes = [i for i, name in enumerate(self.code_names) if name == column]
        codes[:, of_codes] = codes[order][:, of_codes]
        return Encoded(numbers, codes)

    @property
    def _owners(self) -> tuple[str, ...]:
        """Of each column of numbers that the columns of a table become, the one that it comes from."""
        return (
            *(scale.name for scale in self._scales),
            *(scale.name for scale in self._scales if scale.indicator),
            *(date.name for date in self.dates for _ in date.cycles for _ in WAVES),
            *(category.name for category in self.categories if category.binary),
        )

    @property
    def _places(self) -> list[int]:
        """Where these columns stand in `Encoded.numbers`."""
        own = self._own.numbers
        return list(range(len(own))) if self.layout is None else [self.layout.numbers.index(name) for name in own]

    def as_numbers(self, encoded: Encoded) -> Encoded:
        """Return encoded rows as other models take them: as they are."""
        return encoded

    def to_plain(self) -> dict[str, Any]:
        """Return the state as maps, lists, numbers and texts."""
        return {
            "numbers": [asdict(number) for number in self.numbers],
            "dates": [asdict(date) | {"cycles": list(date.cycles)} for date in self.dates],
            "categories": [{"name": part.name, "values": list(part.values)} for part in self.categories],
            **({} if self.layout is None else {"layout": {k: list(v) for k, v in asdict(self.layout).items()}}),
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "TableEncoder":
        """Return the encoder whose ``to_plain`` this is."""
        return TableEncoder(
            tuple(NumberScale(**number) for number in plain["numbers"]),
            tuple(DateScale(**date | {"cycles": tuple(date["cycles"])}) for date in plain["dates"]),
            tuple(Categories(part["name"], tuple(part["values"])) for part in plain["categories"]),
            Layout(**{k: tuple(v) for k, v in plain["layout"].items()}) if "layout" in plain else None,
        )


def _order(text: str) -> tuple[bool, float, str]:
    """Sort numbers by value, before texts."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text


def _rows(category: Categories, cells: pd.Series) -> np.ndarray:
    """Return each row's position among the values from 1, or 0."""
    position = finder(category.values)
    rows, _, texts = keys(tidy(cells))
    # The last entry serves the rows that are missing, numbered -1.
    codes = np.array([position(text) + 1 for text in texts] + [0], dtype=np.int32)
    return codes[rows]


def _signs(category: Categories, rows: np.ndarray) -> np.ndarray:
    signs = [0.0, 1.0] if len(category.values) < 2 else [0.0, -1.0, 1.0]
    return np.array(signs, dtype=np.float32)[rows]


def _check_names(needed: Collection[str], table: Mapping[str, pd.Series]) -> None:
    absent = [name for name in needed if name not in table]
    if not absent:
        return
    if len(absent) > 1:
        more = f" and {len(absent) - 5:,} more" if len(absent) > 5 else ""
        raise InputError(f"the table lacks the columns {', '.join(map(repr, absent[:5]))}{more}")
    near = get_close_matches(absent[0], [name for name in table if name not in needed], n=1)
    hint = f"; rename {near[0]!r} if that is meant" if near else ""
    raise InputError(f"the table lacks the column {absent[0]!r}{hint}")
