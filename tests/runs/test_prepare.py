import numpy as np
import pandas as pd
import pytest

from phalanx import Bernoulli, Gaussian, InputError, Multinoulli, choice
from phalanx.config import Config
from phalanx.data import ClassTarget, Goal
from phalanx.kinds.registry import prepare
from phalanx.likelihoods import Head, Joint, MultivariateGaussian, Poisson
from phalanx.runs.planning import absolute


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
        usual = {"target": ("y",)} if "forecast" in options else {"target": ("y",), "folds": 1}
        return prepare(Config(source="t.csv", **{**usual, **options}))

    return prepare_table


def places(found, table):
    """Of each row of a problem, its place in a table, by its number in the column `a`, which no other row has."""
    first, whole = found.problem.inputs[0].numbers[:, 0], found.encoder.transform(table).numbers[:, 0]
    order = np.argsort(whole)
    at = order[np.searchsorted(whole[order], first)]
    assert (whole[at] == first).all()
    assert len(np.unique(at)) == len(at) == len(table)
    return at


def test_classes(prepared, frame):
    found = prepared(frame)
    assert (found.name, found.config.task, found.config.target) == ("t", "classify", ("y",))
    assert found.problem.goals == (Goal(("y",), (ClassTarget(("no", "yes")),)),)
    assert found.problem.values[0].tolist() == (frame.y == "yes").iloc[places(found, frame)].astype(int).tolist()
    assert [(column.name, column.kind) for column in found.columns] == [("a", "number"), ("c", "category")]
    assert found.notes == (
        "task: classify, because the target 'y' is text",
        "rows: 32 train, 8 validate, 10 test (seed 0)",
    )
    assert found.warnings == ()


def test_every_row_is_in_one_part(prepared, frame):
    found = prepared(frame)
    rows = places(found, frame)[np.concatenate([found.problem.train, found.problem.valid])]
    rest = np.setdiff1d(np.arange(50), rows)
    assert len(np.unique(rows)) == len(rows) == 50 - found.test_rows
    expected = found.encoder.transform(frame.iloc[rest])
    np.testing.assert_array_equal(np.sort(found.test_inputs.numbers, axis=0), np.sort(expected.numbers, axis=0))
    assert sorted(found.test_values[0]) == sorted((frame.y.iloc[rest] == "yes").astype(int))


def test_numbers(prepared, frame):
    found = prepared(frame.assign(y=frame.a * 3 + 100))
    (goal,) = found.problem.goals
    assert (goal.kind, found.problem.values[0].shape) == ("numbers", (50, 1))
    train = found.problem.values[0][found.problem.train]
    assert goal.columns[0].mean == pytest.approx(train.mean())  # of the training rows alone
    assert goal.deviations.tolist() == pytest.approx([train.std()])
    assert found.notes[0] == (
        "task: regress, because the target 'y' holds numbers with fractions (--task classify changes it)"
    )


def test_the_task_asked_for(prepared, frame):
    whole = frame.assign(y=[3, 4] * 25)
    assert prepared(whole).notes[0].endswith("has 2 distinct integers (--task regress changes it)")
    asked = prepared(whole, task="regress")
    assert (asked.config.task, asked.problem.goals[0].kind, len(asked.notes)) == ("regress", "numbers", 1)


def test_the_encoder_learns_from_training_rows_alone(prepared, frame):
    found = prepared(frame)
    train = places(found, frame)[found.problem.train]
    median = np.median(np.sort(frame.a.to_numpy()[train])[15:16])
    assert found.encoder.numbers[0].center == pytest.approx(median)


def test_columns_that_are_left_out(prepared, frame):
    table = frame.assign(key=range(50), family=np.arange(50) // 5, extra=1.5)
    found = prepared(table, id="key", group="family", ignore=("extra", "c"))
    assert [column.name for column in found.columns] == ["a"]
    families = (np.arange(50) // 5)[places(found, table)]
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
        # of the 48 rows with a target 10 test, of which nothing is learned
        "column 'customer' holds 38 distinct texts in 38 rows: taken for an identifier and left out",
        "5 columns of kind constant are left out: 'k0', 'k1', 'k2' and 2 more",
    )


def test_a_test_table(prepared, frame, tmp_path):
    later = frame[["y", "c", "a"]].assign(extra=1, c="new")
    later.loc[0, "y"] = None
    later.to_csv(tmp_path / "later.csv", index=False)
    found = prepared(frame, test="later.csv")
    assert len(found.problem.train) + len(found.problem.valid) == 50
    assert found.test_values[0].tolist() == [1] + [0, 1] * 24
    assert (found.test_inputs.codes == 0).all()
    assert found.warnings == (
        "1 test row without a value of 'y' left out",
        "column 'c' has values that training did not, in 50 of 50 rows (100.0%), taken for missing: 'new'",
    )


def test_several_targets(prepared, frame):
    table = frame.assign(z=frame.a * 3 + 100, y=frame.y.where(frame.index != 4))
    table.loc[7, "z"] = None
    found = prepared(table, target=("z", "y"))
    assert [(goal.names, goal.kind) for goal in found.problem.goals] == [(("z",), "numbers"), (("y",), "classes")]
    assert (found.config.target, found.config.task) == (("z", "y"), None)
    assert [column.name for column in found.columns] == ["a", "c"]
    kept = table.drop(index=[4, 7])
    kept = kept.iloc[places(found, kept)]
    np.testing.assert_allclose(found.problem.values[0][:, 0], kept.z)
    assert found.problem.values[1].tolist() == (kept.y == "yes").astype(int).tolist()
    train = found.problem.values[0][found.problem.train, 0]
    assert found.problem.goals[0].columns[0].mean == pytest.approx(train.mean())
    assert found.notes[:2] == (
        "task: regress, because the target 'z' holds numbers with fractions (--task classify changes every target)",
        "task: classify, because the target 'y' is text",
    )
    assert found.warnings == (
        "2 rows without a value of 'z' or 'y' left out",
        "column 'a' alone says 'z' in every row: if it is a copy of it, or known only after it, leave it out "
        "(--ignore 'a')",
    )


def test_numbers_alone_share_a_head(prepared, frame):
    table = frame.assign(z=frame.a * 3, w=-frame.a)
    for likelihood in ("default", MultivariateGaussian()):
        found = prepared(table, target=("z", "w"), likelihood=likelihood)
        assert [goal.names for goal in found.problem.goals] == [("z", "w")]
        assert found.config.task == "regress"
        assert found.problem.values[0].shape == (50, 2)


def test_heads_say_which_columns_they_have(prepared, frame):
    table = frame.assign(z=frame.a * 3, w=-frame.a)
    joint = Joint([Head(MultivariateGaussian(), targets=("w", "z")), Head(Bernoulli())])
    found = prepared(table, target=("z", "y", "w"), likelihood=joint)
    assert [goal.names for goal in found.problem.goals] == [("w", "z"), ("y",)]
    np.testing.assert_allclose(found.problem.values[0], table[["w", "z"]].iloc[places(found, table)])


def test_whole_numbers_are_what_their_likelihood_is_of(prepared, frame):
    few, many = frame.assign(y=np.arange(50) % 5), frame.assign(y=np.arange(50) // 2)
    for likelihood, kind in ((Poisson(), "counts"), (Gaussian(), "numbers"), (choice(Gaussian(0.5)), "numbers")):
        found = prepared(few, likelihood=likelihood)
        assert (found.config.task, found.problem.goals[0].kind) == ("regress", kind)
    assert found.notes[0] == "task: regress, because the likelihood of 'y' is gaussian"
    found = prepared(many, likelihood=Multinoulli())
    assert (found.config.task, found.problem.goals[0].classes) == ("classify", 25)
    joint = Joint([Head(Poisson(), targets=("y",)), Head(Multinoulli())])
    found = prepared(few.assign(z=few.y), target=("z", "y"), likelihood=joint)
    assert [(goal.names, goal.kind) for goal in found.problem.goals] == [(("y",), "counts"), (("z",), "classes")]


@pytest.mark.parametrize(
    ("change", "options", "error"),
    [
        ({}, {"target": ("z",)}, r"no column 'z' for the target; there are 'a', 'c', 'y'$"),
        ({}, {"group": "A"}, r"no column 'A' for --group; did you mean 'a'\?$"),
        (
            {},
            {"likelihood": Multinoulli(), "target": ("a",)},
            r"likelihood multinoulli does not fit a target of numb",
        ),
        (
            {},
            {"likelihood": Bernoulli(), "target": ("c",)},
            r"likelihood bernoulli does not fit a target of 5 class",
        ),
        (
            {},
            {"task": "regress"},
            r"column 'y' must hold numbers, but row 1 holds 'no'; --task classify",
        ),
        ({}, {"test": "gone"}, r"test is 'gone', but must be a share of the rows, such as 0.2, or a source$"),
        ({}, {"ignore": ("a", "c")}, r"t.csv has no column left to learn from besides the target 'y'$"),
        (
            {"y": ["no"] * 30 + ["yes"] * 20, "g": [1] * 30 + [2] * 10 + [3] * 10},
            {"group": "g", "seed": 0},
            r"the training rows hold one class only, but two classes are needed; use more rows, another seed or other "
            r"groups$",
        ),
        (
            {"y": ["no"] * 30 + ["yes"] * 20, "g": [1] * 30 + [2] * 10 + [3] * 10},
            {"group": "g", "seed": 0, "target": ("a", "y")},
            r"the training rows hold one class of 'y' only, but two classes are needed; use more rows, another seed or "
            r"other groups$",
        ),
        ({}, {"baselines": ("forest",)}, r"baselines is 'forest', but must be one of dummy, linear, decision_tree"),
        (
            {},
            {"target": (), "forecast": "a", "baselines": ("linear", "dummy")},
            r"baselines is 'dummy', but must be one of last_value, seasonal_naive, linear$",
        ),
        (
            {},
            {"target": (), "forecast": "a", "text": "c"},
            r"--text is for a table, but t.csv is a series; leave it out$",
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
    assert prepared(frame.assign(bad=np.inf), ignore=("bad",)).problem.goals[0].classes == 2


def test_paths_that_stay_right(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert absolute("t.csv") == str(tmp_path / "t.csv")
    assert absolute("digits") == "digits"
