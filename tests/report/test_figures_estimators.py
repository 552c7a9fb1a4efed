"""Figures of estimators, of their validation rows: they keep the contract, and say what is so."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, confusion_matrix

from phalanx import (
    LSTM,
    Adam,
    Classifier,
    Dense,
    Flatten,
    Forecaster,
    LanguageModel,
    MultiTask,
    Poisson,
    Regressor,
    Sequences,
    Tanh,
)
from phalanx.report.figures import figures_of_estimator

ROWS = 90

NET = {"layers": [Dense(4), Tanh()], "max_rounds": 4, "batch_size": 16, "optimizer": Adam(0.03), "random_state": 0}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    a = rng.normal(size=ROWS)
    frame = pd.DataFrame({"a": a, "b": rng.normal(size=ROWS), "c": rng.choice(list("xyz"), ROWS)})
    frame["kind"] = np.where(a + 0.3 * rng.normal(size=ROWS) > 0, "up", "down")
    frame["size"] = 100 + 10 * a + rng.normal(size=ROWS)
    return frame.assign(count=rng.poisson(np.exp(a)))


ESTIMATORS = {
    "Classifier": lambda f: Classifier(**NET, repeats=2).fit(f[["a", "b", "c"]], f["kind"]),
    "Classifier in folds": lambda f: Classifier(**NET, folds=3).fit(f[["a", "b", "c"]], f["kind"]),
    "Classifier by its best": lambda f: Classifier(**NET, folds=2, ensemble=False).fit(f[["a", "b", "c"]], f["kind"]),
    "Regressor": lambda f: Regressor(**NET).fit(f[["a", "b"]].to_numpy(), f["size"]),
    "Regressor of several": lambda f: Regressor(**NET).fit(f[["b", "c"]], f[["a", "size"]]),
    "Regressor of counts": lambda f: Regressor(**NET, likelihood=Poisson()).fit(f[["a", "b"]], f["count"]),
    "MultiTask": lambda f: MultiTask(**NET).fit(f[["a", "b"]], f[["kind", "size"]]),
    "Forecaster": lambda f: Forecaster(2, window=4, **NET | {"layers": [Flatten()]}).fit(f["a"]),
    "LanguageModel": lambda f: LanguageModel([LSTM(4)], steps=8, max_rounds=2, batch_size=4, random_state=0).fit(
        "one two, " * 90
    ),
    "of each step": lambda f: Classifier(**NET | {"layers": [LSTM(3, "all")]}).fit(
        Sequences([f[["a", "b"]].to_numpy()[i : i + 3 + i % 2] for i in range(60)]),
        [(f["a"].to_numpy()[i : i + 3 + i % 2] > 0).astype(int) for i in range(60)],
    ),
    "rows of its own": lambda f: Classifier(**NET).fit(
        f[["a", "b"]][:60], f["kind"][:60], validation=(f[["a", "b"]][60:], f["kind"][60:])
    ),
}


QUICK = ("Classifier in folds", "Forecaster", "MultiTask", "rows of its own")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ESTIMATORS]
)
def test_an_estimator_has_figures_of_its_validation_rows(name, frame, check_figure):
    net = ESTIMATORS[name](frame)
    found = [figure.to_plain() for figure in figures_of_estimator(net)]
    assert found
    assert len({figure["id"] for figure in found}) == len(found)
    for figure in found:
        check_figure(figure)
        assert "validation" in figure["says"]
    again = pickle.loads(pickle.dumps(net))
    assert [figure.to_plain() for figure in figures_of_estimator(again)] == found
    assert not hasattr(clone(net), "_told")
    if hasattr(net, "best_") and name != "LanguageModel":
        assert figures_of_estimator(net.best_.estimator) == []


def test_figures_out_of_fold(frame):
    net = ESTIMATORS["Classifier in folds"](frame)
    figures = {figure.id: figure for figure in figures_of_estimator(net)}
    matrix = np.array(figures["confusion"].draw["values"])
    assert matrix.sum() == ROWS
    accuracy = net.leaderboard_.set_index("id").loc["ensemble", "valid_accuracy"]
    assert matrix.trace() / ROWS == pytest.approx(accuracy)
    assert figures["confusion"].draw["rows"] == ["down", "up"]
    for case in figures["worst"].draw["cases"]:
        assert frame["kind"][int(case["name"].removeprefix("X[").removesuffix("]"))] == case["truth"]


def test_validation_rows_of_ones_own(frame):
    net = ESTIMATORS["rows of its own"](frame)
    figures = {figure.id: figure for figure in figures_of_estimator(net)}
    X, y = frame[["a", "b"]][60:], frame["kind"][60:].to_numpy()
    said = net.predict(X)
    np.testing.assert_array_equal(figures["confusion"].draw["values"], confusion_matrix(y, said))
    assert f"{round(30 * accuracy_score(y, said))} are right" in figures["confusion"].says
    for case in figures["worst"].draw["cases"]:
        assert y[int(case["name"].removeprefix("X[").removesuffix("]"))] == case["truth"]


def test_without_validation_rows_there_is_nothing_to_see(frame):
    net = Classifier(**NET, stopping=None).fit(frame[["a"]], frame["kind"])
    assert figures_of_estimator(net) == []


def test_large_rows_are_kept_of_a_few(frame, monkeypatch, check_figure):
    monkeypatch.setattr("phalanx.estimators.evidence._BYTES", 200)
    net = Classifier(**NET, folds=2).fit(frame[["a", "b"]], frame["kind"])
    for figure in figures_of_estimator(net):
        check_figure(figure.to_plain())
        assert f"of {ROWS} validation rows" in figure.says or figure.id == "importance"
