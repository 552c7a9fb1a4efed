"""XOR: least squares by fractions, products of matrices, and where networks of two rectifiers can end."""

from fractions import Fraction

import numpy as np
import pytest

from phalanx.notes.chapters import xor as chapter

SEEDS, UNITS = 48, (2, 8)
ROUNDING = 2**-23  # of single precision


@pytest.fixture(scope="module")
def found():
    return chapter.compute(seeds=SEEDS, units=UNITS)


@pytest.mark.row("C1")
def test_least_squares_by_fractions(found):
    """The normal equations hold exactly at b = 1/2, w = 0, and their determinant is not 0: it is the only solution."""
    rows = [(1, 0, 0, 0), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)]
    solution = (Fraction(1, 2), Fraction(0), Fraction(0))
    residuals = [sum(a * b for a, b in zip(row[:3], solution, strict=True)) - row[3] for row in rows]
    assert all(sum(row[j] * r for row, r in zip(rows, residuals, strict=True)) == 0 for j in range(3))
    assert 4 * (2 * 2 - 1 * 1) - 2 * (2 * 2 - 1 * 2) + 2 * (2 * 1 - 2 * 2) == 4  # of (4 2 2; 2 2 1; 2 1 2)
    np.testing.assert_allclose(found["closed"], np.float64(solution), atol=1e-15)
    assert found["line_error"] == pytest.approx(sum(float(r) ** 2 for r in residuals) / 4)


@pytest.mark.row("C1")
def test_gradient_descent_comes_to_the_same(found):
    """The cost ½(z − t)² has the Hessian (1 ½ ½; ½ ½ ¼; ½ ¼ ½), whose least eigenvalue is 0.157: 1,000 steps of 0.5
    leave (1 − 0.078)^1000 = 10^−35 of the distance, less than rounding.
    """
    rows = np.column_stack([np.ones(4), chapter.X])
    least, *_, largest = np.linalg.eigvalsh(rows.T @ rows / 4)
    assert 0.5 * largest < 2
    assert (1 - 0.5 * least) ** chapter.UPDATES < 1e-30
    np.testing.assert_allclose(found["by_gradient"], 0.5, atol=8 * ROUNDING)


@pytest.mark.row("C2")
def test_affine_after_affine_is_affine(found):
    """Three products of at most 8 terms, of numbers up to 4: some 3 · 8 roundings of the order of 4. An affine f has
    f(0, 0) + f(1, 1) = f(0, 1) + f(1, 0), so none is nearer to XOR than 1/2 everywhere, which descent comes close to.
    """
    assert found["collapse_off"] < 3 * 8 * 4 * ROUNDING
    assert found["deep_seeds"] == 8
    for end in ("deep_low", "deep_high"):
        assert found[end] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.row("C1")
def test_the_books_solution_step_by_step(found):
    steps = found["steps"]
    assert steps["z"].tolist() == ["(0, -1)", "(1, 0)", "(1, 0)", "(2, 1)"]  # x₁ + x₂, and that minus 1
    assert steps["h"].tolist() == ["(0, 0)", "(1, 0)", "(1, 0)", "(2, 1)"]
    assert steps["y"].tolist() == [a ^ b for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]]


@pytest.mark.row("C1")
def test_some_seeds_of_two_rectifiers_learn_it_and_some_do_not(found):
    shares = found["shares"]["learned"]
    for units in UNITS:
        answers = found["answers"][units]
        right = (np.abs(answers - [0, 1, 1, 0]) < 0.5).all(1)
        assert len(answers) == SEEDS
        assert shares[units] <= right.mean()
    assert 0 < shares[2] < 1
    spread = sum(share * (1 - share) / SEEDS for share in shares) ** 0.5
    assert shares[8] - shares[2] > 4 * spread  # four standard errors of the difference


@pytest.mark.row("C1")
def test_where_the_others_end(found):
    """By hand: all four alike, 1/4; one row apart from the mean of three, (2·(1/3)² + (2/3)²)/4 = 1/6; two rows right
    and one half for two of different targets, (1/4 + 1/4)/4 = 1/8.
    """
    halves, thirds = {0.0, 0.5, 1.0}, {0.0, round(1 / 3, 3), round(2 / 3, 3), 1.0}
    seen = set()
    for answers in found["answers"].values():
        for said in answers:
            error = ((said - [0, 1, 1, 0]) ** 2).mean()
            near = {name: abs(error - at) < 1e-3 for name, at in (("1/8", 1 / 8), ("1/6", 1 / 6), ("1/4", 1 / 4))}
            name = next((name for name, there in near.items() if there), "")
            seen.add(name)
            told = [round(float(value), 3) + 0.0 for value in said.clip(0, 1)]
            if name == "1/4":
                assert set(told) == {0.5}
            if name == "1/6":
                assert set(told) <= thirds
                assert max(map(told.count, told)) == 3
            if name == "1/8":
                assert set(told) == halves
                assert told.count(0.5) == 2
    assert {"1/4", "1/6"} <= seen
    assert 0 < found["dead"] < 1
