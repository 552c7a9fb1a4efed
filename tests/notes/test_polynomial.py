"""The chapter on penalties against scikit-learn, SciPy and the formulas that it does not use."""

import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.linear_model import Lasso, LinearRegression, Ridge

from phalanx.notes.chapters import polynomial
from phalanx.notes.chapters.polynomial import ALPHAS, NOISE, VARIANCES, powers

# A network stops where the gradient is lost in the rounding of float32: a few units in the last place of sums of about
# 8, 1e-6. Where the cost curves with α at least, the weights are then off by at most 1e-6 / α.
ROUNDING = 1e-6


@pytest.fixture(scope="module")
def found():
    return polynomial.compute(rounds=12, draws=100)


def skewed(found, alpha):
    """What scikit-learn makes of the points; it takes the sum of squares, without ½."""
    return Ridge(len(found["x"]) * alpha, solver="svd").fit(powers(found["x"]), found["t"])


@pytest.mark.row("F1")
def test_without_a_penalty_the_curve_hits_every_point(found):
    hit = BarycentricInterpolator(found["x"], found["t"])
    between = np.linspace(-1, 1, 33)
    said = np.polynomial.Polynomial(found["curves"]["0"])(between)
    np.testing.assert_allclose(said, hit(between), atol=1e-8)
    assert found["largest"] == pytest.approx(np.abs(found["curves"]["0"]).max())


@pytest.mark.row("F1")
def test_a_penalty_shrinks_the_coefficients_as_in_scikit_learn(found):
    for alpha in (1e-4, 1e-2, 1.0):
        name = next(name for name in found["curves"] if float(name) == alpha)
        ridge = skewed(found, alpha)
        np.testing.assert_allclose(found["curves"][name], [ridge.intercept_, *ridge.coef_], rtol=1e-6, atol=1e-8)
    norms = [np.linalg.norm(w[1:]) for w in found["curves"].values()]
    assert norms == sorted(norms, reverse=True)
    mean, half = found["error_gain"]
    assert mean - half > 0  # nearer to the sine than the curve without a penalty


@pytest.mark.row("F1")
def test_networks_with_l2_are_ridge_regression(found):
    for alpha, weights in zip(ALPHAS, found["decayed"], strict=True):
        np.testing.assert_allclose(weights, skewed(found, alpha).coef_, atol=ROUNDING / alpha)


@pytest.mark.row("F1")
@pytest.mark.parametrize(("line", "penalty"), [(0, lambda a: a / 2), (1, lambda a: a), (2, lambda a: 10 * a)])
def test_each_way_of_writing_the_cost_has_its_own_alpha(found, line, penalty):
    """Σ (t − y)² + ½ α ‖w‖² is scikit-learn's cost with α / 2; twice that, or 2N times, are the others."""
    _, same, norm = found["halves"].iloc[line]
    X, t = powers(found["x"]), found["t"]
    coefficients = Ridge(penalty(same), solver="svd").fit(X, t).coef_
    np.testing.assert_allclose(coefficients, skewed(found, 0.01).coef_, rtol=1e-6)
    literal = Ridge(penalty(0.01), solver="svd").fit(X, t).coef_
    assert norm == pytest.approx((literal**2).sum(), abs=6e-4)  # the table has three decimals


@pytest.mark.row("F1")
def test_a_bias_that_is_penalized_keeps_predictions_near_zero(found):
    X, t = powers(found["x"]), found["t"]
    ones = np.column_stack([np.ones(10), X])

    def rise(inputs, intercept):
        low, high = (
            Ridge(10.0, fit_intercept=intercept, solver="svd").fit(inputs, t + up).predict(inputs).mean()
            for up in (0, found["raised"])
        )
        return high - low

    assert found["free_rise"] == pytest.approx(rise(X, True)) == pytest.approx(found["raised"])
    assert found["bound_rise"] == pytest.approx(rise(ones, False))
    assert found["bound_rise"] < found["raised"]


@pytest.mark.row("F1")
def test_each_penalty_has_a_limit_with_the_same_solution(found):
    """The limit against SLSQP, which knows nothing of penalties; α is its Lagrange multiplier."""
    X, t = powers(found["x"]), found["t"]
    centred = X - X.mean(0)

    def error(w):
        return 0.5 * ((centred @ w - t) ** 2).mean()

    for alpha, w in zip(ALPHAS, found["limited"], strict=True):
        eta = (skewed(found, alpha).coef_ ** 2).sum()
        assert w @ w == pytest.approx(eta, rel=1e-6)
        slope = centred.T @ (centred @ w - t) / 10
        np.testing.assert_allclose(-slope, alpha * w, atol=2 * ROUNDING)  # of the network's, and of the gradient here
    inside = {"type": "ineq", "fun": lambda w: eta - w @ w}
    best = minimize(error, np.zeros(9), method="SLSQP", constraints=[inside], options={"ftol": 1e-12})
    assert error(w) == pytest.approx(best.fun, abs=ROUNDING)
    read = found["pairs"]["α read off the limit"]
    np.testing.assert_allclose(read, ALPHAS, rtol=1e-3)  # at α = 0.001 the gradient is known to 1e-6 / (α ‖w‖)


@pytest.mark.row("F1")
def test_l1_finds_the_sparse_solution_of_coordinate_descent(found):
    X, t = powers(found["x"]), found["t"]
    # Descent on a convex cost ends within ‖w‖² / (2 Σ ε) of the best: 6000 steps of 0.1 / (1 − 0.95) on average are
    # 12000. A weight that should be 0 jumps across it until the end: the velocity remembers 20 steps, in the last 20 of
    # which the cosine is below 0.2 (π²/4) (20 / 6000)², so by 2 α 20 times that; 9 weights cost 2 α for it.
    jump = 2 * 20 * 0.2 * np.pi**2 / 4 * (20 / 6000) ** 2
    used = {}
    for alpha, w in zip(ALPHAS, found["sparse"], strict=True):
        lasso = Lasso(alpha, max_iter=1_000_000, tol=1e-10).fit(X, t)
        used[alpha] = int((np.abs(lasso.coef_) > 0.01).sum())

        def cost(w, alpha=alpha):
            y = X @ w
            return 0.5 * ((t - y - (t - y).mean()) ** 2).mean() + alpha * np.abs(w).sum()

        most = lasso.coef_ @ lasso.coef_ / 24000 + 2 * alpha * 9 * jump * alpha + ROUNDING
        assert cost(lasso.coef_) - 1e-9 <= cost(w) <= cost(lasso.coef_) + most
    assert found["l1_used"] == used[0.1] < 9
    assert found["l2_used"] == (np.abs(skewed(found, 0.1).coef_) > 0.01).sum()


@pytest.mark.row("F12")
def test_a_cubic_under_gaussian_priors_has_the_posterior_mean(found):
    """(ΦᵀΦ/σ² + I/s²)⁻¹ Φᵀt/σ²: the other form of what the chapter compares with; α is 1/(N s²)."""
    features = found["x"][:, None] ** np.arange(4)
    for variance, weights in zip(VARIANCES, found["cubics"], strict=True):
        precision = features.T @ features / NOISE + np.eye(4) / variance
        mean = np.linalg.solve(precision, features.T @ found["t"] / NOISE)
        curving = np.linalg.eigvalsh(precision)[0] / 10  # of the mean cost
        np.testing.assert_allclose(weights, mean, atol=ROUNDING / NOISE / curving)
    sizes = np.linalg.norm(found["cubics"], axis=1)
    assert (np.diff(sizes) < 0).all()


@pytest.mark.row("F12")
def test_a_prior_is_stronger_the_lower_its_entropy(found):
    told = found["priors"]
    entropy = [multivariate_normal(np.zeros(4), variance * np.eye(4)).entropy() for variance in VARIANCES]
    np.testing.assert_allclose(told["entropy (nats)"], entropy, atol=6e-4)  # three decimals
    assert (np.diff(told["entropy (nats)"]) < 0).all()


@pytest.mark.row("F12")
def test_in_the_limit_a_weight_is_zero_or_two_are_one(found):
    last = found["limits"].iloc[-1]
    assert last["w2"] == 0
    assert last["w1 − w3"] == pytest.approx(0, abs=1e-9)
    x, t = found["x"], found["t"]
    shared = np.column_stack([np.ones_like(x), x + x**3, x**2])  # a cubic in which w1 and w3 are one weight
    inner = np.linalg.solve(shared.T @ shared / NOISE + np.eye(3) / 10, shared.T @ t / NOISE)
    tied = 10.0 * np.eye(4)
    tied[1, 3] = tied[3, 1] = 10.0
    said = polynomial.posterior_mean(x, t, tied)
    np.testing.assert_allclose(said, [inner[0], inner[1], inner[2], inner[1]], atol=1e-9)
    free = LinearRegression().fit(powers(x, 3), t).coef_
    assert abs(free[0] - free[2]) > 1  # the points alone would not have tied them
