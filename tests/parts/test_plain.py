"""Specifications go to plain data and YAML and come back exactly; what cannot be read gets a sentence."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phalanx import (
    L1,
    L2,
    SGD,
    Adam,
    Bernoulli,
    Columns,
    Cosine,
    Dense,
    Dropout,
    EarlyStopping,
    Gaussian,
    LeakyReLU,
    Multinoulli,
    Network,
    ReLU,
    Step,
    Tanh,
    choice,
    integers,
    loguniform,
    part,
    repeat,
    uniform,
)
from phalanx.errors import InputError
from phalanx.parts import Part
from phalanx.parts.plain import field_from_plain, from_plain, to_plain
from phalanx.parts.yaml import read_yaml, write_yaml


class Call(NamedTuple):
    """A call to make later, as a strategy must not run code that draws random numbers (beartype does)."""

    function: Any
    arguments: tuple
    named: dict


def calls(function, *arguments, **named):
    return st.builds(Call, st.just(function), st.tuples(*arguments), st.fixed_dictionaries(named))


def made(value):
    """Carry out a call and those inside it; parts of one list that were given names get a number too."""
    if isinstance(value, Call):
        return value.function(*map(made, value.arguments), **{name: made(v) for name, v in value.named.items()})
    if isinstance(value, list):
        parts = [made(v) for v in value]
        return [replace(p, name=f"{p.name}_{i}") if isinstance(p, Part) and p.name else p for i, p in enumerate(parts)]
    return value


# Names that are also names of parts, or that YAML 1.1 would not leave a text.
part_names = st.sampled_from(["", "h1", "Dense", "ReLU", "no", "null", "e4"])
draw_names = st.sampled_from(["", "", "lr", "ReLU", "no", "1e-4", "a b", "#", "ß: \u2028"])


def chosen(*options, name):
    return choice(*options, name=name)


def numbers(low, high):
    plain = st.floats(low, high) | st.integers(math.ceil(low), math.floor(high))
    ordered = st.tuples(plain, plain).map(sorted)
    ranges = ordered.flatmap(lambda ends: calls(uniform, *map(st.just, ends), name=draw_names))
    logs = ordered.flatmap(lambda ends: calls(loguniform, *(st.just(max(e, 0.05)) for e in ends), name=draw_names))
    simple = plain | ranges | logs
    return simple | calls(chosen, simple, plain, name=draw_names)


def knobs(low, high):
    inner = numbers(low, high)
    schedules = calls(Cosine, inner, end=inner, name=part_names) | calls(Step, inner, every=numbers(0.1, 1))
    return inner | schedules | calls(chosen, schedules, inner, name=draw_names)


wholes = st.integers(1, 99)
sizes = (
    wholes | calls(integers, wholes, st.integers(100, 200), name=draw_names) | calls(chosen, wholes, name=draw_names)
)
words = st.sampled_from(["he", "glorot"])
layers = (
    calls(Dense, sizes, words | calls(chosen, words, words, name=draw_names), st.booleans(), name=part_names)
    | calls(Dropout, knobs(0, 0.9))
    | calls(LeakyReLU, knobs(-1, 1), name=part_names)
    | calls(Columns, st.lists(wholes, max_size=3))
    | calls(ReLU)
)
elements = st.recursive(
    layers,
    lambda inner: (
        calls(chosen, st.none() | layers, st.lists(layers, max_size=2), name=draw_names)
        | calls(repeat, wholes | calls(integers, wholes, st.just(99), name=draw_names), st.lists(inner, max_size=2))
    ),
    max_leaves=3,
)
optimizers = calls(Adam, knobs(0, 1), weight_decay=knobs(0, 1)) | calls(SGD, knobs(0, 1))
networks = calls(
    Network,
    st.lists(elements, max_size=3),
    st.sampled_from([Bernoulli(), Multinoulli()]) | calls(Gaussian, knobs(0.1, 9)),
    st.lists(calls(L2, knobs(0, 1), on=st.lists(part_names, max_size=2)) | calls(L1), max_size=2),
    optimizers | calls(choice, optimizers, optimizers),
    st.none() | calls(EarlyStopping, wholes) | st.just(choice(None, EarlyStopping())),
    sizes,
)


@given(networks)
@settings(max_examples=50, deadline=None)
def test_any_specification_comes_back_exactly(tmp_path_factory, call):
    network = made(call)
    plain = to_plain(network)
    assert from_plain(plain) == network
    path = tmp_path_factory.getbasetemp() / "spec.yaml"
    path.write_text(write_yaml(plain), encoding="utf-8")
    again = read_yaml(path)
    assert again == plain
    assert repr(from_plain(again)) == repr(network)  # the types of numbers too


def test_plain_forms_by_hand():
    assert to_plain(ReLU()) == "ReLU"
    assert to_plain(Dense(64)) == {"Dense": {"units": 64}}
    assert to_plain(Dense(choice(64, 128), name="h1")) == {"Dense": {"units": {"choice": [64, 128]}, "name": "h1"}}
    assert to_plain(Adam(Cosine(loguniform(1e-4, 1e-1, name="lr")))) == {
        "Adam": {"learning_rate": {"Cosine": {"start": {"loguniform": {"low": 1e-4, "high": 1e-1, "name": "lr"}}}}}
    }
    assert to_plain([repeat(choice(1, 2), [Dense(4), ReLU()])]) == [
        {"repeat": {"count": {"choice": [1, 2]}, "parts": [{"Dense": {"units": 4}}, "ReLU"]}}
    ]
    assert to_plain(choice(ReLU(), None, name="act")) == {"choice": {"options": ["ReLU", None], "name": "act"}}
    assert to_plain(EarlyStopping(patience=10)) == "EarlyStopping"


def test_words_of_a_person_are_read_too(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        """
        layers:
          - Dense: {units: {choice: [64, 128]}, name: h1}
          - ReLU
          - Dropout: {rate: {uniform: {low: 0, high: 0.5}}}
          - choice: [Tanh:, null, [Dense: {units: 3}, ReLU]]
        optimizer: {Adam: {learning_rate: {loguniform: [1e-4, 1e-1]}}}
        stopping: null
        """,
        encoding="utf-8",
    )
    data = read_yaml(path)
    assert field_from_plain(Network, "layers", data["layers"], "config.yaml") == (
        Dense(choice(64, 128), name="h1"),
        ReLU(),
        Dropout(uniform(0, 0.5)),
        choice(Tanh(), None, (Dense(3), ReLU())),
    )
    assert field_from_plain(Network, "optimizer", data["optimizer"], "config.yaml") == Adam(loguniform(1e-4, 1e-1))
    assert field_from_plain(Network, "stopping", data["stopping"], "config.yaml") is None


def test_words_in_fields_of_words_stay_words():
    spec = [Dense(3, name="ReLU"), L2(on=("ReLU", "Dense")), LeakyReLU(uniform(0, 1, name="Tanh"))]
    assert list(from_plain(to_plain(spec))) == spec


SENTENCES = [
    ("Rlu", "config: layers is 'Rlu', but must be a list, each element a Layer"),
    (["Rlu"], "config: layers holds 'Rlu', but must be a Layer; did you mean ReLU?"),
    (["relu"], "config: layers holds 'relu', but must be a Layer; did you mean ReLU?"),
    (["leaky_relu"], "config: layers holds 'leaky_relu', but must be a Layer; did you mean LeakyReLU?"),
    (["Adam"], "config: layers holds Adam(), but must be a Layer"),
    ([{"Dnse": {"units": 3}}], "config: layers, item 1: unknown part `Dnse`; did you mean `Dense`?"),
    (["ReLU", {"Dense": {"unit": 3}}], "config: layers, item 2: Dense: unknown field `unit`; did you mean `units`?"),
    ([{"Dense": {"units": 0}}], "config: layers, item 1: Dense: units is 0, but must be at least 1"),
    ([{"Dense": {"units": "64"}}], "config: layers, item 1: Dense: units is '64', but must be a whole number"),
    (
        [{"Dropout": {"rate": "1e-4"}}],
        "config: layers, item 1: Dropout: rate is '1e-4', but must be a number or a Schedule",
    ),
    (
        [{"Dropout": {"rate": -0.1}}],
        "config: layers, item 1: Dropout: rate is -0.1, but must be at least 0 and below 1",
    ),
    ([{"Dense": 64}], "config: layers, item 1: Dense needs a map of its fields, not 64"),
    ([{"Dense": None}], "config: layers, item 1: Dense needs a value for `units`"),
    (["Dense"], "config: layers, item 1: Dense needs a value for `units`"),
    (
        [{"Dense": {"units": 3}, "ReLU": None}],
        "config: layers, item 1: {'Dense': {'units': 3}, 'ReLU': None} should be a map with one key, "
        "the name of a part or distribution",
    ),
    (
        [{"Dropout": {"rate": {"unifrom": [0, 1]}}}],
        "config: layers, item 1: Dropout: rate: unknown part `unifrom`; did you mean `uniform`?",
    ),
    (
        [{"Dropout": {"rate": {"uniform": [0.5]}}}],
        "config: layers, item 1: Dropout: rate: uniform needs a list of low and high, not [0.5]",
    ),
    (
        [{"Dropout": {"rate": {"uniform": {"low": 0.5}}}}],
        "config: layers, item 1: Dropout: rate: uniform needs a list of low and high, not {'low': 0.5}",
    ),
    (
        [{"Dropout": {"rate": {"uniform": {"low": 0, "hihg": 1}}}}],
        "config: layers, item 1: Dropout: rate: uniform: unknown field `hihg`; did you mean `high`?",
    ),
    (
        [{"Dropout": {"rate": {"uniform": [0.5, 0.1]}}}],
        "config: layers, item 1: Dropout: rate: uniform: low is 0.5, but must be at most high, which is 0.1",
    ),
    (
        [{"Dropout": {"rate": {"choice": 0.5}}}],
        "config: layers, item 1: Dropout: rate: choice needs a list of options, not 0.5",
    ),
    (
        [{"Dropout": {"rate": {"choice": {"options": 0.5}}}}],
        "config: layers, item 1: Dropout: rate: choice needs a list of options, not {'options': 0.5}",
    ),
    (
        [{"repeat": [{"Dense": {"units": 3}}]}],
        "config: layers, item 1: repeat needs a map of count and parts, not [{'Dense': {'units': 3}}]",
    ),
    (
        [{"repeat": {"count": 2, "parts": ["Dnse"]}}],
        "config: layers holds repeat(2, ('Dnse',)), which can be 'Dnse', but must be a Layer; did you mean Dense?",
    ),
    (
        [{"repeat": {"count": 2, "parts": ["ReLU"], "name": "x"}}],
        "config: layers, item 1: repeat: unknown field `name`; known: count, parts",
    ),
]


@pytest.mark.parametrize(("data", "sentence"), SENTENCES)
def test_sentences(data, sentence):
    with pytest.raises(InputError) as caught:
        field_from_plain(Network, "layers", data, "config")
    assert str(caught.value) == sentence


def test_a_part_of_a_person_is_read_and_the_newest_of_its_name_wins():
    def define(default):
        @part
        class Gain(ReLU):
            by: float = default

        return Gain

    first, second = define(1.0), define(2.0)
    assert from_plain("Gain") == second()
    assert type(from_plain({"Gain": {"by": 5.0}})) is second is not first
