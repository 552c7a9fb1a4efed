"""Goals: values as the data has them, and as a network sees them."""

import json

import numpy as np
import pytest

from phalanx.data import ClassTarget, Goal, NumberTarget, each_column
from phalanx.errors import InputError

VALUES = np.array([[1.0, 10.0], [3.0, 50.0]])
NUMBERS = Goal(("a", "b"), tuple(NumberTarget.fit(column) for column in VALUES.T))
CLASSES = Goal(("c",), (ClassTarget(("x", "y", "z")),))
COUNTS = Goal(("n",), (NumberTarget.fit([0.0, 4.0]),), counts=True)


def test_numbers_are_standardized_each_by_itself():
    assert (NUMBERS.kind, NUMBERS.classes, NUMBERS.size, NUMBERS.mean) == ("numbers", 0, 2, 1.0)
    encoded = NUMBERS.encode(np.array([[2.0, 30.0], [4.0, 70.0]]))  # means 2 and 30, deviations 1 and 20
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[0, 0], [2, 2]]
    assert NUMBERS.deviations.tolist() == [1, 20]
    assert NUMBERS.decode(encoded).tolist() == [[2, 30], [4, 70]]
    draws = np.zeros((5, 3, 2))  # of each row several
    assert NUMBERS.decode(draws)[4, 2].tolist() == [2, 30]


def test_counts_stay_as_they_are():
    assert (COUNTS.kind, COUNTS.size, COUNTS.mean) == ("counts", 1, 2.0)
    encoded = COUNTS.encode(np.array([[0.0], [7.0]]))
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[0], [7]]
    assert COUNTS.deviations.tolist() == [1]
    assert COUNTS.decode(np.array([[1.5]])).tolist() == [[1.5]]


@pytest.mark.parametrize(("value", "shown"), [(-1.0, "-1"), (0.5, "0.5"), (1e6 + 0.25, "1e+06")])
def test_what_is_no_count(value, shown):
    with pytest.raises(InputError) as told:
        COUNTS.encode(np.array([[2.0], [value]]))
    assert str(told.value) == f"target 'n' holds {shown}, but counts are 0, 1, 2, ...; use another likelihood"


def test_classes_are_codes():
    assert (CLASSES.kind, CLASSES.classes, CLASSES.size) == ("classes", 3, 3)
    assert CLASSES.encode(np.array([2, 0])).dtype == np.int32
    assert CLASSES.decode(np.array([[0.5, 0.25, 0.25]], np.float32)).dtype == np.float64


@pytest.mark.parametrize("goal", [NUMBERS, CLASSES, COUNTS], ids=lambda goal: goal.kind)
def test_they_pass_through_json(goal):
    assert Goal.from_plain(json.loads(json.dumps(goal.to_plain(), allow_nan=False))) == goal


def test_each_column():
    found = each_column([CLASSES, NUMBERS], [np.array([2, 0]), VALUES], [np.eye(3)[:2], VALUES + 1])
    assert [(name, column) for name, column, _, _ in found] == [
        ("c", CLASSES.columns[0]),
        ("a", NUMBERS.columns[0]),
        ("b", NUMBERS.columns[1]),
    ]
    assert [held.tolist() for _, _, held, _ in found] == [[2, 0], [1, 3], [10, 50]]
    assert [said.shape for *_, said in found] == [(2, 3), (2,), (2,)]
    assert [name for name, _ in each_column([NUMBERS])] == ["a", "b"]
