"""Pooling: a summary of neighbouring places, or of several linear pieces, in place of all of them (MAP H6).

A window is a product of intervals, so its summary is taken along one axis after the other: k₁ + k₂ shifted copies of
the array instead of k₁ · k₂, and nothing but slices and elementwise operations, forward and backward. On a CPU the
compiler's own windows are several times slower in the backward pass.
"""

import functools
import math
from abc import abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params
from phalanx.layers.maximum import larger, largest
from phalanx.layers.spatial import Spatial, margins, places, steps_inside, zero_padding
from phalanx.parts import Fixed, MaybePerAxis, PerAxis, field, part


@part
class Pool(Spatial):
    """Base of layers that summarize the places of a moving window, channel by channel: implement `along`.

    `size`, `stride`: of the window and of its steps, in places; one number for all spatial axes or one for each
    (defaults 2, and None: as `size`). `padding`: "valid" (default): the window stays inside, and places at the end that
    do not fill one are left out; "same": the output has ⌈length / stride⌉ places, and windows at the borders see fewer
    (an odd one is missing at the end, as in TensorFlow).
    """

    size: PerAxis = field(default=2, at_least=1)
    stride: MaybePerAxis = field(default=None, at_least=1)
    padding: Fixed[str] = field(default="valid", choices=("valid", "same"))

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, {}

    def output_shape(self, shape: Any) -> Any:
        space = self.space(shape)
        moves = self._moves(space)
        for length, (size, _, around) in zip(space, moves, strict=True):
            if length + sum(around) < size:
                raise InputError(
                    f"{type(self).__name__}: a window of {size} does not fit an axis of {length}; "
                    'make it smaller, or set padding to "same"'
                )
        lengths = (length + sum(around) for length, (_, _, around) in zip(space, moves, strict=True))
        out = (places(length, size, stride) for length, (size, stride, _) in zip(lengths, moves, strict=True))
        return (*out, shape[-1])

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        for axis, (size, stride, around) in enumerate(self._moves(x.shape[1:-1]), 1):
            x = self.along(x, axis, size, stride, around)
        return x, state

    def mask(self, x: Any, mask: Any) -> Any:
        if mask is None:
            return None
        if self.padding == "same":
            raise InputError(
                f"{type(self).__name__}: rows have different lengths, on which the windows would depend; "
                'set padding to "valid"'
            )
        size, stride, _ = self._moves(x.shape[1:-1])[0]
        return steps_inside(mask, size, stride)

    @abstractmethod
    def along(self, x: jax.Array, axis: int, size: int, stride: int, around: tuple[int, int]) -> jax.Array:
        """Return the summaries of windows along one axis, with places added before and after it."""

    def _moves(self, space: tuple[int, ...]) -> list[tuple[int, int, tuple[int, int]]]:
        """Return size, stride and margins for each spatial axis."""
        sizes = self.each("size", len(space))
        strides = sizes if self.stride is None else self.each("stride", len(space))
        steps = zip(space, sizes, strides, strict=True)
        return [(size, stride, margins(self.padding, length, size, stride)) for length, size, stride in steps]


@part
class MaxPool(Pool):
    """y_p = max over q in the window of x_(stride·p + q), channel by channel.

    Where several places are largest they share the gradient, two of them equally. NaN anywhere in a window comes
    through.

    `size`, `stride`: of the window and of its steps, in places; one number for all spatial axes or one for each
    (defaults 2, and None: as `size`).
    `padding`: "valid" (default): the window stays inside, and places at the end that do not fill one are left out;
    "same": ⌈length / stride⌉ outputs, and windows at the borders see fewer places (an odd one is missing at the end).
    Raises `InputError` where a window does not fit.

    >>> MaxPool(3, stride=2).output_shape((28, 28, 8))
    (13, 13, 8)

    Source: notes H6; book 9.3.
    """

    def along(self, x: jax.Array, axis: int, size: int, stride: int, around: tuple[int, int]) -> jax.Array:
        return _largest(_padded(x, axis, around, -jnp.inf), axis, size, stride)


@part
class AveragePool(Pool):
    """y_p = mean over q in the window of x_(stride·p + q), channel by channel.

    With padding "same" a window at the border is the mean of the real places it sees, as in Keras; PyTorch's default
    divides by the window's size and so counts zeros.

    `size`, `stride`: of the window and of its steps, in places; one number for all spatial axes or one for each
    (defaults 2, and None: as `size`).
    `padding`: "valid" (default): the window stays inside, and places at the end that do not fill one are left out;
    "same": ⌈length / stride⌉ outputs, and windows at the borders see fewer places (an odd one is missing at the end).
    Raises `InputError` where a window does not fit.
    Source: notes H6; book 9.3.
    """

    def along(self, x: jax.Array, axis: int, size: int, stride: int, around: tuple[int, int]) -> jax.Array:
        slices = _slices(_padded(x, axis, around, 0), axis, size, stride)
        real = np.pad(np.ones(x.shape[axis]), around)
        counts = [real[i * stride : i * stride + size].sum() for i in range(slices[0].shape[axis])]
        ones = (1,) * (x.ndim - axis - 1)
        return functools.reduce(jnp.add, slices) / jnp.asarray(counts, x.dtype).reshape((1,) * axis + (-1, *ones))


@part
class GlobalAveragePool(Spatial):
    """y_c = mean over all places p of x_pc: one number a channel, whatever the size of the space.

    Steps that are padding do not count; where there are no others, it is 0.

    Source: notes H6; book 9.3; Lin et al. 2014.
    """

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, {}

    def output_shape(self, shape: Any) -> Any:
        self.space(shape)
        return shape[-1:]

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        axes = tuple(range(1, x.ndim - 1))
        if at.mask is None:
            return x.mean(axes), state
        steps = jnp.maximum(at.mask.sum(1), 1)[:, None].astype(x.dtype)
        return zero_padding(x, at.mask).sum(axes) / (steps * math.prod(x.shape[2:-1])), state

    def mask(self, x: Any, mask: Any) -> Any:
        return None


@part
class GlobalMaxPool(Spatial):
    """y_c = max over all places p of x_pc: one number a channel, whatever the size of the space.

    Where several places are largest they share the gradient, two of them equally. Steps that are padding do not count;
    where there are no others, it is 0.
    Source: notes H6; book 9.3.
    """

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, {}

    def output_shape(self, shape: Any) -> Any:
        self.space(shape)
        return shape[-1:]

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        if at.mask is None:
            return _of_all_places(x), state
        real = at.mask.reshape(*at.mask.shape, *(1,) * (x.ndim - 2))
        found = _of_all_places(jnp.where(real, x, jnp.finfo(x.dtype).min))
        return jnp.where(at.mask.any(1)[:, None], found, 0), state

    def mask(self, x: Any, mask: Any) -> Any:
        return None


@part
class MaxoutPool(Layer):
    """y_c = max over j of x_(c·pieces + j), over the last axis: `pieces` neighbouring channels become one.

    After an affine or convolutional layer it is a maxout unit, which can learn what to be invariant to: each piece may
    answer to the same object in another position. Where several pieces are largest they share the gradient, two of
    them equally.

    `pieces`: channels that become one (default 2); it must divide their number, or `InputError` is raised.

    >>> MaxoutPool(4).output_shape((14, 14, 32))
    (14, 14, 8)

    Source: notes C4, H6; book 6.3.1, 9.3; Goodfellow et al. 2013.
    """

    pieces: Fixed[int] = field(default=2, at_least=1)

    @property
    def example(self) -> Any:
        return np.zeros(2 * self.pieces, np.float32)

    def output_shape(self, shape: Any) -> Any:
        if shape[-1] % self.pieces:
            raise InputError(
                f"MaxoutPool: pieces is {self.pieces}, but must divide the width of its input, {shape[-1]}"
            )
        return (*shape[:-1], shape[-1] // self.pieces)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return _largest(x, x.ndim - 1, self.pieces, self.pieces), state


def _padded(x: jax.Array, axis: int, around: tuple[int, int], value: float) -> jax.Array:
    widths = [around if a == axis else (0, 0) for a in range(x.ndim)]
    return jnp.pad(x, widths, constant_values=value) if any(around) else x


def _slices(x: jax.Array, axis: int, size: int, stride: int) -> list[jax.Array]:
    """Return the array of first places of all windows along an axis, that of second places, and so on."""
    reach = (places(x.shape[axis], size, stride) - 1) * stride + 1
    return [jax.lax.slice_in_dim(x, q, q + reach, stride, axis) for q in range(size)]


def _of_all_places(x: jax.Array) -> jax.Array:
    return largest(x.reshape(len(x), -1, x.shape[-1]), axis=1)


def _largest(x: jax.Array, axis: int, size: int, stride: int) -> jax.Array:
    return functools.reduce(larger, _slices(x, axis, size, stride))
