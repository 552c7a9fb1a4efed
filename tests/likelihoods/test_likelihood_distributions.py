"""Likelihoods of numbers against SciPy's distributions, whose parameters are read from z here, in NumPy."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from phalanx.errors import InputError
from phalanx.likelihoods import Gaussian, GaussianMixture, HeteroscedasticGaussian, MultivariateGaussian, Poisson

LIKELIHOODS = [
    Gaussian(0.3),
    HeteroscedasticGaussian(),
    HeteroscedasticGaussian(floor=0.5),
    MultivariateGaussian(),
    MultivariateGaussian(floor=0.3),
    GaussianMixture(1),
    GaussianMixture(),
    GaussianMixture(4, floor=0.2),
    Poisson(),
    Poisson(scale=30.0),
]
EACH = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
LEVELS = (0.5, 0.9)
NUMBERS = pytest.mark.parametrize("d", [1, 3])


def softplus(s):
    return np.logaddexp(0, s)


def independent(mean, deviation):
    return SimpleNamespace(
        logp=lambda y: stats.norm(mean, deviation).logpdf(y).sum(-1),
        cdf=stats.norm(mean, deviation).cdf,
        mean=mean,
        deviation=deviation,
        draw=lambda rng: rng.normal(mean, deviation),
    )


def correlated(mean, spread, low, floor):
    rows, d = mean.shape
    factor, count = np.zeros((rows, d, d)), 0
    for i in range(d):
        factor[:, i, i] = softplus(spread[:, i]) + floor
        for j in range(i):
            factor[:, i, j], count = low[:, count], count + 1
    covariance = np.linalg.inv(factor @ factor.transpose(0, 2, 1))
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    root = np.linalg.cholesky(covariance)
    return SimpleNamespace(
        logp=lambda y: [stats.multivariate_normal(m, c).logpdf(v) for m, c, v in zip(mean, covariance, y, strict=True)],
        cdf=stats.norm(mean, deviation).cdf,
        mean=mean,
        deviation=deviation,
        draw=lambda rng: mean + np.einsum("bij,bj->bi", root, rng.normal(size=mean.shape)),
        covariance=covariance,
    )


def mixed(weight, mean, deviation):
    """A mixture by its moments E[Y] and E[Y²] − E[Y]²; the arrays are (rows, k) and (rows, k, d)."""
    first = (weight[:, :, None] * mean).sum(1)
    second = (weight[:, :, None] * (mean**2 + deviation**2)).sum(1)

    def draw(rng):
        rows = np.arange(len(weight))
        component = (rng.random((len(rows), 1)) > weight.cumsum(1)[:, :-1]).sum(1)
        return rng.normal(mean[rows, component], deviation[rows, component])

    return SimpleNamespace(
        logp=lambda y: special.logsumexp(
            np.log(weight) + stats.norm(mean, deviation).logpdf(y[:, None]).sum(-1), axis=1
        ),
        cdf=lambda y: (weight[:, :, None] * stats.norm(mean, deviation).cdf(y[:, None])).sum(1),
        mean=first,
        deviation=np.sqrt(second - first**2),
        draw=draw,
    )


def counted(rate):
    return SimpleNamespace(
        logp=lambda y: stats.poisson(rate).logpmf(y).sum(-1),
        cdf=stats.poisson(rate).cdf,
        mean=rate,
        deviation=stats.poisson(rate).std(),
        draw=lambda rng: rng.poisson(rate),
    )


def truth(likelihood, z, d):
    """Return SciPy's distribution of each row."""
    z = np.asarray(z, np.float64)
    match likelihood:
        case Gaussian():
            return independent(z, np.full(z.shape, np.sqrt(likelihood.variance)))
        case HeteroscedasticGaussian():
            return independent(z[:, :d], softplus(z[:, d:]) + likelihood.floor)
        case MultivariateGaussian():
            return correlated(z[:, :d], z[:, d : 2 * d], z[:, 2 * d :], likelihood.floor)
        case GaussianMixture():
            k = likelihood.components
            mean = z[:, k : k + k * d].reshape(-1, k, d) + (np.linspace(-1, 1, k) if k > 1 else np.zeros(1))[:, None]
            deviation = softplus(z[:, k + k * d :].reshape(-1, k, d)) + likelihood.floor
            return mixed(special.softmax(z[:, :k], axis=1), mean, deviation)
        case Poisson():
            return counted(likelihood.scale * softplus(z))


def drawn(likelihood, d, rows, rng):
    """Return random outputs, SciPy's distributions, and a target of each."""
    z = rng.normal(size=(rows, likelihood.units(d))).astype(np.float32)
    distributions = truth(likelihood, z, d)
    return jnp.asarray(z), distributions, distributions.draw(rng).astype(np.float32)


# Jitted with the part as an argument, so that parts that differ in knobs alone share a program.


@jax.jit
def described(part, z, y):
    return part.nll(z, y), part.mean(z), part.deviation(z), part.cdf(z, y), part.probability(z, y), part.error(z, y)


@jax.jit
def sampled(part, key, z):
    return part.sample(key, z)


@jax.jit
def intervals(part, z):
    return [part.interval(z, level) for level in LEVELS]


@EACH
@NUMBERS
def test_cost_moments_and_distribution_function_are_scipys(likelihood, d, rng):
    z, expected, y = drawn(likelihood, d, 40, rng)
    nll, mean, deviation, cdf, probability, error = described(likelihood, z, jnp.asarray(y))
    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(nll, -np.array(expected.logp(y)), **close)
    np.testing.assert_allclose(mean, expected.mean, **close)
    np.testing.assert_allclose(deviation, expected.deviation, **close)
    np.testing.assert_allclose(cdf, expected.cdf(y), **close)
    np.testing.assert_allclose(probability, np.exp(expected.logp(y)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(error, np.abs(y - expected.mean).mean(-1), rtol=1e-4, atol=1e-5)


@EACH
def test_samples_follow_the_distribution(likelihood, rng):
    d = 3
    z = rng.normal(size=(1, likelihood.units(d))).astype(np.float32)
    many = jnp.asarray(np.repeat(z, 20_000, axis=0))
    samples = np.asarray(sampled(likelihood, jax.random.key(0), many), np.float64)
    one = truth(likelihood, z, d)
    assert samples.shape == (20_000, d)
    np.testing.assert_allclose(samples.mean(0), one.mean[0], atol=4 * one.deviation.max() / np.sqrt(20_000))
    np.testing.assert_allclose(samples.std(0), one.deviation[0], rtol=0.04)
    for j in range(d):
        if isinstance(likelihood, Poisson):
            ends = np.arange(samples[:, j].max() + 1)
            shares = (samples[:, j, None] <= ends[None]).mean(0)
            np.testing.assert_allclose(shares, stats.poisson(one.mean[0, j]).cdf(ends), atol=0.015)
        else:  # through its own distribution function a number becomes uniform
            assert stats.kstest(one.cdf(samples)[:, j], "uniform").pvalue > 1e-3


@EACH
def test_intervals_hold_their_share_of_numbers_drawn_elsewhere(likelihood, rng):
    rows, d = 20_000, 2
    z, _, y = drawn(likelihood, d, rows, rng)
    for level, ends in zip(LEVELS, intervals(likelihood, z), strict=True):
        lower, upper = map(np.asarray, ends)
        assert lower.shape == upper.shape == (rows, d)
        share = ((lower <= y) & (y <= upper)).mean(0)
        assert (share >= level - 0.02).all()
        if not isinstance(likelihood, Poisson):  # of counts, the interval may have to hold more
            assert (share <= level + 0.02).all()
            np.testing.assert_allclose((y < lower).mean(0), (1 - level) / 2, atol=0.01)


def test_intervals_of_a_gaussian_are_by_hand():
    lower, upper = Gaussian(4.0).interval(jnp.array([[1.0], [1e4]]), 0.95)
    np.testing.assert_allclose(upper, [[1 + 2 * 1.959964], [1e4 + 3.919928]], rtol=1e-6)
    np.testing.assert_allclose(lower, [[1 - 2 * 1.959964], [1e4 - 3.919928]], rtol=1e-5)


def test_intervals_of_counts_are_scipys_to_the_count(rng):
    rate = np.exp(rng.uniform(np.log(0.01), np.log(100), (300, 1)))
    large = np.array([[1e3], [1e4], [1e5], [1e6]])  # whose distribution function is an approximation
    z = np.concatenate([np.log(np.expm1(rate)), large]).astype(np.float32)
    rate = softplus(z.astype(np.float64))
    for level, ends in zip(LEVELS, intervals(Poisson(), jnp.asarray(z)), strict=True):
        expected = stats.poisson.ppf([(1 - level) / 2, (1 + level) / 2], rate)
        found = np.concatenate(ends, axis=1)
        np.testing.assert_array_equal(found[:300], expected[:300])
        np.testing.assert_allclose(found[300:], expected[300:], atol=1)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0])
def test_a_level_is_a_share(level):
    with pytest.raises(InputError, match=f"^level is {level}, but must be above 0 and below 1$"):
        Gaussian().interval(jnp.zeros((1, 1)), level)


def test_covariance_and_correlated_samples(rng):
    likelihood = MultivariateGaussian()
    z, expected, _ = drawn(likelihood, 3, 5, rng)
    np.testing.assert_allclose(jax.jit(likelihood.covariance)(z), expected.covariance, rtol=1e-4, atol=1e-5)
    many = jnp.broadcast_to(z[:1], (20_000, z.shape[1]))
    samples = np.asarray(sampled(likelihood, jax.random.key(1), many))
    correlation = expected.covariance[0] / np.outer(expected.deviation[0], expected.deviation[0])
    np.testing.assert_allclose(np.corrcoef(samples.T), correlation, atol=0.02)


def test_the_mode_of_a_mixture_is_its_highest_peak(rng):
    likelihood = GaussianMixture()
    z = (2 * rng.normal(size=(30, 9))).astype(np.float32)
    found = np.asarray(jax.jit(likelihood.mode)(jnp.asarray(z)))
    for row, mode in zip(z, found, strict=True):
        one = truth(likelihood, row[None], 1)
        best = (grid := np.linspace(-8, 8, 4001))[one.logp(grid[:, None]).argmax()]
        near = np.linspace(best - 0.01, best + 0.01, 2001)
        assert one.logp(mode[None])[0] == pytest.approx(one.logp(near[:, None]).max(), abs=1e-4)


def test_the_mode_of_a_mixture_is_flat_and_above_every_component(rng):
    likelihood = GaussianMixture(4)
    z = jnp.asarray(2 * rng.normal(size=(20, likelihood.units(2))), jnp.float32)
    means = np.asarray(z)[:, 4:12].reshape(20, 4, 2) + np.linspace(-1, 1, 4, dtype=np.float32)[:, None]

    @jax.jit
    def mode_and_costs(z):
        mode = likelihood.mode(z)
        slope = jax.grad(lambda y: likelihood.nll(z, y).sum())(mode)
        costs = jax.vmap(lambda y: likelihood.nll(z, y), in_axes=1)(jnp.asarray(means))
        return mode, slope, likelihood.nll(z, mode), costs

    mode, slope, cost, costs = mode_and_costs(z)
    assert mode.shape == (20, 2)
    np.testing.assert_allclose(slope, 0, atol=0.01)
    assert (np.asarray(cost)[None] <= costs + 1e-5).all()


def test_modes_elsewhere(rng):
    z = jnp.asarray(rng.normal(size=(50, 2)), jnp.float32)
    assert (Gaussian().mode(z) == z).all()
    assert (HeteroscedasticGaussian().mode(z) == z[:, :1]).all()
    rate, mode = np.asarray(Poisson(20.0).mean(z)), np.asarray(Poisson(20.0).mode(z))
    for other in (mode - 1, mode + 1):
        assert (stats.poisson(rate).pmf(mode) >= stats.poisson(rate).pmf(other)).all()


def test_counts_below_none_and_between_whole_numbers():
    z = jnp.zeros((5, 1))  # the rate is log 2, so that P(Y = 0) = ½
    found = jax.jit(Poisson().cdf)(z, jnp.array([[-1.0], [-0.5], [0.0], [0.9], [1.0]]))
    np.testing.assert_allclose(found[:, 0], [0, 0, 0.5, 0.5, 0.5 + 0.5 * np.log(2)], rtol=1e-6)


def test_the_variance_that_validation_rows_make_most_likely():
    mean, y = np.array([[0.0, 1.0], [2.0, 2.0]]), np.array([[1.0, 1.0], [2.0, 5.0]])
    # squares 1, 0 | 0, 9: row means 0.5 and 4.5, weighted 3 to 1: (1.5 + 4.5) / 4
    assert Gaussian().fitted(mean[:, None], y, np.array([3.0, 1.0])) == Gaussian(1.5)
    assert Gaussian().fitted(mean[:, None], mean, np.ones(2)).variance == pytest.approx(1e-12)
    assert HeteroscedasticGaussian().fitted(mean[:, None], y, np.ones(2)) == HeteroscedasticGaussian()


def test_the_scale_of_counts():
    assert Poisson(2.0).at_scale(3.5) == Poisson(7.0)
    assert Gaussian(2.0).at_scale(3.5) == Gaussian(2.0)
    with pytest.raises(InputError, match=r"^Poisson: the mean count of the training rows is 0, but must be above 0$"):
        Poisson().at_scale(0.0)


def test_outputs_needed():
    units = {type(x): [x.units(d) for d in (1, 2, 3)] for x in LIKELIHOODS}
    assert units[Gaussian] == units[Poisson] == [1, 2, 3]
    assert units[HeteroscedasticGaussian] == [2, 4, 6]
    assert units[MultivariateGaussian] == [2, 5, 9]  # d means and the d(d + 1)/2 elements of a triangle
    assert GaussianMixture(3).units(1) == 9
    assert GaussianMixture(2).units(3) == 14


@pytest.mark.parametrize("likelihood", [Gaussian(0.5), HeteroscedasticGaussian(), GaussianMixture(2), Poisson(2.0)])
def test_a_number_that_is_unknown_costs_nothing(rng, likelihood):
    """The cost of a row, and its gradient, are those of the row without that number."""
    z = jnp.asarray(rng.normal(size=(4, likelihood.units(3))), jnp.float32)
    y = jnp.asarray(rng.integers(0, 5, (4, 3)), jnp.float32)
    marginal = likelihood.marginal_nll(z, y)
    others = y.at[:, 1:].set(jnp.nan)
    np.testing.assert_allclose(likelihood.nll(z, others), marginal[:, 0], rtol=1e-5)
    slope = jax.grad(lambda z: likelihood.nll(z, others).sum())(z)
    np.testing.assert_allclose(slope, jax.grad(lambda z: likelihood.marginal_nll(z, y)[:, 0].sum())(z), atol=1e-5)
    np.testing.assert_allclose(likelihood.error(z, others), abs(y - likelihood.mean(z))[:, 0], rtol=1e-6)
    assert not likelihood.nll(z, jnp.full_like(y, jnp.nan)).any()
