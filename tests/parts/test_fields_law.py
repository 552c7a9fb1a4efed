"""Every field of every part declares what it accepts, and every bad value gets a sentence that says so."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phalanx import (
    L2,
    Adam,
    Columns,
    Cosine,
    Dense,
    Dropout,
    EarlyStopping,
    Exponential,
    Gaussian,
    Layer,
    LeakyReLU,
    Multinoulli,
    Network,
    ReLU,
    Step,
    choice,
    integers,
    loguniform,
    part,
    repeat,
    uniform,
)
from phalanx.errors import InputError
from phalanx.parts.fields import Constraint

NAN, INF = float("nan"), float("inf")


def fields_of(cls):
    return [f for f in dataclasses.fields(cls) if f.name != "name"]


def bad_values(kind, constraint):
    """Values that a field must refuse, made from what it declares."""
    yield object()
    if type(None) not in kind.classes:
        yield None
    if str not in kind.classes:
        yield "a word"
    numbers = {float, int} & set(kind.classes)
    if not numbers:
        yield 0.5
        return
    yield from (NAN, INF, -INF, True, [1.0], np.ones(2))
    if numbers == {int}:
        yield 2.5
    for bound, beyond in (("at_least", -1), ("above", 0), ("at_most", 1), ("below", 0)):
        limit = getattr(constraint, bound)
        if limit is not None:
            yield limit + beyond
            yield uniform(0.5, limit + beyond) if limit + beyond > 0.5 else uniform(limit + beyond, 0.5)


def test_every_field_declares_what_it_accepts(any_part_class):
    for declared in dataclasses.fields(any_part_class):
        assert "constraint" in declared.metadata, f"{any_part_class.__name__}.{declared.name} has no constraint"


def test_every_bad_value_is_refused_in_one_sentence(any_part):
    cls, seen = type(any_part), 0
    for declared in fields_of(cls):
        kind, constraint = cls.kinds[declared.name], declared.metadata["constraint"]
        for bad in bad_values(kind, constraint):
            value = (bad,) if kind.listed else bad
            with pytest.raises(InputError) as caught:
                dataclasses.replace(any_part, **{declared.name: value})
            sentence = str(caught.value)
            assert re.match(rf"{cls.__name__}: {declared.name} (is|holds) ", sentence), sentence
            assert re.search(r", but must be \S", sentence), sentence
            assert "\n" not in sentence
            seen += 1
    assert seen or not fields_of(cls)


def test_every_boundary_that_belongs_to_the_field_is_accepted(any_part):
    for declared in fields_of(type(any_part)):
        constraint = declared.metadata["constraint"]
        listed = type(any_part).kinds[declared.name].listed
        for value in (constraint.at_least, constraint.at_most, *(constraint.choices or ())):
            if value is not None:
                dataclasses.replace(any_part, **{declared.name: (value,) if listed else value})


# One example of each kind of sentence, word for word.
SENTENCES = {
    "Dropout: rate is -0.1, but must be at least 0 and below 1": lambda: Dropout(-0.1),
    "Dropout: rate is nan, but must be at least 0 and below 1": lambda: Dropout(NAN),
    "Dropout: rate is 'a', but must be a number or a Schedule": lambda: Dropout("a"),
    "Dropout: rate is None, but must be a number or a Schedule": lambda: Dropout(None),
    "Dropout: rate is True, but must be a number or a Schedule": lambda: Dropout(True),
    "Dropout: rate is (0.1,), but must be a number or a Schedule": lambda: Dropout([0.1]),
    "Dropout: rate is 'cosin', but must be a number or a Schedule; did you mean Cosine?": lambda: Dropout("cosin"),
    "Dropout: rate is uniform(0.0, 1.0), which can be 1.0, but must be at least 0 and below 1": lambda: Dropout(
        uniform(0, 1)
    ),
    "Dropout: rate is Exponential(start=0.5, factor=3), which can be 1.5, but must be at least 0 and below 1": (
        lambda: Dropout(Exponential(0.5, factor=3))
    ),
    "Dropout: rate is Step(start=0.5, factor=2.0), which can be 8.0, but must be at least 0 and below 1": (
        lambda: Dropout(Step(0.5, factor=2.0))
    ),
    "Gaussian: variance is Cosine(start=1.0, end=0.5, warmup=0.1), which can be 0.0, but must be above 0": (
        lambda: Gaussian(Cosine(1.0, end=0.5, warmup=0.1))
    ),
    "Adam: learning_rate is uniform(-1.0, 1.0), which can be -1.0, but must be at least 0": (
        lambda: Adam(learning_rate=uniform(-1, 1))
    ),
    "Adam: learning_rate is choice(0.1, uniform(-1.0, 1.0)), which can be uniform(-1.0, 1.0), "
    "which can be -1.0, but must be at least 0": lambda: Adam(choice(0.1, uniform(-1, 1))),
    "Cosine: start is Cosine(start=1), but must be a number": lambda: Cosine(Cosine(1)),
    "Dense: units is 0, but must be at least 1": lambda: Dense(0),
    "Dense: units is 2.5, but must be a whole number": lambda: Dense(2.5),
    "Dense: units is True, but must be a whole number": lambda: Dense(True),
    "Dense: units is Cosine(start=3), but must be a whole number": lambda: Dense(Cosine(3)),
    "Dense: units is uniform(1.0, 2.0), which can be 1.0, but must be a whole number": lambda: Dense(uniform(1.0, 2.0)),
    "Dense: units is repeat(2, (ReLU(),)), but must be a whole number": lambda: Dense(repeat(2, [ReLU()])),
    "Dense: initializer is 'hee', but must be one of he, glorot": lambda: Dense(3, "hee"),
    "Dense: initializer is 3, but must be one of he, glorot": lambda: Dense(3, 3),
    "Dense: bias is 1, but must be true or false": lambda: Dense(3, bias=1),
    "Dense: name is 3, but must be a word": lambda: Dense(3, name=3),
    "Dense: name is 'a b', but must be letters, digits and single underscores": lambda: Dense(3, name="a b"),
    "Dense: name is 'a__b', but must be letters, digits and single underscores": lambda: Dense(3, name="a__b"),
    "LeakyReLU: slope is inf, but must be a finite number": lambda: LeakyReLU(INF),
    "Columns: cardinalities is 3, but must be a list, each element a whole number": lambda: Columns(3),
    "Columns: cardinalities holds 2.5, but must be a whole number": lambda: Columns((3, 2.5)),
    "L2: on is 'dense_1', but must be a list, each element a word": lambda: L2(on="dense_1"),
    "EarlyStopping: watch is 'acuracy', but must be one of cost, error": lambda: EarlyStopping(watch="acuracy"),
    "Network: layers holds 3, but must be a Layer": lambda: Network([3], Multinoulli()),
    "Network: layers holds the class ReLU; write ReLU() to make one of it": lambda: Network([ReLU], Multinoulli()),
    "Network: layers holds 'relu', but must be a Layer; did you mean ReLU?": lambda: Network(["relu"], Multinoulli()),
    "Network: layers is ReLU(), but must be a list, each element a Layer": lambda: Network(ReLU(), Multinoulli()),
    "Network: layers holds choice(ReLU(), 3), which can be 3, but must be a Layer": (
        lambda: Network([choice(ReLU(), 3)], Multinoulli())
    ),
    "Network: layers holds repeat(2, (3,)), which can be 3, but must be a Layer": (
        lambda: Network([repeat(2, [3])], Multinoulli())
    ),
    "Network: layers holds uniform(0.0, 1.0), which can be 0.0, but must be a Layer": (
        lambda: Network([uniform(0, 1)], Multinoulli())
    ),
    "Network: likelihood is None, but must be a Likelihood or a Joint": lambda: Network([], None),
    "Network: optimizer is 'adam', but must be an Optimizer or a LeastSquares; did you mean Adam?": (
        lambda: Network([], Gaussian(), optimizer="adam")
    ),
    "Network: optimizer is (Adam(),), but must be an Optimizer or a LeastSquares": (
        lambda: Network([], Gaussian(), optimizer=[Adam()])
    ),
    "two parts of one list are called `h`; give them different names": (
        lambda: Network([Dense(1, name="h"), ReLU(name="h")], Gaussian())
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence):
    with pytest.raises(InputError) as caught:
        SENTENCES[sentence]()
    assert str(caught.value) == sentence


def test_what_stands_for_many_values_is_accepted_where_all_of_them_are():
    Dropout(uniform(0, 0.9))
    Dropout(Exponential(uniform(0.1, 0.5), factor=choice(0.5, 1.5)))
    Adam(Cosine(loguniform(1e-4, 1e-1), warmup=0.1))
    Dense(integers(1, 3))
    Network([choice(ReLU(), None, [Dense(3), ReLU()]), repeat(integers(0, 2), [Dense(2)])], Gaussian())
    Network([], Gaussian(), optimizer=choice(Adam(), Adam(0.1)), stopping=choice(None, EarlyStopping()))


def test_numpy_numbers_become_python_numbers():
    for made, value in ((Dense(np.int64(3)).units, 3), (Dropout(np.array(0.25)).rate, 0.25)):
        assert made == value
        assert type(made) is type(value)
    assert Columns(np.array([3, 4]).tolist()).cardinalities == (3, 4)
    assert Columns([np.int64(3)]).cardinalities == (3,)
    assert choice(*np.arange(1, 3)).options == (1, 2)


def test_a_class_without_the_decorator_says_so():
    class Plain(Layer):
        def __call__(self, params, state, x, at):
            return x, state

    with pytest.raises(InputError, match=r"^Plain is not a part yet; write @part above its class$"):
        Plain()


def test_a_plain_default_means_any_finite_number():
    @part
    class Shift(ReLU):
        by: float = 1.0

    assert Shift(-3.0).by == -3.0
    with pytest.raises(InputError, match=r"^Shift: by is nan, but must be a finite number$"):
        Shift(NAN)


@given(
    st.floats(-10, 10) | st.integers(-10, 10),
    st.floats(-10, 10),
    st.floats(-10, 10),
    st.booleans(),
    st.booleans(),
)
def test_an_interval_admits_what_lies_in_it(value, low, high, open_low, open_high):
    constraint = Constraint(**{"above" if open_low else "at_least": low, "below" if open_high else "at_most": high})
    inside = (low < value or (value == low and not open_low)) and (value < high or (value == high and not open_high))
    assert constraint.admits(value) == inside
    assert not any(constraint.admits(bad) for bad in (NAN, INF, -INF, 10**400))


def test_a_constraint_reads_as_words():
    assert str(Constraint(at_least=0, below=1)) == "at least 0 and below 1"
    assert str(Constraint(above=0.001, at_most=10)) == "above 0.001 and at most 10"
    assert str(Constraint(choices=("a", "b"))) == "one of a, b"
    assert str(Constraint()) == "a finite number"
