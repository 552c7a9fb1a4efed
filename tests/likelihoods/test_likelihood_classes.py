"""Likelihoods of classes against SciPy, with codes and with probabilities as targets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from phalanx.likelihoods import Bernoulli, Multinoulli

EACH = pytest.mark.parametrize(("likelihood", "classes"), [(Bernoulli(), 2), (Multinoulli(), 2), (Multinoulli(), 4)])


def drawn(likelihood, classes, rng, rows=50):
    z = (3 * rng.normal(size=(rows, likelihood.units(classes)))).astype(np.float32)
    logits = np.concatenate([np.zeros_like(z), z], axis=1) if z.shape[1] == 1 else z  # (σ(−z), σ(z)) = softmax(0, z)
    return jnp.asarray(z), special.softmax(logits.astype(np.float64), axis=1), rng.integers(0, classes, rows, np.int32)


@jax.jit
def described(likelihood, z, y):
    """What a likelihood says of outputs and targets, in one program."""
    cost, back = jax.vjp(lambda z: likelihood.nll(z, y), z)
    return {
        "nll": cost,
        "slope": back(jnp.ones_like(cost))[0],
        "error": likelihood.error(z, y),
        "probability": likelihood.probability(z, y),
        "log_probabilities": likelihood.log_probabilities(z),
        "mean": likelihood.mean(z),
        "mode": likelihood.mode(z),
    }


@EACH
def test_cost_slope_and_probabilities_are_scipys(likelihood, classes, rng):
    z, p, y = drawn(likelihood, classes, rng)
    found = described(likelihood, z, y)
    expected = [-stats.multinomial(1, row).logpmf(np.eye(classes)[code]) for row, code in zip(p, y, strict=True)]
    np.testing.assert_allclose(found["nll"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["probability"], np.exp(-np.array(expected)), rtol=1e-5)
    np.testing.assert_allclose(found["mean"], p, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["log_probabilities"], np.log(p), rtol=1e-5, atol=1e-5)
    assert found["mode"].tolist() == p.argmax(axis=1).tolist()
    # the slope is the probability minus the target
    np.testing.assert_allclose(
        found["slope"], (p - np.eye(classes)[y])[:, classes - z.shape[1] :], rtol=1e-4, atol=1e-6
    )


def test_bernoulli_cost_is_scipys(rng):
    z, _, y = drawn(Bernoulli(), 2, rng)
    expected = -stats.bernoulli(special.expit(np.asarray(z)[:, 0])).logpmf(y)
    np.testing.assert_allclose(described(Bernoulli(), z, y)["nll"], expected, rtol=1e-5, atol=1e-5)


@EACH
def test_certain_probabilities_cost_what_codes_do(likelihood, classes, rng):
    z, _, y = drawn(likelihood, classes, rng)
    certain, codes = described(likelihood, z, np.eye(classes, dtype=np.float32)[y]), described(likelihood, z, y)
    np.testing.assert_allclose(certain["nll"], codes["nll"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(certain["error"], codes["error"])


@EACH
def test_smoothed_labels_cost_scipys_cross_entropy(likelihood, classes, rng):
    z, p, y = drawn(likelihood, classes, rng)
    smooth = np.where(np.eye(classes)[y] == 1, 0.9, 0.1 / (classes - 1))  # MAP F2, with ε = 0.1
    found = described(likelihood, z, smooth.astype(np.float32))
    # the cross-entropy is the entropy of the target plus its divergence from the prediction
    expected = stats.entropy(smooth, axis=1) + stats.entropy(smooth, p, axis=1)
    np.testing.assert_allclose(found["nll"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["slope"], (p - smooth)[:, classes - z.shape[1] :], rtol=1e-4, atol=1e-6)


@EACH
def test_samples_come_as_often_as_their_probability(likelihood, classes, rng):
    z, p, _ = drawn(likelihood, classes, rng, rows=1)
    samples = jax.jit(likelihood.sample)(jax.random.key(0), jnp.broadcast_to(z, (20_000, z.shape[1])))
    np.testing.assert_allclose(np.bincount(samples, minlength=classes) / 20_000, p[0], atol=0.015)


def test_means_and_errors_by_hand():
    z = jnp.array([[2.0], [-1.0], [0.0]])
    np.testing.assert_allclose(Bernoulli().mean(z)[:, 1], [0.880797, 0.268941, 0.5], rtol=1e-5)
    assert Bernoulli().error(z, jnp.array([1, 1, 0])).tolist() == [0.0, 1.0, 0.0]
    z = jnp.array([[3.0, 1.0, 2.0], [0.0, 0.0, jnp.log(2.0)]])
    np.testing.assert_allclose(Multinoulli().mean(z)[1], [0.25, 0.25, 0.5], rtol=1e-6)
    assert Multinoulli().error(z, jnp.array([0, 1])).tolist() == [0.0, 1.0]
    found = Multinoulli().error(z, jnp.array([[0.75, 0.25, 0.0], [1.0, 0.0, 0.0]]))
    assert found.tolist() == [0.25, 1.0]  # what the target itself gives the other classes


def test_close_decisions_between_huge_outputs_keep_their_digits():
    # log(1 + e^½) = 0.974077; beside 10⁴ float32 holds no more than three decimals
    cost = Multinoulli().nll(jnp.array([[1e4, 1e4 - 0.5]]), jnp.array([1]))
    np.testing.assert_allclose(cost, [0.974077], rtol=1e-5)


def test_outputs_needed():
    assert Bernoulli().units(2) == 1
    assert Multinoulli().units(4) == 4
