"""Predicted distributions against SciPy: mixtures over members and masks, their scores, and what ranks by them."""

import numpy as np
import pytest
from scipy import integrate, stats

from phalanx import Adam, Dense, Dropout, Gaussian, GaussianMixture, HeteroscedasticGaussian, Regressor, ReLU, choice
from phalanx.crps import crps
from phalanx.data import Goal, NumberTarget
from phalanx.ensemble import Pairs, Voice, greedy
from phalanx.likelihoods import Poisson
from phalanx.metrics import metric_named
from phalanx.mixture import Mixture, Output, covariance, deviation, log_density


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


def test_an_ensemble_lowers_the_cost_of_what_is_heard():
    said = np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.2]])
    assert greedy([Voice("log", said)]) == {0: 0.5, 1: 0.5}
    assert greedy([Pairs(np.array([[1.0, -1.0, 0.9], [-1.0, 1.0, 0.9], [0.9, 0.9, 1.1]]))]) == {0: 0.5, 1: 0.5}


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
