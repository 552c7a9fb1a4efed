"""The worst mistakes, and rows as a person sees them."""

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image

from phalanx.judged import ClassErrors, NumberErrors
from phalanx.kinds.codes.kind import CODES
from phalanx.kinds.images.kind import IMAGES
from phalanx.kinds.sequences.encoder import SequenceEncoder
from phalanx.kinds.sequences.kind import SEQUENCES
from phalanx.kinds.shown import Gallery, bytes_of, cells, text
from phalanx.kinds.sounds.encoder import SoundEncoder
from phalanx.kinds.sounds.file import Sound
from phalanx.kinds.sounds.kind import SOUNDS
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.tables.kind import TABLES
from phalanx.report.errors.cases import data_uri, worst


def pixels(case):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(case["picture"].partition(",")[2]))))


def test_wrong_answers_that_were_surest_come_first(check_figure, rng):
    truth = np.array([0, 1, 0, 1, 0])
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.95, 0.05], [0.7, 0.3]])  # rows 1, 2 and 3 are wrong
    images = rng.integers(0, 256, (5, 6, 4, 1), np.uint8)
    gallery = Gallery(IMAGES, IMAGES.encoder.fit(images), images, None, [f"{i}.png" for i in range(5)])
    figure = worst(ClassErrors("y", ("cat", "dog"), truth, said), "5 test rows", gallery).to_plain()
    check_figure(figure)
    found = figure["draw"]["cases"]
    assert [case["name"] for case in found] == ["3.png", "2.png", "1.png"]
    assert [(case["truth"], case["said"], case["sure"]) for case in found][:2] == [
        ("dog", "cat", 0.95),
        ("cat", "dog", 0.8),
    ]
    np.testing.assert_array_equal(pixels(found[0]), images[3, :, :, 0])
    assert figure["says"] == (
        "The 3 wrong answers among 5 test rows; the surest says cat where the truth is dog, with a probability of "
        "95.0%."
    )


def test_there_is_nothing_to_show_where_all_are_right(rng):
    errors = ClassErrors("y", ("a", "b"), np.array([0]), np.array([[0.9, 0.1]]))
    assert worst(errors, "1 test row", Gallery(IMAGES, None, np.zeros((1, 2, 2, 1), np.uint8), None, ["x"])) is None


def test_numbers_count_by_how_many_deviations_they_are_off(check_figure):
    table = pd.DataFrame({"a": [1, 2, 3], "b": ["u", "v", None]})
    truth, said, deviation = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 3.0]), np.array([0.1, 1.0, 1.0])
    errors = NumberErrors("y", truth, said, deviation, truth, truth)
    encoder = TableEncoder.fit_numbers(np.zeros((3, 1)))
    gallery = Gallery(TABLES, encoder, encoder.transform(np.zeros((3, 1))), table, ["row 1", "row 2", "row 3"])
    figure = worst(errors, "3 test rows", gallery, telling=["b", "a"]).to_plain()
    check_figure(figure)
    found = figure["draw"]["cases"]
    assert [case["name"] for case in found] == ["row 1", "row 2", "row 3"]  # 10, 2 and 0 deviations
    assert [case["text"] for case in found] == ["b u, a 1", "b v, a 2", "b missing, a 3"]
    assert (found[0]["truth"], found[0]["said"], found[0]["sure"]) == ("1.00", "2.00", None)
    assert "the farthest by 10.0: predicted 2.00, in truth 1.00" in figure["says"]


def test_only_rows_that_are_kept_are_shown(check_figure):
    truth = np.zeros(4, int)
    said = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    rows = np.arange(2 * 4, dtype=np.uint8).reshape(2, 2, 2, 1)
    gallery = Gallery(IMAGES, IMAGES.encoder.fit(rows), rows, None, ["X[1]", "X[3]"], np.array([1, 3]))
    figure = worst(ClassErrors("y", ("a", "b"), truth, said), "4 validation rows", gallery).to_plain()
    check_figure(figure)
    assert [(case["name"], case["sure"]) for case in figure["draw"]["cases"]] == [("X[1]", 0.8), ("X[3]", 0.6)]
    assert "among 2 of 4 validation rows" in figure["says"]


def test_pictures_are_small_and_colours_stay(rng):
    image = rng.integers(0, 256, (300, 200, 3), np.uint8)
    found = pixels({"picture": data_uri(image)})
    assert found.shape == (96, 64, 3)
    exact = rng.integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(pixels({"picture": data_uri(exact)}), exact)


def test_images_of_other_axes(rng):
    encoder = IMAGES.encoder.fit(np.zeros((1, 2, 2, 1), np.uint8))
    (volume,) = IMAGES.show(encoder, np.arange(4 * 2 * 3, dtype=np.float32).reshape(1, 4, 2, 3, 1), None, ())
    assert volume.picture.shape == (2, 3, 1)  # the middle slice
    assert (volume.picture.min(), volume.picture.max()) == (0, 255)
    (line,) = IMAGES.show(encoder, rng.normal(size=(1, 9, 2)), None, ())
    assert [len(one) for one in line.lines] == [9, 9]


def test_sounds_are_spectrograms_with_high_tones_above():
    rows = np.empty(2, object)
    at = np.arange(1600) / 8_000
    rows[:] = [Sound(8_000, np.sin(2 * np.pi * pitch * at).astype(np.float32)) for pitch in (200, 3_000)]
    encoder = SoundEncoder.fit(rows)
    low, high = (one.picture[..., 0].mean(1) for one in SOUNDS.show(encoder, encoder.transform(rows), None, ()))
    assert low.argmax() > len(low) / 2 > high.argmax()


def test_sequences_are_lines_in_their_own_units(rng):
    rows = np.empty(3, object)
    rows[:] = [rng.normal(50, 9, (steps, 2)) for steps in (3, 5, 4)]
    encoder = SequenceEncoder.fit(rows)
    for shown, row in zip(SEQUENCES.show(encoder, encoder.transform(rows), None, ()), rows, strict=True):
        np.testing.assert_allclose(np.stack(shown.lines, axis=1), row, rtol=1e-5)


def test_codes_are_those_that_were_given():
    encoder = CODES.encoder.fit(np.array([[3, 0, -1]]))
    (shown,) = CODES.show(encoder, encoder.transform(np.array([[3, 0, -1]])), None, ())
    assert shown.text == "3 0"


def test_texts_are_cut():
    assert text("x" * 300).text == "x" * 300
    assert text("x" * 301).text == "x" * 299 + "…"


def test_an_array_has_no_names_and_a_constant_no_contrast():
    assert cells(np.array([[1.5, np.nan]]), []) == ["x0 1.5, x1 missing"]
    assert bytes_of(np.full((1, 2, 2), 7.0)).tolist() == [[[0, 0], [0, 0]]]
