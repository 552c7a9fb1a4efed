"""What is said of choices: no more than the trials support, and what the seeds alone do."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

from phalanx import Adam, Classifier, Dense, Tanh, choice, loguniform
from phalanx.report.mattered import Mattered, _seeds
from phalanx.search.importance import importances
from phalanx.search.pairs import interactions


def test_what_mattered_is_said_and_what_did_not():
    rng = np.random.default_rng(0)
    draws = [{"rate": rng.random(), "units": int(rng.choice([16, 64])), "slope": rng.random()} for _ in range(100)]
    found = importances(draws, [abs(draw["rate"] - 0.5) + 0.5 * (draw["units"] == 16) for draw in draws])
    first, second, rest = Mattered(found, [], 100, None).words
    by_name = dict(zip(found, (first, second), strict=False))
    assert "the best 10 have 64 more often than all do" in by_name["units"]
    assert "most of the best 10 lie between 0.4" in by_name["rate"]
    assert rest == "slope: no difference that 100 networks could show"


def test_what_depends_on_each_other_is_said():
    rng = np.random.default_rng(0)
    draws = [{"rate": rng.random(), "units": int(rng.choice([16, 64]))} for _ in range(100)]
    losses = [draw["rate"] if draw["units"] == 16 else 1 - draw["rate"] for draw in draws]
    words = Mattered(importances(draws, losses), interactions(draws, losses), 100, None).words
    assert any(line.startswith("rate and units depend on each other (0.") for line in words)


def test_a_choice_in_which_the_best_do_not_differ_can_matter_all_the_same():
    """Of 40 trials the best 5 lack it, and the rest rank by it."""
    draws = [{"rate": i / 40, **({"inner": "a" if i < 22 else "b"} if i >= 5 else {})} for i in range(40)]
    found = importances(draws, range(40))
    assert found["inner"].sure
    assert found["inner"].best == ()
    assert any("the best 5 differ in it as all do, or lack it" in line for line in Mattered(found, [], 40, None).words)


def test_of_a_search_too_small_nothing_is_said():
    assert Mattered({}, [], 4, None).words == []


@pytest.mark.parametrize(("within", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_seeds_that_decide_nothing_and_everything(within, share):
    rng = np.random.default_rng(0)
    trial = rng.normal(size=(400, 1)) * (1 - within)
    ranks = trial + within * rng.normal(size=(400, 3))
    assert _seeds(ranks.tolist()) == pytest.approx(share, abs=0.1)


def test_one_seed_a_trial_says_nothing_of_seeds():
    assert _seeds([[1.0], [2.0]]) is None


def test_an_estimator_tells_that_the_learning_rate_decides():
    X, y = make_classification(400, 8, random_state=0)
    rate = loguniform(1e-6, 1e-1, name="rate")
    net = Classifier([Dense(choice(8, 9)), Tanh()], optimizer=Adam(rate), trials=32, repeats=2, max_rounds=4).fit(X, y)
    table = net.importances_
    assert table.index[0] == "rate"
    assert table.p["rate"] < 0.05
    assert net.mattered_[0].startswith("rate mattered")
    assert net.mattered_[-1].startswith("seeds alone make 0.")


def test_without_a_choice_there_is_none_that_mattered():
    net = Classifier([Dense(4)], max_rounds=1).fit([[0.0], [1.0]] * 10, [0, 1] * 10)
    assert net.mattered_ == []
    assert net.importances_.empty
