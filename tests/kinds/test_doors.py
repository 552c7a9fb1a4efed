"""One path: the same rows give the same networks bit for bit, through the shell and through an estimator."""

import jax
import numpy as np
import pandas as pd
import pytest

from phalanx import (
    Adam,
    Classifier,
    Conv,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool,
    MultiTask,
    Regressor,
    Tanh,
    loguniform,
)
from phalanx.kinds import labelled
from phalanx.kinds.learning import learn

BOTH = ["kind", "size"]

SEARCH = {"trials": 3, "seed": 5, "optimizer": {"Adam": {"learning_rate": {"loguniform": [1e-3, 1e-1]}}}}
NET = {
    "layers": [Dense(4), Tanh()],
    "optimizer": Adam(loguniform(1e-3, 1e-1)),
    "trials": 3,
    "max_rounds": 2,
    "batch_size": 16,
    "random_state": 5,
    "validation_fraction": 0.2,
}


@pytest.fixture(scope="module")
def table():
    """Numbers, categories of two and of many values, a date, missing cells; classes and numbers to predict."""
    rng, rows = np.random.default_rng(0), 120
    a = rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            "a": np.where(rng.random(rows) < 0.1, np.nan, a),
            "count": rng.integers(0, 5, rows),
            "city": np.where(rng.random(rows) < 0.1, None, rng.choice(["Rome", "Bern", "Oslo", "Köln"], rows)),
            "day": pd.date_range("2024-01-01", periods=rows, freq="3D").strftime("%Y-%m-%d"),
            "old": rng.choice(["yes", "no"], rows),
        }
    )
    frame["kind"] = np.where(a + 0.3 * rng.normal(size=rows) > 0, "up", "down")
    frame["size"] = 1e4 + 300 * a + rng.normal(size=rows)
    return frame


def same_networks(model, net):
    """Check that a run and an estimator keep the same networks, with the same shares and validation scores."""
    kept, own = model._opened._model.members, net._predictor.members
    assert list(kept) == list(own)
    for id_ in own:
        assert jax.tree.structure(kept[id_].params) == jax.tree.structure(own[id_].params)
        pairs = zip(*(jax.tree.leaves((final.params, final.states)) for final in (kept[id_], own[id_])), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
        assert kept[id_].network == own[id_].network
    assert model.ensemble == net.ensemble_
    assert model.best == net.best_.id
    valid = [name for name in net.leaderboard_ if name.startswith("valid_")]
    board = net.leaderboard_.set_index("id")[valid]
    pd.testing.assert_frame_equal(model.leaderboard.set_index("id")[valid], board, check_exact=True, check_dtype=False)


def through_the_shell(folder, train, rows, tested, **options):
    """A run on a table in a file that tests on another one."""
    rows.to_csv(folder / "d.csv", index=False)
    tested.to_csv(folder / "t.csv", index=False)
    return train(folder, "d.csv", test=str(folder / "t.csv"), **SEARCH, **options)


KINDS = pytest.mark.parametrize(("target", "estimator"), [("kind", Classifier), ("size", Regressor)])


@KINDS
def test_a_table_through_both_doors(tmp_path, train, table, target, estimator):
    rows = table.drop(columns=BOTH[1 - BOTH.index(target)])
    shuffled = rows[:90].sample(frac=1, random_state=1)  # the order of rows is no matter
    model = through_the_shell(tmp_path, train, shuffled, rows[90:], target=target)
    X = rows.drop(columns=target)
    net = estimator(**NET).fit(X[:90], rows[target][:90])
    same_networks(model, net)
    np.testing.assert_array_equal(model.predict(X[90:]), net.predict(X[90:]))


@KINDS
def test_rows_that_test_take_no_part(tmp_path, train, table, target, estimator, monkeypatch):
    """An estimator that is fitted on the others, in any order, makes the same networks."""
    learned = []

    def noted(*given, **options):
        learned.append(learn(*given, **options))
        return learned[-1]

    monkeypatch.setattr(labelled, "learn", noted)
    rows = table.drop(columns=BOTH[1 - BOTH.index(target)])
    rows.to_csv(tmp_path / "d.csv", index=False)
    model = train(tmp_path, "d.csv", target=target, test=0.2, **SEARCH)
    tested = learned[0].at[learned[0].test]
    assert len(tested) == 24
    rest = rows.drop(index=tested).sample(frac=1, random_state=2)
    same_networks(model, estimator(**NET).fit(rest.drop(columns=target), rest[target]))


@pytest.mark.slow
def test_several_targets_and_folds(tmp_path, train, table):
    model = through_the_shell(tmp_path, train, table[:90], table[90:], target=BOTH, folds=2)
    X = table.drop(columns=BOTH)
    net = MultiTask(**NET, folds=2).fit(X[:90], table[BOTH][:90])
    same_networks(model, net)
    pd.testing.assert_frame_equal(model.predict(X[90:]), net.predict(X[90:]))


@pytest.mark.slow
def test_images(tmp_path, train):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (60, 6, 6, 1), np.uint8), rng.integers(0, 3, 60)
    np.savez(tmp_path / "d.npz", X=X[:50], y=y[:50])
    np.savez(tmp_path / "t.npz", X=X[50:], y=y[50:])
    layers = [{"Conv": {"channels": 2}}, "Tanh", "Flatten"]
    model = train(tmp_path, "d.npz", test=str(tmp_path / "t.npz"), layers=layers, **SEARCH)
    net = Classifier(**NET | {"layers": [Conv(2), Tanh(), Flatten()]}).fit(X[:50], y[:50])
    same_networks(model, net)
    np.testing.assert_array_equal(model.predict_proba(X[50:]), net.predict_proba(X[50:]))


@pytest.mark.slow
def test_texts(tmp_path, train):
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    texts = [f"{'warm' if size > 0 else 'cold'} water and {rng.choice(['salt', 'sand', 'sun'])}" for size in y]
    rows = pd.DataFrame({"said": texts, "y": y})
    layers = [{"Embedding": {"units": 4}}, "GlobalAveragePool"]
    model = through_the_shell(tmp_path, train, rows[:50], rows[50:], target="y", text="said", layers=layers)
    net = Regressor(**NET | {"layers": [Embedding(4), GlobalAveragePool()]}).fit(texts[:50], y[:50])
    same_networks(model, net)
    np.testing.assert_array_equal(model.predict(texts[50:]), net.predict(texts[50:]))
