"""`phalanx compare`: runs are grouped by their options, named by what differs, and paired by seed."""

import json

import numpy as np
import pandas as pd
import pytest

LINEAR, CURVED = "[{Dense: {units: 8}}, Linear]", "[{Dense: {units: 8}}, Tanh]"
OPTIONS = """
trials: 1
max_rounds: 30
batch_size: 16
baselines: [dummy]
optimizer: {Adam: {learning_rate: 0.05}}
layers: """


@pytest.fixture(scope="module")
def runs(tmp_path_factory, in_folder):
    """A folder with runs of two networks on rows whose class no linear one can say; linear_0 to linear_2 and so on."""
    folder = tmp_path_factory.mktemp("compared")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.choice([-1, 1], (240, 2)) + 0.2 * rng.normal(size=(240, 2)), columns=["a", "b"])
    frame.assign(y=np.where(frame["a"] * frame["b"] > 0, "same", "other")).to_csv(folder / "d.csv", index=False)
    frame.assign(y=frame["a"]).to_csv(folder / "other.csv", index=False)
    for name, layers in (("linear", LINEAR), ("curved", CURVED)):
        (folder / f"{name}.yaml").write_text(OPTIONS + layers)

    def train(source, name, seed, *words):
        words = ("--config", f"{name.partition('_')[0]}.yaml", "--seed", seed, "--out", name, *words)
        ended = in_folder(folder, "train", source, "--target", "y", *words)
        assert ended.status == 0, ended.err

    for seed in range(3):
        train("d.csv", f"linear_{seed}", seed)
        train("d.csv", f"curved_{seed}", seed)
    train("other.csv", "curved_other", 0)
    train("d.csv", "curved_again", 0)
    train("d.csv", "curved_ignore", 0, "--ignore", "b")
    train("d.csv", "curved_f1", 1, "--metric", "f1")
    train("d.csv", "curved_4", 4)
    train("d.csv", "curved_untested", 0, "--test", "0")
    return folder


LINEARS, CURVEDS = [f"linear_{i}" for i in range(3)], [f"curved_{i}" for i in range(3)]


def test_what_differs_is_named_and_what_is_better_told(runs, in_folder):
    ended = in_folder(runs, "compare", *LINEARS, *CURVEDS, "--out", "found.json", "--difference", "0.01")
    assert ended.status == 0, ended.err
    assert "2 alternatives, 3 seeds" in ended.out
    assert "Tanh is better than Linear by " in ended.out
    assert "best: Tanh" in ended.out
    found = json.loads((runs / "found.json").read_text())
    assert found["seeds"] == [0, 1, 2]
    assert found["overlap"] == 48 / 192
    assert found["size"] == 0.01
    tested = [json.loads((runs / name / "result.json").read_text())["test"]["accuracy"] for name in CURVEDS]
    assert found["scores"]["Tanh"] == tested


def test_runs_are_compared_by_another_metric_and_by_their_best_networks(runs, in_folder):
    words = ("--metric", "log_loss", "--no-ensemble", "--out", "found.csv")
    ended = in_folder(runs, "compare", *CURVEDS, *LINEARS, *words)
    assert ended.status == 0, ended.err
    table = pd.read_csv(runs / "found.csv")
    assert table.loc[0, ["first", "second"]].tolist() == ["Tanh", "Linear"]  # a lower loss is better
    assert table.loc[0, "difference"] > 0


def test_one_seed_each_is_shown_and_nothing_said(runs, in_folder):
    ended = in_folder(runs, "compare", "linear_1", "curved_1")
    assert ended.status == 0, ended.err
    assert "with one seed no difference can be told from chance" in ended.out
    assert "best" not in ended.out


def test_runs_without_a_partner_are_left_out(runs, in_folder):
    ended = in_folder(runs, "compare", *LINEARS, *CURVEDS, "curved_4")
    assert "1 run left out: not every alternative has a run of that seed" in ended.out
    assert "best: Tanh" in ended.out


BAD = [
    (("nowhere", "linear_0"), "no such run folder: 'nowhere'"),
    (("linear_0", "."), ". is not a run folder: config.yaml is missing"),
    (("linear_0", "curved_other"), "linear_0 and curved_other differ in source"),
    (("linear_0", "curved_ignore"), "linear_0 and curved_ignore differ in ignore, () and ('b',)"),
    (("linear_1", "curved_f1"), "were ranked by accuracy and f1; choose one with --metric"),
    (("linear_0", "curved_0", "curved_again"), "curved_0 and curved_again have the same options and seed"),
    (("linear_0", "linear_1"), "all runs have the same options but for the seed"),
    (("linear_0", "curved_1"), "no seed is shared by all alternatives"),
    (("curved_untested", "curved_untested"), "curved_untested has no rows that test; train with --test"),
    (("linear_0", "curved_0", "--metric", "rmse"), "linear_0 has no metric 'rmse'; choose one of accuracy"),
    (("linear_0", "curved_0", "--difference", "-1"), "difference is -1.0, but must be"),
    (("linear_0", "curved_0", "--out", "no/file.json"), "no/file.json cannot be written"),
]


@pytest.mark.parametrize(("words", "error"), BAD)
def test_runs_that_cannot_be_compared_are_told_in_a_sentence(runs, in_folder, words, error):
    ended = in_folder(runs, "compare", *words)
    assert ended.status == 2
    assert error in ended.err
    assert ended.err.count("\n") == 1
