"""Figures of numbers against what is worked by hand, and distributions whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from phalanx.judged import NumberErrors
from phalanx.report.errors.members import agreement, correlations
from phalanx.report.errors.numbers import coverage, held, predicted, residuals, spread


def normal(rng, rows, deviation=1.0, bias=0.0):
    """Truths of a standard normal distribution around predictions, of which another deviation is said."""
    said = rng.normal(size=rows)
    truth = said + bias + rng.normal(size=rows)
    p = norm.cdf(truth, said, deviation)
    return NumberErrors("y", truth, said, np.full(rows, deviation), p, p)


def test_predictions_by_hand(check_figure):
    truth, said = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0])
    errors = NumberErrors("price", truth, said, np.ones(3), np.zeros(3), np.zeros(3))
    figure = predicted(errors, "3 test rows").to_plain()
    check_figure(figure)
    assert (figure["draw"]["x_values"], figure["draw"]["y_values"]) == (truth.tolist(), said.tolist())
    assert figure["draw"]["reference"] == "diagonal"
    # errors 1, 0, 2: mean 1, root of 5/3; r2 = 1 - 5/14
    assert figure["says"] == (
        "Over 3 test rows, predictions are off by 1.00 on average (rmse 1.29), 64.3% of the spread of price is "
        "explained (r2); the largest error is 2.00: predicted 4.00, in truth 6.00."
    )


def test_a_bias_is_seen_where_there_is_one(rng, check_figure):
    without, low = (residuals(normal(rng, 400, bias=bias), "400 test rows").to_plain() for bias in (0.0, 0.5))
    for figure in (without, low):
        check_figure(figure)
    assert "no bias is seen" in without["says"]
    assert "predictions are too low by 0." in low["says"]
    assert sum(row[2] for row in low["table"]["rows"]) == 400


def test_errors_that_grow_are_seen(rng):
    said = rng.uniform(1, 5, 500)
    errors = NumberErrors("y", said * (1 + rng.normal(size=500)), said, said, np.zeros(500), np.zeros(500))
    assert "errors are larger where predictions are high" in residuals(errors, "500 test rows").says
    assert "rank correlation" not in residuals(errors, "500 test rows", independent=False).says


def test_how_errors_are_spread(check_figure):
    truth = np.arange(100.0)
    errors = NumberErrors("y", truth, np.zeros(100), np.ones(100), truth, truth)
    figure = spread(errors, "100 test rows").to_plain()
    check_figure(figure)
    assert [row[2] for row in figure["table"]["rows"]] == [10] * 10
    assert "half of the errors are below 49.5, nine in ten below 89.1, the largest is 99.0" in figure["says"]


def test_intervals_of_a_normal_distribution_hold_what_they_promise(rng, check_figure):
    figure = coverage(normal(rng, 4_000), "4,000 test rows").to_plain()
    check_figure(figure)
    for level, share, chance in figure["table"]["rows"]:
        assert abs(share - level) < 4 * chance
        assert chance == pytest.approx(np.sqrt(level * (1 - level) / 4_000))
    assert "within what chance does" in figure["says"]


@pytest.mark.parametrize(("deviation", "verdict"), [(0.5, "they are too narrow"), (2.0, "they are too wide")])
def test_intervals_of_a_wrong_deviation_do_not(rng, deviation, verdict):
    figure = coverage(normal(rng, 4_000, deviation), "4,000 test rows")
    expected = 2 * norm.cdf(deviation * norm.ppf(0.95)) - 1
    share = next(row[1] for row in figure.to_plain()["table"]["rows"] if row[0] == 0.9)
    assert share == pytest.approx(expected, abs=0.03)
    assert figure.says.endswith(f"{verdict}.")


def test_an_interval_of_counts_goes_from_quantile_to_quantile():
    y = np.arange(30)
    below, upto = poisson.cdf(y - 1, 7.0), poisson.cdf(y, 7.0)
    errors = NumberErrors("n", y.astype(float), np.full(30, 7.0), np.full(30, 7.0**0.5), below, upto)
    for level in (0.5, 0.9):
        low, high = poisson.ppf([(1 - level) / 2, (1 + level) / 2], 7.0)
        assert held(errors, level).tolist() == ((y >= low) & (y <= high)).tolist()


def test_members_that_err_alike(rng, check_figure):
    truth, common = rng.normal(size=500), rng.normal(size=500)
    members = {f"m{i}": truth + common + 0.5 * rng.normal(size=500) for i in range(2)} | {
        "m2": truth + rng.normal(size=500)
    }
    zeros = np.zeros(500)
    figure = agreement(NumberErrors("y", truth, truth, zeros + 1, zeros, zeros, members), "500 test rows").to_plain()
    check_figure(figure)
    values = np.array(figure["draw"]["values"])
    np.testing.assert_allclose(values, np.corrcoef([truth - held for held in members.values()]))
    assert "least those of m" in figure["says"]
    assert "m2" in figure["says"]


def test_there_is_no_correlation_with_what_never_changes():
    found = correlations(np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert np.isnan(found[0]).all()
    assert found[1, 1] == pytest.approx(1)
