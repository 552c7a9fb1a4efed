"""A distribution maps quantiles to values: by hand, and as a law over random ranges."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from phalanx import Dense, ReLU, choice, integers, loguniform, repeat, uniform
from phalanx.errors import InputError
from phalanx.parts.distributions import Integers, LogUniform, Repeat, Uniform

quantiles = st.floats(0, 1)
anything = st.floats(allow_nan=False, allow_infinity=False)


@given(anything, anything, quantiles, quantiles)
def test_uniform_stays_between_its_ends_and_rises(a, b, u, v):
    low, high = sorted((a, b))
    at = uniform(low, high).at
    assert low <= at(min(u, v)) <= at(max(u, v)) <= high
    assert (at(0.0), at(1.0)) == (low, high)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), quantiles, quantiles)
def test_loguniform_stays_between_its_ends_and_rises(a, b, u, v):
    low, high = sorted((a, b))
    at = loguniform(low, high).at
    assert low <= at(min(u, v)) <= at(max(u, v)) <= high


@given(st.integers(-1000, 1000), st.integers(0, 50))
def test_integers_are_equally_likely(low, more):
    drawn = [integers(low, low + more).at((i + 0.5) / (4 * (more + 1))) for i in range(4 * (more + 1))]
    assert drawn == [low + i // 4 for i in range(4 * (more + 1))]


@given(st.lists(st.integers(), min_size=1, max_size=9))
def test_choices_are_equally_likely(options):
    drawn = [choice(*options).at((i + 0.5) / (4 * len(options))) for i in range(4 * len(options))]
    assert drawn == [options[i // 4] for i in range(4 * len(options))]


def test_uniform_and_loguniform_agree_with_scipy():
    u = np.linspace(0, 1, 11)
    drawn = [(uniform(-2, 3).at(x), loguniform(1e-5, 10.0).at(x)) for x in u]
    expected = np.stack([stats.uniform(-2, 5).ppf(u), stats.loguniform(1e-5, 10.0).ppf(u)], axis=1)
    np.testing.assert_allclose(drawn, expected, rtol=1e-12, atol=1e-12)


def test_values_by_hand():
    assert loguniform(1e-4, 1e-2).at(0.5) == pytest.approx(1e-3)
    assert [integers(1, 3).at(u) for u in (0, 0.33, 0.34, 0.67, 1)] == [1, 1, 2, 3, 3]
    assert [choice("a", "b").at(u) for u in (0, 0.49, 0.5, 1)] == ["a", "a", "b", "b"]


def test_extremes():
    assert uniform(0, 2).extremes() == (0, 2)
    assert integers(1, 9).extremes() == (1, 9)
    assert choice(3, 1, 2).extremes() == (3, 1, 2)


def test_they_read_as_they_are_written():
    shown = "repeat(choice(1, 2, name='depth'), (Dense(units=integers(4, 8)), ReLU()))"
    assert repr(repeat(choice(1, 2, name="depth"), [Dense(integers(4, 8)), ReLU()])) == shown
    assert repr(loguniform(1e-4, 0.1, name="rate")) == "loguniform(0.0001, 0.1, name='rate')"


def test_equal_by_value():
    assert uniform(0, 1) == uniform(0, 1) != uniform(0, 1, name="a")
    assert hash(choice([Dense(1)], None)) == hash(choice((Dense(1),), None))


@given(st.floats(), st.floats())
def test_ends_in_the_wrong_order_or_not_finite_are_refused(low, high):
    assume(not (math.isfinite(low) and math.isfinite(high) and low <= high))
    with pytest.raises(InputError, match=r"^uniform: (low|high) is "):
        Uniform(low, high)


# Through the classes, as the reader of files does: the functions' annotations are checked in tests.
SENTENCES = {
    "uniform: low is 'a', but must be a finite number": lambda: Uniform("a", 1),
    "uniform: high is nan, but must be a finite number": lambda: Uniform(0, float("nan")),
    "uniform: high is True, but must be a finite number": lambda: Uniform(0, True),
    "uniform: low is 2.0, but must be at most high, which is 1.0": lambda: uniform(2, 1),
    "loguniform: low is 0.0, but must be above 0": lambda: loguniform(0, 1),
    "loguniform: low is -1.0, but must be above 0": lambda: loguniform(-1, 1),
    "integers: high is 2.5, but must be a whole number": lambda: Integers(1, 2.5),
    "integers: low is 3, but must be at most high, which is 1": lambda: integers(3, 1),
    "loguniform: name is 3, but must be a word": lambda: LogUniform(1, 2, name=3),
    "choice: there is nothing to choose from; give at least one option": lambda: choice(),
    "repeat: count is -1, but must be a whole number of at least 0": lambda: repeat(-1, [ReLU()]),
    "repeat: count is uniform(0.0, 2.0), but must be a whole number of at least 0": lambda: repeat(
        uniform(0, 2.0), [ReLU()]
    ),
    "repeat: count is choice(1, 'a'), but must be a whole number of at least 0": lambda: repeat(choice(1, "a"), []),
    "repeat: parts is ReLU(), but must be a list": lambda: Repeat(2, ReLU()),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence):
    with pytest.raises(InputError) as caught:
        SENTENCES[sentence]()
    assert str(caught.value) == sentence
