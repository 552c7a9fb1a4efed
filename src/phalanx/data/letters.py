"""One form for what looks alike: composed accents, ordinary spaces, and nothing invisible around a text."""

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"  # of no width: joiners, marks of direction, byte orders
_SPACES = "\u00a0\u202f\u2007"  # no-break
_AROUND = (
    _INVISIBLE
    + " \t\n\r\f\v\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
_PLAIN_SPACE = str.maketrans(dict.fromkeys(_SPACES, " "))


def composed(text: str) -> str:
    """Return a text in which each letter and its accents are one character where there is one (Unicode's NFC).

    >>> composed("e\\u0301") == "\\xe9"
    True
    """
    return unicodedata.normalize("NFC", text)


def one_form(text: str) -> str:
    """Return the form in which names, labels and cells are compared.

    It is composed; no-break spaces are ordinary ones; white space and characters without width are gone from both ends.

    >>> one_form("\\ufeffcafe\\u0301\\xa0") == "caf\\xe9"
    True
    """
    return composed(text.strip(_AROUND).translate(_PLAIN_SPACE))


def cells_in_one_form(cells: pa.Array) -> pa.Array:
    """Return an array of texts, each in `one_form`."""
    if pc.all(pc.string_is_ascii(cells), min_count=0).as_py():
        return pc.utf8_trim_whitespace(cells)
    trimmed = pc.utf8_normalize(pc.utf8_trim(cells, characters=_AROUND), form="NFC")
    for space in _SPACES:
        trimmed = pc.replace_substring(trimmed, pattern=space, replacement=" ")
    return trimmed
