"""What the chapter on recurrence claims, against finite differences and what chance gives."""

import numpy as np
import pytest

from phalanx.notes.chapters.unrolled import compute, jumps, next_ones, read, sequence_cost

REPEATS = 2


@pytest.fixture(scope="module")
def found():
    return compute(repeats=REPEATS, rounds=4)


@pytest.mark.row("I1")
def test_a_step_by_hand():
    """h₁ = tanh(2 · ½) and h₂ = tanh(−1 · ½ + h₁ · 2 + 0) of one unit."""
    weights = {"in": np.array([[0.5]]), "bias": np.zeros(1)}
    states = read(np.array([[2.0], [-1.0]]), [np.array([[2.0]])] * 2, weights)
    assert states[0][0] == pytest.approx(0.7615942, abs=1e-7)
    assert states[1][0] == pytest.approx(np.tanh(-0.5 + 2 * 0.7615941559557649), abs=1e-12)


@pytest.mark.row("I2")
def test_each_steps_gradient_is_the_difference_of_its_own_copy(found):
    x, classes, recurrent, weights = found["problem"]
    steps, move = len(x), 1e-5
    for t in (0, 3, steps - 1):
        for at in ((0, 1), (2, 2)):
            costs = []
            for sign in (1, -1):
                copies = [recurrent.copy() for _ in range(steps)]
                copies[t][at] += sign * move
                costs.append(sequence_cost(x, classes, copies, weights))
            # central differences err by move² times a third derivative of order 1, and by 1e-15 / move
            assert found["by_step"][t][at] == pytest.approx((costs[0] - costs[1]) / (2 * move), abs=1e-8)


@pytest.mark.row("I2")
def test_the_gradient_of_phalanx_is_the_sum_over_time(found):
    summed = found["by_step"].sum(0)
    # single precision, some tens of sums on the way
    np.testing.assert_allclose(found["of_phalanx"], summed, atol=50 * 2.0**-24 * np.abs(found["by_step"]).sum(0).max())
    assert (found["by_step"][0] == 0).all()  # h₀ = 0
    told = found["gradients"].set_index("gradient")["of one weight"].astype(float)
    assert told["their sum"] == pytest.approx(told["difference"], abs=1e-5)
    assert told["their sum"] == pytest.approx(told["Phalanx"], abs=2e-5)


@pytest.mark.row("I1")
def test_what_comes_later_is_known_to_both_directions_only_and_rows_may_be_longer_than_any_seen(found):
    rows, classes = next_ones(3, 4, 6, seed=0)
    for row, told in zip(rows, classes, strict=True):
        assert told[:-1].tolist() == row[1:, 0].tolist()
        assert told[-1] == 0
    one, both = found["direction_scores"]
    # 39 of 40 answers are coins, the last is known; 200 rows: 4 standard errors
    error = 4 * np.sqrt(0.25 / (200 * 39))
    assert (np.abs(one - found["chance"]) < error + 0.5 / 40).all()
    assert found["chance"] == pytest.approx(39 / 40 / 2 + 1 / 40)
    assert (both > 0.95).all()


@pytest.mark.row("I8")
def test_a_jump_later_is_known_to_a_recurrent_net_and_not_to_a_dense_one(found):
    x, up, place = jumps(50, 5, 20, seed=3)
    sums = np.array([row[at + 1, 0] - row[at, 0] for row, at in zip(x, place, strict=True)])
    assert ((sums > 0) == up).mean() > 0.95  # the jump of 3 against noise of 0.3 · √2
    assert place.max() < 5
    _, largest, dense = found["later"]
    tested = 1900 * 11 / 19
    chance = 0.5 + 4 * np.sqrt(0.25 / tested)
    assert (found["seen"][2] > 0.9).all()
    assert (dense < chance).all()
    assert (largest > 0.8).all()
