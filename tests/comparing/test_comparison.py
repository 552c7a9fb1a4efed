"""What a comparison says: named where it is supported, and what it would take where it is not."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from phalanx import Comparison, Dense, LeakyReLU, ReLU, Tanh, choice
from phalanx.comparing.names import names_by_difference, names_of_draws
from phalanx.comparing.sizes import practical_size
from phalanx.metrics import Metric, metrics_of
from phalanx.search.designs import design

ACCURACY, RMSE = metrics_of(classify=True)["accuracy"], metrics_of(classify=False)["rmse"]


def spread(mean, seeds=10, by=0.004, seed=0):
    """Scores around a mean."""
    values = np.random.default_rng(seed).normal(size=seeds)
    return mean + by * (values - values.mean()) / values.std(ddof=1)


def test_the_best_is_named_where_it_is_better_than_all_others():
    scores = pd.DataFrame({"ReLU": spread(0.90), "Tanh": spread(0.95, seed=1), "Linear": spread(0.80, seed=2)})
    found = Comparison(scores, ACCURACY)
    assert found.verdict[-1] == "best: Tanh"
    assert [line.split(" by ")[0] for line in found.verdict[:-1]] == [
        "Tanh is better than Linear",
        "ReLU is better than Linear",
        "Tanh is better than ReLU",
    ]
    low, high = (f"{100 * found.differences.loc[0, end]:.1f}" for end in ("low", "high"))
    assert f"Tanh is better than ReLU by 5.0 points of accuracy (95% interval {low} to {high}" in str(found)
    assert "corrected for 3 comparisons" in str(found)
    assert found.table["alternative"].tolist() == ["Tanh", "ReLU", "Linear"]


def test_lower_errors_are_better():
    found = Comparison(pd.DataFrame({"a": spread(50.0, by=0.5), "b": spread(54.0, by=0.5, seed=1)}), RMSE)
    assert found.verdict[0].startswith("a is better than b by 4 in rmse (95% interval 3.")
    assert found.size == pytest.approx(0.52)
    assert found.differences.loc[0, ["first", "second"]].tolist() == ["a", "b"]


def test_what_no_seed_shows_is_not_said():
    scores = pd.DataFrame({"a": spread(0.90, by=0.01), "b": spread(0.901, by=0.01, seed=1), "c": spread(0.5, seed=2)})
    found = Comparison(scores, ACCURACY)
    row = found.differences.set_index(["first", "second"]).loc[("b", "a")]
    assert found.verdict[2] == (
        f"no difference between a and b was seen; one of 0.5 points would take about {row['seeds_needed']:.0f} seeds"
    )
    assert found.verdict[3] == "nothing was seen to be better than a and b"
    assert 20 < row["seeds_needed"] < 200


def test_a_difference_below_the_floor_is_told_with_the_floor():
    scores = pd.DataFrame({"a": spread(0.90, by=0.01), "b": spread(0.901, by=0.01, seed=1)})
    (line,) = Comparison(scores, ACCURACY, overlap=1 / 3).verdict
    assert line.startswith("no difference between a and b was seen; no number of seeds could show one of 0.5 points")
    assert line.endswith("points is the least")
    assert math.isinf(Comparison(scores, ACCURACY, overlap=1 / 3).differences.loc[0, "seeds_needed"])


def test_a_narrow_interval_says_that_alternatives_are_as_good_as_equal():
    scores = pd.DataFrame({"a": spread(0.90, by=0.001), "b": spread(0.9, by=0.001, seed=1)})
    assert Comparison(scores, ACCURACY).verdict[0].startswith("a and b differ by less than 0.5 points (95% interval -")
    assert "though" not in Comparison(scores, ACCURACY, difference=1e-5).verdict[0]
    assert "0.001 points would take" in Comparison(scores, ACCURACY, difference=1e-5).verdict[0]


def test_many_pairs_without_a_verdict_are_told_together():
    scores = pd.DataFrame({name: spread(0.9, by=0.01, seed=i) for i, name in enumerate("abcdef")})
    (line,) = Comparison(scores, ACCURACY).verdict
    assert line.startswith("no difference was seen in 15 pairs; one of 0.5 points would take about ")


def test_equal_scores_and_few_seeds():
    same = pd.DataFrame({"a": spread(0.9), "b": spread(0.9)})
    assert Comparison(same, ACCURACY).verdict == ["a and b have the same score with every seed"]
    few = pd.DataFrame({"a": [0.9, 0.9], "b": [0.8, 0.8]})
    assert Comparison(few, ACCURACY).verdict == [
        "a and b differ by 10.0 points of accuracy with each of only 2 seeds; more are needed"
    ]
    one = pd.DataFrame({"a": [0.9], "b": [0.8]})
    assert "with one seed no difference can be told from chance" in Comparison(one, ACCURACY).verdict[0]


def test_scores_that_are_missing_are_told_and_never_averaged_over():
    scores = pd.DataFrame({"a": spread(0.90), "b": spread(0.95, seed=1), "c": spread(0.99, seed=2)})
    scores.loc[3, "c"] = math.inf
    scores.loc[5] = math.nan
    found = Comparison(scores, ACCURACY, diverged={"c": 2, "a": 1})
    assert found.verdict[:4] == [
        "1 of 10 seeds left out: their test rows do not allow accuracy",
        "a diverged with 1 of 10 seeds, and is scored as it was before",
        "c has no finite score with 1 of 9 seeds: it is not compared",
        "c diverged with 2 of 10 seeds",
    ]
    assert found.verdict[-1] == "best: b"
    assert found.table["alternative"].tolist() == ["b", "a", "c"]
    assert len(found.differences) == 1
    assert Comparison(scores[["a", "c"]], ACCURACY).verdict[-1] == "fewer than two alternatives can be compared"


def test_plain_data_and_pages():
    scores = pd.DataFrame({"a<b": spread(0.90), "b": spread(0.95, seed=1)})
    found = Comparison(scores, ACCURACY)
    plain = json.loads(json.dumps(found.to_plain()))
    assert plain["scores"]["b"] == scores["b"].tolist()
    assert plain["verdict"] == found.verdict
    page = found._repr_html_()
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert repr(found) == "Comparison(2 alternatives, 10 seeds)"


def test_sizes_that_are_worth_seeing():
    scores = pd.DataFrame({"a": [-3.0, 1.0]})
    named = {**metrics_of(classify=True), **metrics_of(classify=False)}
    sizes = {name: practical_size(metric, scores) for name, metric in named.items()}
    assert sizes["accuracy"] == sizes["f1"] == sizes["r2"] == 0.005
    assert sizes["log_loss"] == sizes["nll"] == 0.01
    assert sizes["rmse"] == sizes["mae"] == pytest.approx(0.02)
    assert practical_size(Metric("price.r2", True, lambda y, p, w: 0.0), scores) == 0.005


def test_names_say_what_differs():
    space = (choice(LeakyReLU(0.1), LeakyReLU(0.3), ReLU()), Dense(choice(4, 8)))
    assert names_of_draws(design(space, 9, kind="grid"))[:3] == [
        "LeakyReLU, units 4, slope 0.1",
        "LeakyReLU, units 8, slope 0.1",
        "LeakyReLU, units 4, slope 0.3",
    ]
    assert names_of_draws(design((choice(Tanh(), Tanh()),), 2, kind="grid")) == ["Tanh (1)", "Tanh (2)"]
    assert names_of_draws(design((Dense(3), choice(None, Tanh())), 2, kind="grid")) == ["none", "Tanh"]
    assert names_by_difference([{"a.units": 1, "b.units": 2}, {"a.units": 2, "b.units": 1}]) == [
        "a.units 1, b.units 2",
        "a.units 2, b.units 1",
    ]
