"""Recurrent layers: the notes' formulas transcribed in NumPy, stored answers of PyTorch, padding, memory, and what
back-propagation through time makes of a hundred steps.
"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from phalanx import (
    GRU,
    LSTM,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Embedding,
    Flatten,
    Frames,
    Gaussian,
    GlobalAveragePool,
    GlobalMaxPool,
    InputError,
    LayerNorm,
    MaxPool,
    Network,
    Recurrent,
    ReLU,
    Residual,
    ReverseGradient,
)
from phalanx.layers import EVALUATE, At
from phalanx.layers.layer import drawn
from phalanx.layers.recurrent import orthogonal
from phalanx.model import forward, fresh, initialize

ROWS, STEPS, CHANNELS, UNITS = 3, 6, 2, 4


def made(layer, rng):
    """Parameters of a layer, all of them drawn, as float64."""
    params, _ = drawn(layer, np.random.default_rng(0), (STEPS, CHANNELS))
    return {name: rng.normal(size=value.shape) for name, value in params.items()}


def blocks(array):
    """The blocks of columns of a parameter, one for each gate."""
    return np.split(array, array.shape[-1] // UNITS, axis=-1)


def squashed(name, a):
    return {"tanh": np.tanh, "sigmoid": expit, "relu": lambda a: np.maximum(a, 0), "linear": lambda a: a}[name](a)


def simple(layer, p, x, h, _):
    """MAP I1."""
    return squashed(layer.activation, x @ p["weight"] + h @ p["weight_recurrent"] + p["bias"]), None


def lstm(layer, p, x, h, s):
    """MAP I5, with the gates g, f, q and the candidate as sums over x_t and h_(t−1)."""
    g, f, q, c = (x @ U + h @ W + b for U, W, b in zip(*map(blocks, rows_of(p)), strict=True))
    s = expit(f) * s + expit(g) * squashed(layer.candidate, c)
    return np.tanh(s) * expit(q), s


def gru(layer, p, x, h, _):
    """MAP I6, with the reset before the product, or after it."""
    (Ur, Uu, Uc), (Wr, Wu, Wc), (br, bu, bc) = map(blocks, rows_of(p))
    r, u = expit(br + x @ Ur + h @ Wr), expit(bu + x @ Uu + h @ Wu)
    again = (r * h) @ Wc if layer.reset == "before" else r * (h @ Wc + p["bias_recurrent"])
    return u * h + (1 - u) * squashed(layer.candidate, bc + x @ Uc + again), None


def rows_of(p):
    return p["weight"], p["weight_recurrent"], p["bias"]


CELLS = [
    *((Recurrent(UNITS, "all", activation=name), simple) for name in ("tanh", "relu", "sigmoid", "linear")),
    *((LSTM(UNITS, "all", candidate=name), lstm) for name in ("tanh", "sigmoid")),
    *((GRU(UNITS, "all", candidate=c, reset=r), gru) for c in ("tanh", "sigmoid") for r in ("before", "after")),
]
each_cell = pytest.mark.parametrize(("layer", "formula"), CELLS, ids=lambda held: repr(held) if held in CELLS else "")


def transcribed(layer, formula, p, x):
    """h after every step, (rows, steps, units), one step after the other."""
    h, s, found = np.zeros((len(x), UNITS)), np.zeros((len(x), UNITS)), []
    for t in range(x.shape[1]):
        h, s = formula(layer, p, x[:, t], h, s)
        found.append(h)
    return np.stack(found, axis=1)


@each_cell
def test_each_cell_is_its_formula_step_by_step(layer, formula, rng):
    p, x = made(layer, rng), rng.normal(size=(ROWS, STEPS, CHANNELS))
    with jax.enable_x64(True):
        y, _ = jax.jit(lambda p, x: layer(p, {}, x, EVALUATE))(p, x)
        np.testing.assert_allclose(y, transcribed(layer, formula, p, x), rtol=1e-12, atol=1e-12)


@each_cell
def test_the_gradient_of_the_shared_weight_is_the_sum_over_time(layer, formula, rng):
    """MAP I2: of the unrolled graph, in which every step has a copy of the weights of its own."""
    p, x = made(layer, rng), rng.normal(size=(1, STEPS, CHANNELS))
    with jax.enable_x64(True):
        p, x = jax.tree.map(jnp.asarray, (p, x))

        def unrolled(copies):
            carry = tuple(jnp.zeros((1, UNITS)) for _ in range(layer.cell().states))
            total = 0.0
            for t, own in enumerate(copies):
                z = x[:, t] @ own["weight"] + own["bias"][None]
                carry, _ = layer.cell().step(own, carry, z)
                total += (carry[0] ** 2).sum()
            return total

        by_step = jax.jit(jax.grad(unrolled))([p] * STEPS)
        summed = jax.tree.map(lambda *slopes: sum(slopes), *by_step)
        shared = jax.jit(jax.grad(lambda p: (layer(p, {}, x, EVALUATE)[0] ** 2).sum()))(p)
        for name, slope in shared.items():
            np.testing.assert_allclose(slope, summed[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("layer", "order"), [(LSTM, (0, 1, 3, 2)), (GRU, (0, 1, 2))])
def test_outputs_and_gradients_are_those_of_pytorch(layer, order):
    """As `tests/truths/pytorch.py` stored them: the gates as blocks of rows, in another order."""
    with np.load(Path(__file__).parents[1] / "truths" / "pytorch.npz") as stored:
        truth = {name.partition(".")[2]: stored[name] for name in stored if name.startswith(f"{layer.__name__}.")}

    def turned(name):
        parts = np.split(truth[name], len(order))
        return np.concatenate([parts[i].T for i in order], axis=-1)

    p = {"weight": turned("weight_ih_l0"), "weight_recurrent": turned("weight_hh_l0")}
    first, second = turned("bias_ih_l0"), turned("bias_hh_l0")
    if layer is LSTM:
        p["bias"] = first + second
    else:
        p["bias"] = np.concatenate([(first + second)[: 2 * UNITS], first[2 * UNITS :]])
        p["bias_recurrent"] = second[2 * UNITS :]

    def total(p, x):
        y, _ = layer(UNITS, "all")(p, {}, x, EVALUATE)
        return (y * truth["weighted"]).sum(), y

    with jax.enable_x64(True):
        whole = jax.value_and_grad(total, (0, 1), has_aux=True)
        (_, y), (slopes, dx) = whole(jax.tree.map(jnp.asarray, p), jnp.asarray(truth["x"]))
    close = functools.partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-12)
    close(y, truth["y"])
    close(dx, truth["dx"])
    close(slopes["weight"], turned("dweight_ih_l0"))
    close(slopes["weight_recurrent"], turned("dweight_hh_l0"))
    close(slopes["bias"][: 2 * UNITS], turned("dbias_ih_l0")[: 2 * UNITS])


def test_what_is_put_out(rng):
    x = jnp.asarray(rng.normal(size=(ROWS, STEPS, CHANNELS)), jnp.float32)
    params = drawn(LSTM(UNITS, both=True), np.random.default_rng(1), (STEPS, CHANNELS))[0]
    every, last, mean = (
        LSTM(UNITS, output, both=True)(params, {}, x, EVALUATE)[0] for output in ("all", "last", "mean")
    )
    assert every.shape == (ROWS, STEPS, 2 * UNITS)
    np.testing.assert_allclose(mean, every.mean(1), rtol=1e-6)
    # The last step of each direction: for the one that reads backwards it is the first.
    np.testing.assert_array_equal(last, np.concatenate([every[:, -1, :UNITS], every[:, 0, UNITS:]], axis=-1))
    # That direction is the layer with its weights on the row turned around.
    back = {name.removesuffix("_back"): value for name, value in params.items() if name.endswith("_back")}
    turned, _ = LSTM(UNITS, "all")(back, {}, x[:, ::-1], EVALUATE)
    np.testing.assert_allclose(every[..., UNITS:], turned[:, ::-1], rtol=1e-6, atol=1e-6)


def test_the_first_state_can_be_learned(rng):
    layer = LSTM(UNITS, initial="learned")
    params = drawn(layer, np.random.default_rng(0), (STEPS, CHANNELS))[0]
    x = jnp.asarray(rng.normal(size=(ROWS, STEPS, CHANNELS)), jnp.float32)
    slopes = jax.grad(lambda p: layer(p, {}, x, EVALUATE)[0].sum())(params)
    assert np.abs(slopes["initial_1"]).min() > 0
    assert np.abs(slopes["initial_2"]).min() > 0


def test_how_weights_start():
    params = drawn(LSTM(8, forget_bias=2.5), np.random.default_rng(0), (STEPS, CHANNELS))[0]
    assert params["bias"].reshape(4, 8)[:, 0].tolist() == [0, 2.5, 0, 0]
    for block in np.split(params["weight_recurrent"], 4, axis=1):
        np.testing.assert_allclose(block.T @ block, np.eye(8), atol=1e-5)
    one, two = (orthogonal(np.random.default_rng(seed), 5) for seed in (0, 1))
    assert np.abs(one - two).max() > 0.1


def test_rows_that_do_not_fit():
    with pytest.raises(InputError, match=r"^LSTM needs rows of shape \(steps, channels\), but gets \(5,\)$"):
        LSTM(3).output_shape((5,))
    with pytest.raises(InputError, match=r"^GRU: carry goes on from the row before, so it cannot stand beside both$"):
        GRU(3, both=True, carry=True).output_shape((5, 2))
    with pytest.raises(InputError, match=r"^Embedding needs rows of codes, \(steps,\), but gets \(5, 2\)$"):
        Embedding(3).output_shape((5, 2))


@functools.partial(jax.jit, static_argnames="train")
def run(network, params, states, x, train=False):
    return forward(network, params, fresh(states, len(x)), x, train=train).z[0]


@functools.partial(jax.jit, static_argnames=("network", "shape"))
def begin(network, shape):
    return initialize(network, 0, shape)


PADDED = {
    "recurrent": [Recurrent(3, "all"), LSTM(3, both=True)],
    "mean": [GRU(3, "all", both=True), GRU(3, "mean", reset="before")],
    "convolution": [Conv(4), ReLU(), Conv(4, padding="causal", dilation=2), MaxPool(), Conv(3), GlobalMaxPool()],
    "strided": [Conv(4, stride=2, padding="valid"), AveragePool(3, stride=1), GlobalAveragePool()],
    "residual": [Residual([Conv(5), LayerNorm(), ReLU(), Conv(5)]), GlobalAveragePool()],
    "each step": [Dense(4), BatchNorm(), ReLU(), LSTM(3)],
}


@pytest.mark.parametrize("kind", PADDED)
def test_padding_never_changes_a_result(kind, rng):
    codes = kind in ("recurrent", "residual")  # and frames in the others
    network = Network([Embedding(3, tokens=9) if codes else Frames(), *PADDED[kind]], Gaussian())
    long = rng.integers(1, 9, (4, 12)).astype(np.int32) if codes else rng.normal(size=(4, 12, 3)).astype(np.float32)
    params, states = begin(network, long.shape[1:])
    short = long.copy()
    short[:, 9:] = 0 if codes else np.nan
    for train in (False, True):
        whole = run(network, params, states, short[:, :9], train)
        np.testing.assert_allclose(run(network, params, states, short, train), whole, rtol=1e-5, atol=1e-6)
    assert np.abs(run(network, params, states, long) - whole).max() > 1e-4


@pytest.mark.slow
def test_padding_changes_no_gradient(rng):
    network = Network([Frames(), LSTM(4, "all", both=True), Conv(3), GRU(3, "mean", reset="before")], Gaussian())
    x = rng.normal(size=(4, 12, 3)).astype(np.float32)
    x[:, 9:] = np.nan
    params, states = begin(network, (12, 3))

    @functools.partial(jax.jit, static_argnames="network")
    def slopes(network, params, states, x):
        return jax.grad(lambda params: (run(network, params, states, x) ** 2).sum())(params)

    def same(one, other):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), one, other)

    same(slopes(network, params, states, x), slopes(network, params, states, x[:, :9]))
    network = Network([Frames(), LSTM(4, "all", both=True), GRU(3)], Gaussian())
    params, states = begin(network, (12, 3))
    x[:, 4] = np.nan  # a hole is passed over too
    same(slopes(network, params, states, x), slopes(network, params, states, np.delete(x, 4, axis=1)[:, :8]))


def test_a_row_without_steps_is_no_number_less_than_others():
    for layers in ([GlobalAveragePool()], [GlobalMaxPool()], [LSTM(3, "mean")], [LSTM(3)], [Flatten(), Dense(3)]):
        network = Network([Embedding(3, tokens=9), *layers], Gaussian())
        params, states = begin(network, (5,))
        assert np.isfinite(run(network, params, states, np.zeros((2, 5), np.int32))).all()


@pytest.mark.parametrize(
    "layer", [Conv(3, stride=2), Conv(3, padding="circular"), MaxPool(padding="same")], ids=lambda layer: repr(layer)
)
def test_what_depends_on_the_length_is_refused(layer):
    network = Network([Frames(), layer, GlobalMaxPool()], Gaussian())
    params, states = begin(network, (8, 3))
    with pytest.raises(InputError, match=r'rows have different lengths, on which .*; set padding to "valid"$'):
        forward(network, params, states, jnp.zeros((2, 8, 3)))


def test_memory_goes_on_where_the_row_before_ended(rng):
    layer = LSTM(UNITS, "all", carry=True)
    params, state = drawn(layer, np.random.default_rng(0), (STEPS, CHANNELS))
    x = jnp.asarray(rng.normal(size=(ROWS, 2 * STEPS, CHANNELS)), jnp.float32)
    whole, _ = LSTM(UNITS, "all")(params, {}, x, EVALUATE)
    empty = fresh({"lstm": state}, ROWS)["lstm"]
    one, after = layer(params, empty, x[:, :STEPS], At(train=True))
    two, _ = layer(params, after, x[:, STEPS:], At(train=True))
    np.testing.assert_allclose(np.concatenate([one, two], axis=1), whole, rtol=1e-5, atol=1e-6)
    # and no gradient flows into the row before
    slope = jax.grad(lambda x: layer(params, layer(params, empty, x, EVALUATE)[1], x[:, :1], EVALUATE)[0].sum())(x)
    assert np.abs(slope[:, 1:]).max() == 0


def gradients_of_the_start(layer, params, h, steps):
    """The norm of ∂h_t/∂h_0 for t = 1 … steps, of a layer without inputs."""
    cell, zero = layer.cell(), jnp.zeros((1, len(h) * layer.cell().blocks))
    norms = []

    def jacobian(carry, t):
        def ahead(h):
            moving = (h, *carry[1:])

            def step(_, carry):
                return cell.step(params, carry, zero + params["bias"][None])[0]

            return jax.lax.fori_loop(0, t, step, moving)[0][0]

        return jax.jit(jax.jacobian(ahead))(carry[0])[:, 0]

    for t in steps:
        norms.append(float(np.linalg.norm(jacobian((h[None],) * cell.states, t), 2)))
    return norms


@pytest.mark.parametrize("radius", [0.9, 1.05])
def test_gradients_follow_the_spectrum_of_the_recurrent_weight(radius, rng):
    """MAP I4: of a symmetric W = Q Λ Qᵀ, ‖∂h_t/∂h_0‖ is max |λ|^t for a linear net, and at most that with tanh."""
    weight = orthogonal(np.random.default_rng(0), 8)
    weight = jnp.asarray(weight @ np.diag(radius * np.linspace(0.2, 1, 8)) @ weight.T, jnp.float32)
    steps = [1, 10, 40, 100]
    h = jnp.asarray(rng.normal(size=8) * 0.5, jnp.float32)
    params = {"weight_recurrent": weight, "bias": jnp.zeros(8)}
    predicted = [radius**t for t in steps]
    linear = gradients_of_the_start(Recurrent(8, activation="linear"), params, h, steps)
    np.testing.assert_allclose(linear, predicted, rtol=1e-3)
    squashed = gradients_of_the_start(Recurrent(8), params, h, steps)
    assert all(found <= bound * 1.001 for found, bound in zip(squashed, predicted, strict=True))
    assert squashed[-1] < 0.98 * predicted[-1]


@pytest.mark.parametrize(("forget_bias", "low", "high"), [(5.0, 0.3, 1.0), (0.0, 0.0, 1e-25)])
def test_along_the_cell_of_an_lstm_the_gradient_is_the_product_of_its_gates(forget_bias, low, high):
    """MAP I5: ∂s_100/∂s_0 = Π f_t where nothing comes back through h: 0.9933^100 = 0.51, and ½^100 = 10^−30."""
    cell, units = LSTM(1).cell(), 3
    bias = jnp.zeros((4, units)).at[1].set(forget_bias).ravel()[None]
    weights = {"weight_recurrent": jnp.zeros((units, 4 * units))}

    def ahead(s):
        carry = (jnp.zeros((1, units)), s[None])
        return jax.lax.fori_loop(0, 100, lambda _, carry: cell.step(weights, carry, bias)[0], carry)[1][0]

    slope = float(jax.jit(jax.grad(lambda s: ahead(s)[0]))(jnp.ones(units))[0])
    assert slope == pytest.approx(expit(forget_bias) ** 100, rel=1e-3)
    assert low <= slope <= high


def test_the_gradient_is_reversed_and_scaled():
    layer = ReverseGradient(0.5)
    x = jnp.asarray([[1.0, -2.0]])
    y, _ = layer({}, {}, x, EVALUATE)
    np.testing.assert_array_equal(y, x)
    slope = jax.grad(lambda x: (layer({}, {}, x, EVALUATE)[0] ** 2).sum())(x)
    np.testing.assert_allclose(slope, [[-1.0, 2.0]])  # −½ · 2x


def test_embeddings_by_hand():
    few, many = Embedding(2, tokens=3), Embedding(2, tokens=300)
    weight = jnp.asarray([[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]])
    x = jnp.asarray([[2, 1, 0]], jnp.int32)
    expected = [[[3.0, 4.0], [1.0, 2.0], [0.0, 0.0]]]
    assert few({"weight": weight}, {}, x, EVALUATE)[0].tolist() == expected
    assert many({"weight": jnp.pad(weight, ((0, 297), (0, 0)))}, {}, x, EVALUATE)[0].tolist() == expected
    unpadded = Embedding(2, tokens=3, padding=False)
    assert unpadded({"weight": weight}, {}, x, EVALUATE)[0][0, 2].tolist() == [9.0, 9.0]
    assert unpadded.mask(x, None) is None
    assert few.mask(x, None).tolist() == [[True, True, False]]
