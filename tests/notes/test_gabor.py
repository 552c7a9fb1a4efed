"""What the chapter on Gabor functions claims: fits against functions written down, counts against chance."""

import numpy as np
import pytest

from phalanx.notes.chapters.gabor import compute, gabor_of

SIZE = 12


@pytest.fixture(scope="module")
def found():
    return compute(patches=5000, units=20, rounds=2, weights=(0.0, 1.5))


def gabor(x0, y0, turn, frequency, phase, bell_x, bell_y):
    """Equation (9.16) of the book, (9.17) and (9.18) in it."""
    y, x = np.mgrid[:SIZE, :SIZE]
    along = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
    across = -(x - x0) * np.sin(turn) + (y - y0) * np.cos(turn)
    return np.exp(-bell_x * along**2 - bell_y * across**2) * np.cos(frequency * along + phase)


@pytest.mark.row("H7")
@pytest.mark.parametrize("turn", [0.3, 1.2, 2.5])
def test_a_gabor_function_is_found_where_there_is_one(turn, rng):
    clean = gabor(6.2, 4.7, turn, 1.3, 0.8, 0.06, 0.03)
    explained, function = gabor_of(clean)
    assert explained > 1 - 1e-6
    np.testing.assert_allclose(function, clean, atol=1e-3 * np.abs(clean).max())
    # under noise of a tenth of its variance it explains ten elevenths, but for what 8 numbers of 144 make of noise
    noise = rng.normal(size=clean.shape)
    explained, _ = gabor_of(clean + noise * np.sqrt(0.1 * (clean**2).sum() / (noise**2).sum()))
    assert explained == pytest.approx(10 / 11, abs=0.03)


@pytest.mark.row("H7")
def test_patches_are_whitened(found):
    inside = found["drawn"] @ found["whitening"]
    np.testing.assert_allclose(np.cov(inside.T), np.eye(found["kept"]), atol=1e-8)


@pytest.mark.row("H7")
def test_what_is_explained_is_what_the_functions_leave(found):
    r2 = found["explained"][f"α = {found['best_alpha']:g}"]
    left = ((found["images"] - found["functions"]) ** 2).sum((1, 2)) / (found["images"] ** 2).sum((1, 2))
    np.testing.assert_allclose(1 - left, r2, atol=1e-9)


@pytest.mark.row("H7")
def test_filters_of_a_sparse_code_are_gabor_functions_and_others_are_not(found):
    """If they were as those of an untrained network, m of n would all lie above those by a chance of at most 2^-m."""
    explained = {name: np.sort(r2) for name, r2 in found["explained"].items()}
    luck = explained["untrained"].max()
    assert found["best_alpha"] == 1.5
    assert (explained["α = 1.5"] > luck).sum() >= 10  # 2^-10
    assert (explained["α = 0"] > luck).sum() < 10
    assert np.median(explained["α = 1.5"]) > 2 * np.median(explained["untrained"])
    assert luck < 0.5
    errors = found["counts"]["error of patches"].tolist()
    # of white components as many as there are units can be decoded; rounded to 0.01, and not trained to the end
    assert float(errors[0]) == pytest.approx(1 - 20 / found["kept"], abs=0.02)
    assert float(errors[0]) < float(errors[1])  # the penalty costs
