"""The chapter on noise against ridge regression, the stationary law of a walk, and counts."""

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import solve_discrete_lyapunov
from scipy.special import rel_entr
from sklearn.linear_model import LinearRegression, Ridge

from phalanx.notes.chapters import noise
from phalanx.notes.chapters.noise import LEVELS, NOISES, SHAKE, SHARE, WALK

pytestmark = pytest.mark.row("F2")


@pytest.fixture(scope="module")
def found():
    return noise.compute(seeds=4, noisy=4, walkers=64, draws=10, rounds=10)


def test_noise_on_inputs_is_ridge_regression(found):
    X, t = noise.patients()
    for level, weights in zip(LEVELS[1:], found["noisy_weights"][1:], strict=True):
        ridge = Ridge(len(X) * level**2).fit(X, t).coef_
        seeds, columns = weights.shape
        error = np.sqrt(weights.var(axis=0, ddof=1).mean() / seeds)  # pooled over the columns, which are scaled alike
        most = stats.t.ppf(1 - 0.001 / (2 * columns), (seeds - 1) * columns)
        assert np.abs(weights.mean(0) - ridge).max() < most * error
        assert np.abs(ridge - LinearRegression().fit(X, t).coef_).max() > most * error  # it is not least squares


def test_copies_come_closer_to_ridge_with_the_root_of_their_number(found):
    slopes = np.polyfit(np.log(noise.COPIES), np.log(found["copy_distances"]), 1)[0]
    low, high = stats.t.interval(0.999, len(slopes) - 1, slopes.mean(), stats.sem(slopes))
    assert low < -0.5 < high
    assert high < 0


def test_each_noise_on_weights_has_the_spread_of_its_walk(found):
    """v = A v Aᵀ + Q with A = 1 − ε h, the stationary covariance of the steps; the spread of n walkers is χ²."""
    curvature = np.diag([1.0, 0.25])
    kept = np.eye(2) - noise.RATE * curvature
    for places, moves in zip(found["places"], (noise.RATE * curvature, np.eye(2)), strict=True):
        covariance = solve_discrete_lyapunov(kept, WALK**2 * moves @ moves.T)
        ratio = (len(places) - 1) * places.var(axis=0, ddof=1) / np.diag(covariance)
        low, high = stats.chi2.ppf([0.0005, 0.9995], len(places) - 1)
        assert (low < ratio).all()
        assert (ratio < high).all()
        best = np.array([1, 2]) / np.sqrt(2)
        far = np.abs(places.mean(0) - best) / np.sqrt(np.diag(covariance) / len(places))
        assert (far < stats.norm.ppf(0.9995)).all()


def test_taken_noise_finds_flat_places_and_kept_noise_drifts(found):
    rise, norms = found["shaken"][..., 3], found["shaken"][..., 2]
    flatter = stats.ttest_1samp(rise[0] - rise[1], 0)
    assert flatter.confidence_interval(0.95).low > 0
    assert found["flatter"][0] == pytest.approx(flatter.statistic * stats.sem(rise[0] - rise[1]))
    # free steps of deviation σ add σ² each to the squared norm; the cost pulls some of them back, never adds
    walked = found["weight_steps"] * found["weight_count"] * NOISES[-1][1] ** 2
    gained = (norms[-1] ** 2 - norms[0] ** 2).mean()
    assert 0.5 * walked < gained < walked * 1.1
    assert found["drift"] == pytest.approx(np.sqrt((norms[0] ** 2).mean() + walked))


def test_shaking_is_measured_at_the_weights_said(found):
    """The rise for a linear readout alone: ½ σ² times the curvature, to second order, by finite differences."""
    x, y = noise.digits()
    rng = np.random.default_rng(1)
    shapes = {"dense_1": (64, 8), "output": (8, 10)}
    params = {k: {"weight": 0.1 * rng.normal(size=s), "bias": np.zeros(s[1])} for k, s in shapes.items()}
    x, y = x[:50], y[:50]
    plain = noise.costs(noise.logits(params, x), y)
    z = np.maximum(x @ params["dense_1"]["weight"], 0) @ params["output"]["weight"]
    direct = np.log(np.exp(z).sum(1)) - z[np.arange(50), y]
    assert plain == pytest.approx(direct.mean())
    moved = noise.logits(params, x, np.random.default_rng(0))
    first = np.random.default_rng(0)
    shaken = [params[k]["weight"] + first.normal(0, SHAKE, s) for k, s in shapes.items()]
    np.testing.assert_allclose(moved, np.maximum(x @ shaken[0], 0) @ shaken[1])


def test_smoothed_targets_of_six_classes(found):
    np.testing.assert_allclose(found["six_targets"], [0.1 / 5, 0.9, *4 * [0.1 / 5]], rtol=1e-6)
    assert found["six"] == "0.02, 0.90, 0.02, 0.02, 0.02, 0.02"


def test_networks_learn_the_smoothed_probabilities(found):
    """The cross-entropy is least at the targets themselves. Another ε of the table would be off by 0.05."""
    for epsilon, said in zip((0.0, 0.05, 0.1, 0.2), found["said"], strict=True):
        ordered = np.sort(said, axis=1).mean(0)
        assert ordered[-1] == pytest.approx(1 - epsilon, abs=0.02)
        if epsilon:
            target = np.array([*5 * [epsilon / 5], 1 - epsilon])
            excess = rel_entr(target, np.sort(said, axis=1)).sum(1).mean()  # what its cost is above the least
            assert excess < min(rel_entr(target, [*5 * [e / 5], 1 - e]).sum() for e in (0.05, 0.1, 0.2) if e != epsilon)
    last = found["smooth"].iloc[-1]
    assert last["by the formula"] == pytest.approx(np.log(0.8 / (0.2 / 5)), abs=6e-4)


def test_labels_are_wrong_as_often_as_said():
    y = np.repeat(np.arange(10), 500).astype(np.int32)
    wrong = noise.wrong_labels(y, SHARE, seed=3)
    moved = (wrong - y) % 10
    assert stats.binomtest(int((moved > 0).sum()), len(y), SHARE).pvalue > 0.001
    assert stats.chisquare(np.bincount(moved, minlength=10)[1:]).pvalue > 0.001


def lost_to_wrong_labels(found):
    """What one-hot targets lose and each smoothing does not: error and cost, each (smoothing, size, seed)."""
    lost = found["outcome"][:, :, 1] - found["outcome"][:, :, 0]
    return (lost[0] - lost)[..., 0], (lost[0] - lost)[..., 1]


def test_the_cost_rises_less_with_smoothing(found):
    _, cost = lost_to_wrong_labels(found)
    for size in (0, 1):
        assert stats.ttest_1samp(cost[-1, size], 0).confidence_interval(0.95).low > 0
    heart = found["outcome"][..., 1, :, 2]
    assert heart[:, 0].min() > 0.9 > heart[:, 1].max()  # 200 rows are learned by heart, 800 are not
    error, _ = lost_to_wrong_labels(found)
    low, high = stats.ttest_1samp(error[-1, 1], 0).confidence_interval(0.95)
    assert found["large_gain"] == pytest.approx(((low + high) / 2, (high - low) / 2))


@pytest.mark.slow
def test_the_error_too_where_labels_are_not_learned_by_heart():
    full = noise._wrong(seeds=16, rounds=20)
    error, _ = lost_to_wrong_labels(full)
    assert stats.ttest_1samp(error[-1, 1], 0).confidence_interval(0.95).low > 0
    assert stats.ttest_1samp(error[-1, 0], 0).confidence_interval(0.95).high < 0  # with 200 rows it loses more
