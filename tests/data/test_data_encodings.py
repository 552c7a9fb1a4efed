"""Encodings: bytes become the text that was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phalanx.data.encodings import decode

LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff")
WINDOWS = st.sampled_from([c for b in range(32, 256) if (c := bytes([b]).decode("cp1252", "ignore"))])


@given(st.text(LETTERS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_any_text_reads_back(text, encoding):
    assert decode(text.encode(encoding)).text == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), st.sampled_from(["le", "be"]))
def test_utf_16_needs_no_mark(text, order):
    assert decode(text.encode(f"utf-16-{order}")) == (text, "UTF-16", 0)


@given(st.lists(WINDOWS).map(" ".join))
def test_windows_1252_reads_back(text):
    raw = b"a\n\x92 " + text.encode("cp1252")  # a byte that no UTF-8 has there
    assert decode(raw) == ("a\n\u2019 " + text, "windows-1252", 2)


def test_a_few_bytes_of_windows_1252_do_not_spoil_the_rest():
    raw = "naïve café\n".encode() + b"don\x92t"
    assert decode(raw) == ("naïve café\ndon’t", "UTF-8 with 1 byte of windows-1252", 2)
    assert decode(b"\xef\xbb\xbf" + raw)[:2] == decode(raw)[:2]


def test_bytes_without_a_meaning_keep_their_number():
    assert decode(b"\x81\xe9").text == "\x81\xe9"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"a\0b", "zero bytes"), (bytes(range(1, 32)), "control bytes"), (b"\xff\xfea", "not UTF-16 at byte 2")],
)
def test_other_data_is_refused(raw, reason):
    with pytest.raises(ValueError, match=reason):
        decode(raw)
