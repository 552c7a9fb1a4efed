"""The scikit-learn door: what users do beyond what scikit-learn's own suite checks."""

import pickle
import pickletools

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from phalanx import (
    L2,
    Activation,
    Adam,
    Classifier,
    Dense,
    Dropout,
    EarlyStopping,
    Knob,
    Regressor,
    ReLU,
    Tanh,
    choice,
    field,
    loguniform,
    part,
    uniform,
)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def small(**options):
    return Classifier(**{"layers": [Dense(8), Tanh()], "optimizer": Adam(0.02), "max_rounds": 15, **options})


def test_exclusive_or_needs_no_validation_rows():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    net = Classifier([Dense(8), Tanh()], optimizer=Adam(0.03), stopping=None, max_rounds=300).fit(X, y)
    assert net.predict(X).tolist() == y
    assert len(net.members_) == 1
    assert net.members_[0].params["dense_1"]["weight"].shape == (2, 8)
    assert net.members_[0].best_round == 300
    assert net.curves_["train_cost"].iloc[-1] < 0.1


def test_a_search_ranks_its_members_and_chooses_an_ensemble(iris):
    net = small(
        layers=[Dense(8), choice(ReLU(), Tanh()), Dropout(uniform(0, 0.3))],
        regularizers=[L2(loguniform(1e-6, 1e-2))],
        trials=6,
        structures=2,
    ).fit(*iris)
    board = net.leaderboard_
    assert len(net.members_) == 6
    assert len(board) == 7
    members = board[board["kind"] == "member"]
    assert members["valid_accuracy"].is_monotonic_decreasing
    assert set(members["layers.choice_1"]) == {"ReLU", "Tanh"}
    assert members["layers.dropout_1.rate"].between(0, 0.3).all()
    assert sum(net.ensemble_.values()) == pytest.approx(1)
    assert set(net.ensemble_) <= set(members["id"])
    assert net.best_.id == members["id"].iloc[0]
    probabilities = net.predict_proba(iris[0])
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    best = clone(net).set_params(ensemble=False).fit(*iris)
    assert best.score(*iris) > 0.8


def test_repeats_show_mean_and_standard_error_of_a_trial(iris):
    board = small(optimizer=Adam(loguniform(1e-3, 1e-1)), trials=2, repeats=3).fit(*iris).leaderboard_
    members = board[board["kind"] == "member"]
    assert len(members) == 6
    for _, trial in members.groupby("trial"):
        scores = trial["valid_accuracy"]
        assert trial["seed"].nunique() == 3
        assert trial["optimizer.learning_rate"].nunique() == 1
        np.testing.assert_allclose(trial["valid_accuracy_mean"], scores.mean())
        np.testing.assert_allclose(trial["valid_accuracy_error"], scores.std(ddof=1) / np.sqrt(3))


def test_paths_are_parameters_and_parts_stay_as_they_are(iris):
    layers = [Dense(8), Tanh()]
    net = small(layers=layers)
    assert net.get_params()["layers__dense_1__units"] == 8
    assert net.set_params(layers__dense_1__units=4, optimizer__learning_rate=0.05) is net
    assert net.layers[0].units == 4
    assert net.optimizer.learning_rate == 0.05
    assert layers == [Dense(8), Tanh()]
    with pytest.raises(ValueError, match="did you mean `dense_1`"):
        net.set_params(layers__dens_1__units=4)
    search = GridSearchCV(net, {"layers__dense_1__units": [1, 8]}, cv=2).fit(*iris)
    assert search.best_params_ == {"layers__dense_1__units": 8}


def test_it_works_in_a_pipeline_and_in_cross_validation(iris):
    scores = cross_val_score(make_pipeline(StandardScaler(), small(max_rounds=30)), *iris, cv=3)
    assert scores.mean() > 0.85


@pytest.mark.parametrize("labels", [["no", "yes", "maybe"], [True, False, True], [-1, 1, 5]])
def test_labels_of_any_type_come_back(iris, labels):
    y = np.array(labels)[iris[1]]
    net = small(max_rounds=2).fit(iris[0], y)
    assert set(net.classes_) == set(labels)
    assert net.predict(iris[0]).dtype == y.dtype


def test_frames_with_categories_and_missing_values_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200), "c": rng.choice(["a", "b", "c"], 200), "d": rng.random(200) > 0.5})
    y = np.where(frame["c"] == "a", 1.0, -1.0) + 0.1 * frame["x"]
    frame.loc[::7, "x"] = np.nan
    frame.loc[::9, "c"] = None
    net = Regressor([Dense(16), ReLU()], optimizer=Adam(0.02), max_rounds=40).fit(frame, y)
    assert net.score(frame, y) > 0.7
    other = frame[["d", "x", "c"]].assign(c="never seen")[["x", "c", "d"]]
    with pytest.warns(UserWarning, match=r"column 'c' has values that training did not, in 200 of 200 rows \(100.0%\)"):
        found = net.predict(other)
    assert np.isfinite(found).all()
    assert [column.kind for column in net.columns_] == ["number", "category", "category"]
    assert net.feature_names_in_.tolist() == ["x", "c", "d"]


def test_weights_equal_repetition_and_order_does_not_matter(iris):
    X, y = iris
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = small().fit(X, y, sample_weight=weight)
    order = np.random.default_rng(1).permutation(int(weight.sum()))
    repeated = small().fit(np.repeat(X, weight, axis=0)[order], np.repeat(y, weight)[order])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_pickles_hold_numpy_arrays_only(iris):
    net = small(max_rounds=2).fit(*iris)
    data = pickle.dumps(net)
    names = {argument for opcode, argument, _ in pickletools.genops(data) if isinstance(argument, str)}
    assert not any(name.startswith("jax") for name in names)
    np.testing.assert_array_equal(pickle.loads(data).predict_proba(iris[0]), net.predict_proba(iris[0]))


def test_a_target_far_from_zero_keeps_its_precision():
    x = np.linspace(-1, 1, 300)[:, None]
    y = 1e7 + 3 * x[:, 0]
    net = Regressor([Dense(16), Tanh()], optimizer=Adam(0.02), max_rounds=60).fit(x, y)
    assert np.abs(net.predict(x) - y).max() < 1.5  # float32 steps by 1 there


def test_a_part_written_by_the_user_works_and_its_knob_is_searched(iris):
    @part
    class Swish(Activation):
        """g(z) = z σ(β z)."""

        beta: Knob = field(default=1.0, above=0)

        def activate(self, z):
            return z / (1 + jnp.exp(-self.beta * z))

    net = small(layers=[Dense(8), Swish(loguniform(0.5, 2))], trials=3, max_rounds=30).fit(*iris)
    assert len({member.spec.layers[2].beta for member in net.members_}) == 3
    assert net.leaderboard_["structure"].nunique() == 1
    assert net.score(*iris) > 0.9


def test_minutes_end_the_training(iris):
    net = small(max_rounds=10_000, stopping=EarlyStopping(10_000), minutes=1e-6).fit(*iris)
    assert net.leaderboard_["stopped"].dropna().tolist() == ["time"]


def test_one_class_and_bad_metric_are_told():
    with pytest.raises(ValueError, match="at least two classes; y has one class"):
        small().fit([[1.0], [2.0]], [1, 1])
    with pytest.raises(ValueError, match="metric rmse is for regression"):
        small(metric="rmse").fit([[1.0], [2.0], [3.0], [4.0]], [1, 0, 1, 0])


def test_defaults_alone_learn_digits():
    X, y = load_digits(return_X_y=True)
    net = Classifier(trials=2, structures=1, max_rounds=15).fit(X[:1200], y[:1200])
    assert net.score(X[1200:], y[1200:]) > 0.9
