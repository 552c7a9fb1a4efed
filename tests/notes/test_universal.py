"""One hidden layer: what is built by hand is exact, the count is Cover's, and training needs more."""

import math

import numpy as np
import pytest

from phalanx.engine import predict
from phalanx.notes.chapters import universal as chapter

DIMENSIONS, SEEDS = (2, 3, 4, 5), 4


@pytest.fixture(scope="module")
def found():
    return chapter.compute(
        seeds=3, rounds=40, dimensions=DIMENSIONS, cube_widths=(1, 2, 4, 8, 16, 32), cube_seeds=SEEDS, cube_rounds=30
    )


@pytest.mark.row("B5")
@pytest.mark.parametrize("width", [1, 3, 64])
def test_the_network_built_by_hand_is_the_interpolation_by_lines(width):
    """Sums of up to 64 terms below 2 · 9π²/64 · 64 in float32: rounding stays under 64 · 180 · 2^−24 = 7e-4."""
    x, knots = np.linspace(0, 1, 301), np.linspace(0, 1, width + 1)
    np.testing.assert_allclose(
        chapter.curve_by_hand(width, x), np.interp(x, knots, np.sin(3 * np.pi * knots)), atol=7e-4
    )
    built = chapter.built(knots, chapter.curve(knots), np.ones(1))
    assert built.params["dense_1"]["bias"].size == width


@pytest.mark.row("B5")
def test_its_error_is_below_the_formula_and_falls_with_the_square_of_the_width(found):
    limits = 9 * np.pi**2 / (8 * np.array([1, 2, 4, 8, 16, 32, 64]) ** 2)
    np.testing.assert_allclose(found["limits"], limits, rtol=1e-12)
    assert (found["built_errors"] <= limits + 7e-4).all()
    assert (
        found["built_errors"][-1] < found["built_errors"][2] / 100
    )  # 16 times the units: 256 times less, but for edges


@pytest.mark.row("B5")
def test_trained_networks_do_not_reach_what_was_built(found):
    assert found["trained"].shape == (7, 3)
    assert found["trained_best"][-1] > 2 * found["built_errors"][-1]


@pytest.mark.row("B5")
@pytest.mark.parametrize("dimension", [1, 2, 5, 8])
def test_parity_is_built_from_as_many_units_as_bits(dimension):
    built, bits = chapter.parity_by_hand(dimension), chapter.corners(dimension)
    assert built.params["dense_1"]["bias"].size == dimension
    by_hand = [bin(code).count("1") % 2 for code in range(2**dimension)]
    np.testing.assert_allclose(predict(built, bits.astype(np.float32))[0][:, 0], by_hand, atol=1e-6)  # whole numbers


@pytest.mark.row("B5")
def test_any_labels_of_the_corners_are_built(rng):
    """Slopes are whole numbers up to 2 at distances up to 63: float32 is exact."""
    labels = rng.integers(0, 2, 64)
    built = chapter.any_by_hand(labels)
    assert built.params["dense_1"]["bias"].size == 63
    np.testing.assert_allclose(predict(built, chapter.corners(6).astype(np.float32))[0][:, 0], labels, atol=1e-5)


@pytest.mark.row("B5")
@pytest.mark.parametrize("dimension", [2, 5, 8, 10])
def test_the_needed_width_is_that_of_the_count(dimension):
    """Cover: hyperplanes divide N points of d dimensions in at most 2 Σ_{j ≤ d} C(N − 1, j) ways."""
    points = 2**dimension

    def ways(dimensions):
        return 2 * sum(math.comb(points - 1, j) for j in range(min(dimensions, points - 1) + 1))

    assert ways(2) == 14 or dimension != 2  # of the 16 functions of two bits all but XOR and its opposite

    def most(width):
        return ways(dimension) ** width * ways(width * (dimension + 1))

    needed = chapter.needed_width(dimension)
    assert 2 * most(needed) >= 2**points
    assert needed == 1 or 2 * most(needed - 1) < 2**points


@pytest.mark.row("B5")
def test_training_needs_more_units_with_each_dimension_and_more_than_parity_has(found):
    table = found["table"]
    assert (table["trained, random"] >= table["needed"]).all()
    assert table["trained, random"].is_monotonic_increasing
    assert table["trained, random"].iloc[-1] >= 4 * table["trained, random"].iloc[0]  # the corners are 8 times as many
    last = table.iloc[-1]
    assert last["trained, parity"] > last["built, parity"] == 5
    assert found["fits"].shape == (6, 2, 4)
    assert (found["fits"] * SEEDS % 1 == 0).all()


@pytest.mark.slow
@pytest.mark.row("B5")
def test_at_full_size_the_width_grows_exponentially_with_dimension():
    found = chapter.compute()
    widths = found["table"]["trained, random"].to_numpy()
    assert np.isfinite(widths).all()
    assert found["growth"] > 1.4
    assert found["parity_last"] > 2 * 7
    assert found["worse"] > 5
