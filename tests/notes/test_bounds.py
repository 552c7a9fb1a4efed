"""Bounds on learning: the simulation against exact probabilities, and the bound against the simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from phalanx.notes.chapters import bounds as chapter

FEATURES, SAMPLES, DELTA, EPSILON = 4, 2000, 0.05, 0.1


@pytest.fixture(scope="module")
def found():
    return chapter.compute(features=FEATURES, samples=SAMPLES, delta=DELTA, epsilon=EPSILON, seeds=2, rounds=20)


def four_errors(share):
    """Four standard errors of a share measured on the simulated training sets: exceeded once in 16,000 times."""
    return 4 * math.sqrt(share * (1 - share) / SAMPLES)


def test_the_class_is_all_conjunctions():
    told = chapter.conjunctions(2)
    rows = [(0, 0), (1, 0), (0, 1), (1, 1)]
    by_hand = {
        tuple(all(w in (bit, None) for w, bit in zip(wanted, row, strict=True)) for row in rows)
        for wanted in itertools.product([0, 1, None], repeat=2)
    }
    assert {tuple(line) for line in told.tolist()} == by_hand
    assert told.shape == (9, 4)
    target = chapter.conjunctions(3)[chapter.target_of(3)]
    assert np.flatnonzero(target).tolist() == [1, 5]  # bits (1, 0, 0) and (1, 0, 1): the first is 1, the second 0


@pytest.mark.row("A6")
def test_deviations_of_one_hypothesis_are_those_of_a_binomial():
    """A hypothesis that is wrong on 1 of 4 rows has training errors that are binomial with p = 1/4."""
    rows, truth = 40, np.zeros(4, bool)
    one = np.array([[True, False, False, False]])
    deviations = chapter.largest_deviations(one, truth, 0.0, rows, SAMPLES)
    for limit in (0.06, 0.11, 0.16):  # no multiple of 1/40 lies on a limit
        exact = 1 - binom.cdf(math.floor((0.25 + limit) * rows), rows, 0.25)
        exact += binom.cdf(math.ceil((0.25 - limit) * rows) - 1, rows, 0.25)
        assert (deviations > limit).mean() == pytest.approx(exact, abs=four_errors(exact))


@pytest.mark.row("A6")
def test_the_bound_holds_and_is_loose(found):
    size = 3**FEATURES
    by_hand = [math.sqrt((math.log(size) + math.log(40)) / (2 * m)) for m in (25, 100, 400, 1600, 6400)]
    np.testing.assert_allclose(found["bounds"], by_hand, rtol=1e-12)
    assert (found["failures"] <= DELTA).all()
    assert (found["failures"] + four_errors(DELTA) < DELTA).all()  # far fewer than allowed, beyond chance
    assert (found["measured"] < found["bounds"]).all()


@pytest.mark.row("A6")
def test_survival_of_a_bad_hypothesis_is_exact_and_below_the_union_bound(found):
    """One hypothesis wrong on 1 of 4 rows survives m rows with probability (3/4)^m."""
    truth, one = np.zeros(4, bool), np.array([[True, False, False, False]])
    for m in (3, 8):
        exact = 0.75**m
        assert chapter.survival(one, truth, EPSILON, m, SAMPLES) == pytest.approx(exact, abs=four_errors(exact))
    union = np.minimum(1, 3**FEATURES * np.exp(-EPSILON * found["tries"]))
    assert (found["survivals"] <= union + 4 * np.sqrt(union * (1 - union) / SAMPLES)).all()
    assert found["promised"] == math.ceil(10 * math.log(81 / 0.05))
    assert found["sufficient"] < found["promised"]


@pytest.mark.row("A6")
def test_of_a_network_the_bound_says_nothing(found):
    first = found["digits"].iloc[0]
    assert first["parameters"] == 64 * 4 + 4 + 4 * 10 + 10
    by_hand = math.sqrt((310 * 32 * math.log(2) + math.log(40)) / (2 * 898))
    assert first["bound"] == pytest.approx(by_hand, rel=1e-12)
    assert found["rows"] == 1797 // 2
    assert first["bound"] > 1 > found["digits"]["gap"].max()
    assert found["needed"] == pytest.approx((310 * 32 * math.log(2) + math.log(40)) / 0.02)
