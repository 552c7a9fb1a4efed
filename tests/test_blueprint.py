"""A network resolved for the shape of one row: names, shapes, random bytes, and the keys of its weights."""

import numpy as np
import pytest

from phalanx import (
    LSTM,
    ActivityKL,
    BatchNorm,
    Columns,
    Conv,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    Gaussian,
    Head,
    InputError,
    Joint,
    Network,
    ReLU,
    Residual,
    Tied,
    WeightNoise,
)
from phalanx.blueprint import Blueprint, Noise
from phalanx.layers.dense import initial_weight
from phalanx.model import check_rows, initialize
from phalanx.network import OutputSize, complete, layers_of

HEADS = Joint([Head(Gaussian(), after="residual_1"), Head(Gaussian(), [Dense(3)])])
NESTED = complete(Network([Dense(4), Residual([Dense(5), ReLU()]), Dense(2)], HEADS), OutputSize(1), OutputSize(1))


def test_shapes_go_from_layer_to_layer_and_from_the_trunk_to_its_heads():
    plan = Blueprint.of(NESTED, (3,))
    assert [name for name, *_ in plan.layers] == [name for name, _ in layers_of(NESTED)]
    assert {name: (before, after) for name, _, before, after in plan.layers} == {
        "dense_1": ((3,), (4,)),
        "residual_1.dense_1": ((4,), (5,)),
        "residual_1.relu_1": ((5,), (5,)),
        "residual_1": ((4,), (5,)),
        "dense_2": ((5,), (2,)),
        "head_1.output": ((5,), (1,)),
        "head_2.dense_1": ((2,), (3,)),
        "head_2.output": ((3,), (1,)),
    }


def test_a_layer_starts_from_the_stream_of_its_place():
    params, _ = initialize(NESTED, 7, (3,))
    for i, name, rule, shape in ((0, "dense_1", "he", (3, 4)), (3, "residual_1", "glorot", (4, 5))):
        drawn = initial_weight(rule, np.random.default_rng([7, i]), shape, *shape)
        np.testing.assert_array_equal(params[name]["weight"], drawn.astype(np.float32))
    last = initial_weight("glorot", np.random.default_rng([7, 7]), (3, 1), 3, 1)
    np.testing.assert_array_equal(params["head_2.output"]["weight"], last.astype(np.float32))


def test_noise_is_counted_at_the_shape_that_reaches_a_layer():
    layers = [Dropout(), Dense(3), Dropout(), ReLU(), DropConnect(Dense(2))]
    plan = Blueprint.of(Network(layers, Gaussian(), [WeightNoise(0.1)]), (4,))
    weights = {"dense_1": {"weight": np.zeros((4, 3)), "bias": np.zeros(3)}}
    expected = Noise({"dropout_1": 4, "dropout_2": 3}, {"drop_connect_1": 6}, {"weight_noise_1": 24})
    assert plan.noise(weights) == expected


@pytest.mark.parametrize(
    ("layers", "shape", "widest"),
    [
        ([Conv(8), Flatten(), Dense(2)], (6, 6, 1), 288),  # 6 · 6 · 8
        ([Columns((3, 4)), Dense(2), Dense(2)], ((2,), (2,)), 7),  # 2 numbers, 2 and 3 categories; not the table itself
        ([Dense(2), Dense(9)], (5,), 5),  # what no layer takes is not counted
    ],
)
def test_the_widest_input_of_a_layer(layers, shape, widest):
    assert Blueprint.of(Network(layers, Gaussian()), shape).widest == widest


@pytest.mark.parametrize(
    ("network", "shape", "whole"),
    [
        (Network([Dense(2), Dropout()], Gaussian()), (3,), False),
        (Network([BatchNorm()], Gaussian()), (3,), True),
        (Network([Residual([DropConnect(BatchNorm())])], Gaussian()), (3,), True),
        (Network([LSTM(2)], Gaussian()), (4, 3), True),
        (Network([Dense(2)], Gaussian(), [ActivityKL(on=["dense_1"])]), (3,), True),
    ],
)
def test_batches_are_whole_where_rows_see_each_other(network, shape, whole):
    assert Blueprint.of(network, shape).keeps_batches_whole == whole


def test_what_a_regularizer_cannot_take_is_said_before_training():
    network = complete(Network([Dense(2), Dense(3)], Gaussian(), [Tied(on=["dense_1", "dense_2"])]), OutputSize(1))
    with pytest.raises(InputError, match=r"^Tied: the weight of `dense_2` has shape \(2, 3\), but that of "):
        check_rows(network, np.zeros((1, 5), np.float32))
