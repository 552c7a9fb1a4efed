"""The two doors use one set of rules: the same rows get the same columns, space and trials; copies of rows count."""

from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pandas as pd
import pytest

from phalanx import Adam, Classifier, Dense, Embedding, Regressor, Tanh
from phalanx.config import Config
from phalanx.errors import InputError
from phalanx.estimators import base
from phalanx.kinds.registry import prepare
from phalanx.layers import Branches
from phalanx.runs.planning import make_plan


class PlannedError(Exception):
    pass


@pytest.fixture
def planned(monkeypatch):
    """What an estimator would train: its problem, and the plan."""

    def stop(problem, plan, **rest):
        raise PlannedError(problem, plan)

    def plan(net, X, y):
        monkeypatch.setattr(base, "fit", stop)
        with pytest.raises(PlannedError) as caught:
            net.fit(X, y)
        return caught.value.args

    return plan


@pytest.mark.filterwarnings("ignore:column 'unit' is always")
def test_both_doors_choose_the_same_for_the_same_rows(tmp_path, planned):
    rng, rows = np.random.default_rng(0), 2_400  # of which 1,920 train: two sides of a border of sizes
    frame = pd.DataFrame({f"c{j}": rng.choice(list("abc"), rows) for j in range(33)})
    frame["x"], frame["n"], frame["unit"] = rng.normal(size=rows).round(1), rng.integers(0, 5, rows), "kg"
    frame["y"] = rng.choice(["yes", "no"], rows)
    frame = pd.concat([frame.iloc[: rows // 2]] * 2)
    frame.to_csv(tmp_path / "d.csv", index=False)
    prepared = prepare(Config(source=str(tmp_path / "d.csv"), target=("y",), test=0.0))
    plan, _ = make_plan(prepared)
    net = Classifier()
    problem, same = planned(net, frame.drop(columns="y").reset_index(drop=True), frame["y"].to_numpy())
    said = [(column.name, column.kind, column.detail, column.warning) for column in net.columns_]
    assert said == [(column.name, column.kind, column.detail, column.warning) for column in prepared.columns]
    assert (problem.input_layer, problem.size) == (prepared.problem.input_layer, prepared.problem.size)
    assert len(problem.train) == len(prepared.problem.train)
    for one, other in zip(jax.tree.leaves(problem.rows), jax.tree.leaves(prepared.problem.rows), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(problem.train, prepared.problem.train)
    assert same == plan


def few(rows, seed=0):
    """Rows of numbers and of two classes, which are as many."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=rows), "z": rng.normal(size=rows), "y": ["yes", "no"] * (rows // 2)})


@pytest.mark.parametrize(("rows", "folds"), [(8, 1), (10, 5), (998, 5), (1_000, 1)])
def test_both_doors_split_few_rows_into_folds_where_nothing_is_said(tmp_path, planned, rows, folds):
    frame = few(rows)
    frame.to_csv(tmp_path / "d.csv", index=False)
    prepared = prepare(Config(source=str(tmp_path / "d.csv"), target=("y",), test=0.0))
    plan, config = make_plan(prepared)
    problem, same = planned(Classifier(), frame.drop(columns="y"), frame["y"].to_numpy())
    assert len(problem.folds) == len(prepared.problem.folds) == config.folds == folds
    for one, other in zip(problem.folds, prepared.problem.folds, strict=True):
        np.testing.assert_array_equal(one.train, other.train)
    assert same == plan
    note = "in 5 folds, as they are few (--folds 1: one part validates)"
    assert (note in prepared.notes[-1]) == (folds == 5)


@pytest.mark.parametrize(
    ("said", "folds"),
    [
        ({}, 5),
        ({"valid": 0.3}, 1),
        ({"refit": "steps"}, 1),
        ({"refit": "none"}, 5),
        ({"bootstrap": True}, 1),
        ({"folds": 1}, 1),
        ({"folds": 3}, 3),
        ({"trials": 2, "minutes": 1.0, "metric": "f1"}, 5),
        ({"layers": (Dense(4), Tanh())}, 1),
    ],
    ids=str,
)
def test_folds_are_usual_where_nothing_says_otherwise(tmp_path, planned, said, folds):
    frame = few(60)
    frame.to_csv(tmp_path / "d.csv", index=False)
    prepared = prepare(Config(source=str(tmp_path / "d.csv"), target=("y",), **said))
    names = {"valid": "validation_fraction"}
    net = Classifier(**{names.get(name, name): value for name, value in said.items()})
    problem, _ = planned(net, frame.drop(columns="y"), frame["y"].to_numpy())
    assert len(problem.folds) == len(prepared.problem.folds) == folds


def test_folds_are_not_usual_where_they_would_lack_something(tmp_path, planned):
    """Of a class of 4 rows, of 9 groups, of texts; and of rows of one's own that validate."""
    frame = few(60)
    X, rare = frame.drop(columns="y"), np.array([*["rare"] * 4, *["usual"] * 56])
    texts = X.assign(review=[f"some words and {i} more" for i in range(60)])
    groups = np.arange(60) % 10
    for rows, y, beside, folds in (
        (X, rare, {}, 1),
        (texts, frame["y"].to_numpy(), {}, 1),
        (X, frame["y"].to_numpy(), {"groups": groups}, 5),
        (X, frame["y"].to_numpy(), {"groups": groups % 9}, 1),
        (X, frame["y"].to_numpy(), {"validation": (X, frame["y"])}, 1),
    ):
        problem, _ = planned(SimpleNamespace(fit=partial(Classifier().fit, **beside)), rows, y)
        assert len(problem.folds) == folds
    frame.assign(y=rare).to_csv(tmp_path / "d.csv", index=False)
    assert len(prepare(Config(source=str(tmp_path / "d.csv"), target=("y",))).problem.folds) == 1


@pytest.mark.filterwarnings("ignore:column 'unit' is always")
@pytest.mark.parametrize(("names", "entry"), [(["review"], Embedding), (["review", "answer"], Branches)])
def test_both_doors_learn_from_columns_of_texts(tmp_path, planned, names, entry):
    texts = [f"some words and {i} more" for i in range(60)]
    frame = pd.DataFrame({"unit": ["kg"] * 60, **dict.fromkeys(names, texts)})
    y = np.random.default_rng(0).normal(size=60)
    frame.assign(y=y).to_csv(tmp_path / "d.csv", index=False)
    prepared = prepare(Config(source=str(tmp_path / "d.csv"), target=("y",), test=0.0))
    plan, _ = make_plan(prepared)
    problem, same = planned(Regressor(), frame, y)
    assert problem.input_layer == prepared.problem.input_layer
    assert isinstance(problem.input_layer, entry)
    assert same == plan


def test_no_door_learns_from_nothing(tmp_path):
    frame, y = pd.DataFrame({"unit": ["kg"] * 60}), np.random.default_rng(0).normal(size=60)
    frame.assign(y=y).to_csv(tmp_path / "d.csv", index=False)
    error = "^no column is left to learn from: column 'unit' is always 'kg': left out$"
    with pytest.raises(InputError, match=error):
        Regressor().fit(frame, y)
    with pytest.raises(InputError, match=error):
        prepare(Config(source=str(tmp_path / "d.csv"), target=("y",)))


def small(seed):
    return Classifier([Dense(8), Tanh()], optimizer=Adam(0.05), max_rounds=60, random_state=seed)


@pytest.mark.parametrize("seed", range(3))
def test_a_table_of_few_different_rows_is_learned(seed):
    X = np.random.default_rng(seed).integers(0, 2, (200, 2)).astype(float)
    y = X[:, 0] != X[:, 1]
    assert small(seed).fit(X, y).score(X, y) == 1


def test_a_table_of_six_different_rows_is_predicted_as_well_as_by_the_best_rule():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], 600), "class": rng.choice(["first", "second", "third"], 600)})
    chance = np.where(frame["sex"] == "f", 0.75, 0.2) + np.where(frame["class"] == "first", 0.2, 0)
    y = pd.Series(rng.random(600) < chance)
    best = y.groupby([frame["sex"], frame["class"]]).transform(lambda cell: cell.mean() > 0.5)
    assert small(0).fit(frame, y.to_numpy()).score(frame, y) >= (best == y).mean() - 1e-9
