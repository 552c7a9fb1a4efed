"""Algorithms 7.2 and 7.3 against gradient descent in NumPy, on a linear model whose batches hold every row equally."""

import numpy as np
import pytest

from phalanx import Dense, EarlyStopping, Exponential, Gaussian, Momentum, Network
from phalanx.model import Batch
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.refit import refit
from phalanx.population.train import Clock, train
from phalanx.population.trial import Trial

TRAIN, VALID, MAX_ROUNDS, STEPS = 60, 20, 40, 2
RATE, FACTOR, MOMENTUM = 0.02, 0.3, 0.5


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(TRAIN + VALID, 12)).astype(np.float32)
    y = x[:, :1] + 2 * rng.normal(size=(TRAIN + VALID, 1)).astype(np.float32)
    y[TRAIN:] *= 1.2  # validation rows that are harder, so that the cost has some way to go
    return Batch(x, (y,), np.ones(TRAIN + VALID, np.float32))


FOLDS = [Fold(np.arange(TRAIN), np.arange(TRAIN, TRAIN + VALID), 0)]


def trial(seed, patience=3):
    # 240 rows a step are each of 60 rows four times, and each of 80 rows three times: the gradient of the mean.
    optimizer = Momentum(Exponential(RATE, factor=FACTOR), momentum=MOMENTUM)
    network = Network([], Gaussian(), optimizer=optimizer, stopping=EarlyStopping(patience), batch_size=240)
    return Trial(complete(network, OutputSize(1)), seed)


@pytest.fixture(scope="module")
def members(rows):
    found = train([trial(seed) for seed in (4, 7, 0)], rows, FOLDS, max_rounds=MAX_ROUNDS, round_steps=STEPS).members
    assert len({member.best_round for member in found}) > 1  # each has an i* of its own
    return found


def initial(rows, seed):
    """The weights before the first step: those of a training whose steps have no length."""
    still = complete(Network([], Gaussian(), optimizer=Momentum(0.0), stopping=None, batch_size=240), OutputSize(1))
    return train([Trial(still, seed)], rows, FOLDS, max_rounds=1, round_steps=1).members[0].params["output"]


def descend(rows, params, chosen, rates):
    """Momentum in float64: v ← αv − εg, θ ← θ + v on ½ the mean squared error of the chosen rows."""
    x, y = np.float64(rows.x[chosen]), np.float64(rows.y[0][chosen])
    weight, bias = np.float64(params["weight"]), np.float64(params["bias"])
    v, u = np.zeros_like(weight), np.zeros_like(bias)
    for rate in rates:
        error = (x @ weight + bias - y) / len(x)
        v, u = MOMENTUM * v - rate * (x.T @ error), MOMENTUM * u - rate * error.sum(0)
        weight, bias = weight + v, bias + u
        yield weight, bias


def cost(rows, chosen, weight, bias):
    error = np.float64(rows.x[chosen]) @ weight + bias - rows.y[0][chosen]
    return 0.5 * np.log(2 * np.pi) + 0.5 * (error**2).mean()


def test_algorithm_7_2_trains_afresh_on_all_rows_for_as_many_steps(rows, members):
    again, outcome = refit("steps", members, rows, FOLDS, clock=Clock())
    for member, refitted in zip(members, again, strict=True):
        assert (refitted.ended, refitted.rounds, refitted.finished) == ("steps", member.best_round, True)
        steps = member.best_round * STEPS
        rates = [RATE * FACTOR ** (t / (MAX_ROUNDS * STEPS)) for t in range(steps)]
        *_, (weight, bias) = descend(rows, initial(rows, member.trial.seed), slice(None), rates)
        np.testing.assert_allclose(refitted.final.params["output"]["weight"], weight, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(refitted.final.params["output"]["bias"], bias, rtol=1e-3, atol=1e-5)
    assert outcome.rounds == [max(member.best_round for member in members)]


def test_algorithm_7_3_goes_on_from_the_best_until_the_validation_cost_is_low_enough(rows, members):
    again, _ = refit("continue", members, rows, FOLDS, clock=Clock())
    train_rows, valid_rows = FOLDS[0].train, FOLDS[0].valid
    for member, refitted in zip(members, again, strict=True):
        best = member.params["output"]
        goal = cost(rows, train_rows, np.float64(best["weight"]), np.float64(best["bias"]))
        assert refitted.goal == pytest.approx(goal, rel=1e-5)
        if cost(rows, valid_rows, np.float64(best["weight"]), np.float64(best["bias"])) <= goal:
            assert (refitted.rounds, refitted.ended) == (0, "goal")
            continue
        rate = RATE * FACTOR ** (member.best_round / MAX_ROUNDS)  # the schedule's value at θ*, from then on
        path = list(descend(rows, best, slice(None), [rate] * (MAX_ROUNDS * STEPS)))
        ends = [i for i in range(STEPS - 1, len(path), STEPS) if cost(rows, valid_rows, *path[i]) <= goal]
        last = ends[0] if ends else len(path) - 1
        assert refitted.ended == ("goal" if ends else "max_rounds")
        assert refitted.rounds == (last + 1) // STEPS
        np.testing.assert_allclose(refitted.final.params["output"]["weight"], path[last][0], rtol=1e-3, atol=1e-5)
    assert any(refitted.rounds > 0 for refitted in again)


def test_algorithm_7_3_is_bounded_where_the_cost_never_gets_there(rows):
    y = rows.y[0] + np.where(np.arange(TRAIN + VALID) < TRAIN, 0, 1000)[:, None].astype(np.float32)
    far = rows._replace(y=(y,))
    members = train([trial(2)], far, FOLDS, max_rounds=4, round_steps=STEPS).members
    (found,), _ = refit("continue", members, far, FOLDS, clock=Clock())
    assert (found.ended, found.rounds, found.finished) == ("max_rounds", 4, True)


def test_a_goal_already_reached_leaves_the_member_as_it_is(rows):
    same = [Fold(FOLDS[0].train, FOLDS[0].train, 0)]  # the validation cost is the training cost
    members = train([trial(7)], rows, same, max_rounds=2, round_steps=STEPS).members
    (found,), outcome = refit("continue", members, rows, same, clock=Clock())
    assert (found.ended, found.rounds, outcome.rounds) == ("goal", 0, [])
    assert found.final.params is members[0].params


def test_an_interrupted_refit_is_not_finished(rows, members):
    (found, *_), _ = refit("steps", members, rows, FOLDS, clock=Clock(interrupted=True))
    assert (found.ended, found.finished) == ("interrupt", False)


def test_a_bootstrap_sample_keeps_its_repetitions(rows):
    sample = np.random.default_rng(0).choice(TRAIN, TRAIN)
    folds = [Fold(sample, FOLDS[0].valid, 0)]
    members = train([trial(1)], rows, folds, max_rounds=3, round_steps=STEPS).members
    (found,), _ = refit("steps", members, rows, folds, clock=Clock())
    rates = [RATE * FACTOR ** (t / (3 * STEPS)) for t in range(members[0].best_round * STEPS)]
    chosen = np.concatenate([sample, FOLDS[0].valid])
    *_, (weight, _) = descend(rows, initial(rows, 1), chosen, rates)
    np.testing.assert_allclose(found.final.params["output"]["weight"], weight, rtol=1e-3, atol=1e-5)


def test_hidden_layers_and_dropout_train_again_too(rows):
    from phalanx import Dropout, ReLU

    network = Network([Dense(8), ReLU(), Dropout(0.2)], Gaussian(), batch_size=16, stopping=EarlyStopping(2))
    trials = [Trial(complete(network, OutputSize(1)), seed) for seed in range(2)]
    members = train(trials, rows, FOLDS, max_rounds=6).members
    for rule in ("steps", "continue"):
        again, _ = refit(rule, members, rows, FOLDS, clock=Clock())
        assert all(found.finished for found in again)
