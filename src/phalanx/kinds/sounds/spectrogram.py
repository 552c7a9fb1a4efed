"""Samples as the power of frequency bands, step by step."""

from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy import signal

from phalanx.kinds.sounds.file import Sound

FLOOR = -60.0
"""Decibels below the loudest band and step of a sound; what is quieter counts as this."""

_FINEST = 1_000  # the greatest number in the ratio of two rates; what that rounds is far below a semitone


def log_mel(sound: Sound, rate: int, window: int, hop: int, bands: int, most: int) -> np.ndarray:
    """Return the power of frequency bands, float32 (steps, bands), in decibels below the loudest, at least `FLOOR`.

    The sound is brought to `rate` samples a second. Every `hop` samples a Hann window of `window` samples is a step,
    at most `most` of them; a shorter sound is one step, filled up with silence. How loud a recording is does not
    matter.
    """
    taken = sound.samples[: -(-(window + (most - 1) * hop) * sound.rate // rate)]
    if sound.rate != rate:
        ratio = Fraction(rate, sound.rate).limit_denominator(_FINEST)
        taken = signal.resample_poly(taken, ratio.numerator, ratio.denominator)
    taken = np.pad(taken, (0, max(window - len(taken), 0)))
    length, filters = mel_filters(rate, window, bands)
    _, _, power = signal.spectrogram(
        taken, rate, "hann", nperseg=window, noverlap=window - hop, nfft=length, detrend=False
    )
    mel = filters @ power[:, :most].astype(np.float64)
    loudest = mel.max()
    if not loudest > 0:
        return np.full(mel.T.shape, FLOOR, np.float32)
    with np.errstate(divide="ignore"):
        return np.maximum(10 * np.log10(mel.T / loudest), FLOOR).astype(np.float32)


@lru_cache(8)
def mel_filters(rate: int, window: int, bands: int) -> tuple[int, np.ndarray]:
    """Return the length of the Fourier transform, and the share of each of its frequencies in each band, (bands, n).

    Bands are triangles with their feet at the centres of the neighbours; the centres are equally far apart on the scale
    mel = 2595 log10(1 + f / 700 Hz), from 0 to rate / 2. The transform is fine enough for the narrowest band.

    Source: the filter bank of HTK (Young et al., The HTK Book, 5.4).
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    length = 1 << (max(window, int(rate / corners[1])) - 1).bit_length()
    frequency = np.arange(length // 2 + 1) * rate / length
    rising = (frequency - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequency) / np.diff(corners)[1:, None]
    return length, np.maximum(np.minimum(rising, falling), 0)
