import json
from statistics import fmean, pstdev

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phalanx.data.letters import composed
from phalanx.data.read import load_source
from phalanx.data.targets import (
    ClassTarget,
    NumberTarget,
    check_target,
    holds_whole_numbers,
    infer_task,
    target_present,
)
from phalanx.errors import InputError

anew = settings(deadline=None)


def through_json(target):
    return type(target).from_plain(json.loads(json.dumps(target.to_plain(), allow_nan=False)))


# Which column, which rows, which task


def test_check_target():
    frame = pd.DataFrame({"age": [1], "Class": [1], "income": [1]})
    assert check_target(frame, "age") == "age"
    with pytest.raises(InputError, match=r"^no target given: name the column to predict, likely 'Class' or 'income'$"):
        check_target(frame, None)
    with pytest.raises(InputError, match=r"^no column 'incom' for the target; did you mean 'income'\?$"):
        check_target(frame, "incom")
    with pytest.raises(InputError, match=r"^no column 'zzz' for the target; there are 'age', 'Class', 'income'$"):
        check_target(frame, "zzz")


def test_target_present():
    mask, missing = target_present(pd.Series(["a", None, "b"]))
    assert mask.tolist() == [True, False, True]
    assert missing == 1
    with pytest.raises(InputError, match=r"^target 'y' has no value in any row; choose another target or table$"):
        target_present(pd.Series([np.nan, np.nan]), "y")


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b"], "classify", "it is text"),
        ([True, False], "classify", "it is true or false"),
        (pd.Categorical([1.5, 2.5]), "classify", "it is a categorical column"),
        (np.arange(20), "classify", "it has 20 distinct integers"),
        (np.arange(21), "regress", "it has 21 distinct integers"),
        ([1.0, 2.0, None], "classify", "it has 2 distinct integers"),
        ([1.0, 2.5], "regress", "it holds numbers with fractions"),
        (["1", "2"], "classify", "it has 2 distinct integers"),
    ],
)
def test_infer_task(values, task, reason):
    assert infer_task(pd.Series(values)) == (task, reason)


@pytest.mark.parametrize(
    ("values", "whole"),
    [
        ([3.0, None], True),
        (np.arange(30), True),
        (["1", "2"], True),
        (pd.Categorical([1, 2]), True),
        ([1.0, 2.5], False),
        ([True, False], False),
        (["a", "b"], False),
    ],
)
def test_whole_numbers(values, whole):
    assert holds_whole_numbers(pd.Series(values)) is whole


def test_targets_that_set_no_task():
    with pytest.raises(
        InputError, match=r"^target 'y' holds dates, which are neither classes nor numbers; choose another"
    ):
        infer_task(pd.Series(["2020-01-01"]), "y")
    with pytest.raises(InputError, match=r"^column 'y' holds an infinite value in row 2"):
        infer_task(pd.Series([1.0, np.inf]), "y")


@pytest.mark.parametrize(
    ("name", "task"), [("digits", "classify"), ("iris", "classify"), ("wine", "classify"), ("diabetes", "regress")]
)
def test_tasks_of_bundled_sets(name, task):
    assert infer_task(load_source(name).frame["target"])[0] == task


# Classes

LABELS = st.one_of(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).map(composed),
        min_size=2,
        unique=True,
    ),
    st.lists(st.integers(-(2**53), 2**53), min_size=2, unique=True),
    st.just([False, True]),
)


@anew
@given(LABELS, st.randoms(use_true_random=False))
def test_any_labels_come_back(labels, random):
    values = labels * 2
    random.shuffle(values)
    target = ClassTarget.fit(values)
    assert target.labels == tuple(sorted(labels))
    assert [type(label) for label in target.labels] == [type(labels[0])] * len(labels)
    codes = target.encode(values)
    assert codes.dtype == np.int32
    assert target.decode(codes).tolist() == values
    again = through_json(target)
    assert again == target
    np.testing.assert_array_equal(again.encode(values), codes)


def test_labels_match_whatever_their_type():
    target = ClassTarget.fit(np.array([3.0, 1.0, 2.0]))
    assert target.labels == (1, 2, 3)
    assert target.encode([3, 1]).tolist() == [2, 0]
    assert target.encode(pd.Series(["2", "1"])).tolist() == [1, 0]
    assert target.encode(pd.Series(pd.Categorical([2, 1]))).tolist() == [1, 0]
    mixed = ClassTarget.fit(pd.Series(["a", 1, "b", 1.5], dtype=object))
    assert mixed.labels == (1, 1.5, "a", "b")
    assert mixed.decode(np.array([0, 3])).tolist() == [1, "b"]


def test_labels_that_do_not_fit():
    with pytest.raises(
        InputError, match=r"^target 'y' has one class only, 'a': there is nothing to predict; choose another target$"
    ):
        ClassTarget.fit(["a", "a"], "y")
    with pytest.raises(
        InputError, match=r"^target 'y' has no values: there is nothing to predict; choose another target$"
    ):
        ClassTarget.fit([None, None], "y")
    target = ClassTarget.fit(["a", "b"])
    with pytest.raises(
        InputError, match=r"^target 'y' has the class 'c', which was not seen in training \('a', 'b'\)$"
    ):
        target.encode(["a", "c"], "y")
    with pytest.raises(InputError, match=r"^target 'y' is missing in row 2$"):
        target.encode(pd.Series(["a", None]), "y")


# Numbers


@anew
@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20, unique=True))
def test_mean_and_deviation(values):
    target = NumberTarget.fit(values)
    scale = max(map(abs, values))
    assert target.mean == pytest.approx(fmean(values), abs=1e-12 * scale)
    assert target.deviation == pytest.approx(pstdev(values), rel=1e-9, abs=1e-12 * scale)
    assert (target.low, target.high) == (min(values), max(values))
    encoded = target.encode(values)
    assert encoded.dtype == np.float32
    decoded = target.decode(encoded)
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded, values, rtol=1e-6, atol=1e-6 * scale)
    assert through_json(target) == target


@anew
@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.integers(0, 4)), min_size=2, max_size=20))
def test_weights_are_copies(rows):
    values, weight = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    copies = np.repeat(values, weight)
    assume(len(np.unique(copies)) > 1)
    assert NumberTarget.fit(values, weight.astype(float)) == NumberTarget.fit(copies)
    assert NumberTarget.fit(values[::-1], weight[::-1]) == NumberTarget.fit(copies, np.ones(len(copies)))


def test_a_large_target_with_a_small_spread():
    values = 1e7 + np.array([0.0, 1e-3, 2e-3])
    target = NumberTarget.fit(values)
    np.testing.assert_allclose(target.decode(target.encode(values)), values, rtol=0, atol=1e-8)
    np.testing.assert_allclose(target.encode(values), [-np.sqrt(1.5), 0, np.sqrt(1.5)], atol=1e-5)


def test_extreme_targets():
    target = NumberTarget.fit(np.array([-1e300, 1e300]))
    np.testing.assert_array_equal(target.encode(np.array([-1e300, 1e300])), [-1, 1])
    assert NumberTarget.fit(pd.Series(["1,5", "2,5"])).mean == 2


def test_numbers_that_do_not_fit():
    with pytest.raises(
        InputError, match=r"^target 'y' is always 7: there is nothing to predict; choose another target$"
    ):
        NumberTarget.fit([7.0, 7.0], name="y")
    with pytest.raises(InputError, match=r"^target 'y' is always 7: "):
        NumberTarget.fit(np.array([7.0, 8.0]), np.array([1, 0]), "y")
    with pytest.raises(InputError, match=r"^target 'y' has no values: "):
        NumberTarget.fit([], name="y")
    with pytest.raises(InputError, match=r"^target 'y' is missing in row 2$"):
        NumberTarget.fit([1.0, np.nan], name="y")
    with pytest.raises(InputError, match=r"^column 'y' holds an infinite value in row 1"):
        NumberTarget.fit(np.array([np.inf, 1]), name="y")
    with pytest.raises(InputError, match=r"^column 'y' must hold numbers, but row 2 holds 'high'$"):
        NumberTarget.fit(["1", "high"], name="y")
