"""Numbers as people write them: signs, thousands, decimal points and commas, currencies, percent and units.

What a point and a comma mean cannot be told from `1.500` alone: `evidence` says what a cell allows, and `value` reads
it once that is decided (see `reading`).
"""

import re
from typing import NamedTuple

POINT, COMMA = ".", ","
EITHER = "either"
"""What a cell says that has one meaning with a decimal point and another one with a decimal comma, such as `1.500`."""

_SPACES = re.compile("[\u00a0\u2007\u2009\u202f]")
_SYMBOLS = "$¢£¤¥฿\u20a0-\u20bf"
_CODES = (
    "CHF|EUR|USD|GBP|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|RON|AUD|CAD|NZD|BRL|ZAR|MXN|RUB|TRY|KRW|SGD|HKD|ILS"
    r"|Fr\.?|kr\.?|Rs\.?|zł"
)
_CELL = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-])?(?P<prefix>[A-Z]{{0,3}}[{_SYMBOLS}]|{_CODES})? ?(?P<inner>[+-])?"
    r"(?P<digits>\d(?:[\d., ']*\d)?|[.,]\d+|\d+\.(?![^)eE-]))(?P<power>[eE][+-]?\d+)?"
    r"(?P<gap> ?)(?P<suffix>[^\W\d_]+\.?|[^\w\s.,'()+-][^\d()+-]{0,11}[23²³]?|[^\W\d_][^\d()+-]{0,11}[23²³]?)?"
    r"(?P<after>-)?(?P<close>\))?"
)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:(?: \d{3})+|(?:'\d{3})+)(?![\d '])")
_WITH_POINT = re.compile(r"(?:\d+|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})?(?:\.\d*)?")
_WITH_COMMA = re.compile(r"(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)?(?:,\d+)?")
_CLOSE_LETTERS = 5  # the most letters of a unit that stands right behind its number: 7x is one, 7samurai a name
_ORDINALS = frozenset(["st", "nd", "rd", "th"])
_OF_THE_DAY = frozenset(["am", "pm", "a.m", "p.m", "uhr"])
_FACTORS = frozenset(["%", "‰", "k", "m", "b", "bn", "mio", "tsd", "mrd"])


class Numeral(NamedTuple):
    """A number in a cell of text: its digits with points and commas, its sign, and what stands around it."""

    digits: str
    negative: bool
    unit: str

    @property
    def scaled(self) -> bool:
        """Whether the unit changes what the digits mean, as that of `12%` and `3k` does: bare numbers differ."""
        return self.unit in _FACTORS


def numeral(cell: str) -> Numeral | None:
    """Return the number that a cell of text is, or None.

    >>> numeral("($1,200)"), numeral("1 234,5 €").digits, numeral("12.5km").unit, numeral("A12")
    (Numeral(digits='1,200', negative=True, unit='$'), '1234,5', 'km', None)
    """
    cell = _SPACES.sub(" ", cell).replace("\u2212", "-").replace("\u2019", "'")
    found = _CELL.fullmatch(cell)
    if found is None:
        return None
    minus = [found[name] for name in ("sign", "inner", "after") if found[name]]
    if len(minus) > 1 or bool(found["open"]) != bool(found["close"]):
        return None
    unit = _unit(found["prefix"], found["suffix"], bool(found["gap"]))
    digits = _without_gaps(found["digits"])
    if unit is None or digits is None or _says(digits) is None:
        return None
    return Numeral(digits + (found["power"] or ""), "-" in minus or bool(found["open"]), unit)


def evidence(digits: str) -> str:
    """Return what the digits say of points and commas: `POINT` or `COMMA` is the decimal one, `EITHER`, or nothing.

    >>> evidence("0.5"), evidence("1.234,5"), evidence("1.500"), evidence("15")
    ('.', ',', 'either', '')
    """
    said = _says(re.split("[eE]", digits)[0])
    return "" if said is None else said


def value(digits: str, decimal: str) -> str | None:
    """Return digits in the form that `float` reads, None where they are no number with this decimal sign.

    >>> value("1.500", "."), value("1.500", ","), value("0.5", ",")
    ('1.500', '1500', None)
    """
    mantissa, *power = re.split("([eE])", digits)
    if not (_WITH_COMMA if decimal == COMMA else _WITH_POINT).fullmatch(mantissa):
        return None
    grouping = POINT if decimal == COMMA else COMMA
    return mantissa.replace(grouping, "").replace(COMMA, POINT) + "".join(power)


def _says(mantissa: str) -> str | None:
    point, comma = _WITH_POINT.fullmatch(mantissa), _WITH_COMMA.fullmatch(mantissa)
    if not point and not comma:
        return None
    if mantissa.isdecimal():
        return ""
    return EITHER if point and comma else POINT if point else COMMA


def _without_gaps(digits: str) -> str | None:
    """Return digits without spaces and apostrophes between thousands, None where they stand elsewhere."""
    digits = digits.strip()
    if " " not in digits and "'" not in digits:
        return digits
    whole = _GROUPED.match(digits)
    return None if whole is None else re.sub("[ ']", "", whole[0]) + digits[whole.end() :]


def _unit(prefix: str | None, suffix: str | None, gap: bool) -> str | None:
    """Return what stands around a number, in lower case and in the singular; None where it makes it a name."""
    if prefix and suffix:
        return None
    unit = (suffix or prefix or "").strip().rstrip(".").casefold()
    if unit in _OF_THE_DAY or (suffix and not gap and suffix.isalpha() and len(suffix) > _CLOSE_LETTERS):
        return None
    if unit in _ORDINALS and not gap:
        return "th"
    return unit.removesuffix("s") if len(unit) > 2 and not prefix else unit
