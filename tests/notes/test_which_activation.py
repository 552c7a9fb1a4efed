"""Which activation: the split of the spread against regression, and what mattered on two data sets."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway
from sklearn.linear_model import LinearRegression

from phalanx import InputError, Linear, ReLU, Sigmoid
from phalanx.notes.chapters import which_activation as chapter

SEEDS = 2
SMALL = {"activations": (Linear(), ReLU(), Sigmoid()), "layers": (1, 3), "units": (4, 32), "rounds": (8, 14)}


@pytest.fixture(scope="module")
def found():
    return chapter.compute(seeds=SEEDS, **SMALL)


def made(rng):
    """Scores of 3 · 2 · 4 structures with 5 seeds each, of known causes."""
    rows = [(a, d, u, s) for a in "pqr" for d in (1, 2) for u in (4, 8, 16, 32) for s in range(5)]
    frame = pd.DataFrame(rows, columns=[*chapter.CHOICES, "seed"])
    score = (
        0.1 * frame["layers"] + 0.02 * (frame["activation"] == "q") * frame["units"] + rng.normal(0, 0.1, len(frame))
    )
    return frame.assign(score=score)


def explained(frame, columns):
    """R² of a regression on what the columns say, each combination by itself."""
    dummies = pd.get_dummies(frame[columns].astype(str).agg("-".join, axis=1), dtype=float)
    return LinearRegression().fit(dummies, frame["score"]).score(dummies, frame["score"])


@pytest.mark.row("C5")
def test_the_split_is_that_of_regression(rng):
    frame = made(rng)
    shares = chapter.shares_of_spread(frame)
    for name in chapter.CHOICES:
        assert shares[name] == pytest.approx(explained(frame, [name]))
    assert 1 - shares["seeds"] == pytest.approx(explained(frame, list(chapter.CHOICES)))
    assert sum(shares.values()) == pytest.approx(1)
    # F of one choice alone, from its share: (share / 2) / ((1 − share) / (120 − 3))
    by_activation = f_oneway(*(held["score"] for _, held in frame.groupby("activation"))).statistic
    assert shares["activation"] / 2 / ((1 - shares["activation"]) / 117) == pytest.approx(by_activation)


@pytest.mark.row("C5")
def test_the_deviations_are_those_that_made_the_scores(rng):
    """Structures of deviation 0.3 and seeds of 0.1: 400 of them, five seeds each. Estimates of a deviation σ from n
    numbers have the standard error σ/√(2n): 0.011 and 0.002; four of each.
    """
    true = rng.normal(0, 0.3, 400)
    frame = pd.DataFrame(
        [("a", d, u, true[20 * d + u] + rng.normal(0, 0.1)) for d in range(20) for u in range(20) for _ in range(5)],
        columns=[*chapter.CHOICES, "score"],
    )
    assert chapter.chance(frame) == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(2 * 1600))
    assert chapter.among(frame) == pytest.approx(0.3, abs=4 * 0.3 / np.sqrt(2 * 400))


def test_structures_within_two_standard_errors_are_counted():
    means = pd.Series([0.9, 0.85, 0.79, 0.5])
    assert chapter.tied(means, 0.05, 2) == 2  # 2 · 0.05 · √(2/2) = 0.1 below 0.9: 0.79 is too far
    assert chapter.tied(means, 0.06, 2) == 3


@pytest.mark.row("C5")
def test_every_structure_is_one_population_with_every_seed(found):
    assert found["structures"] == 3 * 2 * 2
    assert found["networks"] == 12 * SEEDS
    for scores in found["scores"]:
        assert (scores.groupby(list(chapter.CHOICES)).size() == SEEDS).all()
        assert scores["score"].between(0, 1).all()


@pytest.mark.row("C5")
def test_what_mattered_is_another_on_other_data(found):
    """No affine map tells the spirals apart: half of the rows are of each. On the digits it learns nearly all."""
    first, second = found["means"]["first"], found["means"]["second"]
    linear = [held.xs("Linear", level="activation").max() for held in (first, second)]
    rectified = [held.xs("ReLU", level="activation").max() for held in (first, second)]
    assert linear[0] > 0.9
    assert linear[1] < 0.5 + 4 * 0.5 / np.sqrt(300) < rectified[1]  # 300 of the 1,000 rows validate
    assert (found["mattered_first"], found["mattered_second"]) == ("width", "activation")
    for shares in found["shares"]:
        assert shares["seeds"] < 0.5


def test_on_a_table_of_ones_own(tmp_path, rng):
    x = rng.normal(size=(80, 2))
    frame = pd.DataFrame({"a": x[:, 0], "b": np.where(x[:, 1] > 0, "up", "down"), "y": x[:, 0] + 0.1 * x[:, 1]})
    frame.to_csv(tmp_path / "own.csv", index=False)
    rows = chapter.of_file(str(tmp_path / "own.csv"), None, rounds=1)
    assert (rows.name, list(rows.X), len(rows.y)) == ("the column y of own.csv", ["a", "b"], 80)
    scores = chapter.trial(rows, chapter.space([Linear()], [1], [2]), seeds=1)
    assert scores[list(chapter.CHOICES)].to_numpy().tolist() == [["Linear", 1, 2]]
    with pytest.raises(InputError, match=r"own\.csv has no column 'z'"):
        chapter.of_file(str(tmp_path / "own.csv"), "z", rounds=1)


@pytest.mark.slow
@pytest.mark.row("C5")
def test_at_full_size():
    found = chapter.compute()
    assert found["structures"] == 160
    assert (found["mattered_first"], found["mattered_second"]) == ("width", "activation")
    assert found["rank_of_first"] > 1
    for shares in found["shares"]:
        assert shares["seeds"] < max(shares[name] for name in chapter.CHOICES)
    assert min(found["tied_first"], found["tied_second"]) > 1
