"""Paths name every place inside a specification, and a place can be replaced by its path."""

import pytest

from phalanx import SGD, Adam, Cosine, Dense, Dropout, Gaussian, Network, ReLU, choice, repeat, uniform
from phalanx.errors import InputError
from phalanx.parts.paths import holds_parts, places, replace_at

NETWORK = Network(
    [Dense(4), Dropout(Cosine(0.5)), Dense(2, name="last"), choice(ReLU(), None)], Gaussian(), optimizer=SGD()
)


def test_places_are_listed_outermost_first():
    found = dict(places(NETWORK))
    assert list(found)[:5] == [
        "layers",
        "layers.dense_1",
        "layers.dense_1.units",
        "layers.dense_1.initializer",
        "layers.dense_1.bias",
    ]
    assert found["layers.dense_1.units"] == 4
    assert found["layers.dropout_1.rate.start"] == 0.5
    assert found["layers.last.units"] == 2
    assert found["layers.choice_1"] == choice(ReLU(), None)
    assert found["optimizer.learning_rate"] == 0.01
    assert found["batch_size"] == 32
    assert not any(path.endswith("name") for path in found)


def test_places_of_a_list_with_the_separator_of_scikit_learn():
    assert list(places([Dense(4)], "layers__", "__")) == [
        ("layers__dense_1", Dense(4)),
        ("layers__dense_1__units", 4),
        ("layers__dense_1__initializer", "he"),
        ("layers__dense_1__bias", True),
    ]


def test_every_place_can_be_replaced_by_what_stands_there():
    for path, value in places(NETWORK):
        assert replace_at(NETWORK, path.split("."), value) == NETWORK


def test_replacing_changes_one_place_and_not_the_original():
    changed = replace_at(NETWORK, ["layers", "dropout_1", "rate", "start"], 0.25)
    assert changed.layers[1] == Dropout(Cosine(0.25))
    assert NETWORK.layers[1] == Dropout(Cosine(0.5))
    assert changed.layers[0] is NETWORK.layers[0]
    assert replace_at([Dense(4), ReLU()], ["relu_1"], Dense(3)) == (Dense(4), Dense(3))
    assert replace_at(Adam(), ["learning_rate"], uniform(0, 1)) == Adam(uniform(0, 1))


def test_what_holds_parts():
    assert holds_parts(Dense(1))
    assert holds_parts([Dense(1)])
    assert holds_parts([repeat(2, [Dense(1)])])
    assert not any(map(holds_parts, (3, "he", (1, 2), (), None, uniform(0, 1))))


SENTENCES = {
    "list of parts: unknown name `dense_2`; did you mean `dense_1`?": (["layers", "dense_2", "units"], 3),
    "Dense: unknown name `unit`; did you mean `units`?": (["layers", "dense_1", "unit"], 3),
    "Network: unknown name `xyz`; known: batch_size, layers, likelihood, optimizer, precision, "
    "regularizers, stopping": (["xyz"], 3),
    "4 has no part or field `more`": (["layers", "dense_1", "units", "more"], 3),
    "() has no part or field `l2_1`": (["regularizers", "l2_1"], 3),
    "Dense: units is 0, but must be at least 1": (["layers", "dense_1", "units"], 0),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence):
    with pytest.raises(InputError) as caught:
        replace_at(NETWORK, *SENTENCES[sentence])
    assert str(caught.value) == sentence
