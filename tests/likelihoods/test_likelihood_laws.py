"""What holds for every likelihood, discovered ones included: shapes, gradients, and outputs of ±10⁴."""

import itertools
import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from phalanx.likelihoods import (
    Bernoulli,
    Gaussian,
    GaussianMixture,
    HeteroscedasticGaussian,
    Multinoulli,
    MultivariateGaussian,
    NumberLikelihood,
    Poisson,
    Rescaled,
)

SIZES = pytest.mark.parametrize("size", [1, 3])
ROWS = 64


def targets(likelihood, size, rows, rng):
    """Return targets of a likelihood: codes of its classes, counts or numbers."""
    if likelihood.target == "classes":
        return rng.integers(0, max(2, likelihood.units(size)), rows).astype(np.int32)
    if likelihood.target == "counts":
        return rng.poisson(3, (rows, size)).astype(np.float32)
    return rng.normal(size=(rows, size)).astype(np.float32)


def of_size(likelihood, size):
    """Return the likelihood of so many numbers, or of three classes, and their number."""
    if isinstance(likelihood, Rescaled):
        likelihood = replace(likelihood, shift=likelihood.shift[:size], scale=likelihood.scale[:size])
    return likelihood, 3 if likelihood.target == "classes" else size


def signs(units):
    """Return every combination of signs, or where there are too many a seeded sample of them."""
    if units <= 9:
        return np.array(list(itertools.product([-1, 1], repeat=units)), np.float32)
    return np.random.default_rng(1).choice(np.array([-1, 1], np.float32), (100, units))


@jax.jit
def cost_and_gradient(likelihood, z, y):
    """A part is an argument like any other, its knobs are traced: parts that differ in them alone share a program."""
    cost, back = jax.vjp(lambda z: likelihood.nll(z, y), z)
    return cost, back(jnp.ones_like(cost))[0]


def in_double_precision(likelihood, z, y):
    with jax.enable_x64(True):
        y = y.astype(np.float64) if y.dtype == np.float32 else y
        return tuple(map(np.asarray, cost_and_gradient(likelihood, jnp.asarray(z, np.float64), jnp.asarray(y))))


@SIZES
def test_gradients_are_finite_differences(any_likelihood, size, rng):
    any_likelihood, size = of_size(any_likelihood, size)
    z = rng.normal(size=signs(any_likelihood.units(size)).shape)
    y = targets(any_likelihood, size, len(z), rng)
    _, gradient = in_double_precision(any_likelihood, z, y)
    for i, step in enumerate(1e-6 * np.eye(z.shape[1])):
        higher, lower = (in_double_precision(any_likelihood, z + way * step, y)[0] for way in (1, -1))
        np.testing.assert_allclose(gradient[:, i], (higher - lower) / 2e-6, rtol=1e-6, atol=1e-5)


@SIZES
def test_huge_outputs_have_the_cost_and_gradient_of_double_precision(any_likelihood, size, rng):
    any_likelihood, size = of_size(any_likelihood, size)
    z = 1e4 * signs(any_likelihood.units(size))
    y = targets(any_likelihood, size, len(z), rng)
    cost, gradient = map(np.asarray, cost_and_gradient(any_likelihood, jnp.asarray(z), jnp.asarray(y)))
    expected, slope = in_double_precision(any_likelihood, z, y)
    assert cost.dtype == gradient.dtype == np.float32
    assert np.isfinite(cost).all()
    assert np.isfinite(gradient).all()
    # To the size of a row's largest element: what is smaller is a difference of equal numbers, of probabilities too.
    size_of_row = np.maximum(np.abs(slope).max(-1, keepdims=True), 1)
    right = (np.abs(gradient - slope) <= 1e-4 * np.abs(slope) + 1e-5 * size_of_row).all(-1)
    right &= np.isclose(cost, expected, rtol=1e-5, atol=1e-5)
    # Of several numbers, a few rows ask float32 for the difference of two nearly equal distances of 10⁸ and more.
    assert right.all() if size == 1 or any_likelihood.target == "classes" else right.mean() >= 0.95


@jax.jit
def everything(likelihood, z, y):
    """What a likelihood says, by shape."""
    per_row = likelihood.nll(z, y), likelihood.error(z, y), likelihood.probability(z, y)
    like_y = likelihood.mode(z), likelihood.sample(jax.random.key(0), z)
    mean, shares = likelihood.mean(z), ()
    numbers = [mean]
    if isinstance(likelihood, NumberLikelihood):
        deviation = likelihood.deviation(z)
        numbers += [deviation, *likelihood.interval(z, 0.9)]
        deviations = jnp.array([-40.0, -2, -1, 0, 1, 2, 40])
        shares = jax.vmap(lambda k: likelihood.cdf(z, mean + k * deviation))(deviations)
    return per_row, like_y, numbers, shares


def test_predictions_have_the_shapes_and_types_of_targets(any_likelihood, rng):
    any_likelihood, size = of_size(any_likelihood, 2)
    y = jnp.asarray(targets(any_likelihood, size, ROWS, rng))
    z = jnp.asarray(rng.normal(size=(ROWS, any_likelihood.units(size))), jnp.float32)
    per_row, like_y, numbers, shares = everything(any_likelihood, z, y)
    assert {a.shape for a in per_row} == {(ROWS,)}
    assert {a.shape for a in like_y} == {y.shape}
    assert {a.dtype for a in like_y} == {y.dtype}
    assert {a.dtype for a in (*per_row, *numbers)} == {jnp.dtype("float32")}
    if isinstance(any_likelihood, NumberLikelihood):
        assert {a.shape for a in numbers} == {(ROWS, size)}
        assert (np.diff(shares, axis=0) >= 0).all()
        np.testing.assert_allclose(shares[0], 0, atol=1e-6)
        np.testing.assert_allclose(shares[-1], 1, atol=1e-6)


def test_rows_do_not_depend_on_each_other(any_likelihood, rng):
    any_likelihood, size = of_size(any_likelihood, 2)
    y = jnp.asarray(targets(any_likelihood, size, ROWS, rng))
    z = jnp.asarray(rng.normal(size=(ROWS, any_likelihood.units(size))), jnp.float32)
    before = everything(any_likelihood, z, y)
    after = everything(any_likelihood, z.at[0].add(1), y)
    for one, other in zip(*map(jax.tree.leaves, (before[:3], after[:3])), strict=True):
        np.testing.assert_allclose(one[1:], other[1:], rtol=1e-5)
    assert before[0][0][0] != after[0][0][0]


def test_huge_outputs_have_finite_predictions(any_likelihood, rng):
    any_likelihood, size = of_size(any_likelihood, 2)
    z = jnp.asarray(1e4 * rng.choice(signs(any_likelihood.units(size)), ROWS))
    y = jnp.asarray(targets(any_likelihood, size, ROWS, rng))
    per_row, like_y, numbers, shares = everything(any_likelihood, z, y)
    for values in jax.tree.leaves((per_row, like_y, numbers, shares)):
        assert np.isfinite(values).all()
    if isinstance(any_likelihood, NumberLikelihood):
        _, _, lower, upper = numbers
        assert (lower <= upper).all()


HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize(
    ("likelihood", "z", "y", "cost", "slope"),
    [
        # right and certain: the cost is 0 and flat; wrong and certain: |z|, with a slope of 1 (MAP D3)
        (Bernoulli(), [1e4], 1, 0.0, [0.0]),
        (Bernoulli(), [-1e4], 0, 0.0, [0.0]),
        (Bernoulli(), [1e4], 0, 1e4, [1.0]),
        (Bernoulli(), [-1e4], 1, 1e4, [-1.0]),
        (Multinoulli(), [1e4, -1e4], 0, 0.0, [0.0, 0.0]),
        (Multinoulli(), [1e4, -1e4], 1, 2e4, [1.0, -1.0]),
        (Multinoulli(), [-1e4, -1e4, 1e4], 2, 0.0, [0.0, 0.0, 0.0]),
        (Multinoulli(), [1e4, 1e4, -1e4], 0, math.log(2), [-0.5, 0.5, 0.0]),
        (Gaussian(), [1e4], [-1e4], HALF_LOG_2PI + 2e8, [2e4]),
        # σ = 10⁴: one deviation away, where the slope in s is (1 − 1)/σ; then at the mean, where it is 1/σ
        (HeteroscedasticGaussian(), [1e4, 1e4], [0.0], HALF_LOG_2PI + math.log(1e4) + 0.5, [1e-4, 0.0]),
        (HeteroscedasticGaussian(), [1e4, 1e4], [1e4], HALF_LOG_2PI + math.log(1e4), [0.0, 1e-4]),
        # σ = floor = ½: 2·10⁴ deviations away; the slope in μ is 10⁴ / ¼, and none is left in s
        (HeteroscedasticGaussian(floor=0.5), [1e4, -1e4], [0.0], HALF_LOG_2PI - math.log(2) + 2e8, [4e4, 0.0]),
        # L = floor = ½, the inverse of σ = 2
        (MultivariateGaussian(floor=0.5), [1e4, -1e4], [0.0], HALF_LOG_2PI + math.log(2) + 1.25e7, [2.5e3, 0.0]),
        # the weight is all on a component, at −10⁴ − 1 or 10⁴ + 1, with σ = ½
        (
            GaussianMixture(2, floor=0.5),
            [1e4, -1e4, -1e4, 1e4, -1e4, -1e4],
            [-1e4],
            HALF_LOG_2PI - math.log(2) + 2,
            [0.0, 0.0, -4.0, 0.0, 0.0, 0.0],
        ),
        # a rate of 10⁴ for no event; a rate of e^−10⁴ for three, where log ζ(z) = z
        (Poisson(), [1e4], [0.0], 1e4, [1.0]),
        (Poisson(), [-1e4], [3.0], 3e4 + math.log(6), [-3.0]),
        (Poisson(), [-1e4], [0.0], 0.0, [0.0]),
    ],
    ids=str,
)
def test_huge_outputs_by_hand(likelihood, z, y, cost, slope):
    y = jnp.asarray([y], jnp.int32 if likelihood.target == "classes" else jnp.float32)
    found, gradient = cost_and_gradient(likelihood, jnp.asarray([z], jnp.float32), y)
    assert found[0] == pytest.approx(cost, rel=1e-5, abs=1e-6)
    assert gradient[0].tolist() == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_the_slope_of_counts_is_the_rates_share_of_the_error():
    # ∂/∂z of λ − y log λ is (1 − y/λ) λ', with λ' = scale σ(z); far below 0 it is −y
    z, y = (a.ravel()[:, None] for a in np.meshgrid(np.linspace(-60, 60, 121), [0.0, 1.0, 7.0]))
    rate, rise = 2 * np.logaddexp(0, z), 2 * special.expit(z)
    _, found = cost_and_gradient(Poisson(2.0), jnp.asarray(z, jnp.float32), jnp.asarray(y, jnp.float32))
    np.testing.assert_allclose(found, rise - y * rise / rate, rtol=1e-5, atol=1e-6)
