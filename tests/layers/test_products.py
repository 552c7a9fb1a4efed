"""Products in both precisions, against NumPy with factors rounded by another library."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from phalanx import GRU, LSTM, Dense, Gaussian, Recurrent
from phalanx.layers.products import product
from phalanx.model import forward, fresh, initialize
from phalanx.network import Network


def rounded(a):
    return a.astype(ml_dtypes.bfloat16).astype(float)


@pytest.mark.parametrize("before", [(5,), (2, 3)])
def test_a_product_and_its_gradients_have_rounded_factors(before, rng):
    x, weight, slope = (rng.normal(size=size).astype(np.float32) for size in ((*before, 7), (7, 4), (*before, 4)))
    z, back = jax.vjp(lambda x, w: product(x, w, "bfloat16"), jnp.asarray(x), jnp.asarray(weight))
    along, of_weight = back(jnp.asarray(slope))
    np.testing.assert_allclose(z, rounded(x) @ rounded(weight), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(along, rounded(slope) @ rounded(weight).T, rtol=1e-5, atol=1e-5)
    expected = rounded(x).reshape(-1, 7).T @ rounded(slope).reshape(-1, 4)
    np.testing.assert_allclose(of_weight, expected, rtol=1e-5, atol=1e-5)
    assert {a.dtype for a in (z, along, of_weight)} == {np.dtype(np.float32)}
    assert not np.allclose(z, x @ weight, rtol=1e-5, atol=1e-5)


def test_layers_answer_in_both_precisions_alike(any_layer, table_of):
    """A factor is off by at most 2⁻⁹ of itself; what comes out is as close, up to how far sums of terms cancel."""
    x, shape = table_of(any_layer, 4)

    def answer(precision):
        network = Network([any_layer], Gaussian(), precision=precision)
        params, states = initialize(network, 0, shape)

        @jax.jit
        def of(params, x):
            z = forward(network, params, fresh(states, 4), x).z[0]
            return (z**2).sum(), z

        (_, z), gradient = jax.value_and_grad(of, has_aux=True)(params, x)
        return [z, *jax.tree.leaves(gradient)]

    for one, other in zip(answer("float32"), answer("bfloat16"), strict=True):
        assert other.dtype == np.float32
        size = np.nanmax(np.abs(one), initial=0)
        np.testing.assert_allclose(other, one, rtol=0, atol=0.02 * size)


@pytest.mark.parametrize("layer", [Dense(6), Recurrent(6), LSTM(6), GRU(6), GRU(6, reset="before")])
def test_the_layers_of_the_table_round(layer, rng):
    x = jnp.asarray(rng.normal(size=(4, 3, 5) if layer.unrolls else (4, 5)), jnp.float32)

    def output(precision):
        network = Network([layer], Gaussian(), precision=precision)
        params, states = initialize(network, 0, x.shape[1:])
        return np.asarray(forward(network, params, states, x).z[0])

    assert np.abs(output("bfloat16") - output("float32")).max() > 1e-5
    np.testing.assert_array_equal(output("auto"), output("float32"))
