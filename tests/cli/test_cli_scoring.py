"""How a run scores: each row is predicted once, likelihoods rank by their likelihood, and accuracy hides nothing."""

import hashlib
import json
from collections import Counter

import jax
import numpy as np
import pandas as pd
import pytest

import phalanx.population.predict
from phalanx.report.errors import together


def bytes_of(tree, row=None):
    leaves = [leaf if row is None else leaf[row] for leaf in jax.tree.leaves(tree)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in leaves)).hexdigest()


@pytest.fixture
def asked(monkeypatch):
    """How often each network is asked for each row."""
    counted = Counter()
    ask = phalanx.population.predict._ask

    def counting(finals, places, x, *given):
        for final in finals:
            for row in range(len(jax.tree.leaves(x)[0])):
                counted[bytes_of(final.params), bytes_of(x, row)] += 1
        return ask(finals, places, x, *given)

    monkeypatch.setattr(phalanx.population.predict, "_ask", counting)
    return counted


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("y", "bootstrap: true"),
        ("a", "bootstrap: true"),
        ("a", "refit: steps\nlikelihood: HeteroscedasticGaussian"),
    ],
)
def test_no_network_is_asked_for_a_row_twice(phalanx, tmp_path, monkeypatch, asked, target, more):
    """Every network says once what it makes of the validation rows, those that predict once of the test rows, and none
    anything of the training rows. Only how much columns matter is asked of further rows, shuffled ones.
    """
    monkeypatch.setattr(together, "drops", lambda *given: None)
    options = (tmp_path / "tiny.yaml").read_text().replace("trials: 1", "repeats: 4\ntrials: 1")
    (tmp_path / "tiny.yaml").write_text(f"{options}{more}\n")
    ended = phalanx("train", "good.csv", "--target", target, "--config", "tiny.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert set(asked.values()) == {1}
    speaking = {*result["ensemble"], result["best_member"]["id"]}
    assert len(asked) == 4 * result["rows"]["valid"] + len(speaking) * result["rows"]["test"]
    assert len(result["ensemble"]) == 4 or "bootstrap" not in more


@pytest.mark.slow
def test_a_mixture_is_ranked_above_a_gaussian_where_the_sign_is_a_coin(phalanx, tmp_path):
    """y = ±2x: the mean says nothing, so that only their likelihoods tell the two apart."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 500)
    y = np.where(rng.random(500) < 0.5, 2, -2) * x + 0.05 * rng.normal(size=500)
    pd.DataFrame({"x": x, "y": y}).to_csv(tmp_path / "coin.csv", index=False)
    (tmp_path / "coin.yaml").write_text(
        "layers: [{Dense: {units: 16}}, Tanh]\nlikelihood: {choice: [Gaussian, {GaussianMixture: {components: 2}}]}\n"
        "optimizer: {Adam: {learning_rate: 0.02}}\ntrials: 4\nmax_rounds: 40\nbaselines: []\n"
    )
    ended = phalanx("train", "coin.csv", "--target", "y", "--config", "coin.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    assert "ranked by nll" in ended.out
    board = pd.read_csv(tmp_path / "run" / "leaderboard.csv")
    members = board[board["kind"] == "member"].sort_values("rank")
    kinds = members["likelihood"].tolist()
    assert ["Mixture" in kind for kind in kinds] == [True, True, False, False]
    one = 0.5 * np.log(2 * np.pi * np.e * y.var())  # the nll of the best Gaussian
    assert members["test_nll"].iloc[0] < one - 0.5


def test_a_rare_class_that_accuracy_hides_is_said(phalanx, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=400), "y": np.where(np.arange(400) % 20, "no", "yes")})
    table.to_csv(tmp_path / "rare.csv", index=False)
    options = (tmp_path / "tiny.yaml").read_text().replace("max_rounds: 2", "max_rounds: 30")
    (tmp_path / "rare.yaml").write_text(f"{options}optimizer: {{Adam: {{learning_rate: 0.03}}}}\n")
    words = ("train", "rare.csv", "--target", "y", "--config", "rare.yaml", "--out")
    ended = phalanx(*words, "run")
    (hint,) = json.loads((tmp_path / "run" / "result.json").read_text())["hints"]
    assert hint.startswith(
        "class 'yes' (5% of rows) is found in 0 of its 3 validation rows, which accuracy hides; rank"
    )
    assert f"hint: {hint}" in " ".join(ended.out.split())
    assert "hides" not in phalanx(*words, "other", "--metric", "f1").out
