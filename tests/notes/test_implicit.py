"""F4: descent from 0 finds the shortest fit exactly; what noise adds on a real network, at equal training cost."""

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.optimize import minimize

from phalanx.notes.chapters import implicit

SEEDS, DIGITS = 3, 80

pytestmark = pytest.mark.row("F4")


@pytest.fixture(scope="module")
def exact():
    return implicit.shortest(SEEDS)


@pytest.fixture(scope="module")
def real():
    return implicit.real(SEEDS, DIGITS)


def test_descent_from_0_finds_the_pseudoinverse(exact):
    """Truth: `np.linalg.pinv`, the least squares solution of smallest norm, for every rule that adds up gradients."""
    X, y = exact["data"]
    truth = np.linalg.pinv(X) @ y
    assert exact["shortest"] == pytest.approx(np.linalg.norm(truth))
    ends = exact["ends"].set_index("rule")
    for name, member in zip(ends.index, exact["members"], strict=True):
        if name in ("SGD", "Momentum", "SGD, a row a step"):
            # 5,000 float32 steps, and a step of one row leaves an error that falls with the smallest eigenvalue
            np.testing.assert_allclose(implicit.weights_of(member.params), truth, atol=1e-4)
    assert exact["worst_cost"] < 1e-5


def test_from_elsewhere_it_finds_the_nearest_fit(exact, rng):
    """Truth: SciPy minimizes the distance from the start over all perfect fits, which are one plus the null space."""
    X, y = exact["data"]
    start = rng.normal(size=X.shape[1])
    one, free = np.linalg.pinv(X) @ y, null_space(X)
    found = minimize(lambda c: ((one + free @ c - start) ** 2).sum(), np.zeros(free.shape[1]))
    np.testing.assert_allclose(implicit.nearest_solution(X, y, start), one + free @ found.x, atol=1e-5)
    random = exact["ends"].set_index("rule").loc[["SGD from random weights"]]
    assert len(random) == SEEDS
    assert (random["distance from the nearest fit"] < 1e-4).all()
    assert (random["norm"] > exact["shortest"]).all()


def test_rules_that_scale_coordinates_leave_the_rows_and_end_at_longer_fits(exact):
    X, y = exact["data"]
    ends = exact["ends"].set_index("rule")
    free = null_space(X)
    for name, member in zip(ends.index, exact["members"], strict=True):
        w = implicit.weights_of(member.params)
        np.testing.assert_allclose(X @ w, y, atol=np.sqrt(2 * len(y) * exact["worst_cost"]) + 1e-6)
        if name in ("AdaGrad", "Adam"):
            beside = np.linalg.norm(free.T @ w)  # started at 0: all that lies in the null space is the rule's
            assert ends.loc[name, "way outside the rows"] == pytest.approx(beside, abs=1e-6)
            assert beside > 0.1
            assert ends.loc[name, "norm"] ** 2 == pytest.approx(exact["shortest"] ** 2 + beside**2, rel=1e-3)


def test_networks_are_compared_at_equal_training_cost(real):
    assert all(real["at_goal"])
    assert (real["costs"] <= implicit.GOAL).all()
    member = real["trained"][
        0
    ]  # the smallest steps of all rows creep up to the goal: it was not reached one look before
    assert member.curve[-2][1] > implicit.GOAL
    assert member.curve[-1][1] > 0.98 * implicit.GOAL
    norm = np.sqrt(sum(np.linalg.norm(member.params[name]["weight"]) ** 2 for name in ("dense_1", "output")))
    assert real["real"]["norm"][0] == pytest.approx(
        np.mean([implicit.norm_of(m.params) for m in real["trained"][:3]]), abs=1e-4
    )
    assert implicit.norm_of(member.params) == pytest.approx(norm, rel=1e-5)


def test_large_steps_on_few_rows_do_not_end_at_shorter_weights(real):
    table = real["real"].set_index(["rows a step", "step size"])
    wild = table.loc[(min(implicit.FEWER), max(implicit.STEPS))]
    assert wild["against first"] - wild["± (95 %)"] > 0  # longer, surely
    # Of 8 cells none is surely shorter: not by three half widths, which chance exceeds once in some hundred cells.
    assert (table["against first"] + 3 * table["± (95 %)"] >= 0).all()
    assert (table["norm"] > real["start_norm"]).all()


def test_more_steps_make_up_for_smaller_ones(real):
    """Along one path the cost falls by time = steps × size: with full batches all three sizes take nearly as long."""
    full = real["real"].query("`rows a step` == @DIGITS")
    time = full["steps"] * full["step size"]
    # Euler's error in the path is of the order of a step; so is the time until the goal, and looks are 4 steps apart.
    assert np.ptp(time) < 5 * max(implicit.STEPS) + 4 * max(implicit.STEPS)
