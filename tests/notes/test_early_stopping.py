"""F3: Algorithm 7.1 by hand and on real curves, and the ways to use all rows, against what training itself does."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from phalanx.notes.chapters import early_stopping
from phalanx.notes.chapters.early_stopping import EVERY, PATIENCES, SUBSET, VALID, WAYS, algorithm_7_1
from phalanx.population.refit import refit
from phalanx.population.train import Clock

SEEDS, ROUNDS = 3, 40

pytestmark = pytest.mark.row("F3")


@pytest.fixture(scope="module")
def found():
    return early_stopping.compute(seeds=SEEDS, rounds=ROUNDS)


def test_the_example_of_the_notes_by_hand(found):
    """θ₂₀₀ is better than θ₁₀₀ and is kept; θ₃₀₀ and θ₄₀₀ are worse than it, and with p = 2 that is the end."""
    by_hand = [
        (100, 0.30, 0.30, 100, 0),
        (200, 0.24, 0.24, 200, 0),
        (300, 0.27, 0.24, 200, 1),
        (400, 0.26, 0.24, 200, 2),
    ]
    assert [tuple(line) for line in found["example"].to_numpy()] == by_hand
    errors = [0.30, 0.24, 0.27, 0.26, 0.10]  # a fifth would have been better, and is never seen
    assert algorithm_7_1(errors, 100, 2)["step i"].tolist() == [100, 200, 300, 400]
    assert algorithm_7_1(errors, 100, 3)["best step i*"].iloc[-1] == 500
    assert algorithm_7_1(errors, 100, 1)["step i"].iloc[-1] == 300


def test_the_algorithm_keeps_the_first_lowest_error_and_ends_so_many_measurements_after_it(rng):
    for patience in (1, 2, 4):
        for _ in range(50):
            errors = rng.integers(0, 20, 30).tolist()  # whole numbers, so that equal ones occur: not better
            ends = (k for k in range(1, 31) if k - 1 - int(np.argmin(errors[:k])) >= patience)
            end = next(ends, 30)
            told = algorithm_7_1(errors, 7, patience)
            assert len(told) == end
            assert told["best step i*"].iloc[-1] == 7 * (1 + int(np.argmin(errors[:end])))
            assert told["error of θ*"].iloc[-1] == min(errors[:end])


def test_training_does_what_the_algorithm_says_on_real_curves(found):
    assert found["agreeing"] == found["compared"] == SEEDS * len(PATIENCES)
    steps = found["bought"]["best step i*"]
    assert steps.is_monotonic_increasing  # whoever waits longer keeps at least what others do
    assert (found["bought"]["steps trained"] > steps).all()


def test_7_2_and_7_3_are_what_refit_does(found):
    for rule in ("steps", "continue"):
        folds = found["folds"][:SEEDS]
        again, _ = refit(rule, found["members"], found["rows"], folds, clock=Clock())
        for ours, theirs in zip(found["by_way"][rule], again, strict=True):
            for layer in ("dense_1", "output"):
                mine, others = ours.params[layer]["weight"], theirs.final.params[layer]["weight"]
                np.testing.assert_allclose(mine, others, atol=1e-5)  # another program may round otherwise
            assert ours.rounds == theirs.rounds


def test_7_3_ends_where_the_validation_cost_meets_the_training_cost_at_the_best_parameters(found):
    for i, (member, again) in enumerate(zip(found["members"], found["by_way"]["continue"], strict=True)):
        chosen = found["folds"][i].train
        x, y = np.float64(found["rows"].x[chosen]), np.float64(found["rows"].y[0][chosen])
        dense, output = ({k: np.float64(v) for k, v in member.params[name].items()} for name in ("dense_1", "output"))
        said = np.maximum(x @ dense["weight"] + dense["bias"], 0) @ output["weight"] + output["bias"]
        goal = (0.5 * np.log(2 * np.pi) + 0.5 * (said - y) ** 2).mean()
        assert found["goals"][i] == pytest.approx(goal, rel=1e-5)
        if again.stopped == "goal":
            *before, last = [cost for _, cost in again.curve]
            assert last <= goal * (1 + 1e-6)
            assert all(cost > goal * (1 - 1e-6) for cost in before)
        else:
            assert again.rounds == ROUNDS


def test_every_way_trains_on_the_rows_and_for_the_steps_that_it_names(found):
    few, part, whole = (found["folds"][i * SEEDS] for i in (1, 0, 2))
    assert (len(few.train), len(few.valid)) == (round(SUBSET * 160), round(SUBSET * 40))
    assert set(whole.train) == {*part.train, *part.valid}
    assert set(few.train) < set(part.train)
    for i, member in enumerate(found["members"]):
        assert found["by_way"]["steps"][i].rounds == member.best_round
        ratio = found["by_way"]["subset passes"][i].rounds / found["by_way"]["subset steps"][i].rounds
        assert ratio == pytest.approx(1 / (SUBSET * (1 - VALID)), rel=0.5)
        assert found["by_way"]["never"][i].rounds == ROUNDS
    steps = found["table"].set_index("way")["further steps"]
    rounds = [member.best_round for member in found["members"]]
    assert steps[WAYS["steps"]] == pytest.approx(EVERY * np.mean(rounds), abs=1e-3)


def test_a_table_of_ones_own(tmp_path):
    X, y = load_iris(return_X_y=True)
    pd.DataFrame(X, columns=list("abcd")).assign(kind=np.array(["x", "y", "z"])[y]).to_csv(tmp_path / "t.csv")
    found = early_stopping.compute(seeds=2, rounds=4, data=str(tmp_path / "t.csv"))
    assert found["agreeing"] == found["compared"]
    assert found["before"] < np.log(3)  # better than not knowing one of three kinds from another


@pytest.mark.slow
def test_all_rows_help_where_the_steps_were_found_on_most_of_them():
    found = early_stopping.compute()
    changes = {way: early_stopping.interval(values) for way, values in found["changes"].items()}
    for way in ("steps", "continue"):
        assert changes[way][0] + changes[way][1] < 0
    for way in ("subset steps", "never"):
        assert changes[way][0] - changes[way][1] > 0
