"""Image augmentation that moves pixels: each pixel of the result is read at a place of the image, maybe between pixels.

Pixels are looked up by index. That costs a multiple of the pixels; sums weighted by distance, as products of matrices,
cost a multiple of pixels × side, and are slower from small images on (`Rotate` on 64 images of 32 × 32 × 3: a hundred
times). A look-up is slow backwards only, and these layers stand before the first parameters.
"""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from phalanx.layers.augmentation import Augmentation
from phalanx.parts import Knob, field, part


def sample(images: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """Return the images (batch, height, width, channels) read at other places, by bilinear interpolation.

    `rows`, `columns`: the place of each pixel of the result, (batch, height or 1, width or 1), in pixels from the
    middle of the first one. Places outside have the value of the nearest pixel.
    """
    height, width = images.shape[1:3]
    above, below, down = _neighbours(rows, height)
    left, right, across = _neighbours(columns, width)
    upper = (1 - across) * _at(images, above, left) + across * _at(images, above, right)
    lower = (1 - across) * _at(images, below, left) + across * _at(images, below, right)
    return (1 - down) * upper + down * lower


def _at(images: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    """Return the pixels at whole places."""
    batch, height, width, channels = images.shape
    index = (row * width + column).reshape(batch, height * width, 1)
    pixels = images.reshape(batch, height * width, channels)
    return jnp.take_along_axis(pixels, index, axis=1, mode="promise_in_bounds").reshape(images.shape)


def _neighbours(place: jax.Array, length: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the indices before and after a place of an axis, and the share of the one after."""
    inside = jnp.clip(place, 0, length - 1)
    before = jnp.floor(inside)
    index = before.astype(jnp.int32)
    return index, jnp.minimum(index + 1, length - 1), (inside - before)[..., None]


def _grid(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the rows and columns of pixels, (1, height, 1) and (1, 1, width)."""
    height, width = images.shape[1:3]
    return (
        jnp.arange(height, dtype=images.dtype).reshape(1, height, 1),
        jnp.arange(width, dtype=images.dtype).reshape(1, 1, width),
    )


@part
class Shift(Augmentation):
    """h'_(i, j) = h_(i + a, j + b), a and b ~ U(−places, places) rounded to whole pixels, which keeps the image sharp.

    Pixels of the border are repeated. Drawn anew for each row and step of training; the identity outside it.

    `places`: in pixels (default 2); below 0.5 nothing moves.
    Source: notes F2; book 7.4.
    """

    draws: ClassVar[int] = 2

    places: Knob = field(default=2.0, at_least=0)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        moved = jnp.round(self.places * drawn)[:, :, None, None]
        places = (
            jnp.clip(grid + moved[:, axis], 0, length - 1).astype(jnp.int32)
            for axis, (grid, length) in enumerate(zip(_grid(x), x.shape[1:3], strict=True))
        )
        return _at(x, *places)


@part
class Rotate(Augmentation):
    """h'_p = h_(c + R (p − c)), R the rotation by an angle ~ U(−degrees, degrees) and c the centre of the image.

    Between pixels values are interpolated (bilinear); pixels of the border are repeated. Drawn anew for each row and
    step of training; the identity outside it.

    `degrees`: largest angle (default 10).
    Source: notes F2; book 7.4.
    """

    draws: ClassVar[int] = 1

    degrees: Knob = field(default=10.0, at_least=0, at_most=180)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        rows, columns = _grid(x)
        middle_row, middle_column = ((length - 1) / 2 for length in x.shape[1:3])
        angle = (self.degrees * (math.pi / 180) * drawn)[:, :, None]
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        down, across = rows - middle_row, columns - middle_column
        return sample(x, middle_row + cos * down + sin * across, middle_column + cos * across - sin * down)


@part
class Crop(Augmentation):
    """h' = a window of h at a random place, whose sides are s ~ U(share, 1) of the image's, at the full size again.

    Between pixels values are interpolated (bilinear), with pixels as little squares that fill the image, as Pillow
    and torchvision have it. Height and width keep their proportion. Drawn anew for each row and step of training; the
    identity outside it.

    `share`: smallest s, in (0, 1] (default 0.9; 1 changes nothing).
    Source: notes F2; book 7.4.
    """

    draws: ClassVar[int] = 3

    share: Knob = field(default=0.9, above=0, at_most=1)

    def change(self, x: jax.Array, drawn: jax.Array) -> jax.Array:
        height, width = x.shape[1:3]
        rows, columns = _grid(x)
        unit = ((drawn + 1) / 2)[:, :, None, None]
        share = 1 - (1 - self.share) * unit[:, 0]
        top, left = (1 - share) * height * unit[:, 1], (1 - share) * width * unit[:, 2]
        return sample(x, top + share * (rows + 0.5) - 0.5, left + share * (columns + 0.5) - 0.5)
