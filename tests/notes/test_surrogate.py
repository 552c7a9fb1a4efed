"""G1: the error has no slope, its surrogate has; the rows stand for the expectation, and a minibatch for the rows."""

import itertools

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import linprog
from scipy.stats import norm

from phalanx import Adam
from phalanx.engine import Batch, Fold, Noise, Trial, cost, initialize, train
from phalanx.notes.chapters import surrogate

ROWS, SEEDS, ROUNDS, DRAWS, PASSES = 120, 6, 70, 400, 5

pytestmark = pytest.mark.row("G1")


@pytest.fixture(scope="module")
def found():
    return surrogate.compute(seeds=SEEDS, rows=ROWS, rounds=ROUNDS, draws=DRAWS, passes=PASSES, steps=300)


@pytest.fixture(scope="module")
def digits():
    return surrogate._digits()


def test_the_error_moves_in_whole_rows_and_has_no_slope_where_the_surrogate_has(found):
    _, errors, costs = found["line"]
    np.testing.assert_allclose(errors * ROWS, np.round(errors * ROWS), atol=1e-9)  # a row is right or wrong
    assert (np.diff(errors) == 0).mean() > 0.5  # 801 places, at most a jump for each of 200 rows and side
    assert (np.diff(costs) == 0).mean() < 0.01
    assert found["largest_gradient"] == 0
    assert found["bits_above_error"]


def test_the_ways_a_line_divides_points_are_as_many_as_linear_programs_find():
    """Cover's count against a separating line found, or shown not to exist, for each of 2^7 labelings."""
    points = np.c_[np.random.default_rng(0).normal(size=(7, 2)), np.ones(7)]
    signs = itertools.product([-1, 1], repeat=7)
    divided = [linprog(np.zeros(3), -points * np.c_[list(s)], -np.ones(7), bounds=(None, None)).success for s in signs]
    assert sum(divided) == surrogate.linear_sortings(7, 2) == 2 * (1 + 6 + 15)


def test_the_surrogate_goes_on_improving_after_the_error_is_0(found, digits):
    assert found["all_zero"]
    error, loss = found["curves"]["training error"], found["curves"]["training cost"]
    for mine, falls, first in zip(error, loss, found["zero_rounds"], strict=True):
        assert mine[first - 1] == 0 < mine[: first - 1].min(initial=1)
        assert falls[-1] < falls[first - 1]
    assert found["margin_end"] > found["margin_then"] > 0
    network = surrogate.digits_network(optimizer=Adam(0.003), batch_size=20)  # what training itself says of its rows
    trials, fold = [Trial(network, seed) for seed in range(SEEDS)], Fold(np.arange(ROWS), np.arange(ROWS), 0)
    members = train(trials, digits, [fold], max_rounds=4).members
    told = [[cost for _, cost in member.curve] for member in members]
    np.testing.assert_allclose(loss[:, :4], told, rtol=1e-5)  # float32 sums of 120 rows


def test_the_expectation_is_an_integral_that_the_rows_of_training_underestimate(found):
    def density(x):  # of a model that says 0.3 everywhere
        p = surrogate.truth(np.array([x]))[0]
        return norm.pdf(x) * -(p * np.log(0.3) + (1 - p) * np.log(0.7))

    nodes, weights = np.polynomial.hermite_e.hermegauss(surrogate.NODES)
    said = np.full((1, surrogate.NODES), 0.3)
    ours = surrogate.expected_cost(said, nodes, weights / weights.sum())[0]
    assert ours == pytest.approx(quad(density, -12, 12, limit=200)[0], abs=1e-6)
    gap, error = (found["risks"][title].to_numpy() for title in ("gap", "± (95 %)"))
    assert gap[0] - error[0] > 0
    assert gap[0] - error[0] > gap[-1] + error[-1]
    empirical, expected = found["risk_lines"]
    assert (expected > found["entropy"]).all()  # nothing says more than the truth
    assert (empirical[0] < expected[0]).all()
    assert found["fixed_z"] < 4.8  # of rows never seen; Student's t with 5 degrees, two sides: 1 in 200


def test_the_gradient_of_a_minibatch_is_unbiased_with_a_deviation_that_falls_as_the_root(found):
    sizes = np.array(surrogate.BATCHES)
    theory = np.sqrt(found["trace"] / sizes)
    # Var ‖mean of m‖² ≤ (tr Σ / m)² (spread² / m + 2); its root has half the relative error; 5 standard errors.
    tolerance = 5 * 0.5 * np.sqrt((found["spread"] ** 2 / sizes + 2) / DRAWS)
    assert (np.abs(found["deviation"] / theory - 1) < tolerance).all()
    # Of the mean of all draws the squared distance is 1 in these units, with a deviation of at most √2.
    assert (found["bias"] < 1 + 5 * np.sqrt(2)).all()
    assert found["pass_error"] < 1e-13  # float64 sums
    logs = np.log(sizes) - np.log(sizes).mean()
    assert abs(found["slope"] + 0.5) < np.sqrt(((logs / (logs**2).sum() * tolerance) ** 2).sum())


def test_gradients_of_single_rows_are_those_of_the_cost(digits):
    few = jax.device_put(jax.tree.map(lambda a: a[:30], digits))
    network = surrogate.digits_network(batch_size=30)
    params, states = initialize(network, 0, few.x.shape[1:])
    whole = jax.grad(lambda p: cost(network, p, states, few, Noise({}, {}, {}))[0])(params)
    flat = np.concatenate([np.ravel(g) for g in jax.tree.leaves(whole)])
    each = surrogate.row_gradients(network, params, states, few)
    np.testing.assert_allclose(each.mean(0), flat, atol=1e-6)

    def at(step):  # a finite difference along the gradient of row 7, in the cost of row 7
        moved = jax.tree.map(lambda a, d: a + np.float32(step) * d, params, way)
        row = jax.tree.map(lambda a: a[7:8], few)
        return float(cost(network, moved, states, Batch(*row), Noise({}, {}, {}))[0])

    length = np.linalg.norm(each[7])
    sizes = np.cumsum([a.size for a in jax.tree.leaves(params)])[:-1]
    pieces = [piece.astype(np.float32) / np.float32(length) for piece in np.split(each[7], sizes)]
    leaves, structure = jax.tree.flatten(params)
    way = jax.tree.unflatten(structure, [p.reshape(a.shape) for p, a in zip(pieces, leaves, strict=True)])
    assert (at(1e-2) - at(-1e-2)) / 2e-2 == pytest.approx(length, rel=0.02)  # error of second order, about step²


def test_many_noisy_steps_come_further_than_few_exact_ones_in_as_many_passes(found):
    kinds = found["kinds"].set_index("kind")
    assert kinds["steps"].to_dict() == {"batch": PASSES, "minibatch": PASSES * ROWS // 20, "online": PASSES * ROWS}
    batch, minibatch, _ = found["kind_costs"]
    assert minibatch.max() < batch.min()
    tried = np.logspace(-2.5, 0.5, surrogate.RATES)  # none is best only for want of smaller or larger ones
    assert kinds["best step size"].between(tried[0] * 1.01, tried[-1] * 0.99).all()
