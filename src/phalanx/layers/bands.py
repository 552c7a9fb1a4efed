"""Layers for spectrograms, rows (steps, bands): each row made comparable, and augmentation that acts on steps or bands.

A shift of the bands is much what a longer or shorter vocal tract does to a voice; blocks that are hidden keep a network
from relying on one band or one moment.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from phalanx.errors import InputError
from phalanx.layers.augmentation import RandomChange
from phalanx.layers.layer import At, Layer, Params, Reach
from phalanx.layers.spatial import zero_padding
from phalanx.parts import Knob, field, part


@part
class InstanceNorm(Layer):
    """y = (x − μ) / √(σ² + ε), with μ and σ² of each channel over all places of a row, of each row by itself.

    The same in training and outside it; nothing is learned. Steps that are padding do not count. Of a spectrogram
    it takes out what is the same at all steps: the voice's and the microphone's own colour.

    `epsilon`: ε, in units of x² (default 1e-2).
    Source: Ulyanov et al. 2016; of speech, mean and variance normalization of each recording.
    """

    epsilon: Knob = field(default=1e-2, above=0)

    @property
    def reach(self) -> Reach:
        return "row"

    @property
    def example(self) -> Any:
        return np.zeros((7, 4), np.float32)

    def output_shape(self, shape: Any) -> Any:
        if len(shape) < 2:
            raise InputError(f"InstanceNorm needs rows of shape (*space, channels), but gets {tuple(shape)}")
        return shape

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        axes = tuple(range(1, x.ndim - 1))
        real = jnp.ones(x.shape[:2], bool) if at.mask is None else at.mask
        share = (x.shape[1] / jnp.maximum(real.sum(1), 1)).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))
        centred = x - share * zero_padding(x, at.mask).mean(axes, keepdims=True)
        variance = share * zero_padding(centred**2, at.mask).mean(axes, keepdims=True)
        return centred * lax.rsqrt(variance + self.epsilon), state


@part
class SpectralAugmentation(RandomChange):
    """Base of layers that change spectrograms at random in training: set `draws`, implement `change`."""

    axes: ClassVar[tuple[str, ...]] = ("steps", "bands")

    @property
    def example(self) -> Any:
        return np.zeros((7, 4), np.float32)


@part
class ShiftBands(SpectralAugmentation):
    """h'_(t, b) = h_(t, b + a), a ~ U(−places, places): all bands move up or down, the outermost ones filling in.

    Between two bands it is interpolated linearly. Drawn anew for each row and step of training; the identity outside
    it.

    `places`: the furthest, in bands (default 2).
    Source: vocal tract length perturbation, Jaitly & Hinton 2013, with a shift in place of a warp.
    """

    draws: ClassVar[int] = 1

    places: Knob = field(default=2.0, at_least=0)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        bands = x.shape[2]
        place = jnp.clip(jnp.arange(bands, dtype=x.dtype)[None] + self.places * drawn, 0, bands - 1)
        weight = jnp.maximum(1 - jnp.abs(place[:, None, :] - jnp.arange(bands, dtype=x.dtype)[None, :, None]), 0)
        return x @ weight


@part
class HideBlocks(SpectralAugmentation):
    """h'_(t, b) = 0 for the steps t of one block and the bands b of another, else h: these become the mean.

    The length of a block is uniform from 0 to `steps`, or `bands`, and so is its place within the row. Drawn anew for
    each row and step of training; the identity outside it.

    `steps`, `bands`: the longest block (defaults 10 and 6).
    Source: SpecAugment, Park et al. 2019, without its warp of time.
    """

    draws: ClassVar[int] = 4

    steps: Knob = field(default=10.0, at_least=0)
    bands: Knob = field(default=6.0, at_least=0)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        share = (drawn + 1) / 2
        steps = _block(x.shape[1], self.steps * share[:, 0, None], share[:, 1, None])
        bands = _block(x.shape[2], self.bands * share[:, 2, None], share[:, 3, None])
        return jnp.where(steps[:, :, None] | bands[:, None, :], 0, x)


def _block(axis: int, length: jax.Array, share: jax.Array) -> jax.Array:
    """Say which places of an axis a block covers that begins after a share of those it leaves free, (batch, axis)."""
    first = share * (axis - length) - 0.5
    place = jnp.arange(axis, dtype=share.dtype)[None]
    return (place >= first) & (place < first + length)
