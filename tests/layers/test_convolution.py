"""Convolution: SciPy's sums, explicit Toeplitz matrices, a direct loop, and what each device computes."""

import functools
import itertools
import math
import operator
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import linalg, signal, sparse

from phalanx import Conv
from phalanx.errors import InputError
from phalanx.layers import EVALUATE, At
from phalanx.layers.convolve import Window, _on_cpu, _slopes_on_cpu, _whole, convolve
from phalanx.layers.layer import drawn
from phalanx.layers.spatial import margins

TRAIN = At(train=True)

jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Programs that run once on little data are compiled without optimization: that takes a third less time."""


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def output(layer, weight, x, bias=None):
    params = {"weight": jnp.asarray(weight)}
    if layer.bias:
        params["bias"] = jnp.zeros(layer.channels) if bias is None else jnp.asarray(bias)
    return np.asarray(jit(lambda params, x: layer(params, {}, x, TRAIN)[0])(params, jnp.asarray(x)))


def kernel_of(layer, shape, rng):
    """A kernel in double precision of the shape that the layer asks for."""
    weight = drawn(layer, rng, shape)[0]["weight"]
    return rng.normal(size=weight.shape)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("shape", [(11,), (7, 6), (5, 4, 6)], ids=lambda shape: f"{len(shape)} axes")
def test_a_convolution_is_the_sum_of_scipy(shape, padding, rng):
    size, inputs, channels = (3, 5, 3)[: len(shape)] if padding == "same" else (2, 3, 2)[: len(shape)], 5, 2
    x, weight = rng.normal(size=(3, *shape, inputs)), rng.normal(size=(*size, inputs, channels))
    for flip, sum_of in ((False, signal.correlate), (True, signal.convolve)):
        z = output(Conv(channels, size, padding=padding, flip=flip), weight, x, bias=[10.0, 20.0])
        for n, o in itertools.product(range(3), range(channels)):
            parts = (sum_of(x[n, ..., c], weight[..., c, o], padding) for c in range(inputs))
            np.testing.assert_allclose(z[n, ..., o], sum(parts) + 10 * (o + 1), rtol=1e-10, atol=1e-10)


def by_loop(layer, weight, x):
    """The docstring's sum, one product after the other."""
    axes = x.ndim - 2
    sizes, strides, dilations = (layer.each(name, axes) for name in ("size", "stride", "dilation"))
    ahead, out = [], []
    for length, k, s, d in zip(x.shape[1:-1], sizes, strides, dilations, strict=True):
        out.append((length - (k - 1) * d - 1) // s + 1 if layer.padding == "valid" else math.ceil(length / s))
        missing = max((out[-1] - 1) * s + (k - 1) * d + 1 - length, 0) if layer.padding != "valid" else 0
        ahead.append(missing if layer.padding == "causal" else missing // 2)
    z = np.zeros((len(x), *out, layer.channels))
    per_input, per_output = x.shape[-1] // layer.groups, layer.channels // layer.groups
    for p, q in itertools.product(np.ndindex(*out), np.ndindex(*sizes)):
        place = np.array(p) * strides + np.array(q) * dilations - ahead
        if layer.padding == "circular":
            place %= x.shape[1:-1]
        if (place < 0).any() or (place >= x.shape[1:-1]).any():
            continue
        q = tuple(np.array(sizes) - 1 - q) if layer.flip else q
        for o in range(layer.channels):
            first = o // per_output * per_input
            seen = x[(slice(None), *place, slice(first, first + per_input))]
            z[(slice(None), *p, o)] += seen @ weight[(*q, slice(None), o)]
    return z


WINDOWS = {
    "strides that leave places out": ((10, 8, 4), Conv(3, (2, 3), stride=(3, 2), padding="valid")),
    "a stride beyond the kernel": ((9, 4), Conv(3, 2, stride=4)),
    "dilation, stride and no bias": ((11, 2), Conv(2, 3, stride=2, dilation=3, bias=False)),
    "groups": ((5, 6, 6), Conv(9, 3, groups=3)),
    "a kernel for each channel": ((6, 5, 4), Conv(8, 3, groups=4, stride=2, dilation=2)),
    "causal": ((8, 5), Conv(3, 3, padding="causal", dilation=2)),
    "causal steps": ((9, 1), Conv(3, 4, padding="causal", stride=2)),
    "circular": ((5, 6, 4), Conv(2, 3, padding="circular")),
    "circular steps": ((7, 6, 1), Conv(2, (4, 3), padding="circular", stride=(2, 1))),
    "even and flipped": ((5, 6, 4), Conv(2, (2, 4), flip=True)),
    "a volume": ((4, 5, 3, 4), Conv(2, (2, 3, 2), stride=(2, 1, 1), dilation=(1, 2, 1))),
}


@pytest.mark.parametrize(("shape", "layer"), WINDOWS.values(), ids=WINDOWS.keys())
def test_windows_are_the_sum_of_the_docstring_and_gradients_are_its_differences(shape, layer, rng):
    x, weight = rng.normal(size=(2, *shape)), kernel_of(layer, shape, rng)
    expected = by_loop(layer, weight, x)
    slope, dx, dw = (rng.normal(size=array.shape) for array in (expected, x, weight))

    @jit
    def with_gradients(weight, x, slope):
        def of(weight, x):
            return layer({"weight": weight, "bias": jnp.zeros(layer.channels)}, {}, x, TRAIN)[0]

        z, back = jax.vjp(of, weight, x)
        return z, *back(slope)

    z, of_weight, of_x = with_gradients(weight, x, slope)
    np.testing.assert_allclose(z, expected, rtol=1e-10, atol=1e-12)
    assert z.shape[1:] == layer.output_shape(shape)
    # z is linear in x and in W, so that ⟨g, z(dx)⟩ = ⟨∂x, dx⟩ for any g and dx, and the like for W
    np.testing.assert_allclose((of_x * dx).sum(), (slope * by_loop(layer, weight, dx)).sum(), rtol=1e-9)
    np.testing.assert_allclose((of_weight * dw).sum(), (slope * by_loop(layer, dw, x)).sum(), rtol=1e-9)


def test_gradients_are_finite_differences(rng):
    layer = Conv(2, 3, stride=2, padding="circular")
    params = {"weight": rng.normal(size=(3, 3, 2, 2)), "bias": rng.normal(size=2)}
    of = jax.jit(lambda params, x: jnp.tanh(layer(params, {}, x, TRAIN)[0]))
    check_grads(of, (params, rng.normal(size=(2, 4, 5, 2))), order=1, modes=["rev"], eps=1e-6, atol=1e-6, rtol=1e-6)


def toeplitz(weight, length):
    """The sparse matrix of a valid correlation along one axis: row p has w at p, p + 1, ..."""
    places = length - len(weight) + 1
    return sparse.diags_array(weight, offsets=range(len(weight)), shape=(places, length))


def blocks_of_toeplitz(kernel, shape):
    """The doubly block Toeplitz matrix of a valid correlation of an image, its rows laid end to end."""
    size = len(kernel)
    down = (sparse.diags_array([1.0], offsets=[q], shape=(shape[0] - size + 1, shape[0])) for q in range(size))
    blocks = (sparse.kron(d, toeplitz(row, shape[1])) for d, row in zip(down, kernel, strict=True))
    return functools.reduce(operator.add, blocks)


def test_a_convolution_is_a_product_with_a_toeplitz_matrix(rng):
    x, weight = rng.normal(size=(4, 9, 1)), rng.normal(size=(3, 1, 1))
    z = output(Conv(1, 3, padding="valid"), weight, x)
    np.testing.assert_allclose(z[..., 0], x[..., 0] @ toeplitz(weight.ravel(), 9).T, rtol=1e-10)
    # flipped, it is SciPy's own matrix of convolution
    z = output(Conv(1, 3, padding="valid", flip=True), weight, x)
    np.testing.assert_allclose(z[..., 0], x[..., 0] @ linalg.convolution_matrix(weight.ravel(), 9, "valid").T)


def test_a_convolution_of_images_is_a_product_with_a_sparse_matrix_with_tied_weights(rng):
    shape, x, kernel = (5, 6), rng.normal(size=(4, 5, 6, 1)), rng.normal(size=(3, 2, 1, 1))
    layer, matrix = Conv(1, (3, 2), padding="valid"), blocks_of_toeplitz(kernel[..., 0, 0], shape)
    assert (matrix.toarray() != 0).sum(1).tolist() == [6] * 15  # sparse: as many weights a row as the kernel has
    flat = x.reshape(4, 30)
    np.testing.assert_allclose(output(layer, kernel, x).reshape(4, 15), flat @ matrix.T, rtol=1e-10)

    def of(weight, x):
        return layer({"weight": weight, "bias": jnp.zeros(1)}, {}, x, TRAIN)[0]

    slope = rng.normal(size=(4, 15))
    _, back = jax.vjp(of, jnp.asarray(kernel), jnp.asarray(x))
    of_weight, of_x = back(jnp.asarray(slope.reshape(4, 3, 5, 1)))
    np.testing.assert_allclose(of_x.reshape(4, 30), slope @ matrix.toarray(), rtol=1e-10)
    # the gradient of a shared weight is the sum over its places of those of the matrix, slopeᵀ x
    untied = slope.T @ flat
    for q in np.ndindex(3, 2):
        one = np.zeros((3, 2))
        one[q] = 1
        tied = blocks_of_toeplitz(one, shape).toarray() != 0
        np.testing.assert_allclose(of_weight[q].item(), untied[tied].sum(), rtol=1e-10)


def test_a_circular_convolution_is_a_product_with_a_circulant_matrix(rng):
    x, weight = rng.normal(size=(4, 7, 1)), rng.normal(size=(3, 1, 1))
    before, at, after = weight.ravel()
    circulant = linalg.circulant([at, before, 0, 0, 0, 0, after])
    np.testing.assert_allclose(output(Conv(1, padding="circular"), weight, x)[..., 0], x[..., 0] @ circulant.T)
    # of an image: a circulant matrix of circulant blocks
    x, weight = rng.normal(size=(4, 4, 5, 1)), rng.normal(size=(3, 3, 1, 1))
    shifts = [np.roll(np.eye(4), 1 - q, axis=0) for q in range(3)]
    rows = [linalg.circulant([w[1], w[0], 0, 0, w[2]]) for w in weight[..., 0, 0]]
    matrix = sum(np.kron(shift.T, row) for shift, row in zip(shifts[::-1], rows, strict=True))
    z = output(Conv(1, padding="circular"), weight, x)
    np.testing.assert_allclose(z.reshape(4, 20), x.reshape(4, 20) @ matrix.T, rtol=1e-10)


@pytest.mark.parametrize("layer", [Conv(2, 3, padding="causal"), Conv(2, 2, padding="causal", dilation=3)], ids=repr)
def test_causal_outputs_see_the_past_only(layer, rng):
    weight = kernel_of(layer, (12, 5), rng)
    x = rng.normal(size=(1, 12, 5))
    future = x.copy()
    future[:, 7:] += 1
    z, changed = output(layer, weight, x), output(layer, weight, future)
    np.testing.assert_array_equal(z[:, :7], changed[:, :7])
    assert (z[:, 7] != changed[:, 7]).all()


@pytest.mark.parametrize("cut", [1, 2, 5, 11])
@pytest.mark.parametrize("layer", [Conv(2, 3, padding="causal"), Conv(2, 2, padding="causal", dilation=3)], ids=repr)
def test_what_is_carried_joins_rows_that_follow_each_other(layer, cut, rng):
    x = jnp.asarray(rng.normal(size=(3, 12, 5)))
    weight = {"weight": jnp.asarray(kernel_of(layer, (12, 5), rng)), "bias": jnp.zeros(2)}
    carried = layer.carried()
    _, state = drawn(carried, np.random.default_rng(0), (12, 5))
    first, state = carried(weight, {name: jnp.repeat(held, 3, 0) for name, held in state.items()}, x[:, :cut], TRAIN)
    second, _ = carried(weight, state, x[:, cut:], TRAIN)
    np.testing.assert_allclose(np.concatenate([first, second], 1), layer(weight, {}, x, TRAIN)[0], rtol=1e-10)


def test_one_row_in_sixteen_forgets(rng):
    layer = Conv(2, 3, padding="causal", carry=True)
    x, held = jnp.asarray(rng.normal(size=(3, 4, 1))), jnp.asarray(rng.normal(size=(3, 2, 1)))
    weight = {"weight": jnp.asarray(kernel_of(layer, (4, 1), rng)), "bias": jnp.zeros(2)}
    assert layer.noise((4, 1)) == 1
    bits = jnp.array([[15], [16], [255]], jnp.uint8)
    z, _ = layer(weight, {"memory": held}, x, TRAIN._replace(noise=bits))
    expected, _ = layer(weight, {"memory": held.at[0].set(0)}, x, TRAIN)
    np.testing.assert_array_equal(z, expected)


def test_smoothing_leaves_the_sum_of_squared_weights_of_the_variance(rng):
    """MAP H2: noisy readings of a position, and an average that weighs recent ones more."""
    weights = np.array([0.1, 0.2, 0.3, 0.4])  # the latest last
    readings = 5 + rng.normal(0, 2, (1, 100_000, 1))
    smooth = output(Conv(1, 4, padding="valid"), weights.reshape(4, 1, 1), readings)
    assert smooth.mean() == pytest.approx(5, abs=0.05)
    assert smooth.var() == pytest.approx(4 * (weights**2).sum(), rel=0.03)  # 4 · 0.3


def test_the_difference_of_neighbours_finds_edges():
    """MAP H3: a bright square on a dark ground has an edge up and an edge down in each of its rows."""
    image = np.zeros((1, 5, 6, 1))
    image[0, 1:4, 2:4] = 1
    edges = output(Conv(1, (1, 2), padding="valid"), np.array([-1.0, 1.0]).reshape(1, 2, 1, 1), image)[0, ..., 0]
    expected = np.zeros((5, 5))
    expected[1:4, 1], expected[1:4, 3] = 1, -1
    np.testing.assert_array_equal(edges, expected)


@pytest.mark.parametrize("inputs", [2, 6], ids=["by patches", "whole"])
def test_members_with_kernels_of_their_own_have_the_gradients_they_have_alone(inputs, rng):
    layer, weight = Conv(3, 3, stride=2), rng.normal(size=(3, 3, 3, inputs, 3))  # of three members
    own, shared = rng.normal(size=(3, 2, 5, 4, inputs)), rng.normal(size=(2, 5, 4, inputs))

    def of(weight, x):
        params = {"weight": weight, "bias": jnp.zeros(3)}
        return jax.value_and_grad(lambda p, x: jnp.sin(layer(p, {}, x, TRAIN)[0]).sum(), argnums=(0, 1))(params, x)

    for x, axis in ((own, 0), (shared, None)):
        together, one = jit(jax.vmap(of, in_axes=(0, axis)))(weight, x), jit(of)
        for i in range(3):
            alone = one(weight[i], x if axis is None else x[i])
            for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
                np.testing.assert_allclose(a[i], b, rtol=1e-10, atol=1e-12)


ROUTES = [
    # rows, space, inputs, size, channels, window
    (4, (9,), 1, (3,), 2, Window((1,), (1,), ((1, 1),))),
    (3, (7, 6), 3, (3, 2), 4, Window((2, 3), (1, 2), ((1, 1), (0, 2)))),
    (3, (7, 6), 8, (3, 2), 4, Window((2, 3), (1, 2), ((1, 1), (0, 2)))),
    (3, (6, 6), 6, (3, 3), 4, Window((1, 2), (1, 1), ((1, 1), (1, 1)), groups=2)),
    (2, (5, 4, 6), 5, (2, 3, 2), 3, Window((2, 2, 1), (2, 1, 2), ((0, 1), (1, 1), (1, 1)))),
    (2, (4, 4, 4), 4, (2, 2, 2), 4, Window((1, 1, 1), (1, 1, 1), ((0, 1), (0, 1), (1, 0)), groups=4)),
    (3, (90, 64), 2, (5, 5), 2, Window((1, 1), (1, 1), ((2, 2), (2, 2)))),  # 288000 numbers a row: one at a time
    (9, (32, 33), 3, (5, 5), 2, Window((1, 1), (1, 1), ((2, 2), (2, 2)))),  # three at a time
    # the gradient of W as a convolution of images: with z as the kernel, with x, of few channels, of fewer places
    (4, (6, 5), 5, (3, 2), 20, Window((1, 1), (1, 1), ((2, 0), (0, 1)))),
    (4, (6, 5), 20, (3, 2), 5, Window((1, 1), (1, 1), ((2, 0), (0, 1)))),
    (16, (6, 5), 6, (3, 3), 4, Window((1, 1), (1, 1), ((1, 1), (1, 1)))),
    (4, (6, 5), 20, (3, 2), 18, Window((1, 1), (1, 1), ((0, 0), (1, 0)))),
]


@pytest.mark.parametrize(("rows", "space", "inputs", "size", "channels", "window"), ROUTES)
def test_all_devices_compute_the_same(rows, space, inputs, size, channels, window, rng):
    x = jnp.asarray(rng.normal(size=(rows, *space, inputs)))
    weight = jnp.asarray(rng.normal(size=(*size, inputs // window.groups, channels)))
    slope = rng.normal(size=jax.eval_shape(functools.partial(_whole, window), x, weight).shape)

    @jit
    def accelerator(x, weight, slope):
        z, back = jax.vjp(functools.partial(_whole, window), x, weight)
        return z, *back(slope)

    @jit
    def cpu(x, weight, slope):
        return _on_cpu(window, x, weight), *_slopes_on_cpu(window, x, weight, slope)

    for a, b in zip(cpu(x, weight, slope), accelerator(x, weight, slope), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


def convolutions(program):
    """Whether each convolution of a compiled program is a call of the library, which names the computation it does."""
    computation, found, libraries = "", [], set()
    for line in program.as_text().splitlines():
        if line and not line.startswith(" "):
            computation = line.split()[0]
        if " convolution(" in line:
            found.append(computation)
        if "__ynn_fusion" in line:
            libraries.update(re.findall(r"calls=(%[\w.-]+)", line))
    return [computation in libraries for computation in found]


@pytest.mark.parametrize(("inputs", "channels"), [(32, 32), (16, 32), (32, 16)])
def test_in_a_loop_over_steps_every_product_is_the_librarys(inputs, channels, rng):
    """The compiler's library takes convolutions whose axes are in the usual order, and the compiler puts them in it
    outside of loops only; its own derivative in a loop takes more than ten times as long.
    """
    window = Window((1, 1), (1, 1), ((1, 1), (1, 1)))
    x = jnp.asarray(rng.normal(size=(16, 14, 14, inputs)), jnp.float32)
    weight = jnp.asarray(rng.normal(size=(3, 3, inputs, channels)), jnp.float32)

    def steps(x, weight):
        def step(_, both):
            z, back = jax.vjp(lambda x, weight: convolve(x, weight, window), *both)
            return jax.tree.map(lambda a, slope: a - slope, both, back(jnp.tanh(z)))

        return jax.lax.fori_loop(0, 3, step, (x, weight))

    assert convolutions(jax.jit(steps).lower(x, weight).compile()) == [True] * 3  # z and both gradients


def test_a_convolution_that_is_not_the_librarys_is_found():
    x, weight = jnp.ones((2, 6, 6, 4), jnp.float32), jnp.ones((3, 3, 4, 4), jnp.float32)  # too few channels
    program = jax.jit(functools.partial(_whole, Window((1, 1), (1, 1), ((1, 1), (1, 1))))).lower(x, weight).compile()
    assert convolutions(program) == [False]


def test_half_precision_stays_half_precision():
    x, weight = jnp.ones((2, 6, 5), jnp.float16), jnp.ones((3, 5, 2), jnp.float16)
    window = Window((1,), (1,), ((1, 1),))
    z, back = jax.vjp(lambda x, weight: convolve(x, weight, window), x, weight)
    assert (z.dtype, *(slope.dtype for slope in back(z))) == (jnp.float16,) * 3


@pytest.mark.parametrize(("initializer", "variance"), [("he", 2 / (9 * 8)), ("glorot", 2 / (9 * 8 + 9 * 32))])
def test_kernels_start_by_the_inputs_and_outputs_they_see(initializer, variance):
    # 16 inputs and 64 channels in two groups: a kernel of 3 × 3 places sees 8 of them and is seen by 32
    layer = Conv(64, groups=2, initializer=initializer)
    params, state = drawn(layer, np.random.default_rng(0), (9, 9, 16))
    assert (params["weight"].shape, state, layer.output_shape((9, 9, 16))) == ((3, 3, 8, 64), {}, (9, 9, 64))
    assert np.var(params["weight"]) == pytest.approx(variance, rel=0.1)
    assert not np.any(params["bias"])


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            Conv(2, 5, padding="valid"),
            (6, 4, 1),
            'Conv: a kernel of 5 places does not fit an axis of 4; make it smaller, or set padding to "same"',
        ),
        (
            Conv(2, 3, padding="valid", dilation=3),
            (6, 1),
            'Conv: a kernel of 7 places does not fit an axis of 6; make it smaller, or set padding to "same"',
        ),
        (Conv(4, groups=2), (6, 3), "Conv: groups is 2, but must divide both its inputs (3) and channels (4)"),
        (Conv(3, groups=2), (6, 4), "Conv: groups is 2, but must divide both its inputs (4) and channels (3)"),
        (
            Conv(3, padding="causal"),
            (6, 6, 1),
            'Conv: padding "causal" needs one spatial axis, but its input has 2',
        ),
        (
            Conv(3, stride=2, padding="causal", carry=True),
            (6, 1),
            'Conv: carry goes on from the row before, which needs padding "causal", stride 1 and a size above 1',
        ),
        (Conv(3, (3, 3)), (6, 1), "Conv: size has 2 numbers, but its input has 1 spatial axes"),
        (Conv(3, stride=(1, 2)), (6, 6, 6, 1), "Conv: stride has 2 numbers, but its input has 3 spatial axes"),
        (
            Conv(3),
            (6,),
            "Conv needs rows of shape (*space, channels) with one to three spatial axes, but gets (6,)",
        ),
    ],
)
def test_what_does_not_fit_is_said(layer, shape, sentence):
    with pytest.raises(InputError) as caught:
        layer.output_shape(shape)
    assert str(caught.value) == sentence


def test_evaluation_is_training():
    x, params = jnp.ones((1, 4, 4, 1)), {"weight": jnp.ones((3, 3, 1, 1)), "bias": jnp.ones(1)}
    z, state = Conv(1)(params, {}, x, EVALUATE)
    assert z[0, ..., 0].tolist() == [[5, 7, 7, 5], [7, 10, 10, 7], [7, 10, 10, 7], [5, 7, 7, 5]]
    assert state == {}


@pytest.mark.parametrize("padding", ["same", "valid", "causal", "circular"])
def test_margins_give_as_many_places_as_promised(padding):
    for length, size, stride, dilation in itertools.product((5, 6, 9), (1, 2, 3, 4), (1, 2, 3), (1, 2)):
        reach = (size - 1) * dilation + 1
        if padding == "valid":
            assert margins(padding, length, size, stride, dilation) == (0, 0)
            continue
        before, after = margins(padding, length, size, stride, dilation)
        assert (length + before + after - reach) // stride + 1 == math.ceil(length / stride)
        assert after == 0 if padding == "causal" else before <= after <= before + 1


TORCH = {
    "conv1d": Conv(6, 3, stride=2, padding="valid", dilation=2, groups=2),
    "conv2d": Conv(6, (3, 5), groups=3),
    "conv3d": Conv(2, 3, stride=(2, 1, 2), padding="valid"),
}


@pytest.mark.parametrize(("name", "layer"), TORCH.items())
def test_outputs_are_those_of_pytorch(name, layer):
    """As `tests/truths/pytorch.py` stored them: channels first, and first those that come out of a kernel."""
    with np.load(Path(__file__).parents[1] / "truths" / "pytorch.npz") as truth:
        x, weight, y = (truth[f"{name}.{part}"] for part in ("x", "weight", "y"))
    found = output(layer, np.moveaxis(weight, (0, 1), (-1, -2)), np.moveaxis(x, 1, -1))
    np.testing.assert_allclose(found, np.moveaxis(y, 1, -1), rtol=1e-10, atol=1e-12)
