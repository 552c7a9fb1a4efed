"""Adversarial examples: a linear model by hand, PGD in its ball, the mixed cost and its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.blueprint import Noise
from phalanx.errors import InputError
from phalanx.layers import EVALUATE, LSTM, Conv, Dense, Flatten, MaxPool, Tanh
from phalanx.likelihoods import Multinoulli
from phalanx.model import Batch, cost, initialize
from phalanx.network import Network, OutputSize, complete
from phalanx.regularizers import Adversarial, attack


@pytest.fixture
def linear(rng):
    """A logistic regression: weight, inputs, its cost as a function of the inputs and the weight."""
    weight = jnp.asarray(rng.normal(size=20), jnp.float32)
    x = jnp.asarray(rng.normal(size=(6, 20)), jnp.float32)
    sign = jnp.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])

    def cost(x, weight=weight):
        return jax.nn.softplus(-sign * (x @ weight)).mean(), "beside"

    return weight, x, sign, cost


def test_the_sign_method_moves_a_linear_logit_by_epsilon_times_the_1_norm(linear):
    weight, x, sign, cost = linear
    near = jax.jit(lambda x: attack(cost, x, 0.25))(x)
    moved = np.asarray(near, np.float64) - np.asarray(x, np.float64)
    np.testing.assert_allclose(np.abs(moved), 0.25, rtol=1e-5)
    weight, sign = np.asarray(weight, np.float64), np.asarray(sign)
    np.testing.assert_allclose(moved @ weight, -sign * 0.25 * np.abs(weight).sum(), rtol=1e-5)


@pytest.fixture
def small_net(rng):
    """Its parameters, inputs, and its cost as a function of both."""
    x = jnp.asarray(rng.normal(size=(16, 5)), jnp.float32)
    y = jnp.asarray(rng.integers(0, 3, 16), jnp.int32)
    layers = [Dense(8, bias=False), Tanh(), Dense(3, bias=False)]
    params = [
        {"weight": jnp.asarray(rng.normal(size=shape), jnp.float32)} if shape else {} for shape in ((5, 8), (), (8, 3))
    ]

    def cost(params, x):
        for layer, held in zip(layers, params, strict=True):
            x, _ = layer(held, {}, x, EVALUATE)
        return Multinoulli().nll(x, y).mean(), x

    return params, x, cost


@pytest.mark.parametrize("steps", [2, 10])
def test_several_steps_stay_in_the_ball_and_many_find_more(small_net, steps):
    params, x, cost = small_net

    @jax.jit
    def attacks(x):
        at = lambda x: cost(params, x)  # noqa: E731
        found = x, attack(at, x, 0.5), attack(at, x, 0.5, steps=steps)
        return found, [at(near)[0] for near in found]

    (_, *found), (clean, once, often) = attacks(x)
    for near in found:
        assert np.abs(np.asarray(near) - np.asarray(x)).max() <= 0.5 + 1e-6
    assert clean < once
    if steps == 10:  # two large steps may do worse than one
        assert often > once + 1e-3


def test_two_steps_by_hand():
    # J = −(x − 1)²/2, ε = 1, step size 1.2: steps of 0.6. From 0.5 uphill to 1.1, and back to 0.5.
    near = attack(lambda x: (-((x - 1) ** 2).sum() / 2, None), jnp.array([[0.5]]), 1.0, steps=2, step_size=1.2)
    assert near.tolist() == [[pytest.approx(0.5)]]
    # J = x: 0.5 + 2·0.6 = 1.7 is beyond 0.5 + 1
    near = attack(lambda x: (x.sum(), None), jnp.array([[0.5]]), 1.0, steps=2, step_size=1.2)
    assert near.tolist() == [[pytest.approx(1.5)]]


def test_one_step_is_the_sign_method_whatever_the_step_size(linear):
    _, x, _, cost = linear
    near = jax.jit(lambda step_size: attack(cost, x, 0.25, step_size=step_size))
    for step_size in (1.0, 10.0):
        np.testing.assert_allclose(near(step_size), near(2.5), rtol=1e-6)


def test_numbers_of_a_table_move_and_codes_do_not():
    def cost(x):
        numbers, codes = x
        return (numbers * codes.astype(numbers.dtype)).sum(), None

    numbers, codes = attack(cost, (jnp.zeros((1, 2)), jnp.array([[2, -1]])), 0.5)
    assert numbers.tolist() == [[0.5, -0.5]]
    assert codes.tolist() == [[2, -1]]
    with pytest.raises(InputError) as caught:
        attack(lambda x: (x.astype(float).sum(), None), jnp.array([[2, -1]]), 0.5)
    assert str(caught.value) == "adversarial examples need inputs that are numbers, but these are codes only"


def test_the_cost_mixes_by_hand():
    # One row x = 1, w = 2, J = ζ(−2x) (y = 1): x' = 1 − 0.5 = 0.5 and J̃ = 0.25 ζ(−2) + 0.75 ζ(−1)
    mixed = Adversarial(0.5, mix=0.25).cost(lambda x, fixed=False: (jax.nn.softplus(-2 * x).mean(), x))
    value, beside = mixed(jnp.array([[1.0]]))
    assert value == pytest.approx(0.25 * np.log1p(np.exp(-2)) + 0.75 * np.log1p(np.exp(-1)))
    assert beside.tolist() == [[1.0]]  # what the clean pass computed beside


@pytest.mark.parametrize("steps", [1, 3])
def test_its_gradient_takes_the_examples_as_given(small_net, steps):
    params, x, cost = small_net
    rule = Adversarial(0.3, mix=0.4, steps=steps)
    slope = jax.jit(jax.grad(lambda rule, p: rule.cost(lambda x, fixed=False: cost(p, x))(x)[0], argnums=1))(
        rule, params
    )
    near = jax.jit(lambda: attack(lambda x: cost(params, x), x, 0.3, steps=steps))()
    given = jax.jit(jax.grad(lambda p: 0.4 * cost(p, x)[0] + 0.6 * cost(p, near)[0]))(params)
    for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_training_on_examples_makes_a_linear_model_robust(linear):
    # On a linear model it is an L1 penalty inside the cost: ζ(ε‖w‖₁ − z). It must lower the cost of attacks.
    weight, x, _, cost = linear

    def trained(rule):
        def step(w, _):
            return w - 0.1 * jax.grad(lambda w: rule.cost(lambda x, fixed=False: cost(x, w))(x)[0])(w), None

        return jax.jit(lambda: jax.lax.scan(step, weight, None, length=300)[0])()

    def attacked(w):
        at = lambda x: cost(x, w)  # noqa: E731
        return at(attack(at, x, 0.3))[0]

    assert attacked(trained(Adversarial(0.3, mix=0.0))) < 0.8 * attacked(trained(Adversarial(0.3, mix=1.0)))


def test_its_numbers_are_knobs(linear):
    # on a linear model every margin z becomes z − ε‖w‖₁
    weight, x, sign, cost = linear
    margin, norm = np.asarray(sign) * (np.asarray(x) @ np.asarray(weight)), np.abs(weight).sum()
    value = jax.jit(lambda rule: rule.cost(lambda x, fixed=False: cost(x))(x)[0])
    for epsilon, mix, step_size in ((0.1, 0.2, 2.5), (0.3, 0.9, 1.5), (0.5, 1.0, 2.5), (0.0, 0.3, 1.0)):
        expected = mix * np.logaddexp(0, -margin) + (1 - mix) * np.logaddexp(0, -(margin - epsilon * norm))
        rule = Adversarial(epsilon, mix=mix, steps=2, step_size=step_size)
        assert value(rule) == pytest.approx(expected.mean(), rel=1e-5)
    assert value._cache_size() == 1


@pytest.mark.parametrize("layers", [[Conv(4), MaxPool(), Flatten()], [LSTM(4)]], ids=["images", "sequences"])
def test_layers_with_gradients_of_their_own_are_attacked_too(rng, layers):
    """J̃ = ½ J(x) + ½ J(x′) with x′ a constant: its gradient is that of two plain costs."""
    x = jnp.asarray(rng.normal(size=(6, 4, 4, 1) if len(layers) > 1 else (6, 4, 2)), jnp.float32)
    batch = Batch(x, (jnp.asarray(rng.integers(2, size=6), jnp.int32),), jnp.ones(6))
    plain, attacked = (
        complete(Network(layers, Multinoulli(), regularizers), OutputSize(2))
        for regularizers in ([], [Adversarial(0.2)])
    )
    params, states = initialize(plain, 0, x.shape[1:])
    noise = Noise({}, {}, {})

    def of(network, p, x):
        return cost(network, p, states, batch._replace(x=x), noise)[0]

    near = jax.jit(lambda: attack(lambda x: (of(plain, params, x), None), x, 0.2))()
    found = jax.jit(jax.grad(lambda p: of(attacked, p, x)))(params)
    expected = jax.jit(jax.grad(lambda p: 0.5 * of(plain, p, x) + 0.5 * of(plain, p, near)))(params)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
