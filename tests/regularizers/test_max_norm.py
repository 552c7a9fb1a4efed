"""The norm constraint: by hand, and what any projection must do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from phalanx.errors import InputError
from phalanx.regularizers import MaxNorm

WEIGHT = jnp.array([[3.0, 0.0, 1.0], [4.0, 0.0, 0.0]])  # columns of norm 5, 0, 1; in all √26


def test_units_by_hand():
    # limit 2: the first column times 2/5, the others untouched
    params = {"dense_1": {"weight": WEIGHT, "bias": jnp.full(3, 9.0)}}
    after = MaxNorm(2.0).after(params, None)["dense_1"]
    np.testing.assert_allclose(after["weight"], [[1.2, 0.0, 1.0], [1.6, 0.0, 0.0]], rtol=1e-6)
    assert after["bias"].tolist() == [9.0, 9.0, 9.0]


def test_layers_by_hand():
    # all weights of a layer together: ‖(3, 4, 12)‖ = 13, limit 6.5: all halved
    params = {"a": {"weight_in": jnp.array([3.0, 4.0]), "weight_out": jnp.array([[12.0]])}, "b": {"weight": WEIGHT}}
    after = MaxNorm(6.5, per="layer").after(params, None)
    np.testing.assert_allclose(after["a"]["weight_in"], [1.5, 2.0], rtol=1e-6)
    np.testing.assert_allclose(after["a"]["weight_out"], [[6.0]], rtol=1e-6)
    assert after["b"]["weight"].tolist() == WEIGHT.tolist()


def test_kernels_have_their_units_last():
    # a 2 × 2 kernel from 1 to 2 channels: norms 2 and 4
    kernel = jnp.asarray(np.ones((2, 2, 1, 2)) * [1.0, 2.0], jnp.float32)
    after = MaxNorm(2.0).after({"convolution_1": {"weight": kernel}}, None)
    np.testing.assert_allclose(after["convolution_1"]["weight"], np.ones((2, 2, 1, 2)), rtol=1e-6)


def test_only_on_the_layers_named():
    params = {"a": {"weight": WEIGHT}, "b": {"weight": WEIGHT}, "c": {}}
    after = MaxNorm(1.0, on=["b", "c"]).after(params, None)
    assert after["a"]["weight"].tolist() == WEIGHT.tolist()
    assert after["b"]["weight"][0, 0] == pytest.approx(0.6)
    with pytest.raises(InputError, match=r"^MaxNorm: on: unknown layer `d`; "):
        MaxNorm(1.0, on=["d"]).after(params, None)


@settings(deadline=None, max_examples=30)
@given(
    arrays.arrays(np.float32, (4, 3), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False)),
    st.floats(0.0625, 128, width=32),
    st.sampled_from(["unit", "layer"]),
)
def test_a_projection(weight, limit, per):
    after = np.asarray(projected(MaxNorm(limit, per=per), jnp.asarray(weight)))
    axis = 0 if per == "unit" else None
    before_norm, after_norm = (np.linalg.norm(w.astype(np.float64), axis=axis) for w in (weight, after))
    # inside the ball or on its edge, in the same direction; what was inside is untouched to the bit
    np.testing.assert_allclose(after_norm, np.minimum(before_norm, limit), rtol=1e-5, atol=1e-10)
    np.testing.assert_allclose(after * before_norm, weight * after_norm, rtol=1e-4, atol=1e-6 * limit)
    inside = np.broadcast_to(before_norm < 0.999 * limit, weight.shape)
    np.testing.assert_array_equal(after[inside], weight[inside])


@jax.jit
def projected(rule, weight):
    return rule.after({"dense_1": {"weight": weight}}, None)["dense_1"]["weight"]
