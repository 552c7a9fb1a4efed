"""Hints on what accuracy hides, from both doors."""

import numpy as np
import pytest

from phalanx import Adam, Classifier, Dense, MultiTask, Tanh
from phalanx.data import ClassTarget, Goal, NumberTarget
from phalanx.hints import rare_class_hints
from phalanx.layers import Columns
from phalanx.metrics import metric_named
from phalanx.problem import Problem
from phalanx.search.effort import Size
from phalanx.task import FoldRows

HALVES = FoldRows(np.arange(100), np.arange(100, 200))


def problem_of(goals, values, **options):
    return Problem((np.zeros((200, 1)),), goals, values, (HALVES,), Columns(()), Size(1, 1, 1, 1), **options)


def hinted(codes, said, labels=("no", "yes"), metric="accuracy", **options):
    """The hints on 200 rows of classes, of which the last half validates and is predicted as `said`."""
    goals = (Goal(("y",), (ClassTarget(labels),)),)
    problem = problem_of(goals, (np.asarray(codes),), **options)
    return rare_class_hints(problem, (np.eye(len(labels))[np.asarray(said)],), metric_named(metric, goals))


def rows(*counts):
    """Codes of 100 rows: so many of each class."""
    return np.repeat(np.arange(len(counts)), counts)


def test_a_rare_class_that_is_not_found_is_said():
    y = np.concatenate([rows(95, 5), rows(96, 4)])
    assert hinted(y, rows(100, 0)) == [
        "class 'yes' (5% of rows) is found in 0 of its 4 validation rows, which accuracy hides; rank by --metric f1 "
        "(or balanced_accuracy, average_precision)"
    ]
    assert hinted(y, rows(100, 0), metric="f1") == []
    assert hinted(y, rows(98, 2)) == []  # 2 of 4: not less than half of 98%
    assert "found in 1 of its 4" in hinted(y, rows(99, 1))[0]


def test_a_class_is_rare_below_a_tenth_of_the_rows_and_half_of_an_equal_share():
    assert hinted(np.tile(rows(89, 11), 2), rows(100, 0)) == []
    many = rows(*[4] * 25)  # each class is 4% of the rows, and none is rare among the others
    assert hinted(np.tile(many, 2), np.zeros(100, int), tuple(map(str, range(25)))) == []
    assert hinted(np.concatenate([rows(95, 5), rows(98, 2)]), rows(100, 0)) == []  # two rows say little


def test_weights_count_rows():
    y = np.tile(rows(95, 5), 2)
    assert hinted(y, rows(100, 0), weight=np.where(y, 19.0, 1.0)) == []  # half of what is learned


def test_the_first_of_two_classes_has_no_scores_of_its_own():
    (said,) = hinted(np.tile(rows(5, 95), 2), rows(0, 100))
    assert said.startswith("class 'no' (5% of rows)")
    assert said.endswith("rank by --metric balanced_accuracy")


def test_of_several_rare_classes_the_one_that_is_found_least_is_named():
    y = np.tile(rows(88, 6, 6), 2)
    said = rows(88, 6, 6).copy()
    said[89:94], said[94:] = 0, 0  # one of the six of b is found, and none of c
    (line,) = hinted(y, said, ("a", "b", "c"))
    assert line.startswith("class 'c' (6% of rows) is found in 0 of its 6")


def test_of_several_targets_the_name_is_said():
    y = np.tile(rows(95, 5), 2)
    goals = (Goal(("size",), (NumberTarget(0.0, 1.0, 0.0, 1.0),)), Goal(("y",), (ClassTarget(("no", "yes")),)))
    problem = problem_of(goals, (np.zeros((200, 1)), y))
    said = np.zeros((100, 1)), np.eye(2)[rows(100, 0)]
    for metric in ("score", "y.accuracy"):
        (line,) = rare_class_hints(problem, said, metric_named(metric, goals))
        assert line.startswith("class 'yes' of 'y' (5% of rows)")
        assert line.endswith("rank by --metric y.f1 (or y.balanced_accuracy, y.average_precision)")
    assert rare_class_hints(problem, said, metric_named("size.rmse", goals)) == []


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    return rng.normal(size=(600, 2)), np.where(np.arange(600) % 20, "no", "yes")


@pytest.mark.slow
def test_estimators_say_it_in_words_of_python(noise):
    X, y = noise
    known = {"layers": [Dense(4), Tanh()], "optimizer": Adam(0.03), "max_rounds": 30}
    net = Classifier(**known).fit(X, y)
    assert net.hints_[-1] == (
        "class 'yes' (5% of rows) is found in 0 of its 6 validation rows, which accuracy hides; rank by metric='f1' "
        "(or balanced_accuracy, average_precision)"
    )
    assert not [line for line in Classifier(metric="f1", **known).fit(X, y).hints_ if "accuracy hides" in line]
    several = MultiTask(**known).fit(X, {"kind": y, "x": X[:, 0]})
    assert several.hints_[-1].startswith("class 'yes' of 'kind' (5% of rows)")
