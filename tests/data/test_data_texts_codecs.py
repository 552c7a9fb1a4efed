"""One long text as codes and back."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phalanx.errors import InputError
from phalanx.kinds.language.codecs import CODECS, BytePairs, Characters, Words

TEXT = "It was the best of times, it was the worst of times.\n\nÉté: 1789!\t – 日本 😀 ▁Ġ\r\n" * 3
FITTED = {name: kind.fit(TEXT) for name, kind in CODECS.items()}


@pytest.mark.parametrize("name", CODECS)
def test_the_training_text_comes_back(name):
    codec = FITTED[name]
    codes = codec.encode(TEXT)
    assert codes.dtype == np.int32
    assert codes.min() >= (name != "bpe")  # 0 is unknown; byte pairs know everything
    assert codes.max() < codec.tokens
    assert codec.decode(codes) == TEXT
    assert len(codec.encode("")) == 0
    assert codec.decode(codec.encode("")) == ""


@given(st.text(alphabet=sorted(set(TEXT)), max_size=60))
def test_any_text_of_known_characters_comes_back(text):
    for codec in FITTED.values():
        assert codec.decode(codec.encode(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_byte_pairs_bring_back_any_text(text):
    codec = FITTED["bpe"]
    assert codec.decode(codec.encode(text)) == text


@given(st.text(st.characters(), max_size=40))
def test_characters_never_seen_become_the_replacement_character(text):
    known = set(TEXT)
    expected = "".join(c if c in known else "\ufffd" for c in text)
    for name in ("characters", "words"):
        codec = FITTED[name]
        assert codec.decode(codec.encode(text)) == expected


@pytest.mark.parametrize("name", CODECS)
def test_codecs_survive_json_and_are_the_same_again(name):
    codec = FITTED[name]
    again = CODECS[name].from_plain(json.loads(json.dumps(codec.to_plain())))
    assert again == codec == CODECS[name].fit(TEXT)
    assert again.encode(TEXT).tolist() == codec.encode(TEXT).tolist()


def test_characters_are_numbered_in_order():
    codec = Characters.fit("cabbage")
    assert codec.alphabet == "abceg"
    assert codec.encode("gab?").tolist() == [5, 1, 2, 0]
    assert codec.decode(np.array([0, 1, 5])) == "\ufffdag"


def test_words_keep_the_most_frequent_and_spell_the_rest():
    codec = Words.fit("to be, or not to be, to be.", size=3)  # " be" 3 times, " to" and "," 2 times, others once
    assert [piece for piece in codec.pieces if len(piece) > 1] == [" be", " to"]
    pieces = [codec.decode(np.array([code])) for code in codec.encode("to be, not two")]
    assert pieces == ["t", "o", " be", ",", " ", "n", "o", "t", " ", "t", "\ufffd", "o"]


def test_byte_pairs_merge_what_is_frequent():
    codec = BytePairs.fit("banana bandana " * 20, size=260)
    assert codec.tokens == 260
    assert len(codec.encode("banana")) < 6
    assert len(codec.encode("xyz")) == 3
    with pytest.raises(InputError, match=r"^200 tokens are too few for byte pairs: there are 256 bytes to begin with$"):
        BytePairs.fit("banana", size=200)


def test_byte_pairs_that_are_no_character():
    codec = BytePairs.fit("aé", size=256)
    codes = codec.encode("é")
    assert codec.decode(codes[:1]) == "\ufffd"


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"^byte pairs need the package tokenizers: pip install 'phalanx\[bpe\]'$"):
        BytePairs.fit("text")


def test_byte_pairs_load_no_client_of_a_network():
    script = (
        "import sys; from phalanx.kinds.language.codecs import BytePairs; BytePairs.fit('a b').encode('a'); "
        "print([name for name in sys.modules if name.split('.')[0] in ('huggingface_hub', 'requests', 'httpx')])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
