"""Numbers in other units than those a network saw, against SciPy's distributions with their own `loc` and `scale`."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from phalanx import Dense, Network, NumberLikelihood, field, part
from phalanx.crps import crps
from phalanx.errors import InputError
from phalanx.likelihoods import (
    Gaussian,
    GaussianLikelihood,
    GaussianMixture,
    Head,
    HeteroscedasticGaussian,
    Joint,
    Multinoulli,
    MultivariateGaussian,
    Poisson,
    Rescaled,
    rescaled,
)
from phalanx.mixture import Mixture, Output
from phalanx.parts import Knob
from phalanx.parts.plain import from_plain, to_plain

SHIFT, SCALE = np.array([0.3, -2.0, 1.0]), np.array([0.5, 4.0, 1.0 / 3])


@part
class Laplace(NumberLikelihood):
    """Someone's own likelihood, whose marginals are not Gaussian."""

    partial = False

    spread: Knob = field(default=1.0, above=0)

    def units(self, size):
        return size

    def nll(self, z, y):
        return self.marginal_nll(z, y).sum(-1)

    def marginal_nll(self, z, y):
        return jnp.abs(y - z) / self.spread + jnp.log(2 * self.spread)

    def mean(self, z):
        return z

    def mode(self, z):
        return z

    def deviation(self, z):
        return jnp.broadcast_to(2**0.5 * self.spread, z.shape)

    def covariance(self, z):
        return self.deviation(z)[:, :, None] ** 2 * jnp.eye(z.shape[-1])[None]

    def cdf(self, z, y):
        return 0.5 + 0.5 * jnp.sign(y - z) * (1 - jnp.exp(-jnp.abs(y - z) / self.spread))

    def sample(self, key, z):
        return z + self.spread * jax.random.laplace(key, z.shape)


@jax.jit
def described(likelihood, z, y):
    moments = likelihood.mean(z), likelihood.deviation(z), likelihood.mode(z), likelihood.error(z, y)
    return likelihood.nll(z, y), likelihood.marginal_nll(z, y), likelihood.cdf(z, y), moments, likelihood.covariance(z)


@pytest.mark.parametrize(
    ("inner", "law", "spread"),
    [(Gaussian(0.49), stats.norm, 0.7), (Laplace(0.7), stats.laplace, 0.7)],
    ids=["gaussian", "own"],
)
def test_independent_numbers_are_scipys(inner, law, spread, rng):
    z, y = rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=(6, 3)).astype(np.float32)
    y[2, 1] = np.nan if inner.partial else y[2, 1]
    true = law(loc=SHIFT + SCALE * z, scale=SCALE * spread)
    likelihood = rescaled(inner, SHIFT, SCALE)
    nll, marginal, cdf, (mean, deviation, mode, error), covariance = described(likelihood, z, y)
    np.testing.assert_allclose(nll, -np.nansum(true.logpdf(y), axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(marginal, -true.logpdf(y), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(cdf, true.cdf(y), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mean, true.mean(), rtol=1e-6)
    np.testing.assert_allclose(mode, true.median(), rtol=1e-6)
    np.testing.assert_allclose(deviation, true.std(), rtol=1e-6)
    np.testing.assert_allclose(covariance, [np.diag(row) for row in true.std() ** 2], rtol=1e-5)
    np.testing.assert_allclose(error, np.nanmean(np.abs(y - true.mean()), axis=1), rtol=1e-5)
    for end, share in zip(likelihood.interval(jnp.asarray(z), 0.8), (0.1, 0.9), strict=True):
        np.testing.assert_allclose(end, true.ppf(share), rtol=1e-4, atol=1e-4)
    drawn = jax.vmap(lambda key: likelihood.sample(key, jnp.asarray(z[:1])))(jax.random.split(jax.random.key(0), 4000))
    for j in range(3):
        of_column = law(loc=SHIFT[j] + SCALE[j] * z[0, j], scale=SCALE[j] * spread)
        assert stats.kstest(drawn[:, 0, j], of_column.cdf).pvalue > 1e-3


def test_a_mixture_is_scipys(rng):
    inner, z = GaussianMixture(2, floor=0.1), rng.normal(size=(5, 14)).astype(np.float32)
    y = rng.normal(size=(5, 3)).astype(np.float32)
    m, s = z[:, 2:8].reshape(5, 2, 3) + np.array([-1, 1])[:, None], np.logaddexp(0, z[:, 8:]).reshape(5, 2, 3) + 0.1
    each = stats.norm(SHIFT + SCALE * m, SCALE * s)
    weight = special.softmax(z[:, :2], axis=1)
    joint = special.logsumexp(np.log(weight) + each.logpdf(y[:, None]).sum(-1), axis=1)
    nll, marginal, cdf, (mean, deviation, mode, _), _ = described(rescaled(inner, SHIFT, SCALE), z, y)
    np.testing.assert_allclose(nll, -joint, rtol=1e-5)
    alone = special.logsumexp(np.log(weight)[:, :, None] + each.logpdf(y[:, None]), axis=1)
    np.testing.assert_allclose(marginal, -alone, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(cdf, (weight[:, :, None] * each.cdf(y[:, None])).sum(1), rtol=1e-4, atol=1e-6)
    first = (weight[:, :, None] * each.mean()).sum(1)
    np.testing.assert_allclose(mean, first, rtol=1e-5, atol=1e-6)
    second = (weight[:, :, None] * (each.var() + each.mean() ** 2)).sum(1)
    np.testing.assert_allclose(deviation, np.sqrt(second - first**2), rtol=1e-4)
    height, around = (
        special.logsumexp(np.log(weight) + each.logpdf(at[:, None]).sum(-1), axis=1)
        for at in (np.asarray(mode, np.float64), np.asarray(mode) + 0.01 * SCALE * rng.normal(size=(5, 3)))
    )
    assert (height > around).all()


def test_correlated_numbers_are_scipys(rng):
    inner, z = MultivariateGaussian(0.3), rng.normal(size=(4, 9)).astype(np.float32)
    y = rng.normal(size=(4, 3)).astype(np.float32)
    nll, marginal, _, (mean, deviation, *_), covariance = described(rescaled(inner, SHIFT, SCALE), z, y)
    for row in range(4):
        factor = np.diag(np.logaddexp(0, z[row, 3:6]) + 0.3)
        factor[np.tril_indices(3, -1)] = z[row, 6:]
        spread = np.diag(SCALE) @ np.linalg.inv(factor @ factor.T) @ np.diag(SCALE)
        true = stats.multivariate_normal(SHIFT + SCALE * z[row, :3], spread)
        assert nll[row] == pytest.approx(-true.logpdf(y[row]), rel=1e-4)
        np.testing.assert_allclose(mean[row], true.mean, rtol=1e-5)
        np.testing.assert_allclose(covariance[row], spread, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(deviation[row] ** 2, np.diag(spread), rtol=1e-4)
        one = stats.norm(true.mean, np.sqrt(np.diag(spread)))
        np.testing.assert_allclose(marginal[row], -one.logpdf(y[row]), rtol=1e-4, atol=1e-5)


def test_the_crps_in_closed_form_is_that_by_integration(rng):
    y, z = rng.normal(size=(4, 1)).astype(np.float32), rng.normal(size=(4, 2, 1)).astype(np.float32)
    closed, other = rescaled(Gaussian(0.5), SHIFT[:1], SCALE[:1]), rescaled(Laplace(0.5), SHIFT[:1], SCALE[:1])
    assert isinstance(closed, GaussianLikelihood)
    assert not isinstance(other, GaussianLikelihood)
    integrated = Rescaled(Gaussian(0.5), closed.shift, closed.scale)  # does not say that it is Gaussian
    found = [crps(Mixture((Output(one, z),), np.ones(1)), y) for one in (closed, integrated)]
    np.testing.assert_allclose(*found, rtol=1e-4)


def test_what_training_left_out_is_estimated_in_the_units_of_the_network():
    z, u = np.array([[[0.0, 1.0]], [[2.0, 2.0]]]), np.array([[1.0, 1.0], [2.0, np.nan]])
    # squares 1, 0 | 0, unknown: row means ½ and 0
    likelihood = rescaled(Gaussian(), SHIFT[:2], SCALE[:2])
    found = likelihood.fitted(z, SHIFT[:2] + SCALE[:2] * u, np.ones(2))
    assert found.likelihood.variance == pytest.approx(0.25)
    assert (found.shift, found.scale) == (likelihood.shift, likelihood.scale)


def test_it_answers_as_the_inner_likelihood():
    for inner in (Gaussian(), HeteroscedasticGaussian(), MultivariateGaussian()):
        one = rescaled(inner, SHIFT, SCALE)
        assert (one.estimated, one.says_more, one.partial) == (inner.estimated, inner.says_more, inner.partial)
        assert (one.target, one.units(3), one.at_scale(2.0)) == ("numbers", inner.units(3), one)


def test_it_is_kept_to_the_bit_and_no_person_chooses_it():
    made = rescaled(HeteroscedasticGaussian(0.01), np.array([0.1, 1e-300]), np.array([1 / 3, 3.0]))
    for likelihood in (made, Joint([Head(made, [Dense(2)]), Head(Multinoulli())])):
        network = Network([Dense(3)], likelihood)
        assert from_plain(json.loads(json.dumps(to_plain(network)))) == network
    with pytest.raises(InputError, match=r"^specification: unknown part `Rescald`; did you mean `(?!Rescaled)\w+`\?$"):
        from_plain({"Rescald": {}})


def test_networks_of_other_units_are_of_one_structure():
    one, other = rescaled(Gaussian(), SHIFT, SCALE), rescaled(Gaussian(0.2), SCALE, SHIFT**2)
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert len(jax.tree.leaves(one)) == 7  # a variance, and two numbers of each column


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"^Rescaled: Poisson\(\) is of counts, which have no other units$"):
        rescaled(Poisson(), SHIFT, SCALE)
    with pytest.raises(InputError, match=r"^Rescaled: shift has 2 numbers, but scale 3$"):
        rescaled(Gaussian(), SHIFT[:2], SCALE)
    with pytest.raises(InputError, match=r"^Rescaled: shift has 3 numbers, but the target has 2$"):
        rescaled(Gaussian(), SHIFT, SCALE).units(2)
    with pytest.raises(InputError, match=r"^RescaledGaussian: scale holds 0.0, but must be above 0$"):
        rescaled(Gaussian(), SHIFT, 0 * SCALE)
