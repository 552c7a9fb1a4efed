"""The derivative of a maximum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import Conv, GlobalMaxPool, LayerNorm, Maxout, MaxoutPool, MaxPool
from phalanx.layers import EVALUATE
from phalanx.layers.layer import drawn
from phalanx.layers.maximum import larger, largest


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8])
def test_the_largest_and_its_derivative(rng, length):
    x = rng.normal(size=(4, length, 3))
    with jax.enable_x64(True):
        np.testing.assert_array_equal(largest(jnp.asarray(x), axis=1), x.max(1))
        slope = jax.grad(lambda x: largest(x, axis=1).sum())(jnp.asarray(x))
        np.testing.assert_array_equal(slope, x == x.max(1, keepdims=True))


def test_equal_numbers_share_and_nan_comes_through():
    assert jax.grad(larger, (0, 1))(*jnp.array([2.0, 2.0])) == (0.5, 0.5)
    assert jnp.isnan(largest(jnp.array([1.0, jnp.nan, 3.0]), axis=0))
    assert jax.grad(lambda x: largest(x, 0))(jnp.array([1.0, 1.0, 0.0])).tolist() == [0.5, 0.5, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize("top", [MaxPool(3, stride=2, padding="same"), GlobalMaxPool(), MaxoutPool(5), Maxout(3)])
def test_the_gradient_does_not_depend_on_what_is_compiled_together(top):
    """Compiled as one program it is that of one operation after the other, to rounding."""
    layers = [Conv(20), LayerNorm(0.1), MaxoutPool(5), Conv(10, padding="valid"), top]
    shape, held = (8, 8, 1), []
    for i, layer in enumerate(layers):
        held.append(drawn(layer, np.random.default_rng(i), shape))
        shape = layer.output_shape(shape)
    x = jax.random.normal(jax.random.key(9), (16, 8, 8, 1))
    direction = jnp.linspace(0.1, 1, 16 * int(np.prod(shape))).reshape(16, *shape)

    def along(first):
        h = x
        for layer, (params, state) in zip(layers, [(first, {}), *held[1:]], strict=True):
            h = layer(params, state, h, EVALUATE)[0]
        return (h * direction).sum()

    whole, apart = jax.jit(jax.grad(along))(held[0][0]), jax.grad(along)(held[0][0])
    for name, right in apart.items():
        np.testing.assert_allclose(whole[name], right, rtol=1e-4, atol=1e-4 * float(jnp.abs(right).max()))
