"""Images that come as one array (IDX files, archives): checked, and brought to the size and channels asked for."""

from math import prod

import numpy as np
from PIL import Image

from phalanx.data.files import each
from phalanx.errors import InputError
from phalanx.kinds.images.file import fit
from phalanx.kinds.images.request import Request


def check_array(dtype: np.dtype, shape: tuple[int, ...], where: str, request: Request) -> None:
    """Check, before it is read, that an array can be images and fits in memory."""
    if len(shape) not in (3, 4) or (len(shape) == 4 and not 1 <= shape[3] <= 4):
        raise InputError(
            f"{where} has the shape {shape}; images are (n, height, width) or (n, height, width, channels) "
            f"with 1 to 4 channels last"
        )
    if dtype.kind not in "biuf":
        raise InputError(f"{where} is of type {dtype}; images are of integers within 0..255, floats or booleans")
    if 0 in shape:
        raise InputError(f"{where} holds no images: its shape is {shape}")
    needed = prod(shape) * dtype.itemsize
    wanted = (*(request.size or shape[1:3]), request.channels or prod(shape[3:]))
    if wanted != (*shape[1:3], prod(shape[3:])):
        needed += shape[0] * prod(wanted)
    what = f"{shape[0]:,} images of {shape[1]} × {shape[2]} pixels"
    request.check_memory(needed, what, f"give {'a smaller --size, or ' if request.size else ''}fewer images")


def as_pixels(array: np.ndarray, where: str, request: Request) -> np.ndarray:
    """Return an array of images as uint8 or float32, (n, height, width, channels), of the size and channels asked for.

    Integers and booleans keep their values, which must lie within 0..255.
    """
    array = array if array.ndim == 4 else array[..., None]
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            pixels = array.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise InputError(f"{where} holds values that are missing, infinite or beyond float32: remove those images")
    else:
        if array.dtype != np.uint8 and (array.min() < 0 or array.max() > 255):
            raise InputError(
                f"{where} holds integers from {array.min()} to {array.max()}; images hold 0 to 255: scale them, or "
                f"save floats"
            )
        pixels = array.astype(np.uint8, copy=False)
    count, height, width, given = pixels.shape
    size = request.size or (height, width)
    channels = request.channels or given
    if (*size, channels) == (height, width, given):
        return pixels
    if channels != given and (pixels.dtype != np.uint8 or {channels, given} != {1, 3}):
        raise InputError(f"{where} has {given} channels of {pixels.dtype}, which cannot become {channels}")
    if pixels.dtype != np.uint8:
        raise InputError(
            f"{where} holds floats of {height} × {width} pixels, which are not resized to {size[0]} × {size[1]}: "
            f"resize them before saving, or save 0 to 255 as uint8"
        )
    resized = np.empty((count, *size, channels), np.uint8)

    def convert(row: int) -> None:
        if given in (1, 3):
            resized[row] = fit(Image.fromarray(pixels[row].squeeze(2) if given == 1 else pixels[row]), size, channels)
        else:
            for channel in range(given):
                resized[row, ..., channel] = fit(Image.fromarray(pixels[row, ..., channel]), size, 1)[..., 0]

    each(convert, count, request.watch)
    return resized
