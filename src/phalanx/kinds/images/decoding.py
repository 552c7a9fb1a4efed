"""Many image files into one array, and which of them could not be read."""

import warnings
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from PIL import Image

from phalanx.data.files import each, or_reason, refuse
from phalanx.kinds.images.file import IMAGES, Header, read_header, read_pixels
from phalanx.kinds.images.request import Request

_LONGEST = 64  # pixels of the longer side, where no size is asked for


@dataclass(frozen=True)
class Decoded:
    """Image files as one array.

    `pixels`: (n, height, width, channels), uint8. `kept`: the position of each row's file among those given.
    `broken`: position -> reason, of the files that could not be read. `resized`: how many images had another size.
    """

    pixels: np.ndarray
    kept: list[int]
    broken: dict[int, str]
    resized: int


def decode_files(files: list[Path], deciding: int, request: Request) -> Decoded:
    """Decode files in threads; the first `deciding` of them settle the size and the channels that are not asked for.

    Raises InputError where not one of those can be read, with `request.strict` where any cannot, and where the array
    would not fit in memory.
    """
    Image.init()  # loads Pillow's readers, which is better not done by several threads at once
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")  # odd EXIF blocks, flaws that do not matter
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        headers = each(lambda i: or_reason(lambda: read_header(files[i])), len(files), None)
        broken = {i: answer for i, answer in enumerate(headers) if isinstance(answer, str)}
        refuse(files, broken, deciding, request.strict, IMAGES)
        sound = [header for header in headers[:deciding] if isinstance(header, Header)]
        size = request.size or _usual_size(sound)
        channels = request.channels or (3 if any(header.colour for header in sound) else 1)
        rows = [i for i in range(len(files)) if i not in broken]
        request.check_memory(
            len(rows) * prod(size) * channels,
            f"{len(rows):,} images of {size[0]} × {size[1]} pixels and {channels} channel{'s' * (channels > 1)}",
            "give a smaller --size, or fewer images",
        )
        pixels = np.empty((len(rows), *size, channels), np.uint8)

        def decode(row: int) -> bool:
            pixels[row], resized = read_pixels(files[rows[row]], size, channels)
            return resized

        answers = each(lambda row: or_reason(lambda: decode(row)), len(rows), request.watch)
    broken |= {rows[row]: answer for row, answer in enumerate(answers) if isinstance(answer, str)}
    refuse(files, broken, deciding, request.strict, IMAGES)
    good = [row for row, answer in enumerate(answers) if not isinstance(answer, str)]
    for to, row in enumerate(good):  # in place: a copy might not fit in memory
        if to != row:
            pixels[to] = pixels[row]
    return Decoded(pixels[: len(good)], [rows[row] for row in good], broken, sum(answer is True for answer in answers))


def _usual_size(headers: list[Header]) -> tuple[int, int]:
    """Return the most common size, the largest of equally common ones, scaled down to at most 64 pixels a side."""
    counts = Counter(header.size for header in headers)
    height, width = max(counts, key=lambda size: (counts[size], prod(size), size))
    longer = max(height, width)
    if longer <= _LONGEST:
        return height, width
    return max(1, round(height * _LONGEST / longer)), max(1, round(width * _LONGEST / longer))
