"""Label smoothing by hand, for codes and for probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.likelihoods import Multinoulli
from phalanx.regularizers import LabelSmoothing


def test_codes_by_hand():
    # k = 5, ε = 0.2: 0.8 on the right one, 0.2/4 = 0.05 on each other
    y = LabelSmoothing(0.2).targets(jnp.array([0, 3]), 5)
    np.testing.assert_allclose(y, [[0.8, 0.05, 0.05, 0.05, 0.05], [0.05, 0.05, 0.05, 0.8, 0.05]], rtol=1e-6)


def test_two_classes_by_hand():
    np.testing.assert_allclose(LabelSmoothing(0.1).targets(jnp.array([1, 0]), 2), [[0.1, 0.9], [0.9, 0.1]], rtol=1e-6)


def test_probabilities_are_smoothed_as_the_codes_they_may_be(rng):
    codes = rng.integers(0, 4, 7).astype(np.int32)
    one_hot = np.eye(4, dtype=np.float32)[codes]
    smooth = jax.jit(lambda y: LabelSmoothing(0.3).targets(y, 4))
    np.testing.assert_allclose(smooth(one_hot), smooth(codes), rtol=1e-6)
    # linear: ε = 0.3, k = 4: p = ½ becomes 0.7·½ + 0.1·½ = 0.4, p = 0 becomes 0.1
    y = smooth(np.array([[0.5, 0.5, 0.0, 0.0]], np.float32))
    np.testing.assert_allclose(y, [[0.4, 0.4, 0.1, 0.1]], rtol=1e-6)


def test_they_stay_probabilities(rng):
    smooth = jax.jit(lambda rule, y: rule.targets(y, 6))
    for y in (rng.dirichlet(np.ones(6), size=5).astype(np.float32), np.arange(5, dtype=np.int32)):
        for epsilon in (0.0, 0.1, 0.9):
            learned = np.asarray(smooth(LabelSmoothing(epsilon), y))
            np.testing.assert_allclose(learned.sum(-1), 1, rtol=1e-6)
            assert (learned >= 0).all()


def test_numbers_stay_as_they_are():
    y = jnp.array([[1.5], [2.5]])
    assert LabelSmoothing(0.1).targets(y, 0) is y


def test_the_best_output_is_finite():
    # The cost of z = (a, 0) on (0.9, 0.1) is least where softmax gives 0.9: a = log 9.
    y = LabelSmoothing(0.1).targets(jnp.array([0]), 2)
    slope = jax.jit(jax.grad(lambda a: Multinoulli().nll(jnp.stack([a, jnp.zeros(())])[None], y).sum()))
    assert slope(jnp.log(9.0)) == pytest.approx(0, abs=1e-6)
    assert slope(jnp.array(5.0)) > 0.05


def test_epsilon_is_a_knob():
    smooth = jax.jit(lambda rule: rule.targets(jnp.array([1]), 3))
    assert smooth(LabelSmoothing(0.2)).tolist() == [pytest.approx([0.1, 0.8, 0.1])]
    assert smooth(LabelSmoothing(0.4)).tolist() == [pytest.approx([0.2, 0.6, 0.2])]
    assert smooth._cache_size() == 1
