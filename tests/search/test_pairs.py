"""What two choices do only together: an analysis of variance by hand, planted truths, and searches without any."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from phalanx.search.importance import importances
from phalanx.search.pairs import interactions

SIMULATIONS = 100


def test_of_a_balanced_square_the_share_by_hand():
    """With r trials in each of four cells the interaction has r (ȳ₁₁ − ȳ₁₂ − ȳ₂₁ + ȳ₂₂)² / 4 of the squares."""
    rng = np.random.default_rng(0)
    draws = [{"a": i % 2, "b": i // 2 % 2} for i in range(80)]
    losses = np.array([draw["a"] + 1.5 * (draw["a"] ^ draw["b"]) for draw in draws]) + rng.normal(0, 0.7, 80)
    ranks = losses.argsort().argsort().astype(float)
    a, b = (np.array([draw[name] for draw in draws]) for name in "ab")
    means = {(i, j): ranks[(a == i) & (b == j)].mean() for i in (0, 1) for j in (0, 1)}
    squares = 20 * (means[0, 0] - means[0, 1] - means[1, 0] + means[1, 1]) ** 2 / 4
    within = sum(((ranks[(a == i) & (b == j)] - means[i, j]) ** 2).sum() for i, j in means)
    noise, total = within / 76, ((ranks - ranks.mean()) ** 2).sum()
    (found,) = interactions(draws, losses)
    assert found.share == pytest.approx((squares - noise) / (total + noise))
    assert found.sure


def test_two_that_depend_on_each_other_are_found_and_their_own_effects_do_not_count():
    rng = np.random.default_rng(0)
    draws = [{"rate": rng.random(), "units": int(rng.choice([8, 64])), "noise": rng.random()} for _ in range(120)]
    slope = {8: 1, 64: -1}
    losses = [slope[draw["units"]] * draw["rate"] + draw["noise"] for draw in draws]
    first, *others = interactions(draws, losses)
    assert (first.one, first.other, first.sure) == ("rate", "units", True)
    assert not any(pair.sure for pair in others)


def test_where_choices_only_add_up_one_pair_is_named_in_five_of_a_hundred_searches():
    named = 0
    for seed in range(SIMULATIONS):
        rng = np.random.default_rng(seed)
        draws = [{"a": rng.random(), "b": int(rng.choice([1, 2])), "c": rng.random()} for _ in range(64)]
        losses = [draw["a"] + draw["b"] + rng.normal(0, 0.5) for draw in draws]
        named += any(pair.sure for pair in interactions(draws, losses, seed))
    assert named <= binom.ppf(0.999, SIMULATIONS, 0.05)


def test_pairs_that_few_trials_have_are_left_out():
    draws = [{"a": i % 2, "b": i // 2 % 2} for i in range(19)]
    assert interactions(draws, range(19)) == []
    inner = [{"a": i % 2, **({"b": i % 4} if i % 2 else {})} for i in range(200)]
    assert interactions(inner, range(200)) == []  # b is there for one value of a only


def test_choices_that_no_trial_has_both_of_are_no_pair():
    draws = [{"kind": "a", "of_a": i % 4} if i % 8 < 4 else {"kind": "b", "of_b": i % 4} for i in range(160)]
    assert [(pair.one, pair.other) for pair in interactions(draws, range(160))] == []


_VALUES = st.one_of(st.integers(0, 3), st.floats(0, 1), st.sampled_from(["a", "b"]), st.none())


@given(
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys("abc", _VALUES)), min_size=10, max_size=40),
    st.data(),
    st.integers(1, 4),
)
@settings(max_examples=30, deadline=None)
def test_whatever_was_drawn_and_found_there_is_an_answer(draws, data, times):
    draws = draws * times
    losses = data.draw(st.lists(st.floats(allow_infinity=True), min_size=len(draws), max_size=len(draws)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, pairs = importances(draws, losses), interactions(draws, losses)
    for one in [*found.values(), *pairs]:
        assert 0 < one.p <= 1
        assert 0 <= one.share <= 1
    assert all(np.isfinite([one.importance, one.error, one.chance]).all() for one in found.values())
