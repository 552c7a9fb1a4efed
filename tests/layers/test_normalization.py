"""Normalization: numbers worked by hand, SciPy's z-scores, and what running averages converge to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec
from jax.test_util import check_grads
from scipy import stats

from phalanx.layers import EVALUATE, At
from phalanx.layers.layer import drawn
from phalanx.layers.normalization import BatchNorm, LayerNorm

TRAIN = At(train=True)


def test_batch_norm_by_hand():
    params, state = drawn(BatchNorm(), np.random.default_rng(0), (2,))
    assert jax.tree.map(lambda a: a.tolist(), (params, state)) == (
        {"scale": [1, 1], "shift": [0, 0]},
        {"mean": [0, 0], "variance": [1, 1]},
    )
    given = {"scale": jnp.array([1.0, 2.0]), "shift": jnp.array([0.0, 10.0])}
    x = jnp.array([[1.0, 0.0], [3.0, 4.0]])  # means 2 and 2, variances 1 and 4
    y, moved = BatchNorm(momentum=0.75, epsilon=1e-12)(given, state, x, TRAIN)
    np.testing.assert_allclose(y, [[-1, 8], [1, 12]], rtol=1e-6)
    np.testing.assert_allclose(moved["mean"], [0.5, 0.5])  # 0.75 · 0 + 0.25 · 2
    np.testing.assert_allclose(moved["variance"], [1, 1.75])  # 0.75 · 1 + 0.25 · (1, 4)
    y, same = BatchNorm(epsilon=1e-12)(given, moved, x, EVALUATE)
    # (x − 0.5) / √(1, 1.75), times 2 and plus 10 in the second channel
    np.testing.assert_allclose(y[:, 0], [0.5, 2.5], rtol=1e-6)
    np.testing.assert_allclose(y[:, 1], [10 - 1 / 1.75**0.5, 10 + 7 / 1.75**0.5], rtol=1e-6)
    assert same is moved


def test_epsilon_stands_under_the_root():
    params, state = drawn(BatchNorm(), np.random.default_rng(0), (1,))
    y, _ = BatchNorm(epsilon=3.0)(params, state, jnp.array([[1.0], [3.0]]), TRAIN)
    assert y.ravel().tolist() == [-0.5, 0.5]  # ±1 / √(1 + 3)
    y, _ = LayerNorm(epsilon=3.0)(params, {}, jnp.array([[[1.0, 3.0]]]), TRAIN)
    assert y.ravel().tolist() == [-0.5, 0.5]


def test_each_channel_is_normalized_over_rows_and_places(rng):
    x = rng.normal(3, 2, (6, 5, 4, 3)).astype(np.float32)
    layer = BatchNorm(epsilon=1e-9)
    y, _ = layer(*drawn(layer, np.random.default_rng(0), x.shape[1:]), jnp.asarray(x), TRAIN)
    np.testing.assert_allclose(y, stats.zscore(x.astype(float), axis=(0, 1, 2)), atol=1e-5)


def test_each_row_and_place_is_normalized_over_its_last_axis(rng):
    x = rng.normal(3, 2, (6, 5, 4)).astype(np.float32)
    layer = LayerNorm(epsilon=1e-9)
    params, state = drawn(layer, np.random.default_rng(0), (5, 4))
    assert state == {}
    for at in (TRAIN, EVALUATE):
        y, _ = layer(params, state, jnp.asarray(x), at)
        np.testing.assert_allclose(y, stats.zscore(x.astype(float), axis=-1), rtol=1e-4, atol=1e-5)
    given = {"scale": jnp.array([1.0, 2.0, 3.0, 4.0]), "shift": jnp.array([0.0, 1.0, 0.0, -1.0])}
    changed, _ = layer(given, state, jnp.asarray(x), TRAIN)
    np.testing.assert_allclose(changed, np.asarray(y) * [1, 2, 3, 4] + [0, 1, 0, -1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm()], ids=repr)
def test_a_large_offset_costs_little_accuracy(layer, rng):
    z = rng.normal(size=(64, 64))
    x = (z + 1000).astype(np.float32)
    y, _ = layer(*drawn(layer, np.random.default_rng(0), (64,)), jnp.asarray(x), TRAIN)
    np.testing.assert_allclose(y, stats.zscore(z, axis=0 if layer == BatchNorm() else 1), atol=2e-3)


@pytest.mark.parametrize("layer", [BatchNorm(epsilon=0.1), LayerNorm(epsilon=0.1)], ids=repr)
def test_gradients_are_finite_differences(layer, rng):
    x, scale, shift = rng.normal(size=(4, 3, 2)), rng.normal(size=2), rng.normal(size=2)
    state = drawn(layer, np.random.default_rng(0), (3, 2))[1]
    with jax.enable_x64(True):

        @jax.jit
        def output(x, scale, shift):
            return layer({"scale": scale, "shift": shift}, state, x, TRAIN)[0]

        check_grads(output, (x, scale, shift), order=1, modes=["rev"], eps=1e-6)


def test_running_averages_come_to_those_of_the_data(rng):
    data = jnp.asarray(rng.normal([5, -2], [3, 0.5], (1000, 2)).astype(np.float32))
    layer = BatchNorm(momentum=0.99)
    params, state = drawn(layer, np.random.default_rng(0), (2,))
    rows = jnp.asarray(rng.integers(0, 1000, (2000, 50)))
    state = jax.lax.fori_loop(0, 2000, lambda i, s: layer(params, s, data[rows[i]], TRAIN)[1], state)
    np.testing.assert_allclose(state["mean"], data.mean(0), atol=0.12)  # ±3 · 0.01 averaged: 4 standard errors
    # The mean variance of a batch of 50 is 49/50 of the data's.
    np.testing.assert_allclose(state["variance"], data.var(0) * 49 / 50, rtol=0.06)


def test_a_row_does_not_depend_on_its_neighbours_outside_training(rng):
    x = jnp.asarray(rng.normal(size=(6, 3)).astype(np.float32))
    layer = BatchNorm()
    params, state = drawn(layer, np.random.default_rng(0), (3,))
    _, state = layer(params, state, x, TRAIN)
    together, same = layer(params, state, x, EVALUATE)
    alone = [layer(params, state, x[i : i + 1], EVALUATE)[0] for i in range(6)]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    assert same is state


def test_a_batch_on_two_devices_is_one_batch(rng):
    x = jnp.asarray(rng.normal(2, 3, (8, 3, 2)).astype(np.float32))
    layer = BatchNorm()
    params, state = drawn(layer, np.random.default_rng(0), (3, 2))
    whole = layer(params, state, x, TRAIN)
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:2])
    split, every = PartitionSpec("data"), PartitionSpec()
    halves = jax.shard_map(
        lambda x: layer(params, state, x, At(train=True, over="data")),
        mesh=mesh,
        in_specs=split,
        out_specs=(split, every),
    )
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(jax.jit(halves)(x)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_members_have_their_own_knobs(rng):
    x = jnp.asarray(rng.normal(size=(8, 2)).astype(np.float32))
    momenta, epsilons = jnp.array([0.5, 0.9]), jnp.array([1e-3, 1.0])

    def member(momentum, epsilon):
        layer = BatchNorm(momentum, epsilon)
        return layer(*drawn(layer, np.random.default_rng(0), (2,)), x, TRAIN)

    both = jax.jit(jax.vmap(member))(momenta, epsilons)
    for i, (momentum, epsilon) in enumerate([(0.5, 1e-3), (0.9, 1.0)]):
        alone = member(momentum, epsilon)
        for one, other in zip(jax.tree.leaves(both), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(one[i], other, rtol=1e-5, atol=1e-6)
