"""The kernel machine: its dual solved by another method, its parts as the library has them, and its limits."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.svm import SVC

from phalanx.notes.chapters import kernel_machine as chapter

ROWS, WIDTHS = 40, (0.001, 0.5, 500)


@pytest.fixture(scope="module")
def found():
    return chapter.compute(rows=ROWS, widths=WIDTHS, sizes=(500, 1000, 2000))


@pytest.fixture(scope="module")
def optimum():
    """The value of the dual by sequential quadratic programming, with the kernel of each pair by itself; the dual as a
    function of the multipliers; and the classes.
    """
    x, t = chapter.moons(ROWS, 0.25, seed=0)
    kernel = np.array([[math.exp(-(math.dist(one, other) ** 2) / (2 * 0.5**2)) for other in x] for one in x])
    signed = kernel * np.outer(t, t)
    done = minimize(
        lambda a: 0.5 * a @ signed @ a - a.sum(),
        np.full(ROWS, 0.5),
        jac=lambda a: signed @ a - 1,
        bounds=[(0, 1)] * ROWS,
        constraints={"type": "eq", "fun": lambda a: a @ t, "jac": lambda a: t},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    return -done.fun, lambda a: float(a.sum() - 0.5 * a @ signed @ a), t


@pytest.mark.row("B1")
def test_the_multipliers_solve_the_dual_as_it_is_put_right(found, optimum):
    value, at, t = optimum
    a = found["multipliers"]
    # the library ends where no condition is missed by more than 1e-6: each of the rows costs C times that at most
    near = 1e-6 * ROWS
    assert found["dual"] == pytest.approx(value, abs=near)
    assert found["primal"] == pytest.approx(value, abs=near)
    assert at(a) == pytest.approx(value, abs=near)
    assert (a >= 0).all()
    assert (a <= 1).all()
    assert a @ t == pytest.approx(0, abs=1e-12 * ROWS)


@pytest.mark.row("B1")
def test_the_conditions_hold(found):
    assert found["kkt"] < 2e-6  # twice the library's tolerance, as b lies between two of its bounds
    table = found["places"].set_index("multiplier")
    assert table["examples"].sum() == ROWS
    assert table.loc["0 < a < C", "examples"] > 0
    assert table.loc["a = 0", "examples"] + found["supports"] == ROWS


@pytest.mark.row("B1")
def test_b_and_the_answers_are_those_of_the_library(found):
    x, t = chapter.moons(ROWS, 0.25, seed=0)
    machine = SVC(C=1, gamma=2.0, tol=1e-6).fit(x, t)  # its own Gaussian kernel: γ = 1/2σ² = 2
    assert found["b"] == pytest.approx(machine.intercept_[0], abs=2e-6)
    assert found["rebuilt"] < 4e-6
    a = np.zeros(ROWS)
    a[machine.support_] = np.abs(machine.dual_coef_[0])
    kernel = np.exp(-2 * ((x[:, None] - x[None]) ** 2).sum(-1))
    free = (a > 1e-6) & (a < 1 - 1e-6)
    lost = np.mean([t[i] - sum(a[j] * kernel[i, j] for j in range(ROWS)) for i in np.flatnonzero(free)])
    assert found["b_misprinted"] == pytest.approx(lost, abs=1e-4)
    error = math.sqrt(0.25 / found["points"])  # the largest standard error of a share
    assert found["accuracy"] - found["misprint_accuracy"] > 5 * error


@pytest.mark.row("B1")
def test_the_polynomial_kernel_is_an_inner_product(found):
    # (1 + 1·3 + 2·4)² = 12² = 144 = 1 + 2·3 + 2·8 + 9 + 2·24 + 64
    one, other = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    assert chapter.polynomial(one, other).tolist() == [[144.0]]
    assert (chapter.phi(one) @ chapter.phi(other).T).item() == pytest.approx(144, rel=1e-15)
    assert found["trick"] < 1e-12
    assert found["same_machine"] < 1e-6
    # all products of up to 2 of 2 inputs, 1 among them: 1, x₁, x₂, x₁², x₁x₂, x₂²
    counts = found["features"].set_index("inputs")
    assert counts.loc[2, "degree 2"] == "6"
    assert counts.loc[784, "degree 2"] == f"{1 + 784 + 784 * 785 // 2:,}"


@pytest.mark.row("B1")
def test_the_gaussian_kernel_is_a_series(found):
    # what is left of Σ 4^m/m! after the first terms, with |xx'| ≤ 4σ²; and rounding
    rest = 4.0 ** found["terms"] / math.factorial(found["terms"]) / (1 - 4 / found["terms"])
    assert found["series"] <= rest + 1e-14


@pytest.mark.row("B1")
def test_the_cost_grows_as_the_square(found):
    assert found["costs"]["entries"].tolist() == [500**2, 1000**2, 2000**2]
    assert found["entries_growth"] == 4
    assert round(math.log2(found["seconds_growth"])) == 2  # the nearest whole power


@pytest.mark.row("B1")
def test_with_a_narrow_kernel_and_with_a_wide_one_every_example_is_a_support_vector(found):
    """As σ → 0 the kernel is the identity, and Σ a − ½ Σ a² is largest at a = 1; as σ → ∞ it is 1 everywhere, the
    second term is ½ (Σ a t)² = 0, and Σ a is largest at a = C. Both are possible, as the classes have equal numbers.
    """
    narrow, middle, wide = (found["by_width"].iloc[i] for i in range(3))
    assert narrow["share"] == wide["share"] == 1
    assert wide["bound"] == 1
    assert middle["share"] < 1
    assert narrow["train"] == 1
    error = math.sqrt(0.25 / found["points"])
    assert abs(narrow["test"] - 0.5) < 5 * error  # no test example is near a training example: y(x) = b
    assert middle["test"] - narrow["test"] > 5 * error
