"""Texts: files, folders, a table's column, and codes of words."""

import json
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from phalanx import Classifier, Embedding, GlobalMaxPool
from phalanx.config import Config
from phalanx.data import infer_columns
from phalanx.data.files import BrokenFileError
from phalanx.data.read import Source
from phalanx.errors import InputError
from phalanx.kinds.registry import prepare
from phalanx.kinds.texts import encoder as encoders
from phalanx.kinds.texts.encoder import TextEncoder
from phalanx.kinds.texts.read import load_texts, read_long_text, read_text
from phalanx.kinds.texts.table import text_columns, texts_of_table


def texts(*given):
    return np.array(given, object)


@pytest.fixture
def write(tmp_path):
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


# Files


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("naïve\n".encode(), "naïve\n"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("little and big".encode("utf-16"), "little and big"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"caf\xe9 \x93so\x94 \x80 5", "café “so” € 5"),
    ],
)
def test_the_encoding_of_a_file_is_found_out(write, raw, text):
    assert read_text(write({"a.txt": raw}) / "a.txt").text == text


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\1\2\3", "it holds control bytes"),
        (b"\xff\xfeab\x00", "not UTF-16 at byte 4, counted from 0"),
        (b"a\0b", "it holds zero bytes"),
    ],
)
def test_a_broken_file_says_why(write, raw, reason):
    path = write({"a.txt": raw}) / "a.txt"
    with pytest.raises(BrokenFileError, match=f"^{reason}$"):
        read_text(path)


def test_an_absent_file_says_so(tmp_path):
    with pytest.raises(BrokenFileError, match=r"^no such file or directory$"):
        read_text(tmp_path / "a.txt")


@given(st.binary(max_size=50))
def test_any_bytes_are_a_text_or_broken(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(raw)
    try:
        text = read_text(path).text
    except BrokenFileError:
        return
    assert text.strip()
    assert "\r" not in text


def test_a_book_that_is_no_text_says_so(write):
    path = write({"book.txt": b"0123456789" * 200 + b"\0"}) / "book.txt"
    with pytest.raises(InputError) as caught:
        read_long_text(path)
    assert str(caught.value) == f"'{path}' cannot be read: it holds zero bytes"
    with pytest.raises(InputError, match=r"cannot be read: no such file or directory$"):
        read_long_text(path.with_name("other.txt"))


# Folders


def test_a_sub_folder_per_class(write):
    folder = write({"neg/b.txt": "bad", "neg/a.txt": "worse", "pos/x/c.TXT": "good", "pos/notes.md": "?"})
    found = load_texts([folder])
    assert found.answers == ["worse", "bad", "good"]
    assert found.labels == ["neg", "neg", "pos"]
    assert found.paths == tuple(str(folder / name) for name in ("neg/a.txt", "neg/b.txt", "pos/x/c.TXT"))
    assert found.notes == (f"1 files in {folder.name!r} are not texts by their suffix",)


def test_texts_that_are_not_utf_8_are_read_and_named(write):
    folder = write({"train/a/1.txt": b"caf\xe9", "train/b/1.txt": "café", "test/a/1.txt": "ça".encode("utf-16")})
    found = load_texts([folder])
    assert (found.answers, found.test.answers) == (["café", "café"], ["ça"])
    assert found.notes[1:] == (
        f"1 of 3 texts are read as UTF-16: '{folder}/test/a/1.txt'",
        f"1 of 3 texts are read as windows-1252: '{folder}/train/a/1.txt'",
    )


def test_words_with_composed_and_decomposed_accents_are_one():
    encoder = TextEncoder.fit(texts("un caf\u00e9", "le cafe\u0301"))
    assert encoder.words == ("caf\u00e9",)
    assert encoder.transform(texts("CAFE\u0301")).tolist()[0][0] == 2


def test_train_and_test_folders(write):
    folder = write({"train/a/1.txt": "one", "train/b/1.txt": "two", "test/a/1.txt": "three"})
    found = load_texts([folder])
    assert found.answers == ["one", "two"]
    assert found.test.answers == ["three"]
    assert found.test.labels == ["a"]


def test_broken_texts_are_left_out_or_refused(write):
    folder = write({"a/1.txt": "one", "a/2.txt": b"\0", "b/1.txt": "two", "b/2.txt": ""})
    found = load_texts([folder])
    assert found.labels == ["a", "b"]
    assert found.notes == (
        f"2 of 4 texts cannot be read and are left out: '{folder}/a/2.txt' (it holds zero bytes), "
        f"'{folder}/b/2.txt' (empty)",
    )
    with pytest.raises(InputError, match=r"^2 of 4 texts cannot be read, the first being .*: mend or remove them$"):
        load_texts([folder], strict=True)


def test_a_class_whose_texts_are_all_broken_is_an_error(write):
    folder = write({"a/1.txt": "one", "b/1.txt": ""})
    with pytest.raises(InputError, match=r"no text of class 'b' can be read, .* \(empty\): add texts or remove"):
        load_texts([folder])


def test_files_have_no_labels_and_must_be_texts(write):
    folder = write({"a.txt": "one", "b.txt": "two", "c.md": "three"})
    found = load_texts([folder / "b.txt", folder / "a.txt"])
    assert (found.answers, found.labels) == (["two", "one"], None)
    with pytest.raises(InputError, match=r"c.md' is not a text file \(.txt\)$"):
        load_texts([folder / "c.md"])
    with pytest.raises(InputError, match=r"^no such file: '.*/d.txt'$"):
        load_texts([folder / "d.txt"])


# Tables


def test_a_column_of_a_table():
    frame = pd.DataFrame({"review": ["so good", None, "so bad"], "stars": [5, 3, 1]})
    found = texts_of_table(Source("t", frame, None, ("noticed",)), "review")
    assert found.rows.tolist() == ["so good", "", "so bad"]
    assert found.kind == "texts"
    assert list(found.frame) == ["stars"]
    assert found.notes == ("noticed", "1 row has no text in column 'review'")


def test_a_column_that_is_not_of_texts():
    source = Source("t", pd.DataFrame({"review": ["a", "b"], "stars": [5, 3]}), None, ())
    with pytest.raises(InputError, match=r"^column 'stars' holds no text; give another column of texts$"):
        texts_of_table(source, "stars")
    with pytest.raises(InputError, match=r"^no column 'reviews' for the texts; did you mean 'review'\?$"):
        texts_of_table(source, "reviews")


def test_columns_that_look_like_texts():
    rows = 60
    frame = pd.DataFrame(
        {
            "review": [f"the film number {i} is long" for i in range(rows)],
            "name": [f"person{i}" for i in range(rows)],
            "size": np.arange(rows) * 0.5,
            "city": ["here", "there", "else"] * (rows // 3),
        }
    )
    assert text_columns(frame, infer_columns(frame)) == ["review"]


# Codes


def test_codes_are_of_the_words_that_two_texts_share():
    encoder = TextEncoder.fit(texts("The cat's away", "the CAT'S here", "dogs dogs dogs"))
    assert encoder.words == ("cat's", "the")
    assert encoder.documents == (2, 2)
    assert (encoder.tokens, encoder.steps) == (4, 3)
    found = encoder.transform(texts("The the dogs", "cat's!", "", "...", "a b the"))
    assert found.dtype == np.int32
    assert found.tolist() == [[3, 3, 1], [2, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 3]]


def test_a_long_text_keeps_its_beginning_and_its_end():
    encoder = TextEncoder(("a", "b", "c", "d", "e", "f"), (2,) * 6, 4, 3)
    assert encoder.transform(texts("a b c d e f", "a b c", "a b c d")).tolist() == [[2, 3, 7], [2, 3, 4], [2, 3, 5]]
    assert TextEncoder(("a", "b", "c"), (2,) * 3, 4, 1).transform(texts("a b c")).tolist() == [[2]]


def test_steps_hold_95_of_100_texts_whole():
    encoder = TextEncoder.fit(texts(*(" ".join(["word"] * n) for n in range(1, 101))))
    assert encoder.steps == 96  # the 95th of a hundred is 0.95 * 99 = 94.05 places above the first
    assert TextEncoder.fit(texts("a " * 5000, "a " * 5000)).steps == 1000


def test_texts_that_share_no_word_are_refused():
    with pytest.raises(InputError, match=r"^no word occurs in two of the training texts: give more"):
        TextEncoder.fit(texts("one", "two"))


@pytest.mark.parametrize("rows", [np.zeros((2, 3)), pd.DataFrame({"a": ["b"]})])
def test_anything_but_texts_is_refused(rows):
    with pytest.raises(InputError, match=r"^the model was trained on texts; give texts$"):
        TextEncoder(("a",), (2,), 2, 1).transform(rows)


def test_numbers_are_those_of_tfidf():
    rows = texts("good good film", "bad film", "good bad bad bad ugly", "film of films")
    encoder = TextEncoder.fit(rows)
    found = encoder.as_numbers(encoder.transform(rows))
    expected = TfidfVectorizer(sublinear_tf=True, vocabulary=encoder.words).fit_transform(rows)
    np.testing.assert_allclose(found.numbers.toarray(), expected.toarray(), rtol=1e-12)
    assert found.codes.shape == (4, 0)
    # By hand, of the second row: both words occur once, in 2 ("bad") and 3 ("film") of 4 texts.
    bad, film = 1 + math.log(5 / 3), 1 + math.log(5 / 4)
    assert encoder.words == ("bad", "film", "good")
    np.testing.assert_allclose(found.numbers.toarray()[1], np.array([bad, film, 0]) / math.hypot(bad, film))


@pytest.fixture
def cuts(monkeypatch):
    """How often each text is cut into words."""
    counted = Counter()
    cut = encoders._words

    def counting(text):
        counted[text] += 1
        return cut(text)

    monkeypatch.setattr(encoders, "_words", counting)
    return counted


REVIEWS = [f"a {word} film of {i} days" for i, word in enumerate(["good", "bad"] * 15)]


def test_an_estimator_cuts_each_text_into_words_once(cuts):
    net = Classifier([Embedding(4), GlobalMaxPool()], max_rounds=1).fit(REVIEWS, ["yes", "no"] * 15)
    assert dict(cuts) == dict.fromkeys(REVIEWS, 1)
    net.predict(["a good film"])
    assert cuts["a good film"] == 1


def test_a_run_cuts_each_text_into_words_once(cuts, tmp_path):
    table = tmp_path / "t.csv"
    pd.DataFrame({"review": REVIEWS, "y": ["yes", "no"] * 15}).to_csv(table, index=False)
    prepare(Config(source=str(table), target=("y",), text="review"))
    assert dict(cuts) == dict.fromkeys(REVIEWS, 1)


def test_training_rows_alone_say_what_words_are_known():
    rows = texts("good film", "bad film", "good bad", "ugly ugly ugly", "ugly")
    (known,), (codes,) = TextEncoder.fit_each(rows, [np.array([0, 1, 2])])
    assert known == TextEncoder.fit(rows[:3])
    assert codes.tolist() == known.transform(rows).tolist()


def test_the_texts_of_each_fold_are_codes_of_its_own_words_in_arrays_of_one_shape():
    rows = texts("good film", "bad film", "good bad", "ugly ugly ugly", "ugly", "ugly")
    encoders, codes = TextEncoder.fit_each(rows, [np.array([0, 1, 2]), np.array([3, 4, 5])], "review")
    assert [one.words for one in encoders] == [("bad", "film", "good"), ("ugly",)]
    assert [(one.steps, one.tokens, one.column) for one in encoders] == [(3, 5, "review")] * 2
    assert codes[0].tolist() == [[4, 3, 0], [2, 3, 0], [4, 2, 0], [1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert codes[1].tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 0], [2, 2, 2], [2, 0, 0], [2, 0, 0]]
    assert [one.transform(rows).tolist() for one in encoders] == [held.tolist() for held in codes]


def test_the_encoder_survives_json():
    encoder = TextEncoder.fit(texts("good film", "bad film"))
    assert TextEncoder.from_plain(json.loads(json.dumps(encoder.to_plain()))) == encoder


@given(st.lists(st.text(max_size=30), min_size=2, max_size=8))
def test_any_texts_become_codes_within_range(found):
    try:
        encoder = TextEncoder.fit(np.array(found, object))
    except InputError:
        return
    codes = encoder.transform(np.array(found, object))
    assert codes.shape == (len(found), encoder.steps)
    assert codes.min() >= 0
    assert codes.max() < encoder.tokens
    assert (codes[:, 0] > 0).all()
    assert (np.diff((codes > 0).astype(int), axis=1) <= 0).all()  # padding only at the end
    assert np.isfinite(encoder.as_numbers(codes).numbers.data).all()
