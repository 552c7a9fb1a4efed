"""Several targets, likelihoods by name, and what is done with trained networks: refit, bagging, votes, samples."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

import phalanx

TWO = """
trials: 1
max_rounds: 3
batch_size: 16
baselines: [dummy, linear]
layers: [{Dense: {units: 4}}, Tanh]
"""
ONE = TWO.replace("Tanh]", "Tanh, {Dropout: {rate: 0.5}}]").replace(", linear", "")
JOINT = """
trials: 3
max_rounds: 2
batch_size: 16
baselines: [dummy]
layers: [{Dense: {units: 4}}, Tanh, {Dense: {units: 4}}]
likelihood:
  Joint:
    heads:
      - Head: {likelihood: Multinoulli, after: dense_1}
      - Head:
          likelihood: MultivariateGaussian
          layers: [{Dense: {units: 3}}, ReLU]
          weight: {uniform: [0.1, 1]}
          targets: [n, m]
"""


def make_table():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 90)).round(3)
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "y": np.where(a > 0, "yes", "no"),
            "n": (1000 + 20 * a).round(3),
            "m": (a - b).round(3),
            "k": rng.poisson(np.exp(a / 2)),
        }
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory, in_folder):
    """A folder with `t.csv`, `two.yaml` and a run with a target of classes and one of numbers, `run`."""
    folder = tmp_path_factory.mktemp("targets")
    table = make_table()
    table.to_csv(folder / "t.csv", index=False)
    table[["a", "b", "y", "n"]].to_csv(folder / "two.csv", index=False)
    table[["a", "b", "n", "m", "y"]].to_csv(folder / "three.csv", index=False)
    table[["a", "b", "k"]].to_csv(folder / "counts.csv", index=False)
    (folder / "two.yaml").write_text(TWO)
    (folder / "one.yaml").write_text(ONE)
    (folder / "joint.yaml").write_text(JOINT)
    words = ("train", "two.csv", "--target", "n", "--target", "y", "--config", "two.yaml", "--out", "run")
    ended = in_folder(folder, *words)
    assert ended.status == 0, ended.err
    (folder / "printed.txt").write_text(ended.out)
    return folder


@pytest.fixture
def train(folder, in_folder, request):
    """A function that trains into a folder named after the test, and returns what was printed, and that folder."""

    def call(*words):
        out = request.node.originalname + str(len(list(folder.iterdir())))
        ended = in_folder(folder, "train", *words, "--out", out)
        assert (ended.status, ended.err) == (0, "")
        return ended.out.splitlines(), folder / out

    return call


def result_of(run):
    return json.loads((run / "result.json").read_text())


def predictions(in_folder, run, source, *words):
    ended = in_folder(run.parent, "predict", run.name, source, "--out", run / "predictions.csv", *words)
    assert ended.status == 0, ended.err
    return pd.read_csv(run / "predictions.csv", engine="pyarrow")


def parameters(run):
    return (run / "model" / "parameters.safetensors").read_bytes()


METRICS = [
    *("score", "nll"),
    *(f"n.{name}" for name in ("rmse", "mae", "r2", "nll", "crps")),
    *(f"y.{name}" for name in ("accuracy", "balanced_accuracy", "f1", "log_loss", "roc_auc", "average_precision")),
]


def test_the_result_of_two_targets(folder):
    result = result_of(folder / "run")
    assert (result["task"], result["target"], result["metric"]) == ("mixed", ["n", "y"], "score")
    assert list(result["valid"]) == list(result["test"]) == METRICS
    for scores in (result["valid"], result["test"]):
        assert scores["score"] == pytest.approx((scores["n.r2"] + scores["y.accuracy"]) / 2)
    assert (result["refit"], result["hints"]) == (None, [])
    assert list(result["baselines"]["linear"])[:-3] == METRICS
    assert result["baselines"]["linear"]["n.r2"] > 0.99  # n is linear in a
    assert result["baselines"]["linear"]["y.accuracy"] > 0.9
    board = pd.read_csv(folder / "run" / "leaderboard.csv")
    assert [f"{part}_{name}" for part in ("valid", "test") for name in METRICS] == list(board)[4 : 4 + 2 * len(METRICS)]
    assert board["valid_score"].is_monotonic_decreasing


def test_what_is_printed_of_two_targets(folder):
    said = (folder / "printed.txt").read_text().splitlines()
    assert "task: classify, because the target 'y' is text" in said
    assert [line.split(": ")[0] for line in said if line.startswith("ensemble, ")] == [
        *("ensemble, valid", "ensemble, valid, n", "ensemble, valid, y"),
        *("ensemble, test", "ensemble, test, n", "ensemble, test, y"),
    ]


def test_predictions_of_two_targets(folder, in_folder):
    table = make_table()
    found = predictions(in_folder, folder / "run", "two.csv")
    assert list(found) == [
        *("prediction_n", "lower_n", "upper_n"),
        *("prediction_y", "probability_y_no", "probability_y_yes"),
    ]
    assert found["prediction_n"].between(900, 1100).all()
    opened = phalanx.load(folder / "run")
    said, (low, high) = opened.predict(table), opened.predict_interval(table)
    for name in opened.targets:
        assert said[name].tolist() == found[f"prediction_{name}"].tolist()
    np.testing.assert_array_equal(np.hstack([low, high]), found[["lower_n", "upper_n"]])
    assert list(opened.predict_proba(table)) == ["y"]
    wanted = found[["probability_y_no", "probability_y_yes"]].to_numpy().astype(np.float32)
    np.testing.assert_array_equal(opened.predict_proba(table)["y"][["no", "yes"]], wanted)
    narrow = predictions(in_folder, folder / "run", "two.csv", "--level", 0.2)
    pd.testing.assert_series_equal(narrow["prediction_n"], found["prediction_n"])
    assert (found["lower_n"] < narrow["lower_n"]).all()
    assert (narrow["upper_n"] < found["upper_n"]).all()
    some = table.assign(n=table.n.where(table.index > 2), y=table.y.where(table.index != 50))
    some.to_csv(folder / "some.csv", index=False)
    ended = in_folder(folder, "evaluate", "run", "some.csv", "--out", "scores.json")
    assert (ended.status, ended.err) == (0, "warning: 4 rows without a value of 'n' or 'y' left out\n")
    scores, kept = json.loads((folder / "scores.json").read_text()), some.dropna().index
    assert scores["n.mae"] == pytest.approx(mean_absolute_error(table.n[kept], found["prediction_n"][kept]))
    assert scores["y.accuracy"] == pytest.approx(accuracy_score(table.y[kept], found["prediction_y"][kept]))


def test_a_test_table_of_two_targets(folder, in_folder, train):
    later = make_table()[["y", "n", "b", "a"]]
    later.assign(n=later.n.where(later.index != 4)).to_csv(folder / "later.csv", index=False)
    words = ("two.csv", "--target", "n", "--target", "y", "--config", "two.yaml", "--test", "later.csv")
    said, run = train(*words)
    assert "warning: 1 test row without a value of 'n' or 'y' left out" in said
    assert result_of(run)["rows"] == {"train": 72, "valid": 18, "test": 89}
    in_folder(folder, "evaluate", run.name, "later.csv", "--out", "later.json")
    assert json.loads((folder / "later.json").read_text()) == pytest.approx(result_of(run)["test"])


def test_a_run_of_two_targets_repeats_to_the_bit(folder, train):
    _, again = train("--config", "run/config.yaml")
    assert parameters(again) == parameters(folder / "run")
    assert (again / "config.yaml").read_text() == (folder / "run" / "config.yaml").read_text()


@pytest.mark.slow
def test_counts(folder, in_folder, train):
    said, run = train("counts.csv", "--target", "k", "--config", "two.yaml", "--likelihood", "poisson")
    assert "task: regress, because the likelihood of 'k' is poisson" in said
    assert result_of(run)["task"] == "regress"
    found = predictions(in_folder, run, "counts.csv", "--level", 0.8)
    assert (found["prediction"] > 0).all()
    for end in ("lower", "upper"):  # counts, though the mean is none
        assert (found[end] == found[end].round()).all()
    _, again = train("--config", run / "config.yaml")
    assert parameters(again) == parameters(run)


@pytest.mark.slow
def test_heads_of_ones_own(folder, in_folder, train):
    words = ("three.csv", "--target", "n", "--target", "y", "--target", "m", "--config", "joint.yaml")
    said, run = train(*words, "--metric", "n.rmse")
    assert "plan: 3 networks as 1 compiled program, up to 2 rounds, ranked by n.rmse" in said
    assert result_of(run)["direction"] == "minimize"
    weights = pd.read_csv(run / "leaderboard.csv")["likelihood.heads.head_2.weight"].dropna()
    assert (len(weights), weights.nunique()) == (3, 3)
    assert weights.between(0.1, 1).all()
    heads = result_of(run)["best"]["Network"]["likelihood"]["Joint"]["heads"]
    dummy = result_of(run)["baselines"]["dummy"]
    assert dummy["m.r2"] < 0.01
    assert dummy["n.rmse"] > 5 > dummy["m.rmse"]
    assert heads[0] == {"Head": {"likelihood": "Multinoulli", "after": "dense_1"}}
    assert list(predictions(in_folder, run, "three.csv")) == [
        *("prediction_n", "lower_n", "upper_n"),
        *("prediction_y", "probability_y_no", "probability_y_yes"),
        *("prediction_m", "lower_m", "upper_m"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["steps", "continue"])
def test_training_again_on_all_rows(folder, in_folder, train, rule):
    words = ("two.csv", "--target", "y", "--ignore", "n", "--config", "one.yaml", "--refit", rule)
    said, run = train(*words)
    result = result_of(run)
    assert result["refit"]["rule"] == rule
    ((id_, member),) = result["refit"]["members"].items()
    assert id_ == result["best_member"]["id"]
    assert set(member) == {"rounds", "ended", "goal"}
    if rule == "steps":
        board = pd.read_csv(run / "leaderboard.csv").set_index("id")
        assert member == {"rounds": board.loc[id_, "best_round"], "ended": "steps", "goal": None}
        assert f"refit by steps: 1 network, {member['rounds']} rounds" in said
    else:
        assert member["ended"] in ("goal", "max_rounds")
        assert any(line.startswith("refit by continue: 1 network, ") for line in said)
    _, again = train("--config", run / "config.yaml")
    assert parameters(again) == parameters(run)
    assert "refit: " + rule in (run / "config.yaml").read_text().splitlines()
    in_folder(folder, "evaluate", run.name, "two.csv", "--out", "refit.json")
    in_folder(folder, "evaluate", again.name, "two.csv", "--out", "again.json")
    assert (folder / "refit.json").read_text() == (folder / "again.json").read_text()


def test_training_again_that_time_ended_repeats_to_the_bit(folder, train):
    text = ONE.replace("max_rounds: 3", "max_rounds: 1000000") + "stopping: {EarlyStopping: {patience: 1000000}}\n"
    (folder / "endless.yaml").write_text(text)
    words = ("two.csv", "--target", "y", "--ignore", "n", "--config", "endless.yaml", "--refit", "continue")
    _, run = train(*words, "--minutes", 0.03)
    _, again = train("--config", run / "config.yaml")
    assert parameters(again) == parameters(run)


def test_bagging_and_votes(folder, in_folder, train):
    words = ("two.csv", "--target", "y", "--ignore", "n", "--config", "one.yaml", "--bootstrap", "--vote")
    _, run = train(*words, "--repeats", 2)
    assert result_of(run)["ensemble"] == {"m001": 0.5, "m002": 0.5}
    found = predictions(in_folder, run, "two.csv")
    assert set(found["probability_yes"]) <= {0, 0.5, 1}
    written = set((run / "config.yaml").read_text().splitlines())
    assert {"bootstrap: true", "vote: true", "repeats: 2"} <= written
    said, _ = train(*words[:-1], "--no-vote")
    assert (
        "warning: bootstrap averages all networks that are trained, but there is one; raise --repeats or --trials"
        in said
    )


def test_masks_that_are_averaged(folder, in_folder, train):
    words = ("two.csv", "--target", "y", "--ignore", "n", "--config", "one.yaml")
    _, scaled = train(*words)
    _, sampled = train(*words, "--samples", 3)
    assert parameters(scaled) == parameters(sampled)
    one, other = (predictions(in_folder, run, "two.csv")["probability_yes"] for run in (scaled, sampled))
    assert 1e-6 < (one - other).abs().max() < 0.5


def test_hints(folder, train):
    (folder / "wild.yaml").write_text(ONE + "optimizer: {Adam: {learning_rate: 30.0}}\n")
    said, run = train("two.csv", "--target", "y", "--ignore", "n", "--config", "wild.yaml")
    hints = result_of(run)["hints"]
    assert any(hint.endswith("lower the learning rate") for hint in hints)
    assert [line for line in said if line.startswith("hint: ")] == [f"hint: {hint}" for hint in hints]
