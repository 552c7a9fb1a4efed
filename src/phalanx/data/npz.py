"""NumPy archives (`.npz`) that hold `X`, and perhaps `y` and `lengths`."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from phalanx.errors import InputError

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_SMALLEST_SIDE, _LONGEST_SIDE = 8, 2.0  # pixels of an image, and of its longer side times the shorter, told by values
_VALUES = 2**18  # that are looked at together


def is_archive(sources: Sequence[str]) -> bool:
    """Tell whether sources are one archive that exists."""
    return len(sources) == 1 and Path(sources[0]).suffix.lower() == ".npz" and Path(sources[0]).is_file()


def npz_header(path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """Read the type and the shape of `X`, not its values. Raises InputError where there is no such array."""
    with _archive(path) as archive:
        try:
            with archive.open("X.npy") as file:
                shape, dtype = _header(file)
        except KeyError as error:
            held = ", ".join(repr(name.removesuffix(".npy")) for name in archive.namelist()[:5])
            raise InputError(f"{str(path)!r} holds no array 'X', but {held or 'nothing'}") from error
        except Exception as error:  # on broken data NumPy and zipfile raise almost anything
            raise _unreadable(path, error) from error
    if dtype.hasobject or min(shape, default=0) < 0:
        raise InputError(f"X of {str(path)!r} is an array of objects, which are not read: save numbers")
    return dtype, shape


def holds_sequences(path: Path) -> bool:
    """Tell whether X is sequences, (rows, steps, channels), and neither images nor a table.

    It is where there is an array `lengths`, beside an X of 2 axes too. Otherwise X has 3 axes of floats, or of integers
    beyond 0 to 255, and does not look like images: these are of bytes or booleans; of other integers within 0 to 255;
    or of floats, all whole and within 0 to 255, or all within 0 to 1, none missing, with two sides of at least 8, of
    which the longer has at most twice the pixels of the shorter. Raises InputError for what is no archive of X.
    """
    dtype, shape = npz_header(path)
    if _holds(path, "lengths"):
        return len(shape) in (2, 3)
    if len(shape) != 3 or dtype.kind not in "iuf" or dtype == np.uint8 or 0 in shape:
        return False
    if dtype.kind == "f" and (min(shape[1:]) < _SMALLEST_SIDE or max(shape[1:]) > _LONGEST_SIDE * min(shape[1:])):
        return True
    return not _pixels(path)


def read_npz_lengths(path: Path) -> np.ndarray | None:
    """Read the steps of each row, None: the archive does not say. Raises InputError for what cannot be read."""
    if not _holds(path, "lengths"):
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive["lengths"]
    except Exception as error:  # as broken data may raise almost anything
        raise _unreadable(path, error) from error


def read_npz(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read `X` as it is, and `y` (None: there is none) of text, integers, floats or booleans, one for each row of X.

    Raises InputError for what is not a NumPy archive, arrays of objects, and a `y` that does not fit.
    """
    npz_header(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            X, y = archive["X"], archive.get("y")
    except Exception as error:  # as broken data may raise almost anything
        raise _unreadable(path, error) from error
    if y is not None and (y.ndim != 1 or len(y) != len(X)):
        steps = y.ndim > 1 and y.shape[:2] == X.shape[:2]
        raise InputError(
            f"y of {str(path)!r} has the shape {y.shape}, but X holds {len(X):,} rows: y must hold a value for each"
            + ("; a target for each step is learned in Python, by Classifier or Regressor" if steps else "")
        )
    if y is not None and y.dtype.kind not in "Ubiuf":
        raise InputError(f"y of {str(path)!r} is of type {y.dtype}; it must be text, integers, floats or booleans")
    return X, y


def read_npz_table(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a table: `X` (rows, columns) of numbers, booleans or text, and `y` as in `read_npz`. Raises InputError."""
    dtype, shape = npz_header(path)
    if len(shape) != 2:
        raise InputError(
            f"X of {str(path)!r} has {len(shape)} axes: a table has 2, sequences and gray images have 3, images 4"
        )
    if dtype.kind not in "Ubiuf":
        raise InputError(f"X of {str(path)!r} is of type {dtype}; it must be numbers, booleans or text")
    if 0 in shape:
        raise InputError(f"X of {str(path)!r} is empty: its shape is {shape}")
    return read_npz(path)


def _pixels(path: Path) -> bool:
    """Tell whether all values of X, which are read piece by piece, are whole and within 0 to 255, or within 0 to 1."""
    whole = shares = True
    with _archive(path) as archive:
        try:
            with archive.open("X.npy") as file:
                _, dtype = _header(file)
                while (whole or shares) and (piece := file.read(_VALUES * dtype.itemsize)):
                    values = np.frombuffer(piece, dtype)
                    low, high = values.min(), values.max()  # NaN, where one is
                    whole = whole and bool(low >= 0 and high <= 255 and (values == np.floor(values)).all())
                    shares = shares and bool(low >= 0 and high <= 1)
        except Exception as error:  # on broken data NumPy and zipfile raise almost anything
            raise _unreadable(path, error) from error
    return whole or shares


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    shape, _, dtype = _READERS[np.lib.format.read_magic(file)](file)
    return shape, dtype


def _holds(path: Path, name: str) -> bool:
    with _archive(path) as archive:
        return f"{name}.npy" in archive.namelist()


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # as broken data may raise almost anything
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(f"{str(path)!r} is not a readable NumPy archive (.npz): {reason}")
