"""Which draws a specification needs, under which keys, and what it becomes for given draws."""

import pytest

from phalanx import (
    SGD,
    Adam,
    Cosine,
    Dense,
    Dropout,
    EarlyStopping,
    Gaussian,
    LeakyReLU,
    Maxout,
    Network,
    ReLU,
    Tanh,
    choice,
    integers,
    loguniform,
    repeat,
    uniform,
)
from phalanx.errors import InputError
from phalanx.search.space import is_space, options_of, resolve, shown


def resolved(space, **given):
    """The specification for the values given by key ("_" for "."), else the first option; and the draws asked for."""
    asked = {}

    def pick(key, distribution, shapes):
        asked[key] = "structure" if shapes else "knob"
        return given.get(key.replace(".", "_"), distribution.at(0.0))

    return resolve(space, pick), asked


def test_what_has_no_distribution_stays_as_it_is():
    network = Network([Dense(3), Dropout(Cosine(0.5))], Gaussian())
    assert resolved(network) == (network, {})
    assert not is_space(network)
    assert is_space(Network([Dense(3), Dropout(Cosine(uniform(0, 0.5)))], Gaussian()))
    assert is_space(Network([repeat(integers(0, 2), [Dense(3)])], Gaussian()))
    assert not is_space(Network([repeat(2, [Dense(3)])], Gaussian()))


def test_keys_are_paths_and_knobs_are_told_from_structure():
    network = Network(
        [Dense(choice(64, 128), initializer=choice("he", "glorot")), LeakyReLU(uniform(0, 0.3))],
        Gaussian(),
        optimizer=Adam(Cosine(loguniform(1e-4, 1e-1)), weight_decay=choice(0.0, 0.1)),
        stopping=EarlyStopping(patience=integers(3, 9)),
        batch_size=choice(16, 32),
    )
    spec, asked = resolved(network, layers_dense_1_units=128, optimizer_learning_rate_start=0.01)
    assert asked == {
        "layers.dense_1.units": "structure",
        "layers.dense_1.initializer": "structure",
        "layers.leaky_relu_1.slope": "knob",
        "optimizer.learning_rate.start": "knob",
        "optimizer.weight_decay": "knob",
        "stopping.patience": "knob",
        "batch_size": "structure",
    }
    assert spec.layers == (Dense(128), LeakyReLU(0.0))
    assert spec.optimizer == Adam(Cosine(0.01), weight_decay=0.0)
    assert spec.stopping == EarlyStopping(3)


def test_a_choice_between_a_number_and_a_schedule_is_structure():
    space = Adam(choice(0.1, Cosine(0.2), uniform(0.3, 0.4)))
    assert resolved(space)[1] == {"learning_rate": "structure"}
    # a range inside it is a knob of its branch, under a path that names the branch
    spec, asked = resolved(space, learning_rate=uniform(0.3, 0.4), learning_rate_uniform_1=0.35)
    assert asked == {"learning_rate": "structure", "learning_rate.uniform_1": "knob"}
    assert spec == Adam(0.35)


def test_what_stands_inside_an_option_is_drawn_only_where_it_is_chosen():
    space = Network(
        [choice(ReLU(), LeakyReLU(uniform(0, 0.3)))], Gaussian(), optimizer=choice(Adam(), SGD(uniform(0, 1)))
    )
    assert resolved(space)[1] == {"layers.choice_1": "structure", "optimizer": "structure"}
    spec, asked = resolved(space, layers_choice_1=LeakyReLU(uniform(0, 0.3)), optimizer=SGD(uniform(0, 1)))
    assert list(asked) == [
        "layers.choice_1",
        "layers.choice_1.leaky_relu_1.slope",
        "optimizer",
        "optimizer.sgd_1.learning_rate",
    ]
    assert (spec.layers, spec.optimizer) == ((LeakyReLU(0.0),), SGD(0.0))


def test_options_may_be_lists_of_layers_or_none():
    space = Network([choice([Dense(1), ReLU()], None, [Dense(choice(2, 3)), Tanh(), Dense(4)]), Dense(5)], Gaussian())
    options = space.layers[0].options
    assert resolved(space)[0].layers == (Dense(1), ReLU(), Dense(5))
    assert resolved(space, layers_choice_1=None)[0].layers == (Dense(5),)
    spec, asked = resolved(space, layers_choice_1=options[2], layers_choice_1_tuple_2_dense_1_units=3)
    assert spec.layers == (Dense(3), Tanh(), Dense(4), Dense(5))
    assert "layers.choice_1.tuple_2.dense_1.units" in asked


def test_each_copy_of_a_repeat_has_its_number():
    space = Network([repeat(choice(1, 2, 3), [Dense(choice(64, 128)), ReLU()]), Dense(5)], Gaussian())
    spec, asked = resolved(space, layers_repeat_1=2, layers_repeat_1_2_dense_1_units=128)
    assert spec.layers == (Dense(64), ReLU(), Dense(128), ReLU(), Dense(5))
    assert list(asked) == ["layers.repeat_1", "layers.repeat_1.1.dense_1.units", "layers.repeat_1.2.dense_1.units"]
    assert resolved(Network([repeat(0, [Dense(1)])], Gaussian()))[0].layers == ()
    nested = Network([repeat(2, [Dense(1), repeat(2, [ReLU()])])], Gaussian())
    assert resolved(nested)[0].layers == (Dense(1), ReLU(), ReLU()) * 2


def test_a_repeated_part_must_not_have_a_name_of_its_own():
    space = Network([repeat(2, [Dense(1, name="h")])], Gaussian())
    with pytest.raises(InputError, match=r"^two parts of one list are called `h`; give them different names$"):
        resolved(space)


def test_names_share_a_key_and_the_same_object_without_one_does_not():
    rate, shared = uniform(0, 0.5), uniform(0, 0.5, name="rate")
    assert list(resolved([Dropout(rate), Dropout(rate)])[1]) == ["dropout_1.rate", "dropout_2.rate"]
    assert list(resolved([Dropout(shared), Dropout(shared)])[1]) == ["rate"]


def test_options_of_one_name_keep_it():
    space = Network([choice(Dense(integers(1, 4), name="h"), Maxout(3, name="h"))], Gaussian())
    assert "layers.choice_1.h.units" in resolved(space)[1]


def test_all_values_of_a_distribution():
    assert list(options_of(integers(2, 4))) == [2, 3, 4]
    assert len(options_of(integers(1, 10**15))) == 10**15
    assert options_of(choice(1, "a")) == (1, "a")
    assert options_of(uniform(0, 1)) is options_of(loguniform(1, 2)) is None


def test_how_drawn_values_read_in_a_table():
    assert [shown(v) for v in (64, "he", None, 0.1)] == [64, "he", None, 0.1]
    assert shown(LeakyReLU(0.3)) == "LeakyReLU"
    assert shown((Dense(3), ReLU(), None)) == "Dense, ReLU, None"
