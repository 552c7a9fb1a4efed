import numpy as np
import pandas as pd
import pytest

from phalanx import Bernoulli, InputError, Multinoulli
from phalanx.data import ClassTarget, NumberTarget
from phalanx.runs.config import Config
from phalanx.runs.prepare import absolute, prepare


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=50), "c": list("uvwxy") * 10, "y": ["no", "yes"] * 25})


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A function that writes a table and prepares it."""
    monkeypatch.chdir(tmp_path)

    def prepare_table(table, **options):
        table.to_csv("t.csv", index=False)
        return prepare(Config(source="t.csv", **{"target": "y", **options}))

    return prepare_table


def test_classes(prepared, frame):
    found = prepared(frame)
    assert (found.name, found.config.task, found.config.target) == ("t", "classify", "y")
    assert found.target == ClassTarget(("no", "yes"))
    assert found.problem.classes == 2
    assert found.problem.target.tolist() == [0, 1] * 25
    assert [(column.name, column.kind) for column in found.columns] == [("a", "number"), ("c", "category")]
    assert found.notes == (
        "task: classify, because the target 'y' is text",
        "rows: 32 train, 8 validate, 10 test (seed 0)",
    )
    assert found.warnings == ()


def test_every_row_is_in_one_part(prepared, frame):
    found = prepared(frame)
    rows = np.concatenate([found.problem.train, found.problem.valid])
    np.testing.assert_array_equal(np.sort(np.concatenate([rows, np.setdiff1d(np.arange(50), rows)])), np.arange(50))
    assert len(found.test_target) == 50 - len(rows)
    assert found.test_inputs.numbers.shape[0] == len(found.test_target)


def test_numbers(prepared, frame):
    found = prepared(frame.assign(y=frame.a * 3 + 100))
    assert found.problem.classes == 0
    assert isinstance(found.target, NumberTarget)
    train = found.problem.target[found.problem.train]
    assert found.target.mean == pytest.approx(train.mean())  # of the training rows alone
    assert found.target.deviation == pytest.approx(train.std())
    assert found.notes[0] == (
        "task: regress, because the target 'y' holds numbers with fractions (--task classify changes it)"
    )


def test_the_task_asked_for(prepared, frame):
    whole = frame.assign(y=[3, 4] * 25)
    assert prepared(whole).notes[0].endswith("has 2 distinct integers (--task regress changes it)")
    asked = prepared(whole, task="regress")
    assert (asked.config.task, asked.problem.classes, len(asked.notes)) == ("regress", 0, 1)


def test_the_encoder_learns_from_training_rows_alone(prepared, frame):
    found = prepared(frame)
    median = np.median(np.sort(frame.a.to_numpy()[found.problem.train])[15:16])
    assert found.encoder.numbers[0].center == pytest.approx(median)


def test_columns_that_are_left_out(prepared, frame):
    table = frame.assign(key=range(50), family=np.arange(50) // 5, extra=1.5)
    found = prepared(table, id="key", group="family", ignore=("extra", "c"))
    assert [column.name for column in found.columns] == ["a"]
    families = np.arange(50) // 5
    assert not set(families[found.problem.train]) & set(families[found.problem.valid])


def test_warnings(prepared, frame):
    table = frame.assign(
        y=frame.y.where(frame.index > 1).where(frame.index != 30, "rare"),
        customer=[f"name {i}" for i in range(50)],
        **{f"k{i}": "same" for i in range(5)},
    )
    assert prepared(table).warnings == (
        "2 rows without a value of 'y' left out",
        "classes whose few rows are all in training: 'rare'",
        "column 'customer' holds 48 distinct texts in 48 rows: taken for an identifier and left out",
        "5 columns of kind constant are left out: 'k0', 'k1', 'k2' and 2 more",
    )


def test_a_test_table(prepared, frame, tmp_path):
    later = frame[["y", "c", "a"]].assign(extra=1, c="new")
    later.loc[0, "y"] = None
    later.to_csv(tmp_path / "later.csv", index=False)
    found = prepared(frame, test="later.csv")
    assert len(found.problem.train) + len(found.problem.valid) == 50
    assert found.test_target.tolist() == [1] + [0, 1] * 24
    assert (found.test_inputs.codes == 0).all()
    assert found.warnings == ("1 test row without a value of 'y' left out",)


@pytest.mark.parametrize(
    ("change", "options", "error"),
    [
        ({}, {"target": "z"}, r"no column 'z' for the target; there are 'a', 'c', 'y'$"),
        ({}, {"group": "A"}, r"no column 'A' for --group; did you mean 'a'\?$"),
        (
            {},
            {"likelihood": Multinoulli(), "target": "a"},
            r"likelihood multinoulli does not fit a target of numb",
        ),
        (
            {},
            {"likelihood": Bernoulli(), "target": "c"},
            r"likelihood bernoulli does not fit a target of 5 class",
        ),
        (
            {},
            {"task": "regress"},
            r"column 'y' must hold numbers, but row 1 holds 'no'; --task classify",
        ),
        ({}, {"test": "gone"}, r"test is 'gone', but must be a share of the rows, such as 0.2, or a table$"),
        ({}, {"ignore": ("a", "c")}, r"t.csv has no column left to learn from besides the target 'y'$"),
        (
            {"y": ["no"] * 30 + ["yes"] * 20, "g": [1] * 30 + [2] * 10 + [3] * 10},
            {"group": "g", "seed": 0},
            r"the training rows hold one class only; use more rows, another --seed or another --group$",
        ),
        ({"y": [np.inf, *range(49)]}, {}, r"column 'y' holds an infinite value in row 1; correct it or leave the cell"),
        (
            {"y": [None] * 47 + ["a", "b", "a"]},
            {},
            r"t.csv: 3 rows that have a target are too few; there must be",
        ),
    ],
)
def test_what_cannot_be_used(prepared, frame, change, options, error):
    with pytest.raises(InputError, match=rf"^{error}"):
        prepared(frame.assign(**change), **options)


def test_an_infinite_value_that_is_ignored_does_no_harm(prepared, frame):
    assert prepared(frame.assign(bad=np.inf), ignore=("bad",)).problem.classes == 2


def test_paths_that_stay_right(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert absolute("t.csv") == str(tmp_path / "t.csv")
    assert absolute("digits") == "digits"
