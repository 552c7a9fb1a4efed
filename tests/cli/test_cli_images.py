"""Images from the shell: a folder with a folder for each class, from files to pictures and predictions."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import phalanx
from phalanx import InputError

CONFIG = """
max_rounds: 20
batch_size: 16
baselines: [dummy]
layers: [{Shift: {places: 1.0}}, {Conv: {channels: 12}}, ReLU, MaxPool, Flatten]
"""


def draw(kind: str, rng: np.random.Generator) -> Image.Image:
    """A noisy picture of 12 x 12 pixels: bright rows, or bright columns."""
    pixels = rng.integers(0, 80, (12, 12), dtype=np.uint8)
    place = slice(rng.integers(1, 5), None, 4)
    pixels[(place, slice(None)) if kind == "rows" else (slice(None), place)] += 150
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder with a config, images of two classes, one of them broken, and some without labels."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    (folder / "config.yaml").write_text(CONFIG)
    for kind in ("rows", "columns"):
        (folder / "stripes" / kind).mkdir(parents=True)
        for i in range(60):
            draw(kind, rng).save(folder / "stripes" / kind / f"{i:02}.png")
    (folder / "stripes" / "rows" / "broken.png").write_bytes(b"not a picture")
    (folder / "stripes" / "notes.csv").write_text("a,b\n1,2\n")  # a table beside the classes does not matter
    (folder / "new").mkdir()
    for i, kind in enumerate(("rows", "columns", "rows")):
        draw(kind, rng).resize((24, 20)).convert("RGB").save(folder / "new" / f"{i}.jpg")
    return folder


@pytest.fixture(scope="module")
def run(images, in_folder):
    ended = in_folder(images, "train", "stripes", "--config", "config.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return images / "run", ended.out


def test_a_folder_is_learned(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert "images: 120 of 12 x 12 pixels, gray" in said
    assert "broken.png" in said
    assert result["rows"] == {"train": 76, "valid": 20, "test": 24}
    assert result["test"]["accuracy"] > 0.9 > result["baselines"]["dummy"]["accuracy"]


def test_pictures_are_drawn(run):
    for name in ("kernels.png", "features.png"):
        with Image.open(run[0] / "pictures" / name) as picture:
            assert min(picture.size) > 100


def test_a_prediction_for_each_file(run, images, in_folder):
    ended = in_folder(images, "predict", "run", "new", "--out", "new.csv")
    assert ended.status == 0, ended.err
    table = pd.read_csv(images / "new.csv", engine="pyarrow")
    assert list(table) == ["file", "prediction", "probability_columns", "probability_rows"]
    assert [name[-5:] for name in table["file"]] == ["0.jpg", "1.jpg", "2.jpg"]
    assert table["prediction"].tolist() == ["rows", "columns", "rows"]
    opened = phalanx.load(run[0])
    found = opened.predict_proba(images / "new")[:, 0]
    assert found.tolist() == table["probability_columns"].astype(np.float32).tolist()
    files = [images / "stripes" / "rows" / f"{i:02}.png" for i in range(3)]
    pixels = np.stack([np.asarray(Image.open(file))[..., None] for file in files])
    np.testing.assert_array_equal(opened.predict_proba(pixels), opened.predict_proba(files))
    with pytest.raises(InputError, match=r"rows have shape \(12, 12, 3\), but the model was trained on \(12, 12, 1\)"):
        opened.predict(pixels.repeat(3, -1))
    some = in_folder(images, "predict", "run", "new/2.jpg", "new/0.jpg")
    assert [line.split(",")[0][-5:] for line in some.out.splitlines()[1:]] == ["2.jpg", "0.jpg"]


def test_evaluation_of_a_folder(run, images, in_folder):
    ended = in_folder(images, "evaluate", "run", "stripes", "--out", "scores.json")
    assert ended.status == 0, ended.err
    assert json.loads((images / "scores.json").read_text())["accuracy"] > 0.9


def test_features_of_an_image(run, images, in_folder):
    ended = in_folder(images, "features", "run", "new/1.jpg", "--out", "maps.png")
    assert (ended.status, ended.out) == (0, "written to maps.png\n"), ended.err
    with Image.open(images / "maps.png") as picture:
        assert min(picture.size) > 100


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("train stripes --strict", "broken.png"),
        ("train stripes --size 0", "size is '0', but must be a side of 1 to 4,096 pixels, or HEIGHTxWIDTH, as 28x32"),
        ("train stripes --target file", "target is file, but images have only their label; leave it out"),
        ("train new", "new has no labels; put the images of each class into a folder of its own"),
        ("train digits --size 8", "--size is for images, but digits is a table; leave it out"),
        ("predict run config.yaml", "'config.yaml' is not a kind of table that can be read"),
        ("predict run digits", "the model was trained on images, but this is a table; give images"),
        ("features run gone.png", "no such file: 'gone.png'"),
    ],
)
def test_what_cannot_be_used_is_told(run, images, in_folder, words, error):
    ended = in_folder(images, *words.split())
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert error in ended.err
