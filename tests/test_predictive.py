"""Predicted distributions against SciPy: mixtures over members and masks, their scores, and what ranks by them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from phalanx import Adam, Dense, Dropout, Gaussian, GaussianMixture, HeteroscedasticGaussian, Regressor, ReLU, choice
from phalanx.crps import crps
from phalanx.data import ClassTarget, Goal, NumberTarget
from phalanx.ensemble import Errors, PairCosts, greedy
from phalanx.likelihoods import Multinoulli, Poisson
from phalanx.member_errors import FoldPredictions, errors_of, errors_of_folds
from phalanx.metrics import metric_named, metrics_for
from phalanx.mixture import Mixture, Output, covariance, deviation, log_density, mean
from phalanx.predictive import NetworkPrediction, Predictive, in_units_of


@pytest.mark.parametrize("masks", [1, 33])  # in closed form, and integrated
def test_the_crps_of_gaussians_is_scipys_integral(masks, rng):
    z = [rng.normal(size=(2, masks, 1)).astype(np.float32) for _ in range(2)]
    mixture = Mixture((Output(Gaussian(0.3), z[0]), Output(Gaussian(1.5), z[1])), np.array([0.25, 0.75]))
    y = np.array([[0.4], [-3.0]], np.float32)
    for row in range(2):

        def error(t, row=row):
            parts = [
                stats.norm(one[row, :, 0], s).cdf(t).mean() for one, s in zip(z, (0.3**0.5, 1.5**0.5), strict=True)
            ]
            return (0.25 * parts[0] + 0.75 * parts[1] - (y[row, 0] <= t)) ** 2

        true = sum(integrate.quad(error, *ends)[0] for ends in ((-15, y[row, 0]), (y[row, 0], 15)))
        assert crps(mixture, y)[row, 0] == pytest.approx(true, rel=1e-4)


def test_the_crps_of_counts_is_their_sum():
    z, y = np.array([[[2.0]]], np.float32), np.array([[5.0]], np.float32)
    k = np.arange(60)
    true = ((stats.poisson(np.logaddexp(0, 2.0)).cdf(k) - (k >= 5)) ** 2).sum()
    assert crps(Mixture((Output(Poisson(), z),), np.ones(1)), y)[0, 0] == pytest.approx(true, rel=1e-4)


def test_density_and_covariance_of_members_and_masks(rng):
    z = rng.normal(size=(3, 5, 2)).astype(np.float32)
    mixture = Mixture((Output(Gaussian(0.5), z),), np.ones(1))
    y = rng.normal(size=(3, 2)).astype(np.float32)
    true = np.log(stats.norm(z, 0.5**0.5).pdf(y[:, None]).prod(-1).mean(1))
    np.testing.assert_allclose(log_density(mixture, y), true, rtol=1e-5)
    spread = [np.cov(row.T, bias=True) + 0.5 * np.eye(2) for row in z]
    np.testing.assert_allclose(covariance(mixture), spread, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(deviation(mixture), np.sqrt([np.diag(c) for c in spread]), rtol=1e-5)


TWO = (NumberTarget(11.0, 2.5, 4.0, 20.0), NumberTarget(0.1, 0.01, 0.0, 0.2))
OWN = [
    (NumberTarget(10.0, 2.0, 4.0, 17.0), NumberTarget(0.1, 0.02, 0.0, 0.2)),
    (NumberTarget(12.0, 3.0, 5.0, 20.0), NumberTarget(0.09, 0.01, 0.0, 0.2)),
]


def test_members_that_saw_the_target_in_units_of_their_own_mix_in_those_of_the_target(rng):
    reference, own = Goal(("a", "b"), TWO), [Goal(("a", "b"), columns) for columns in OWN]
    z, variance, shares = rng.normal(size=(2, 4, 1, 2)).astype(np.float32), (0.3, 0.9), np.array([0.25, 0.75])
    said = {}
    for fold in (0, 1):
        output = Output(in_units_of(Gaussian(variance[fold]), own[fold], reference), z[fold])
        said[fold] = NetworkPrediction((reference.decode(mean(output)),), (output,))
    found = Predictive.of(said, {0: 0.25, 1: 0.75}, (reference,), None)
    m, s = (np.array([[getattr(c, name) for c in columns] for columns in OWN]) for name in ("mean", "deviation"))
    true = stats.norm(m[:, None] + s[:, None] * z[:, :, 0], (s * np.sqrt(variance)[:, None])[:, None])
    centre = np.tensordot(shares, true.mean(), 1)
    np.testing.assert_allclose(found.means[0], centre, rtol=1e-6)
    spread = np.sqrt(np.tensordot(shares, true.var() + (true.mean() - centre) ** 2, 1))
    np.testing.assert_allclose(found.deviation()[0], spread, rtol=1e-5)
    y = rng.normal(centre, spread)
    np.testing.assert_allclose(found.log_density([y])[0], np.log(shares @ true.pdf(y).prod(-1)), rtol=1e-4, atol=1e-5)
    for end, share in zip(found.interval(0.9)[0], (0.05, 0.95), strict=True):
        np.testing.assert_allclose(np.tensordot(shares, true.cdf(end), 1), share, rtol=1e-3)


def test_what_is_not_standardized_has_no_other_units():
    classes = Goal(("y",), (ClassTarget((1, 2)),))
    counts = [Goal(("y",), columns[:1], counts=True) for columns in OWN]
    assert in_units_of(Multinoulli(), classes, classes) == Multinoulli()
    assert in_units_of(Poisson(3.0), *counts) == Poisson(3.0)
    same = replace(TWO[0], low=-1.0)  # of other rows, whose mean and deviation are the same
    assert in_units_of(Gaussian(0.5), Goal(("y",), (same,)), Goal(("y",), TWO[:1])) == Gaussian(0.5)


@pytest.fixture(scope="module")
def spoken():
    """A function that returns what five members say of some of 60 rows, of two columns of numbers and of classes."""
    rng = np.random.default_rng(3)
    goals = (Goal(("a", "b"), TWO), Goal(("c",), (ClassTarget((1, 2)),)))
    z = rng.normal(size=(5, 60, 1, 2)).astype(np.float32)
    p = rng.dirichlet([1, 1], (5, 60))
    y = goals[0].decode(z[0, :, 0] + rng.normal(size=(60, 2)))
    values, weight = (y, rng.integers(0, 2, 60)), rng.uniform(0.5, 2, 60)

    def of(rows):
        said = []
        for member in range(5):
            output = Output(Gaussian(0.2 + 0.1 * member), z[member, rows])
            said.append(NetworkPrediction((goals[0].decode(mean(output)), p[member, rows]), (output, None)))
        held = tuple(each[rows] for each in values)
        costs = [Predictive.of({0: one}, {0: 1.0}, goals, None).costs(held) for one in said]
        return FoldPredictions(held, said, costs, None, weight[rows])

    return goals, of


@pytest.mark.parametrize("name", ["score", "nll", "crps", "a.crps", "b.nll", "b.mae", "c.log_loss"])
def test_voices_of_parts_of_the_rows_choose_as_those_of_all(name, spoken, monkeypatch):
    monkeypatch.setattr("phalanx.member_errors._MEMBERS", 3)
    goals, of = spoken
    parts = [of(rows) for rows in np.split(np.arange(60), [10, 35])]
    metric = replace(metrics_for(goals)["score"], name=name)
    whole = of(np.arange(60))
    heard = errors_of(goals, whole.values, whole.said, whole.costs, metric, None, whole.weight)
    found = errors_of_folds(goals, parts, metric)
    for one, other in zip(found, heard, strict=True):
        if isinstance(one, Errors):
            np.testing.assert_array_equal(one.said, other.said)
        else:
            assert np.isfinite(one.cost).sum() == 9  # the pairs of the three best of all rows
            np.testing.assert_allclose(one.cost, other.cost, rtol=1e-5)
    assert greedy(found, whole.weight) == greedy(heard, whole.weight)


def test_an_ensemble_lowers_the_cost_of_what_is_heard():
    said = np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.2]])
    assert greedy([Errors("log", said)]) == {0: 0.5, 1: 0.5}
    assert greedy([PairCosts(np.array([[1.0, -1.0, 0.9], [-1.0, 1.0, 0.9], [0.9, 0.9, 1.1]]))]) == {0: 0.5, 1: 0.5}


def test_the_default_metric_follows_from_what_a_likelihood_says():
    goals = [Goal(("y",), (NumberTarget(0.0, 1.0, -1.0, 1.0),))]
    named = {part: metric_named(None, goals, part).name for part in (None, Gaussian(), Poisson(), GaussianMixture())}
    assert list(named.values()) == ["rmse", "rmse", "rmse", "nll"]
    assert metric_named(None, goals, choice(Gaussian(), HeteroscedasticGaussian())).name == "nll"


def test_masks_reach_deviations_intervals_and_densities(rng):
    x = rng.uniform(-1, 1, (64, 1))
    y = 5 * x[:, 0] + 20
    layers = [Dense(16), ReLU(), Dropout(0.5), Dense(16), ReLU(), Dropout(0.5)]
    net = Regressor(layers, samples=40, optimizer=Adam(0.01), max_rounds=5, stopping=None).fit(x, y)
    mean, std = net.predict(x[:8], return_std=True)
    low, high = net.predict_interval(x[:8], 0.5)
    draws = net.sample(x[:8], 100)
    assert ((low < mean) & (mean < high)).all()
    assert np.ptp(std) > 0.01 * std.mean()  # a fixed variance alone is the same everywhere
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.6 * std.max())
    grid = np.linspace(mean[0] - 12 * std[0], mean[0] + 12 * std[0], 400)
    density = np.exp(net.log_density(np.repeat(x[:1], 400, 0), grid))
    assert integrate.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
