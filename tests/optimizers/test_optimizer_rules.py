"""The rules: first steps worked by hand, a hundred against Optax, or against NumPy where the definition differs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSProp, RMSPropNesterov


def tree(number):
    return {"layer": {"weight": jnp.asarray([number], jnp.float32)}}


def path(optimizer, gradients, start=1.0):
    """The parameter after each step; a gradient is a number, or a function of where the optimizer looks."""
    params = tree(start)
    state, seen = optimizer.init(params), []
    for gradient in gradients:
        at = float(optimizer.look(params, state)["layer"]["weight"][0])
        g = gradient(at) if callable(gradient) else gradient
        params, state = optimizer.update(tree(g), state, params)
        seen.append(float(params["layer"]["weight"][0]))
    return seen


def double(theta):
    """The gradient of J = θ²."""
    return 2 * theta


def test_three_steps_of_sgd():
    # 1 − 0.1·2 = 0.8;  0.8 − 0.1·(−1) = 0.9;  0.9 − 0.1·4 = 0.5
    assert path(SGD(0.1), [2, -1, 4]) == pytest.approx([0.8, 0.9, 0.5])


def test_three_steps_of_momentum():
    # v = −0.1·2 = −0.2                    θ = 1 − 0.2 = 0.8
    # v = 0.9·(−0.2) − 0.1·(−1) = −0.08    θ = 0.8 − 0.08 = 0.72
    # v = 0.9·(−0.08) − 0.1·4 = −0.472     θ = 0.72 − 0.472 = 0.248
    assert path(Momentum(0.1), [2, -1, 4]) == pytest.approx([0.8, 0.72, 0.248])


def test_the_learning_rate_stands_inside_the_velocity():
    # A step with ε = 0 keeps α v of the one before: v = −0.2, then 0.9·(−0.2) = −0.18. In PyTorch's form it is 0.
    params, zero = tree(1.0), tree(0.0)
    _, state = Momentum(0.1).update(tree(2.0), Momentum().init(params), params)
    after, _ = Momentum(0.0).update(zero, state, params)
    assert float(after["layer"]["weight"][0]) == pytest.approx(1 - 0.18)


def test_three_steps_of_nesterov():
    # J = θ², α = 0.5, ε = 0.1
    # at 1:                     g = 2      v = −0.2                    θ = 0.8
    # at 0.8 − 0.5·0.2 = 0.7:   g = 1.4    v = −0.1 − 0.14 = −0.24     θ = 0.56
    # at 0.56 − 0.12 = 0.44:    g = 0.88   v = −0.12 − 0.088 = −0.208  θ = 0.352
    assert path(Nesterov(0.1, momentum=0.5), [double] * 3) == pytest.approx([0.8, 0.56, 0.352])
    # without looking ahead: g = 1.6, v = −0.1 − 0.16 = −0.26, θ = 0.54
    assert path(Momentum(0.1, momentum=0.5), [double] * 2) == pytest.approx([0.8, 0.54])


def test_three_steps_of_adagrad():
    # δ = 1, ε = 0.1
    # r = 4                θ = 1 − 0.1·2/(1 + 2) = 0.9333333
    # r = 4 + 1 = 5        θ = 0.9333333 + 0.1/(1 + 2.2360680) = 0.9642350
    # r = 5 + 16 = 21      θ = 0.9642350 − 0.4/(1 + 4.5825757) = 0.8925835
    assert path(AdaGrad(0.1, delta=1.0), [2, -1, 4]) == pytest.approx([0.9333333, 0.9642350, 0.8925835], rel=1e-6)


def test_three_steps_of_rmsprop():
    # ρ = 0.75, δ = 1, ε = 0.1
    # r = 0.25·4 = 1              θ = 1 − 0.2/√2 = 0.8585786
    # r = 0.75 + 0.25 = 1         θ = 0.8585786 + 0.1/√2 = 0.9292893
    # r = 0.75 + 0.25·16 = 4.75   θ = 0.9292893 − 0.4/√5.75 = 0.7624778
    rule = RMSProp(0.1, decay=0.75, delta=1.0)
    assert path(rule, [2, -1, 4]) == pytest.approx([0.8585786, 0.9292893, 0.7624778], rel=1e-6)


def test_three_steps_of_rmsprop_with_nesterov_momentum():
    # J = θ², ρ = 0.75, α = 0.5, δ = 1, ε = 0.1
    # at 1: g = 2, r = 1, v = −0.2/√2 = −0.1414214                                       θ = 0.8585786
    # at 0.8585786 − 0.0707107 = 0.7878680: g = 1.5757359, r = 0.75 + 0.6207359 = 1.3707359,
    #    v = −0.0707107 − 0.1575736/√2.3707359 = −0.1730499                              θ = 0.6855287
    # at 0.6855287 − 0.0865250 = 0.5990037: g = 1.1980075, r = 1.0280519 + 0.3588055 = 1.3868574,
    #    v = −0.0865250 − 0.1198007/√2.3868574 = −0.1640687                              θ = 0.5214600
    rule = RMSPropNesterov(0.1, decay=0.75, momentum=0.5, delta=1.0)
    assert path(rule, [double] * 3) == pytest.approx([0.8585786, 0.6855287, 0.5214600], rel=1e-6)


def test_three_steps_of_adam():
    # ρ₁ = 0.5, ρ₂ = 0.75, δ = 1, ε = 0.1
    # s = 0.5·2 = 1           ŝ = 1/(1 − 0.5) = 2
    # r = 0.25·4 = 1          r̂ = 1/(1 − 0.75) = 4       θ = 1 − 0.1·2/(2 + 1) = 0.9333333
    # s = 0.5·1 − 0.5·1 = 0   ŝ = 0                      θ unchanged
    # r = 0.75·1 + 0.25·1 = 1
    # s = 0 + 0.5·4 = 2       ŝ = 2/(1 − 0.125) = 2.2857143
    # r = 0.75 + 0.25·16 = 4.75, r̂ = 4.75/(1 − 0.421875) = 8.2162162, √r̂ = 2.8663943
    #                         θ = 0.9333333 − 0.1·2.2857143/3.8663943 = 0.8742158
    adam = Adam(0.1, decay1=0.5, decay2=0.75, delta=1.0)
    assert path(adam, [2, -1, 4]) == pytest.approx([0.9333333, 0.9333333, 0.8742158], rel=1e-6)


def test_two_steps_of_adam_with_delta_inside():
    # ρ₁ = 0.5, ρ₂ = 0.75, δ = 5, ε = 0.1
    # ŝ = 2, r̂ = 4                          θ = 1 − 0.1·2/√(4 + 5) = 0.9333333
    # s = 0.5·1 + 0.5·1 = 1, ŝ = 1/0.75; r = 0.75·1 + 0.25·1 = 1, r̂ = 1/0.4375 = 2.2857143
    #                                        θ = 0.9333333 − 0.1·1.3333333/√7.2857143 = 0.8839362
    adam = Adam(0.1, decay1=0.5, decay2=0.75, delta=5.0, inside=True)
    assert path(adam, [2, 1]) == pytest.approx([0.9333333, 0.8839362], rel=1e-6)


def test_the_first_step_of_adam_is_the_learning_rate():
    # ŝ / √r̂ = g / |g|, whatever the size of g, as far as δ = 1e-8 is small beside it
    assert path(Adam(0.01), [1e-3]) == pytest.approx([0.99], rel=1e-5)
    assert path(Adam(0.01), [-1e3]) == pytest.approx([1.01], rel=1e-5)


def test_where_delta_stands():
    # g = 0.001. Outside the root, δ = 0.001: 1 − ε·0.001/(0.001 + 0.001) = 1 − ½ε
    assert path(Adam(0.1, delta=1e-3), [1e-3]) == pytest.approx([0.95], rel=1e-5)
    assert path(AdaGrad(0.1, delta=1e-3), [1e-3]) == pytest.approx([0.95], rel=1e-5)
    # inside it, δ = 3e-6 beside r = 1e-6: 1 − ε·0.001/√4e-6 = 1 − ½ε
    assert path(RMSProp(0.1, decay=0, delta=3e-6), [1e-3]) == pytest.approx([0.95], rel=1e-5)
    assert path(Adam(0.1, delta=3e-6, inside=True), [1e-3]) == pytest.approx([0.95], rel=1e-5)
    assert path(RMSPropNesterov(0.1, decay=0, delta=3e-6), [1e-3]) == pytest.approx([0.95], rel=1e-5)


def test_no_gradient_no_step(any_optimizer):
    assert path(any_optimizer, [0, 0], start=0.0) == [0.0, 0.0]


def test_weight_decay_is_decoupled_and_on_weights_only(any_optimizer):
    # With no gradient only the decay moves a weight: θ ← θ − ε λ θ.
    params = {"layer": {"weight": jnp.full(2, 3.0), "bias": jnp.full(2, 3.0), "slope": jnp.full(2, 3.0)}}
    grads = jax.tree.map(jnp.zeros_like, params)
    after, _ = any_optimizer.update(grads, any_optimizer.init(params), params)
    shrunk = 3 * (1 - any_optimizer.learning_rate * any_optimizer.weight_decay)
    np.testing.assert_allclose(after["layer"]["weight"], shrunk, rtol=1e-6)
    assert after["layer"]["bias"].tolist() == after["layer"]["slope"].tolist() == [3.0, 3.0]


def test_it_descends_and_keeps_its_state(any_optimizer):
    @jax.jit
    def step(params, state):
        grads = jax.tree.map(lambda p: 2 * p, any_optimizer.look(params, state))
        return any_optimizer.step(grads, state, params)

    params = {"layer": {"bias": jnp.array([1.0, -2.0])}}
    state = any_optimizer.init(params)
    structure = jax.tree.structure(state), [(a.shape, a.dtype) for a in jax.tree.leaves(state)]
    for _ in range(300):
        params, state = step(params, state)
    assert np.abs(params["layer"]["bias"]).max() < 2
    assert (jax.tree.structure(state), [(a.shape, a.dtype) for a in jax.tree.leaves(state)]) == structure


@pytest.fixture
def start(rng):
    shapes = {"a": {"weight": (3, 2)}, "b": {"weight_in": (4,)}}
    return jax.tree.map(
        lambda s: jnp.asarray(rng.normal(size=s), jnp.float32), shapes, is_leaf=lambda s: isinstance(s, tuple)
    )


@pytest.fixture
def hundred(rng, start):
    """A hundred gradients, stacked."""
    return jax.tree.map(lambda p: jnp.asarray(rng.normal(size=(100, *p.shape)), jnp.float32), start)


def walk(optimizer, start, grads):
    def step(carry, g):
        params, state = carry
        return optimizer.update(g, state, params), None

    return jax.jit(lambda: jax.lax.scan(step, (start, optimizer.init(start)), grads)[0])()


def walk_of_optax(optimizer, start, grads):
    import optax

    def step(carry, g):
        params, state = carry
        updates, state = optimizer.update(g, state, params)
        return (optax.apply_updates(params, updates), state), None

    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam fails under the strict rule
        return jax.jit(lambda: jax.lax.scan(step, (start, optimizer.init(start)), grads)[0])()


def close(one, two):
    for p, q in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(p, q, rtol=2e-5, atol=1e-6)


PAIRS = {
    SGD(0.1): lambda o: o.sgd(0.1),
    Momentum(0.02, momentum=0.8): lambda o: o.sgd(0.02, momentum=0.8),  # the same path while ε is constant
    AdaGrad(0.1, delta=1e-30): lambda o: o.adagrad(0.1, initial_accumulator_value=0.0, eps=1e-30),  # without their δ
    RMSProp(0.01): lambda o: o.rmsprop(0.01, decay=0.9, eps=1e-6),
    RMSProp(0.01, decay=0.7, delta=0.1): lambda o: o.rmsprop(0.01, decay=0.7, eps=0.1),
    Adam(0.01): lambda o: o.adam(0.01),
    Adam(0.01, decay1=0.8, decay2=0.95, delta=1e-3): lambda o: o.adam(0.01, b1=0.8, b2=0.95, eps=1e-3),
    Adam(0.01, weight_decay=0.1): lambda o: o.adamw(0.01, weight_decay=0.1),
    SGD(0.1, weight_decay=0.1): lambda o: o.chain(o.add_decayed_weights(0.1), o.sgd(0.1)),
}


@pytest.mark.parametrize("ours", PAIRS, ids=repr)
def test_a_hundred_steps_are_those_of_optax(ours, start, hundred):
    theirs = PAIRS[ours](pytest.importorskip("optax"))
    close(walk(ours, start, hundred)[0], walk_of_optax(theirs, start, hundred)[0])


LOOKING = {
    Nesterov(0.02, momentum=0.8): lambda o: o.sgd(0.02, momentum=0.8, nesterov=True),
    RMSPropNesterov(0.01, decay=0.7, momentum=0.8, delta=1e-3): (
        lambda o: o.rmsprop(0.01, decay=0.7, eps=1e-3, momentum=0.8, nesterov=True)
    ),
}


@pytest.mark.parametrize("ours", LOOKING, ids=repr)
def test_the_interim_point_is_the_parameter_of_optax(ours, start, rng):
    """Optax keeps θ + αv in the place of θ; while ε and α are constant both take their gradients at the same points."""
    theirs = LOOKING[ours](pytest.importorskip("optax"))
    bowl = jnp.asarray([0.3, 3.0], jnp.float32)  # J = ½ Σ a θ²
    start = {"a": {"weight": start["a"]["weight"]}}
    params, state = start, ours.init(start)
    point, kept = start, theirs.init(start)

    @jax.jit
    def step(params, state, point, kept):
        slope = lambda p: jax.tree.map(lambda a: a * bowl[None, :], p)  # noqa: E731
        params, state = ours.update(slope(ours.look(params, state)), state, params)
        updates, kept = theirs.update(slope(point), kept, point)
        return params, state, jax.tree.map(jnp.add, point, updates), kept

    for _ in range(100):
        params, state, point, kept = step(params, state, point, kept)
        close(ours.look(params, state), point)
    assert not np.allclose(params["a"]["weight"], start["a"]["weight"], atol=0.1)


def test_a_hundred_steps_of_adagrad_are_those_of_numpy(start, hundred):
    """With a δ that matters, outside the root, as the notes have it: Optax has it inside."""
    theta, r = np.asarray(start["a"]["weight"], np.float64), np.zeros((3, 2))
    for g in np.asarray(hundred["a"]["weight"], np.float64):
        r = r + g**2
        theta = theta - 0.1 / (0.5 + np.sqrt(r)) * g
    after, _ = walk(AdaGrad(0.1, delta=0.5), start, hundred)
    np.testing.assert_allclose(after["a"]["weight"], theta, rtol=2e-5, atol=1e-6)


def test_one_program_for_all_learning_rates(any_optimizer, start):
    traces = []

    @jax.jit
    def step(optimizer, params):
        traces.append(1)
        return optimizer.step(params, optimizer.init(params), params)[0]

    for factor in (1.0, 2.0):
        changed = jax.tree.map(lambda knob, f=factor: jnp.asarray(knob * f, jnp.float32), any_optimizer)
        close(step(changed, start), changed.step(start, changed.init(start), start)[0])
    assert len(traces) == 1
