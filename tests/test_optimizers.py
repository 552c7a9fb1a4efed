"""Optimizers: the first steps worked by hand, a hundred against Optax where the definition is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import SGD, Adam, Momentum


def path(optimizer, grads, start=1.0):
    """The parameter after each gradient."""
    params = {"layer": {"weight": jnp.asarray([start], jnp.float32)}}
    state, seen = optimizer.init(params), []
    for g in grads:
        params, state = optimizer.update({"layer": {"weight": jnp.asarray([g], jnp.float32)}}, state, params)
        seen.append(float(params["layer"]["weight"][0]))
    return seen


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
    params, zero = {"layer": {"weight": jnp.ones(1)}}, {"layer": {"weight": jnp.zeros(1)}}
    _, state = Momentum(0.1).update({"layer": {"weight": jnp.full(1, 2.0)}}, Momentum().init(params), params)
    after, _ = Momentum(0.0).update(zero, state, params)
    assert float(after["layer"]["weight"][0]) == pytest.approx(1 - 0.18)


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


def test_the_first_step_of_adam_is_the_learning_rate():
    # ŝ / √r̂ = g / |g|, whatever the size of g, as far as δ = 1e-8 is small beside it
    assert path(Adam(0.01), [1e-3]) == pytest.approx([0.99], rel=1e-5)
    assert path(Adam(0.01), [-1e3]) == pytest.approx([1.01], rel=1e-5)


def test_delta_stands_outside_the_root():
    # g = δ = 0.001: θ = 1 − ε·0.001/(0.001 + 0.001) = 1 − ½ε; inside the root it would be about 1 − 0.03ε
    assert path(Adam(0.1, delta=1e-3), [1e-3]) == pytest.approx([0.95], rel=1e-5)


def test_no_gradient_no_step():
    for optimizer in (SGD(), Momentum(), Adam()):
        assert path(optimizer, [0, 0]) == [1.0, 1.0]


def test_weight_decay_is_decoupled_and_on_weights_only(any_optimizer):
    # With no gradient only the decay moves a weight: θ ← θ − ε λ θ.
    params = {"layer": {"weight": jnp.full(2, 3.0), "bias": jnp.full(2, 3.0), "slope": jnp.full(2, 3.0)}}
    grads = jax.tree.map(jnp.zeros_like, params)
    after, _ = any_optimizer.update(grads, any_optimizer.init(params), params)
    shrunk = 3 * (1 - any_optimizer.learning_rate * any_optimizer.weight_decay)
    np.testing.assert_allclose(after["layer"]["weight"], shrunk, rtol=1e-6)
    assert after["layer"]["bias"].tolist() == after["layer"]["slope"].tolist() == [3.0, 3.0]


def test_it_descends_and_keeps_its_state(any_optimizer):
    update = jax.jit(any_optimizer.update)
    params = {"layer": {"bias": jnp.array([1.0, -2.0])}}
    state = any_optimizer.init(params)
    structure = jax.tree.structure(state), [(a.shape, a.dtype) for a in jax.tree.leaves(state)]
    for _ in range(300):
        grads = jax.tree.map(lambda p: 2 * p, params)
        params, state = update(grads, state, params)
    assert np.abs(params["layer"]["bias"]).max() < 2
    assert (jax.tree.structure(state), [(a.shape, a.dtype) for a in jax.tree.leaves(state)]) == structure


def test_a_hundred_steps_are_those_of_optax(rng):
    optax = pytest.importorskip("optax")
    start = {"a": {"weight": rng.normal(size=(3, 2))}, "b": {"weight_in": rng.normal(size=4)}}
    start = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), start)
    grads = [jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), jnp.float32), start) for _ in range(100)]
    pairs = [
        (SGD(0.1), optax.sgd(0.1)),
        (Momentum(0.02, momentum=0.8), optax.sgd(0.02, momentum=0.8)),  # the same path while ε is constant
        (Adam(0.01), optax.adam(0.01)),
        (Adam(0.01, decay1=0.8, decay2=0.95, delta=1e-3), optax.adam(0.01, b1=0.8, b2=0.95, eps=1e-3)),
        (Adam(0.01, weight_decay=0.1), optax.adamw(0.01, weight_decay=0.1)),
        (SGD(0.1, weight_decay=0.1), optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1))),
    ]
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam fails under the strict rule
        for ours, theirs in pairs:

            @jax.jit
            def both(g, one, two, ours=ours, theirs=theirs):
                updates, state = theirs.update(g, two[1], two[0])
                return ours.update(g, one[1], one[0]), (optax.apply_updates(two[0], updates), state)

            one, two = (start, ours.init(start)), (start, theirs.init(start))
            for g in grads:
                one, two = both(g, one, two)
            for p, q in zip(jax.tree.leaves(one[0]), jax.tree.leaves(two[0]), strict=True):
                np.testing.assert_allclose(p, q, rtol=2e-5, atol=1e-6)
