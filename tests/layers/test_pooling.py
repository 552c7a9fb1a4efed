"""Pooling: against loops over windows in NumPy, gradients against finite differences, corners by hand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from phalanx.errors import InputError
from phalanx.layers import EVALUATE
from phalanx.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxoutPool, MaxPool

WINDOWS = [
    ({}, (5, 6)),
    ({"size": 2, "stride": 3}, (7, 8)),
    ({"size": 3, "stride": 1}, (5, 4)),
    ({"size": (3, 2), "stride": (2, 1)}, (6, 5)),
    ({"size": 3, "stride": 2, "padding": "same"}, (5, 6)),
    ({"size": 5, "stride": 1, "padding": "same"}, (3, 4)),
    ({"size": 3, "stride": 2, "padding": "same"}, (8,)),
    ({"size": 2}, (4, 3, 5)),
    ({"size": (1, 2, 3), "stride": (1, 2, 1), "padding": "same"}, (2, 3, 4)),
]


def output(layer, x):
    return jax.jit(lambda x: layer({}, {}, x, EVALUATE)[0])(x)


def windows(length, size, stride, padding):
    """The real places that each window sees."""
    if padding == "valid":
        return [range(i, i + size) for i in range(0, length - size + 1, stride)]
    count = -(-length // stride)
    before = max((count - 1) * stride + size - length, 0) // 2
    starts = (i * stride - before for i in range(count))
    return [[place for place in range(start, start + size) if 0 <= place < length] for start in starts]


def by_loops(x, summary, size=2, stride=None, padding="valid"):
    space = x.shape[1:-1]
    sizes = size if isinstance(size, tuple) else (size,) * len(space)
    strides = sizes if stride is None else stride if isinstance(stride, tuple) else (stride,) * len(space)
    seen = [windows(*numbers, padding) for numbers in zip(space, sizes, strides, strict=True)]
    result = np.empty((len(x), *map(len, seen), x.shape[-1]))
    for place in np.ndindex(*map(len, seen)):
        window = itertools.product(*(axis[i] for axis, i in zip(seen, place, strict=True)))
        result[(slice(None), *place)] = summary([x[(slice(None), *q)] for q in window], axis=0)
    return result


@pytest.mark.parametrize(("options", "space"), WINDOWS, ids=str)
@pytest.mark.parametrize(("pool", "summary"), [(MaxPool, np.max), (AveragePool, np.mean)], ids=["max", "average"])
def test_pools_are_loops_over_windows(pool, summary, options, space, rng):
    layer, x = pool(**options), rng.normal(size=(2, *space, 3))
    with jax.enable_x64(True):
        pooled = jax.jit(lambda x: layer({}, {}, x, EVALUATE)[0])
        np.testing.assert_allclose(pooled(x), by_loops(x, summary, **options), rtol=1e-12)
        check_grads(pooled, (x,), order=1, modes=["rev"], eps=1e-6)
        assert layer.output_shape(x.shape[1:]) == pooled(x).shape[1:]


@pytest.mark.parametrize("space", [(6,), (4, 5), (2, 3, 4)])
def test_global_pools_are_those_of_numpy(space, rng):
    x = rng.normal(size=(2, *space, 3)).astype(np.float32)
    for layer, summary in ((GlobalAveragePool(), np.mean), (GlobalMaxPool(), np.max)):
        np.testing.assert_allclose(output(layer, x), summary(x.reshape(2, -1, 3), axis=1), rtol=1e-5, atol=1e-6)
        assert layer.output_shape(x.shape[1:]) == (3,)


def test_maxout_pool_by_hand():
    x = jnp.array([[1.0, 5.0, -2.0, -3.0, 0.0, 0.5]])
    assert output(MaxoutPool(2), x).tolist() == [[5.0, -2.0, 0.5]]
    assert output(MaxoutPool(3), x).tolist() == [[5.0, 0.5]]
    assert output(MaxoutPool(6), x[None, None]).tolist() == [[[[5.0]]]]
    assert MaxoutPool(3).output_shape((4, 6)) == (4, 2)
    with pytest.raises(InputError, match=r"^MaxoutPool: pieces is 4, but must divide the width of its input, 6$"):
        MaxoutPool(4).output_shape((6,))


def test_what_does_not_fill_a_window_is_left_out_and_gets_no_gradient():
    x = jnp.arange(5.0).reshape(1, 5, 1)
    y, back = jax.vjp(lambda x: output(MaxPool(), x), x)
    assert y.ravel().tolist() == [1, 3]
    assert back(jnp.ones_like(y))[0].ravel().tolist() == [0, 1, 0, 1, 0]


def test_an_average_at_the_border_is_that_of_real_places():
    y = output(AveragePool(3, stride=1, padding="same"), jnp.array([[[3.0], [6.0], [9.0]]]))
    assert y.ravel().tolist() == [4.5, 6, 7.5]  # zeros counted, it would be 3, 6, 5


@pytest.mark.parametrize("layer", [MaxPool(), GlobalMaxPool(), MaxPool(padding="same")], ids=repr)
def test_two_largest_places_share_the_gradient(layer):
    x = jnp.array([[2.0, 1.0], [0.0, 2.0]]).reshape(1, 2, 2, 1)
    slope = jax.grad(lambda x: output(layer, x).sum())(x)
    assert slope.ravel().tolist() == [0.5, 0, 0, 0.5]


def test_equal_places_share_one_whole_gradient():
    """A window of equal places, as in an image's background, passes on what it gets, not a multiple."""
    slope = jax.grad(lambda x: output(MaxPool(3), x).sum())(jnp.zeros((1, 6, 6, 2)))
    np.testing.assert_allclose(slope.reshape(1, 2, 3, 2, 3, 2).sum((2, 4)), 1)
    assert (slope > 0).all()


@pytest.mark.parametrize("layer", [MaxPool(), AveragePool(padding="same"), GlobalMaxPool(), MaxoutPool()], ids=repr)
def test_nan_comes_through_and_infinity_too(layer):
    x = jnp.zeros((1, 4, 4, 2)).at[0, 1, 1, 0].set(jnp.nan)
    assert np.isnan(output(layer, x)).sum() == 1
    assert (output(layer, jnp.full_like(x, -jnp.inf)) == -jnp.inf).all()


def test_nothing_but_slices_and_elementwise_operations():
    layer, x = MaxPool(3, stride=2, padding="same"), jnp.zeros((2, 9, 9, 4))

    def both(x):
        y, back = jax.vjp(lambda x: output(layer, x), x)
        return back(y)

    program = str(jax.make_jaxpr(both)(x))
    assert not [name for name in ("gather", "scatter", "reduce_window", "sort") if name in program]


def test_input_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"^MaxPool: a window of 2 does not fit an axis of 1; make it smaller, or set"):
        MaxPool().output_shape((1, 8, 3))
    assert MaxPool(padding="same").output_shape((1, 8, 3)) == (1, 4, 3)
    with pytest.raises(InputError, match="AveragePool: size has 2 numbers, but its input has 1 spatial axes"):
        AveragePool((2, 2)).output_shape((8, 3))
    with pytest.raises(InputError, match="AveragePool: stride has 1 numbers, but its input has 2 spatial axes"):
        AveragePool(2, stride=(1,)).output_shape((8, 8, 3))
    with pytest.raises(InputError, match=r"GlobalAveragePool needs rows of shape .* but gets \(7,\)"):
        GlobalAveragePool().output_shape((7,))
    with pytest.raises(InputError, match=r"MaxPool: padding is .full., but must be one of valid, same"):
        MaxPool(padding="full")
