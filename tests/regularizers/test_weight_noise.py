"""Noise on weights: its distribution, what gets it, and the two variants."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from phalanx.layers.noise import normal
from phalanx.regularizers import WeightNoise

PARAMS = {
    "dense_1": {"weight": jnp.array([[1.0, -2.0, 0.5]]), "bias": jnp.array([7.0, 7.0, 7.0])},
    "prelu_1": {"slope": jnp.array([7.0])},
    "output": {"weight_in": jnp.array([3.0, 4.0]), "weight_out": jnp.array([[5.0]])},
}


@jax.jit
def noisy_weights(rule, params, noise):
    return rule.weights(params, noise)


standard = jax.jit(functools.partial(normal, dtype=jnp.float32))


def random_bytes(number, seed=0):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 256, number, np.uint8))


def test_every_pair_of_bytes_is_a_level_of_the_normal():
    levels = jnp.asarray(np.indices((256, 256)).reshape(2, -1).T.reshape(-1), jnp.uint8)
    z = np.asarray(standard(levels))
    expected = stats.norm.ppf((np.arange(65536) + 0.5) / 65536)
    np.testing.assert_allclose(z, expected, rtol=1e-4, atol=1e-5)
    assert z.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert z.var(dtype=np.float64) == pytest.approx(0.9999, abs=1e-4)
    assert np.abs(z).max() < 4.33


def test_mean_and_deviation_of_many_draws():
    params = {"dense_1": {"weight": jnp.full((200, 100), 2.0)}}
    rule = WeightNoise(0.3)
    noisy = noisy_weights(rule, params, random_bytes(rule.noise(params)))["dense_1"]["weight"]
    assert stats.kstest((np.ravel(noisy) - 2) / 0.3, "norm").pvalue > 0.01
    neighbours = np.corrcoef(np.ravel(noisy)[:-1], np.ravel(noisy)[1:])[0, 1]
    assert abs(neighbours) < 0.03


def test_weights_only_each_by_its_own():
    rule = WeightNoise(0.1)
    assert rule.noise(PARAMS) == 2 * (3 + 2 + 1)
    assert rule.noise(jax.eval_shape(lambda: PARAMS)) == 12
    noise = random_bytes(12)
    noisy = noisy_weights(rule, PARAMS, noise)
    assert jax.tree.structure(noisy) == jax.tree.structure(PARAMS)
    assert noisy["dense_1"]["bias"].tolist() == [7.0, 7.0, 7.0]
    assert noisy["prelu_1"]["slope"].tolist() == [7.0]
    places = (("dense_1", "weight"), ("output", "weight_in"), ("output", "weight_out"))
    moves = [np.ravel(noisy[layer][name]) - np.ravel(PARAMS[layer][name]) for layer, name in places]
    np.testing.assert_allclose(np.concatenate(moves), 0.1 * standard(noise), rtol=1e-4, atol=1e-6)


def test_only_on_the_layers_named():
    rule = WeightNoise(0.1, on=["output"])
    assert rule.noise(PARAMS) == 6
    noisy = noisy_weights(rule, PARAMS, random_bytes(6))
    assert noisy["dense_1"]["weight"].tolist() == PARAMS["dense_1"]["weight"].tolist()
    assert (noisy["output"]["weight_in"] != PARAMS["output"]["weight_in"]).all()


def test_without_weights_there_is_no_noise():
    params = {"prelu_1": {"slope": jnp.ones(3)}}
    assert WeightNoise().noise(params) == 0
    assert WeightNoise().weights(params, None) is params


def test_the_two_variants():
    # J = ½ w², ε = 0.1: the book's step is w − 0.1 (w + n), the notes' is w − 0.1 w + n
    params, noise = {"dense_1": {"weight": jnp.array([2.0])}}, random_bytes(2)
    n = 0.5 * standard(noise)

    @jax.jit
    def step(rule):
        slope = jax.grad(lambda p: 0.5 * (rule.weights(p, noise)["dense_1"]["weight"] ** 2).sum())(params)
        moved = jax.tree.map(lambda p, g: p - 0.1 * g, params, slope)
        return rule.after(moved, noise)["dense_1"]["weight"]

    np.testing.assert_allclose(step(WeightNoise(0.5)), 2 - 0.1 * (2 + n), rtol=1e-6)
    np.testing.assert_allclose(step(WeightNoise(0.5, kept=True)), 2 - 0.1 * 2 + n, rtol=1e-6)


def test_the_deviation_is_a_knob():
    noise = random_bytes(12)
    step = jax.jit(lambda rule: rule.weights(PARAMS, noise))
    start = np.asarray(PARAMS["dense_1"]["weight"])
    one, two = (np.asarray(step(WeightNoise(d))["dense_1"]["weight"]) - start for d in (0.1, 0.2))
    np.testing.assert_allclose(2 * one, two, rtol=1e-4, atol=1e-6)
    assert step._cache_size() == 1
    quiet = step(WeightNoise(0.0))
    assert quiet["output"]["weight_in"].tolist() == [3.0, 4.0]
