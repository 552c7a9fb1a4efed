"""Paired differences against other computations, and against simulated scores whose truth is known."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from phalanx.comparing.differences import critical, differences, means, power, seeds_needed, smallest_seen


def simulated(rng, effects, seeds, overlap):
    """Scores of alternatives with known effects. What the splits have in common moves all scores of an alternative
    alike, as the correction has it: the correlation of its scores is ρ / (1 + ρ).
    """
    alike = rng.normal(size=len(effects)) * math.sqrt(overlap)
    own = rng.normal(size=(seeds, len(effects)))
    of_seed = 3 * rng.normal(size=(seeds, 1))
    return pd.DataFrame(np.array(effects) + alike + own + of_seed, columns=list("abcdefg")[: len(effects)])


def test_one_pair_on_one_split_is_the_paired_t_test(rng):
    scores = simulated(rng, [0.5, 0.0], 12, 0.0)
    (found,) = differences(scores, 0.0, 0.9)
    wanted = ttest_rel(scores["a"], scores["b"])
    interval = wanted.confidence_interval(0.9)
    assert found.p == pytest.approx(wanted.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_a_corrected_interval_by_hand():
    """Differences 1, 2, 3 of 3 seeds: mean 2, s = 1; ρ = 1/4, so the error is √(1/3 + 1/4) = √(7/12) = 0.763763; with
    2 degrees of freedom t₀.₉₇₅ = 4.302653. Of three pairs, t at 1 − 0.05/6 is 7.648910.
    """
    one = differences(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": 0.0}), 0.25, 0.95)[0]
    assert (one.low, one.high) == pytest.approx((2 - 3.286206, 2 + 3.286206), abs=1e-5)
    three = differences(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": 0.0, "c": [5.0, 1.0, 2.0]}), 0.25, 0.95)[0]
    assert three.high == pytest.approx(2 + 7.648910 * 0.763763, abs=1e-4)
    # t² = 4 / (7/12) = 6.857143; with 2 degrees p = 1 − t / √(2 + t²) = 1 − √(6.857143 / 8.857143) = 0.120117
    assert one.p == pytest.approx(0.120117, abs=1e-5)
    assert three.p == pytest.approx(3 * 0.120117, abs=1e-5)


def test_an_interval_holds_zero_just_where_p_is_large(rng):
    for _ in range(200):
        for found in differences(simulated(rng, [0.8, 0.0, 0.4], 8, 0.2), 0.2, 0.95):
            assert (found.better is None) == (found.p >= 0.05)


@pytest.mark.parametrize("alternatives", [3, 6])
@pytest.mark.parametrize(("overlap", "seeds"), [(0.0, 10), (1 / 3, 5)])
def test_where_nothing_differs_at_most_five_of_a_hundred_comparisons_name_anything(alternatives, overlap, seeds):
    rng = np.random.default_rng(alternatives)
    wrong = sum(
        any(found.better for found in differences(simulated(rng, [0.0] * alternatives, seeds, overlap), overlap, 0.95))
        for _ in range(1_000)
    )
    assert 10 <= wrong <= 50 + 2 * 7  # 5% within two standard errors of 1,000 trials; and not by never naming any


def test_without_the_correction_overlapping_splits_name_far_too_much(rng):
    plain = [differences(simulated(rng, [0.0] * 3, 10, 1 / 3), 0.0, 0.95) for _ in range(300)]
    assert sum(any(found.better for found in each) for each in plain) > 90


@pytest.mark.parametrize(
    ("effects", "overlap", "size"), [([0.5, 0.0], 0.0, 0.5), ([0.9, 0.0, 0.0], 0.0, 0.9), ([3.5, 0.0, 0.0], 1 / 3, 3.5)]
)
def test_the_seeds_that_are_said_to_be_needed_see_the_difference_four_times_of_five(effects, overlap, size):
    pairs = len(effects) * (len(effects) - 1) // 2
    seeds = int(seeds_needed(size, math.sqrt(2), overlap, 0.95, pairs))
    rng, seen = np.random.default_rng(0), 0
    for _ in range(1_000):
        seen += differences(simulated(rng, effects, seeds, overlap), overlap, 0.95)[0].better == "a"
    assert 720 <= seen <= 900
    assert power(size, math.sqrt(2), seeds, overlap, 0.95, pairs) >= 0.8
    assert power(size, math.sqrt(2), seeds - 1, overlap, 0.95, pairs) < 0.8


def test_the_seeds_of_a_paired_t_test_are_those_of_the_books():
    """Cohen (1988), table 2.4.1 and others: an effect of half a deviation needs 34 pairs, of 0.8 deviations 15."""
    assert seeds_needed(0.5, 1.0, 0.0, 0.95, 1) == 34
    assert seeds_needed(0.8, 1.0, 0.0, 0.95, 1) == 15


def test_overlap_leaves_a_floor_below_which_no_number_of_seeds_sees():
    floor = smallest_seen(1.0, 1 / 3, 0.95, 3)
    assert power(floor, 1.0, 10**7, 1 / 3, 0.95, 3) == pytest.approx(0.8, abs=0.001)
    assert seeds_needed(0.99 * floor, 1.0, 1 / 3, 0.95, 3) == math.inf
    assert math.isfinite(seeds_needed(1.02 * floor, 1.0, 1 / 3, 0.95, 3))
    assert smallest_seen(1.0, 0.0, 0.95, 3) == 0


def test_equal_differences_count_as_signs_do():
    same, few, many = (pd.DataFrame({"a": [d] * n, "b": [0.0] * n}) for d, n in ((0.0, 9), (0.1, 4), (0.1, 9)))
    (nothing,), (unsure,), (sure,) = (differences(scores, 0.3, 0.95) for scores in (same, few, many))
    assert (nothing.low, nothing.high, nothing.p) == (0, 0, 1)
    assert (unsure.better, unsure.p) == (None, 2 / 2**4)
    assert (sure.better, sure.p, sure.low) == ("a", 2 / 2**9, pytest.approx(0.1))


def test_one_seed_says_nothing_of_its_spread():
    (found,) = differences(pd.DataFrame({"a": [0.9], "b": [0.1]}), 0.3, 0.95)
    assert found.mean == pytest.approx(0.8)
    assert found.better is None
    assert math.isnan(found.p)


def test_means_and_their_errors_by_hand():
    """Scores 1, 2, 3: s = 1, and the error is √(1/3 + 1/4) = 0.763763."""
    table = means(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 0.0, math.nan], "c": [0.0, 0.5, 1.0]}), 0.25, -1)
    assert table.index.tolist() == ["c", "a", "b"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table.loc["a", "error"] == pytest.approx(0.763763, abs=1e-6)
    assert math.isnan(table.loc["b", "mean"])


def test_reach_grows_with_the_number_of_pairs():
    assert critical(10, 0.95, 1) < critical(10, 0.95, 3) < critical(10, 0.95, 15)
