"""Rows of several parts: a table's numbers and categories beside a text, an image and a sound, from both doors."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import wavfile

import phalanx
from phalanx import Branches, Classifier, Columns, Conv, Dense, Embedding, Flatten, GlobalAveragePool, Pixels
from phalanx.errors import InputError
from phalanx.kinds.mixed.encoder import MixedEncoder
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts.encoder import TextEncoder

RATE = 8_000
ROWS = 120


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A folder with a table of which each of four parts says one bit, and the label is whether two or more are set."""
    folder, rng = tmp_path_factory.mktemp("parts"), np.random.default_rng(0)
    (folder / "files").mkdir()
    bits = rng.integers(2, size=(ROWS, 4))
    rows = []
    for i, (number, word, bright, high) in enumerate(bits):
        Image.fromarray((rng.integers(0, 60, (6, 6)) + 150 * bright).astype(np.uint8)).save(folder / f"files/{i}.png")
        wave = np.sin(2 * np.pi * (1500 if high else 300) * np.arange(800) / RATE)
        wavfile.write(folder / f"files/{i}.wav", RATE, (8_000 * wave).astype(np.int16))
        rows.append(
            {
                "x": round(float(number + 0.1 * rng.normal()), 3),
                "city": ["Ulm", "Bonn", "Kiel"][i % 3],
                "review": f"this film was {'wonderful' if word else 'dull'} said number {i}",
                "picture": f"files/{i}.png",
                "sound": f"files/{i}.wav",
                "label": "yes" if number + word + bright + high >= 2 else "no",
            }
        )
    frame = pd.DataFrame(rows)
    frame.to_csv(folder / "all.csv", index=False)
    (folder / "tiny.yaml").write_text("trials: 2\nmax_rounds: 40\nstructures: 1\nbaselines: [dummy, linear]\n")
    return folder, frame, bits


def of(kind, columns):
    return [column["name"] for column in columns if column["kind"] == kind]


@pytest.fixture(scope="module")
def run(table, in_folder):
    folder, _, _ = table
    ended = in_folder(folder, "train", "all.csv", "--target", "label", "--config", "tiny.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return folder / "run"


def test_all_parts_are_used_together(run, table):
    """No three parts tell the label better than 0.88 (one of the eight cases of three bits is a coin): by hand."""
    result = json.loads((run / "result.json").read_text())
    assert of("texts", result["columns"]) == ["review"]
    assert of("images", result["columns"]) == ["picture"]
    assert of("sounds", result["columns"]) == ["sound"]
    _, _, bits = table
    label = bits.sum(1) >= 2
    for left in range(4):
        three = np.delete(bits, left, axis=1).sum(1)
        best = max(np.mean((three >= border) == label) for border in range(4))
        assert best < 0.9
    assert result["test"]["accuracy"] > 0.9
    assert result["baselines"]["linear"]["accuracy"] > result["baselines"]["dummy"]["accuracy"]


def test_what_was_trained_is_asked_again(run, table, in_folder, monkeypatch):
    folder, frame, _ = table
    monkeypatch.chdir(folder)  # the paths in a DataFrame begin where Python runs
    told = in_folder(folder, "predict", "run", "all.csv", "--out", "said.csv")
    assert told.status == 0, told.err
    written = pd.read_csv(folder / "said.csv", engine="pyarrow")
    assert list(written) == ["picture", "prediction", "probability_no", "probability_yes"]
    opened = phalanx.load(run)
    for source in (frame, frame.drop(columns="label"), folder / "all.csv"):
        assert opened.predict(source).tolist() == written["prediction"].tolist()
    with pytest.raises(InputError, match="the table lacks the column"):
        opened.predict(frame.drop(columns="review"))


def test_each_part_is_encoded_by_its_own_encoder(table, monkeypatch):
    folder, frame, _ = table
    monkeypatch.chdir(folder)
    X, y = frame[["x", "city", "review"]], frame["label"]
    net = Classifier([Dense(4)], stopping=None, max_rounds=1).fit(X, y)
    numbers, words = net.encoder_.parts
    assert isinstance(net.encoder_, MixedEncoder)
    alone = TableEncoder.fit([c for c in net.columns_ if c.tabular], X)
    assert numbers.encoder == alone
    assert words.encoder == replace(TextEncoder.fit(X["review"].to_numpy(object)), column="review")
    made, codes = net.encoder_.transform(X)
    np.testing.assert_array_equal(made.numbers, alone.transform(X).numbers)
    np.testing.assert_array_equal(codes, words.encoder.transform(X["review"].to_numpy(object)))
    with pytest.warns(UserWarning, match="column 'city' has values that training did not"):
        net.predict(X.assign(city="Rome"))


@pytest.mark.slow
def test_images_and_sounds_may_stand_in_cells(table, monkeypatch):
    folder, frame, _ = table
    monkeypatch.chdir(folder)
    pixels = [np.asarray(Image.open(path)) for path in frame["picture"]]
    heard = [(rate, samples / np.float32(2**15)) for rate, samples in map(wavfile.read, frame["sound"])]
    given = frame[["x"]].assign(picture=pixels, sound=heard)
    options = {"layers": [Dense(4)], "stopping": None, "max_rounds": 2, "random_state": 0}
    first = Classifier(**options).fit(given, frame["label"])
    second = Classifier(**options).fit(frame[["x", "picture", "sound"]], frame["label"])
    assert [part.kind for part in first.encoder_.parts] == ["table", "images", "sounds"]
    np.testing.assert_array_equal(first.predict_proba(given), second.predict_proba(frame[["x", "picture", "sound"]]))


def test_layers_of_ones_own(table, monkeypatch):
    """Branches without an entry layer get the one of their part, and what the data say goes into those there are."""
    folder, frame, _ = table
    monkeypatch.chdir(folder)
    branches = Branches([[Columns(one_hot=0)], [Embedding(5), GlobalAveragePool()], [Conv(2), Flatten()]])
    X = frame[["x", "city", "review", "picture"]]
    net = Classifier([branches, Dense(3)], stopping=None, max_rounds=1).fit(X, frame["label"])
    of_table, of_text, of_image = net.best_.spec.layers[0].branches
    assert of_table.layers[0].cardinalities == (4,)
    assert (of_text.layers[0].units, of_text.layers[0].tokens) == (5, net.encoder_.parts[1].encoder.tokens)
    assert isinstance(of_image.layers[0], Pixels)
    with pytest.raises(InputError, match="Branches has 3 branches, but a row has 2 parts"):
        Classifier([branches], stopping=None, max_rounds=1).fit(X[["x", "review"]], frame["label"])


@pytest.mark.slow
def test_a_file_that_cannot_be_read(table, in_folder, monkeypatch):
    folder, frame, _ = table
    monkeypatch.chdir(folder)
    (folder / "files/broken.png").write_bytes(b"none")
    broken = frame.head(30).assign(picture=["files/broken.png", *frame["picture"][1:30]])
    broken[["x", "picture", "label"]].to_csv(folder / "broken.csv", index=False)
    ended = in_folder(folder, "train", "broken.csv", "--target", "label", "--trials", 1, "--config", "tiny.yaml")
    assert ended.status == 0, ended.err
    assert "1 of 30 images cannot be read and are left out" in " ".join(ended.out.split())
    with pytest.raises(InputError, match=r"1 of 30 images cannot be read, the first being 'files/broken.png'"):
        Classifier([Dense(2)], stopping=None, max_rounds=1).fit(broken[["x", "picture"]], broken["label"])
