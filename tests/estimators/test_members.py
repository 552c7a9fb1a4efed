"""Every member predicts alone, whether the ensemble uses it or not."""

import html
import pickle

import numpy as np
import pandas as pd
import pytest

from phalanx import (
    LSTM,
    Adam,
    Classifier,
    Dense,
    Flatten,
    Forecaster,
    InputError,
    LanguageModel,
    MultiTask,
    Regressor,
    Tanh,
    loguniform,
)

FOUR = {"layers": [Dense(4), Tanh()], "optimizer": Adam(loguniform(1e-4, 1e-1)), "trials": 4, "max_rounds": 3}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    return X, X[:, 0] + 0.1 * rng.normal(size=120)


@pytest.fixture(scope="module")
def classes(rows):
    X, y = rows
    return Classifier(**FOUR).fit(X, np.where(y > 0, "up", "down"))


def test_the_ensemble_is_the_weighted_mean_of_its_members(classes, rows):
    X, _ = rows
    assert len(classes.members_) == 4
    assert len(classes.ensemble_) < 4  # so that some member is not of the ensemble
    alone = {member.id: member.predict_proba(X) for member in classes.members_}
    mixed = sum(share * alone[id_] for id_, share in classes.ensemble_.items())
    np.testing.assert_allclose(classes.predict_proba(X), mixed, rtol=1e-5)
    for member in classes.members_:
        assert (member.predict(X) == classes.classes_[alone[member.id].argmax(1)]).all()
    assert len({p.tobytes() for p in alone.values()}) == 4


def test_members_are_worth_what_the_leaderboard_says(rows):
    """The validation rows are given, so that they are known here: each member's error on them is its score."""
    X, y = rows
    net = Regressor(**FOUR).fit(X[:80], y[:80], validation=(X[80:], y[80:]))
    scores = net.leaderboard_.set_index("id")["valid_rmse"]
    for member in net.members_:
        error = np.sqrt(np.mean((member.predict(X[80:]) - y[80:]) ** 2))
        assert error == pytest.approx(scores[member.id], rel=1e-6)
    low, high = net.members_[0].estimator.predict_interval(X[80:], 0.5)
    mean, deviation = net.members_[0].estimator.predict(X[80:], return_std=True)
    np.testing.assert_allclose(high - mean, 0.67449 * deviation, rtol=1e-3)  # the quartile of a Gaussian
    np.testing.assert_allclose(mean - low, 0.67449 * deviation, rtol=1e-3)


def test_the_best_member_is_what_predicts_without_the_ensemble(rows):
    X, y = rows
    net = Regressor(**FOUR, ensemble=False).fit(X, y)
    np.testing.assert_array_equal(net.best_.predict(X), net.predict(X))


def test_members_of_several_targets(rows):
    X, y = rows
    net = MultiTask([Dense(4), Tanh()], max_rounds=2).fit(X, pd.DataFrame({"n": y, "s": np.where(y > 0, "+", "-")}))
    (member,) = net.members_
    pd.testing.assert_frame_equal(member.predict(X), net.predict(X))
    pd.testing.assert_frame_equal(member.predict_proba(X)["s"], net.predict_proba(X)["s"])


def test_a_member_knows_nothing_of_the_others(classes):
    member = classes.members_[0]
    with pytest.raises(AttributeError):
        _ = member.estimator.leaderboard_
    again = pickle.loads(pickle.dumps(member))
    np.testing.assert_array_equal(again.predict_proba([[0.0, 1.0]]), member.predict_proba([[0.0, 1.0]]))
    assert repr(member) == f"FittedMember(m001, round {member.best_round})"


def test_the_page_of_an_estimator_shows_its_parts_and_members(classes):
    page = html.unescape(classes._repr_html_())
    for shown in ("[Dense(units=4), Tanh()]", "layers__dense_1__units", "loguniform(0.0001, 0.1)", "leaderboard_"):
        assert shown in page
    assert f"[FittedMember(m001, round {classes.members_[0].best_round})," in page


def test_members_of_an_earlier_fit_stay_what_they_were(rows):
    X, y = rows
    net = Regressor([Dense(4), Tanh()], max_rounds=2).fit(X, y)
    member = net.members_[0]
    before = member.predict(X)
    net.fit(X, 100 * y)
    np.testing.assert_array_equal(member.predict(X), before)


def test_only_members_of_classes_have_probabilities(classes, rows):
    X, y = rows
    net = Regressor([Dense(4), Tanh()], max_rounds=2).fit(X, y)
    assert hasattr(classes.members_[0], "predict_proba")
    assert not hasattr(net.members_[0], "predict_proba")


def test_a_member_that_never_trained_says_so(classes):
    left_out = type(classes.members_[0])("m009", None, classes.best_.spec, 0, {}, None, None)
    with pytest.raises(InputError, match=r"^m009 cannot predict: the time was over before it trained$"):
        left_out.predict([[0.0, 1.0]])


@pytest.mark.slow
def test_members_of_series_and_texts():
    y = np.sin(np.arange(100.0))
    net = Forecaster(2, window=6, layers=[Flatten()], max_rounds=2, optimizer=Adam(loguniform(1e-4, 1e-1)), trials=2)
    net.fit(y)
    alone = {member.id: member.predict() for member in net.members_}
    np.testing.assert_allclose(net.predict(), sum(share * alone[id_] for id_, share in net.ensemble_.items()))
    with pytest.raises(InputError, match="horizon is 3"):
        net.members_[1].predict(3)
    speaks = LanguageModel([LSTM(4)], optimizer=Adam(0.01), steps=8, max_rounds=2, batch_size=4).fit("to and fro " * 60)
    (member,) = speaks.members_
    assert member.estimator.generate("to", 5) == speaks.generate("to", 5)
