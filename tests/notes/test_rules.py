"""What the chapter on rules claims, against the rules, closed forms and counts."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import entropy

from phalanx.notes.chapters.rules import SENTENCES, affine, compute, costs_of_pairs, grown, least_error, prices, written

SAID, DAYS = 1000, (4,)


@pytest.fixture(scope="module")
def found():
    return compute(repeats=2, rounds=6, sentences=SAID, days=DAYS)


@pytest.mark.row("I3")
def test_three_and_five_are_read_off_where_single_numbers_were_seen(found):
    assert grown(affine, np.array([[1.0]]), 4).tolist() == [[1, 8, 29, 92]]
    assert found["three"] == pytest.approx(3, abs=0.1)  # whole numbers, with room to spare
    assert found["five"] == pytest.approx(5, abs=0.1)


@pytest.mark.row("I3")
def test_from_pairs_alone_another_rule_is_learned_that_is_right_too(found):
    """a s₁ + b s₀ + c with s₁ = 3 s₀ + 5 is 9 s₀ + 20 for all s₀ where 3a + b = 9 and 5a + c = 20."""
    a, b, c = found["first"], found["second"], found["rest"]
    assert 3 * a + b == pytest.approx(9, rel=0.01)
    assert 5 * a + c == pytest.approx(20, rel=0.01)
    assert abs(a - 3) > 0.5
    assert found["together"] == pytest.approx(a + b / 3)


@pytest.mark.row("I3")
def test_fibonacci_goes_on(found):
    assert found["fibonacci"] == pytest.approx((1, 1), abs=0.01)
    assert found["continued"].startswith("5, 8, 13, 21, 34, 55, 89, 144, ")
    assert found["right"] >= 8
    assert found["largest"] < 25  # 3 · F(6) = 24 is the most that six numbers from at most 3 and 3 can reach


@pytest.mark.row("I7")
def test_the_best_costs_are_entropies(found):
    whom = [entropy(list(chances.values())) for chances in SENTENCES.values()]
    exact, by_pairs = costs_of_pairs()
    assert exact == pytest.approx((np.log(6) + np.mean(whom)) / 6)
    tokens = [word for line in written(20_000, seed=3).split("\n") for word in (*line.split(), "\n")]
    pairs, singles = Counter(pairwise(tokens)), Counter(tokens)
    counted = -sum(n * np.log(n / singles[word]) for (word, _), n in pairs.items()) / len(tokens)
    assert by_pairs == pytest.approx(counted, abs=4 * 2 / np.sqrt(len(tokens)))  # −log p deviates by less than 2 nats
    assert (found["entropy"], found["pairs"]) == (exact, by_pairs)


@pytest.mark.row("I3")
@pytest.mark.row("I7")
def test_the_next_word_has_the_chances_with_which_it_was_written(found):
    np.testing.assert_allclose(found["true_words"].sum(1), 1)
    assert found["worst"] < 4 * np.sqrt(0.25 / (SAID / 6))  # as much as the chances in so many sentences scatter
    # 500 sentences, of which the cost of one deviates by less than 1 nat
    assert found["entropy"] - 4 / 6 / np.sqrt(500) < found["nats"] < 0.6 * found["pairs"]
    after_the = dict(zip(found["next_word"]["next word"], found["next_word"]["pairs, after any the"], strict=True))
    assert after_the["cat"] == f"{(1 / 3 + (0.8 + 0.1) / 6) / 2:.2f}"  # half of all "the" begin a sentence
    assert found["alike"][0] > found["alike"][2]
    assert found["told"].startswith("the dog ")


@pytest.mark.row("I3")
def test_windows_miss_what_came_before_and_a_recurrent_net_does_not(found):
    # far from the first day, of which as many as 4 + 1 / 0.36 are missing: 1.5 · 0.8^(2n) / (1 − 0.64) and the noise
    assert least_error(4, 1000) ** 2 == pytest.approx(0.25 + 1.5 * 0.8**8 / 0.36 * (1 - 6.8 / 1000), rel=1e-3)
    rows, told = prices(400, 40, seed=7)
    weights = np.kron(0.8 ** np.arange(4)[::-1], [1.0, -0.5, 0.5])
    off = [
        price[3:] - np.lib.stride_tricks.sliding_window_view(news, (4, 3)).reshape(-1, 12) @ weights
        for news, price in zip(rows, told, strict=True)
    ]
    expected = (40 * least_error(4, 40) ** 2 - 3 * 0.25) / 37  # nothing is missed in the first three days
    # squares of what is missed correlate by 0.64 a day: (1 − 0.64)/(1 + 0.64) of the days count
    assert np.mean(np.square(off)) == pytest.approx(expected, rel=4 * np.sqrt(2 / (400 * 37 * 0.22)))
    window, recurrent = found["price_errors"].mean(1)
    assert window == pytest.approx(found["least"][0], rel=4 * np.sqrt(2 / (200 * 40 * 0.22)) / 2)
    assert recurrent < 0.75 * window
    assert recurrent > 0.5 * (1 - 4 * np.sqrt(2 / (200 * 40)) / 2)
