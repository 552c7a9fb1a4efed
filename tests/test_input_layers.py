"""The layer that takes the data: each network that is drawn has one, and it knows what the data say."""

import numpy as np
import pytest

from phalanx import (
    GRU,
    Adam,
    Classifier,
    Dense,
    DropConnect,
    Embedding,
    Flatten,
    GlobalAveragePool,
    Network,
    Pixels,
    ReLU,
    choice,
    repeat,
    uniform,
)
from phalanx.data import ClassTarget, Goal
from phalanx.data.encoded import Encoded
from phalanx.experiment import Settings, draws
from phalanx.layers import Columns, bare
from phalanx.likelihoods import Bernoulli
from phalanx.metrics import metric_named
from phalanx.problem import Problem
from phalanx.search.effort import Size
from phalanx.task import FoldRows

GOALS = (Goal(("y",), (ClassTarget(("a", "b")),)),)
ROWS = np.arange(8)


def problem(inputs, entry):
    return Problem((inputs,), GOALS, (ROWS % 2,), (FoldRows(ROWS[:6], ROWS[6:]),), entry, Size(1, 1, 1, 1))


def drawn(layers, given, trials=8):
    settings = Settings(metric_named(None, GOALS), trials=trials)
    found = draws(Network(layers, Bernoulli()), given.input_layer, settings, trials)
    given.networks([draw.spec for draw in found])
    return found


WORDS = problem(np.ones((8, 5), np.int32), Embedding(32, 100))
TABLE = problem(Encoded(np.ones((8, 2), np.float32), np.ones((8, 1), np.int32)), Columns((3,)))
IMAGES = problem(np.ones((8, 4, 4, 1), np.uint8), Pixels(90.0, 40.0))


@pytest.mark.parametrize(
    "layers",
    [
        [choice(Embedding(8), Embedding(16)), GlobalAveragePool()],
        [choice([Embedding(8), GRU(8)], [Embedding(4), GlobalAveragePool()])],
        [choice([Embedding(8), GRU(8)], [GRU(8)])],
        [repeat(1, [Embedding(8)]), GlobalAveragePool()],
    ],
)
def test_the_embedding_of_texts_may_be_searched(layers):
    for draw in drawn(layers, WORDS):
        assert [type(layer) for layer in draw.spec.layers].count(Embedding) == 1
        assert draw.spec.layers[0].tokens == 100


@pytest.mark.parametrize(
    "first",
    [
        DropConnect(Embedding(8), 0.1),
        DropConnect(DropConnect(Embedding(8)), 0.1),
        choice(DropConnect(Embedding(8), 0.1), DropConnect(Embedding(4), 0.1)),
        DropConnect(choice(Embedding(8), Embedding(4)), 0.1),
    ],
)
def test_an_embedding_inside_another_layer_takes_the_codes(first):
    for draw in drawn([first, GlobalAveragePool()], WORDS):
        assert [type(layer) for layer in draw.spec.layers] == [DropConnect, GlobalAveragePool]
        assert bare(draw.spec.layers[0]).tokens == 100


def test_codes_are_learned_from_by_an_embedding_whose_weights_are_dropped(rng):
    X = rng.integers(1, 7, (200, 5))
    y = X[:, 0] > 3
    layers = [DropConnect(Embedding(8), 0.1), Flatten(), Dense(8), ReLU()]
    net = Classifier(layers, optimizer=Adam(0.02), max_rounds=40, random_state=0).fit(X, y)
    assert net.score(X, y) > 0.9


@pytest.mark.parametrize(
    "layers",
    [
        [choice(Columns(one_hot=2), Columns(one_hot=9)), Dense(4)],
        [choice([Columns(frequencies=4), Dense(4)], [Dense(8), ReLU()])],
    ],
)
def test_the_columns_of_tables_may_be_searched(layers):
    for draw in drawn(layers, TABLE):
        assert [type(layer) for layer in draw.spec.layers].count(Columns) == 1
        assert draw.spec.layers[0].cardinalities == (3,)


def test_what_a_person_says_of_pixels_stays_and_the_data_say_the_rest():
    pixels = [draw.spec.layers[0] for draw in drawn([Pixels(0.7, 3.0), Flatten()], IMAGES)]
    assert {(layer.mean, layer.deviation) for layer in pixels} == {(0.7, 3.0)}
    pixels = [draw.spec.layers[0] for draw in drawn([Pixels(deviation=255.0), Flatten()], IMAGES)]
    assert {(layer.mean, layer.deviation) for layer in pixels} == {(90.0, 255.0)}
    draws = drawn([Pixels(choice(0.0, 50.0), uniform(1.0, 3.0)), Flatten()], IMAGES)
    assert {draw.values["layers.pixels_1.mean"] for draw in draws} == {0.0, 50.0}
    assert {draw.spec.layers[0].mean for draw in draws} == {0.0, 50.0}
    assert len({draw.spec.layers[0].deviation for draw in draws}) == 8
