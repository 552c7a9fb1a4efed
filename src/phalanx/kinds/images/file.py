"""One image file: what its header says, and its pixels as gray or colour of 8 bits."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from phalanx.data.files import BrokenFileError
from phalanx.data.folder import FileKind

#: Suffixes of the files that are taken for images, in lower case.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
IMAGES = FileKind("image", "images", SUFFIXES)

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # others may start programs (PostScript)
_GRAY = ("1", "L", "LA", "La", "I", "F")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow logs some faults; without a handler they would be printed, beside the note that names the file.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Header:
    """What is known of an image before its pixels: `size` (height, width) as shown, and whether it has colour."""

    size: tuple[int, int]
    colour: bool


def read_header(path: Path) -> Header:
    """Read the size of an image, turned as its EXIF orientation says, and whether its mode has colour.

    A palette whose entries are all gray has none; of an image stored as RGB it is not asked whether all its pixels
    are gray. Raises BrokenFileError.
    """
    with _opened(path) as image:
        width, height = image.size
        # A TIFF is turned by Pillow; to look for EXIF data behind a PNG's pixels would decode them.
        if "exif" in image.info and image.format != "TIFF" and _orientation(image) >= 5:
            width, height = height, width
        return Header((height, width), _has_colour(image))


def read_pixels(path: Path, size: tuple[int, int], channels: int) -> tuple[np.ndarray, bool]:
    """Return pixels (height, width, channels) as uint8, and whether the image had to be resized.

    `size` is (height, width), `channels` 1 (gray: 0.299 red + 0.587 green + 0.114 blue) or 3. Of an animation it is
    the first frame. What is transparent shows white. 16-bit values v become round(v / 257); whole numbers of 32 bits
    must lie within 0..65535 and are taken likewise; floating-point values must lie within 0..1 and are multiplied by
    255. Raises BrokenFileError.
    """
    with _opened(path) as image:
        if max(image.size) > 2 * max(size):
            image.draft(None, (2 * max(size), 2 * max(size)))  # a JPEG can be decoded at 1/2, 1/4 or 1/8
        image.load()
        turn = _TURNS.get(_orientation(image))
        flat = _flat(image)
        if turn is not None:
            flat = flat.transpose(turn)
        return fit(flat, size, channels), flat.size != (size[1], size[0])


def fit(image: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return an image of mode L or RGB as uint8 (height, width, channels), resized with antialiasing where needed.

    Resizing does not keep proportions: the whole image is shrunk or stretched to `size` (height, width).
    """
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(*size, channels)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            yield image
    except Exception as error:  # on broken data Pillow raises almost anything
        raise BrokenFileError(_reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, BrokenFileError):
        return str(error)
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if path.stat().st_size == 0:
        return "empty"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image of a known kind"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block raises almost anything; the image itself is sound, only not turned
        return 1


def _has_colour(image: Image.Image) -> bool:
    if image.mode not in ("P", "PA"):
        return image.mode not in _GRAY and not image.mode.startswith("I;16")
    image.load()
    entries = np.reshape(image.getpalette("RGB") or [], (-1, 3))
    return bool((entries != entries[:, :1]).any())


def _flat(image: Image.Image) -> Image.Image:
    """Return a loaded image of any mode as L or RGB."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image, np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise BrokenFileError("its whole numbers are not within 0..65535")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        shades = np.asarray(image)
        if not (shades.min() >= 0 and shades.max() <= 1):
            raise BrokenFileError("its floating-point numbers are not within 0..1")
        return Image.fromarray(np.rint(shades * 255).astype(np.uint8))
    if image.has_transparency_data:
        solid = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", solid.size, "white"), solid)
    return image if image.mode == "L" else image.convert("RGB")
