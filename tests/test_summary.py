"""What a network consists of, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from phalanx import (
    LSTM,
    RBF,
    BatchNorm,
    Branches,
    Classifier,
    Columns,
    Conv,
    Dense,
    DropConnect,
    Embedding,
    Flatten,
    Gaussian,
    Head,
    InputError,
    Joint,
    LanguageModel,
    Maxout,
    MaxPool,
    Multinoulli,
    Network,
    PReLU,
    Recurrent,
    ReLU,
    Residual,
    Tanh,
    Tied,
    choice,
    load,
    summary,
)
from phalanx.config import Config
from phalanx.data import Column
from phalanx.kinds.codes.encoder import CodeEncoder
from phalanx.kinds.folds import FoldEncoder
from phalanx.kinds.images.encoder import ImageEncoder
from phalanx.kinds.mixed.encoder import ColumnPart, MixedEncoder, part_of_table
from phalanx.kinds.registry import prepare
from phalanx.kinds.sequences.encoder import SequenceEncoder
from phalanx.kinds.sounds.encoder import SoundEncoder
from phalanx.kinds.sounds.file import Sound
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts.encoder import TextEncoder
from phalanx.model import row_shape


def counted(layers, shape, likelihood=None, regularizers=(), outputs=None):
    """The layers with weights of a network: parameters, connections of a unit, products; and the whole summary."""
    told = summary(Network(layers, likelihood or Gaussian(), regularizers), shape, outputs)
    found = {one.layer: (one.parameters, one.fan_in, one.multiply_adds) for one in told.layers if one.parameters}
    return found, told


@pytest.mark.row("A4")
def test_dense():
    found, told = counted([Dense(5), ReLU(), Dense(4, bias=False)], (3,), Multinoulli(), outputs=2)
    # 3·5 weights and 5 biases; 5·4 weights; 4·2 weights and 2 biases
    assert found == {"dense_1": (20, 3, 15), "dense_2": (20, 5, 20), "output": (10, 4, 8)}
    assert (told.parameters, told.multiply_adds, told.bytes, told.depth) == (50, 43, 200, 3)
    assert told.fan_in == pytest.approx((5 * 3 + 4 * 5 + 2 * 4) / (5 + 4 + 2))
    assert [one.output for one in told.layers] == [(5,), (5,), (4,), (2,)]


@pytest.mark.row("A4")
def test_convolution():
    found, told = counted([Conv(8, 3, stride=2, groups=2), BatchNorm(), MaxPool(), Flatten()], (6, 10, 4), outputs=1)
    # A kernel sees 3·3 places of 4/2 channels; there are 3·5 places; pooled 1·2 of 8 channels make 16 numbers.
    assert found == {
        "conv_1": (3 * 3 * 2 * 8 + 8, 18, 3 * 5 * 8 * 18),
        "batch_norm_1": (16, None, 0),
        "output": (17, 16, 16),
    }
    assert [one.output for one in told.layers] == [(3, 5, 8), (3, 5, 8), (1, 2, 8), (16,), (1,)]


@pytest.mark.row("A4")
def test_recurrence():
    # Each of 4 gates of a unit sees 4 inputs and 6 units: 40 weights and 4 biases; 7 steps, two directions.
    found, told = counted([LSTM(6, both=True)], (7, 4), outputs=1)
    assert found == {"lstm_1": (2 * 6 * 44, 40, 7 * 2 * 6 * 40), "output": (13, 12, 12)}
    assert told.depth == 2
    every, _ = counted([Recurrent(6, "all", initial="learned")], (7, 4))
    assert every == {"recurrent_1": (6 * (4 + 6 + 1) + 6, 10, 7 * 60)}


@pytest.mark.row("A4")
def test_residual():
    found, told = counted([Residual([Conv(8), ReLU(), Conv(8)]), Residual([Conv(4, stride=2)])], (4, 4, 8))
    assert found == {
        "residual_1.conv_1": (584, 72, 16 * 8 * 72),
        "residual_1.conv_2": (584, 72, 16 * 8 * 72),
        "residual_2.conv_1": (292, 72, 4 * 4 * 72),
        "residual_2": (32, 8, 4 * 4 * 8),  # the projection of 8 channels to 4, beside the convolution
    }
    assert told.depth == 3


@pytest.mark.row("A4")
def test_heads():
    heads = Joint([Head(Multinoulli(), [Dense(3)], "dense_1"), Head(Gaussian())])
    found, told = counted([Dense(4), Tanh(), Dense(6)], (2,), heads, outputs=[5, 1])
    assert found == {
        "dense_1": (12, 2, 8),
        "dense_2": (30, 4, 24),
        "head_1.dense_1": (15, 4, 12),
        "head_1.output": (20, 3, 15),
        "head_2.output": (7, 6, 6),
    }
    assert told.depth == 3  # on both ways: dense_1 and two of the head, or dense_1, dense_2 and its output


def test_units_of_other_kinds():
    found, _ = counted([RBF(5), PReLU(), Maxout(4, pieces=3), DropConnect(Dense(2))], (3,))
    assert found == {
        "rbf_1": (15, 3, 15),
        "prelu_1": (5, None, 0),
        "maxout_1": (5 * 12 + 12, 15, 60),
        "drop_connect_1": (10, 4, 8),
    }


def test_vectors_that_are_looked_up_are_no_connections():
    parts = Branches([[Columns((3, 12), embedding=2)], [Embedding(4, tokens=9), Recurrent(5)]])
    found, told = counted([parts], (((1,), (2,)), (6,)), outputs=1)
    assert found == {
        "branches_1.branch_1.columns_1": (24, None, 0),
        "branches_1.branch_2.embedding_1": (36, None, 0),
        "branches_1.branch_2.recurrent_1": (5 * 10, 9, 6 * 45),
        "output": (11, 10, 10),  # one number, 2 of few categories, 2 of many, 5 units
    }
    assert told.depth == 2  # the longer of two branches, and the output


def test_branches_are_as_deep_as_the_deepest():
    _, told = counted([Branches([[Dense(2)], [Dense(2), Dense(2), Dense(2)]]), Dense(1)], ((3,), (3,)))
    assert told.depth == 4


def test_shared_weights_are_learned_once_and_used_each_time():
    found, told = counted([Dense(4), Dense(4)], (4,), None, [Tied(on=("dense_1", "dense_2"))])
    assert found == {"dense_1": (20, 4, 16), "dense_2": (4, 4, 16)}
    assert (told.parameters, told.multiply_adds, told.depth) == (24, 32, 2)


@pytest.mark.row("C6")
@pytest.mark.parametrize(("hidden", "deep"), [(3, False), (4, True)])
def test_five_layers_are_deep(hidden, deep):
    _, told = counted([Dense(3), ReLU()] * hidden, (3,), outputs=1)
    assert (told.depth, told.deep) == (hidden + 1, deep)
    assert ("a deep network" in repr(told)) == deep


def test_what_is_shown():
    _, told = counted([Conv(8), Flatten(), Dense(1000)], (28, 28, 1), outputs=1)
    text = repr(told)
    lines = [line.split("  ") for line in text.splitlines()]
    shown = {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}
    assert text.startswith("A row is 28 x 28 x 1\n")
    assert shown["conv_1"] == ["Conv", "28 x 28 x 8", "80", "9", "0.09 %", "56,448", "320 B"]
    assert shown["dense_1"] == ["Dense", "1,000", "6,273,000", "6,272", "62.7 %", "6,272,000", "25.1 MB"]
    assert shown["total"] == ["6,274,081", "6,329,448", "25.1 MB"]
    mean = (6272 * 9 + 1000 * 6272 + 1000) / 7273
    assert f"{mean:.1f} on average, 6,272 at most; a neuron of the human brain has about 10,000" in text
    assert told.frame.loc[0, "parameters"] == 80
    assert told.frame["fan_in"].isna().tolist() == [False, True, False, False]


def test_the_shape_of_a_row_is_that_of_rows():
    network = Network([Dense(4)], Gaussian())
    assert summary(network, np.zeros((9, 3))) == summary(network, (3,)) == summary(network, [3])
    forked = Network([Branches([[Dense(2)], [Dense(2)]])], Gaussian())
    assert summary(forked, (np.zeros((9, 3)), np.zeros((9, 4)))) == summary(forked, ((3,), (4,)))


@pytest.mark.parametrize(
    ("network", "rows", "outputs", "said"),
    [
        ([Dense(3)], (3,), None, r"^summary takes a Network, but gets list; a fitted estimator has a method summary"),
        (Network([Dense(choice(2, 3))], Gaussian()), (3,), None, "is of one network, but this one holds distributions"),
        (Network([Dense(3)], Gaussian()), 3, None, r"^rows is 3, but must be the shape of a row, such as \(28, 28, 1"),
        (Network([Dense(3)], Gaussian()), (-3,), None, r"^rows holds -3, but must be whole numbers from 0"),
        (Network([Conv(3)], Gaussian()), (28,), None, r"^conv_1: "),
        (Network([Dense(3)], Gaussian()), (3,), 0, r"^outputs holds 0, but must be whole numbers from 1"),
        (Network([Dense(3)], Gaussian()), (3,), [1, 1], r"^the likelihood has 1 head for 2 targets"),
    ],
)
def test_what_cannot_be_summarized(network, rows, outputs, said):
    with pytest.raises(InputError, match=said):
        summary(network, rows, outputs)


def test_of_an_estimator_its_members_and_what_it_saved(tmp_path, rng):
    X, y = rng.normal(size=(40, 3)), np.tile(["a", "b", "c"], 14)[:40]
    net = Classifier([Dense(choice(2, 5)), Tanh()], trials=2, design="grid", max_rounds=1).fit(X, y)
    told = {member.id: member.estimator.summary() for member in net.members_}
    assert [one.parameters for one in told.values()] == [3 * 2 + 2 + 2 * 3 + 3, 3 * 5 + 5 + 5 * 3 + 3]
    assert net.summary() == told[net.best_.id]
    net.save(tmp_path / "run")
    opened = load(tmp_path / "run")
    assert opened.summary() == net.summary()
    assert {id_: one.summary() for id_, one in opened.members.items()} == {id_: told[id_] for id_ in opened.members}


def test_of_a_language_model(tmp_path):
    net = LanguageModel([LSTM(3)], steps=8, max_rounds=1, batch_size=4).fit("hello " * 200)
    told = net.summary()
    assert told.rows == (1,)  # a token
    lstm = next(one for one in told.layers if one.kind == "LSTM")
    inputs = next(one for one in told.layers if one.kind == "Embedding").output[-1]
    assert (lstm.fan_in, lstm.multiply_adds) == (4 * (inputs + 3), 3 * 4 * (inputs + 3))
    net.save(tmp_path / "run")
    assert load(tmp_path / "run").summary() == told


def _objects(*rows):
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


def _encoders(rng):
    """Encoders of each kind of rows, with rows that they take."""
    frame = pd.DataFrame({"x": [1.0, None, 3.0], "c": ["a", "b", "c"], "t": ["one two", "two", "one"]})
    table = TableEncoder.fit([Column("x", "number", ""), Column("c", "category", "")], frame)
    text = TextEncoder.fit(frame["t"].to_numpy(object))
    images = rng.integers(0, 255, (3, 4, 5, 1)).astype(np.uint8)
    sounds = _objects(*(Sound(8000, rng.normal(size=n).astype(np.float32)) for n in (900, 1600)))
    steps = _objects(rng.normal(size=(4, 2)), rng.normal(size=(6, 2)))
    yield table, frame
    yield FoldEncoder((table, table)), frame
    yield text, frame["t"].to_numpy(object)
    yield MixedEncoder((part_of_table(table), ColumnPart("t", "texts", text))), frame
    yield ImageEncoder.fit(images), images
    yield SoundEncoder.fit(sounds), sounds
    yield SequenceEncoder.fit(steps), steps
    yield CodeEncoder.fit(np.array([[3, 1, -1]])), np.array([[3, 1, -1]])


def test_every_encoder_knows_the_shape_of_its_rows(rng, tmp_path):
    for encoder, rows in _encoders(rng):
        made = encoder.transform(rows)
        parts = made.parts if isinstance(encoder, FoldEncoder) else (made,)
        assert [encoder.row_shape] == [row_shape(part) for part in parts[:1]], type(encoder).__name__
    walk = rng.normal(size=80).cumsum()
    pd.DataFrame({"y": walk, "z": walk[::-1]}).to_csv(tmp_path / "walk.csv", index=False)
    prepared = prepare(Config(source=str(tmp_path / "walk.csv"), forecast="y", horizon=2))
    assert prepared.encoder.row_shape == row_shape(prepared.task.rows.x)
