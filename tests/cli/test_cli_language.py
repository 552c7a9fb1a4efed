"""A language from the shell: a text file, from its characters to new text."""

import json

import pandas as pd
import pytest
import yaml

import phalanx

CONFIG = """
max_rounds: 2
trials: 2
layers: [{LSTM: {units: 16}}]
optimizer: {Adam: {learning_rate: {loguniform: {low: 0.01, high: 0.03}}}}
"""
LINES = "".join(f"the cat sat on mat {i % 7}\nand the dog ran to it.\n\n" for i in range(200))


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "cats.txt").write_text(LINES)
    (folder / "other.txt").write_text(LINES[300:900])
    (folder / "broken.txt").write_bytes(LINES.encode() + b"\0")
    (folder / "empty.txt").write_text("\n")
    (folder / "short.txt").write_text("only a line")
    return folder


@pytest.fixture(scope="module")
def run(books, in_folder):
    ended = in_folder(books, "train", "cats.txt", "--config", "config.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return books / "run", ended.out


def test_a_text_is_learned(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert f"text: {len(LINES):,} characters; characters: {len(LINES):,} tokens, " in said
    assert (result["task"], result["metric"], result["direction"]) == ("language", "nats_per_token", "minimize")
    assert set(result["ensemble"]) <= {"m001", "m002"}
    assert result["valid"]["nats_per_token"] <= result["best_member"]["valid"]["nats_per_token"] + 1e-6
    assert set(result["test"]) == {"nats_per_token", "bits_per_character", "perplexity"}
    assert result["test"]["nats_per_token"] < result["baselines"]["dummy"]["nats_per_token"]
    assert result["n_members"] == 2
    board = pd.read_csv(folder / "leaderboard.csv")
    assert sorted(board["id"]) == ["bigram", "dummy", "ensemble", "m001", "m002"]
    assert board["valid_nats_per_token"].is_monotonic_increasing
    assert board["test_nats_per_token"].notna().sum() == 4  # the ensemble, the best network and the baselines
    assert len(pd.read_parquet(folder / "curves.parquet")) == 4


def test_a_run_repeats_from_its_config(run, books, in_folder):
    held = yaml.safe_load((run[0] / "config.yaml").read_text())
    assert (held["tokens"], held["test"], held["valid"]) == ("characters", 0.1, 0.05)
    ended = in_folder(books, "train", "--config", "run/config.yaml", "--out", "again")
    assert ended.status == 0, ended.err
    first, second = (json.loads((books / name / "result.json").read_text()) for name in ("run", "again"))
    assert first["test"] == second["test"]
    drawn = [in_folder(books, "generate", name, "--length", 50).out for name in ("run", "again")]
    assert drawn[0] == drawn[1]


def test_text_is_generated(run, books, in_folder):
    words = ["generate", "run", "--prompt", "the cat", "--length", "40", "--temperature", "0.5"]
    ended = in_folder(books, *words)
    assert ended.status == 0, ended.err
    assert ended.out.startswith("the cat")
    assert len(ended.out) == len("the cat") + 40 + 1  # a line feed at the end
    assert in_folder(books, *words, "--seed", "1").out != ended.out
    assert in_folder(books, *words).out == ended.out
    opened = phalanx.load(run[0])
    assert opened.generate("the cat", 40, temperature=0.5, random_state=0) + "\n" == ended.out
    assert {*opened.ensemble, opened.best} == set(opened.members)


def test_a_prompt_with_unknown_characters(run, books, in_folder):
    ended = in_folder(books, "generate", "run", "--prompt", "the Ü", "--length", "5")
    assert ended.status == 0
    assert "warning: the text that was learned from never holds 'Ü': read as one unknown character" in ended.err
    assert ended.out.startswith("the Ü")


def test_another_text_is_scored(run, books, in_folder):
    ended = in_folder(books, "evaluate", "run", "other.txt", "--out", "scores.json")
    assert ended.status == 0, ended.err
    assert "run on other.txt: 600 characters" in " ".join(ended.out.split())
    scores = json.loads((books / "scores.json").read_text())
    result = json.loads((run[0] / "result.json").read_text())
    assert phalanx.load(run[0]).evaluate((books / "other.txt").read_text()) == scores
    assert scores["nats_per_token"] == pytest.approx(result["test"]["nats_per_token"], abs=0.3)


def test_the_best_network_scores_alone(run, books, in_folder):
    (books / "test.txt").write_text(LINES[-round(len(LINES) * 0.1) :])
    result = json.loads((run[0] / "result.json").read_text())
    for words, held in (((), result), (("--no-ensemble",), result["best_member"])):
        ended = in_folder(books, "evaluate", "run", "test.txt", "--out", "alone.json", *words)
        assert ended.status == 0, ended.err
        assert json.loads((books / "alone.json").read_text()) == pytest.approx(held["test"])


@pytest.mark.slow
def test_other_tokens_and_a_test_of_its_own(books, in_folder):
    words = "train cats.txt --tokens words --test other.txt --config config.yaml --trials 1 --out words"
    ended = in_folder(books, *words.split())
    assert ended.status == 0, ended.err
    result = json.loads((books / "words" / "result.json").read_text())
    assert result["tokens"]["kind"] == "words"
    assert result["test"]["bits_per_character"] < result["test"]["nats_per_token"]
    assert in_folder(books, "generate", "words", "--prompt", "the", "--length", 3).out.startswith("the")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("train broken.txt", "'broken.txt' cannot be read: it holds zero bytes"),
        ("train empty.txt", "'empty.txt' cannot be read: empty"),
        ("train gone.txt", "'gone.txt' cannot be read: no such file or directory"),
        ("train short.txt", "the text holds 10 tokens to learn from, too few for 64 steps a row"),
        (
            "train cats.txt --target cat",
            "--target is for rows with targets, but cats.txt is a text file, from which a language model",
        ),
        ("train cats.txt --metric accuracy", "metric is 'accuracy', but language models are ranked by nats_per_token"),
        ("train cats.txt --likelihood gaussian", "a language model predicts one of many tokens; leave likelihood out"),
        ("train cats.txt --tokens letters", "tokens is 'letters', but must be one of characters, words, bpe"),
        ("train digits --tokens words", "--tokens is for a text file (.txt), but digits is a table; leave it out"),
        ("predict run cats.txt", "run is a language model, which predicts no table: use `phalanx generate`"),
        ("generate gone", "no such run folder: 'gone'"),
        ("generate run --length 0", "length is 0, but must be a whole number of tokens from 1 to"),
        ("generate run --temperature -1", "temperature is -1.0, but must be a number at least 0"),
        ("evaluate run gone.txt", "'gone.txt' cannot be read: no such file or directory"),
    ],
)
def test_what_cannot_be_used_is_told(run, books, in_folder, words, error):
    ended = in_folder(books, *words.split())
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert error in ended.err


def test_other_runs_do_not_speak(books, in_folder):
    (books / "tiny.yaml").write_text("trials: 1\nmax_rounds: 1\nbaselines: [dummy]\nlayers: [{Dense: {units: 2}}]\n")
    assert in_folder(books, "train", "iris", "--config", "tiny.yaml", "--out", "iris").status == 0
    ended = in_folder(books, "generate", "iris")
    assert (ended.status, ended.err) == (2, "error: the run is no language model: train one on a text file (.txt)\n")
