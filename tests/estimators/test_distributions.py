"""What estimators say beyond a prediction, against SciPy and NumPy: densities, draws, covariance and mode."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from phalanx import (
    Adam,
    Classifier,
    Dense,
    Gaussian,
    GaussianMixture,
    Head,
    HeteroscedasticGaussian,
    InputError,
    Joint,
    Multinoulli,
    MultiTask,
    MultivariateGaussian,
    Regressor,
    Tanh,
    choice,
)

NET = {"layers": [Dense(8), Tanh()], "optimizer": Adam(0.02), "max_rounds": 15}
DRAWS = 4000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 1))
    kind = np.where(x[:, 0] + 0.5 * rng.normal(size=300) > 0, "plus", "minus")
    u, v = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 300).T
    y = pd.DataFrame({"u": 10 + 3 * x[:, 0] + u, "kind": kind, "w": 100 * rng.normal(size=300), "v": -5 + 2 * v})
    return x, y, pd.Series(np.where(x[:, 0] > 0.5, "high", "low"))


def within_bounds(drawn, probability):
    """Say whether as many of the draws are so as is probable, but for once in 10^7."""
    low, high = stats.binom.interval(1 - 1e-7, len(drawn), probability)
    return ((low <= drawn.sum(0)) & (drawn.sum(0) <= high)).all()


@pytest.fixture(scope="module")
def classes(data):
    x, y, _ = data
    return Classifier(repeats=3, **NET).fit(x, y["kind"])


def test_the_density_of_a_class_is_its_probability(data, classes):
    x, y, _ = data
    p = classes.predict_proba(x)
    chosen = p[np.arange(300), (y["kind"] == "plus").to_numpy().astype(int)]
    assert classes.classes_.tolist() == ["minus", "plus"]
    np.testing.assert_allclose(classes.log_density(x, y["kind"]), np.log(chosen), rtol=1e-5, atol=1e-7)
    with pytest.raises(InputError, match="y holds the class 'zero', which was not seen in training"):
        classes.log_density(x[:1], ["zero"])


def test_classes_are_drawn_as_often_as_is_probable(data, classes):
    x = data[0][:6]
    drawn = classes.sample(x, DRAWS, random_state=1)
    assert drawn.shape == (DRAWS, 6)
    assert within_bounds(drawn == "plus", classes.predict_proba(x)[:, 1])
    assert (drawn[:, 0] != classes.sample(x, DRAWS, random_state=2)[:, 0]).any()


def test_several_targets_of_classes_keep_their_order(data):
    x, y, other = data
    both = np.column_stack([y["kind"], other])
    net = Classifier(**NET).fit(x, both)
    p = net.predict_proba(x)
    logs = net.log_density(x, both)
    for j, labels in enumerate(net.classes_):
        chosen = p[j][np.arange(300), np.searchsorted(labels, both[:, j].astype(labels.dtype))]
        np.testing.assert_allclose(logs[:, j], np.log(chosen), rtol=1e-5, atol=1e-7)
        drawn = net.sample(x[:4], DRAWS)[..., j]
        assert within_bounds(drawn == labels[1], p[j][:4, 1])


@pytest.fixture(scope="module")
def mixed(data):
    """One network with a head of two numbers that hang together, one of a number, and one of classes."""
    heads = [
        Head(MultivariateGaussian(), targets=["v", "u"]),
        Head(Multinoulli(), targets=["kind"]),
        Head(HeteroscedasticGaussian(), targets=["w"]),
    ]
    return MultiTask(likelihood=Joint(heads), **NET).fit(data[0], data[1])


def test_the_densities_of_a_mixed_head_are_scipys(data, mixed):
    x, y = data[0][:20], data[1][:20]
    logs, mean, std = mixed.log_density(x, y), mixed.predict(x), mixed.predict_std(x)
    covariance = mixed.predict_covariance(x)
    assert list(logs) == ["v, u", "kind", "w"]
    pair = [
        stats.multivariate_normal(mean.loc[i, ["v", "u"]].astype(float), covariance["v", "u"][i]).logpdf(
            y.loc[i, ["v", "u"]].astype(float)
        )
        for i in range(20)
    ]
    np.testing.assert_allclose(logs["v, u"], pair, rtol=1e-3)
    np.testing.assert_allclose(logs["w"], stats.norm(mean["w"], std["w"]).logpdf(y["w"]), rtol=1e-4)
    p = mixed.predict_proba(x)["kind"]
    np.testing.assert_allclose(logs["kind"], np.log([p.loc[i, y["kind"][i]] for i in range(20)]), rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(covariance["w",][:, 0, 0]), std["w"], rtol=1e-5)
    # all targets together: heads are independent of each other given the input
    scores = mixed._predictor.scores(mixed._inputs(x), mixed._values(y))
    assert scores["nll"] == pytest.approx(-logs.sum(axis=1).mean(), rel=1e-5)


@pytest.mark.slow
def test_draws_of_a_mixed_head_have_its_moments(data, mixed):
    x = data[0][:3]
    drawn = mixed.sample(x, 1000, random_state=3)
    assert list(drawn[0]) == ["u", "kind", "w", "v"]
    mean, std, covariance = mixed.predict(x), mixed.predict_std(x), mixed.predict_covariance(x)
    together = pd.concat(drawn)
    for i in range(3):
        each = together.loc[i]
        for name in ("u", "v", "w"):
            assert each[name].mean() == pytest.approx(mean[name][i], abs=5 * std[name][i] / 1000**0.5)
        found = np.cov(each["v"].astype(float), each["u"].astype(float))
        np.testing.assert_allclose(found, covariance["v", "u"][i], atol=0.15 * np.abs(covariance["v", "u"][i]).max())
        assert within_bounds((each["kind"] == "plus").to_numpy(), mixed.predict_proba(x)["kind"]["plus"][i])
    correlation = [c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]) for c in covariance["v", "u"]]
    np.testing.assert_allclose(correlation, 0.8, atol=0.15)  # as the numbers were made


def test_the_mode_of_a_mixed_head(data, mixed):
    x = data[0][:20]
    mode, mean = mixed.predict_mode(x), mixed.predict(x)
    assert list(mode) == ["u", "kind", "w", "v"]
    for name in ("u", "v", "w"):  # of a Gaussian both are one
        np.testing.assert_allclose(mode[name], mean[name], rtol=1e-4, atol=1e-4)
    assert mode["kind"].tolist() == mixed.predict_proba(x)["kind"].idxmax(axis=1).tolist()


def test_the_ensemble_of_a_mixed_head_is_the_mean_of_its_members_densities(data):
    x, y, _ = data
    y = y[["kind", "w"]]
    net = MultiTask(repeats=3, bootstrap=True, **NET).fit(x, y)
    each = [np.exp(member.estimator.log_density(x, y)) for member in net.members_]
    assert (len(each), set(net.ensemble_)) == (3, {member.id for member in net.members_})
    np.testing.assert_allclose(net.log_density(x, y), np.log(np.mean(each, axis=0)), rtol=1e-4, atol=1e-5)


def test_a_mixture_is_ranked_above_a_gaussian_where_the_sign_is_a_coin():
    """y = ±2x: the mean says nothing, so that only their likelihoods tell the two apart."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400, 1))
    y = np.where(rng.random(400) < 0.5, 2, -2) * x[:, 0] + 0.05 * rng.normal(size=400)
    either = choice(Gaussian(), GaussianMixture(2))
    net = Regressor([Dense(16), Tanh()], likelihood=either, optimizer=Adam(0.02), trials=4, max_rounds=40).fit(x, y)
    board = net.leaderboard_[net.leaderboard_["kind"] == "member"]
    kinds = {member.id: type(member.spec.likelihood) for member in net.members_}
    ranked = [kinds[id_] for id_ in board.sort_values("rank")["id"]]
    assert ranked == [GaussianMixture] * 2 + [Gaussian] * 2
    assert isinstance(net.best_.spec.likelihood, GaussianMixture)
    truth = np.log(0.5 * stats.norm(2 * x[:, 0], 0.05).pdf(y) + 0.5 * stats.norm(-2 * x[:, 0], 0.05).pdf(y)).mean()
    one = stats.norm(0, y.std()).logpdf(y).mean()
    assert one < net.log_density(x, y).mean() < truth + 0.1
    assert net.log_density(x, y).mean() > (one + truth) / 2
