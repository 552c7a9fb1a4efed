"""Small networks find the distribution that their data were drawn from."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import optimize, stats

from phalanx.likelihoods import GaussianMixture, HeteroscedasticGaussian, MultivariateGaussian, Poisson


@pytest.fixture(autouse=True)
def _standard_promotion():
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam fails the strict rule
        yield


def trained(likelihood, x, y, asked, steps, rate=0.01, hidden=16):
    """Train two hidden layers on all rows with Adam, and return the network's outputs for the inputs asked."""
    widths = [(1, hidden), (hidden, hidden), (hidden, likelihood.units(y.shape[1]))]
    keys = jax.random.split(jax.random.key(0), len(widths))
    bounds = [(6 / sum(shape)) ** 0.5 for shape in widths]
    params = [
        (jax.random.uniform(key, shape, minval=-bound, maxval=bound), jnp.zeros(shape[1]))
        for key, shape, bound in zip(keys, widths, bounds, strict=True)
    ]
    x, y, asked = (jnp.asarray(a, jnp.float32) for a in (x, y, asked))
    optimizer = optax.adam(rate)

    def network(params, x):
        for weight, bias in params[:-1]:
            x = jnp.tanh(x @ weight + bias[None])
        weight, bias = params[-1]
        return x @ weight + bias[None]

    @jax.jit
    def train_and_predict(params):
        def step(_, carry):
            params, state = carry
            grads = jax.grad(lambda params: likelihood.nll(network(params, x), y).mean())(params)
            change, state = optimizer.update(grads, state)
            return optax.apply_updates(params, change), state

        return network(jax.lax.fori_loop(0, steps, step, (params, optimizer.init(params)))[0], asked)

    return train_and_predict(params)


def test_a_heteroscedastic_gaussian_finds_the_noise(rng):
    def noise(x):
        return 0.1 + 0.4 * np.abs(x)

    x = rng.uniform(-1, 1, (2000, 1))
    y = np.sin(3 * x) + noise(x) * rng.normal(size=x.shape)
    likelihood = HeteroscedasticGaussian()
    grid = np.linspace(-0.95, 0.95, 39)[:, None]
    z = trained(likelihood, x, y, grid, steps=400)
    np.testing.assert_allclose(likelihood.deviation(z), noise(grid), atol=0.08)
    np.testing.assert_allclose(likelihood.mean(z), np.sin(3 * grid), atol=0.12)


def test_a_multivariate_gaussian_finds_the_correlation(rng):
    # the correlation of two numbers turns from −0.8 to 0.8 with x, their deviations are 1 and ½
    x = rng.uniform(-1, 1, (2000, 1))
    first = rng.normal(size=x.shape)
    second = 0.5 * (0.8 * x * first + np.sqrt(1 - (0.8 * x) ** 2) * rng.normal(size=x.shape))
    likelihood = MultivariateGaussian()
    grid = np.linspace(-0.9, 0.9, 19)[:, None]
    z = trained(likelihood, x, np.concatenate([first, second], axis=1), grid, steps=300)
    deviation, covariance = map(np.asarray, jax.jit(lambda z: (likelihood.deviation(z), likelihood.covariance(z)))(z))
    np.testing.assert_allclose(deviation, np.broadcast_to([1, 0.5], deviation.shape), rtol=0.15)
    correlation = covariance[:, 0, 1] / deviation.prod(1)
    np.testing.assert_allclose(correlation, 0.8 * grid[:, 0], atol=0.12)


def test_counts_find_their_rate(rng):
    def rate(x):
        return 40 * np.exp(1.5 * np.sin(3 * x))  # from 9 to 179

    x = rng.uniform(-1, 1, (2000, 1))
    y = rng.poisson(rate(x))
    likelihood = Poisson().at_scale(float(y.mean()))
    grid = np.linspace(-0.95, 0.95, 39)[:, None]
    z = trained(likelihood, x, y, grid, steps=400, rate=0.02)
    np.testing.assert_allclose(likelihood.mean(z), rate(grid), rtol=0.12)


def test_a_mixture_finds_each_branch_where_the_mean_lies_on_none(rng):
    # Bishop's inverse problem: x = t + 0.3 sin 2πt + noise, and t is asked for
    def forward(t):
        return t + 0.3 * np.sin(2 * np.pi * t)

    t = rng.uniform(0, 1, 1000)
    x = forward(t) + rng.normal(0, 0.03, t.shape)
    centre, spread = t.mean(), t.std()
    asked = 0.41
    likelihood, inputs, outputs = GaussianMixture(), (x[:, None] - 0.5) * 4, ((t - centre) / spread)[:, None]
    z = trained(likelihood, inputs, outputs, np.full((1, 1), (asked - 0.5) * 4), steps=400)
    edges = [0, 0.339, 0.661, 1]  # between which `forward` rises, falls and rises
    branches = [optimize.brentq(lambda t: forward(t) - asked, *ends) for ends in pairwise(edges)]

    grid = np.linspace(0, 1, 1001)
    true = stats.norm(forward(grid), 0.03).pdf(asked)
    true /= true.sum() * 0.001
    z = jnp.repeat(z, len(grid), axis=0)
    standardized = jnp.asarray((grid - centre) / spread, jnp.float32)[:, None]
    found, mode, mean = jax.jit(
        lambda z, y: (likelihood.probability(z, y) / spread, likelihood.mode(z[:1]), likelihood.mean(z[:1]))
    )(z, standardized)
    found, at = np.asarray(found), np.searchsorted(grid, branches)

    def nearest(value):
        return np.abs(np.array(branches) - (float(value[0, 0]) * spread + centre)).min()

    assert (found[at] > 0.5 * true[at]).all()
    assert np.abs(true - found).sum() * 0.001 / 2 < 0.25  # total variation
    assert nearest(mode) < 0.03
    assert nearest(mean) > 0.04
