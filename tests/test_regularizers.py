"""Penalties worked by hand: on weights, on nothing else, and on the layers named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import L1, L2, Dense, Maxout, PReLU
from phalanx.errors import InputError

PARAMS = {
    "dense_1": {"weight": jnp.array([[1.0, -2.0]]), "bias": jnp.array([100.0, 100.0])},
    "prelu_1": {"slope": jnp.array([100.0])},
    "output": {"weight": jnp.array([[3.0]]), "bias": jnp.array([100.0])},
}


def test_l2_by_hand():
    # ½ · 0.1 · (1 + 4 + 9) = 0.7
    assert L2(0.1).penalty(PARAMS) == pytest.approx(0.7)


def test_l1_by_hand():
    # 0.1 · (1 + 2 + 3) = 0.6
    assert L1(0.1).penalty(PARAMS) == pytest.approx(0.6)


def test_on_names_the_layers():
    # ½ · 0.1 · (1 + 4) = 0.25 and 0.1 · 3 = 0.3
    assert L2(0.1, on=["dense_1"]).penalty(PARAMS) == pytest.approx(0.25)
    assert L1(0.1, on=("output",)).penalty(PARAMS) == pytest.approx(0.3)
    assert L1(0.1, on=("dense_1", "output")).penalty(PARAMS) == pytest.approx(0.6)
    assert L1(0.1, on=("prelu_1",)).penalty(PARAMS) == 0


def test_gradients_by_hand():
    # α w, and α sign(w); nothing for what is not a weight
    l2 = jax.grad(L2(0.1).penalty)(PARAMS)
    l1 = jax.grad(L1(0.1).penalty)(PARAMS)
    np.testing.assert_allclose(l2["dense_1"]["weight"], [[0.1, -0.2]], rtol=1e-6)
    np.testing.assert_allclose(l1["dense_1"]["weight"], [[0.1, -0.1]], rtol=1e-6)
    for grads in (l1, l2):
        assert not any(grads[layer][name].any() for layer, name in (("dense_1", "bias"), ("prelu_1", "slope")))


def test_a_layer_that_does_not_exist_is_named():
    sentence = "L2: on names `dense_2`, but the layers are dense_1, prelu_1, output"
    with pytest.raises(InputError, match=f"^{sentence}$"):
        L2(0.1, on=("dense_2",)).penalty(PARAMS)


def test_only_weights_of_real_layers_are_penalized(any_regularizer):
    shapes = {"dense_1": Dense(3), "prelu_1": PReLU(), "output": Maxout(2)}
    params = {name: layer.init(jax.random.key(0), (3,))[0] for name, layer in shapes.items()}
    shifted = {
        layer: {name: value if name.startswith("weight") else value + 1 for name, value in held.items()}
        for layer, held in params.items()
    }
    assert any_regularizer.penalty(params) > 0
    assert any_regularizer.penalty(params) == any_regularizer.penalty(shifted)
