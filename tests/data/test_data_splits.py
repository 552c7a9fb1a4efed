import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phalanx.data.splits import split_rows
from phalanx.errors import InputError

anew = settings(deadline=None)


def parts(split):
    return split.train, split.valid, split.test


def test_sizes():
    split = split_rows(1000)
    assert [len(part) for part in parts(split)] == [640, 160, 200]
    assert [part.dtype for part in parts(split)] == [np.int64] * 3
    assert split.notes == ()
    assert [len(part) for part in parts(split_rows(1000, test=0.0))] == [800, 200, 0]
    assert [len(part) for part in parts(split_rows(1000, test=0.5, valid=0.0))] == [500, 0, 500]
    assert [len(part) for part in parts(split_rows(4, test=0.0, valid=0.0))] == [4, 0, 0]


@anew
@given(
    st.integers(4, 60),
    st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]),
    st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_every_row_is_in_one_part(n, test, valid, seed, data):
    classes = data.draw(st.one_of(st.none(), st.lists(st.sampled_from("aaab"), min_size=n, max_size=n)))
    try:
        split = split_rows(n, classes=classes, test=test, valid=valid, seed=seed)
    except InputError as error:
        assert n < 6
        assert "needs one to train on" in str(error)  # noqa: PT017
        return
    np.testing.assert_array_equal(np.sort(np.concatenate(parts(split))), np.arange(n))
    assert len(split.train) >= 2
    assert (len(split.valid) > 0) == (valid > 0)
    assert (len(split.test) > 0) == (test > 0)
    if classes:
        assert {classes[row] for row in split.train} == set(classes)


def test_the_seed_decides():
    one, same, other = split_rows(100, seed=1), split_rows(100, seed=1), split_rows(100, seed=2)
    for a, b in zip(parts(one), parts(same), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.test, other.test)
    # Written down once: a change here means that old runs can no longer be repeated.
    np.testing.assert_array_equal(split_rows(10, seed=0).test, [2, 8])
    np.testing.assert_array_equal(split_rows(10, seed=0, classes=[0, 1] * 5).test, [7, 8])


def test_classes_keep_their_shares():
    classes = np.array(["rare"] * 50 + ["common"] * 950)
    split = split_rows(1000, classes=classes)
    assert [int((classes[part] == "rare").sum()) for part in parts(split)] == [32, 8, 10]


def test_a_class_of_one_row_stays_in_training():
    classes = ["a"] * 50 + ["b"] * 49 + ["lonely"]
    for seed in range(20):
        split = split_rows(100, classes=classes, seed=seed)
        assert 99 in split.train
        assert split.notes == ("classes whose few rows are all in training: 'lonely'",)


def test_more_classes_than_places():
    # 100 classes of 3 rows, and 60 places in the test part: every class keeps a row to train on.
    classes = np.repeat(np.arange(100), 3)
    split = split_rows(300, classes=classes)
    assert [len(part) for part in parts(split)] == [192, 48, 60]
    assert set(classes[split.train]) == set(range(100))


def test_groups_stay_together():
    groups = np.random.default_rng(0).integers(0, 30, 500)
    split = split_rows(500, groups=groups, seed=3)
    seen = [set(groups[part]) for part in parts(split)]
    assert [len(part) for part in seen] == [19, 5, 6]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 30


def test_groups_of_text_with_missing_names_and_classes():
    groups = ["a"] * 5 + [None] * 5 + ["c"] * 5
    split = split_rows(15, groups=np.array(groups, dtype=object), classes=[0] * 5 + [1] * 5 + [2] * 5)
    assert [len(part) for part in parts(split)] == [5, 5, 5]
    assert len(split.notes) == 2
    assert split.notes[1].startswith("classes with no row in training: ")


def test_bad_shares():
    with pytest.raises(InputError, match=r"^the test share must be at least 0 and below 1, not 1\.5$"):
        split_rows(10, test=1.5)
    with pytest.raises(InputError, match=r"^the validation share must be at least 0 and below 1, not nan$"):
        split_rows(10, valid=float("nan"))


def test_too_few_rows():
    with pytest.raises(InputError, match=r"^1 row is too few: 2 are needed for training and 1 for each other part$"):
        split_rows(1)
    with pytest.raises(InputError, match=r"^3 rows are too few: "):
        split_rows(3)
    with pytest.raises(InputError, match=r"^1 row is too few: "):
        split_rows(1, test=0.0, valid=0.0)
    with pytest.raises(InputError, match=r"^2 groups are too few: each part needs one, and none is left for the test"):
        split_rows(10, groups=[0, 1] * 5)
    with pytest.raises(InputError, match=r"^no row is left for the test part, since each of 10 classes needs one"):
        split_rows(10, classes=list(range(10)))
