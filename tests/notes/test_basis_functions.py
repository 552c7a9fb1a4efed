"""Basis functions: against regressions of scikit-learn and SciPy, and the rate of gradient descent by eigenvalues."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from phalanx.notes.chapters import basis_functions as chapter

PEOPLE, STEPS = 200, 500


@pytest.fixture(scope="module")
def found():
    return chapter.compute(people=PEOPLE, steps=STEPS, seeds=1, penalties=2)


def index(frame):
    return (frame["weight"] / frame["height"] ** 2).to_numpy()


@pytest.mark.row("B4")
def test_the_index_is_a_regression_on_one_number(found):
    frame, risk = chapter.group(PEOPLE, 0)
    line = linregress(index(frame), risk)
    assert found["slope_found"] == pytest.approx(line.slope, rel=1e-5)  # weights and features have single precision
    assert abs(found["slope_found"] - found["slope"]) < 4 * line.stderr


@pytest.mark.row("B4")
def test_the_errors_are_those_of_scikit_learn(found):
    (seen, risk), (new, others) = chapter.group(PEOPLE, 0), chapter.group(PEOPLE, 1)
    models = {
        "height and weight": (LinearRegression(), seen, new),
        "body-mass index": (LinearRegression(), index(seen)[:, None], index(new)[:, None]),
        "products up to degree 3": (
            make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression()),
            seen.to_numpy(),
            new.to_numpy(),
        ),
    }
    table = found["models"].set_index("features")
    for name, (model, x, other_x) in models.items():
        theirs = math.sqrt(((model.fit(x, risk).predict(other_x) - others) ** 2).mean())
        assert table.loc[name, "error"] == pytest.approx(theirs, rel=1e-3)  # the products are dependent: 1e-7 grows
    assert table["weights"].tolist() == [3, 2, 10, 16 * 3 + 17]
    # the noise alone has an error of 1, with a standard error of 1/√(2n)
    assert abs(table.loc["body-mass index", "error"] - found["noise"]) < 4 / math.sqrt(2 * PEOPLE)
    assert table.loc["height and weight", "error"] > found["noise"] + 4 / math.sqrt(2 * PEOPLE)


@pytest.mark.row("B4")
def test_it_is_linear_in_phi_and_not_in_x(found):
    frame, _ = chapter.group(PEOPLE, 1)
    one, other = frame.iloc[::2].to_numpy(), frame.iloc[1::2].to_numpy()
    middle = pd.DataFrame((one + other) / 2, columns=frame.columns)
    bend = np.abs(index(middle) - (index(frame)[::2] + index(frame)[1::2]) / 2).max()
    assert found["halfway_x"] == pytest.approx(found["slope_found"] * bend, rel=1e-3)
    # answers of about 50 in single precision, three of them
    assert found["halfway_phi"] < 3 * 64 * np.finfo(np.float32).eps


@pytest.mark.row("B4")
@pytest.mark.parametrize("degree", [1, 3, 9])
def test_powers_are_ridge_regression_on_standardized_products(found, degree):
    x, y = found["curve"]
    features = make_pipeline(StandardScaler(), PolynomialFeatures(degree, include_bias=False), StandardScaler())
    ridge = Ridge(1e-6 * len(x)).fit(features.fit_transform(x), (y - y.mean()) / y.std())
    theirs = ridge.predict(features.transform(found["families"]["grid"][:, None])) * y.std() + y.mean()
    # rounding of 6e-8 in the features, over the least eigenvalue that the penalty leaves, √1e-6: some 1e-4
    np.testing.assert_allclose(found["families"]["answers"][f"degree {degree}"], theirs, atol=1e-3)


@pytest.mark.row("B4")
def test_gaussians_follow_the_curve(found):
    x, y = found["curve"]
    grid, answers = found["families"]["grid"], found["families"]["answers"]
    for number in chapter.CENTRES[1:]:
        fitted = np.interp(x[:, 0], grid, answers[f"{number} Gaussians"])
        # the residual variance has n − k degrees of freedom; k functions can only fit better than the noise
        assert ((fitted - y) ** 2).mean() < 0.2**2 * (1 + 4 * math.sqrt(2 / len(x)))


@pytest.mark.row("B4")
def test_gradient_descent_approaches_the_closed_form_at_the_rate_of_the_smallest_eigenvalue(found):
    frame, _ = chapter.group(PEOPLE, 0)
    correlations = np.corrcoef(np.column_stack([frame, index(frame)]).T)
    expected = np.sort([*np.linalg.eigvalsh(correlations), 1.0])  # 1 is that of the bias
    np.testing.assert_allclose(found["eigenvalues"], expected, rtol=1e-6)
    for measured, predicted in zip(
        *(found["rates"][name].astype(float) for name in ("measured", "predicted")), strict=True
    ):
        # the cost is known to 2e-7, which is 2% of its least excess, over some hundred steps
        assert measured == pytest.approx(predicted, abs=0.02 / 100)
    slowest = (1 - max(chapter.RATES) * expected[0]) ** (STEPS - 1)
    assert found["agree"] < 10 * slowest  # what is left along the slowest direction, times where it began, a few
    assert (found["descents"].iloc[-1] < found["descents"].iloc[0] / 100).all()


@pytest.mark.row("B4")
def test_products_are_counted(found):
    assert found["products_small"] == len([(a, b) for a in range(4) for b in range(4) if 0 < a + b <= 3])
    assert found["products"] == PolynomialFeatures(3, include_bias=False).fit(np.zeros((1, 30))).n_output_features_


def test_a_table_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 3)), columns=list("abc"))
    frame["made"] = frame["a"] * frame["b"]
    frame.to_csv(tmp_path / "mine.csv", index=False)
    name, scores = chapter.on_table(str(tmp_path / "mine.csv"), "made", 2)
    assert name == "mine.csv"
    table = scores.set_index("features")
    assert table.loc["products up to degree 2", "R²"] > 0.99
    assert table.loc["x itself", "R²"] < 0.5
