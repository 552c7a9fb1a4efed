"""What is handed over and what is lost, against NumPy; what it is worth, by paired tests of SciPy."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from phalanx import Adam
from phalanx.notes.chapters import rewired as chapter

DRAWS = 3


@pytest.fixture(scope="module")
def sounds():
    return chapter.sounds(1600)


@pytest.fixture(scope="module")
def seeing():
    return chapter.learned(chapter.sights(1600), 2)


@pytest.mark.row("A8")
def test_a_steady_tone_is_heard_in_its_band():
    """8 bands between 300 and 3,600 hertz, each 12^(1/8) times as high as the one below."""
    for hertz in (350, 1000, 3000):
        samples = np.sin(2 * np.pi * hertz * np.arange(4096) / 8000)
        band = int(np.floor(8 * np.log(hertz / 300) / np.log(12)))
        assert (chapter.heard(samples).argmax(1) == band).all()


@pytest.mark.row("A8")
def test_layers_learned_by_sight_serve_hearing_if_they_are_kept(sounds, seeing):
    """One-sided, by draws of the examples: kept layers against random ones (under a hundredth by chance), while of
    layers that may learn those from sight are not surely better than those from nothing.
    """
    scores = np.array([chapter.rewired(sounds, 10, draw, seeing, seeing) for draw in range(DRAWS)])
    kept, free = scores[:, :, 0], scores[:, :, -1]
    assert ttest_rel(kept[:, 1], kept[:, 0], alternative="greater").pvalue < 0.01
    assert ttest_rel(free[:, 0], kept[:, 0], alternative="greater").pvalue < 0.01  # learning helps
    assert ttest_rel(free[:, 1], free[:, 0], alternative="greater").pvalue > 0.05


@pytest.mark.row("A8")
def test_lost_units_are_units_that_say_nothing(seeing):
    """A network of the units that are left answers as the whole one would with the activities of the others at 0."""
    X, y = chapter.sights(1600)
    params, left = seeing[0].params, chapter.without_a_third(seeing[0].params, 0)
    rng = np.random.default_rng(0)
    low, high = (np.isin(np.arange(n), rng.choice(n, n - n // 3, replace=False)) for n in chapter.UNITS)
    net = chapter.network((43, 22), optimizer=Adam(0.0), start=left, max_rounds=1).fit(X[:64], y[:64])
    h = (np.float64(X[64:]) - net.encoder_.mean) / net.encoder_.deviation
    h = h.reshape(len(h), -1)
    for name, mask in (("low", low), ("high", high)):
        h = mask * np.maximum(h @ params[name]["weight"] + params[name]["bias"], 0)
    z = h @ params["output"]["weight"] + params["output"]["bias"]
    np.testing.assert_array_equal(net.predict(X[64:]), z.argmax(1))


@pytest.mark.slow
@pytest.mark.row("A8")
def test_lost_units_are_made_up_for():
    found = chapter.compute()
    lost, recovered = found["recovery"][0], found["recovery"][-1]
    assert ttest_rel(recovered, lost, alternative="greater").pvalue < 0.05
    # of 600 images the share near ¾ that is named is known to 2 · √(¾ · ¼ / 600) = 3.5 %
    assert np.mean(recovered) > found["before"][0] - 0.035
    assert np.mean(found["recovery"][1]) > np.mean(found["afresh"][0])
    for sense in ("sound", "sight"):
        kept = found["scores"][sense][:, :, 0]
        assert ttest_rel(kept[:, 1], kept[:, 0], alternative="greater").pvalue < 0.05
