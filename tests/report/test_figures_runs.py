"""Figures of whole runs, of every kind of data: they keep the contract, and say what is so."""

import json
import time

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from scipy.io import wavfile

import phalanx
from phalanx import (
    InputError,
    Sequences,
)
from phalanx.report.figures import Figure
from phalanx.runs.command import train_command
from phalanx.runs.folder import read_figures

ROWS = 90
CLASSES = {"confusion", "roc", "precision_recall", "calibration"}
NUMBERS = {"predicted", "residuals", "spread", "coverage"}
TINY = {"trials": 2, "repeats": 2, "max_rounds": 3, "batch_size": 16, "baselines": [], "refit": "none"}
DENSE = [{"Dense": {"units": 4}}, "Tanh"]


def table(folder, rng):
    a = rng.normal(size=ROWS)
    frame = pd.DataFrame({"a": a, "b": rng.normal(size=ROWS), "c": rng.choice(list("xyz"), ROWS), "id": range(ROWS)})
    frame["kind"] = np.where(a + 0.3 * rng.normal(size=ROWS) > 0, "up", "down")
    frame["size"] = 100 + 10 * a + rng.normal(size=ROWS)
    frame["count"] = rng.poisson(np.exp(a))
    frame.to_csv(folder / "d.csv", index=False)
    return "d.csv"


def images(folder, rng):
    for kind in ("dark", "light"):
        (folder / "pictures" / kind).mkdir(parents=True)
        for i in range(30):
            image = rng.integers(0, 150, (8, 8), np.uint8) + (100 if kind == "light" else 0)
            Image.fromarray(image.astype(np.uint8)).save(folder / "pictures" / kind / f"{i}.png")
    return "pictures"


def sounds(folder, rng):
    for kind, pitch in (("low", 300), ("high", 1500)):
        (folder / "beeps" / kind).mkdir(parents=True)
        for i in range(20):
            wave = np.sin(2 * np.pi * pitch * np.arange(rng.integers(800, 1200)) / 8_000)
            wavfile.write(folder / "beeps" / kind / f"{i}.wav", 8_000, (8_000 * wave).astype(np.int16))
    return "beeps"


def texts(folder, rng):
    for kind in ("dry", "wet"):
        (folder / "said" / kind).mkdir(parents=True)
        for i in range(30):
            words = " ".join(rng.choice(["sun", "rain", "and", "sea", kind], 200 if i == 0 else 5))
            (folder / "said" / kind / f"{i}.txt").write_text(words)
    return "said"


def mixed(folder, rng):
    y = rng.integers(2, size=60)
    for i, bit in enumerate(y):
        Image.fromarray((rng.integers(0, 60, (6, 6)) + 150 * bit).astype(np.uint8)).save(folder / f"{i}.png")
    said = [f"this film was {'good' if bit else 'dull'} said number {i}" for i, bit in enumerate(y)]
    pictures = [f"{i}.png" for i in range(60)]
    frame = pd.DataFrame({"x": rng.normal(size=60), "said": said, "picture": pictures, "label": np.where(y, "p", "q")})
    frame.to_csv(folder / "d.csv", index=False)
    return "d.csv"


def sequences(folder, rng):
    X = Sequences([rng.normal(size=(steps, 2)) for steps in rng.integers(2, 9, 80)]).padded
    np.savez(folder / "a.npz", X=X, y=np.where(X[:, 0, 0] > 0, "up", "down"))
    return "a.npz"


def series(folder, rng):
    y = np.sin(np.arange(160) / 3) + 0.1 * rng.normal(size=160)
    days = pd.date_range("2024-01-01", periods=160).strftime("%Y-%m-%d")
    pd.DataFrame({"day": days, "y": y}).to_csv(folder / "d.csv", index=False)
    return "d.csv"


def language(folder, rng):
    (folder / "d.txt").write_text("The cat sat on the mat, 12 times.\n" * 120)
    return "d.txt"


KINDS = {
    "classes": (table, {"target": ["kind"], "layers": DENSE, "id": "id"}, {*CLASSES, "importance", "members", "worst"}),
    "numbers": (table, {"target": ["size"], "layers": DENSE}, {*NUMBERS, "importance", "members", "worst"}),
    "counts": (
        table,
        {"target": ["count"], "likelihood": "Poisson", "layers": DENSE},
        {*NUMBERS, "importance", "members", "worst"},
    ),
    "folds": (
        table,
        {"target": ["size"], "layers": DENSE, "folds": 2, "test": 0.0},
        {*NUMBERS, "importance", "members", "worst"},
    ),
    "several": (
        table,
        {"target": ["kind", "size"], "layers": DENSE},
        {"importance"}
        | {f"{name}.kind" for name in (*CLASSES, "worst", "members")}
        | {f"{name}.size" for name in (*NUMBERS, "worst", "members")},
    ),
    "images": (images, {"layers": ["Flatten", *DENSE]}, {*CLASSES, "members", "worst"}),
    "sounds": (sounds, {"layers": [{"GRU": {"units": 4}}]}, {*CLASSES, "members", "worst"}),
    "texts": (texts, {"layers": ["GlobalAveragePool", *DENSE]}, {*CLASSES, "members", "worst"}),
    "mixed": (mixed, {"target": ["label"]}, {*CLASSES, "importance", "members", "worst"}),
    "sequences": (sequences, {"layers": [{"GRU": {"units": 4}}]}, {*CLASSES, "members", "worst"}),
    "series": (
        series,
        {"forecast": "y", "horizon": 4, "window": 8, "layers": ["Flatten"]},
        {*NUMBERS, "forecast", "by_step", "worst", "members"},
    ),
    "series without a test": (
        series,
        {"forecast": "y", "window": 8, "layers": ["Flatten"], "test": 0.0},
        {*NUMBERS, "forecast", "worst", "members"},
    ),
    "language": (language, {"layers": [{"GRU": {"units": 4}}]}, {"by_class", "along", "worst", "members"}),
    "language without a test": (
        language,
        {"layers": [{"GRU": {"units": 4}}], "test": 0.0, "tokens": "words"},
        {"by_class", "along", "worst", "members"},
    ),
}


def run(folder, source, **options):
    (folder / "config.yaml").write_text(yaml.safe_dump(TINY | options))
    assert (
        train_command({"source": str(folder / source)}, folder / "config.yaml", folder / "run", time.monotonic()) == 0
    )
    return folder / "run"


def strict(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


QUICK = ("classes", "numbers", "several", "images", "series", "language")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_every_kind_of_data_has_figures_that_keep_the_contract(kind, tmp_path, rng, check_figure):
    make, options, expected = KINDS[kind]
    folder = run(tmp_path, make(tmp_path, rng), **options)
    plain = strict(folder / "figures.json")
    assert list(plain) == ["figures"]
    ids = [figure["id"] for figure in plain["figures"]]
    assert len(set(ids)) == len(ids)
    members = {name for name in expected if name.startswith("members")}
    worst = {name for name in expected if name.startswith("worst")}  # none, where all are right
    assert expected - members - worst <= set(ids) <= expected
    for figure in plain["figures"]:
        check_figure(figure)
        what = (
            "validation" if options.get("test") == 0.0 or (kind == "language" and figure["id"] == "members") else "test"
        )
        assert what in figure["says"]
    assert [figure.to_plain() for figure in read_figures(folder)] == plain["figures"]


def figure_of(folder, id_):
    return next(figure for figure in read_figures(folder) if figure.id == id_)


def test_figures_are_of_the_rows_that_test(tmp_path, rng):
    folder = run(tmp_path, table(tmp_path, rng), target=["kind"], layers=DENSE, id="id")
    model, frame = phalanx.load(folder), pd.read_csv(tmp_path / "d.csv")
    cases = figure_of(folder, "worst").draw["cases"]
    matrix = np.array(figure_of(folder, "confusion").draw["values"])
    tested = model.result["rows"]["test"]
    assert matrix.sum() == tested
    assert matrix.trace() / tested == pytest.approx(model.result["test"]["accuracy"])
    wrong = frame[frame["id"].isin([int(case["name"]) for case in cases])]
    assert len(wrong) == len(cases) == matrix.sum() - matrix.trace()
    said = dict(zip(wrong["id"], model.predict(wrong), strict=True))
    for case in cases:
        row = wrong[wrong["id"] == int(case["name"])].iloc[0]
        assert (case["truth"], case["said"]) == (row["kind"], said[row["id"]])
        assert f"c {row['c']}" in case["text"]


def test_networks_see_the_test_rows_once(tmp_path, rng, monkeypatch):
    import phalanx.predictor as predictor

    asked, original = [], predictor.predict_each
    monkeypatch.setattr(
        predictor, "predict_each", lambda finals, x, *rest: asked.append(len(x[0])) or original(finals, x, *rest)
    )
    monkeypatch.setattr("phalanx.report.errors.together.SECONDS", 0.0)
    run(tmp_path, table(tmp_path, rng), target=["kind"], layers=DENSE)
    assert asked == [18]


def test_a_file_that_is_tested_on_names_its_rows(tmp_path, rng):
    table(tmp_path, rng)
    frame = pd.read_csv(tmp_path / "d.csv")
    frame.loc[3, "size"] = np.nan
    frame[:40].to_csv(tmp_path / "t.csv", index=False)
    folder = run(tmp_path, "d.csv", target=["size"], layers=DENSE, test=str(tmp_path / "t.csv"))
    found = {case["name"]: float(case["truth"]) for case in figure_of(folder, "worst").draw["cases"]}
    assert len(found) == 24
    for name, truth in found.items():
        assert frame.loc[int(name.removeprefix("row ")) - 1, "size"] == pytest.approx(truth, rel=0.01)


def test_of_many_rows_some_are_looked_at(tmp_path, rng, monkeypatch, check_figure):
    monkeypatch.setattr("phalanx.kinds.labelled.MOST", 10)
    folder = run(tmp_path, table(tmp_path, rng), target=["size"], layers=DENSE)
    for figure in strict(folder / "figures.json")["figures"]:
        check_figure(figure)
        assert "10 of 18 test rows" in figure["says"] or figure["id"] == "importance"


def test_a_forecast_has_the_newest_steps_with_their_dates(tmp_path, rng):
    make, options, _ = KINDS["series"]
    folder = run(tmp_path, make(tmp_path, rng), **options)
    frame = pd.read_csv(tmp_path / "d.csv")
    draw = figure_of(folder, "forecast").draw
    came, said = draw["lines"]
    assert draw["x"]["dates"]
    assert came["x"] == frame["day"][-len(came["x"]) :].tolist()
    np.testing.assert_allclose(came["y"], frame["y"][-len(came["y"]) :])
    assert len(said["x"]) % 4 == 0
    assert said["x"] == came["x"][-len(said["x"]) :]
    half, most = draw["bands"][1], draw["bands"][0]
    assert (np.array(half["low"]) >= most["low"]).all()
    assert (np.array(half["high"]) <= most["high"]).all()
    model = phalanx.load(folder)
    ahead = model.predict(frame[:-4])  # what was forecast from before the last four steps
    np.testing.assert_allclose(said["y"][-4:], ahead, rtol=1e-5)


def test_a_text_costs_what_its_score_says(tmp_path, rng):
    make, options, _ = KINDS["language"]
    folder = run(tmp_path, make(tmp_path, rng), **options)
    table_ = figure_of(folder, "by_class").table
    nats, counts, shares = (np.array([row[i] for row in table_["rows"]]) for i in (1, 3, 4))
    assert nats @ counts / counts.sum() == pytest.approx(phalanx.load(folder).result["test"]["nats_per_token"])
    assert shares.sum() == pytest.approx(1)
    text = (tmp_path / "d.txt").read_text()
    held_out = text[-round(0.1 * len(text)) :][1:]  # all but the first are predicted
    assert dict(zip((row[0] for row in table_["rows"]), counts, strict=True)) == {
        "digits": sum(c.isdigit() for c in held_out),
        "upper case": sum(c.isupper() for c in held_out),
        "other letters": sum(c.islower() for c in held_out),
        "white space": held_out.count(" "),
        "line ends": held_out.count("\n"),
        "signs": held_out.count(",") + held_out.count("."),
    }


def test_a_folder_without_figures_has_none_and_a_damaged_file_is_an_error(tmp_path):
    assert read_figures(tmp_path) == []
    for damaged in ("{", "[]", '{"figures": [{"id": "a"}]}', '{"figures": 3}'):
        (tmp_path / "figures.json").write_text(damaged)
        with pytest.raises(InputError, match=r"figures\.json cannot be read"):
            read_figures(tmp_path)


def test_what_json_cannot_hold_is_null():
    figure = Figure("a", "errors", "A", "It is.", {"type": "x", "values": np.array([1, np.nan])}, {"rows": [[np.inf]]})
    assert figure.to_plain()["draw"]["values"] == [1, None]
    assert figure.to_plain()["table"] == {"rows": [[None]]}
    assert Figure.from_plain(figure.to_plain()).to_plain() == figure.to_plain()
