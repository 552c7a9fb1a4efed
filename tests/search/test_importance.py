"""What mattered: formulas by hand and by SciPy, planted truths, and searches in which nothing mattered."""

import numpy as np
import pytest
from scipy.stats import binom, f_oneway

from phalanx.search.importance import importances, number_of_best

SIMULATIONS = 100


def test_of_options_the_formula_worked_by_hand():
    """The best 5 of 20 all have one of two options that are as frequent: ½ (1/½ − 1)² + ½ (0 − 1)² = 1."""
    draws = [{"kind": "a" if i < 10 else "b", "other": i % 2} for i in range(20)]
    found = importances(draws, range(20))
    assert found["kind"].importance == pytest.approx(1)
    assert found["kind"].best == ("a",)
    # of the best 5, numbers 0 to 4, three are even: ½ (6/5 − 1)² + ½ (4/5 − 1)² = 1/25
    assert found["other"].importance == pytest.approx(0.04)


def test_a_choice_of_some_counts_by_the_square_of_its_share_among_the_best():
    """Half of all have it, and 4 of the best 5: (4/5)² / ½ times what it is among these: there 2 of 10, and 4 of 4."""
    draws = [{"kind": i % 2} for i in range(20)]
    for i in range(0, 20, 2):
        draws[i]["inner"] = "x" if i in (0, 2, 4, 6) else "y"
    losses = [i if i % 2 == 0 and i < 8 else 50 + i for i in range(20)]
    found = importances(draws, losses)["inner"]
    among = 0.4 * (1 / 0.4 - 1) ** 2 + 0.6
    assert found.importance == pytest.approx(0.8**2 / 0.5 * among)
    assert found.trials == 10


def test_the_share_is_omega_squared_of_the_ranks():
    """ω² = (k − 1)(F − 1) / ((k − 1)(F − 1) + N), with F of the analysis of variance as SciPy has it."""
    rng = np.random.default_rng(0)
    draws = [{"kind": str(kind)} for kind in rng.integers(0, 3, 60)]
    losses = np.array([float(draw["kind"]) for draw in draws]) + rng.normal(0, 1.5, 60)
    ranks = losses.argsort().argsort()
    groups = [ranks[[draw["kind"] == kind for draw in draws]] for kind in "012"]
    more = 2 * (f_oneway(*groups).statistic - 1)
    assert importances(draws, losses)["kind"].share == pytest.approx(more / (more + 60))


def test_a_range_whose_best_lie_side_by_side_comes_near_the_most_there_can_be():
    draws = [{"rate": 10.0**-i} for i in np.linspace(0, 5, 400)]
    found = importances(draws, range(400))["rate"]
    assert 6 < found.importance < 9
    assert found.ranged
    low, high = found.best
    assert 10**-0.5 < low < high <= 1


@pytest.mark.parametrize("trials", [24, 60])
def test_of_choices_without_effect_one_is_named_in_five_of_a_hundred_searches(trials):
    named = 0
    for seed in range(SIMULATIONS):
        rng = np.random.default_rng(seed)
        found = importances(_draws(trials, rng), rng.normal(size=trials), seed)
        named += any(one.sure for one in found.values())
    assert named <= binom.ppf(0.999, SIMULATIONS, 0.05)


def test_the_one_that_matters_is_found_and_others_are_not():
    found_it, others = 0, 0
    for seed in range(SIMULATIONS):
        rng = np.random.default_rng(seed)
        draws = _draws(60, rng)
        found = importances(draws, [abs(draw["one"] - 0.4) + 0.1 * rng.normal() for draw in draws], seed)
        found_it += next(iter(found)) == "one" and found["one"].sure
        others += any(one.sure for name, one in found.items() if name != "one")
    assert found_it >= 95
    assert others <= binom.ppf(0.999, SIMULATIONS, 0.05)


def _draws(trials, rng):
    return [
        {
            "one": rng.random(),
            "two": rng.random(),
            "units": int(rng.choice([32, 64])),
            "kind": str(rng.choice(["a", "b"])),
        }
        for _ in range(trials)
    ]


def test_the_error_is_how_much_another_sample_of_trials_would_change_it():
    """The share's, over 40 samples from one truth, against the mean of what each says of itself."""
    shares, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        draws = _draws(100, rng)
        found = importances(draws, [draw["one"] + 0.3 * rng.normal() for draw in draws], seed)["one"]
        shares.append(found.share)
        errors.append(found.share_error)
    assert np.mean(errors) == pytest.approx(np.std(shares, ddof=1), rel=0.4)  # a deviation of 40 is known to 11 %


def test_what_diverged_is_worst():
    draws = [{"rate": float(i)} for i in range(40)]
    found = importances(draws, [float("nan") if i < 30 else 1.0 for i in range(40)])["rate"]
    assert found.sure
    assert found.best[0] >= 30


@pytest.mark.parametrize(
    "draws", [[{"a": i} for i in range(9)], [{"a": 1} for _ in range(30)], [{} for _ in range(30)]]
)
def test_few_trials_and_choices_of_one_value_say_nothing(draws):
    assert importances(draws, range(len(draws))) == {}


def test_the_best_are_a_tenth_and_five_at_least():
    assert [number_of_best(trials) for trials in (10, 50, 51, 2000)] == [5, 5, 6, 200]


def test_the_same_search_says_the_same():
    draws = _draws(30, np.random.default_rng(1))
    losses = [draw["one"] for draw in draws]
    assert importances(draws, losses) == importances(draws, losses)
