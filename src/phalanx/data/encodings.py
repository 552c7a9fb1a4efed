"""How the bytes of a file become text: by a mark at the beginning, else as UTF-8, else as windows-1252."""

import codecs
from typing import NamedTuple

import numpy as np

_MARKS = (  # the longer first: UTF-32's begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32-be"),
    (codecs.BOM_UTF8, "UTF-8", "utf-8"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16-be"),
)
_LOOKED_AT = 1 << 16  # bytes looked at to tell text from other data
_MOST_CONTROL = 0.05  # share of them that may be control characters
_MOST_LATIN = 0.7  # share of bytes in every second place that are zero in UTF-16 of mostly Latin letters
_ESCAPED = 0xDC00  # where Python puts bytes that are not UTF-8
_UNDEFINED = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_WINDOWS = "".join(_UNDEFINED.get(byte) or bytes([byte]).decode("cp1252") for byte in range(256))


class Decoded(NamedTuple):
    """The text of a file, how its bytes were read, and the line (from 1) that is not UTF-8, 0: it all is."""

    text: str
    encoding: str
    line: int = 0


def decode(raw: bytes) -> Decoded:
    """Return the text that bytes are.

    A mark at the beginning says UTF-8, UTF-16 or UTF-32 and is removed. Without one, bytes of which every second is
    mostly zero are UTF-16. Others are UTF-8 if all of them are. Where more of the letters beyond ASCII are UTF-8 than
    are not, only the rest of the bytes are windows-1252; else all are. Latin-1's letters are a part of windows-1252;
    bytes that it leaves undefined become the control characters of their number, as browsers read them. Raises
    ValueError, with the reason, for what is no text.

    >>> decode("naïve".encode("utf-8")), decode(b"don\\x92t")
    (Decoded(text='naïve', encoding='UTF-8', line=0), Decoded(text='don’t', encoding='windows-1252', line=1))
    """
    for mark, name, codec in _MARKS:
        if raw.startswith(mark) and (name != "UTF-32" or len(raw) % 4 == 0):
            try:
                return Decoded(_checked(raw[len(mark) :].decode(codec)), name)
            except UnicodeDecodeError as error:
                if name == "UTF-8":  # a mark, but other bytes behind it
                    _check_bytes(raw)
                    return _utf_8_or_windows(raw[len(mark) :])
                raise ValueError(f"not {name} at byte {error.start + len(mark):,}, counted from 0") from error
    if unmarked := _without_mark(raw):
        try:
            return Decoded(_checked(raw.decode(unmarked)), "UTF-16")
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-16 at byte {error.start:,}, counted from 0") from error
    _check_bytes(raw)
    return _utf_8_or_windows(raw)


def _utf_8_or_windows(raw: bytes) -> Decoded:
    try:
        return Decoded(raw.decode("utf-8"), "UTF-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    # Bytes that are not UTF-8 become surrogates, which no UTF-8 holds.
    mixed = raw.decode("utf-8", "surrogateescape")
    letters = np.array([ord(letter) for letter in mixed if letter >= "\x80"])
    wrong = int(((letters >= _ESCAPED) & (letters < _ESCAPED + 256)).sum())
    if len(letters) - wrong > wrong:
        read = mixed.translate({_ESCAPED + byte: letter for byte, letter in enumerate(_WINDOWS) if byte >= 128})
        return Decoded(read, f"UTF-8 with {wrong:,} {'byte' if wrong == 1 else 'bytes'} of windows-1252", line)
    return Decoded(raw.decode("latin-1").translate(dict(enumerate(_WINDOWS))), "windows-1252", line)


def _without_mark(raw: bytes) -> str:
    """Return the codec of UTF-16 without a mark, empty: they are something else."""
    if len(raw) < 2 or len(raw) % 2 or b"\0" not in raw:
        return ""
    pairs = np.frombuffer(raw[:_LOOKED_AT], np.uint8).reshape(-1, 2) == 0
    for column, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        if pairs[:, column].mean() > _MOST_LATIN and not pairs[:, 1 - column].any():
            return codec
    return ""


def _check_bytes(raw: bytes) -> None:
    start = np.frombuffer(raw[:_LOOKED_AT], np.uint8)
    control = (start < 32) & ~np.isin(start, [9, 10, 12, 13])
    if b"\0" in raw or (control.size and control.mean() > _MOST_CONTROL):
        raise ValueError("it holds zero bytes" if b"\0" in raw else "it holds control bytes")


def _checked(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds zero bytes")
    return text
