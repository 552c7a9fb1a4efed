"""Texts from the shell: a folder with a folder for each class, or a table's column, from files to predictions."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import phalanx

REVIEWS = Path(__file__).parents[2] / "../shared/data/text/movie-reviews.tar.gz"
CONFIG = """
max_rounds: 30
batch_size: 16
layers: [{Embedding: {units: 8}}, GlobalAveragePool]
optimizer: {Adam: {learning_rate: 0.03}}
"""
WORDS = {"good": ["fine", "great", "lovely"], "bad": ["dull", "awful", "poor"]}
PLAIN = ["a", "film", "about", "the", "sea", "and", "some", "people", "in", "boat"]


def write(kind: str, rng: np.random.Generator) -> str:
    """A sentence of plain words with one that tells its class."""
    return " ".join(rng.permutation([rng.choice(WORDS[kind]), *rng.choice(PLAIN, 8)]))


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A folder with a config, texts of two classes, some without labels, and the same kind of texts as tables."""
    folder, rng = tmp_path_factory.mktemp("texts"), np.random.default_rng(0)
    (folder / "config.yaml").write_text(CONFIG)
    for kind in WORDS:
        (folder / "films" / kind).mkdir(parents=True)
        for i in range(60):
            (folder / "films" / kind / f"{i:02}.txt").write_text(write(kind, rng))
    (folder / "films" / "bad" / "broken.txt").write_bytes(b"caf\0")
    (folder / "new").mkdir()
    for i, kind in enumerate(("good", "bad", "good")):
        (folder / "new" / f"{i}.txt").write_text(write(kind, rng))
    kinds = ["good", "bad"] * 60
    table = pd.DataFrame({"review": [write(kind, rng) for kind in kinds], "verdict": kinds})
    table.to_csv(folder / "films.csv", index=False)
    table.assign(number=range(120), sea=table["review"].str.contains("sea")).to_csv(folder / "more.csv", index=False)
    table.assign(title=[f"the boat number {i}" for i in range(120)]).to_csv(folder / "both.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(texts, in_folder):
    ended = in_folder(texts, "train", "films", "--config", "config.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return texts / "run", ended.out


def test_a_folder_is_learned(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert "texts: 120, of at most 9 words; 16 words are known" in said
    assert "broken.txt' (it holds zero bytes)" in said
    assert result["rows"] == {"train": 76, "valid": 20, "test": 24}
    assert result["test"]["accuracy"] > 0.9
    assert set(result["baselines"]) == {"dummy", "linear"}
    assert result["baselines"]["linear"]["accuracy"] > 0.9 > result["baselines"]["dummy"]["accuracy"]


def test_a_prediction_for_each_file(run, texts, in_folder):
    ended = in_folder(texts, "predict", "run", "new", "--out", "new.csv")
    assert ended.status == 0, ended.err
    table = pd.read_csv(texts / "new.csv", engine="pyarrow")
    assert list(table) == ["file", "prediction", "probability_bad", "probability_good"]
    assert [name[-5:] for name in table["file"]] == ["0.txt", "1.txt", "2.txt"]
    assert table["prediction"].tolist() == ["good", "bad", "good"]
    opened = phalanx.load(run[0])
    listed = [path.read_text() for path in sorted((texts / "new").glob("*.txt"))]
    for source in (texts / "new", listed, sorted((texts / "new").glob("*.txt"))):
        assert opened.predict_proba(source)[:, 0].tolist() == table["probability_bad"].astype(np.float32).tolist()
    some = in_folder(texts, "predict", "run", "new/2.txt", "new/1.txt")
    assert [line.split(",")[0][-5:] for line in some.out.splitlines()[1:]] == ["2.txt", "1.txt"]


def test_evaluation_of_a_folder(run, texts, in_folder):
    ended = in_folder(texts, "evaluate", "run", "films", "--out", "scores.json")
    assert ended.status == 0, ended.err
    assert json.loads((texts / "scores.json").read_text())["accuracy"] > 0.9


def test_a_run_repeats_from_its_config(run, texts, in_folder):
    ended = in_folder(texts, "train", "--config", "run/config.yaml", "--out", "again")
    assert ended.status == 0, ended.err
    first, second = (json.loads((texts / name / "result.json").read_text()) for name in ("run", "again"))
    assert first["test"] == second["test"]


def test_a_table_whose_only_input_is_a_text(texts, in_folder):
    ended = in_folder(texts, "train", "films.csv", "--target", "verdict", "--config", "config.yaml", "--out", "alone")
    assert ended.status == 0, ended.err
    assert "texts: 120 in column 'review', of at most 9 words; 16 words are known" in ended.out
    result = json.loads((texts / "alone" / "result.json").read_text())
    assert [(column["name"], column["kind"]) for column in result["columns"]] == [("review", "texts")]
    assert json.loads((texts / "alone" / "result.json").read_text())["test"]["accuracy"] > 0.9
    told = in_folder(texts, "predict", "alone", "films.csv")
    frame, written = pd.read_csv(texts / "films.csv"), pd.read_csv(io.StringIO(told.out), engine="pyarrow")
    for source in (frame, texts / "films.csv", frame["review"]):
        assert phalanx.load(texts / "alone").predict(source).tolist() == written["prediction"].tolist()
    pd.testing.assert_frame_equal(
        phalanx.load(texts / "alone").table(frame), written, check_exact=True, check_dtype=False
    )
    assert told.out.startswith("prediction,probability_bad,probability_good\n")
    assert len(told.out.splitlines()) == 121
    files = in_folder(texts, "predict", "alone", "new")
    assert [line.split(",")[1] for line in files.out.splitlines()[1:]] == ["good", "bad", "good"]


def test_two_heads_on_one_embedding(texts, in_folder):
    words = "train more.csv --text review --target verdict --target sea --id number --config config.yaml --out two"
    ended = in_folder(texts, *words.split())
    assert ended.status == 0, ended.err
    scores = json.loads((texts / "two" / "result.json").read_text())["test"]
    assert scores["verdict.accuracy"] > 0.9
    assert scores["sea.accuracy"] > 0.9
    told = in_folder(texts, "predict", "two", "more.csv")
    assert told.out.splitlines()[0].startswith("number,prediction_verdict,")


def test_texts_are_learned_from_beside_other_columns_or_alone(texts, in_folder):
    words = "train more.csv --target verdict --trials 1 --config config.yaml --out plain"
    (texts / "table.yaml").write_text("max_rounds: 1\nbaselines: [dummy]\n")
    ended = in_folder(texts, *words.replace("config.yaml", "table.yaml").split())
    assert ended.status == 0, ended.err
    kinds = {
        column["name"]: column["kind"] for column in json.loads((texts / "plain/result.json").read_text())["columns"]
    }
    assert kinds == {"review": "texts", "number": "identifier", "sea": "category"}
    words = "train more.csv --target verdict --text review --config config.yaml --out chosen"
    chosen = in_folder(texts, *words.split())
    assert "warning: column 'review' alone is learned from, not 'number', 'sea'" in chosen.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("train films --strict", "1 of 121 texts cannot be read, the first being"),
        ("train films --size 8", "--size is for images, but films holds texts; leave it out"),
        ("train films --target file", "target is file, but texts have only their label; leave it out"),
        ("train films --text label", "--text names a column of a table, but films holds texts; leave it out"),
        ("train new", "new has no labels; put the texts of each class into a folder of its own"),
        (
            "train more.csv --target verdict --text number",
            "column 'number' holds no text; give another column of texts",
        ),
        ("train more.csv --target verdict --text rewiew", "no column 'rewiew' for the texts; did you mean 'review'?"),
        ("train more.csv --target sea --text sea", "text names the target 'sea'; give another column"),
        ("train films.csv --target verdict --strict", "--strict is for many files, but films.csv is a table"),
        ("predict run films.csv", "the model was trained on texts; give texts"),
        ("predict run new/0.txt gone.txt", "no such file: 'gone.txt'"),
    ],
)
def test_what_cannot_be_used_is_told(run, texts, in_folder, words, error):
    ended = in_folder(texts, *words.split())
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert error in ended.err


def test_numbers_from_texts(texts, in_folder):
    words = "train more.csv --text review --target number --task regress --config config.yaml --out numbers"
    ended = in_folder(texts, *words.split())
    assert ended.status == 0, ended.err
    result = json.loads((texts / "numbers" / "result.json").read_text())
    assert {"dummy", "linear"} == set(result["baselines"])
    assert result["test"]["rmse"] > 0


@pytest.mark.slow
@pytest.mark.skipif(not REVIEWS.exists(), reason="the shared movie reviews are not beside this checkout")
def test_movie_reviews(tmp_path, in_folder):
    with tarfile.open(REVIEWS) as archive:
        archive.extractall(tmp_path, filter="data")
    ended = in_folder(tmp_path, "train", "txt_sentoken", "--minutes", "5", "--out", "run")
    assert ended.status == 0, ended.err
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["rows"]["test"] == 400
    assert result["test"]["accuracy"] >= 0.82


def test_gradient_boosting_does_not_learn_from_texts(texts, in_folder):
    (texts / "boosting.yaml").write_text(CONFIG + "baselines: [gradient_boosting]\n")
    ended = in_folder(texts, "train", "films", "--config", "boosting.yaml")
    assert ended.status == 2
    assert "the baseline gradient_boosting cannot learn from texts; leave it out of `baselines`" in ended.err
