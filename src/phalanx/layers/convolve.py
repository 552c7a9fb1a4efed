"""The sum behind convolutional layers, in the way that is fastest on each kind of device.

    z[n, p, o] = Σ_q Σ_c x[n, stride · p + dilation · q − margin, c] · W[q, c, o]

over places q of the kernel and channels c, x being 0 outside its margins (cross-correlation: W is not flipped).

An accelerator's own routine does all of it. On a CPU one routine does not: the compiler's convolution is near the peak
of a matrix product where an input has several channels and the members of a population are not merged into one grouped
convolution, but an order of magnitude slower for one channel, and where the axes stand in another order than (rows,
*space, channels) within a loop over steps: the compiler puts them in this order outside of loops only, and the
derivative of a convolution has another one. `benchmarks/README.md` has the figures. So on a CPU

- z, and the gradient of x (a convolution of the gradient of z with the kernel turned around), come from the compiler's
  convolution over two axes; one axis gets a second of length 1, three are a sum over the places of the first;
- so does the gradient of W (a convolution of images with images, rows in place of channels) over two axes, where the
  windows have no strides and no gaps, and z not very many channels (`_rows_of_images`);
- elsewhere the gradient of W is a product of patches (the window of x at each place) and the gradient of z; both are
  done for as many rows at a time as stay in the processor's cache;
- z is a sum of products of a number and a vector, in one loop, where a kernel sees few numbers of few channels, and a
  product of patches and W where it sees more of them, or where there are groups;
- the members of a population take turns.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import sequential_vmap

FEW_CHANNELS = 4
"""Fewer input channels than this are multiplied and added in one loop."""

MOST_TERMS = 32
"""Terms of such a loop, places of the kernel times input channels; more go through patches."""

PATCHES = 2**18
"""Numbers in the patches made at a time: a megabyte in single precision, about what a core's own cache holds."""

IMAGES = 2**16
"""Numbers in the images that are a kernel, for the gradient of W: with them the cache holds the images they meet."""

LIBRARY_CHANNELS = 16
"""A convolution with more channels than this on one side is left to the compiler's library (YNNPACK)."""

CHANNELS_A_PLACE = 4
"""With more channels of z for each place of the kernel, patches are as fast as the convolution of images, or faster:
they copy x once a place, and the more channels there are, the more often a copy is used.
"""


class Window(NamedTuple):
    """How a kernel moves: for each spatial axis its stride, its dilation, and the zeros before and after the axis."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    margins: tuple[tuple[int, int], ...]
    groups: int = 1


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(x: jax.Array, weight: Any, window: Window) -> jax.Array:
    """Return z (batch, *places, channels) of x (batch, *space, inputs) and W (*size, inputs / groups, channels)."""
    return lax.platform_dependent(
        x, weight, cpu=sequential_vmap(functools.partial(_on_cpu, window)), default=functools.partial(_whole, window)
    )


def _forward(x: jax.Array, weight: Any, window: Window) -> tuple[jax.Array, tuple[jax.Array, Any]]:
    return convolve(x, weight, window), (x, weight)


def _backward(window: Window, kept: tuple[jax.Array, Any], slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, weight = kept
    return lax.platform_dependent(
        x,
        weight,
        slope,
        cpu=sequential_vmap(functools.partial(_slopes_on_cpu, window)),
        default=lambda x, weight, slope: jax.vjp(functools.partial(_whole, window), x, weight)[1](slope),
    )


convolve.defvjp(_forward, _backward)


def _whole(window: Window, x: jax.Array, weight: jax.Array) -> jax.Array:
    """Return z by the compiler's convolution."""
    space = "DHW"[3 - len(window.strides) :]
    return lax.conv_general_dilated(
        x,
        weight,
        window.strides,
        window.margins,
        rhs_dilation=window.dilations,
        dimension_numbers=(f"N{space}C", f"{space}IO", f"N{space}C"),
        feature_group_count=window.groups,
    )


def _on_cpu(window: Window, x: jax.Array, weight: jax.Array) -> jax.Array:
    if window.groups == 1 and x.shape[-1] >= FEW_CHANNELS:
        return _by_planes(window, x, weight)
    few = window.groups == 1 and math.prod(weight.shape[:-1]) <= MOST_TERMS
    by = _by_terms if few else _by_patches
    return _over_rows(lambda x: by(window, x, weight), x, _patch_size(window, x.shape, weight.shape))


def _by_planes(window: Window, x: jax.Array, weight: jax.Array) -> jax.Array:
    """Return z by convolutions over two axes, without groups."""
    axes = len(window.strides)
    if axes == 2:
        return _whole(window, x, weight)
    if axes == 1:
        flat = Window((1, *window.strides), (1, *window.dilations), ((0, 0), *window.margins))
        return _whole(flat, x[:, None], weight[None])[:, 0]
    (before, after), *rest = window.margins
    stride, dilation, depth = window.strides[0], window.dilations[0], len(weight)
    x = jnp.pad(x, ((0, 0), (before, after), (0, 0), (0, 0), (0, 0)))
    places = (x.shape[1] - (depth - 1) * dilation - 1) // stride + 1
    plane = Window(window.strides[1:], window.dilations[1:], tuple(rest))

    def at(q: int) -> jax.Array:
        slices = x[:, q * dilation : q * dilation + (places - 1) * stride + 1 : stride]
        z = _whole(plane, slices.reshape(-1, *slices.shape[2:]), weight[q])
        return z.reshape(*slices.shape[:2], *z.shape[1:])

    return functools.reduce(jnp.add, map(at, range(depth)))


def _by_terms(window: Window, x: jax.Array, weight: jax.Array) -> jax.Array:
    """Return z as a sum of products of numbers and vectors, which the compiler makes one loop of."""
    patches = _patches(window, x, weight.shape[:-2])
    terms = weight.reshape(len(patches), *weight.shape[-2:])
    return functools.reduce(
        jnp.add,
        (
            patch[..., c, None] * jnp.broadcast_to(term[c], (*patch.shape[:-1], weight.shape[-1]))
            for patch, term in zip(patches, terms, strict=True)
            for c in range(x.shape[-1])
        ),
    )


def _by_patches(window: Window, x: jax.Array, weight: jax.Array) -> jax.Array:
    """Return z as a product of patches and the kernel."""
    patches = jnp.stack(_patches(window, x, weight.shape[:-2]), axis=-2)
    channels = weight.shape[-1]
    if window.groups == 1:
        return patches.reshape(*patches.shape[:-2], -1) @ weight.reshape(-1, channels)
    split = patches.reshape(*patches.shape[:-1], window.groups, -1)
    kernel = weight.reshape(split.shape[-3], split.shape[-1], window.groups, -1)
    return jnp.einsum("...qgi,qigo->...go", split, kernel).reshape(*patches.shape[:-2], channels)


def _patches(window: Window, x: jax.Array, size: Sequence[int], first: int = 1) -> list[jax.Array]:
    """Return what x holds at each place of the kernel, arrays like z; `first` is the first axis of space."""
    around = [(0, 0)] * x.ndim
    around[first : first + len(size)] = window.margins
    x = jnp.pad(x, around)
    spans = []
    lengths = x.shape[first : first + len(size)]
    for length, k, stride, dilation in zip(lengths, size, window.strides, window.dilations, strict=True):
        reach = (length - (k - 1) * dilation - 1) // stride * stride + 1
        spans.append([slice(q * dilation, q * dilation + reach, stride) for q in range(k)])
    return [x[(*(slice(None),) * first, *span)] for span in itertools.product(*spans)]


def _slopes_on_cpu(window: Window, x: jax.Array, weight: jax.Array, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    by, each = _weight_slope_by_images, _rows_of_images(window, x.shape, weight.shape[:-2], slope.shape)
    if not each:
        by, each = _weight_slope_by_patches, _divisor(len(x), PATCHES // _patch_size(window, x.shape, weight.shape))

    def add(sum_: jax.Array, piece: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
        return sum_ + by(window, weight.shape, *piece), None

    total, _ = lax.scan(add, jnp.zeros_like(weight), _pieces(each, x, slope))
    return _slope_of_x(window, x.shape, weight, slope), total


def _weight_slope_by_patches(window: Window, shape: Sequence[int], x: jax.Array, slope: jax.Array) -> jax.Array:
    """Return the gradient of W, of the given shape, as a product of patches and the gradient of z."""
    patches = jnp.stack(_patches(window, jnp.moveaxis(x, -1, 0), shape[:-2], first=2))
    rows = slope.reshape(-1, slope.shape[-1])
    if window.groups == 1:
        return (patches.reshape(-1, len(rows)) @ rows).reshape(shape)
    split = patches.reshape(len(patches), window.groups, -1, len(rows))
    apart = rows.reshape(len(rows), window.groups, -1)
    return jnp.einsum("qgir,rgo->qigo", split, apart).reshape(shape)


def _weight_slope_by_images(window: Window, shape: Sequence[int], x: jax.Array, slope: jax.Array) -> jax.Array:
    """Return the gradient of W, of the given shape, as a convolution of images with images.

    Rows and channels change places: Σ_p Σ_n x[c, q + p − margin, n] · slope[p, n, o]. Where x has more channels than
    z it is the kernel, and what comes out is W turned around.
    """
    if not _turned(x.shape, slope.shape):
        return _whole(window, x.transpose(3, 1, 2, 0), slope.transpose(1, 2, 0, 3)).transpose(1, 2, 0, 3)
    margins = ((k - 1 - before, k - 1 - after) for k, (before, after) in zip(shape[:-2], window.margins, strict=True))
    window = window._replace(margins=tuple(margins))
    around = _whole(window, slope.transpose(3, 1, 2, 0), x.transpose(1, 2, 0, 3))
    return jnp.flip(around, (1, 2)).transpose(1, 2, 3, 0)


def _turned(x: Sequence[int], slope: Sequence[int]) -> bool:
    """Say whether x is the kernel and not the gradient of z, by their shapes."""
    return x[-1] > slope[-1] and x[1:-1] == slope[1:-1]


def _rows_of_images(window: Window, x: Sequence[int], size: Sequence[int], slope: Sequence[int]) -> int:
    """Return how many rows at a time `_weight_slope_by_images` takes, 0 where patches are better or it cannot be used.

    The library is slow with one row at a time, and the compiler's other routine with any but a multiple of eight.
    """
    if (
        window[:2] != ((1, 1), (1, 1))
        or window.groups != 1
        or any(max(k, places) > length for k, length, places in zip(size, x[1:-1], slope[1:-1], strict=True))
        or x[-1] < FEW_CHANNELS
        or slope[-1] > CHANNELS_A_PLACE * math.prod(size)
    ):
        return 0
    kernel = x if _turned(x, slope) else slope
    unit = 2 if kernel[-1] > LIBRARY_CHANNELS else 8
    return _divisor(x[0], max(IMAGES // math.prod(kernel[1:]), unit), unit)


def _slope_of_x(window: Window, shape: Sequence[int], weight: jax.Array, slope: jax.Array) -> jax.Array:
    """Return the gradient of x: the gradient of z, spread out by the strides, against the kernel turned around."""
    gap = [(0, 0, 0), *((0, 0, stride - 1) for stride in window.strides), (0, 0, 0)]
    spread = lax.pad(slope, jnp.zeros((), slope.dtype), gap)
    margins = []
    for length, reached, k, dilation, (before, _) in zip(
        shape[1:-1], spread.shape[1:-1], weight.shape[:-2], window.dilations, window.margins, strict=True
    ):
        left = (k - 1) * dilation - before
        margins.append((left, length + (k - 1) * dilation - reached - left))
    size, (inputs, channels) = weight.shape[:-2], weight.shape[-2:]
    apart = jnp.flip(weight, tuple(range(len(size)))).reshape(*size, inputs, window.groups, channels // window.groups)
    turned = jnp.moveaxis(apart, -3, -1)  # (*size, groups, channels of a group, inputs of a group)
    turned = jnp.moveaxis(turned, -3, -2).reshape(*size, channels // window.groups, window.groups * inputs)
    ones = (1,) * len(size)
    return _on_cpu(Window(ones, window.dilations, tuple(margins), window.groups), spread, turned)


def _patch_size(window: Window, shape: Sequence[int], kernel: Sequence[int]) -> int:
    """Return the numbers in the patches of one row."""
    places = (
        (length + sum(margin) - (k - 1) * dilation - 1) // stride + 1
        for length, margin, k, dilation, stride in zip(
            shape[1:-1], window.margins, kernel[:-2], window.dilations, window.strides, strict=True
        )
    )
    return math.prod(places) * math.prod(kernel[:-2]) * shape[-1]


def _divisor(rows: int, most: int, unit: int = 1) -> int:
    """Return the largest divisor of the rows up to `most` that is a multiple of the unit; 0 where there is none."""
    return max((n for n in range(unit, max(min(rows, most), 1) + 1, unit) if rows % n == 0), default=0)


def _pieces(each: int, *arrays: jax.Array) -> tuple[jax.Array, ...]:
    """Return the arrays cut along their rows into pieces of so many, as a further first axis."""
    return tuple(a.reshape(-1, each, *a.shape[1:]) for a in arrays)


def _over_rows(function: Any, x: jax.Array, size: int) -> jax.Array:
    """Apply a function of rows, whose patches have so many numbers a row, to pieces of them, two at least: their loop
    keeps the compiler from computing the result again wherever it is used.
    """
    each = _divisor(len(x), min(PATCHES // size, len(x) // 2))
    if each == len(x):
        return function(x)
    done = lax.map(function, _pieces(each, x)[0])
    return done.reshape(len(x), *done.shape[2:])
