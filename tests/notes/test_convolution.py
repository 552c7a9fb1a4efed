"""What the chapter on convolution claims, against counts by hand, SciPy and closed forms."""

import numpy as np
import pytest
from scipy import linalg, signal

from phalanx import Conv
from phalanx.notes.chapters.convolution import (
    KERNEL,
    compute,
    forgetting,
    matrix_of,
    on_image,
    photograph,
    sliding,
    sparse_matrix,
)

SIDE, FLIGHTS = 200, 100
ROUNDING = 2.0**-22  # of a sum of a few products in single precision, relative to its terms


@pytest.fixture(scope="module")
def found():
    return compute(side=SIDE, flights=FLIGHTS)


@pytest.mark.row("H1")
def test_a_full_layer_has_1_6_billion_weights_and_edges_need_two_numbers(found):
    assert found["full_weights"] == 1_600_000_000  # (200 · 200)²
    assert found["full_gigabytes"] == 6.4  # 4 bytes each
    assert found["edge_weights"] == 2 * 200 * 200 - 200  # two for each answer, but one at the right border
    assert found["zeros"] == 1 - 79_800 / 1.6e9
    few = matrix_of(Conv(1, (1, 2), bias=False), np.array([[-1.0, 1.0]]), (6, 6))
    assert (few == sparse_matrix(np.array([[-1.0, 1.0]]), 6).toarray()).all()
    assert sorted(set(few.ravel())) == [-1, 0, 1]


@pytest.mark.row("H1")
@pytest.mark.row("H3")
def test_edges_are_the_differences_of_neighbours(found):
    by_hand = np.diff(photograph(SIDE), axis=1)
    np.testing.assert_allclose(found["edges"][:, :-1], by_hand, atol=255 * ROUNDING)
    assert found["matrix_error"] <= 255 * ROUNDING


@pytest.mark.row("H2")
def test_the_sum_comes_to_the_integral_as_euler_and_maclaurin_say(found):
    t = found["moment"]
    # ∫₀^∞ sin(t − a) e^(−a) da = (sin t − cos t) / 2; what lies beyond the 12th second is at most e^(−12)
    assert found["integral"] == pytest.approx((np.sin(t) - np.cos(t)) / 2, abs=np.exp(-12))
    for interval, total, _ in found["sums"].itertuples(index=False):
        # of g(a) = sin(t − a) e^(−a): h/2 g(0) − h²/12 g'(0) + at most h⁴/720 max |g'''| with |g'''| ≤ 4
        more = interval / 2 * np.sin(t) + interval**2 / 12 * (np.sin(t) + np.cos(t))
        tolerance = interval**4 / 180 + 2 * np.exp(-12) + ROUNDING * 2
        assert total - found["integral"] == pytest.approx(more, abs=tolerance)


@pytest.mark.row("H2")
def test_weights_that_are_a_distribution_leave_their_squares_of_the_noise_and_lag_by_the_mean_age(found):
    """For weights (1 − r) r^age: Σ w² = (1 − r)/(1 + r), mean age r/(1 − r); errors of neighbours correlate by r."""
    ratios = np.array([0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93])
    assert forgetting(0.7, 60).sum() == pytest.approx(1)
    ages = ratios / (1 - ratios)
    np.testing.assert_allclose(found["ages"], ages, rtol=0.07)  # cut after 60 seconds: 0.93^60 · 60 / 13 = 0.06
    noise, lag = 9 * (1 - ratios) / (1 + ratios), 0.5 * ages
    count = FLIGHTS * 60
    deviation = np.sqrt(
        2 * noise**2 * (1 + ratios**2) / (1 - ratios**2) / count
        + 4 * lag**2 * noise * (1 + ratios) / (1 - ratios) / count
    )
    off = np.abs(np.square(found["measured"]) - np.square(found["formula"]))
    assert (off <= 4 * deviation + ROUNDING * 300 * np.array(found["measured"])).all()
    np.testing.assert_allclose(found["formula"], np.sqrt(noise + lag**2), rtol=0.07)
    assert found["best_error"] < found["raw_error"] / 1.5


@pytest.mark.row("H2")
def test_no_later_reading_is_seen(found):
    assert found["leak"] == 0


@pytest.mark.row("H2")
@pytest.mark.row("H3")
@pytest.mark.parametrize("shape", [(9,), (7, 8), (4, 5, 6)], ids=["series", "image", "volume"])
def test_flipped_it_is_the_convolution_of_scipy_and_unflipped_its_correlation(shape, rng):
    image, kernel = rng.normal(size=shape), rng.normal(size=(3,) * len(shape))
    tolerance = ROUNDING * np.abs(kernel).sum() * np.abs(image).max()
    for flip, truth in ((True, signal.convolve), (False, signal.correlate)):
        made = on_image(Conv(1, 3, flip=flip, bias=False), kernel, image)
        np.testing.assert_allclose(made, truth(image, kernel, mode="same", method="direct"), atol=tolerance)


@pytest.mark.row("H3")
def test_what_a_single_one_becomes(found):
    rows = {row[0]: list(row[1:]) for row in found["impulse"].itertuples(index=False)}
    assert rows["the row"] == [0, 0, 1, 0, 0, 0, 0]
    assert rows["convolution"] == [0, 1, 2, 3, 0, 0, 0]
    assert rows["cross-correlation"] == [0, 3, 2, 1, 0, 0, 0]


@pytest.mark.row("H3")
def test_shapes_and_parameters_by_hand(found):
    assert found["shapes"]["answers"].tolist() == ["200 × 200 × 1", "198 × 198 × 1", "100 × 100 × 1", "200 × 200 × 8"]
    assert found["shapes"]["parameters"].tolist() == [10, 10, 10, 80]  # (9 weights and a bias) · channels


@pytest.mark.row("H4")
def test_its_matrices_are_toeplitz_and_circulant(found):
    np.testing.assert_array_equal(found["toeplitz"], linalg.toeplitz([1, 0, 0, 0], [1, 2, 3, 0, 0, 0]))
    blocks = [linalg.circulant([row[1], row[0], 0, 0, row[2]]) for row in np.arange(1.0, 10.0).reshape(3, 3)]
    down = [linalg.circulant(np.eye(5)[place]) for place in (1, 0, 4)]  # the row before, the same, the one after
    np.testing.assert_array_equal(found["circulant"], sum(map(np.kron, down, blocks)))
    assert (found["per_row"], found["matrix_size"]) == (9, 25)


@pytest.mark.row("H4")
def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_places(found):
    x, aims = np.float64(found["pixels"]), np.float64(found["aims"])
    windows = np.lib.stride_tricks.sliding_window_view(x, 3)
    by_hand = (
        2 * (windows @ KERNEL - aims)[:, None] * windows
    )  # L = Σ (z_p − aim_p)², ∂L/∂w_pq = 2 (z_p − aim_p) x_(p + q)
    table = found["gradients"]
    tolerance = 30 * ROUNDING * np.abs(by_hand).max()
    np.testing.assert_allclose(table[[f"place {p}" for p in range(1, 5)]].to_numpy().T, by_hand, atol=tolerance)
    np.testing.assert_allclose(table["of the layer"], by_hand.sum(0), atol=4 * tolerance)
    # copies that move by the sum stay the kernel: 20 steps of a descent that contracts, rounded each time
    assert found["apart"] <= found["steps"] * 4 * ROUNDING * np.abs(KERNEL).max()


@pytest.mark.row("H4")
def test_matrix_and_window_are_the_same_sum_and_the_matrix_is_as_large_as_counted(found, rng):
    image, kernel = rng.normal(size=(12, 12)), rng.normal(size=(5, 5))
    truth = signal.correlate2d(image, kernel, mode="same")
    tolerance = ROUNDING * np.abs(kernel).sum() * np.abs(image).max()
    np.testing.assert_allclose(sliding(kernel, image), truth, atol=tolerance)
    np.testing.assert_allclose((sparse_matrix(kernel, 12) @ image.ravel()).reshape(12, 12), truth, atol=tolerance)
    counts = [(3 * 200 - 2) ** 2, (7 * 200 - 12) ** 2]  # k² · side², less what would reach over the border
    assert found["space_and_time"]["multiplications"].tolist() == [f"{count:,}" for count in counts]
    # a weight and its column, 4 bytes each, and where each row begins
    stored = [f"{8 * count + 4 * (200 * 200 + 1):,}" for count in counts]
    assert found["space_and_time"]["bytes of the matrix"].tolist() == stored
    assert found["dense_over_sparse"] == 200**4 / counts[0]
