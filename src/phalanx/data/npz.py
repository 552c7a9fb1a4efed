"""NumPy archives (`.npz`) that hold `X` and perhaps `y`."""

import zipfile
from pathlib import Path

import numpy as np

from phalanx.errors import InputError

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def npz_header(path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """Read the type and the shape of `X`, not its values. Raises InputError where there is no such array."""
    with _archive(path) as archive:
        try:
            with archive.open("X.npy") as file:
                shape, _, dtype = _READERS[np.lib.format.read_magic(file)](file)
        except KeyError as error:
            held = ", ".join(repr(name.removesuffix(".npy")) for name in archive.namelist()[:5])
            raise InputError(f"{str(path)!r} holds no array 'X', but {held or 'nothing'}") from error
        except Exception as error:  # on broken data NumPy and zipfile raise almost anything
            raise _unreadable(path, error) from error
    if dtype.hasobject or min(shape, default=0) < 0:
        raise InputError(f"X of {str(path)!r} is an array of objects, which are not read: save numbers")
    return dtype, shape


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
        raise InputError(
            f"y of {str(path)!r} has the shape {y.shape}, but X holds {len(X):,} rows: y must hold a value for each"
        )
    if y is not None and y.dtype.kind not in "Ubiuf":
        raise InputError(f"y of {str(path)!r} is of type {y.dtype}; it must be text, integers, floats or booleans")
    return X, y


def read_npz_table(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a table: `X` (rows, columns) of numbers, booleans or text, and `y` as in `read_npz`. Raises InputError."""
    dtype, shape = npz_header(path)
    if len(shape) != 2:
        raise InputError(f"X of {str(path)!r} has {len(shape)} axes: a table has 2, images have 3 or 4")
    if dtype.kind not in "Ubiuf":
        raise InputError(f"X of {str(path)!r} is of type {dtype}; it must be numbers, booleans or text")
    if 0 in shape:
        raise InputError(f"X of {str(path)!r} is empty: its shape is {shape}")
    return read_npz(path)


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # as broken data may raise almost anything
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(f"{str(path)!r} is not a readable NumPy archive (.npz): {reason}")
