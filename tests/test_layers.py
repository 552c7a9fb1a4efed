"""Layers: formulas against NumPy and SciPy, gradients against finite differences, by hand where a hand suffices."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import special, stats

from phalanx import (
    RBF,
    Absolute,
    Activation,
    Columns,
    Dense,
    Dropout,
    Gaussian,
    HardTanh,
    Knob,
    LeakyReLU,
    Linear,
    Maxout,
    Network,
    PReLU,
    ReLU,
    ReverseGradient,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    field,
    part,
)
from phalanx.blueprint import Blueprint, Noise
from phalanx.layers import EVALUATE, At, DropConnect, GaussianNoise
from phalanx.layers.dense import initial_weight
from phalanx.layers.layer import drawn
from phalanx.model import forward, fresh, initialize

FORMULAS = {
    Linear(): lambda z: z,
    ReLU(): lambda z: np.maximum(0, z),
    LeakyReLU(): lambda z: np.maximum(0, z) + 0.01 * np.minimum(0, z),
    LeakyReLU(-0.3): lambda z: np.maximum(0, z) - 0.3 * np.minimum(0, z),
    Absolute(): np.abs,
    Softplus(): lambda z: np.logaddexp(0, z),
    HardTanh(): lambda z: np.clip(z, -1, 1),
    Sigmoid(): special.expit,
    Tanh(): np.tanh,
    Softmax(): lambda z: special.softmax(z, axis=-1),
}


@pytest.mark.parametrize("activation", FORMULAS, ids=repr)
def test_activations_are_their_formulas(activation, rng):
    z = np.concatenate([rng.normal(size=(6, 5)) * 3, [[-100, -1, 0, 1, 100]]]).astype(np.float32)
    y = activation.activate(jnp.asarray(z))
    np.testing.assert_allclose(y, FORMULAS[activation](z.astype(np.float64)), rtol=1e-5, atol=1e-7)


def test_no_activation_is_left_out(part_classes):
    assert {type(activation) for activation in FORMULAS} == set(part_classes(Activation))


@pytest.mark.parametrize(
    ("activation", "corner", "derivative"),
    [
        (ReLU(), 0.0, 0.0),
        (LeakyReLU(0.2), 0.0, 0.2),
        (LeakyReLU(), 0.0, 0.01),
        (Absolute(), 0.0, -1.0),
        (ReLU(at_zero="right"), 0.0, 1.0),
        (LeakyReLU(0.2, at_zero="right"), 0.0, 1.0),
        (Absolute(at_zero="right"), 0.0, 1.0),
        (HardTanh(), 1.0, 0.0),
        (HardTanh(), -1.0, 0.0),
    ],
    ids=repr,
)
def test_the_derivative_at_a_corner_is_the_one_the_docstring_names(activation, corner, derivative):
    assert jax.grad(activation.activate)(corner) == pytest.approx(derivative)


def test_huge_inputs_give_no_infinities():
    z = jnp.array([-1e4, 1e4])
    for activation in (Softplus(), Sigmoid(), Tanh(), Softmax(), HardTanh()):
        assert np.isfinite(activation.activate(z)).all()
        assert np.isfinite(jax.grad(lambda z, a=activation: a.activate(z).sum())(z)).all()


def alone(layer):
    """A network of one layer, which the model runs; a layer with others inside cannot run itself."""
    return Network([layer], Gaussian())


def test_gradients_are_finite_differences(any_layer, table_of):
    if isinstance(any_layer, ReverseGradient):
        pytest.skip("its gradient is by purpose not that of its output")
    x, shape = table_of(any_layer, 4)
    network = alone(any_layer)
    params, states = initialize(network, 0, shape)
    states = fresh(states, 4)
    needed, rng = Blueprint.of(network, shape).noise(params), np.random.default_rng(1)
    rows = {name: rng.integers(0, 256, (4, count), np.uint8) for name, count in needed.rows.items()}
    arrays, tree = jax.tree.flatten(x)
    held = [a.dtype != np.int32 for a in arrays]  # codes have no gradient
    floats = [a for a, real in zip(arrays, held, strict=True) if real]
    with jax.enable_x64(True):
        noise = Noise(jax.tree.map(jnp.asarray, rows), {}, {})

        @jax.jit
        def output(params, floats):
            rest = iter(floats)
            given = [next(rest) if real else jnp.asarray(a) for a, real in zip(arrays, held, strict=True)]
            return forward(network, params, states, jax.tree.unflatten(tree, given), noise, train=True).z[0]

        numbers = jax.tree.map(np.float64, jax.device_get((params, floats)))
        check_grads(output, numbers, order=1, modes=["rev"], eps=1e-6, atol=1e-6, rtol=1e-6)


def test_shapes_and_rows(any_layer, table_of):
    x, shape = table_of(any_layer, 4)
    params, states = initialize(alone(any_layer), 0, shape)

    @jax.jit
    def evaluate(x):
        return forward(alone(any_layer), params, fresh(states, len(jax.tree.leaves(x)[0])), x)

    passed = evaluate(x)
    y = passed.z[0]
    assert y.shape == (4, *any_layer.output_shape(shape))
    assert y.dtype == np.float32
    assert jax.tree.structure(passed.states) == jax.tree.structure(states)
    # no row depends on its neighbours
    one = evaluate(jax.tree.map(lambda a: a[3:], x)).z[0]
    np.testing.assert_allclose(one, y[3:], rtol=1e-5, atol=1e-6)
    # and no layer hides that training went wrong
    numbers = [a for a in jax.tree.leaves(any_layer.example) if a.dtype == np.float32]
    if numbers and not any(np.isnan(a).any() for a in numbers):  # NaN may mean something
        lost = evaluate(jax.tree.map(lambda a: a * np.float32(np.nan) if a.dtype == np.float32 else a, x)).z[0]
        assert np.isnan(lost[:, : numbers[0].size] if isinstance(x, tuple) else lost).all()


def test_dense_by_hand():
    params = {"weight": jnp.array([[1.0, 2.0], [3.0, 4.0]]), "bias": jnp.array([10.0, 20.0])}
    x = jnp.array([[1.0, 1.0], [0.0, 2.0]])
    assert Dense(2)(params, {}, x, EVALUATE)[0].tolist() == [[14.0, 26.0], [16.0, 28.0]]
    assert Dense(2, bias=False)(params, {}, x, EVALUATE)[0].tolist() == [[4.0, 6.0], [6.0, 8.0]]
    assert list(drawn(Dense(2, bias=False), np.random.default_rng(0), (3,))[0]) == ["weight"]
    sequence, _ = Dense(2)(params, {}, x[None], EVALUATE)  # axes before the last are kept
    assert sequence.shape == (1, 2, 2)


def test_prelu_by_hand():
    params, _ = drawn(PReLU(0.5), np.random.default_rng(0), (3,))
    assert params["slope"].tolist() == [0.5, 0.5, 0.5]
    slopes = {"slope": jnp.array([0.0, 1.0, -2.0])}
    y, _ = PReLU()(slopes, {}, jnp.array([[-1.0, -2.0, -3.0], [1.0, 2.0, 3.0]]), EVALUATE)
    assert y.tolist() == [[0.0, -2.0, 6.0], [1.0, 2.0, 3.0]]


@pytest.mark.parametrize(("at_zero", "derivative"), [("left", 0.3), ("right", 1.0)])
def test_prelu_at_its_corner(at_zero, derivative):
    layer, slope = PReLU(at_zero=at_zero), {"slope": jnp.array([0.3])}
    of_x = jax.grad(lambda x: layer(slope, {}, x, EVALUATE)[0].sum())
    assert of_x(jnp.zeros((1, 1))).item() == pytest.approx(derivative)
    assert of_x(-jnp.ones((1, 1))).item() == pytest.approx(0.3)
    assert of_x(jnp.ones((1, 1))).item() == 1


def test_maxout_by_hand():
    # x = 2; unit 1 has pieces 2·1 + 0 = 2 and 2·(−1) + 5 = 3, unit 2 has 2·3 + 0 = 6 and 2·0 + 1 = 1
    params = {"weight": jnp.array([[1.0, -1.0, 3.0, 0.0]]), "bias": jnp.array([0.0, 5.0, 0.0, 1.0])}
    y, _ = Maxout(2)(params, {}, jnp.array([[2.0]]), EVALUATE)
    assert y.tolist() == [[3.0, 6.0]]
    assert drawn(Maxout(4, pieces=3), np.random.default_rng(0), (5,))[0]["weight"].shape == (5, 12)


def test_rbf_by_hand():
    # ‖(1, 2) − (0, 0)‖² = 5 and ‖(1, 2) − (1, 4)‖² = 4, over σ² = 4
    params = {"centre": jnp.array([[0.0, 0.0], [1.0, 4.0]])}
    x = jnp.array([[1.0, 2.0]])
    y, _ = RBF(2, sigma=2)(params, {}, x, EVALUATE)
    np.testing.assert_allclose(y, [[math.exp(-5 / 4), math.exp(-1)]], rtol=1e-6)
    y, _ = RBF(2)(params, {}, x, EVALUATE)  # σ² = 2 · 2 inputs
    np.testing.assert_allclose(y, [[math.exp(-5 / 4), math.exp(-1)]], rtol=1e-6)


def test_rbf_at_its_template_is_one_and_flat():
    params = {"centre": jnp.array([[0.1, 0.2, 0.3]])}

    def unit(x):
        return RBF(1)(params, {}, x, EVALUATE)[0].sum()

    value, slope = jax.value_and_grad(unit)(params["centre"])
    assert value == pytest.approx(1.0)
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def dropped(rate, x, bits):
    return Dropout(rate)({}, {}, jnp.asarray(x), At(train=True, noise=jnp.asarray(bits, jnp.uint8)))[0]


def test_dropout_by_hand():
    # rate ¼ is 64 of 256: bytes below 64 drop, the others are multiplied by 256/192 = 4/3
    y = dropped(0.25, [[3.0, 6.0, 9.0, 12.0]], [[63, 64, 0, 255]])
    np.testing.assert_allclose(y, [[0.0, 8.0, 0.0, 16.0]])


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.9, 0.999])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    every_byte = np.arange(256)[None, :]
    y = dropped(rate, np.ones((1, 256), np.float32), every_byte)
    share = min(round(rate * 256), 255) / 256
    assert np.mean(np.asarray(y) == 0) == share
    assert np.mean(y) == pytest.approx(1.0)


def test_dropout_outside_training_is_the_identity():
    x = jnp.array([[1.0, 2.0]])
    assert Dropout(0.9)({}, {}, x, EVALUATE)[0] is x


def test_dropout_needs_a_byte_for_each_unit():
    assert Dropout().noise((4, 3)) == 12
    assert Dense(3).noise((4,)) == 0


def test_columns_one_hot_by_hand():
    # one column of 3 codes: 0 missing, 1 and 2 the categories; numbers stay in front
    layer = Columns((3,))
    assert drawn(layer, np.random.default_rng(0), ((1,), (1,)))[0] == {}
    assert layer.output_shape(((1,), (1,))) == (3,)
    numbers, codes = jnp.array([[7.0], [8.0], [9.0]]), jnp.array([[0], [1], [2]])
    y, _ = layer({}, {}, (numbers, codes), EVALUATE)
    assert y.tolist() == [[7.0, 0.0, 0.0], [8.0, 1.0, 0.0], [9.0, 0.0, 1.0]]


def test_columns_embeddings_by_hand():
    # columns of 3 and 2 codes, both embedded: rows 0-2 are the first column's, 3-4 the second's
    layer = Columns((3, 2), one_hot=0, embedding=2)
    table = jnp.arange(10.0).reshape(5, 2)
    y, _ = layer({"embedding": table}, {}, (jnp.zeros((2, 0)), jnp.array([[0, 1], [2, 0]])), EVALUATE)
    assert y.tolist() == [[0.0, 1.0, 8.0, 9.0], [4.0, 5.0, 6.0, 7.0]]


def test_columns_mixed_order_and_sizes():
    # numbers, then one-hot columns, then embeddings; a column with nothing but missing values adds nothing
    layer = Columns((20, 3, 1), embedding=4)
    params, _ = drawn(layer, np.random.default_rng(0), ((2,), (3,)))
    assert params["embedding"].shape == (20, 4)
    assert layer.output_shape(((2,), (3,))) == (2 + 2 + 4,)
    y, _ = layer(params, {}, (jnp.array([[1.0, 2.0]]), jnp.array([[19, 2, 0]])), EVALUATE)
    np.testing.assert_allclose(y, [[1, 2, 0, 1, *params["embedding"][19]]])


def test_columns_without_numbers_or_codes():
    assert Columns().output_shape(((2,), (0,))) == (2,)
    y, _ = Columns((2,))({}, {}, (jnp.zeros((1, 0)), jnp.array([[1]])), EVALUATE)
    assert y.tolist() == [[1.0]]
    assert drawn(Columns(frequencies=4), np.random.default_rng(0), ((0,), (0,)))[0] == {}
    assert Columns(frequencies=4).output_shape(((0,), (0,))) == (0,)


def test_columns_periodic_features_are_their_formula(rng):
    layer = Columns(frequencies=5, features=3, spread=0.7)
    params, _ = drawn(layer, np.random.default_rng(3), ((2,), (0,)))
    assert layer.output_shape(((2,), (0,))) == (2 + 2 * 3,)
    x = rng.normal(size=(4, 2)).astype(np.float32)
    y, _ = layer(params, {}, (jnp.asarray(x), jnp.zeros((4, 0), jnp.int32)), EVALUATE)
    w, b, mix = (np.asarray(params[name], np.float64) for name in ("frequency", "phase", "mix"))
    for n in range(4):
        expected = list(x[n])
        for j in range(2):
            waves = [np.cos(2 * np.pi * x[n, j] * w[j, f] + b[j, f]) for f in range(5)]
            expected += [sum(waves[f] * mix[j, f, e] for f in range(5)) for e in range(3)]
        np.testing.assert_allclose(y[n], expected, rtol=1e-4, atol=1e-5)


def test_columns_initial_parameters():
    layer = Columns((300,), embedding=100, frequencies=50, features=4, spread=0.2)
    params, _ = drawn(layer, np.random.default_rng(0), ((40,), (1,)))
    flat = {name: np.asarray(p).ravel() for name, p in params.items()}
    assert stats.kstest(flat["embedding"] * 10, "norm").pvalue > 0.01  # variance 1 / length
    assert stats.kstest(flat["frequency"] / 0.2, "norm").pvalue > 0.01
    assert stats.kstest(flat["phase"], stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.01
    bound = 1 / math.sqrt(50)
    assert stats.kstest(flat["mix"], stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01


def test_he_weights_are_normal_with_variance_two_over_fan_in():
    weight = initial_weight("he", np.random.default_rng(0), (100, 200), 100, 200)
    assert stats.kstest(np.ravel(weight) / math.sqrt(2 / 100), "norm").pvalue > 0.01


def test_glorot_weights_are_uniform_within_their_bound():
    # √(6 / (100 + 200)) = √0.02; the variance is then 2 / (100 + 200)
    weight = np.ravel(initial_weight("glorot", np.random.default_rng(0), (100, 200), 100, 200))
    bound = math.sqrt(0.02)
    assert stats.kstest(weight, stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01
    assert np.abs(weight).max() <= bound


@pytest.mark.parametrize("initializer", ["he", "glorot"])
@pytest.mark.parametrize("kind", [Dense, Maxout])
def test_layers_start_with_the_weights_of_their_initializer(kind, initializer):
    params, _ = drawn(kind(200, initializer=initializer), np.random.default_rng(0), (100,))
    variance = {"he": 2 / 100, "glorot": 2 / 300}[initializer]
    assert np.var(params["weight"]) == pytest.approx(variance, rel=0.05)
    assert not np.any(params["bias"])


def test_rectifiers_keep_the_scale_of_he_weights():
    # He et al. 2015: E[h²] stays the same through layers of rectifiers.
    x = jax.random.normal(jax.random.key(0), (64, 512))
    for i in range(5):
        params, _ = drawn(Dense(512), np.random.default_rng(i + 1), (512,))
        x = ReLU().activate(Dense(512)(params, {}, x, EVALUATE)[0])
    assert float((x**2).mean()) == pytest.approx(1.0, rel=0.3)


def test_another_seed_gives_other_weights(any_layer, table_of):
    _, shape = table_of(any_layer, 1)
    one, two, again = (jax.tree.leaves_with_path(initialize(alone(any_layer), seed, shape)[0]) for seed in (1, 2, 1))
    for (path, value), (_, other), (_, same) in zip(one, two, again, strict=True):
        np.testing.assert_array_equal(value, same)
        drawn = not path[-1].key.startswith(("bias", "slope", "scale", "shift", "initial"))
        assert np.array_equal(value, other) != drawn


def test_an_activation_of_a_person():
    @part
    class Swish(Activation):
        beta: Knob = field(default=1.0, above=0)

        def activate(self, z):
            return z * jax.nn.sigmoid(self.beta * z)

    z = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(Swish(2.0).activate(jnp.asarray(z)), z * special.expit(2 * z), rtol=1e-5, atol=1e-7)
    assert Linear().activate(jnp.asarray(z)).tolist() == z.astype(np.float32).tolist()


def test_noise_adds_what_its_bytes_say():
    # 127, 255 and 128, 0 are the levels beside the median; 0, 0 the lowest: Φ⁻¹(0.5/65536) = −4.3255
    x = jnp.array([[10.0, 20.0, 30.0]])
    bits = jnp.array([[127, 255, 128, 0, 0, 0]], jnp.uint8)
    y, _ = GaussianNoise(0.5)({}, {}, x, At(train=True, noise=bits))
    lowest = stats.norm.ppf(0.5 / 65536)
    np.testing.assert_allclose(y - x, [[-1e-5, 1e-5, 0.5 * lowest]], rtol=1e-4, atol=1e-5)


def test_noise_has_its_mean_and_deviation(rng):
    layer = GaussianNoise(0.3)
    bits = rng.integers(0, 256, (50, layer.noise((20, 10))), np.uint8)
    run = jax.jit(lambda layer, x, bits: layer({}, {}, x, At(train=True, noise=bits))[0])
    y = run(layer, jnp.full((50, 20, 10), 2.0), bits)
    assert stats.kstest((np.ravel(y) - 2) / 0.3, "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(np.asarray(y).reshape(50, -1)[:2])[0, 1]) < 0.3  # rows have noise of their own


def test_noise_leaves_the_codes_of_a_table_alone():
    shape = ((2,), (3,))
    x = jnp.zeros((1, 2)), jnp.array([[1, 2, 3]])
    layer = GaussianNoise(1.0)
    assert layer.noise(shape) == 4
    assert layer.output_shape(shape) == shape
    numbers, codes = layer({}, {}, x, At(train=True, noise=jnp.full((1, 4), 255, jnp.uint8)))[0]
    np.testing.assert_allclose(numbers, stats.norm.ppf(1 - 0.5 / 65536), rtol=1e-4)
    assert codes is x[1]


def test_noise_outside_training_is_the_identity():
    x = jnp.array([[1.0, 2.0]])
    assert GaussianNoise(9.0)({}, {}, x, EVALUATE)[0] is x
    assert GaussianNoise(9.0)({}, {}, (x, x), EVALUATE)[0][0] is x


def test_dropping_connections_by_hand():
    # rate ¼ is 64 of 256: weights with bytes below 64 drop, the others are multiplied by 4/3
    params = {"weight": jnp.array([[3.0, 6.0], [9.0, 12.0]]), "bias": jnp.array([1.0, 2.0])}
    at = At(train=True, shared=jnp.array([63, 64, 255, 0], jnp.uint8))
    y, _ = DropConnect(Dense(2), 0.25)(params, {}, jnp.array([[1.0, 1.0], [1.0, 0.0]]), at)
    # weights are then ((0, 8), (12, 0)), for every row
    np.testing.assert_allclose(y, [[13.0, 10.0], [1.0, 10.0]], rtol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
def test_dropping_connections_drops_its_share_and_keeps_the_mean(rate):
    layer, params = DropConnect(Dense(16, bias=False), rate), {"weight": jnp.ones((16, 16))}
    at = At(train=True, shared=jnp.arange(256, dtype=jnp.uint8))  # every byte once
    weight, _ = layer(params, {}, jnp.eye(16), at)
    assert np.mean(np.asarray(weight) == 0) == round(rate * 256) / 256
    assert np.asarray(weight, np.float64).mean() == pytest.approx(1.0)


def test_dropping_connections_outside_training_is_the_layer():
    layer = DropConnect(Dense(3), 0.9)
    params, state = drawn(layer, np.random.default_rng(1), (2,))
    inner, _ = drawn(Dense(3), np.random.default_rng(1), (2,))
    assert layer.output_shape((2,)) == (3,)
    assert params["weight"].tolist() == inner["weight"].tolist()
    x = jnp.array([[1.0, 2.0]])
    assert layer(params, state, x, EVALUATE)[0].tolist() == Dense(3)(inner, {}, x, EVALUATE)[0].tolist()


def test_dropping_connections_passes_on_what_the_layer_needs():
    assert DropConnect(Dense(3)).shared_noise((4,)) == 12
    assert DropConnect(Dense(3)).noise((4,)) == 0
    assert DropConnect(DropConnect(Maxout(3, pieces=2))).shared_noise((4,)) == 48
    # a layer's own bytes for each row reach it
    bits = jnp.array([[0, 255]], jnp.uint8)
    assert DropConnect(Dropout(0.5)).noise((2,)) == 2
    y, _ = DropConnect(Dropout(0.5))({}, {}, jnp.ones((1, 2)), At(train=True, noise=bits))
    assert y.tolist() == [[0.0, 2.0]]
    # and so do its shared ones, after the wrapper's: both drop at bytes below 128, and double
    weight = {"weight": jnp.ones((1, 3))}
    at = At(train=True, shared=jnp.array([255, 255, 0, 255, 0, 255], jnp.uint8))
    y, _ = DropConnect(DropConnect(Dense(3, bias=False)))(weight, {}, jnp.ones((1, 1)), at)
    assert y.tolist() == [[4.0, 0.0, 0.0]]
