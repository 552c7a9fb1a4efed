"""What the chapter on vanishing gradients claims, against powers, products by hand and the noise of the data."""

import numpy as np
import pytest

from phalanx.notes.chapters.vanishing import STEPS, compute, norms, symmetric


@pytest.fixture(scope="module")
def found():
    return compute(repeats=2, rounds=3, chaos_units=32)


def by_hand(weight, h):
    """J_0 = 1 and J_k = diag(1 − h_k²) Wᵀ J_(k−1), for h_k = tanh(h_(k−1) W)."""
    made = [np.eye(len(weight))]
    for state in np.float64(h[1:]):
        made.append((1 - state**2)[:, None] * (weight.T @ made[-1]))
    return np.stack(made)


@pytest.mark.row("I4")
def test_powers_of_a_symmetric_matrix_are_powers_of_its_eigenvalues(found):
    assert (found["small"], found["large"]) == (2.0**-40, 2.0**40)
    assert found["apart"] < 40 * 6 * 2.0**-52  # as many products of 6 terms in double precision
    weight = symmetric(0.9, 5)
    np.testing.assert_allclose(weight, weight.T, atol=1e-15)
    np.testing.assert_allclose(np.linalg.eigvalsh(weight), 0.9 * np.linspace(0.2, 1, 5))


@pytest.mark.row("I4")
@pytest.mark.parametrize("radius", [0.9, 1.1])
def test_the_slope_of_a_linear_net_is_that_power_and_of_tanh_at_most(found, radius):
    linear, squashed = (found["growth"][radius, name] for name in ("linear", "tanh"))
    predicted = radius ** np.arange(STEPS + 1.0)
    rounding = 8 * 2.0**-24 * STEPS  # relative: 8 products a step in single precision
    np.testing.assert_allclose(linear["norms"], predicted, rtol=rounding)
    assert (squashed["norms"] <= predicted * (1 + rounding)).all()
    weight = symmetric(radius, 8)
    np.testing.assert_allclose(np.tanh(np.float64(squashed["h"][:-1]) @ weight), squashed["h"][1:], atol=1e-6)
    truth = by_hand(weight, squashed["h"])
    np.testing.assert_allclose(norms(squashed["slopes"] - truth) / norms(truth), 0, atol=2 * rounding)


@pytest.mark.row("I4")
def test_at_1_1_the_linear_net_explodes_and_tanh_vanishes_but_a_restless_one_explodes(found):
    assert found["growth"][1.1, "linear"]["norms"][-1] > 1e4
    assert found["growth"][1.1, "tanh"]["norms"][-1] < 1e-2
    units = found["chaos_units"]
    weight = np.random.default_rng(0).normal(0, found["gain"] / np.sqrt(units), (units, units))
    truth = norms(by_hand(weight, found["wandering"]))
    np.testing.assert_allclose(np.log(found["restless"]), np.log(truth), atol=1e-2)
    assert found["chaos"] > 1e3


@pytest.mark.row("I4")
def test_without_symmetry_the_norm_rises_first(found):
    """W^k = [[0.9^k, 5 k 0.9^(k−1)], [0, 0.9^k]]."""
    steps = np.arange(STEPS + 1.0)
    zero = np.zeros_like(steps)
    powers = np.array([[0.9**steps, 5 * steps * 0.9 ** (steps - 1)], [zero, 0.9**steps]]).transpose(2, 0, 1)
    sizes = np.linalg.norm(powers, 2, axis=(1, 2))
    assert found["peak"] == pytest.approx(sizes.max())
    assert found["peak_at"] == sizes.argmax() == 9  # k 0.9^k is largest next to 1 / ln(1/0.9) = 9.5
    assert found["after"] == pytest.approx(sizes[-1])


@pytest.mark.row("I4")
def test_with_large_steps_all_fail_but_those_that_are_clipped(found):
    outcomes = found["outcomes"]
    large = outcomes[outcomes["step size"] >= 0.1]
    failed = large.groupby("clipping")["failed"].mean()
    assert failed.to_dict() == {"none": 1, "by norm": 0, "by value": 0}
    assert (found["clipped_failed"], found["clipped"]) == (0, 20)
    best = outcomes.groupby("clipping")["error"].min()
    # no error lies below the noise, but for the sampling of 100 · 60 days
    floor = 0.5 * (1 - 4 / np.sqrt(2 * 6000))
    assert (best > floor).all()
    assert best["by norm"] < 0.55
