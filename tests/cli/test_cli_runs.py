"""What training leaves behind, and what is done with it."""

import json
import math

import numpy as np
import pandas as pd
import pytest

CLASS_METRICS = ["accuracy", "balanced_accuracy", "f1", "log_loss", "roc_auc", "average_precision"]


def read_json(path):
    """Read JSON, in which NaN and infinity have no place."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.fixture
def folder(folder_with_run):
    return folder_with_run


def predictions(in_folder, folder, source, *words):
    ended = in_folder(folder, "predict", "run", source, "--out", "predictions.csv", *words)
    assert ended.status == 0, ended.err
    return pd.read_csv(folder / "predictions.csv")


def test_the_files(folder):
    assert sorted(str(path.relative_to(folder / "run")) for path in (folder / "run").rglob("*") if path.is_file()) == [
        "config.yaml",
        "curves.parquet",
        "figures.json",
        "leaderboard.csv",
        "model/model.json",
        "model/parameters.safetensors",
        "report.html",
        "result.json",
    ]


def test_result(folder):
    result = read_json(folder / "run" / "result.json")
    assert (result["task"], result["metric"], result["direction"], result["seed"]) == (
        "classify",
        "accuracy",
        "maximize",
        0,
    )
    assert list(result["valid"]) == list(result["test"]) == CLASS_METRICS
    assert (result["n_members"], result["n_structures"], result["n_diverged"]) == (1, 1, 0)
    assert result["rows"] == {"train": 38, "valid": 10, "test": 12}
    assert set(result["seconds"]) == {"total", "compile", "train"}
    assert min(result["seconds"].values()) >= 0
    assert result["seconds"]["compile"] + result["seconds"]["train"] <= result["seconds"]["total"] + 0.02
    assert result["best"]["Network"]["layers"] == [{"Columns": {"cardinalities": [4]}}, {"Dense": {"units": 4}}, "Tanh"]
    assert {"python", "phalanx", "jax"} <= set(result["versions"])
    dummy = result["baselines"]["dummy"]
    assert list(dummy) == [*CLASS_METRICS, "valid", "seconds", "rows"]
    assert list(dummy["valid"]) == CLASS_METRICS


def test_leaderboard(folder):
    board = pd.read_csv(folder / "run" / "leaderboard.csv")
    assert list(board) == [
        *("rank", "id", "kind", "name"),
        *(f"valid_{name}" for name in CLASS_METRICS),
        *(f"test_{name}" for name in CLASS_METRICS),
        *("valid_accuracy_error", "share", "adds", "rounds", "best_round", "stopped", "seconds", "seed", "structure"),
    ]
    assert sorted(board["kind"]) == ["baseline", "ensemble", "member"]
    assert board["rank"].tolist() == [1, 2, 3]
    assert board["valid_accuracy"].is_monotonic_decreasing
    result = read_json(folder / "run" / "result.json")
    ensemble = board.set_index("id").loc["ensemble"]
    for name in CLASS_METRICS:
        assert ensemble[f"test_{name}"] == pytest.approx(result["test"][name])


def test_curves(folder):
    curves = pd.read_parquet(folder / "run" / "curves.parquet")
    assert list(curves)[:4] == ["id", "round", "train_cost", "valid_cost"]
    assert {"gradient_norm.dense_1", "update_ratio.output", "saturated.tanh_1"} <= set(curves)
    assert curves["round"].tolist() == [1, 2]


def test_paths_are_columns_of_the_leaderboard(phalanx, tmp_path):
    (tmp_path / "space.yaml").write_text(
        "trials: 4\nmax_rounds: 2\nbatch_size: 16\nbaselines: []\nrepeats: 2\n"
        "layers: [{Dense: {units: 4}}, Tanh]\n"
        "optimizer: {Adam: {learning_rate: {loguniform: [1e-4, 1e-1]}}}\n"
    )
    ended = phalanx("train", "good.csv", "--target", "y", "--config", "space.yaml", "--out", "run")
    assert ended.status == 0
    assert "plan: 8 networks as 1 compiled program, up to 2 rounds, ranked by accuracy\n" in ended.out
    assert "best network, m00" in ended.out
    board = pd.read_csv(tmp_path / "run" / "leaderboard.csv")
    assert list(board)[-2:] == ["trial", "optimizer.learning_rate"]
    members = board[board["kind"] == "member"]
    assert members.groupby("trial")["optimizer.learning_rate"].nunique().tolist() == [1] * 4
    assert members["optimizer.learning_rate"].nunique() == 4
    first = members[members["trial"] == 1]["valid_accuracy"]
    assert members.set_index("trial").loc[1, "valid_accuracy_mean"].iloc[0] == pytest.approx(first.mean())
    result = read_json(tmp_path / "run" / "result.json")
    luck = result["optimism"]
    assert (luck["metric"], luck["trials"]) == ("accuracy", 4)
    assert luck["best"] == pytest.approx(members["valid_accuracy_mean"].max())
    assert result["winner"]["rule"] == "best"
    assert result["winner"]["best_score"]["id"] == result["best_member"]["id"]
    assert f"best validation accuracy {luck['best']:#.5g}: the best of 4; without that luck about " in ended.out


def test_the_rule_of_the_winner_is_recorded(phalanx, tmp_path):
    (tmp_path / "space.yaml").write_text(
        "trials: 4\nmax_rounds: 2\nbatch_size: 16\nbaselines: []\nwinner: one_standard_error\n"
        "layers: [{Dense: {units: {choice: [2, 9]}}}, Tanh]\noptimizer: {Adam: {learning_rate: 0.03}}\n"
    )
    ended = phalanx("train", "good.csv", "--target", "y", "--config", "space.yaml", "--out", "run")
    assert ended.status == 0
    result = read_json(tmp_path / "run" / "result.json")
    assert result["winner"]["rule"] == "one_standard_error"
    assert result["best"]["Network"]["layers"][1] == {"Dense": {"units": 2}}
    best, plain = result["best_member"]["id"], result["winner"]["best_score"]["id"]
    assert (f"{best} is the simplest within one standard error of {plain}" in ended.out) == (best != plain)


def test_what_is_printed(folder, in_folder):
    ended = in_folder(folder, "train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--out", "printed")
    said = ended.out.splitlines()
    assert "task: classify, because the target 'y' is text" in said
    assert "rows: 38 train, 10 validate, 12 test (seed 0)" in said
    assert "plan: 1 network as 1 compiled program, up to 2 rounds, ranked by accuracy" in said
    assert "trained 2 rounds; networks stopped: 1 by max_rounds" in said
    assert said[-1] == "written to printed"
    assert all(len(line) <= 80 or line.startswith("ensemble, ") for line in said)


def test_predictions_follow_the_rows(folder, in_folder, table):
    found = predictions(in_folder, folder, "good.csv")
    assert list(found) == ["prediction", "probability_no", "probability_yes"]
    np.testing.assert_allclose(found["probability_no"] + found["probability_yes"], 1, rtol=1e-6)
    assert found["prediction"].tolist() == np.where(found["probability_yes"] > 0.5, "yes", "no").tolist()
    order = np.random.default_rng(1).permutation(len(table))
    # another order of rows and columns, further columns, and no target
    table.iloc[order][["c", "b", "a"]].assign(extra="!").to_csv(folder / "shuffled.csv", index=False)
    pd.testing.assert_frame_equal(
        predictions(in_folder, folder, "shuffled.csv"), found.iloc[order].reset_index(drop=True)
    )


def test_predictions_on_standard_output(folder, in_folder):
    ended = in_folder(folder, "predict", "run", "good.csv")
    assert (ended.status, ended.err) == (0, "")
    predictions(in_folder, folder, "good.csv")
    assert ended.out == (folder / "predictions.csv").read_text()


def test_unseen_and_missing_values_are_predicted(folder, in_folder, table):
    table.assign(c="new", a=None).to_csv(folder / "unseen.csv", index=False)
    assert predictions(in_folder, folder, "unseen.csv")["probability_no"].notna().all()


def test_a_missing_column_is_named(folder, in_folder, table):
    table.drop(columns="b").to_csv(folder / "without.csv", index=False)
    for words in (("predict", "run", "without.csv"), ("evaluate", "run", "without.csv")):
        assert in_folder(folder, *words) == (2, "", "error: the table lacks the column 'b'\n")


def test_the_best_network_alone(folder, in_folder):
    # The ensemble of one network is that network.
    one = predictions(in_folder, folder, "good.csv", "--no-ensemble")
    pd.testing.assert_frame_equal(one, predictions(in_folder, folder, "good.csv"))


def test_outputs_that_cannot_be_written(folder, in_folder):
    for words in (("predict", "run", "good.csv"), ("evaluate", "run", "good.csv")):
        ended = in_folder(folder, *words, "--out", "gone/file")
        assert ended.status == 2
        assert ended.err.endswith("choose another --out\n")
        assert ended.err.startswith("error: gone/file cannot be written: ")


def test_evaluate(folder, in_folder, table):
    table.assign(y=table.y.where(table.index > 4)).to_csv(folder / "some.csv", index=False)
    ended = in_folder(folder, "evaluate", "run", "some.csv", "--out", "scores.json")
    assert (ended.status, ended.err) == (0, "warning: 5 rows without a value of 'y' left out\n")
    scores = read_json(folder / "scores.json")
    assert list(scores) == CLASS_METRICS
    found = predictions(in_folder, folder, "some.csv").iloc[5:]
    assert scores["accuracy"] == pytest.approx((found["prediction"] == table.y[5:]).mean())
    right = np.where(table.y[5:] == "yes", found["probability_yes"], found["probability_no"])
    assert scores["log_loss"] == pytest.approx(-np.log(right).mean())
    assert "run on some.csv: 55 rows" in ended.out


def test_evaluate_refuses_other_classes(folder, in_folder, table):
    table.assign(y="perhaps").to_csv(folder / "other.csv", index=False)
    ended = in_folder(folder, "evaluate", "run", "other.csv")
    said = "error: target 'y' has the class 'perhaps', which was not seen in training ('no', 'yes')\n"
    assert ended == (2, "", said)


def test_a_test_table_of_its_own(folder, in_folder, table):
    later = table[["y", "c", "b", "a"]].assign(extra=1, c="new", y=table.y.where(table.index > 1))
    later.to_csv(folder / "later.csv", index=False)
    words = ("train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--test", "later.csv", "--out", "tested")
    ended = in_folder(folder, *words)
    assert ended.status == 0
    assert "warning: 2 test rows without a value of 'y' left out\n" in ended.out
    result = read_json(folder / "tested" / "result.json")
    assert result["rows"] == {"train": 48, "valid": 12, "test": 58}
    ended = in_folder(folder, "evaluate", "tested", "later.csv", "--out", "scores.json")
    assert read_json(folder / "scores.json") == pytest.approx(result["test"])


def test_no_test_rows(folder, in_folder):
    words = ("train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--test", 0, "--out", "untested")
    assert "ensemble, test: no rows\n" in in_folder(folder, *words).out
    result = read_json(folder / "untested" / "result.json")
    assert (result["test"], result["rows"]["test"]) == ({}, 0)
    assert not any(column.startswith("test_") for column in pd.read_csv(folder / "untested" / "leaderboard.csv"))


def test_identifiers_and_groups(folder, in_folder, table):
    frame = table.assign(key=[f"{i:03d}" for i in table.index], family=table.index // 5)
    frame.to_csv(folder / "keyed.csv", index=False)
    words = ("train", "keyed.csv", "--target", "y", "--config", "tiny.yaml", "--id", "key", "--group", "family")
    ended = in_folder(folder, *words, "--out", "keyed")
    assert ended.status == 0
    result = read_json(folder / "keyed" / "result.json")
    assert all(rows % 5 == 0 for rows in result["rows"].values())
    said = in_folder(folder, "predict", "keyed", "keyed.csv").out.splitlines()
    assert said[0] == "key,prediction,probability_no,probability_yes"
    assert [line.split(",")[0] for line in said[1:]] == frame["key"].tolist()
    ended = in_folder(folder, "predict", "keyed", "good.csv")
    assert ended == (2, "", "error: the table lacks the column 'key', which identifies rows\n")


def test_numbers_are_reported_in_their_own_units(phalanx, tmp_path, table):
    table.assign(y=(table.a * 1000 + 5e6).round()).to_csv(tmp_path / "numbers.csv", index=False)
    words = ("train", "numbers.csv", "--target", "y", "--config", "tiny.yaml", "--task", "regress", "--out", "run")
    ended = phalanx(*words)
    assert ended.status == 0
    assert "task:" not in ended.out  # it was asked for
    result = read_json(tmp_path / "run" / "result.json")
    assert (result["metric"], result["direction"]) == ("rmse", "minimize")
    assert list(result["test"]) == ["rmse", "mae", "r2", "nll", "crps"]
    assert 300 < result["baselines"]["dummy"]["rmse"] < 3000  # the target's deviation is near 1000
    phalanx("predict", "run", "numbers.csv", "--out", "predictions.csv")
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert list(found) == ["prediction", "lower", "upper"]
    assert found["prediction"].between(4.99e6, 5.01e6).all()
    assert (found["lower"] < found["prediction"]).all()
    assert (found["prediction"] < found["upper"]).all()


def test_whole_numbers_can_be_classes_or_numbers(phalanx, tmp_path, table):
    table.assign(y=(table.a * 2).round().astype(int)).to_csv(tmp_path / "whole.csv", index=False)
    ended = phalanx("train", "whole.csv", "--target", "y", "--config", "tiny.yaml")
    distinct = (table.a * 2).round().nunique()
    said = f"task: classify, because the target 'y' has {distinct} distinct integers (--task regress changes it)\n"
    assert said in ended.out
    assert (
        "ranked by rmse"
        in phalanx("train", "whole.csv", "--target", "y", "--config", "tiny.yaml", "--task", "regress").out
    )


def test_options_override_the_file(folder, in_folder):
    (folder / "full.yaml").write_text((folder / "tiny.yaml").read_text() + "source: good.csv\ntarget: c\nseed: 3\n")
    ended = in_folder(folder, "train", "--config", "full.yaml", "--target", "y", "--out", "overridden")
    assert ended.status == 0
    written = (folder / "overridden" / "config.yaml").read_text().splitlines()
    assert f"source: {folder / 'good.csv'}" in written
    assert {"target: y", "seed: 3", "trials: 1"} <= set(written)


def same_run(one, other):
    assert (one / "model" / "parameters.safetensors").read_bytes() == (
        other / "model" / "parameters.safetensors"
    ).read_bytes()
    boards = [pd.read_csv(run / "leaderboard.csv").drop(columns=["seconds", "stopped"]) for run in (one, other)]
    pd.testing.assert_frame_equal(*boards)


def test_a_run_repeats_to_the_bit(folder, in_folder):
    assert in_folder(folder, "train", "--config", "run/config.yaml", "--out", "again").status == 0
    same_run(folder / "run", folder / "again")
    ended = in_folder(folder, "train", "--config", "run/config.yaml", "--seed", 1, "--out", "another")
    assert ended.status == 0
    with pytest.raises(AssertionError):
        same_run(folder / "run", folder / "another")


def test_a_run_that_time_ended_repeats_to_the_bit(folder, in_folder):
    text = (folder / "tiny.yaml").read_text()
    (folder / "endless.yaml").write_text(text.replace("max_rounds: 2", "max_rounds: 1000000") + "stopping: null\n")
    words = ("train", "good.csv", "--target", "y", "--config", "endless.yaml", "--minutes", 0.02, "--out", "timed")
    ended = in_folder(folder, *words)
    assert ended.status == 0
    assert "networks stopped: 1 by time\n" in ended.out
    assert read_json(folder / "timed" / "result.json")["seconds"]["total"] < 0.02 * 60 + 10
    assert in_folder(folder, "train", "--config", "timed/config.yaml", "--out", "timed_again").status == 0
    same_run(folder / "timed", folder / "timed_again")


def test_the_least_time_still_gives_a_round(folder, in_folder):
    words = ("train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--minutes", 1e-9, "--out", "hasty")
    assert in_folder(folder, *words).status == 0
    assert math.isfinite(read_json(folder / "hasty" / "result.json")["test"]["accuracy"])
    assert pd.read_csv(folder / "hasty" / "leaderboard.csv")["rounds"].max() == 1


def test_baselines_without_room_are_left_out(folder, in_folder):
    text = (folder / "tiny.yaml").read_text().replace("baselines: [dummy]\n", "")
    (folder / "all.yaml").write_text(text)
    ended = in_folder(
        folder, "train", "good.csv", "--target", "y", "--config", "all.yaml", "--minutes", 1e-9, "--out", "bare"
    )
    assert "baseline random_forest: left out, the baselines' share of the time is used up\n" in ended.out
    assert list(read_json(folder / "bare" / "result.json")["baselines"]) == ["dummy"]


def test_folders_are_numbered_and_kept(phalanx, tmp_path):
    words = ("train", "good.csv", "--target", "y", "--config", "tiny.yaml")
    assert [phalanx(*words).out.splitlines()[-1] for _ in range(2)] == [
        "written to runs/good-1",
        "written to runs/good-2",
    ]
    before = (tmp_path / "runs" / "good-1" / "result.json").read_bytes()
    ended = phalanx(*words, "--out", "runs/good-1")
    assert ended == (2, "", "error: runs/good-1 exists already; choose another --out, or remove it first\n")
    assert (tmp_path / "runs" / "good-1" / "result.json").read_bytes() == before


def test_parents_of_the_folder_are_made(phalanx, tmp_path):
    ended = phalanx("train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--out", "deep/er/run")
    assert ended.status == 0
    assert (tmp_path / "deep" / "er" / "run" / "result.json").exists()


def test_bundled_data(in_folder, tmp_path):
    (tmp_path / "tiny.yaml").write_text("trials: 1\nmax_rounds: 1\nbaselines: []\nlayers: []\n")
    assert in_folder(tmp_path, "train", "iris", "--config", "tiny.yaml", "--out", "run").status == 0
    said = in_folder(tmp_path, "predict", "run", "iris").out.splitlines()
    assert said[0] == "prediction,probability_setosa,probability_versicolor,probability_virginica"
    assert len(said) == 151
