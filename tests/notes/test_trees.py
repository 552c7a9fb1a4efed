"""Trees and the curse of dimensionality: leaves counted, boxes, attributes, cells by their probability."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from sklearn.tree import DecisionTreeClassifier

from phalanx.notes.chapters import trees as chapter

ROWS, TRAIN = 500, 400


@pytest.fixture(scope="module")
def found():
    return chapter.compute(rows=ROWS, bits=8, samples=20_000, train_rows=TRAIN, rounds=40)


@pytest.mark.row("B2")
def test_distinct_targets_make_as_many_leaves_as_examples(found):
    leaves = found["leaves"].set_index("target")["leaves"]
    assert leaves["numbers, all different"] == ROWS
    assert (leaves <= ROWS).all()
    assert (found["leaves"]["wrong in training"] == 0).all()
    # a rule with wrong labels needs a leaf of its own for most of them: with none it has `inside a circle`
    assert leaves["inside a circle"] < leaves["inside a circle, one in five wrong"] < leaves["a coin's labels"]


@pytest.mark.slow
@pytest.mark.row("B2")
def test_two_thousand_examples_make_two_thousand_leaves():
    table, *_ = chapter.leaves_by_target(2000)
    assert table["leaves"][0] == 2000


@pytest.mark.row("B2")
def test_a_full_tree_overfits_wrong_labels(found):
    # both errors are shares of the same new labels, each with a standard error of √(0.25/n) at most
    assert found["noisy_full"] - found["noisy_small"] > 2 * math.sqrt(2 * 0.25 / ROWS)


@pytest.mark.row("B2")
def test_regions_are_boxes_that_tile_the_square(found):
    boxes, (x, y) = found["box_list"], found["picture"]
    assert len(boxes) == DecisionTreeClassifier(random_state=0).fit(x, y).get_n_leaves() <= len(x)
    assert found["box_differences"] == 0
    clipped = [(np.clip(low, 0, 1), np.clip(high, 0, 1)) for low, high, _ in boxes]
    assert sum(np.prod(high - low) for low, high in clipped) == pytest.approx(1, abs=1e-12)
    for (low, high), (other_low, other_high) in itertools.combinations(clipped, 2):
        assert not (np.maximum(low, other_low) < np.minimum(high, other_high)).all()


@pytest.mark.row("B2")
def test_of_parity_a_tree_learns_nothing_about_unseen_corners(found):
    # corners that differ in one bit have other answers, so that a leaf errs where it extends one: worse than a coin
    unseen = found["halves"] * found["corners"] / 2
    assert found["parity"] < 0.5 - 3 * math.sqrt(0.25 / unseen)


@pytest.mark.row("B2")
def test_a_tree_on_n_examples_asks_for_fewer_than_n_attributes(found):
    table = found["features"]
    assert (table["questions"] == table["examples"] - 1).all()
    assert (table["attributes asked"] <= table["questions"]).all()
    assert table["attributes asked"].max() < found["attributes"]


@pytest.mark.row("B3")
def test_cells_are_ten_to_the_power_of_the_attributes(found):
    table = found["cells"].set_index("attributes")
    assert table.loc[3, "cells"] == "1,000"
    assert table.loc[30, "cells"] == "10^30"
    # 10^30 cells / (10^9 a second · 31,557,600 seconds)
    assert found["years"] == pytest.approx(1e30 / 1e9 / 31_557_600)


@pytest.mark.row("B3")
@pytest.mark.parametrize("d", [3, 5])
def test_the_share_of_cells_with_an_example_is_that_of_independent_draws(found, d):
    number, cells = found["samples"], 10**d
    empty = (1 - 1 / cells) ** number
    row = found["cells"].set_index("attributes").loc[d]
    assert float(row["share with an example"]) == pytest.approx(1 - empty, rel=1e-4)  # five digits are shown
    # the variance of the number of empty cells (occupancy): m e + m (m − 1) (1 − 2/m)^n − (m e)²
    variance = cells * empty + cells * (cells - 1) * (1 - 2 / cells) ** number - (cells * empty) ** 2
    assert abs(float(row["counted"]) - (1 - empty)) < 4 * math.sqrt(max(variance, 0)) / cells + 5e-6


@pytest.mark.row("B3")
def test_the_nearest_example_moves_away(found):
    table = found["dimensions"].set_index("attributes")
    # with one attribute the nearest of n uniform numbers lies about 1/(2n) away, exponentially distributed, so that the
    # mean of n of them has a relative error of 1/√n = 0.05
    assert table.loc[1, "nearest distance"] == pytest.approx(0.5 / TRAIN, rel=0.2)
    # two uniform numbers lie 1/3 apart, with variance 1/18
    assert table.loc[1, "random distance"] == pytest.approx(1 / 3, abs=4 * math.sqrt(1 / 18 / TRAIN))
    # and so many of them √(d/6), to first order
    assert table.loc[30, "random distance"] == pytest.approx(math.sqrt(30 / 6), rel=0.02)
    share = table["nearest distance"] / table["random distance"]
    assert share.is_monotonic_increasing


@pytest.mark.row("B3")
def test_copying_the_nearest_answer_costs_more_with_each_attribute_and_a_network_less(found):
    table = found["dimensions"].set_index("attributes")
    assert table["nearest example"].is_monotonic_increasing
    assert table["nearest example"].iloc[-1] > 0.5
    assert (table["worst network"].loc[3:] < table["nearest example"].loc[3:]).all()


def test_the_smooth_target_has_variance_1():
    mean, _ = integrate.quad(lambda u: math.sin(math.pi * (u - 0.5)), 0, 1)
    square, _ = integrate.quad(lambda u: math.sin(math.pi * (u - 0.5)) ** 2, 0, 1)
    assert mean == pytest.approx(0, abs=1e-12)
    assert square == pytest.approx(0.5, abs=1e-12)
    x = np.random.default_rng(0).uniform(0, 1, (20_000, 7))
    # the variance of normal numbers; that of sums of bounded ones varies less
    low, high = stats.chi2(19_999).ppf([1e-6, 1 - 1e-6]) / 19_999
    assert low < chapter.smooth(x).var() < high


def test_a_table_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 5)), columns=list("abcde")).assign(kind=np.arange(60) % 3)
    frame.to_csv(tmp_path / "mine.csv", index=False)
    told = chapter.on_table(str(tmp_path / "mine.csv"), "kind")
    assert (told["table_name"], told["table_rows"], told["table_columns"]) == ("mine.csv", 42, 5)
    assert told["table_asked"] <= told["table_leaves"] - 1
