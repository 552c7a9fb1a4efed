"""Spectrograms: tones, loudness, rates and lengths; and the encoder that makes rows of them."""

import json

import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.kinds.sounds.encoder import SoundEncoder
from phalanx.kinds.sounds.file import Sound
from phalanx.kinds.sounds.spectrogram import FLOOR, log_mel, mel_filters


def tone(frequency, seconds=0.5, rate=8_000, loudness=0.5):
    return Sound(rate, (loudness * np.sin(2 * np.pi * frequency * np.arange(seconds * rate) / rate)).astype(np.float32))


def rows(*sounds):
    found = np.empty(len(sounds), object)
    found[:] = sounds
    return found


def centres(rate=8_000, bands=40):
    """Centres of the bands, by the formula of the HTK Book: mel = 1127 ln(1 + f / 700)."""
    mel = 1127 * np.log(1 + rate / 2 / 700) * np.arange(1, bands + 1) / (bands + 1)
    return 700 * (np.exp(mel / 1127) - 1)


@pytest.mark.parametrize("frequency", [200, 440, 1_000, 2_500, 3_800])
def test_a_tone_is_loudest_in_the_band_nearest_to_it(frequency):
    power = log_mel(tone(frequency), 8_000, 200, 80, 40, 1_000)
    assert power.shape == (48, 40)  # 1 + (4000 - 200) // 80
    assert power.dtype == np.float32
    nearest = np.abs(centres() - frequency).argmin()
    assert np.abs(power.argmax(1) - nearest).max() <= 1
    assert power.max() == 0
    assert power.min() == FLOOR


def test_loudness_does_not_matter_but_what_is_louder_within_a_sound_does():
    loud, soft = (log_mel(tone(700, loudness=loudness), 8_000, 200, 80, 40, 1_000) for loudness in (0.9, 0.003))
    np.testing.assert_allclose(loud, soft, atol=0.05)
    half = tone(700).samples.copy()
    half[2_000:] /= 10
    power = log_mel(Sound(8_000, half), 8_000, 200, 80, 40, 1_000).max(1)
    assert power[5] == pytest.approx(0, abs=0.1)
    assert power[-5] == pytest.approx(-20, abs=0.1)  # a tenth of the amplitude


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_other_rates_are_brought_to_one(rate):
    expected, found = (log_mel(tone(900, rate=r), 8_000, 200, 80, 40, 1_000) for r in (8_000, rate))
    assert abs(len(found) - len(expected)) <= 1
    middle = slice(5, 40)
    loud = expected[middle] > -40
    assert np.abs(found[middle][: len(expected[middle])] - expected[middle])[loud].max() < 1


def test_short_long_and_silent_sounds():
    assert log_mel(tone(500, 0.001), 8_000, 200, 80, 40, 10).shape == (1, 40)
    np.testing.assert_array_equal(
        log_mel(tone(500, 3), 8_000, 200, 80, 40, 10), log_mel(tone(500, 0.115), 8_000, 200, 80, 40, 10)
    )
    assert (log_mel(Sound(8_000, np.zeros(800, np.float32)), 8_000, 200, 80, 40, 10) == FLOOR).all()


@pytest.mark.parametrize("rate", [1_000, 4_000, 8_000, 16_000, 44_100, 400_000])
def test_every_band_has_a_frequency_and_its_triangle(rate):
    length, filters = mel_filters(rate, rate // 40, 40)
    assert filters.shape == (40, length // 2 + 1)
    assert (filters.max(1) > 0.3).all()
    frequency = np.arange(length // 2 + 1) * rate / length
    between = (frequency > centres(rate)[0]) & (frequency < centres(rate)[-1])
    np.testing.assert_allclose(filters[:, between].sum(0), 1)  # neighbours share what lies between their centres


def test_the_encoder_learns_rate_steps_and_scale():
    rng = np.random.default_rng(0)
    noise = [Sound(8_000, rng.normal(size=size).astype(np.float32)) for size in [2_000] * 19 + [8_000]]
    encoder = SoundEncoder.fit(rows(*noise, tone(500, rate=16_000)))
    assert (encoder.rate, encoder.window, encoder.hop, encoder.bands) == (8_000, 200, 80, 40)
    assert encoder.steps == 48  # of the tone, 4,000 samples at this rate: only the longest of 21 is cut
    found = encoder.transform(rows(*noise))
    assert (found.shape, found.dtype) == ((20, 48, 40), np.float32)
    real = ~np.isnan(found)
    assert (real.all(2) == real.any(2)).all()
    assert real[..., 0].sum(1).tolist() == [23] * 19 + [48]
    seen = encoder.transform(rows(*noise, tone(500, rate=16_000)))
    np.testing.assert_allclose(np.nanmean(seen, (0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(np.nanstd(seen, (0, 1)), 1, atol=1e-4)


@pytest.mark.parametrize(("seconds", "hop", "steps"), [(0.5, 80, 48), (6.0, 160, 298), (60.0, 320, 1_000)])
def test_long_sounds_have_longer_steps(seconds, hop, steps):
    encoder = SoundEncoder.fit(rows(tone(500, seconds), tone(700, seconds)))
    assert (encoder.hop, encoder.window, encoder.steps) == (hop, 2.5 * hop, steps)


def test_numbers_for_models_that_take_no_sequences():
    encoder = SoundEncoder.fit(rows(tone(500), tone(1_500, 0.3), tone(300, 0.2)))
    found = encoder.transform(rows(tone(1_500, 0.3)))
    real = found[0, ~np.isnan(found[0, :, 0])].astype(np.float64)
    assert len(real) < encoder.steps
    numbers = encoder.as_numbers(found)
    np.testing.assert_allclose(numbers.numbers[0], [*real.mean(0), *real.std(0)], rtol=1e-4, atol=1e-5)
    assert numbers.codes.shape == (1, 0)
    assert encoder.cardinalities == ()


def test_the_encoder_as_plain_data():
    encoder = SoundEncoder.fit(rows(tone(500), tone(1_500)))
    assert SoundEncoder.from_plain(json.loads(json.dumps(encoder.to_plain()))) == encoder


@pytest.mark.parametrize("given", [np.zeros((3, 4)), np.array(["a"], object), [tone(500)]])
def test_anything_else_is_refused(given):
    encoder = SoundEncoder.fit(rows(tone(500)))
    with pytest.raises(InputError, match=r"the model was trained on sounds; give sounds \(\.wav\)"):
        encoder.transform(given)
