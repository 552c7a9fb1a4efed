"""What layers on places share: an array (batch, *space, channels), a window that moves over its one to three axes."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.errors import InputError
from phalanx.layers.layer import Layer, Reach
from phalanx.parts import part


@part
class Spatial(Layer):
    """Base of layers on (batch, *space, channels), with one to three spatial axes: a series, an image, a volume."""

    @property
    def reach(self) -> Reach:
        return "row"

    @property
    def example(self) -> Any:
        return np.zeros((6, 6, 4), np.float32)

    def space(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the spatial part of a row's shape; raise `InputError` where there is none."""
        if not 2 <= len(shape) <= 4:
            raise InputError(
                f"{type(self).__name__} needs rows of shape (*space, channels) with one to three spatial axes, "
                f"but gets {tuple(shape)}"
            )
        return tuple(shape[:-1])

    def each(self, field: str, axes: int) -> tuple[int, ...]:
        """Return a field that is one number for all spatial axes, or has one for each, as the latter."""
        held = getattr(self, field)
        if not isinstance(held, tuple):
            return (held,) * axes
        if len(held) != axes:
            raise InputError(
                f"{type(self).__name__}: {field} has {len(held)} numbers, but its input has {axes} spatial axes"
            )
        return held


def zero_padding(x: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Return the array (batch, steps, ...) with zeros in steps that are padding."""
    return x if mask is None else jnp.where(mask.reshape(*mask.shape, *(1,) * (x.ndim - 2)), x, 0)


def steps_inside(mask: jax.Array, size: int, stride: int, dilation: int = 1) -> jax.Array:
    """Return of every place of a window on the axis of steps whether all steps it sees are real."""
    reach = (places(mask.shape[1], size, stride, dilation) - 1) * stride + 1
    seen = [lax.slice_in_dim(mask, q * dilation, q * dilation + reach, stride, 1) for q in range(size)]
    return functools.reduce(jnp.logical_and, seen)


def margins(padding: str, length: int, size: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return how many places are added before and after an axis of `length` for a window of `size`.

    "valid": none, so that the window stays inside. "same": so many that the output has ⌈length / stride⌉ places, the
    odd one after. "causal": all of them before, so that the window looks back only. "circular": as "same".

    >>> margins("same", 28, size=3, stride=1), margins("causal", 28, size=3, stride=1)
    ((1, 1), (2, 0))
    """
    if padding == "valid":
        return 0, 0
    total = max((-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length, 0)
    return (total, 0) if padding == "causal" else (total // 2, total - total // 2)


def places(length: int, size: int, stride: int, dilation: int = 1) -> int:
    """Return how many places a window of `size` has on an axis of `length`, margins included; not above 0: none."""
    return (length - (size - 1) * dilation - 1) // stride + 1
