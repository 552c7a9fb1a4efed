"""Layers around another answer every question as it does, and compute the same where they draw nothing."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import (
    LSTM,
    Conv,
    Dense,
    DropConnect,
    Embedding,
    Gaussian,
    GlobalAveragePool,
    InputError,
    Network,
    Residual,
)
from phalanx.layers import Layer, Wrapper
from phalanx.model import check_rows, forward, fresh, initialize
from phalanx.network import layers_of

OWN = ("inner", "sizes", "live")  # a wrapper is of one size, whatever it wraps
QUESTIONS = [name for name, held in vars(Layer).items() if isinstance(held, property) and name not in OWN]


def test_every_question_is_passed_on():
    methods = {name for name, held in vars(Layer).items() if callable(held) and not name.startswith("__")}
    own = {"output_shape", "init", "noise", "shared_noise", "mask", "carried"}
    assert methods & own == own
    assert {*QUESTIONS, *own, "inner"} <= set(vars(Wrapper))


def test_a_wrapped_layer_answers_as_itself(any_layer, table_of):
    x, shape = table_of(any_layer, 2)
    wrapped = DropConnect(any_layer, 0.5)
    for name in QUESTIONS:
        np.testing.assert_equal(getattr(wrapped, name), getattr(any_layer, name), name)
    assert wrapped.noise(shape) == any_layer.noise(shape)
    assert wrapped.output_shape(shape) == any_layer.output_shape(shape)
    plain, around = (Network([dataclasses.replace(layer, name="it")], Gaussian()) for layer in (any_layer, wrapped))
    assert [name for name, _ in layers_of(plain)] == [name for name, _ in layers_of(around)]

    def program(network):
        def run(params, states, x):
            return forward(network, params, fresh(states, 2), x)

        return str(jax.make_jaxpr(run)(*initialize(network, 0, shape), x))

    jax.tree.map(np.testing.assert_array_equal, *(initialize(network, 0, shape) for network in (around, plain)))
    assert program(around) == program(plain)  # the same computations


@pytest.mark.parametrize("layer", [LSTM(4), Conv(3, 3, padding="valid"), Residual([LSTM(3, "all"), Dense(4)])])
def test_padding_is_passed_over_in_a_wrapped_layer(layer):
    x = jnp.array([[1, 2, 3, 1, 0, 0, 0], [3, 2, 1, 2, 3, 1, 2]])

    def out(held):
        ends = [] if isinstance(held, LSTM) or getattr(held, "layer", None) == LSTM(4) else [GlobalAveragePool()]
        network = Network([Embedding(4, tokens=4), held, *ends], Gaussian())
        params, states = initialize(network, 0, (7,))
        return forward(network, params, states, x).z[0]

    np.testing.assert_array_equal(out(layer), out(DropConnect(layer, 0.5)))


def test_weights_inside_a_wrapped_layer_are_dropped():
    layer = DropConnect(Residual([Dense(4)]), 0.25)
    (inside,) = layer.inner
    assert isinstance(inside, DropConnect)
    assert (inside.layer, inside.rate, inside.name) == (Dense(4), 0.25, "dense_1")
    assert inside.shared_noise((4,)) == 16
    assert dataclasses.replace(layer, rate=0.5).inner[0].rate == 0.5


@pytest.mark.parametrize("layer", [Embedding(4), LSTM(3), Dense(2)])
def test_a_layer_of_arrays_says_that_it_takes_no_table(layer):
    table = (np.zeros((3, 2), np.float32), np.zeros((3, 1), np.int32))
    with pytest.raises(InputError, match=r"needs rows of one array, but gets a table's numbers and codes; put Columns"):
        check_rows(Network([layer], Gaussian()), table)
