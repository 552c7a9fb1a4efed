"""Costs are likelihoods: against SciPy's distributions, closed forms, and the distributions that made the data."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import log_softmax

from phalanx import Gaussian, InputError
from phalanx.notes.chapters import likelihood as chapter


@pytest.fixture(scope="module")
def found():
    return chapter.compute(seeds=1, rows=1500, held=1500, rounds=30, table=False)


@pytest.fixture(scope="module")
def die():
    return chapter.throw_die()


@pytest.mark.row("D1")
def test_divergence_is_cross_entropy_less_entropy_and_all_have_one_minimum(die):
    pips = np.arange(1, 7)
    for i in (0, 4321, -1):
        p = np.exp(log_softmax(die["thetas"][i] * pips))
        assert die["divergence"][i] == pytest.approx(stats.entropy(die["share"], p), abs=1e-12)
    np.testing.assert_allclose(die["crossed"] - die["divergence"], stats.entropy(die["share"]), atol=1e-12)
    assert die["likelihood"].argmax() == die["crossed"].argmin() == die["divergence"].argmin()
    assert die["divergence"].min() > 0
    np.testing.assert_allclose(die["likelihood"], -60 * die["crossed"], rtol=1e-12)


@pytest.mark.row("D1")
def test_maximum_likelihood_of_the_die_gives_its_mean_the_mean_of_the_throws(die):
    """d/dθ log p = k − E k. The grid is 1e-4 apart, and dE/dθ, a variance of 1 to 6, is at most 6.25."""
    pips = np.arange(1, 7)
    assert die["model_mean"] == pytest.approx(die["share"] @ pips, abs=1e-4 / 2 * 6.25)
    best = optimize.minimize_scalar(lambda theta: -die["share"] @ log_softmax(theta * pips), bounds=(-1, 2))
    assert die["theta"] == pytest.approx(best.x, abs=1e-4)


@pytest.mark.row("D1")
def test_the_cost_of_a_gaussian_is_the_mean_squared_error(rng):
    z, y = rng.normal(size=(2, 50, 1)).astype(np.float32)
    for variance in (0.3, 2.0):
        costs = np.asarray(Gaussian(variance).nll(jnp.asarray(z), jnp.asarray(y)))
        np.testing.assert_allclose(costs, -stats.norm.logpdf(y, z, variance**0.5)[:, 0], rtol=1e-5)
        mse = ((y - z) ** 2).mean()
        assert costs.mean() == pytest.approx(np.log(2 * np.pi * variance) / 2 + mse / (2 * variance), rel=1e-5)


@pytest.mark.row("D1")
def test_networks_find_the_gaussian_of_maximum_likelihood(found):
    """By descent with steps that tend to 0: to a hundredth of a deviation, of a variance, and of a correlation."""
    people, table = found["people"], found["gaussian"].set_index("found by")
    (mean, deviation), (_, other) = stats.norm.fit(people[:, 0]), stats.norm.fit(people[:, 1])
    assert table.loc["formulas"].tolist() == pytest.approx(
        [mean, deviation**2, people[:, 1].mean(), other**2, stats.pearsonr(*people.T)[0]], rel=1e-9
    )
    np.testing.assert_allclose(table["mean of BMI"], mean, atol=0.01 * deviation)
    own = table.loc[["HeteroscedasticGaussian", "MultivariateGaussian"]]
    np.testing.assert_allclose(own["variance of BMI"], deviation**2, rtol=0.01)
    np.testing.assert_allclose(own["variance of pressure"], other**2, rtol=0.01)
    assert own["correlation"].tolist() == pytest.approx([0, stats.pearsonr(*people.T)[0]], abs=0.01)


@pytest.mark.parametrize("name", ["even", "growing", "correlated"])
def test_the_truth_is_the_density_of_the_gaussian_that_was_drawn_from(name):
    x, y = chapter.world(name, 5, seed=0)
    for row, target, told in zip(x[:, 0], y, chapter.truth(name, x, y), strict=True):
        deviation = 0.05 + 0.2 * (row + 2) if name == "growing" else 0.3
        r = 0.9 if name == "correlated" else 0.0
        covariance = deviation**2 * np.array([[1, r], [r, 1]])
        by_scipy = stats.multivariate_normal([np.sin(2 * row), np.cos(2 * row)], covariance).logpdf(target)
        assert told == pytest.approx(by_scipy, rel=1e-9)


def test_the_truth_of_branches_is_a_mixture_and_all_worlds_are_drawn_from_their_truth():
    x, y = chapter.world("branches", 5, seed=0)
    upper = np.stack([1 + x[:, 0] / 4, 1 - x[:, 0] / 4], axis=1)
    density = [stats.norm.pdf(y, sign * upper, 0.1).prod(1) / 2 for sign in (1, -1)]
    np.testing.assert_allclose(chapter.truth("branches", x, y), np.log(np.sum(density, axis=0)), rtol=1e-9)
    entropy = np.log(2 * np.pi * np.e * 0.3**2)  # of two independent Gaussians
    for name, wanted in (("even", entropy), ("correlated", entropy + np.log(1 - 0.9**2) / 2)):
        costs = -chapter.truth(name, *chapter.world(name, 4000, seed=0))
        assert costs.mean() == pytest.approx(wanted, abs=4 * costs.std() / 4000**0.5)


def above(one, other):
    """How much the mean of some costs is above that of others, in standard errors over rows."""
    return (one - other).mean() / ((one - other).std(ddof=1) / len(one) ** 0.5)


@pytest.mark.row("D2")
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("growing", "HeteroscedasticGaussian", ["Gaussian"]),
        ("correlated", "MultivariateGaussian", ["Gaussian", "HeteroscedasticGaussian", "GaussianMixture"]),
        ("branches", "GaussianMixture", ["Gaussian", "HeteroscedasticGaussian", "MultivariateGaussian"]),
    ],
)
def test_the_likelihood_that_fits_beats_the_wrong_ones_on_held_out_rows(found, name, right, wrong):
    costs = found["worlds"][name]
    for kind in wrong:
        assert above(costs[kind], costs[right]) > 4, kind
    assert above(costs[right], costs["truth"]) > -4


@pytest.mark.row("D2")
def test_even_noise_needs_no_more_than_a_fixed_variance(found):
    """What the other three say more of costs or gains little beside what a wrong one loses elsewhere."""
    costs = found["worlds"]["even"]
    best = min(own.mean() for kind, own in costs.items() if kind != "truth")
    assert costs["Gaussian"].mean() - best < 0.1 * min(found["loss"][name] for name in ("growing", "correlated"))


@pytest.mark.row("D2")
def test_the_full_covariance_is_positive_definite_and_correlated_as_the_noise(found):
    """The standard error of a correlation of 0.9 from 1,200 rows is (1 − 0.81)/√1200 = 0.0055; weights add to it."""
    assert found["eigenvalue"] > 0
    assert found["correlation"] == pytest.approx(0.9, abs=0.05)


@pytest.mark.row("D2")
def test_classes_are_no_numbers(found):
    two, three = found["classes"]["two classes"], found["classes"]["three classes"]
    assert above(three["Gaussian on codes"], three["Multinoulli"]) > 4
    assert abs(two["Bernoulli"].mean() - two["Multinoulli"].mean()) < 0.1 * two["truth"].mean()
    assert above(two["Gaussian on codes"], two["Bernoulli"]) > -4
    for costs in (two, three):
        assert above(costs["Multinoulli"], costs["truth"]) > -4
        assert costs["Multinoulli"].mean() < costs["truth"].mean() * 1.1


@pytest.mark.slow
@pytest.mark.row("D2")
def test_a_column_of_ones_own_is_looked_at(tmp_path, rng):
    x = rng.uniform(0, 1, 300)
    lines = [
        f"{a},{2 * a + a * noise},{'ab'[i % 2]}"
        for i, (a, noise) in enumerate(zip(x, rng.normal(size=300), strict=True))
    ]
    path = tmp_path / "own.csv"
    path.write_text("x,y,word\n" + "\n".join(lines))
    name, table = chapter.on_numbers(str(path), "y", seeds=1, rounds=10)
    assert "y" in name
    assert table["likelihood"].tolist() == ["Gaussian", "HeteroscedasticGaussian", "GaussianMixture"]
    assert np.isfinite(table["nats"]).all()
    with pytest.raises(InputError, match="'word' is not a column of numbers"):
        chapter.on_numbers(str(path), None, seeds=1, rounds=1)
