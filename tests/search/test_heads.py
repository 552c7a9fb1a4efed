"""Which columns share a head, which likelihood each gets, and what does not fit."""

import pytest

from phalanx import Bernoulli, Gaussian, InputError, Multinoulli, choice
from phalanx.data import ClassTarget, Goal, NumberTarget
from phalanx.likelihoods import Head, Joint, MultivariateGaussian, Poisson
from phalanx.search.heads import group_columns, likelihood_for, likelihood_of_each, make_goal

NAMES = ("a", "b", "c")
NUMBER, TWO, THREE = NumberTarget(1.0, 1.0, 0.0, 2.0), ClassTarget((0, 1)), ClassTarget((0, 1, 2))
PAIR = Joint([Head(MultivariateGaussian(), targets=("c", "a")), Head(Bernoulli())])


@pytest.mark.parametrize(
    ("likelihood", "classes", "groups"),
    [
        (None, [False, False, False], [[0, 1, 2]]),  # a vector
        (None, [False, True, False], [[0], [1], [2]]),
        (MultivariateGaussian(), [False, False, False], [[0, 1, 2]]),
        (PAIR, [False, True, False], [[2, 0], [1]]),
        (choice(PAIR, PAIR), [False, True, False], [[2, 0], [1]]),
        (Joint([Head(Gaussian())] * 3), [False, False, False], [[0], [1], [2]]),
    ],
    ids=repr,
)
def test_columns_of_each_head(likelihood, classes, groups):
    assert group_columns(likelihood, NAMES, classes) == groups


@pytest.mark.parametrize(
    ("heads", "error"),
    [
        ([Head(Gaussian())], "Joint has 1 head for the targets a, b, c; each target needs one head"),
        ([Head(Gaussian())] * 4, "Joint has 4 heads for the targets a, b, c; each target needs one head"),
        (
            [Head(Gaussian(), targets=("a",)), Head(Gaussian(), targets=("a",)), Head(Gaussian())],
            "Joint has 3 heads for the targets a, b, c; each target needs one head",
        ),
        ([Head(Gaussian(), targets=("price",))], "Head: targets: unknown target `price`; known: a, b, c"),
    ],
)
def test_heads_that_do_not_match(heads, error):
    with pytest.raises(InputError) as told:
        group_columns(Joint(heads), NAMES, [False] * 3)
    assert str(told.value) == error


def test_the_likelihood_of_each_target():
    assert likelihood_of_each(None, NAMES) == [None, None, None]
    assert likelihood_of_each(Poisson(), NAMES) == [Poisson()] * 3
    assert likelihood_of_each(choice(Poisson(), Gaussian()), ("a",)) == [Poisson()]
    assert likelihood_of_each(PAIR, NAMES) == [MultivariateGaussian(), Bernoulli(), MultivariateGaussian()]


@pytest.mark.parametrize(
    ("likelihood", "columns", "kind"),
    [
        (None, (NUMBER,), "numbers"),
        (None, (TWO,), "classes"),
        (Poisson(), (NUMBER, NUMBER), "counts"),
        (choice(Gaussian(), MultivariateGaussian()), (NUMBER, NUMBER), "numbers"),
        (Multinoulli(), (TWO,), "classes"),
    ],
    ids=repr,
)
def test_the_goal_of_a_head(likelihood, columns, kind):
    names = NAMES[: len(columns)]
    goal = make_goal(likelihood, 0, names, columns)
    assert goal == Goal(names, columns, counts=kind == "counts")
    assert goal.kind == kind


@pytest.mark.parametrize(
    ("likelihood", "column", "error"),
    [
        (Gaussian(), THREE, "likelihood gaussian does not fit a target of 3 classes (a); use multinoulli"),
        (Poisson(), TWO, "likelihood poisson does not fit a target of 2 classes (a); use bernoulli"),
        (Bernoulli(), THREE, "likelihood bernoulli does not fit a target of 3 classes (a); use multinoulli"),
        (Multinoulli(), NUMBER, "likelihood multinoulli does not fit a target of numbers (a); use gaussian"),
        (
            choice(Gaussian(), Poisson()),
            NUMBER,
            "the likelihoods to choose from are of counts and numbers; give those of one kind",
        ),
    ],
    ids=repr,
)
def test_likelihoods_that_do_not_fit(likelihood, column, error):
    with pytest.raises(InputError) as told:
        make_goal(likelihood, 0, ("a",), (column,))
    assert str(told.value) == error


def test_the_usual_likelihood():
    goals = [Goal(("a",), (NUMBER,)), Goal(("b",), (TWO,)), Goal(("c",), (THREE,))]
    usual = [Gaussian(), Bernoulli(), Multinoulli()]
    assert [likelihood_for([goal]) for goal in goals] == usual
    heads = [Head(part, targets=(name,)) for part, name in zip(usual, NAMES, strict=True)]
    assert likelihood_for(goals) == Joint(heads)
