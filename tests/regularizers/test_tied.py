"""Weights shared between layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.layers import EVALUATE, Dense, Tanh
from phalanx.regularizers import Tied

SQUARE = {
    "a": {"weight": jnp.array([[1.0, 2.0], [3.0, 4.0]]), "bias": jnp.array([0.1, 0.2])},
    "tanh_1": {},
    "b": {"weight": jnp.array([[5.0, 6.0], [7.0, 8.0]]), "bias": jnp.array([0.3, 0.4])},
}


def plain(tree):
    return jax.tree.map(lambda a: a.tolist(), tree)


def test_the_first_weight_is_everyones():
    learned = Tied(on=["a", "b"]).untie(SQUARE)
    assert plain(learned) == {**plain(SQUARE), "b": {"bias": SQUARE["b"]["bias"].tolist()}}
    tied = Tied(on=["a", "b"]).tie(learned)
    assert tied["b"]["weight"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert tied["b"]["bias"].tolist() == SQUARE["b"]["bias"].tolist()
    assert list(tied) == list(SQUARE)


def test_transposed():
    rule = Tied(on=["b", "a"], transpose=True)
    assert rule.tie(rule.untie(SQUARE))["a"]["weight"].tolist() == [[5.0, 7.0], [6.0, 8.0]]
    encoder = {"a": {"weight": jnp.ones((5, 2))}, "b": {"weight": jnp.ones((2, 5))}}
    rule = Tied(on=["a", "b"], transpose=True)
    assert rule.tie(rule.untie(encoder))["b"]["weight"].shape == (2, 5)


def cost(params, x):
    h, _ = Dense(2)(params["a"], {}, x, EVALUATE)
    z, _ = Dense(2)(params["b"], {}, Tanh().activate(h), EVALUATE)
    return (z**2).sum()


@pytest.mark.parametrize("transpose", [False, True])
def test_its_gradient_is_the_sum_over_its_places(transpose, rng):
    x = jnp.asarray(rng.normal(size=(4, 2)), jnp.float32)
    rule = Tied(on=["a", "b"], transpose=transpose)
    learned = rule.untie(SQUARE)
    shared = jax.jit(jax.grad(lambda p: cost(rule.tie(p), x)))(learned)
    apart = jax.jit(jax.grad(cost))(rule.tie(learned), x)
    other = apart["b"]["weight"].T if transpose else apart["b"]["weight"]
    np.testing.assert_allclose(shared["a"]["weight"], apart["a"]["weight"] + other, rtol=1e-5)
    assert list(shared["b"]) == ["bias"]


@pytest.mark.parametrize("transpose", [False, True])
def test_its_gradient_is_the_finite_difference_of_numpy(transpose, rng):
    """A tied network written out in NumPy: z = tanh(x W + a) W' + b with W' = W or its transpose, J = Σ z²."""
    x = rng.normal(size=(4, 2))
    a, b = (np.asarray(SQUARE[layer]["bias"], np.float64) for layer in ("a", "b"))
    weight = np.asarray(SQUARE["a"]["weight"], np.float64) / 4

    def by_hand(w):
        return ((np.tanh(x @ w + a) @ (w.T if transpose else w) + b) ** 2).sum()

    expected = np.zeros((2, 2))
    for place in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[place] = 1e-5
        expected[place] = (by_hand(weight + step) - by_hand(weight - step)) / 2e-5
    learned = {"a": {**SQUARE["a"], "weight": jnp.asarray(weight, jnp.float32)}, "b": {"bias": SQUARE["b"]["bias"]}}
    rule = Tied(on=["a", "b"], transpose=transpose)
    slope = jax.jit(jax.grad(lambda p: cost(rule.tie(p), jnp.asarray(x, jnp.float32))))(learned)
    np.testing.assert_allclose(slope["a"]["weight"], expected, rtol=1e-4, atol=1e-5)


def test_three_layers():
    params = {**SQUARE, "c": {"weight": jnp.zeros((2, 2))}}
    rule = Tied(on=["a", "b", "c"])
    tied = rule.tie(rule.untie(params))
    assert tied["b"]["weight"].tolist() == tied["c"]["weight"].tolist() == SQUARE["a"]["weight"].tolist()
    slope = jax.grad(lambda p: sum(layer["weight"].sum() for layer in rule.tie(p).values() if layer))(
        rule.untie(params)
    )
    assert slope["a"]["weight"].tolist() == [[3.0, 3.0], [3.0, 3.0]]


SHAPES = {"a": {"weight": jnp.ones((2, 3))}, "b": {"weight": jnp.ones((3, 2))}, "tanh_1": {}}
SENTENCES = {
    "Tied: on is ('a',), but must be the names of at least two different layers": lambda: Tied(on=["a"]),
    "Tied: on is ('a', 'a'), but must be the names of at least two different layers": lambda: Tied(on=["a", "a"]),
    "Tied: on is (), but must be the names of at least two different layers": lambda: Tied(on=[]),
    "Tied: on: unknown layer `dense`; known: a, b, tanh_1": lambda: Tied(on=["a", "dense"]).untie(SHAPES),
    "Tied: on names `tanh_1`, which has no parameter `weight` to share": (
        lambda: Tied(on=["a", "tanh_1"]).untie(SHAPES)
    ),
    "Tied: the weight of `b` has shape (3, 2), but that of `a` has (2, 3); they must be the same": (
        lambda: Tied(on=["a", "b"]).untie(SHAPES)
    ),
    "Tied: the weight of `b` has shape (2, 2), but that of `a`, transposed, has (3, 2); they must be the same": (
        lambda: Tied(on=["a", "b"], transpose=True).untie({**SHAPES, "b": SQUARE["b"]})
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence):
    with pytest.raises(InputError) as caught:
        SENTENCES[sentence]()
    assert str(caught.value) == sentence
