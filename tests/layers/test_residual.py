"""Residual blocks: their sum against NumPy, and layers inside a layer in all that a network does with its layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from phalanx import (
    L2,
    SGD,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Gaussian,
    GlobalAveragePool,
    Multinoulli,
    Network,
    ReLU,
    Residual,
    Tanh,
    choice,
    uniform,
)
from phalanx.blueprint import Blueprint, Noise
from phalanx.errors import InputError
from phalanx.layers import EVALUATE
from phalanx.model import Batch, check_rows, cost, forward, initialize
from phalanx.network import OutputSize, complete, layers_of
from phalanx.parts.plain import from_plain, to_plain
from phalanx.population.batches import Fold
from phalanx.population.diagnostics import COLUMNS
from phalanx.population.train import train
from phalanx.population.trial import Trial
from phalanx.search.space import is_space, resolve


def net(*layers, **named):
    return Network(list(layers), Gaussian(), **named)


def through(network, params, x, **named):
    _, states = initialize(network, 0, x.shape[1:])
    run = jax.jit(
        lambda params, states, x: forward(network, params, states, x, **named),
        compiler_options={"xla_backend_optimization_level": 0},  # it runs once
    )
    return run(params, states, jnp.asarray(x))


def started(network, shape):
    return initialize(network, 0, shape)[0]


def test_the_input_is_added_to_what_the_layers_make_of_it(rng):
    network, x = net(Residual([Dense(4), Tanh(), Dense(3)])), rng.normal(size=(5, 3)).astype(np.float32)
    params = started(network, (3,))
    assert list(params) == ["residual_1.dense_1", "residual_1.tanh_1", "residual_1.dense_2", "residual_1"]
    assert params["residual_1"] == {}  # the shape stays: no projection
    first, second = (np.float64(params[f"residual_1.dense_{i}"]["weight"]) for i in (1, 2))
    np.testing.assert_allclose(through(network, params, x).z[0], np.tanh(x @ first) @ second + x, rtol=1e-4, atol=1e-5)


def test_no_layers_double_the_input():
    x = np.array([[1.0, -2.0]], np.float32)
    network = net(Residual([]))
    params, states = initialize(network, 0, (2,))
    assert (params, states) == ({"residual_1": {}}, {"residual_1": {}})
    assert through(network, params, x).z[0].tolist() == [[2.0, -4.0]]


@pytest.mark.parametrize(
    ("inside", "shape", "out", "steps"),
    [
        (Dense(5), (3,), (5,), ()),
        (Conv(6), (5, 4, 3), (5, 4, 6), (1, 1)),
        (Conv(2, stride=(3, 1)), (7, 4, 3), (3, 4, 2), (3, 1)),
        (Conv(5, stride=2), (9, 4), (5, 5), (2,)),
    ],
)
def test_where_the_shape_changes_the_input_is_projected(inside, shape, out, steps, rng):
    network, x = net(Residual([inside])), rng.normal(size=(2, *shape)).astype(np.float32)
    params = started(network, shape)
    weight = params["residual_1"]["weight"]
    assert weight.shape == (shape[-1], out[-1])
    (name,) = set(params) - {"residual_1"}
    alone, _ = inside(params[name], {}, jnp.asarray(x), EVALUATE)
    first_of_each = np.float64(x[(slice(None), *(slice(None, None, s) for s in steps))])
    y = through(network, params, x).z[0]
    assert y.shape == (2, *out)
    np.testing.assert_allclose(y, np.float64(alone) + first_of_each @ np.float64(weight), rtol=1e-4, atol=1e-5)


def test_the_projection_starts_with_glorot_weights():
    weight = started(net(Residual([Dense(200)])), (100,))["residual_1"]["weight"]
    assert np.abs(weight).max() <= 0.02**0.5  # √(6 / (100 + 200))
    assert np.var(weight) == pytest.approx(2 / 300, rel=0.05)


def test_gradients_are_finite_differences(rng):
    network = net(Residual([Conv(2, stride=2), Tanh()]))
    with jax.enable_x64(True):
        params = jax.tree.map(np.float64, started(network, (4, 5, 3)))
        states = {name: {} for name in params}
        of = jax.jit(lambda params, x: forward(network, params, states, x, train=True).z[0])
        x = rng.normal(size=(2, 4, 5, 3))
        check_grads(of, (params, x), order=1, modes=["rev"], eps=1e-6, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("block", "shape", "made"),
    [
        (Residual([Conv(3, padding="valid")]), (6, 6, 1), "(6, 6, 1) into (4, 4, 3)"),
        (Residual([Flatten()]), (2, 2, 3), "(2, 2, 3) into (12,)"),
        (Residual([GlobalAveragePool()]), (2, 2, 3), "(2, 2, 3) into (3,)"),
    ],
)
def test_what_no_projection_matches_is_said(block, shape, made):
    with pytest.raises(InputError) as caught:
        check_rows(net(block), np.zeros((1, *shape), np.float32))
    assert str(caught.value) == (
        f"residual_1: Residual: its layers turn rows of shape {made}, which no projection of the input matches; "
        "keep the axes, and let the places be ⌈places / stride⌉, as with padding same"
    )


def test_a_layer_inside_that_does_not_fit_is_named():
    with pytest.raises(
        InputError, match=r"^residual_1\.conv_1: Conv: a kernel of 9 places does not fit an axis of 6; "
    ):
        check_rows(net(Residual([Conv(3, 9, padding="valid")])), np.zeros((1, 6, 6, 1), np.float32))


NESTED = Residual([Dense(4), Residual([Dense(4), Tanh()], name="deep")])


def test_residuals_may_stand_inside_each_other(rng):
    network, x = net(NESTED), rng.normal(size=(3, 4)).astype(np.float32)
    names = [name for name, _ in layers_of(network)]
    assert names == [
        "residual_1.dense_1",
        "residual_1.deep.dense_1",
        "residual_1.deep.tanh_1",
        "residual_1.deep",
        "residual_1",
    ]
    params, states = initialize(network, 0, (4,))
    assert list(params) == list(states) == names
    outer, deep = (np.float64(params[f"residual_1.{name}"]["weight"]) for name in ("dense_1", "deep.dense_1"))
    h = x @ outer
    h = np.tanh(h @ deep) + h
    passed = through(network, params, x, keep=["residual_1.deep"])
    np.testing.assert_allclose(passed.kept["residual_1.deep"], h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(passed.z[0], h + x, rtol=1e-4, atol=1e-5)


def test_layers_inside_start_with_weights_of_their_own():
    params = started(net(Residual([Dense(4), Dense(4)]), Residual([Dense(4)])), (4,))
    weights = [np.asarray(held["weight"]) for held in params.values() if held]
    assert len({weight.tobytes() for weight in weights}) == len(weights) == 3


def test_a_regularizer_names_a_layer_inside():
    network = complete(
        net(Residual([Dense(2, bias=False)]), regularizers=[L2(0.1, on=("residual_1.dense_1",))]), OutputSize(1)
    )
    params = {
        "residual_1.dense_1": {"weight": jnp.array([[1.0, 2.0], [0.0, 3.0]])},
        "residual_1": {},
        "output": {"weight": jnp.array([[5.0], [5.0]]), "bias": jnp.zeros(1)},
    }
    rows = Batch(jnp.ones((1, 2)), (jnp.ones((1, 1)),), jnp.ones(1))
    value, (data, _) = cost(network, params, {name: {} for name in params}, rows, Noise({}, {}, {}))
    assert value - data == pytest.approx(0.5 * 0.1 * (1 + 4 + 9), rel=1e-4)
    with pytest.raises(InputError, match=r"^L2: on: unknown layer `residual_1\.dense_2`; "):
        complete(net(Residual([Dense(2)]), regularizers=[L2(0.1, on=("residual_1.dense_2",))]), OutputSize(1))


def test_a_projection_is_penalized_and_layers_inside_are_too_where_none_is_named():
    network = net(Residual([Dense(2)]), regularizers=[L2(0.2)])
    params = started(network, (3,))
    expected = sum(float((np.float64(held["weight"]) ** 2).sum()) for held in params.values())
    penalty = network.regularizers[0].penalty(params, {})
    assert penalty == pytest.approx(0.1 * expected, rel=1e-5)


def test_noise_reaches_the_layer_inside():
    network = net(Residual([Dropout(0.5)]))
    assert Blueprint.of(network, (4,)).noise({}) == Noise({"residual_1.dropout_1": 4}, {}, {})
    noise = Noise({"residual_1.dropout_1": jnp.array([[0, 255, 0, 255]], jnp.uint8)}, {}, {})
    passed = through(network, started(network, (4,)), np.ones((1, 4), np.float32), noise=noise, train=True)
    assert passed.z[0].tolist() == [[1, 3, 1, 3]]  # dropped or doubled, and the input


def test_the_state_of_a_layer_inside_moves():
    network, x = net(Residual([BatchNorm(0.75)])), np.array([[0.0, 2.0], [4.0, 2.0]], np.float32)
    params, states = initialize(network, 0, (2,))
    assert {name: sorted(held) for name, held in states.items()} == {
        "residual_1.batch_norm_1": ["mean", "variance"],
        "residual_1": [],
    }
    moved = forward(network, params, states, jnp.asarray(x), train=True).states["residual_1.batch_norm_1"]
    np.testing.assert_allclose(moved["mean"], [0.5, 0.5])  # 0.25 · 2
    np.testing.assert_allclose(moved["variance"], [1.75, 0.75])  # 0.75 · 1 + 0.25 · (4, 0)
    jax.tree.map(np.testing.assert_array_equal, forward(network, params, states, jnp.asarray(x)).states, states)


def test_layers_inside_have_diagnostics_and_train(rng):
    x = rng.normal(size=(60, 3)).astype(np.float32)
    rows = Batch(x, ((x[:, 0] > 0).astype(np.int32),), np.ones(60, np.float32))
    block = Residual([Dense(3), BatchNorm(), ReLU(), Dropout(0.1)])
    network = complete(Network([block], Multinoulli(), optimizer=SGD(0.1), batch_size=10), OutputSize(2))
    (member,) = train([Trial(network, 1)], rows, [Fold(np.arange(40), np.arange(40, 60), 0)], max_rounds=3).members
    names = [name for name, _ in layers_of(network)]
    found = {name: dict(zip(COLUMNS, v, strict=True)) for name, v in zip(names, member.layers[-1], strict=True)}
    assert set(member.params) == set(found)
    assert found["residual_1.dense_1"]["gradient_norm"] > 0
    assert 0 <= found["residual_1.relu_1"]["dead"] <= 1
    assert np.isnan(found["residual_1"]["gradient_norm"])  # it has no parameters
    assert not np.allclose(member.states["residual_1.batch_norm_1"]["mean"], 0)
    curve = np.array(member.curve)
    assert curve[-1, 0] < curve[0, 0]


def test_a_specification_comes_back_from_plain_data():
    network = net(Residual([Conv(4, (3, 1)), choice(ReLU(), Tanh()), NESTED]), Residual([], name="empty"))
    assert from_plain(to_plain(network)) == network
    assert eval(repr(NESTED), {"Residual": Residual, "Dense": Dense, "Tanh": Tanh}) == NESTED


def test_a_choice_inside_is_drawn_under_its_path():
    space = net(Residual([choice(ReLU(), [Dense(4), Dropout(uniform(0.1, 0.5))])]))
    assert is_space(space)
    asked = []

    def pick(path, distribution, shapes):
        asked.append((path, shapes))
        return distribution.options[1] if shapes else distribution.at(0.0)

    assert resolve(space, pick) == net(Residual([Dense(4), Dropout(0.1)]))
    assert asked == [
        ("layers.residual_1.layers.choice_1", True),
        ("layers.residual_1.layers.choice_1.tuple_1.dropout_1.rate", False),
    ]


def test_what_is_no_layer_is_refused():
    with pytest.raises(InputError, match=r"^Residual: layers holds 3, but must be a Layer$"):
        Residual([Dense(3), 3])
