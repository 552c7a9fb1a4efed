"""Sounds from the shell: a folder with a folder for each class, and a table that names files, with several targets."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile

import phalanx
from phalanx import InputError

CONFIG = """
max_rounds: 12
batch_size: 16
baselines: [dummy, linear]
layers: [{ShiftBands: {places: 0.5}}, {Conv: {channels: 8, size: 3}}, ReLU, GlobalMaxPool]
optimizer: {Adam: {learning_rate: 0.01}}
"""
RATE = 8_000


def beep(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A tone that rises or falls, of 0.1 to 0.2 seconds, with noise."""
    length = rng.integers(RATE // 10, RATE // 5)
    pitch = np.linspace(0.5, 2, length) if kind == "rising" else np.linspace(2, 0.5, length)
    wave = np.sin(2 * np.pi * np.cumsum(rng.uniform(600, 900) * pitch) / RATE)
    return (8_000 * (wave + rng.normal(0, 0.05, length)) * rng.uniform(0.1, 1)).astype(np.int16)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A folder with a config, sounds of two classes, one of them broken, tables of them, and some without labels."""
    folder, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    (folder / "config.yaml").write_text(CONFIG)
    named = []
    for kind in ("rising", "falling"):
        (folder / "beeps" / kind).mkdir(parents=True)
        for i in range(50):
            wavfile.write(folder / "beeps" / kind / f"{i:02}.wav", RATE, beep(kind, rng))
            named.append({"sound": f"beeps/{kind}/{i:02}.wav", "kind": kind, "who": "abc"[i % 3], "take": i})
    (folder / "beeps" / "rising" / "broken.wav").write_bytes(b"RIFF")
    table = pd.DataFrame(named)
    table[table["who"] != "c"].to_csv(folder / "seen.csv", index=False)
    table[table["who"] == "c"].to_csv(folder / "unseen.csv", index=False)
    table[["sound", "kind"]].to_csv(folder / "kinds.csv", index=False)
    table[["sound"]].to_csv(folder / "sounds.csv", index=False)
    (folder / "new").mkdir()
    for i, kind in enumerate(("rising", "falling", "rising")):
        wavfile.write(folder / "new" / f"{i}.wav", 2 * RATE, np.repeat(beep(kind, rng), 2))
    return folder


@pytest.fixture(scope="module")
def run(sounds, in_folder):
    ended = in_folder(sounds, "train", "beeps", "--config", "config.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return sounds / "run", ended.out


@pytest.fixture(scope="module")
def joint(sounds, in_folder):
    options = ("--test", "unseen.csv", "--ignore", "take", "--config", "config.yaml", "--out", "joint")
    ended = in_folder(sounds, "train", "seen.csv", "--target", "kind", "--target", "who", *options)
    assert ended.status == 0, ended.err
    return sounds / "joint", ended.out


def test_a_folder_is_learned(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert "sounds: 100 at 8,000 samples a second, of at most 0.2 s: 18 steps of 10 ms, 40 frequency bands" in said
    assert "broken.wav" in said
    assert result["rows"] == {"train": 64, "valid": 16, "test": 20}
    assert result["test"]["accuracy"] >= 0.9 > result["baselines"]["dummy"]["accuracy"]
    assert "linear" in result["baselines"]


def test_a_prediction_for_each_file(run, sounds, in_folder):
    ended = in_folder(sounds, "predict", "run", "new", "--out", "new.csv")
    assert ended.status == 0, ended.err
    table = pd.read_csv(sounds / "new.csv", engine="pyarrow")
    assert list(table) == ["file", "prediction", "probability_falling", "probability_rising"]
    assert [name[-5:] for name in table["file"]] == ["0.wav", "1.wav", "2.wav"]
    assert table["prediction"].tolist() == ["rising", "falling", "rising"]
    opened, files = phalanx.load(run[0]), sorted((sounds / "new").glob("*.wav"))
    heard = [(rate, samples / 2**15) for rate, samples in map(wavfile.read, files)]
    for source in (sounds / "new", files, heard, pd.DataFrame({"sound": list(map(str, files))})):
        assert opened.predict_proba(source)[:, 0].tolist() == table["probability_falling"].astype(np.float32).tolist()
    with pytest.raises(InputError, match=r"^sound 2 is no pair \(samples a second, samples\)"):
        opened.predict([heard[0], heard[1][1]])
    some = in_folder(sounds, "predict", "run", "new/2.wav", "new/0.wav")
    assert [line.split(",")[0][-5:] for line in some.out.splitlines()[1:]] == ["2.wav", "0.wav"]
    named = in_folder(sounds, "predict", "run", "sounds.csv")
    assert named.out.splitlines()[1].startswith("beeps/rising/00.wav,rising,")


def test_evaluation_of_a_folder(run, sounds, in_folder):
    ended = in_folder(sounds, "evaluate", "run", "beeps", "--out", "scores.json")
    assert ended.status == 0, ended.err
    assert json.loads((sounds / "scores.json").read_text())["accuracy"] > 0.9


def test_a_target_with_classes_that_were_never_seen_is_not_scored(joint):
    folder, said = joint
    result = json.loads((folder / "result.json").read_text())
    words = " ".join(said.split())
    assert "'who' has the class 'c', which was not seen in training ('a', 'b'); 'who' is not scored" in words
    assert result["rows"]["test"] == 32
    assert result["test"]["score"] == result["test"]["kind.accuracy"] > 0.8
    assert not any(name.startswith("who") for name in result["test"])
    assert {"kind.accuracy", "who.accuracy"} < set(result["valid"])
    assert "test_who.accuracy" not in pd.read_csv(folder / "leaderboard.csv")


def test_a_target_that_is_not_there_is_not_scored(joint, sounds, in_folder):
    ended = in_folder(sounds, "evaluate", "joint", "kinds.csv", "--out", "kinds.json")
    assert ended.status == 0, ended.err
    assert "warning: no column 'who' for the target; there are 'sound', 'kind'; 'who' is not scored" in ended.err
    assert set(json.loads((sounds / "kinds.json").read_text())) == {
        "score",
        *(
            f"kind.{name}"
            for name in ("accuracy", "balanced_accuracy", "f1", "log_loss", "roc_auc", "average_precision")
        ),
    }
    predicted = in_folder(sounds, "predict", "joint", "sounds.csv")
    assert predicted.out.splitlines()[0].startswith("sound,prediction_kind,probability_kind_falling")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("train beeps --strict", "broken.wav"),
        ("train beeps --size 8", "--size is for images, but beeps holds sounds; leave it out"),
        ("train beeps --target file", "target is file, but sounds have only their label; leave it out"),
        ("train new", "new has no labels; put the sounds of each class into a folder of its own"),
        ("train seen.csv", "no target given: name the column to predict, likely 'take'"),
        ("train seen.csv --target king", "no column 'king' for the target; did you mean 'kind'?"),
        ("evaluate joint sounds.csv", "no column 'kind' for the target"),
        ("predict run digits", "the model was trained on sounds; give sounds (.wav)"),
        ("predict run gone.wav", "no such file: 'gone.wav'"),
    ],
)
def test_what_cannot_be_used_is_told(run, joint, sounds, in_folder, words, error):
    ended = in_folder(sounds, *words.split())
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert error in ended.err
