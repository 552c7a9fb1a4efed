"""Image augmentation: in training each row is changed at random in a way that does not change its label.

Layers that move pixels to places between pixels are in `resampling`. All of them take (batch, height, width, channels)
with pixels of mean 0 and deviation 1, that is after `Pixels`, and keep the shape.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params, Reach
from phalanx.layers.noise import BYTES_A_NUMBER
from phalanx.parts import Knob, field, part


def uniform(noise: jax.Array, count: int, dtype: Any) -> jax.Array:
    """Return numbers in (−1, 1) made of random bytes, shape (batch, 2 · count or more) to (batch, count).

    Two bytes are one of 65536 equally likely places, the middles of as many equal intervals.
    """
    pairs = noise[:, : BYTES_A_NUMBER * count].reshape(len(noise), count, BYTES_A_NUMBER).astype(dtype)
    return (256 * pairs[..., 0] + pairs[..., 1] + 0.5) / 32768 - 1


@part
class RandomChange(Layer):
    """Base of layers that change rows at random in training: set `axes` and `draws`, implement `change`."""

    axes: ClassVar[tuple[str, ...]]
    """What the axes of a row are."""

    draws: ClassVar[int]
    """Random numbers that a row needs."""

    def output_shape(self, shape: Any) -> Any:
        if len(shape) != len(self.axes):
            wanted = ", ".join(self.axes)
            raise InputError(f"{type(self).__name__} needs rows of shape ({wanted}), but gets {tuple(shape)}")
        return shape

    def noise(self, shape: Any) -> int:
        return BYTES_A_NUMBER * self.draws

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return x if at.noise is None else self.change(x, uniform(at.noise, self.draws, x.dtype)), state

    @abstractmethod
    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        """Return changed rows; `drawn` are uniform numbers in (−1, 1), shape (batch, `draws`)."""


@part
class Augmentation(RandomChange):
    """Base of layers that change images at random in training: set `draws`, implement `change`."""

    axes: ClassVar[tuple[str, ...]] = ("height", "width", "channels")

    @property
    def example(self) -> Any:
        return np.zeros((6, 6, 4), np.float32)

    @property
    def reach(self) -> Reach:
        return "row"


@part
class Flip(Augmentation):
    """h'_(i, j) = h_(i, width − 1 − j) with probability `rate`, else h: left and right change places.

    Drawn anew for each row and step of training; the identity outside it.

    `rate`: probability in [0, 1] (default 0.5).
    Source: notes F2; book 7.4.
    """

    draws: ClassVar[int] = 1

    rate: Knob = field(default=0.5, at_least=0, at_most=1)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        flipped = (drawn + 1) / 2 < self.rate
        return jnp.where(flipped[:, :, None, None], jnp.flip(x, 2), x)


@part
class Brightness(Augmentation):
    """h' = h + b with b ~ U(−amount, amount), one b for all pixels and channels of a row.

    Drawn anew for each row and step of training; the identity outside it.

    `amount`: in units of h, whose pixels have deviation 1 (default 0.2).
    Source: notes F2; book 7.4.
    """

    draws: ClassVar[int] = 1

    amount: Knob = field(default=0.2, at_least=0)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        return x + (self.amount * drawn)[:, :, None, None]


@part
class CutOut(Augmentation):
    """h'_(i, j) = 0 where both |i − a| and |j − b| are below size / 2, else h: a square becomes the mean pixel.

    Its centre (a, b) is uniform over the image, so that at the border a part of the square lies outside (the variant
    of the paper). Drawn anew for each row and step of training; the identity outside it.

    `size`: side of the square, in pixels (default 4).
    Source: notes F2; book 7.4; DeVries & Taylor 2017.
    """

    draws: ClassVar[int] = 2

    size: Knob = field(default=4.0, at_least=0)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        rows, columns = (self._covered(x.shape[axis], drawn[:, axis - 1, None]) for axis in (1, 2))
        return jnp.where((rows[:, :, None] & columns[:, None, :])[..., None], 0, x)

    def _covered(self, length: int, drawn: jax.Array) -> jax.Array:
        """Say which places of an axis the square covers, shape (batch, length)."""
        first = length * (drawn + 1) / 2 - 0.5 - self.size / 2
        place = jnp.arange(length, dtype=drawn.dtype)[None]
        return (place >= first) & (place < first + self.size)
