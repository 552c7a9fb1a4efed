"""What the chapter on priors claims, against closed forms, enumeration, and what chance gives."""

import jax
import numpy as np
import pytest

from phalanx.notes.chapters.prior import DIRECTIONS, bars, compute, convolutions, halves, most_probable, moved

DRAWS, REPEATS, TESTED = 40, 2, 500


@pytest.fixture(scope="module")
def found():
    return compute(draws=DRAWS, repeats=REPEATS, maxout_repeats=4, rounds=2, counts=(80,), poolings=())


@pytest.fixture(scope="module")
def whole():
    jax.config.update("jax_disable_most_optimizations", False)  # this much training earns them
    yield compute(draws=2, repeats=12, maxout_repeats=2)
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.mark.row("H5")
def test_under_a_prior_of_no_variance_a_dense_layer_is_the_convolution_that_fits_best(rng):
    basis = convolutions(7, 3).astype(float)
    by_hand = np.stack([np.eye(5, 7, k=q) for q in range(3)])
    np.testing.assert_array_equal(basis, by_hand)
    x, y = rng.normal(size=(6, 7)), rng.normal(size=(6, 5))
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1).reshape(-1, 3)
    kernel = np.linalg.lstsq(windows, y.ravel(), rcond=None)[0]
    strict = most_probable(x, y, basis, sigma=1e-4, noise=1.0)
    # off by σ² ‖XᵀX‖ = 1e-8 · 20 of the weights, and by 1e-16 / σ² where the system is solved
    np.testing.assert_allclose(strict, np.tensordot(kernel, by_hand, 1), atol=2e-7)
    loose = most_probable(x, y, basis, sigma=1e4, noise=1.0)
    np.testing.assert_allclose(x @ loose.T, y, atol=1e-5)  # 6 rows of 7 numbers can be met exactly; off by 1/σ² = 1e-8


@pytest.mark.row("H5")
def test_deviations_shrink_with_the_variance_and_true_priors_help(found):
    small = found["sigmas"] <= 1e-3
    # ‖D‖ ∝ σ² while σ² ‖XᵀX‖ / s² ≈ 1e-6 · 30 / 0.09 is far below 1: ten times for each half decade
    np.testing.assert_allclose(found["distances"][small][1:] / found["distances"][small][:-1], 10, rtol=2e-3)
    # of 3 weights from 6 · 8 windows: s² · 3 / 48, the mean of DRAWS values that scatter as χ²₃, and windows overlap
    assert found["conv_error"] == pytest.approx(0.09 * 3 / 48, rel=4 * np.sqrt(2 / 3 / DRAWS) + 0.1)
    assert found["dense_error"] > 10 * found["conv_error"]
    assert (np.diff(found["errors"][0][found["sigmas"] > 1e-2]) > 0).all()
    assert found["best_sigma"] == pytest.approx(found["off"])  # Bayes' rule: the prior that the truth is drawn from
    assert found["same"] <= 3 * 8 * 2.0**-23  # three products of numbers below 8, in single precision


@pytest.mark.row("H5")
def test_few_examples_are_enough_for_kernels_while_neighbours_are_neighbours(found):
    accuracy = found["scores"].set_index(["images", "pixels", "network"])["accuracy"]
    chance = 0.5 + 4 * np.sqrt(0.25 / TESTED)  # of a coin on so many images; 4 standard errors
    assert accuracy[80, "as they are", "convolutional"] > 0.85
    assert accuracy[80, "as they are", "dense"] < chance
    assert accuracy[80, "shuffled", "convolutional"] < chance


@pytest.mark.slow
@pytest.mark.row("H5")
def test_the_dense_net_learns_from_many_examples_and_does_not_mind_a_shuffle(whole):
    accuracy = whole["scores"].set_index(["images", "pixels", "network"])["accuracy"]
    assert accuracy[1280, "shuffled", "convolutional"] < 0.5 + 4 * np.sqrt(0.25 / TESTED)
    assert accuracy[1280, "as they are", "dense"] > 0.75
    both = [accuracy[1280, pixels, "dense"] for pixels in ("as they are", "shuffled")]
    assert abs(both[0] - both[1]) < 4 * np.sqrt(2 * 0.25 / TESTED)


@pytest.mark.row("H6")
def test_half_of_the_maxima_stay_and_means_move_by_a_ninth(found):
    # whether a maximum stays depends on 4 numbers: at most 7 places are correlated
    assert found["max_kept"] == pytest.approx(0.5, abs=4 * np.sqrt(7 * 0.25 / found["moved"]))
    assert found["mean_kept"] == 0
    # (x_p − x_(p−3))² / 9 against (x_p − x_(p−1))²: each mean has relative variance 2 (1 + 2 · ¼) / n
    assert found["mean_change"] == pytest.approx(1 / 9, rel=4 * np.sqrt(2 * 3 / found["moved"]))


@pytest.mark.row("H6")
def test_images_are_moved_by_pixels():
    image = np.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    assert moved(image, 1)[0, ..., 0].tolist() == [[0, 1, 2], [0, 4, 5]]
    assert moved(image, -1)[0, ..., 0].tolist() == [[2, 3, 0], [5, 6, 0]]
    assert (moved(image, 0) == image).all()


@pytest.mark.slow
@pytest.mark.row("H6")
def test_pooling_after_one_or_two_convolutions_loses_less_than_none_by_moving(whole):
    scores = whole["pool_scores"]
    lost = (scores["as they are"] - scores["moved"]).groupby(scores["pooling"])
    mean, error = lost.mean(), lost.sem()
    for kind in ("mean, after two convolutions", "maximum, after two convolutions"):
        assert mean["none"] - mean[kind] > 2 * np.hypot(error["none"], error[kind])
    assert mean.idxmin() == "maximum over the image"
    best = scores.groupby("pooling")["as they are"].mean()
    assert best.idxmin() == "maximum over the image"


@pytest.mark.row("H6")
def test_bars_have_one_mean_for_both_classes_and_four_pieces_tell_them_apart(found):
    each = np.stack([halves(direction) for direction in DIRECTIONS])
    images = {(i, j): each[i, 0] + each[j, 1] for i in range(4) for j in range(4)}
    straight = np.mean([images[i, i] for i in range(4)], axis=0)
    bent = np.mean([image for (i, j), image in images.items() if i != j], axis=0)
    np.testing.assert_allclose(straight, bent, atol=1e-12)
    pieces = each.sum(1).reshape(4, -1)  # by hand: 8 pixels along a straight bar, 4 along half a one
    x, y = bars(400, seed=5)
    assert (((x @ pieces.T).max(1) > 6) == y).mean() > 0.97  # noise of 0.3 √8 = 0.85 against 2
    scores = found["maxout_scores"]
    assert max(scores["1"]) < 0.5 + 4 * np.sqrt(0.25 / 1000)
    assert max(scores["4"]) > max(scores["2"]) > 0.7
    assert not set(np.sign(found["straight"])) & set(np.sign(found["bent"])) or (
        max(found["straight"]) < min(found["bent"]) or max(found["bent"]) < min(found["straight"])
    )
