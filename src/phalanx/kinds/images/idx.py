"""IDX files (the format of MNIST): reading one, and finding which belong together."""

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from phalanx.errors import InputError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(r"([-._]idx\d?(-u?byte)?|[-._]ubyte)(\.gz)?$", re.IGNORECASE)
_PIECE = 1 << 20  # bytes
_AXES = 32  # NumPy's older limit


def named_idx(name: str) -> bool:
    """Tell whether a file's name is one of an IDX file, as in `train-images-idx3-ubyte.gz` or `digits.idx`."""
    return _NAME.search(name) is not None


def short_name(path: Path) -> str:
    """Return a file's name without what says that it is IDX: `train-images` for `train-images-idx3-ubyte.gz`."""
    return _NAME.sub("", path.name) or path.stem


def is_idx(path: Path) -> bool:
    """Tell whether a file is IDX by its name or by its first bytes."""
    if named_idx(path.name):
        return True
    try:
        with _opened(path) as file:
            return _starts_idx(file.read(4))
    except InputError:
        return False


def idx_header(path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """Read the type and the shape that an IDX file declares. Raises InputError where it declares none."""
    with _opened(path) as file:
        return _header(file, path)


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file, plain or gzip-compressed, as an array of its own type in the machine's byte order.

    Raises InputError for a file that is not IDX, holds no values, is shorter than its header says,
    or longer.
    """
    with _opened(path) as file:
        dtype, shape = _header(file, path)
        needed = math.prod(shape) * dtype.itemsize
        data = bytearray()
        while len(data) <= needed and (piece := file.read(_PIECE)):
            data += piece
    if len(data) != needed:
        fault = "is cut short" if len(data) < needed else "goes on"
        raise InputError(f"{str(path)!r} {fault}: its header promises {needed:,} bytes of data ({_shape(shape)})")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def labels_beside(images: Path) -> Path | None:
    """Find the labels' file by the name of the images' one (`images` is `labels` there, `idx3` is `idx1`)."""
    name = images.name.removesuffix(".gz")
    wanted = re.sub(r"idx\d", "idx1", name.replace("images", "labels"))
    if wanted == name:
        return None
    swapped = re.sub(r"[-.](?=idx)", lambda match: {"-": ".", ".": "-"}[match[0]], wanted)
    endings = (".gz", "") if images.name.endswith(".gz") else ("", ".gz")
    candidates = [images.with_name(stem + ending) for stem in (wanted, swapped) for ending in endings]
    return next((path for path in candidates if path.is_file()), None)


def pairs_in(folder: Path) -> tuple[Path, Path | None] | None:
    """Find the images' file to train on in a folder, and that of the test if there is one; None: neither.

    Files of the test have `t10k` or `test` in their names; a file and its compressed copy count as one. Raises
    InputError where there are several to choose from.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if "images" in path.name and named_idx(path.name))
    except OSError as error:
        raise InputError(f"cannot read {str(folder)!r}: {error.strerror or error}") from error
    kept = [name for name in names if not (name.endswith(".gz") and name.removesuffix(".gz") in names)]
    tests = [folder / name for name in kept if re.search("t10k|test", name)]
    trains = [folder / name for name in kept if folder / name not in tests]
    if len(trains) > 1 or len(tests) > 1:
        several = ", ".join(repr(path.name) for path in (trains if len(trains) > 1 else tests)[:5])
        raise InputError(f"{str(folder)!r} holds several IDX files of images ({several}): give one of them")
    if trains:
        return trains[0], tests[0] if tests else None
    return (tests[0], None) if tests else None


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    try:
        with path.open("rb") as file:
            if file.read(2) == b"\x1f\x8b":
                file.seek(0)
                with gzip.GzipFile(fileobj=file) as inside:
                    yield inside
            else:
                file.seek(0)
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{str(path)!r} is not a sound gzip file: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def _starts_idx(start: bytes) -> bool:
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and 0 < start[3] <= _AXES


def _header(file: BufferedIOBase, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    start = file.read(4)
    if not _starts_idx(start):
        raise InputError(
            f"{str(path)!r} is not an IDX file: its first four bytes should be 0, 0, a type (8, 9, 11 to 14) and the "
            f"number of axes (1 to {_AXES}), but are {', '.join(map(str, start)) or 'missing'}"
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise InputError(f"{str(path)!r} is cut short within its header")
    shape = struct.unpack(f">{start[3]}I", sizes)
    if 0 in shape:
        raise InputError(f"{str(path)!r} holds no values: its header says {_shape(shape)}")
    return np.dtype(_TYPES[start[2]]), shape


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{length:,}" for length in shape)
