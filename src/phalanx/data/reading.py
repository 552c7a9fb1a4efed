"""How the text cells of a table are read: decided once for a whole table in training, and kept for every later one.

A column's cells are numbers, ISO dates or text. What a point and a comma mean, and whether `NA` is missing or a name,
one cell cannot tell; all columns together are the evidence. `docs/tables.md` has the rules in words.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from phalanx.data.alike import are_truths
from phalanx.data.dates import iso_dates
from phalanx.data.durations import are_durations, durations
from phalanx.data.letters import cells_in_one_form
from phalanx.data.numerals import COMMA, EITHER, POINT, Numeral, evidence, numeral, value
from phalanx.data.spellings import date_formats, nearly_dates, read_dates

#: Spellings that mean "missing" in any column.
BLANKS = frozenset(["", "?", "#N/A", "<NA>", "NaN", "nan", "NAN", "-nan", "-NaN"])
#: Spellings that mean "missing" among numbers, dates and truths; among other texts they may be names.
WORDS = frozenset(["NA", "N/A", "n/a", "NULL", "Null", "null", "None"])
#: Spellings, in lower case, that mean "missing" where every other cell is a number.
MISSING_AMONG_NUMBERS = frozenset(["-", "--", ".", "na", "n.a.", "none", "nil", "missing", "unknown"])
#: The largest share of cells that are no numbers in a column of numbers, or no dates in one of dates.
MOST_BAD = 0.05
#: The same for a column that held numbers, or dates, in training: with more, it is another column.
MOST_BAD_LATER = 0.5

_ISO = ""  # the spelling of dates in ISO 8601
_INTEGER = r"^-?\d+$"
_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity))$"
_CODE = r"^[+-]?0[0-9xX]"  # 007 and 0x1F are names, not quantities
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$"  # 1.500, which may be 1500
_SAMPLE = 1000  # distinct cells looked at before all of them are
_DATE_SAMPLE = 100


@dataclass(frozen=True)
class Reading:
    """How a column was read, which later tables repeat, and what was noticed.

    `number`: its cells are numbers. `decimal`: the decimal sign, empty: nothing told it. `unit`: what stands around
    each number. `words`: what is missing there besides `BLANKS`. `style`: how thousands or decimals look, in words.
    `verbatim`: its cells are copied as they are, as those of identifiers are.
    `kept`: which of `WORDS` are values there. `seconds`: its cells are durations, which become numbers of seconds.
    `dates`: the spellings that fit its dates, of which ISO 8601 is the empty one. `missing`: how many cells had each
    spelling of a missing one. `bad`: row (from 1) and text of cells that are no numbers, or no dates, though the others
    are.
    """

    number: bool = False
    decimal: str = ""
    unit: str = ""
    words: tuple[str, ...] = ()
    verbatim: bool = False
    style: str = ""
    kept: tuple[str, ...] = ()
    seconds: bool = False
    missing: Mapping[str, int] = field(default_factory=dict)
    bad: tuple[tuple[int, str], ...] = ()
    dates: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return what later tables repeat as plain data."""
        names = ("number", "decimal", "unit", "verbatim", "seconds")
        return {**{name: getattr(self, name) for name in names}, "words": list(self.words), "dates": list(self.dates)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Reading":
        """Return the reading whose `to_plain` this is."""
        return Reading(**{**plain, "words": tuple(plain["words"]), "dates": tuple(plain.get("dates", ()))})


def read_texts(
    texts: Mapping[str, pa.Array],
    *,
    semicolon: bool = False,
    missing: Collection[str] | None = None,
    known: Mapping[str, Reading] | None = None,
) -> dict[str, tuple[pd.Series, Reading]]:
    """Read the columns of a table whose cells are text; return each with how it was read.

    `semicolon`: the cells come from a semicolon-separated file, which speaks for decimal commas. `missing`: spellings
    that mean missing in every column, and then no word does among texts, None: it is found out. `known`: how the
    columns of the training table were read, or of this one are to be.

    >>> table = {"size": pa.array(["1,5", "?", "2,25"]), "sold": pa.array(["1.500", "3.250", "4"])}
    >>> read = read_texts(table)
    >>> {name: column.tolist() for name, (column, _) in read.items()}
    {'size': [1.5, nan, 2.25], 'sold': [1500, 3250, 4]}
    >>> later, _ = read_texts({"sold": pa.array(["2.000"])}, known={"sold": read["sold"][1]})["sold"]
    >>> later.tolist()
    [2000]
    """
    known = known or {}
    copied = {name for name, reading in known.items() if reading.verbatim}
    found = {name: _verbatim(text) for name, text in texts.items() if name in copied}
    rest = {name: text for name, text in texts.items() if name not in copied}
    drafts = {name: _Draft.of(name, text, known.get(name), missing) for name, text in rest.items()}
    meant = _meanings(drafts, known, semicolon)
    for name, draft in drafts.items():
        read = draft.numbers(meant[name]) or draft.dates() or draft.durations() or draft.spelt_dates()
        if read is not None:
            found[name] = read
    used = {word for _, reading in found.values() for word in reading.missing if word in WORDS}
    left = {name: draft.texts(used) for name, draft in drafts.items() if name not in found}
    return {name: found.get(name) or left[name] for name in texts}


@dataclass
class _Draft:
    """A column while it is read: its trimmed cells, and what they may be."""

    name: str
    text: pa.Array  # null where a cell is missing whatever the column holds
    given: pa.Array
    rest: pa.Array  # null also where a cell is missing among numbers
    known: Reading | None
    words: frozenset[str] | None  # what is missing among texts, None: to be found out
    plain: bool = False  # every cell reads as a number as it is
    numerals: Mapping[str, Numeral] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)  # cells a distinct text, where it is not plain
    says: Counter[str] = field(default_factory=Counter)  # what cells say of points and commas

    @staticmethod
    def of(name: str, cells: pa.Array, known: Reading | None, missing: Collection[str] | None) -> "_Draft":
        given = cells_in_one_form(cells)
        extra = frozenset(known.words) if known else frozenset(missing or ())
        text = _null_where(pc.is_in(given, value_set=pa.array(sorted(BLANKS | extra), given.type)), given)
        among = pa.array(sorted({word.lower() for word in WORDS} | MISSING_AMONG_NUMBERS), given.type)
        rest = _null_where(pc.is_in(pc.utf8_lower(text), value_set=among), text)
        draft = _Draft(name, text, given, rest, known, extra if known or missing is not None else None)
        expected = known is not None and known.number
        if expected or not _any(pc.match_substring_regex(rest, _CODE)):
            draft._look_for_numbers(MOST_BAD_LATER if expected else MOST_BAD)
        return draft

    def _look_for_numbers(self, most_bad: float) -> None:
        if _all_match(self.rest, _NUMBER):
            self.plain = True
            points = _count(pc.match_substring(self.rest, POINT))
            either = _count(pc.match_substring_regex(self.rest, _THOUSANDS))
            self.says = Counter({POINT: points - either, EITHER: either})
            if not either or points > either:
                return
        counted = pc.value_counts(self.rest.drop_null())
        cells = counted.field("values").to_pylist()
        if sum(numeral(cell) is not None for cell in cells[:_SAMPLE]) < len(cells[:_SAMPLE]) / 2:
            return
        self.counts = dict(zip(cells, counted.field("counts").to_pylist(), strict=True))
        found = {cell: read for cell in cells if (read := numeral(cell)) is not None}
        found = _of_one_unit(found, self.counts)
        good = sum(self.counts[cell] for cell in found)
        if not good or sum(self.counts.values()) - good > most_bad * sum(self.counts.values()):
            return
        self.numerals = found
        self.says = Counter()
        for cell, read in found.items():
            self.says[evidence(read.digits)] += self.counts[cell]

    @property
    def _asked(self) -> tuple[str, ...]:
        """What is missing beside the usual spellings since a person said so, which later tables repeat."""
        return tuple(sorted(self.words or ()))

    @property
    def decided(self) -> str:
        """The decimal sign that the cells themselves tell: what most of those say that have one meaning only."""
        if self.says[POINT] == self.says[COMMA] == 0:
            return ""
        return POINT if self.says[POINT] >= self.says[COMMA] else COMMA

    @property
    def by_zeros(self) -> str:
        """The decimal sign, where whole numbers below 1000 stand beside cells like `1.500`, which keep their zeros."""
        unclear = [read.digits for read in self.numerals.values() if evidence(read.digits) == EITHER]
        whole = [read.digits for read in self.numerals.values() if read.digits.isdecimal()]
        signs = {sign for digits in unclear for sign in (POINT, COMMA) if sign in digits}
        if len(signs) != 1 or not any(digits.endswith("0") for digits in unclear):
            return ""
        if any(len(digits) > 3 for digits in whole) or all(int(digits) == 0 for digits in whole):
            return ""
        return COMMA if signs == {POINT} else POINT

    def numbers(self, decimal: str) -> tuple[pd.Series, Reading] | None:
        """Return the column as numbers, None where it is none."""
        expected = self.known is not None and self.known.number
        if self.rest.null_count == len(self.rest) and self.text.null_count < len(self.text) and not expected:
            return None  # nothing but "-" is text
        if self.plain and (decimal == POINT or not self.says[EITHER]):
            values = _cast(self.rest).to_pandas()
            return values, Reading(True, decimal, words=self._asked, missing=self._missing(self.rest))
        read = {
            cell: ("-" if held.negative else "") + plain
            for cell, held in self.numerals.items()
            if (plain := value(held.digits, decimal)) is not None
        }
        lost = sum(self.counts.values()) - sum(self.counts[cell] for cell in read)
        if not read or lost > (MOST_BAD_LATER if expected else MOST_BAD) * sum(self.counts.values()):
            return None
        coded = pc.dictionary_encode(self.rest)
        rows = coded.indices.to_numpy(zero_copy_only=False)
        position = np.where(np.isnan(rows), len(coded.dictionary), rows).astype(np.int64)
        plain_texts = [read.get(cell) for cell in coded.dictionary.to_pylist()]
        whole = all(plain is not None and plain.lstrip("-").isdecimal() and len(plain) < 19 for plain in plain_texts)
        values = np.array([np.nan if plain is None else float(plain) for plain in plain_texts] + [np.nan])[position]
        exact = whole and self.rest.null_count == 0
        if exact:
            values = np.array([int(plain or 0) for plain in plain_texts], np.int64)[position]
        bad = [] if len(read) == len(plain_texts) else self._bad(read)
        reading = Reading(
            True,
            decimal,
            unit=max(self.numerals[cell].unit for cell in read),
            words=self._asked,
            style=self._style(decimal),
            missing=self._missing(self.rest),
            bad=tuple(bad),
        )
        return pd.Series(values), reading

    def dates(self) -> tuple[pd.Series, Reading] | None:
        """Return the column as dates, None where they are none of ISO 8601."""
        if self.known and self.known.number:
            return None
        most_bad = MOST_BAD if self.known is None else MOST_BAD_LATER if self.known.dates == (_ISO,) else 0.0
        times = iso_dates(self.rest, most_bad)
        if times is None:
            return None
        missing = self._missing(self.rest)
        return times, Reading(words=self._asked, missing=missing, bad=self._lost(times.isna()), dates=(_ISO,))

    def spelt_dates(self) -> tuple[pd.Series, Reading] | None:
        """Return a column of dates spelt otherwise as text, without cells that are none; None where it holds others."""
        known = self.known.dates if self.known else ()
        if self.known is not None and known in ((), (_ISO,)):
            return None
        counted = pc.value_counts(self.rest.drop_null())
        cells = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
        found = known or nearly_dates(cells, MOST_BAD)
        texts = pd.Series(list(cells), dtype=str)
        fitting = [texts[read_dates(texts, spelling).notna()] for spelling in found]
        good = pd.concat(fitting).unique().tolist() if found else []
        if not good or sum(cells[cell] for cell in good) < (1 - MOST_BAD_LATER) * sum(cells.values()):
            return None
        read = _null_where(pc.invert(pc.is_in(self.rest, value_set=pa.array(good, self.rest.type))), self.rest)
        column = read.to_pandas()
        words = tuple(sorted(WORDS if self.words is None else self.words))
        missing = self._missing(self.rest)
        return column, Reading(words=words, missing=missing, bad=self._lost(column.isna()), dates=found)

    def durations(self) -> tuple[pd.Series, Reading] | None:
        """Return the column as seconds, None where it holds no durations."""
        if self.known is not None and not self.known.seconds:
            return None
        found = durations(self.rest, self.known is not None or are_durations(self.name))
        if found is None:
            return None
        return found.to_pandas(), Reading(True, words=self._asked, seconds=True, missing=self._missing(self.rest))

    def texts(self, used: Collection[str]) -> tuple[pd.Series, Reading]:
        """Return the column as text; words that are missing ones elsewhere are `used`."""
        named = pc.is_in(self.text, value_set=pa.array(sorted(WORDS), self.text.type))
        held = frozenset(pc.unique(self.text.filter(named)).to_pylist())
        words = self._missing_words(held, used) if self.words is None else self.words
        text = _null_where(pc.is_in(self.text, value_set=pa.array(sorted(words), self.text.type)), self.text)
        return text.to_pandas(), Reading(
            words=tuple(sorted(words)),
            kept=() if self.known else tuple(sorted(held - words)),
            missing=self._missing(text),
        )

    def _missing_words(self, held: Collection[str], used: Collection[str]) -> frozenset[str]:
        if not held:
            return frozenset(used)
        others = pc.unique(self.rest.drop_null()).to_pylist()
        if not others or are_truths(others) or date_formats(pd.Series(others[:_DATE_SAMPLE], dtype=str)):
            return WORDS
        return frozenset() if self.text.null_count else frozenset(used)

    def _missing(self, read: pa.Array) -> dict[str, int]:
        """Return how many cells of each spelling are missing in the column as read."""
        if not read.null_count:
            return {}
        counted = pc.value_counts(pc.fill_null(self.given, "").filter(pc.is_null(read)))
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))

    def _bad(self, read: Collection[str]) -> list[tuple[int, str]]:
        cells = enumerate(self.rest.to_pylist(), start=1)
        return [(row, cell) for row, cell in cells if cell is not None and cell not in read]

    def _lost(self, missing: pd.Series) -> tuple[tuple[int, str], ...]:
        """Return row (from 1) and text of the cells that are missing only since they could not be read."""
        cells = enumerate(zip(self.rest.to_pylist(), missing, strict=True), start=1) if missing.any() else ()
        return tuple((row, cell) for row, (cell, lost) in cells if lost and cell is not None)

    def _style(self, decimal: str) -> str:
        digits = [held.digits for held in self.numerals.values()]
        if any(COMMA in held for held in digits):
            return "a decimal comma" if decimal == COMMA else "a comma between thousands"
        return "a point between thousands" if decimal == COMMA and any(POINT in held for held in digits) else ""


def _verbatim(cells: pa.Array) -> tuple[pd.Series, Reading]:
    text = pc.utf8_trim_whitespace(cells)
    return _null_where(pc.equal(text, ""), text).to_pandas(), Reading(verbatim=True)


def _of_one_unit(found: Mapping[str, Numeral], counts: Mapping[str, int]) -> dict[str, Numeral]:
    """Return the numerals that have the commonest unit, or if most have none, those that have none."""
    units: Counter[str] = Counter()
    for cell, read in found.items():
        units[read.unit] += counts[cell]
    if not units:
        return {}
    chosen = units.most_common(1)[0][0]
    bare = next((read for read in found.values() if read.unit == chosen and not read.scaled), None)
    return {
        cell: read
        for cell, read in found.items()
        if read.unit == chosen or (not read.unit and (bare is not None or read.digits == "0"))
    }


def _meanings(drafts: Mapping[str, _Draft], known: Mapping[str, Reading], semicolon: bool) -> dict[str, str]:
    """Return the decimal sign of each column: its own, or that of the others, or that of training."""
    own = {name: draft.decided for name, draft in drafts.items()}
    table = {sign for sign in own.values() if sign}
    before = {name: reading.decimal for name, reading in known.items() if reading.decimal}
    differ = [own[name] != before[name] for name in before if own.get(name)]
    if before and not (differ and all(differ)):
        own = {name: sign or before.get(name, "") for name, sign in own.items()}
    of_all = table.pop() if len(table) == 1 else ""
    default = COMMA if semicolon else POINT
    return {name: own[name] or of_all or draft.by_zeros or default for name, draft in drafts.items()}


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask, min_count=0).as_py())


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask, min_count=0).as_py())


def _all_match(text: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py())


def _null_where(mask: pa.Array, text: pa.Array) -> pa.Array:
    return pc.if_else(mask, pa.scalar(None, text.type), text)


def _cast(text: pa.Array) -> pa.Array:
    if _all_match(text, _INTEGER):
        try:
            return pc.cast(text, pa.int64())
        except pa.ArrowInvalid:  # more than 64 bits
            pass
    return pc.cast(text, pa.float64())
