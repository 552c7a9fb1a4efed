"""Sequences from the shell: an archive of them, from training to predictions and scores."""

import json

import numpy as np
import pandas as pd

from phalanx import Sequences

CONFIG = "{max_rounds: 6, batch_size: 16, baselines: [dummy, linear], layers: [{GRU: {units: 4}}]}"


def test_an_archive_of_sequences_is_learned_from(tmp_path, in_folder):
    rng = np.random.default_rng(0)
    X = Sequences([rng.normal(size=(steps, 2)) for steps in rng.integers(2, 10, 120)]).padded
    (tmp_path / "config.yaml").write_text(CONFIG)
    np.savez(tmp_path / "a.npz", X=X, y=np.where(X[:, 0, 0] > 0, "up", "down"))
    np.savez(tmp_path / "b.npz", X=X[:8, :2] > 0)  # which looks like images

    def call(*words):
        ended = in_folder(tmp_path, *words)
        assert ended.status == 0, ended.err
        return ended.out

    assert "sequences: 120 of at most 9 steps, 2 channels" in call(
        "train", "a.npz", "--config", "config.yaml", "--out", "run"
    )
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert set(result["baselines"]) == {"dummy", "linear"}
    call("predict", "run", "b.npz", "--out", "b.csv")
    found = pd.read_csv(tmp_path / "b.csv")
    assert list(found) == ["prediction", "probability_down", "probability_up"]
    assert len(found) == 8
    call("evaluate", "run", "a.npz", "--out", "a.json")
    assert set(json.loads((tmp_path / "a.json").read_text())) == set(result["test"])
    told = in_folder(tmp_path, "train", "a.npz", "--size", "8")
    assert told.status == 2
    assert "--size is for images, but a.npz holds sequences; leave it out" in told.err
