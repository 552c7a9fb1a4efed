"""Likelihoods against SciPy's distributions, and where float32 is hard."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import special, stats

from phalanx import Bernoulli, Gaussian, Multinoulli


def test_gaussian_cost_is_scipys(rng):
    z, y = rng.normal(size=(9, 1)).astype(np.float32), rng.normal(size=9).astype(np.float32)
    for variance in (1.0, 0.3, 4.0):
        expected = -stats.norm(z[:, 0], np.sqrt(variance)).logpdf(y)
        np.testing.assert_allclose(
            Gaussian(variance).nll(jnp.asarray(z), jnp.asarray(y)), expected, rtol=1e-5, atol=1e-5
        )


def test_bernoulli_cost_is_scipys(rng):
    z, y = (3 * rng.normal(size=(9, 1))).astype(np.float32), rng.integers(0, 2, 9).astype(np.int32)
    expected = -stats.bernoulli(special.expit(z[:, 0])).logpmf(y)
    np.testing.assert_allclose(Bernoulli().nll(jnp.asarray(z), jnp.asarray(y)), expected, rtol=1e-5, atol=1e-5)


def test_multinoulli_cost_is_scipys(rng):
    z, y = (3 * rng.normal(size=(9, 4))).astype(np.float32), rng.integers(0, 4, 9).astype(np.int32)
    expected = [
        -stats.multinomial(1, p).logpmf(np.eye(4)[k]) for p, k in zip(special.softmax(z, axis=1), y, strict=True)
    ]
    np.testing.assert_allclose(Multinoulli().nll(jnp.asarray(z), jnp.asarray(y)), expected, rtol=1e-5, atol=1e-5)


def cost_and_slope(likelihood, z, y):
    cost, slope = jax.value_and_grad(lambda z: likelihood.nll(z, jnp.asarray(y)).sum())(jnp.asarray(z))
    return float(cost), np.asarray(slope).tolist()


@pytest.mark.parametrize(
    ("likelihood", "z", "y", "cost", "slope"),
    [
        # right and certain: the cost is 0 and flat; wrong and certain: |z|, with a slope of 1 (MAP D3)
        (Bernoulli(), [[1e4]], [1], 0.0, [[0.0]]),
        (Bernoulli(), [[-1e4]], [0], 0.0, [[0.0]]),
        (Bernoulli(), [[1e4]], [0], 1e4, [[1.0]]),
        (Bernoulli(), [[-1e4]], [1], 1e4, [[-1.0]]),
        (Multinoulli(), [[1e4, -1e4]], [0], 0.0, [[0.0, 0.0]]),
        (Multinoulli(), [[1e4, -1e4]], [1], 2e4, [[1.0, -1.0]]),
        (Multinoulli(), [[-1e4, -1e4, 1e4]], [2], 0.0, [[0.0, 0.0, 0.0]]),
        (Gaussian(), [[1e4]], [-1e4], 0.5 * np.log(2 * np.pi) + 2e8, [[2e4]]),
    ],
    ids=str,
)
def test_huge_outputs_have_finite_costs_and_the_right_slopes(likelihood, z, y, cost, slope):
    y = np.asarray(y, np.float32 if isinstance(likelihood, Gaussian) else np.int32)
    found = cost_and_slope(likelihood, np.asarray(z, np.float32), y)
    assert found[0] == pytest.approx(cost)
    assert found[1] == slope


def test_the_slope_of_bernoulli_is_probability_minus_target():
    z = np.linspace(-20, 20, 41, dtype=np.float32)[:, None]
    for target in (0, 1):
        _, slope = cost_and_slope(Bernoulli(), z, np.full(41, target, np.int32))
        np.testing.assert_allclose(slope, special.expit(z.astype(np.float64)) - target, rtol=1e-5, atol=1e-7)


def test_the_slope_of_multinoulli_is_probability_minus_one_hot(rng):
    z, y = rng.normal(size=(6, 3)).astype(np.float32), rng.integers(0, 3, 6).astype(np.int32)
    _, slope = cost_and_slope(Multinoulli(), z, y)
    np.testing.assert_allclose(slope, special.softmax(z, axis=1) - np.eye(3)[y], rtol=1e-5, atol=1e-6)


def test_two_classes_either_way_cost_the_same(rng):
    # softmax of (0, z) is (σ(−z), σ(z))
    z, y = rng.normal(size=(9, 1)).astype(np.float32), rng.integers(0, 2, 9).astype(np.int32)
    both = jnp.asarray(np.concatenate([np.zeros_like(z), z], axis=1))
    np.testing.assert_allclose(
        Bernoulli().nll(jnp.asarray(z), jnp.asarray(y)), Multinoulli().nll(both, jnp.asarray(y)), rtol=1e-5
    )
    np.testing.assert_allclose(Bernoulli().mean(jnp.asarray(z)), Multinoulli().mean(both), rtol=1e-5)


def targets(likelihood, rows):
    wanted = likelihood.units(3)
    if likelihood.units(0) != likelihood.units(3):
        return np.arange(rows, dtype=np.int32) % 3, wanted
    return (np.arange(rows) % 2).astype(np.float32 if isinstance(likelihood, Gaussian) else np.int32), wanted


def test_gradients_are_finite_differences(any_likelihood, rng):
    y, units = targets(any_likelihood, 6)
    with jax.enable_x64(True):
        z = rng.normal(size=(6, units))
        cost = jax.jit(
            lambda z: any_likelihood.nll(z, jnp.asarray(y, np.float64 if y.dtype == np.float32 else y.dtype))
        )
        check_grads(cost, (z,), order=1, modes=["rev"], eps=1e-6, atol=1e-6, rtol=1e-6)


def test_one_number_a_row(any_likelihood, rng):
    y, units = targets(any_likelihood, 6)
    z = jnp.asarray(rng.normal(size=(6, units)), jnp.float32)
    assert any_likelihood.nll(z, jnp.asarray(y)).shape == (6,)
    assert any_likelihood.error(z, jnp.asarray(y)).shape == (6,)
    assert any_likelihood.mean(z).shape[0] == 6
    assert {a.dtype for a in (any_likelihood.nll(z, jnp.asarray(y)), any_likelihood.mean(z))} == {jnp.dtype("float32")}


def test_means_and_errors_by_hand():
    z = jnp.array([[2.0], [-1.0], [0.0]])
    assert Gaussian().mean(z) is z
    assert Gaussian().error(z, jnp.array([1.0, 1.0, 0.0])).tolist() == [1.0, 2.0, 0.0]
    np.testing.assert_allclose(Bernoulli().mean(z)[:, 1], [0.880797, 0.268941, 0.5], rtol=1e-5)
    np.testing.assert_allclose(Bernoulli().mean(z).sum(axis=1), 1, rtol=1e-6)
    assert Bernoulli().error(z, jnp.array([1, 1, 0])).tolist() == [0.0, 1.0, 0.0]
    z = jnp.array([[3.0, 1.0, 2.0], [0.0, 0.0, jnp.log(2.0)]])
    np.testing.assert_allclose(Multinoulli().mean(z)[1], [0.25, 0.25, 0.5], rtol=1e-6)
    assert Multinoulli().error(z, jnp.array([0, 1])).tolist() == [0.0, 1.0]


def test_outputs_needed():
    assert [likelihood.units(4) for likelihood in (Gaussian(), Bernoulli(), Multinoulli())] == [1, 1, 4]
