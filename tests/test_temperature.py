"""Temperature: by hand, by scikit-learn, and that it is the same everywhere and changes no class."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

import phalanx
from phalanx import Adam, Classifier, Dense, MultiTask, Regressor, Tanh, choice
from phalanx.errors import InputError
from phalanx.runs.command import train_command
from phalanx.temperature import best_temperature, tempered


def test_half_and_double_by_hand():
    """0.9² = 0.81 and 0.1² = 0.01; √0.64 = 0.8 and √0.36 = 0.6."""
    np.testing.assert_allclose(tempered(np.array([[0.9, 0.1]]), 0.5), [[0.81 / 0.82, 0.01 / 0.82]])
    np.testing.assert_allclose(tempered(np.array([[0.64, 0.36]]), 2), [[0.8 / 1.4, 0.6 / 1.4]])


def test_what_is_never_said_stays_so():
    np.testing.assert_allclose(tempered(np.array([[1.0, 0.0, 0.0]]), 0.5), [[1, 0, 0]], atol=1e-12)


class Told(ClassifierMixin, BaseEstimator):
    """A classifier whose features are the logarithms of its probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X

    def predict(self, X):
        return self.classes_[X.argmax(1)]


def test_as_scikit_learn_has_it(rng):
    y = np.arange(400) % 3
    scores = rng.normal(size=(400, 3)) + 1.5 * np.eye(3)[y]
    p = np.exp(3 * scores) / np.exp(3 * scores).sum(1, keepdims=True)  # three times too bold
    logs = np.log(p)
    other = CalibratedClassifierCV(FrozenEstimator(Told().fit(logs, y)), method="temperature").fit(logs, y)
    found = best_temperature(p, y)
    np.testing.assert_allclose(tempered(p, found), other.predict_proba(logs), atol=2e-3)
    assert found == pytest.approx(2, rel=0.2)  # log p(class) is 1.5 × score and a constant, but was said to be 3 × it


def test_a_row_of_weight_two_is_two_rows(rng):
    y = np.arange(60) % 2
    p = rng.dirichlet([1, 1], 60)
    weight = rng.integers(0, 3, 60)
    at = np.repeat(np.arange(60), weight)
    assert best_temperature(p, y, weight.astype(float)) == pytest.approx(best_temperature(p[at], y[at]), rel=1e-3)


def test_probabilities_that_nothing_makes_better_stay():
    """As many rows of each class come as are said, so that the log loss is least at 1."""
    p = np.tile([[0.75, 0.25]], (4, 1))
    assert best_temperature(p, np.array([0, 0, 0, 1])) == pytest.approx(1, abs=1e-4)


NET = {"optimizer": Adam(choice(0.01, 0.1)), "trials": 4, "max_rounds": 25, "random_state": 2}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(240, 3)), columns=list("abc"))
    noisy = X["a"] + rng.normal(size=240)
    return X, pd.Series(np.where(noisy > 0.5, "high", np.where(noisy < -0.5, "low", "middle")), name="level")


@pytest.fixture(scope="module")
def both(rows):
    return [Classifier([Dense(8), Tanh()], **NET, temperature=asked).fit(*rows) for asked in (False, True)]


@pytest.mark.parametrize("folds", [1, 3])
def test_no_class_changes_and_the_log_loss_is_the_least(rows, folds):
    plain, net = (
        Classifier([Dense(8), Tanh()], **NET, folds=folds, temperature=asked).fit(*rows) for asked in (False, True)
    )
    assert net.ensemble_ == plain.ensemble_
    assert net.predict(rows[0]).tolist() == plain.predict(rows[0]).tolist()
    (temperature,) = net._predictor.temperatures
    assert temperature != 1
    expected = tempered(plain.predict_proba(rows[0]).astype(np.float64), temperature)
    np.testing.assert_allclose(net.predict_proba(rows[0]), expected, atol=1e-6)
    before, after = (one.leaderboard_.set_index("id").loc["ensemble"] for one in (plain, net))
    assert after["valid_log_loss"] < before["valid_log_loss"]
    assert after["valid_accuracy"] == before["valid_accuracy"]


def test_a_network_alone_is_as_it_was(rows, both):
    plain, net = both
    for one, other in zip(plain.members_, net.members_, strict=True):
        np.testing.assert_array_equal(one.predict_proba(rows[0]), other.predict_proba(rows[0]))


def test_it_is_saved(tmp_path, rows, both):
    net = both[1]
    net.save(tmp_path / "saved")
    model = phalanx.load(tmp_path / "saved")
    np.testing.assert_array_equal(model.predict_proba(rows[0]), net.predict_proba(rows[0]))
    best = model.members[model.best]
    np.testing.assert_array_equal(best.predict_proba(rows[0]), net.best_.predict_proba(rows[0]))


def test_each_target_of_classes_has_its_own(rows):
    X, y = rows
    targets = pd.DataFrame({"level": y, "sign": np.where(X["b"] + X["a"] > 0, "plus", "minus"), "c": X["c"] ** 2})
    plain, net = (MultiTask([Dense(8), Tanh()], **NET, temperature=asked).fit(X, targets) for asked in (False, True))
    level, sign, number = net._predictor.temperatures
    assert number == 1
    assert level != sign
    said = net.predict_proba(X)
    for name, temperature in (("level", level), ("sign", sign)):
        alone = plain.predict_proba(X)[name].to_numpy(np.float64)
        np.testing.assert_allclose(said[name], tempered(alone, temperature), atol=1e-6)
    pd.testing.assert_series_equal(net.predict(X)["c"], plain.predict(X)["c"])


def test_a_run_has_it_too(tmp_path, rows):
    X, y = rows
    X.assign(level=y).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "c.yaml").write_text(
        "temperature: true\nbaselines: []\ntrials: 4\nmax_rounds: 25\nlayers: [{Dense: {units: 8}}, Tanh]\n"
        "optimizer: {Adam: {learning_rate: {choice: [0.01, 0.1]}}}\n"
    )
    assert (
        train_command(
            {"source": str(tmp_path / "t.csv"), "target": ("level",)}, tmp_path / "c.yaml", tmp_path / "run", 0.0
        )
        == 0
    )
    run = phalanx.load(tmp_path / "run")
    mean = sum(share * run.members[id_].predict_proba(X) for id_, share in run.ensemble.items())
    temperature = run.result["temperatures"]["level"]
    np.testing.assert_allclose(run.predict_proba(X), tempered(mean, temperature), atol=1e-6)
    assert abs(temperature - 1) > 0.01


def test_what_does_not_go_with_it(rows):
    X, y = rows
    with pytest.raises(InputError, match=r"^temperature is for classes, but every target holds numbers; leave it out$"):
        Regressor(temperature=True).fit(X[["b"]], X["a"])
    with pytest.raises(InputError, match=r"^temperature is that of the ensemble, but ensemble is False; "):
        Classifier(temperature=True, ensemble=False).fit(X, y)
    with pytest.raises(InputError, match=r"^temperature is what validation rows say, but there are none; "):
        Classifier([Dense(2)], stopping=None, temperature=True, validation_fraction=0).fit(X, y)
