"""The chapter on adversarial examples against closed forms, scikit-learn's SVM, finite differences and exact bounds."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.svm import SVC

from phalanx.notes.chapters import adversarial
from phalanx.notes.chapters.adversarial import CLASSES, EPSILON

pytestmark = pytest.mark.row("F6")


@pytest.fixture(scope="module")
def found():
    return adversarial.compute(seeds=3, rounds=40)


@pytest.fixture(scope="module")
def machines():
    """SVMs of a few digits, and other digits."""
    x, y = adversarial.digits()
    learned = {kernel: adversarial.support_vectors(kernel, x[:150], y[:150]) for kernel in ("linear", "rbf")}
    return learned, x[:150], y[:150], x[150:200], y[150:200]


def test_a_linear_model_moves_by_the_l1_norm(found):
    w = found["weights"]
    assert found["l1_move"] == pytest.approx(EPSILON * sum(map(abs, w)))
    # float32: sums of 64 products of at most 10, each rounded by 2⁻²⁴, twice
    np.testing.assert_allclose(found["moved"], EPSILON * np.abs(w).sum(), atol=2 * 64 * 10 * 2.0**-24)
    signs = np.random.default_rng(0).choice([-1, 1], (20_000, len(w)))
    squares = (EPSILON * signs @ w) ** 2
    assert abs(squares.mean() - found["random_move"] ** 2) < 4 * stats.sem(squares)
    assert found["random_move"] < found["l1_move"] / 2


def test_the_change_grows_from_layer_to_layer(found):
    change = found["change"]
    np.testing.assert_allclose(change[:, 0, 0], change[:, 1, 0], rtol=0.05)  # the attack leaves out zero gradients
    # were a step as likely to shrink it as to let it grow, so many would be this rare
    assert stats.binomtest(found["grew"], found["layer_steps"], 0.5, "greater").pvalue < 0.001
    assert (change[:, 0, -1] > 1.5 * change[:, 0, 0]).all()
    assert (change[:, 0, -1] > 2 * change[:, 1, -1]).all()


def test_relative_changes_by_hand():
    before, after = [np.array([[3.0, 4.0], [0.0, 2.0]])], [np.array([[3.0, 5.0], [1.0, 2.0]])]
    assert adversarial.relative(before, after) == pytest.approx([(1 / 5 + 1 / 2) / 2])


def test_an_epsilon_becomes_its_square_only_where_the_slope_is_zero(found):
    told = found["powers"].set_index("output")
    e = np.array([0.025, 0.05])
    worked = {
        "3x, at x = 0": 3 * e,
        "x², at x = 1": 2 * e + e**2,
        "x², at x = 0": e**2,
        "x² of x², at x = 0": e**4,
        "RBF unit, at its template": 1 - np.exp(-8 * e**2 / 4),
        "RBF unit, 0.5 beside it": np.exp(-8 * 0.25 / 4) - np.exp(-8 * (0.5 + e) ** 2 / 4),
    }
    assert set(worked) == set(told.index)
    for name, change in worked.items():
        assert told.loc[name].iloc[:2].tolist() == pytest.approx(change, abs=1e-6)  # outputs up to 1.1, 2⁻²³ off
        # a change of 1e-3 is known to 2⁻²³ where the output is near 1
        assert told.loc[name, "power of ε"] == pytest.approx(np.log2(change[1] / change[0]), abs=1e-3)


def test_the_machines_are_those_of_scikit_learn(machines):
    learned, x, y, near, _ = machines
    for kernel, said in (("linear", adversarial.linear_machine), ("rbf", adversarial.rbf_machine)):
        for c in range(CLASSES):
            machine = SVC(C=10, kernel=kernel).fit(x, y == c)
            ours = np.asarray(said(learned[kernel], jnp.asarray(near)))[:, c]
            np.testing.assert_allclose(ours, machine.decision_function(near), atol=2e-3)  # ‖a‖₁ of 1e3 times 2⁻²³


def test_the_attack_follows_the_sign_of_finite_differences(machines):
    learned, _, _, near, y = machines
    said = adversarial.rbf_machine
    moved = adversarial.attacked(said, 1, adversarial.cross_entropy, learned["rbf"], *map(jnp.asarray, (near, y)), 0.1)
    a, b, rows, gamma = (np.asarray(part, float) for part in learned["rbf"])

    def costs(x):
        z = np.exp(-gamma * ((x[:, None] - rows) ** 2).sum(2)) @ a + b
        return np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y]

    step, checked = np.asarray(moved, float) - near, 0
    for i in range(0, near.shape[1], 7):
        e = 1e-4 * np.eye(near.shape[1])[i]
        slope = (costs(near.astype(float) + e) - costs(near.astype(float) - e)) / 2e-4
        sure = np.abs(slope) > 1e-4  # far above the rounding of float32 in the gradient
        checked += sure.sum()
        np.testing.assert_allclose(step[sure, i], 0.1 * np.sign(slope[sure]), atol=1e-6)
    assert checked > 100


def test_no_attack_beats_the_exact_bound_of_a_linear_machine(machines):
    """A row is safe where for each wrong class z_y − z_c > ε ‖w_y − w_c‖₁; elsewhere some x' of the ball is wrong."""
    learned, _, _, near, y = machines
    a, b, rows, _ = (np.asarray(part, float) for part in learned["linear"])
    w = rows.T @ a
    z = near @ w + b
    gaps = z[np.arange(len(y)), y][:, None] - z
    reach = EPSILON * np.abs(w[:, y].T[:, None] - w.T[None]).sum(2)
    safe = ((gaps > reach) | (np.arange(CLASSES) == y[:, None])).all(1)
    right = adversarial.survivors(adversarial.linear_machine)
    plain, _, both = np.asarray(right(learned["linear"], jnp.asarray(near), jnp.asarray(y), EPSILON))
    assert (both >= safe).all()
    assert (plain >= both).all()
    assert 0 < safe.sum() <= both.sum() < plain.sum()
    assert both.sum() - safe.sum() <= 0.1 * len(y)  # the attack finds nearly all that can be turned


def test_the_attack_stays_in_the_ball(machines):
    learned, _, _, near, y = machines
    for steps, of in ((1, adversarial.cross_entropy), (20, adversarial.margin)):
        hit = partial(adversarial.attacked, adversarial.rbf_machine, steps, of, learned["rbf"])
        moved = np.asarray(hit(jnp.asarray(near), jnp.asarray(y), 0.1))
        assert np.abs(moved - near).max() <= 0.1 + 2.0**-23
        assert np.abs(moved - near).mean() > 0.05


def left(found, name):
    return found["shares"][name][:, 2]


def test_rbf_machines_and_units_resist_and_linear_machines_do_not(found):
    for strong, weak in (("RBF SVM", "linear SVM"), ("RBF units", "rectifiers"), ("RBF units", "linear network")):
        more = stats.ttest_1samp(left(found, strong) - left(found, weak), 0).confidence_interval(0.95)
        assert more.low > 0
    assert left(found, "linear SVM").mean() < 0.5 * found["linear_svm_clean"]
    assert found["rbf_svm_twice"] < found["rbf_svm"]
    for each in found["shares"].values():
        assert (each[:, 0] >= each[:, 1]).all()
        assert (each[:, 1] >= each[:, 2]).all()


def test_training_on_them_makes_robust(found):
    change = stats.ttest_1samp(left(found, "rectifiers, trained on them") - left(found, "rectifiers"), 0)
    low, high = change.confidence_interval(0.95)
    assert low > 0
    assert found["robust_gain"] == pytest.approx(((low + high) / 2, (high - low) / 2))
    np.testing.assert_array_equal(found["mixes"][0], found["shares"]["rectifiers"])


@pytest.mark.slow
def test_training_on_them_regularizes():
    full = adversarial.compute()
    mean, half = full["clean_gain"]
    assert mean + half < 0
