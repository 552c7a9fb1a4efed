"""Networks that were left out because compiling was slow: on the leaderboard without a score, and never chosen."""

import json
import threading

import numpy as np
import pandas as pd
import pytest
import yaml

from phalanx import GRU, LSTM, Adam, Classifier, Dense, EarlyStopping, LanguageModel, Tanh, choice
from phalanx.kinds import comparison
from phalanx.population.building import Pace
from phalanx.population.host import Population

SPACE = """
trials: 4
structures: 2
repeats: 2
max_rounds: 2
batch_size: {choice: [15, 16]}
baselines: [dummy]
refit: steps
stopping: {EarlyStopping: {patience: 5}}
layers: [{Dense: {units: 3}}, Tanh]
"""
WORDS = ("train", "good.csv", "--target", "y", "--config", "space.yaml")


@pytest.fixture
def slow(monkeypatch):
    """A further program would never be compiled in time."""
    monkeypatch.setattr(Pace, "expected", lambda self: 1e9)


@pytest.fixture
def run(phalanx, tmp_path):
    def train(*words):
        (tmp_path / "space.yaml").write_text(SPACE)
        ended = phalanx(*words)
        assert ended.status == 0, ended.err
        return ended.out

    return train


def test_a_run_goes_on_without_them(slow, run, phalanx, tmp_path):
    said = run(*WORDS, "--minutes", 10, "--out", "run")
    assert "compiling was slow: 4 networks of 1 structure left out, so that the others have time to train\n" in said
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["n_members"], result["n_structures"], result["n_untrained"]) == (8, 2, 4)
    board = pd.read_csv(tmp_path / "run" / "leaderboard.csv")
    members = board[board["kind"] == "member"].set_index("id")
    out = members[members["rounds"] == 0]
    assert len(out) == 4
    assert set(out["stopped"]) == {"time"}
    assert out.filter(regex="^(valid|test)_").isna().all(axis=None)
    assert board["rank"].iloc[-4:].tolist() == out["rank"].tolist() == [7, 8, 9, 10]
    assert not set(out.index) & {*result["ensemble"], result["best_member"]["id"]}
    assert set(pd.read_parquet(tmp_path / "run" / "curves.parquet")["id"]) == set(members.index) - set(out.index)
    assert phalanx("predict", "run", "good.csv").status == 0


def test_it_repeats_to_the_bit(run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Pace, "expected", lambda self: 1e9)
        run(*WORDS, "--minutes", 10, "--out", "run")
    held = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert held["rounds"] == [2, 0, 0]  # two structures, and one that would have trained again
    run("train", "--config", "run/config.yaml", "--out", "again")
    one, other = ((tmp_path / name / "model" / "parameters.safetensors").read_bytes() for name in ("run", "again"))
    assert one == other
    boards = [pd.read_csv(tmp_path / name / "leaderboard.csv").drop(columns="seconds") for name in ("run", "again")]
    pd.testing.assert_frame_equal(*boards)


@pytest.mark.slow
def test_baselines_are_trained_while_programs_are_compiled(run, monkeypatch):
    begun, done = threading.Event(), threading.Event()
    build, train = Population.compile, comparison.fit_baseline

    def compile_beside(population):
        begun.set()
        assert done.wait(60)
        build(population)

    def train_beside(*given, **options):
        assert begun.wait(60)
        fitted = train(*given, **options)
        done.set()
        return fitted

    monkeypatch.setattr(Population, "compile", compile_beside)
    monkeypatch.setattr(comparison, "fit_baseline", train_beside)
    assert "baseline dummy: valid accuracy " in run(*WORDS, "--out", "run")


@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize("stopping", [EarlyStopping(5), None])
def test_estimators_never_choose_them(slow, bootstrap, stopping):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    net = Classifier(
        [Dense(3), Tanh()],
        batch_size=choice(15, 16),
        optimizer=Adam(0.01),
        stopping=stopping,
        trials=4,
        structures=2,
        max_rounds=2,
        minutes=10,
        bootstrap=bootstrap,
    ).fit(X, X[:, 0] > 0)
    out = {member.id for member in net.members_ if member.params is None}
    assert len(out) == 2
    assert not out & {*net.ensemble_, net.best_.id}
    board = net.leaderboard_.set_index("id")
    assert board.loc[sorted(out), "rounds"].tolist() == [0, 0]
    assert set(net.diagnostics_["id"]) == {member.id for member in net.members_} - out
    assert net.predict(X).shape == (60,)


@pytest.mark.slow
def test_language_models_never_choose_them(slow):
    net = LanguageModel(
        [choice(LSTM(3), GRU(3))], steps=8, trials=2, structures=2, max_rounds=1, batch_size=2, minutes=10
    )
    net.fit("to be or not to be. " * 20)
    (out,) = [member.id for member in net.members_ if member.params is None]
    assert out not in net.ensemble_
    assert net.best_.id != out
    assert len(net.generate("to", length=5)) == 7
