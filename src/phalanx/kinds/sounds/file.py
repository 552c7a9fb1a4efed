"""One WAV file as samples of one channel."""

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from phalanx.data.files import BrokenFileError
from phalanx.data.folder import FileKind

SOUNDS = FileKind("sound", "sounds", (".wav", ".wave"))

_RATES = range(1_000, 400_001)  # samples a second
_UNKNOWN_LENGTH = 0x7FFF0000  # bytes; programs that write as they record put such a number before the samples


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples of one channel, float32 (n,), in units of full scale; `rate`: samples a second."""

    rate: int
    samples: np.ndarray


def read_sound(path: Path) -> Sound:
    """Read a WAV file of whole numbers (8 to 64 bits) or floats (32, 64); several channels become their mean.

    Raises BrokenFileError for what is no such file, is empty, breaks off, or holds values that are not finite.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BrokenFileError((error.strerror or str(error)).lower()) from error
    _check_length(raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of blocks that hold no samples
            rate, samples = wavfile.read(io.BytesIO(raw))
    except Exception as error:  # on broken data it raises almost anything
        reason = str(error).rstrip(".").partition("Supported formats")[0].strip()
        raise BrokenFileError(f"not a WAV file that can be read: {reason or type(error).__name__}") from error
    if rate not in _RATES:
        raise BrokenFileError(f"{rate:,} samples a second; there must be {_RATES[0]:,} to {_RATES[-1]:,}")
    if samples.size == 0:
        raise BrokenFileError("empty: it holds no samples")
    scaled = _of_full_scale(samples)
    if not np.isfinite(scaled).all():
        raise BrokenFileError("it holds values that are not finite")
    return Sound(int(rate), scaled if scaled.ndim == 1 else scaled.mean(1, dtype=np.float32))


def _of_full_scale(samples: np.ndarray) -> np.ndarray:
    """Return samples as float32, whole numbers divided by the greatest of their kind; those of 8 bits have no sign."""
    if samples.dtype.kind == "u":
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(2.0 ** (8 * samples.dtype.itemsize - 1))
    with np.errstate(over="ignore"):
        return samples.astype(np.float32)


def _check_length(raw: bytes) -> None:
    """Raise BrokenFileError for a file that is empty, or ends before the samples it announces."""
    if not raw:
        raise BrokenFileError("empty")
    if raw[:4] not in (b"RIFF", b"RIFX") or raw[8:12] != b"WAVE":
        return  # the reader says more
    at, number = 12, "<I" if raw[:4] == b"RIFF" else ">I"
    while at + 8 <= len(raw):
        (size,) = struct.unpack(number, raw[at + 4 : at + 8])
        held = len(raw) - at - 8
        if raw[at : at + 4] == b"data":
            if held < size < _UNKNOWN_LENGTH:
                raise BrokenFileError(f"it breaks off: {size:,} bytes of samples are announced, {held:,} are there")
            return
        at += 8 + size + size % 2
