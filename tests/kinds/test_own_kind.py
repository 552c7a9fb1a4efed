"""A kind of data of one's own, the example of CONTRIBUTING.md: from files and from arrays, through every door."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

import phalanx
from phalanx import Adam, Classifier, Dense, InputError, Tanh
from phalanx.kinds.registry import KINDS
from phalanx.runs.command import evaluate_command, predict_command

NET = {"layers": [Dense(4), Tanh()], "optimizer": Adam(0.1), "max_rounds": 20, "batch_size": 16}


@pytest.fixture(scope="module", autouse=True)
def angles():
    """The function that makes angles of numbers, where the kind is known."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = next(block for block in text.split("```python\n")[1:] if "class Circle(RowKind)" in block)
    held = {"__name__": __name__}
    exec(block.partition("```")[0], held)
    yield lambda given: np.asarray(given, np.float64).view(held["Angles"])
    del KINDS[0]


@pytest.fixture(scope="module")
def points():
    """Angles, and on which side they lie, which no threshold of the angle itself tells."""
    found = np.random.default_rng(0).uniform(0, 360, 120).round(1)
    return found, np.where(np.cos(np.radians(found - 45)) > 0, "near", "far")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, train, points):
    folder = tmp_path_factory.mktemp("circle")
    lines = [f"{angle} {label}\n" for angle, label in zip(*points, strict=True)]
    (folder / "points.circle").write_text("".join(lines))
    (folder / "new.circle").write_text("45\n225\n405\n")
    options = {"optimizer": {"Adam": {"learning_rate": 0.1}}, "max_rounds": 20, "baselines": ["linear"]}
    train(folder, "points.circle", **options)
    return folder


def test_from_the_shell(folder, angles, capsys):
    model = phalanx.load(folder / "run")
    assert model.result["rows"] == {"train": 76, "valid": 20, "test": 24}
    assert min(model.result["test"]["accuracy"], model.result["baselines"]["linear"]["accuracy"]) > 0.9
    predict_command(folder / "run", [str(folder / "new.circle")], None, 0.9, True)
    assert [line.split(",")[0] for line in capsys.readouterr().out.split()] == ["prediction", "near", "far", "near"]
    evaluate_command(folder / "run", [str(folder / "points.circle")], folder / "scores.json", True)
    assert json.loads((folder / "scores.json").read_text()) == model.evaluate(folder / "points.circle")
    for given in (folder / "new.circle", angles([45, 225, 405])):
        assert model.predict(given).tolist() == ["near", "far", "near"]


def test_as_an_estimator(tmp_path, folder, angles, points):
    degrees, labels = points
    X = angles(degrees)
    net = Classifier(**NET).fit(X, labels)
    assert net.predict(angles([45, 225, 405])).tolist() == ["near", "far", "near"]
    net.save(tmp_path / "saved")
    model = phalanx.load(tmp_path / "saved")
    np.testing.assert_array_equal(model.predict_proba(X), net.predict_proba(X))
    assert model.predict(folder / "new.circle").tolist() == ["near", "far", "near"]


@pytest.mark.slow
def test_it_is_split_as_other_rows_are(angles, points):
    degrees, labels = points
    X = angles(degrees)
    assert cross_val_score(Classifier(**NET), X, labels, cv=2).min() > 0.9
    assert Classifier(folds=2, **NET).fit(X, labels, sample_weight=np.ones(120)).score(X, labels) > 0.9


def test_what_is_said_of_other_data(folder, train):
    model = phalanx.load(folder / "run")
    with pytest.raises(InputError, match=r"^the model was trained on angles; give angles$"):
        model.predict([45.0, 225.0])
    with pytest.raises(InputError, match=r"^--size is for images, but .*points.circle holds angles; leave it out$"):
        train(folder, "points.circle", out="other", size="8")
