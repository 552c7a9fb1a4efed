"""A second line of a header: units below the names of columns."""

from collections.abc import Mapping

import pyarrow as pa

from phalanx.data.numerals import numeral
from phalanx.data.reading import BLANKS, MISSING_AMONG_NUMBERS, WORDS

_SYMBOLS = """
% ‰ ° °c °f c k g kg mg t lb lbs oz m mm cm km in ft mi m2 m² m3 m³ km2 km² ha l ml s sec ms min h hr hrs day days year
years yr v mv kv a ma w kw mw kwh mwh j kj hz khz mhz pa hpa kpa bar mbar n nm ppm db m/s km/h mph mmhg mol mmol mmol/l
mg/l mg/dl g/l kg/m3 kg/m³ kg/m2 kg/m² bpm rpm deg rad px $ € £ ¥ eur usd gbp chf jpy
"""
_UNITS = frozenset(_SYMBOLS.split())
_SAMPLE, _NUMBERS = 1000, 0.95  # rows looked at, and the share of them that are numbers in a column of numbers


def units_below(texts: Mapping[str, pa.Array]) -> dict[str, str]:
    """Return the units that the first row of a table holds, by column; none where it is a row like the others.

    It holds units where each column that is numbers from the second row on begins with none, and at least one of them
    with a unit that is known or stands in brackets.

    >>> units_below({"mass": pa.array(["[kg]", "1.5", "2"]), "name": pa.array(["", "a", "b"])})
    {'mass': '[kg]'}
    """
    first: dict[str, str] = {}
    for name, cells in texts.items():
        head, *below = [(cell or "").strip() for cell in cells.slice(0, _SAMPLE).to_pylist()]
        held = [cell for cell in below if not _is_missing(cell)]
        if held and sum(numeral(cell) is not None for cell in held) >= _NUMBERS * len(held):
            first[name] = head
    if any(numeral(head) is not None for head in first.values()):
        return {}
    units = {name: head for name, head in first.items() if not _is_missing(head)}
    return units if any(map(_is_unit, units.values())) else {}


def spelt_units(units: Mapping[str, str]) -> str:
    """Return some units with their columns in words."""
    shown = [f"{unit!r} of {name!r}" for name, unit in list(units.items())[:4]]
    return ", ".join(shown) + (", ..." if len(units) > len(shown) else "")


def _is_missing(cell: str) -> bool:
    return cell in BLANKS or cell in WORDS or cell.lower() in MISSING_AMONG_NUMBERS


def _is_unit(cell: str) -> bool:
    bracketed = len(cell) > 2 and cell[0] + cell[-1] in ("[]", "()") and not cell[1:-1].isdecimal()
    return bracketed or cell.lower() in _UNITS
