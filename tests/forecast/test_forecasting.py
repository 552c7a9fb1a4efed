from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import InputError, Past
from phalanx.data import Goal, NumberTarget
from phalanx.data.anchor import Anchor
from phalanx.data.goals import Forecast
from phalanx.kinds.series.baselines import FORECASTS
from phalanx.kinds.series.grid import Series
from phalanx.kinds.series.layout import Layout
from phalanx.kinds.series.problem import forecasting
from phalanx.kinds.series.times import Step, Times
from phalanx.layers import EVALUATE
from phalanx.likelihoods import Gaussian, Head, Joint, MultivariateGaussian, Poisson
from phalanx.metrics import evaluate, metric_named


def made_of(values, horizon=2, **options):
    series = Series(Times(Step("number", 1), 1), np.asarray(values, float)[:, None])
    return forecasting(series, Layout(None, "", Step("number", 1), ("y",)), horizon=horizon, **options)


def goal_with(anchor):
    return Goal(
        ("y+1", "y+2"), (NumberTarget(0.5, 2.0, 0, 1), NumberTarget(1.0, 4.0, 0, 1)), False, Forecast(anchor, 3.0)
    )


def test_metrics_by_hand():
    goal = goal_with(Anchor("mean", 0.0, 1.0))
    y, p = np.array([[1.0, 2.0], [3.0, 6.0]]), np.array([[2.0, 2.0], [3.0, 1.0]])
    found = evaluate([goal], [y], [p])
    assert found["mae"] == pytest.approx((1 + 0 + 0 + 5) / 4)
    assert found["rmse"] == pytest.approx(np.sqrt(26 / 4))
    assert found["r2"] == pytest.approx(1 - 26 / 14)  # the mean is 3, the sum of squares 4 + 1 + 0 + 9
    assert found["mase"] == pytest.approx(1.5 / 3)
    assert metric_named(None, [goal]).name == "mae"


@pytest.mark.parametrize("kind", ["mean", "last", "ratio"])
def test_goals_undo_themselves(kind):
    goal = goal_with(Anchor(kind, 0.0 if kind == "ratio" else 7.0, 3.0))
    rng = np.random.default_rng(0)
    windows, values = rng.normal(size=(5, 4, 1)).astype(np.float32) + 1, rng.normal(size=(5, 2))
    np.testing.assert_allclose(goal.decode(goal.encode(values, windows), windows), values, rtol=1e-4, atol=1e-4)
    assert Goal.from_plain(goal.to_plain()) == goal
    # a step of 1 of what the network says is so much in units of the series
    moved = goal.decode(np.ones((5, 2)), windows) - goal.decode(np.zeros((5, 2)), windows)
    np.testing.assert_allclose(np.broadcast_to(goal.units(windows), (5, 2)), moved)


@pytest.mark.parametrize("kind", ["mean", "last", "ratio"])
def test_the_network_sees_what_its_goal_is_relative_to(kind):
    rng = np.random.default_rng(0)
    anchor = Anchor(kind, 0.0 if kind == "ratio" else 7.0, 3.0)
    windows = rng.normal(size=(5, 4, 2)).astype(np.float32)
    raw = anchor.center + anchor.scale * windows[:, :, 0].astype(float)
    seen, _ = Past(kind)({}, {}, jnp.asarray(windows), EVALUATE)
    np.testing.assert_allclose(seen[:, :, 0], anchor.relative(raw, windows), rtol=2e-4, atol=1e-5)
    np.testing.assert_array_equal(seen[:, :, 1], windows[:, :, 1])


def test_the_entry_is_told_the_anchor():
    grown = made_of(np.exp(0.05 * np.arange(300)))
    assert grown.encoder.input_layer == Past("ratio")
    assert grown.problem.goals[0].forecast.anchor.kind == "ratio"
    assert np.isfinite(grown.problem.rows.y[0]).all()


def test_baselines_by_hand():
    values = np.array([1.0, 5, 2, 4, 3] * 12) + np.linspace(0, 1e-6, 60)
    made = made_of(values, horizon=3, steps=6, test=0.2)
    encoder, problem = made.encoder, made.problem
    assert encoder.period == 5
    windows, said = problem.inputs[0][problem.train], problem.values[0][problem.train]
    found = {name: one.make(encoder, windows, said)(made.test_inputs) for name, one in FORECASTS.items()}
    np.testing.assert_allclose(found["last_value"], np.repeat(encoder.observed(made.test_inputs)[:, -1:], 3, 1))
    np.testing.assert_allclose(found["seasonal_naive"], made.test_values, atol=1e-5)
    np.testing.assert_allclose(found["linear"], made.test_values, atol=1e-2)


def test_a_season_shorter_than_the_horizon():
    made = made_of([1.0, 5.0] * 30, horizon=5, steps=6)
    assert made.encoder.period == 2
    forecast = FORECASTS["seasonal_naive"].make(made.encoder, made.test_inputs, made.test_values)
    np.testing.assert_allclose(forecast(made.test_inputs), made.test_values, atol=1e-5)


def test_likelihoods():
    values = np.random.default_rng(0).poisson(4, 80)
    counts = made_of(values, likelihood=Poisson())
    np.testing.assert_array_equal(counts.problem.rows.y[0], counts.problem.values[0])  # counts stay as they are
    joint = Joint([Head(Gaussian(), targets=("y+1",)), Head(Gaussian(), targets=("y+2",))])
    with pytest.raises(
        InputError, match="the likelihood is a Joint of several heads, but the steps of a forecast have"
    ):
        made_of(values, likelihood=joint)


def test_memory(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Free", (), {"available": 100}))
    with pytest.raises(InputError, match=r"57 windows of 2 steps and 1 channels need 0\.0 GB of memory, but only 0\.0"):
        made_of(np.arange(60.0), steps=2)


def test_what_lies_between_the_parts_is_kept_for_the_last_training():
    """All windows whose values are known before the first test window ends are learned from then, and no others."""
    made = made_of(np.arange(60.0), horizon=4, steps=3)
    problem = made.problem
    learned = np.concatenate([problem.train, problem.between, problem.valid])
    np.testing.assert_array_equal(learned, np.arange(len(learned)))
    present = made.encoder.observed(made.test_inputs)[0, -1].round(3)
    ahead = problem.values[0]
    assert ahead[learned].max() == present
    assert ahead[len(learned)].max() > present


def test_a_series_with_holes():
    """Metrics count known steps; a ridge learns each step from the windows whose value there is known."""
    values = np.sin(np.arange(120.0) / 3)
    values[5::6] = np.nan
    made = made_of(values, horizon=12, steps=12)
    problem = made.problem
    assert len(problem.inputs[0]) == 120 - 12 - 12 + 1
    assert np.isnan(problem.values[0]).any(1).all()
    train, encoder = problem.train, made.encoder
    inputs, y = problem.inputs[0][train], problem.values[0][train]
    forecast = FORECASTS["linear"].make(encoder, inputs, y)
    known = ~np.isnan(y[:, 3])
    one = FORECASTS["linear"].make(replace(encoder, horizon=1), inputs[known], y[known, 3:4])
    np.testing.assert_allclose(forecast(inputs)[:, 3:4], one(inputs), rtol=1e-6)
    found = evaluate(problem.goals, (y,), (forecast(inputs),))
    off = np.abs(y - forecast(inputs))
    assert found["mae"] == pytest.approx(off[~np.isnan(y)].mean())
    whole = made_of(np.where(np.arange(120) == 50, np.nan, np.arange(120.0)), 2, likelihood=MultivariateGaussian())
    assert np.isfinite(whole.problem.values[0]).all()
