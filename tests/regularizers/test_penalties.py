"""Penalties worked by hand: on weights, on nothing else, and on the layers named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.regularizers import L1, L2

PARAMS = {
    "dense_1": {"weight": jnp.array([[1.0, -2.0]]), "bias": jnp.array([100.0, 100.0])},
    "prelu_1": {"slope": jnp.array([100.0])},
    "output": {"weight": jnp.array([[3.0]]), "bias": jnp.array([100.0])},
}


def test_l2_by_hand():
    # ½ · 0.1 · (1 + 4 + 9) = 0.7
    assert L2(0.1).penalty(PARAMS, {}) == pytest.approx(0.7)


def test_l1_by_hand():
    # 0.1 · (1 + 2 + 3) = 0.6
    assert L1(0.1).penalty(PARAMS, {}) == pytest.approx(0.6)


def test_on_names_the_layers():
    # ½ · 0.1 · (1 + 4) = 0.25 and 0.1 · 3 = 0.3
    assert L2(0.1, on=["dense_1"]).penalty(PARAMS, {}) == pytest.approx(0.25)
    assert L1(0.1, on=("output",)).penalty(PARAMS, {}) == pytest.approx(0.3)
    assert L1(0.1, on=("dense_1", "output")).penalty(PARAMS, {}) == pytest.approx(0.6)
    assert L1(0.1, on=("prelu_1",)).penalty(PARAMS, {}) == 0


def test_gradients_by_hand():
    # α w, and α sign(w); nothing for what is not a weight
    l2 = jax.jit(jax.grad(L2(0.1).penalty))(PARAMS, {})
    l1 = jax.jit(jax.grad(L1(0.1).penalty))(PARAMS, {})
    np.testing.assert_allclose(l2["dense_1"]["weight"], [[0.1, -0.2]], rtol=1e-6)
    np.testing.assert_allclose(l1["dense_1"]["weight"], [[0.1, -0.1]], rtol=1e-6)
    for grads in (l1, l2):
        assert not any(grads[layer][name].any() for layer, name in (("dense_1", "bias"), ("prelu_1", "slope")))


def test_a_layer_that_does_not_exist_is_named():
    with pytest.raises(InputError) as caught:
        L2(0.1, on=("dense_2",)).penalty(PARAMS, {})
    assert str(caught.value) == "L2: on: unknown layer `dense_2`; did you mean `dense_1`?"
