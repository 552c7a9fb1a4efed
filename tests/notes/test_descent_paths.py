"""G2 to G9: the rules by hand, their paths in closed form, and what is claimed of who beats whom."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from phalanx.notes.chapters import descent_paths as paths

STARTS = 6


@pytest.fixture(scope="module")
def found():
    return paths.compute(starts=STARTS, rates=41, seeds=2, passes=2, net_rates=3)


# J = θ², so g = 2θ, from θ = 1 with ε = 0.1: where two steps lead.
BY_HAND = {
    "SGD": (0.8, 0.64),
    "Momentum": (0.8, 0.46),  # v = -0.2, then 0.9 · -0.2 - 0.1 · 1.6 = -0.34
    "Nesterov": (0.8, 0.496),  # g at 0.8 - 0.18 = 0.62: v = -0.18 - 0.124
    "AdaGrad": (0.9, 0.9 - 0.18 / np.sqrt(4 + 1.8**2)),
    "RMSProp": (1 - 0.2 / np.sqrt(0.4), 0.683772 - 0.1 * 1.367544 / np.sqrt(0.36 + 0.1 * 1.367544**2)),
    "RMSPropNesterov": (0.683772, 0.276525),  # g at 0.683772 - 0.284605: 0.798334; r = 0.423734; v = -0.407247
    "Adam": (0.9, 0.9 - 0.1 * (0.36 / 0.19) / np.sqrt(0.007236 / 0.001999)),
}


@pytest.mark.row("G2")
@pytest.mark.row("G3")
@pytest.mark.row("G5")
@pytest.mark.row("G6")
@pytest.mark.row("G7")
@pytest.mark.parametrize("name", BY_HAND)
def test_each_rule_takes_the_steps_worked_by_hand(name):
    truth = np.array(BY_HAND[name])
    matrix, start = 2 * np.eye(2), np.ones(2)
    ours = paths.numpy_path(name, matrix, start, 0.1, 2)
    product = paths.product_path(replace(paths.RULES[name], learning_rate=0.1), matrix, start, 2)
    # Worked with six digits; δ = 1e-6 beside r = 0.4 moves RMSProp's steps by its 8e-7th part.
    np.testing.assert_allclose(ours[:, 0], truth, atol=3e-6)
    np.testing.assert_allclose(product[:, 1], truth, atol=3e-6)


@pytest.mark.row("G3")
@pytest.mark.row("G5")
@pytest.mark.row("G6")
@pytest.mark.row("G7")
def test_numpy_and_product_walk_the_same_paths(found):
    # 100 steps, each rounded at numbers below 2: at most 2^-24 · 2 a step, and the valley spreads them a little.
    assert max(found["differences"].values()) < 100 * 2**-23
    assert found["differences"].keys() == paths.RULES.keys()


@pytest.mark.row("G2")
def test_descent_in_a_bowl_is_a_power(found):
    """θ_t = (1 − ελ)^t θ₀ along each axis: the best step size is at most 2/λ, and the cost follows."""
    _, starts = paths.landscapes(STARTS)["bowls along the axes"]
    one = found["runs"]["bowls along the axes"]["SGD"]
    assert one["rate"] < 2 / paths.CURVATURE
    factors = (1 - one["rate"] * np.array([1, paths.CURVATURE])) ** np.arange(51)[:, None]
    np.testing.assert_allclose(one["paths"][:, :51], factors * starts[:, None], atol=50 * 2**-23)


@pytest.mark.row("G3")
def test_momentum_in_a_bowl_is_a_linear_recurrence(found):
    _, starts = paths.landscapes(STARTS)["bowls along the axes"]
    one = found["runs"]["bowls along the axes"]["Momentum"]
    for axis, curvature in enumerate((1, paths.CURVATURE)):
        # (θ, v) ← (θ + 0.9 v − ελ θ, 0.9 v − ελ θ)
        matrix = np.array([[1 - one["rate"] * curvature, 0.9], [-one["rate"] * curvature, 0.9]])
        after = np.linalg.matrix_power(matrix, paths.BOWL_STEPS) @ np.stack([starts[:, axis], 0 * starts[:, axis]])
        np.testing.assert_allclose(one["paths"][:, paths.BOWL_STEPS, axis], after[0], atol=1e-5)


@pytest.mark.row("G8")
def test_momentum_beats_descent_on_every_bowl_and_adagrad_on_turned_ones_only(found):
    assert found["momentum_sgd_aligned"] == found["momentum_sgd_turned"] == STARTS
    assert found["momentum_adagrad_aligned"] == 0
    assert found["momentum_adagrad_turned"] > STARTS / 2
    for name in ("bowls along the axes", "turned bowls"):  # the same who beats whom, by the few lines of NumPy
        for matrix, start in zip(*paths.landscapes(STARTS)[name], strict=True):
            ends = {}
            for rule in ("SGD", "Momentum"):
                rate = found["runs"][name][rule]["rate"]
                path = paths.numpy_path(rule, matrix, start, rate, paths.BOWL_STEPS)
                ends[rule] = 0.5 * path[-1] @ matrix @ path[-1]
            assert ends["Momentum"] < ends["SGD"]


@pytest.mark.row("G9")
def test_adagrads_steps_die_out_in_the_valley_and_rmsprops_do_not(found):
    assert (np.diff(found["adagrad_sizes"], axis=1) <= 0).all()  # a sum of squares never falls
    assert found["adagrad_change"] < 1 < found["rmsprop_change"]
    assert found["adagrad_length"] < found["rmsprop_length"]
    # On convex bowls both arrive at a thousandth of the cost, and RMSProp close to the minimum if ε falls.
    assert found["adagrad_fast"] < paths.BOWL_STEPS
    assert found["rmsprop_fast"] < paths.BOWL_STEPS
    for name in ("bowls along the axes", "turned bowls"):
        assert found["ends"][name][paths.FALLING].mean() < found["ends"][name]["RMSProp"].mean()


@pytest.mark.row("G9")
@pytest.mark.slow
def test_on_networks_rmsprop_is_for_the_cost_that_is_not_convex():
    found = paths.networks(6, 10, 17)
    assert found["net_ratio"] + found["net_ratio_error"] < 1
    assert found["convex_ratio"] - found["convex_ratio_error"] > 1
    for title in ("ε", "ε "):  # no rule is best only for want of smaller or larger steps
        assert found["nets"][title].astype(float).between(10**-3.4, 10**1.4).all()


@pytest.mark.row("G2")
def test_a_constant_step_hovers_where_theory_says_and_a_falling_one_arrives(found):
    """E θ² ← (1 − ε)² E θ² + ε², whose fixed point is ε / (2 − ε)."""
    assert found["hover_theory"] == pytest.approx(0.1**2 / (1 - 0.9**2))
    assert abs(found["hover"] - found["hover_theory"]) < 4 * found["hover_error"]
    mean_square = 1.0
    for t in range(400):
        rate = 0.05 * (1 + np.cos(np.pi * t / 400))
        mean_square = (1 - rate) ** 2 * mean_square + rate**2
    # The square of a normal number has √2 times its mean as deviation; 20,000 copies.
    assert found["cosine"] == pytest.approx(mean_square, rel=4 * np.sqrt(2 / 20_000))
    assert mean_square < found["hover_theory"] / 4


@pytest.mark.row("G2")
def test_a_step_size_for_each_parameter_arrives_at_once_where_none_for_both_can(found):
    best = minimize_scalar(lambda e: 0.5 * ((1 - e) ** 2 + 100 * (1 - 100 * e) ** 2), bounds=(0, 1), method="bounded")
    assert found["factor_cost"] < 1e-10 < 0.4 < best.fun


@pytest.mark.row("G7")
def test_delta_inside_the_root_counts_in_squares(found):
    g = found["deltas"]["gradient"].astype(float).to_numpy()
    np.testing.assert_allclose(found["deltas"]["outside (book)"], g / (g + 1e-8), atol=1e-4)  # shown with 4 digits
    np.testing.assert_allclose(found["deltas"]["inside (notes)"], g / np.sqrt(g**2 + 1e-8), atol=1e-4)
