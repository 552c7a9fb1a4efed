"""The encoder of sounds: what it learns from training sounds, and any sound as a spectrogram."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.data.encoded import Encoded
from phalanx.data.files import each
from phalanx.data.goals import Goal
from phalanx.errors import InputError
from phalanx.kinds.sequences.frames import FrameEncoder
from phalanx.kinds.sounds.file import Sound
from phalanx.kinds.sounds.space import sound_size, sound_space
from phalanx.kinds.sounds.spectrogram import log_mel
from phalanx.network import Network
from phalanx.search.effort import Size

_BANDS = 40
_HOPS = (0.010, 0.040)  # seconds between two steps: of short sounds, and at most of long ones
_OVERLAP = 2.5  # a window is so many times as long as a hop
_STEPS, _MOST_STEPS = 300, 1_000  # steps for which a longer hop is taken, and the most there are
_WHOLE = 0.95  # share of the training sounds that have all their steps
_ENOUGH = 2_000  # training sounds from which the scale of the bands is learned


@dataclass(frozen=True)
class SoundEncoder(FrameEncoder):
    """Turns sounds into rows (steps, bands): the power of frequency bands, standardized; NaN after a sound's end.

    Power is in decibels below the loudest of its sound (see `log_mel`), minus the `mean` and divided by the `deviation`
    of each band among the training sounds. `rate` (samples a second) is the commonest one; a step begins every `hop`
    samples (10 ms; up to 40 ms for long sounds) and lasts `window` samples; there are as many steps as 95 of 100
    training sounds have, at most 1,000, and the end of longer sounds is cut.

    >>> encoder = SoundEncoder.fit(_some_sounds([0.1, 0.2, 0.2]))
    >>> encoder.rate, encoder.window, encoder.hop, encoder.steps
    (8000, 200, 80, 18)
    >>> rows = encoder.transform(_some_sounds([0.1]))
    >>> rows.shape, int((~np.isnan(rows[0, :, 0])).sum())
    ((1, 18, 40), 8)
    """

    rate: int
    window: int
    hop: int
    steps: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @staticmethod
    def fit(rows: np.ndarray) -> "SoundEncoder":
        """Learn from training sounds, an array (n,) of `Sound`; a band that is always alike is centred only."""
        counts = Counter(sound.rate for sound in rows)
        rate = max(counts, key=lambda rate: (counts[rate], rate))
        seconds = np.quantile([len(sound.samples) / sound.rate for sound in rows], _WHOLE, method="higher")
        hop = round(rate * min(max(seconds / _STEPS, _HOPS[0]), _HOPS[1]))
        window = round(_OVERLAP * hop)
        steps = 1 + max(math.ceil(seconds * rate) - window, 0) // hop
        plain = SoundEncoder(rate, window, hop, min(steps, _MOST_STEPS), (0.0,) * _BANDS, (1.0,) * _BANDS)
        power = plain.transform(rows[:: -(-len(rows) // _ENOUGH)]).astype(np.float64)
        mean, deviation = np.nanmean(power, (0, 1)), np.nanstd(power, (0, 1))
        return SoundEncoder(
            rate,
            window,
            hop,
            plain.steps,
            tuple(mean.tolist()),
            tuple(np.where(deviation > 0, deviation, 1.0).tolist()),
        )

    @property
    def bands(self) -> int:
        """The number of frequency bands."""
        return len(self.mean)

    def size(self, rows: int) -> Size:
        return sound_size(rows)

    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        return sound_space(rows, (self.steps, self.bands), goals)

    def describe(self, rows: int) -> list[str]:
        seconds = ((self.steps - 1) * self.hop + self.window) / self.rate
        step = 1000 * self.hop / self.rate
        return [
            f"sounds: {rows:,} at {self.rate:,} samples a second, of at most {seconds:.1f} s: {self.steps:,} "
            f"steps of {step:.0f} ms, {self.bands} frequency bands"
        ]

    def transform(self, rows: Any) -> np.ndarray:
        """Return sounds as float32 (n, steps, bands); raise `InputError` for anything but sounds."""
        if not isinstance(rows, np.ndarray) or rows.ndim != 1 or not all(isinstance(row, Sound) for row in rows):
            raise InputError("the model was trained on sounds; give sounds (.wav)")
        found = np.full((len(rows), self.steps, self.bands), np.nan, np.float32)
        mean, deviation = (np.array(held, np.float32) for held in (self.mean, self.deviation))

        def fill(i: int) -> None:
            power = log_mel(rows[i], self.rate, self.window, self.hop, self.bands, self.steps)
            found[i, : len(power)] = (power - mean) / deviation

        each(fill, len(rows), None)
        return found

    def as_numbers(self, rows: np.ndarray) -> Encoded:
        """Return mean and deviation over the steps of each band, for models that take no sequences."""
        numbers = np.hstack([np.nanmean(rows, 1), np.nanstd(rows, 1)])
        return Encoded(numbers, np.zeros((len(rows), 0), np.int32))


def _some_sounds(seconds: list[float]) -> np.ndarray:
    """Return noise of 8,000 samples a second, for the example."""
    rng = np.random.default_rng(0)
    found = np.empty(len(seconds), object)
    found[:] = [Sound(8_000, rng.normal(size=round(8_000 * length)).astype(np.float32)) for length in seconds]
    return found
