"""G4: rare but informative features are learned faster by AdaGrad than by SGD with one step size."""

import numpy as np
import pytest

from phalanx.notes.chapters import rare_features
from phalanx.notes.chapters.rare_features import BATCH, FEATURES, NOISE, ROUND, RULES, SHARES

pytestmark = pytest.mark.row("G4")


@pytest.fixture(scope="module")
def found():
    return rare_features.compute(seeds=5, rates=13, steps=600)


def in_numpy(rule, rate, X, y):
    """Weights after one pass over rows in order, by the rules as the notes write them; the bias is the last."""
    X, w, r = np.c_[X, np.ones(len(X))], np.zeros(FEATURES + 1), np.zeros(FEATURES + 1)
    for i in range(0, len(X), BATCH):
        g = X[i : i + BATCH].T @ (X[i : i + BATCH] @ w - y[i : i + BATCH]) / BATCH
        r += g * g
        w -= rate * g if rule == "SGD" else rate / (1e-7 + np.sqrt(r)) * g
    return w[:-1]


def test_the_mean_weight_of_sgd_is_the_formula():
    """Fresh rows, signs at random: E w_j(t) = w*_j (1 − (1 − ε p_j)^t), whatever the other weights do."""
    truth, paths = rare_features.learn(24, np.array([0.3]), 100)
    learned = (paths / truth)[list(RULES).index("SGD"), 0]
    for t in (6, 20):
        mean, error = learned[:, t - 1].mean(0), learned[:, t - 1].std(0, ddof=1) / np.sqrt(24)
        formula = 1 - (1 - 0.3 * SHARES) ** (ROUND * t)
        # 32 comparisons with Student's t of 23 degrees: 5 standard errors are exceeded once in 600 such tests.
        np.testing.assert_array_less(np.abs(mean - formula), 5 * error)


def test_expected_errors_are_what_new_rows_show(rng):
    truth = rng.choice([-1.0, 1.0], size=FEATURES)
    learned = rng.uniform(0.2, 1.2, size=FEATURES)
    X, y = rare_features.rows_of(99, 200_000, truth)
    squares = (X @ (learned * truth) - y) ** 2 - NOISE**2
    for chosen, told in (
        (slice(None), rare_features.expected_excess(learned[None])[0]),
        (X[:, -1] != 0, rare_features.excess_where_rarest(learned[None])[0]),
    ):
        some = squares[chosen]
        assert some.mean() == pytest.approx(told, abs=5 * some.std() / np.sqrt(len(some)))
    np.testing.assert_allclose((X != 0).mean(0), SHARES, atol=5 * 0.5 / np.sqrt(len(X)))


def test_rare_features_are_learned_sooner_by_adagrad(found):
    sgd, adagrad = found["half"]["SGD"], found["half"]["AdaGrad"]
    rare = SHARES < 0.02
    assert adagrad[rare].mean() < sgd[rare].mean()
    assert adagrad[-1] < sgd[-1]
    assert sgd[-1] / sgd[0] > adagrad[-1] / adagrad[0]
    # SGD's time grows as 1 / p, in its own draws too: of the rarest it is near what the formula says.
    assert 0.5 < sgd[-1] / found["formula"][-1] < 2
    ends = dict(zip(RULES, rare_features.excess_where_rarest(found["chosen"][:, :, -1]), strict=True))
    assert (ends["AdaGrad"] < ends["SGD"]).all()  # in every draw of the rows
    # Nor does another step size help SGD: where it learns the rarest in time, some AdaGrad is as soon and errs less.
    assert found["beaten"] == found["in_time"] > 0


def test_the_rules_of_the_notes_in_numpy_find_the_same_on_draws_of_their_own(found):
    truth = np.random.default_rng(0).choice([-1.0, 1.0], size=FEATURES)
    ends = {"SGD": [], "AdaGrad": []}
    for seed in range(50, 58):
        X, y = rare_features.rows_of(seed, found["rows"], truth)
        for rule, values in ends.items():
            values.append(in_numpy(rule, found["best"][rule], X, y) / truth)
    sgd, adagrad = (rare_features.excess_where_rarest(np.array(values)) for values in ends.values())
    mean, error = rare_features.interval(sgd - adagrad)
    assert mean - error > 0


def test_one_step_of_adagrad_is_as_long_as_its_step_size_however_small_the_gradient(found):
    rate = 0.5
    X, y = np.zeros((2 * BATCH, FEATURES)), np.zeros(2 * BATCH)
    X[BATCH, -1], y[BATCH] = 1, 0.01  # seen once, in the second batch
    assert in_numpy("AdaGrad", rate, X, y)[-1] == pytest.approx(rate, rel=1e-3)  # δ = 1e-7 beside g = 5e-4
    first = np.abs(np.diff(found["chosen"][list(RULES).index("AdaGrad")], axis=1, prepend=0))
    assert first.max() <= ROUND * found["best"]["AdaGrad"] * (1 + 1e-5)  # nor is any step longer
