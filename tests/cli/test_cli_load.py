"""A run opened in Python says what the shell says, to the bit; what an estimator saved is a run to the shell."""

import json

import numpy as np
import pandas as pd
import pytest

import phalanx
from phalanx import Dense, InputError, Regressor, Tanh


def told(in_folder, folder, run, source, *words):
    """What `phalanx predict` writes, numbers to the bit."""
    ended = in_folder(folder, "predict", run, source, "--out", "told.csv", *words)
    assert ended.status == 0, ended.err
    return pd.read_csv(folder / "told.csv", engine="pyarrow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, in_folder, table):
    """A folder with `good.csv` and a run on it, `run`."""
    folder = tmp_path_factory.mktemp("loaded")
    table.to_csv(folder / "good.csv", index=False)
    (folder / "tiny.yaml").write_text("""
trials: 1
max_rounds: 2
batch_size: 16
baselines: [dummy]
layers: [{Dense: {units: 4}}, Tanh]
""")
    ended = in_folder(folder, "train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture
def run(folder):
    return phalanx.load(folder / "run")


@pytest.mark.parametrize("as_file", [True, False], ids=["file", "frame"])
def test_a_table_of_classes(folder, in_folder, run, table, as_file):
    written = told(in_folder, folder, "run", "good.csv")
    source = folder / "good.csv" if as_file else table
    assert run.predict(source).tolist() == written["prediction"].tolist()
    found = run.predict_proba(source)
    assert (run.targets, run.classes["y"].tolist()) == (("y",), ["no", "yes"])
    np.testing.assert_array_equal(found, written.filter(like="probability").to_numpy().astype(np.float32))
    pd.testing.assert_frame_equal(run.table(source), written, check_exact=True, check_dtype=False)


def test_what_else_a_run_holds(folder, in_folder, run):
    assert run.result == json.loads((folder / "run" / "result.json").read_text())
    assert run.leaderboard["id"].tolist() == pd.read_csv(folder / "run" / "leaderboard.csv")["id"].tolist()
    pd.testing.assert_frame_equal(run.curves, pd.read_parquet(folder / "run" / "curves.parquet"))
    assert (list(run.members), run.ensemble, run.best) == (["m001"], {"m001": 1.0}, "m001")
    assert repr(run) == f"TrainedModel('{folder / 'run'}')"
    ended = in_folder(folder, "evaluate", "run", "good.csv", "--out", "scores.json")
    assert ended.status == 0, ended.err
    assert run.evaluate(folder / "good.csv") == json.loads((folder / "scores.json").read_text())


def test_members_are_what_the_shell_calls_the_best(folder, in_folder, run, table):
    written = told(in_folder, folder, "run", "good.csv", "--no-ensemble")
    found = run.members[run.best].predict_proba(table)[:, 1]
    np.testing.assert_array_equal(found, written["probability_yes"].to_numpy().astype(np.float32))


def test_what_is_noticed_is_a_warning(run, table):
    with pytest.warns(UserWarning, match=r"^column 'c' has values that training did not, in 1 of 60 rows"):
        run.predict(table.assign(c=["new", *table["c"][1:]]))
    with pytest.warns(UserWarning, match=r"column 'b' .*'much'"):
        run.predict(table.assign(b=["much", *table["b"][1:].astype(str)]))


def test_what_cannot_be_opened_or_predicted(folder, run, table, tmp_path):
    for path, said in ((tmp_path / "no", "no such run folder: "), (tmp_path, "model/model.json is missing")):
        with pytest.raises(InputError, match=said):
            phalanx.load(path)
    for source, said in (
        (table[["a"]], r"the table lacks the columns 'b', 'c'"),
        (table.drop(columns="c"), r"the table lacks the column 'c'"),
        (table[["a", "b"]].to_numpy(), r"but this has shape \(60, 2\); give a DataFrame with columns 'a', 'b', 'c'"),
        (folder / "none.csv", r"no such file: "),
        ([folder / "good.csv"] * 2, r"2 sources are given, but only images, sounds or texts"),
    ):
        with pytest.raises(InputError, match=said):
            run.predict(source)
    with pytest.raises(InputError, match="level is 2, but must be"):
        run.table(table, level=2)
    assert not hasattr(run, "predict_interval")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model").symlink_to(folder / "run" / "model")
    bare = phalanx.load(tmp_path / "run")
    assert bare.predict(table).tolist() == run.predict(table).tolist()
    for name in ("result", "leaderboard", "curves"):
        with pytest.raises(InputError, match=rf"{name}\.\w+ cannot be read: "):
            getattr(bare, name)


def test_the_shell_predicts_with_what_an_estimator_saved(tmp_path, in_folder, table):
    rows = table.assign(price=[f"{10 * value:.1f} €" for value in table["a"]], size=table["a"] + table["b"])
    rows.to_csv(tmp_path / "rows.csv", index=False)
    net = Regressor([Dense(4), Tanh()], max_rounds=2, batch_size=16).fit(rows.drop(columns="size"), rows["size"])
    net.save(tmp_path / "run")
    written = told(in_folder, tmp_path, "run", "rows.csv", "--level", 0.5)
    np.testing.assert_array_equal(written["prediction"], net.predict(rows.drop(columns="size")))
    low, high = net.predict_interval(rows.drop(columns="size"), 0.5)
    np.testing.assert_array_equal(written[["lower", "upper"]], np.column_stack([low, high]))
    ended = in_folder(tmp_path, "evaluate", "run", "rows.csv", "--out", "scores.json")
    assert ended.status == 0, ended.err
    error = np.sqrt(np.mean((written["prediction"] - rows["size"]) ** 2))
    assert json.loads((tmp_path / "scores.json").read_text())["rmse"] == pytest.approx(error)
