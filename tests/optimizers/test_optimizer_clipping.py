"""Clipping and learning rates by tensor: by hand, and against Optax."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.optimizers import SGD, Adam, ClipNorm, ClipValue, Factor, Momentum

GRADS = {"a": {"weight": jnp.array([[3.0, 0.0]])}, "b": {"bias": jnp.array([-4.0])}}


def leaves(tree):
    return [np.asarray(leaf).ravel().tolist() for leaf in jax.tree.leaves(tree)]


def test_the_norm_is_that_of_all_parameters_together():
    # ‖(3, 0, −4)‖ = 5: to norm 1 by a fifth, to norm 10 not at all
    assert leaves(ClipNorm(1.0).clip(GRADS)) == [pytest.approx([0.6, 0.0]), pytest.approx([-0.8])]
    assert leaves(ClipNorm(10.0).clip(GRADS)) == leaves(ClipNorm(5.0).clip(GRADS)) == [[3.0, 0.0], [-4.0]]


def test_clipping_by_value_by_hand():
    assert leaves(ClipValue(3.5).clip(GRADS)) == [[3.0, 0.0], [-3.5]]
    assert leaves(ClipValue(1.0).clip(GRADS)) == [[1.0, 0.0], [-1.0]]


@pytest.mark.parametrize("limit", [0.1, 1.0, 4.0, 100.0])
def test_clipping_is_that_of_optax(limit, rng):
    optax = pytest.importorskip("optax")
    grads = {"a": {"weight": jnp.asarray(rng.normal(size=(4, 3)), jnp.float32), "bias": jnp.ones(3)}}
    for ours, theirs in ((ClipNorm, optax.clip_by_global_norm), (ClipValue, optax.clip)):
        with jax.numpy_dtype_promotion("standard"):
            expected = theirs(limit).update(grads, theirs(limit).init(grads))[0]
        for g, e in zip(jax.tree.leaves(ours(limit).clip(grads)), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-6)


@pytest.mark.parametrize("clip", [ClipNorm(2.0), ClipValue(2.0)], ids=repr)
def test_extreme_gradients(clip):
    zero = {"a": {"weight": jnp.zeros(3), "nothing": jnp.zeros((0, 2))}}
    assert leaves(clip.clip(zero)) == leaves(zero)
    # an exploding gradient, whose square no float holds, is bounded like any other
    assert leaves(clip.clip({"a": {"weight": jnp.array([1e30, 0.0])}})) == [pytest.approx([2.0, 0.0])]
    # one that is lost stays lost, so that the divergence is seen
    assert np.isnan(clip.clip({"a": {"weight": jnp.array([jnp.nan, 1.0])}})["a"]["weight"]).any()


def test_training_steps_are_clipped():
    params = jax.tree.map(jnp.zeros_like, GRADS)
    after, _ = SGD(0.5, clip=ClipNorm(1.0)).step(GRADS, {}, params)
    assert leaves(after) == [pytest.approx([-0.3, 0.0]), pytest.approx([0.4])]
    momentum = Momentum(0.5, clip=ClipValue(1.0))  # the rule sees the bounded gradient: v = −0.5·(±1)
    _, state = momentum.step(GRADS, momentum.init(params), params)
    assert leaves(state) == [[-0.5, 0.0], [0.5]]


PARAMS = {
    "dense_1": {"weight": jnp.array([1.0, 2.0]), "bias": jnp.array([3.0])},
    "head_1.dense_1": {"weight": jnp.array([4.0]), "bias": jnp.array([5.0])},
    "relu_1": {},
}
ONES = jax.tree.map(jnp.ones_like, PARAMS)


def moves(*factors):
    """How far a step of size 1 against gradients of 1 moves each tensor, in tree order: bias, weight, of each layer."""
    after, _ = SGD(1.0, factors=factors).update(ONES, {}, PARAMS)
    return [float((p - q).ravel()[0]) for p, q in zip(*map(jax.tree.leaves, (PARAMS, after)), strict=True)]


def test_factors_scale_layers_and_tensors():
    assert moves() == [1.0, 1.0, 1.0, 1.0]
    assert moves(Factor(0.5, ["dense_1"])) == [0.5, 0.5, 1.0, 1.0]
    assert moves(Factor(0.5, ["dense_1.bias"])) == [0.5, 1.0, 1.0, 1.0]
    assert moves(Factor(0.5, ["head_1.dense_1"])) == [1.0, 1.0, 0.5, 0.5]
    assert moves(Factor(0.5, ["head_1.dense_1.weight", "dense_1.bias"])) == [0.5, 1.0, 1.0, 0.5]
    assert moves(Factor(0.5, ["dense_1"]), Factor(0.25, ["dense_1.weight"])) == [0.5, 0.125, 1.0, 1.0]


def test_a_factor_of_0_freezes_exactly(any_optimizer):
    frozen = dataclasses.replace(any_optimizer, factors=[Factor(0, ["dense_1", "head_1.dense_1.bias"])])
    params, state = PARAMS, frozen.init(PARAMS)
    for _ in range(3):
        looked = frozen.look(params, state)
        assert leaves(looked["dense_1"]) == leaves(PARAMS["dense_1"])
        params, state = frozen.step(ONES, state, params)
    assert leaves(params["dense_1"]) == leaves(PARAMS["dense_1"])
    assert params["head_1.dense_1"]["bias"].tolist() == [5.0]
    assert params["head_1.dense_1"]["weight"].tolist() != [4.0]


def test_a_factor_is_a_knob():
    @jax.jit
    def step(optimizer):
        return optimizer.update(ONES, optimizer.init(PARAMS), PARAMS)[0]["dense_1"]["bias"][0]

    for factor in (0.0, 0.5, 2.0):
        assert step(Adam(0.25, factors=[Factor(factor, ["dense_1.bias"])])) == pytest.approx(3 - 0.25 * factor)
    assert step._cache_size() == 1


def test_a_tensor_that_does_not_exist_is_named():
    sentence = "Factor: on: unknown layer or tensor `dense_1.bais`; did you mean `dense_1.bias`?"
    with pytest.raises(InputError) as caught:
        moves(Factor(0.5, ["dense_1.bais"]))
    assert str(caught.value) == sentence


def test_a_factor_needs_a_name():
    with pytest.raises(InputError, match=r"^Factor: on is empty; name the layers or tensors that it is about$"):
        Factor(0.5, ())
