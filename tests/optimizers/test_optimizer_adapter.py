"""The Optax adapter: the steps are Optax's own, and a sweep over its numbers is one program."""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.optimizers import Argument, ClipNorm, Factor, Optax, Transformation
from phalanx.parts import Knob, field, part

optax = pytest.importorskip("optax")

START = {"a": {"weight": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "bias": jnp.array([0.1, 0.2])}}


def gradients(steps):
    rng = np.random.default_rng(0)
    return [jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), jnp.float32), START) for _ in range(steps)]


def walk(optimizer, steps=5):
    """Five steps, compiled with every knob traced."""

    @jax.jit
    def run(optimizer):
        params, state = START, optimizer.init(START)
        for g in gradients(steps):
            params, state = optimizer.step(g, state, params)
        return params

    return run(optimizer)


def walk_of_optax(optimizer, steps=5):
    params, state = START, optimizer.init(START)
    with jax.numpy_dtype_promotion("standard"):
        for g in gradients(steps):
            updates, state = optimizer.update(g, state, params)
            params = optax.apply_updates(params, updates)
    return params


def close(one, two):
    for p, q in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-5, atol=1e-6)


CASES = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.8}),
    ("adam", {}),
    ("adam", {"b1": 0.8, "b2": 0.9, "eps": 1e-3}),
    ("adamw", {"weight_decay": 0.1}),
    ("lion", {"b1": 0.7}),
    ("adagrad", {"eps": 1e-3}),
    ("rmsprop", {"decay": 0.8, "momentum": 0.5}),
    ("yogi", {}),
    ("nadam", {}),
    ("lamb", {}),
]


@pytest.mark.parametrize(("rule", "arguments"), CASES, ids=lambda case: str(case))
def test_the_steps_are_those_of_optax(rule, arguments):
    ours = Optax(0.05, rule, [Argument(value, name=name) for name, value in arguments.items()])
    close(walk(ours), walk_of_optax(getattr(optax, rule)(0.05, **arguments)))


@pytest.mark.parametrize("rule", ["adabelief", "adafactor", "adan", "lars", "novograd", "radam", "sm3", "fromage"])
def test_other_rules_have_a_state_of_arrays_that_keeps_its_types(rule):
    def types(tree):
        return jax.tree.map(lambda a: (a.shape, a.dtype), tree)

    def step(optimizer):
        state = optimizer.init(START)
        return state, optimizer.step(START, state, START)

    before, (params, after) = jax.eval_shape(step, Optax(0.1, rule))
    assert types(params) == types(START)
    assert types(after) == types(before)


def test_a_sweep_compiles_once():
    traces = []

    @jax.jit
    def step(optimizer, state, params):
        traces.append(1)
        return optimizer.step(params, state, params)

    for rate, b1 in ((0.1, 0.9), (0.01, 0.8), (0.5, 0.1)):
        ours = Optax(rate, "adamw", [Argument(b1, name="b1")], weight_decay=rate / 2)
        step(ours, ours.init(START), START)
    assert len(traces) == 1


def test_a_population_steps_as_its_members_do():
    rates = [0.3, 0.1, 0.01]
    members = [Optax(rate, "lion", [Argument(0.5 + rate, name="b1")]) for rate in rates]
    stacked = jax.tree.map(lambda *knobs: jnp.stack([jnp.asarray(k, jnp.float32) for k in knobs]), *members)
    together = jax.vmap(walk)(stacked)
    for i, member in enumerate(members):
        close(jax.tree.map(lambda a, i=i: a[i], together), walk(member))


def test_weight_decay_clipping_and_factors_are_those_of_every_rule():
    plain = Optax(0.1, "sgd")
    grads = {"a": {"weight": jnp.zeros((2, 2)), "bias": jnp.array([30.0, 40.0])}}
    ours = dataclasses.replace(plain, weight_decay=0.5, clip=ClipNorm(5.0), factors=[Factor(0.5, ["a.bias"])])
    after, _ = ours.step(grads, ours.init(START), START)
    # weights: θ (1 − 0.1·0.5); biases: g = (3, 4) after clipping, times ½ · 0.1
    np.testing.assert_allclose(after["a"]["weight"], START["a"]["weight"] * 0.95, rtol=1e-6)
    np.testing.assert_allclose(after["a"]["bias"], [0.1 - 0.15, 0.2 - 0.2], rtol=1e-6, atol=1e-8)


def test_a_chain_of_ones_own():
    @part
    class Centralized(Transformation):
        momentum: Knob = field(default=0.9, at_least=0, below=1)

        def make(self):
            velocity = optax.trace(self.momentum, nesterov=True)
            return optax.chain(optax.centralize(), velocity, optax.scale_by_learning_rate(self.learning_rate))

    theirs = optax.chain(optax.centralize(), optax.sgd(0.1, momentum=0.7, nesterov=True))
    close(walk(Centralized(0.1, momentum=0.7)), walk_of_optax(theirs))


SENTENCES = {
    "Optax: unknown rule `lionn`; did you mean `lion`?": Optax(0.1, "lionn"),
    "Optax: lion: unknown argument `b3`; did you mean `b2`?": Optax(0.1, "lion", [Argument(0.9, name="b3")]),
    "Optax: rule `lbfgs` needs the cost itself; use one that needs gradients only": Optax(0.1, "lbfgs"),
    "Optax: rule `noisy_sgd` needs random keys; use one that needs gradients only": Optax(0.1, "noisy_sgd"),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence):
    with pytest.raises(InputError) as caught:
        SENTENCES[sentence].init(START)
    assert str(caught.value) == sentence


def test_what_is_no_optimizer_is_no_rule():
    for name in ("clip", "apply_updates", "scale_by_adam", "scale_by_learning_rate", "os", "_deprecated_dpsgd"):
        with pytest.raises(InputError, match=rf"^Optax: unknown rule `{name}`; "):
            Optax(0.1, name).init(START)


def test_the_learning_rate_is_no_further_argument():
    with pytest.raises(InputError, match=r"^Optax: sgd: unknown argument `learning_rate`; "):
        Optax(0.1, "sgd", [Argument(0.1, name="learning_rate")]).init(START)


def test_without_optax_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(InputError) as caught:
        Optax(0.1, "adam").init(START)
    assert str(caught.value) == "Optax: the package optax is not installed; pip install 'phalanx[optax]'"
