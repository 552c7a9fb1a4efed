"""Several targets, intervals, bagging and refitting through the estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from phalanx import (
    Adam,
    Classifier,
    Dense,
    Dropout,
    Gaussian,
    GaussianMixture,
    Head,
    HeteroscedasticGaussian,
    Joint,
    Multinoulli,
    MultiTask,
    Poisson,
    Regressor,
    ReLU,
    Tanh,
    uniform,
)

NET = {"layers": [Dense(24), Tanh()], "optimizer": Adam(0.02), "max_rounds": 60}


@pytest.fixture(scope="module")
def wave():
    """Numbers with noise that grows with |x|, and their sign."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (1500, 1))
    spread = 0.05 + 0.4 * np.abs(x[:, 0])
    return x, 20 * (np.sin(3 * x[:, 0]) + spread * rng.normal(size=1500)) + 100, 20 * spread


def test_a_fixed_variance_is_estimated_so_that_intervals_hold(wave):
    x, y, _ = wave
    net = Regressor(**NET).fit(x[:1000], y[:1000])
    low, high = net.predict_interval(x[1000:], 0.8)
    assert ((low <= y[1000:]) & (y[1000:] <= high)).mean() == pytest.approx(0.8, abs=0.06)
    mean, deviation = net.predict(x[:5], return_std=True)
    assert mean.shape == deviation.shape == (5,)
    assert np.ptp(deviation) < 1e-3 * deviation.max()
    draws = net.sample(x[:1].repeat(4000, 0), 1, random_state=3)
    assert draws.shape == (1, 4000)
    assert draws.mean() == pytest.approx(mean[0], abs=5 * deviation[0] / 60)


def test_a_learned_variance_follows_the_noise(wave):
    x, y, spread = wave
    net = Regressor(likelihood=HeteroscedasticGaussian(), **NET).fit(x[:1200], y[:1200])
    _, deviation = net.predict(x[1200:], return_std=True)
    assert np.corrcoef(deviation, spread[1200:])[0, 1] > 0.9
    low, high = net.predict_interval(x[1200:], 0.9)
    inside = (low <= y[1200:]) & (y[1200:] <= high)
    calm = spread[1200:] < np.median(spread[1200:])
    assert inside[calm].mean() == pytest.approx(0.9, abs=0.09)
    assert inside[~calm].mean() == pytest.approx(0.9, abs=0.09)


def test_an_ensemble_is_the_mixture_of_its_members(wave):
    x, y, _ = wave
    net = Regressor([Dense(8), Tanh(), Dropout(uniform(0.0, 0.1))], trials=4, max_rounds=8).fit(x[:600], y[:600])
    mean, deviation = net.predict(x[:50], return_std=True)
    each = {member.id: member.predict(x[:50], return_std=True) for member in net.members_}
    total = sum(share * (each[id_][1] ** 2 + (each[id_][0] - mean) ** 2) for id_, share in net.ensemble_.items())
    np.testing.assert_allclose(deviation, np.sqrt(total), rtol=1e-4)


def test_counts_have_whole_intervals_and_a_mean_above_zero():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (600, 1))
    y = rng.poisson(np.exp(1 + 2 * x[:, 0]))
    net = Regressor(likelihood=Poisson(), **NET).fit(x, y)
    low, high = net.predict_interval(x, 0.9)
    assert (low == np.floor(low)).all()
    assert low.min() >= 0
    assert ((low <= y) & (y <= high)).mean() > 0.88
    np.testing.assert_allclose(net.predict(np.array([[-0.8], [0.8]])), np.exp([1 - 1.6, 1 + 1.6]), rtol=0.3)
    with pytest.raises(ValueError, match="counts are 0, 1, 2"):
        Regressor(likelihood=Poisson(), **NET).fit(x, y - 0.5)


def test_the_mode_of_a_mixture_is_on_a_branch_where_the_mean_is_not():
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (800, 1))
    y = np.where(rng.random(800) < 0.7, 1, -1) * (2 + x[:, 0]) + 0.05 * rng.normal(size=800)
    net = Regressor(likelihood=GaussianMixture(2), **NET).fit(x, y)
    at = np.array([[0.0]])
    assert net.predict(at)[0] == pytest.approx(0.7 * 2 - 0.3 * 2, abs=0.5)
    assert net.predict_mode(at)[0] == pytest.approx(2, abs=0.2)


def test_numbers_together_are_one_head_and_keep_their_units(wave):
    x, y, _ = wave
    both = np.column_stack([y, -3 * y + 7])
    net = Regressor(**NET).fit(x[:1000], both[:1000])
    assert net.predict(x[:3]).shape == (3, 2)
    assert net.score(x[1000:], both[1000:]) > 0.6
    low, high = net.predict_interval(x[1000:], 0.9)
    assert low.shape == (500, 2)
    assert (low < high).all()
    assert "valid_1.rmse" in net.leaderboard_


def test_classes_of_several_columns():
    X, y = load_digits(return_X_y=True)
    both = np.column_stack([y[:900], (y[:900] > 4) * 1])
    net = Classifier([Dense(48), ReLU()], optimizer=Adam(0.005), max_rounds=25).fit(X[:700], both[:700])
    assert [list(labels) for labels in net.classes_] == [list(range(10)), [0, 1]]
    assert net.predict(X[700:900]).shape == (200, 2)
    assert ((net.predict(X[700:900]) == both[700:]).mean(0) > 0.85).all()
    first, second = net.predict_proba(X[700:900])
    assert (first.shape, second.shape) == ((200, 10), (200, 2))


@pytest.fixture(scope="module")
def mixed(wave):
    x, y, _ = wave
    return x, pd.DataFrame({"value": y, "sign": np.where(y > 100, "plus", "minus"), "twice": 2 * y})


def test_multitask_with_heads_that_leave_the_trunk_early(mixed):
    x, y = mixed
    heads = Joint(
        [
            Head(Multinoulli(), after="tanh_1", targets=["sign"], weight=uniform(0.5, 2.0)),
            Head(Gaussian(), [Dense(8), Tanh()], targets=["twice", "value"]),
        ]
    )
    net = MultiTask([Dense(24), Tanh(), Dense(12), Tanh()], likelihood=heads, trials=2, max_rounds=40).fit(
        x[:1000], y[:1000]
    )
    found = net.predict(x[1000:])
    assert list(found) == ["value", "sign", "twice"]
    assert (found["sign"] == y["sign"][1000:].to_numpy()).mean() > 0.85
    np.testing.assert_allclose(found["twice"], 2 * found["value"], atol=12)
    assert net.score(x[1000:], y[1000:]) > 0.7
    assert list(net.predict_proba(x[:2])) == ["sign"]
    assert "likelihood.sign.weight" in net.leaderboard_ or "likelihood.heads.head_1.weight" in net.leaderboard_
    params = net.best_.params
    assert params["head_1.output"]["weight"].shape == (24, 2)  # on the first layer of the trunk
    assert params["head_2.dense_1"]["weight"].shape == (12, 8)
    assert params["head_2.output"]["weight"].shape == (8, 2)


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [
        ([Head(Gaussian())], "Joint has 1 head for the targets value, sign, twice; each target needs one head"),
        ([Head(Gaussian()), Head(Gaussian()), Head(Gaussian())], "likelihood gaussian does not fit a target of 2"),
        ([Head(Gaussian(), targets=["valeu"])], "did you mean `value`"),
        ([Head(Gaussian(), after="dense_9"), Head(Multinoulli()), Head(Gaussian())], "unknown layer `dense_9`"),
    ],
)
def test_heads_that_do_not_match_are_named(mixed, heads, sentence):
    x, y = mixed
    with pytest.raises(ValueError, match=sentence):
        MultiTask([Dense(4)], likelihood=Joint(heads), max_rounds=1).fit(x, y)


def test_a_vote_counts_members():
    X, y = load_digits(return_X_y=True)
    net = Classifier([Dense(24), ReLU()], bootstrap=True, repeats=5, vote=True, optimizer=Adam(0.01), max_rounds=8)
    net.fit(X[:500], y[:500])
    probabilities = net.predict_proba(X[500:600])
    np.testing.assert_allclose(probabilities * 5, np.round(probabilities * 5), atol=1e-5)
    votes = [net.set_params(ensemble=False).predict(X[500:600])]
    assert (net.set_params(ensemble=True).predict(X[500:600]) == votes[0]).mean() > 0.7


@pytest.mark.slow
def test_refitting_uses_all_rows_and_says_how_it_ended():
    X, y = load_digits(return_X_y=True)
    net = Classifier(
        [Dense(24), ReLU(), Dropout(uniform(0, 0.2))], optimizer=Adam(0.01), trials=3, max_rounds=10, refit="steps"
    )
    net.fit(X[:600], y[:600])
    board = net.leaderboard_.set_index("id")
    for id_ in net.ensemble_:
        assert board.loc[id_, "refit_rounds"] == board.loc[id_, "best_round"]
        assert board.loc[id_, "refit_ended"] == "steps"
    assert net.score(X[600:900], y[600:900]) > 0.85
    with pytest.raises(ValueError, match="refit 'steps' needs early stopping"):
        Classifier(**NET, stopping=None, refit="steps").fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="refit is 'again', but must be one of steps, continue, none"):
        Classifier(**NET, refit="again").fit(X[:100], y[:100])


def test_averaging_masks_is_close_to_scaling(wave):
    X, y = load_digits(return_X_y=True)
    net = Classifier([Dense(32), ReLU(), Dropout(0.3)], optimizer=Adam(0.01), max_rounds=20).fit(X[:700], y[:700])
    sampled = Classifier(**net.get_params(deep=False)).set_params(samples=50).fit(X[:700], y[:700])
    assert sampled.score(X[700:1000], y[700:1000]) == pytest.approx(net.score(X[700:1000], y[700:1000]), abs=0.04)
    assert not np.allclose(sampled.predict_proba(X[:50]), net.predict_proba(X[:50]), atol=1e-4)
