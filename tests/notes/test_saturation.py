"""Saturation: slopes against closed forms and finite differences, float32 by its spacing, steps against an integral."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit

from phalanx import Bernoulli, Multinoulli, Sigmoid, Softplus
from phalanx import Tanh as TanhUnit
from phalanx.notes.chapters import saturation as chapter

CLIPPED, SQUARED, SOFTPLUS = chapter.COSTS
Z = np.array([-20.0, -6.0, -1.5, -0.3, 0.4, 0.9, 2.0, 9.0])


@pytest.fixture(scope="module")
def found():
    return chapter.compute(seeds=3, steps=1500, rounds=6)


@pytest.mark.row("D3")
@pytest.mark.parametrize("y", [0, 1])
def test_slopes_are_those_of_the_closed_forms(y):
    """Float32 has 24 binary digits: a few roundings of numbers up to 1 leave 3e-7."""
    p = expit(Z)
    inside = (Z > 0) & (Z < 1)
    exact = {SOFTPLUS: p - y, SQUARED: (p - y) * p * (1 - p), CLIPPED: np.where(inside, Z - y, 0)}
    for name, likelihood in chapter.likelihoods().items():
        np.testing.assert_allclose(chapter.slope_of(likelihood, Z, y), exact[name], atol=3e-7, err_msg=name)


@pytest.mark.row("D3")
@pytest.mark.parametrize("y", [0, 1])
def test_slopes_are_differences_of_the_costs(y):
    """Of the costs written by hand in float64; a central difference of 1e-5 errs by 1e-10 of the third derivative."""
    by_hand = {
        SOFTPLUS: lambda z: -log_expit((2 * y - 1) * z),
        SQUARED: lambda z: (expit(z) - y) ** 2 / 2,
        CLIPPED: lambda z: (np.clip(z, 0, 1) - y) ** 2 / 2,
    }
    for name, likelihood in chapter.likelihoods().items():
        cost = by_hand[name]
        np.testing.assert_allclose(chapter.cost_of(likelihood, Z, y), cost(Z), rtol=3e-6, atol=3e-7, err_msg=name)
        slope = (cost(Z + 1e-5) - cost(Z - 1e-5)) / 2e-5
        np.testing.assert_allclose(chapter.slope_of(likelihood, Z, y), slope, atol=4e-7, err_msg=name)


@pytest.mark.row("D3")
def test_only_the_softplus_cost_slopes_where_it_is_wrong_and_not_where_it_is_right(found):
    table = found["slopes"].set_index("z")
    assert table.loc[-10.0, SOFTPLUS] == pytest.approx(-1, abs=1e-4)  # e^−10 = 5e-5: it tends to −1, not to −∞
    assert table.loc[10.0, SOFTPLUS] == pytest.approx(0, abs=1e-4)
    assert table.loc[[-10.0, 10.0], SQUARED].abs().max() < 1e-4
    assert (table.loc[[-10.0, -4.0, -1.0, 4.0, 10.0], CLIPPED] == 0).all()
    assert chapter.slope_of(Bernoulli(), np.array([1e4]), 0)[0] == 1


@pytest.mark.row("D3")
def test_the_formula_with_logarithms_fails_in_float32_from_17_on(found):
    """Above 1 numbers are 2^−23 = 1.2e-7 apart: e^−16 = 1.1e-7 shows beside 1, e^−17 = 4e-8 is under half of that."""
    assert math.exp(-16) > 2**-24 > math.exp(-17)
    assert found["first_inf"] == found["not_a_number"] == 17
    table = found["naive"].set_index("z, for class 0")
    assert np.isinf(table.loc[[17, 30], "logarithms, cost"]).all()
    assert np.isnan(table.loc[[17, 30], "gradient"]).all()
    assert np.isfinite(table.loc[[10, 16]]).all(axis=None)
    assert table["softplus, cost"].tolist() == pytest.approx([math.log1p(math.exp(z)) for z in table.index], rel=1e-6)
    assert found["same"] < 1e-9  # 1 − σ(15) = 3e-7 in steps of 1e-16: a relative 4e-10
    assert (found["huge_cost"], found["huge_slope"]) == (1e4, 1)


@pytest.mark.row("D4")
def test_the_identities_of_sigmoid_and_softplus():
    z = jnp.asarray(np.linspace(-15, 15, 61), jnp.float32)
    exact = np.asarray(z, np.float64)
    sigmoid, softplus = Sigmoid().activate, Softplus().activate
    np.testing.assert_allclose(sigmoid(z), np.exp(exact) / (1 + np.exp(exact)), rtol=1e-5, atol=1e-7)
    slope = jax.vmap(jax.grad(sigmoid))(z)
    np.testing.assert_allclose(slope, expit(exact) * (1 - expit(exact)), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(-softplus(-z), log_expit(exact), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(jax.vmap(jax.grad(softplus))(z), expit(exact), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(softplus(z) - softplus(-z), exact, atol=2e-6)
    np.testing.assert_allclose(TanhUnit().activate(z), 2 * sigmoid(2 * z) - 1, atol=3e-7)


@pytest.mark.row("D4")
@pytest.mark.parametrize(
    ("z", "y", "cost", "slope"), [(1e4, 0, 1e4, 1), (1e4, 1, 0, 0), (-1e4, 0, 0, 0), (-1e4, 1, 1e4, -1)]
)
def test_costs_are_stable_far_out(z, y, cost, slope):
    at = np.array([z])
    assert chapter.cost_of(Bernoulli(), at, y)[0] == cost
    assert chapter.slope_of(Bernoulli(), at, y)[0] == slope


@pytest.mark.row("D5")
def test_probabilities_follow_from_unnormalized_ones(found):
    """By hand: e^(y ln 3) is 1 for y = 0 and 3 for y = 1; and e^z = 1, 2, 5 of three classes."""
    two = Bernoulli().mean(jnp.log(jnp.array([[3.0]])))
    np.testing.assert_allclose(two, [[1 / 4, 3 / 4]], rtol=1e-6)
    three = Multinoulli().mean(jnp.log(jnp.array([[1.0, 2.0, 5.0]])))
    np.testing.assert_allclose(three, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-6)
    cost = Bernoulli().nll(jnp.log(jnp.array([[3.0], [3.0]])), jnp.array([0, 1]))
    np.testing.assert_allclose(cost, [math.log(4), math.log(4 / 3)], rtol=1e-6)
    pair = jnp.array([[0.3, -1.2], [2.0, 7.0]])
    np.testing.assert_allclose(Multinoulli().mean(pair), Bernoulli().mean(pair[:, 1:] - pair[:, :1]), atol=2e-7)
    assert found["derived"] < 1e-6


@pytest.mark.parametrize("z", [0.5, 3.0, 6.0])
@pytest.mark.row("D3")
def test_the_time_from_a_wrong_start_is_the_integral_of_one_over_the_slope(z):
    squared = quad(lambda u: 1 / ((1 - expit(u)) ** 2 * expit(u)), -z, 0)[0]
    assert chapter.theory(SQUARED, z) == pytest.approx(squared, rel=1e-9)
    assert chapter.theory(SOFTPLUS, z) == pytest.approx(quad(lambda u: 1 / expit(-u), -z, 0)[0], rel=1e-9)


@pytest.mark.row("D3")
def test_a_single_number_takes_as_many_steps_as_theory_says(found):
    """Steps of ε against the flow: off by ½ ln of the ratio of the slopes, at most 3, and counted in tens."""
    for name in (SQUARED, SOFTPLUS):
        for z in chapter.SINGLE:
            steps, exact = found["middle"][name, "number", z], chapter.theory(name, z) / chapter.RATE
            if exact < found["steps"] - 20:
                assert exact - 4 <= steps <= exact + 4 + chapter.ROUND, (name, z)
            elif exact > found["steps"] + 4:
                assert steps == math.inf, (name, z)


@pytest.mark.row("D3")
def test_networks_that_are_wrong_and_sure_of_it_are_slow_with_the_wrong_costs(found):
    middle = {name: [found["middle"][name, "network", z] for z in chapter.STRENGTHS] for name in chapter.COSTS}
    assert all(slow >= fast for slow, fast in zip(middle[SQUARED], middle[SOFTPLUS], strict=True))
    assert middle[SQUARED][3] > 4 * middle[SOFTPLUS][3]
    assert middle[SQUARED][4] > middle[SQUARED][3] > middle[SQUARED][2]
    assert max(middle[SOFTPLUS]) < 200
    assert found["clipped_moved"] < found["clipped_count"] / 4
    assert all(found["middle"][CLIPPED, "number", z] == math.inf for z in chapter.SINGLE)


@pytest.mark.row("D3")
def test_tanh_saturates_less_harmfully(found):
    """Each sigmoid layer multiplies gradients by at most 1/4 of its weights; tanh by up to all of them."""
    sigmoid, tanh = (np.array(found["gradients"][name]) for name in ("sigmoid", "tanh"))
    assert sigmoid.shape == tanh.shape == (3, 5)
    assert (sigmoid[:, 0] < sigmoid[:, -1] / 10).all()
    assert (tanh[:, 0] > tanh[:, -1] / 10).all()
    assert found["tanh_right"] > found["sigmoid_right"] + 0.1
