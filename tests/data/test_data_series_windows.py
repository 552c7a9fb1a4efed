import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phalanx import InputError
from phalanx.data.anchor import Anchor, choose_anchor
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.series.grid import Series
from phalanx.kinds.series.layout import Layout
from phalanx.kinds.series.seasons import (
    autocorrelation_period,
    calendar_cycles,
    calendar_periods,
    naive_error,
    naive_period,
    window_steps,
)
from phalanx.kinds.series.times import Step, Times
from phalanx.kinds.series.windows import origins, sliding, split_origins, targets

DAY = Step("microsecond", 86_400_000_000)
MONTH = Step("month", 1)


def series_of(*columns, step=DAY):
    return Series(Times(step, 0), np.column_stack([np.asarray(column, float) for column in columns]))


def layout_of(columns, step=DAY):
    return Layout("t", "", step, tuple("yxz"[:columns]))


def encoder_of(series, steps=4, horizon=2, border=None):
    columns = series.values.shape[1]
    layout = layout_of(columns, series.times.step)
    return SeriesEncoder.fit(series, layout, steps, horizon, len(series) if border is None else border)


@given(st.integers(5, 200), st.integers(1, 9), st.integers(1, 9), st.floats(0, 0.5), st.floats(0.05, 0.5))
def test_no_value_is_a_target_of_two_parts(length, steps, horizon, test, valid):
    found = origins(length, steps, horizon)
    try:
        split = split_origins(found, horizon, test, valid)
    except InputError:
        return
    ahead = {
        part: set(targets(np.arange(length), found[rows], horizon).ravel())
        for part, rows in vars(split).items()
        if part != "notes"
    }
    assert not ahead["train"] & ahead["valid"]
    assert not ahead["train"] & ahead["test"]
    assert not ahead["valid"] & ahead["test"]
    rows = np.concatenate([split.train, split.valid, split.test])
    assert (np.diff(rows) > 0).all()  # in the order of time
    assert rows[-1] == len(found) - 1
    if test:
        assert len(split.test) == int(np.ceil(test * len(found)))


def test_windows_end_at_their_origin():
    series = series_of(np.arange(10), np.arange(10) * 100)
    encoder = encoder_of(series, steps=3, horizon=2)
    found = encoder.origins(series)
    ahead = encoder.targets(series, found)
    assert found.tolist() == [2, 3, 4, 5, 6, 7]
    assert ahead[0].tolist() == [3, 4]
    assert ahead[-1].tolist() == [8, 9]
    windows = encoder.windows(series, found)
    assert (windows.shape, windows.dtype) == ((6, 3, 2), np.float32)
    np.testing.assert_allclose(encoder.observed(windows), sliding(np.arange(10), 3)[:6], atol=1e-6)
    np.testing.assert_allclose(
        windows[0, :, 1], (np.array([0, 100, 200]) - 450) / np.std(np.arange(10) * 100), rtol=1e-6
    )


def test_windows_with_a_missing_target_are_used():
    values = np.arange(12.0)
    values[[6, 7]] = np.nan
    encoder = encoder_of(series_of(values), steps=3, horizon=2)
    found = encoder.origins(series_of(values))
    assert found.tolist() == [2, 3, 4, 6, 7, 8, 9]  # after 5 nothing is known
    np.testing.assert_array_equal(encoder.targets(series_of(values), found)[2:4], [[5, np.nan], [np.nan, 8]])


def test_the_season_of_a_series_with_holes(rng):
    values = np.sin(2 * np.pi * np.arange(220) / 11)
    values[rng.choice(220, 40, replace=False)] = np.nan
    assert autocorrelation_period(values) == 11


def test_missing_values_have_an_indicator():
    x = np.arange(12.0)
    x[[0, 5]] = np.nan
    series = series_of(np.arange(12), x)
    encoder = encoder_of(series, steps=12)
    assert encoder.channels == ("y", "x", "x is missing")
    seen = encoder.windows(series, np.array([11]))[0]
    assert seen[:, 2].tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert seen[5, 1] == seen[4, 1]  # the last one before
    assert seen[0, 1] == 0.0  # there is none


def test_nothing_is_learned_from_after_the_border():
    rng = np.random.default_rng(0)
    values, border = rng.normal(size=(200, 2)).cumsum(0) + 50, 120
    leaked = values.copy()
    leaked[border:] = 1e6 * rng.normal(size=(80, 2))
    leaked[border + 3 : border + 9, 1] = np.nan
    plain, other = (Series(Times(DAY, 0), held) for held in (values, leaked))
    encoder = encoder_of(plain, 8, 3, border)
    assert encoder == encoder_of(other, 8, 3, border)
    train = origins(border, 8, 3)  # of which every target lies before the border
    np.testing.assert_array_equal(encoder.windows(plain, train), encoder.windows(other, train))
    assert window_steps(DAY, plain.filled()[:border, 0], 3) == window_steps(DAY, other.filled()[:border, 0], 3)
    # and the border matters: an encoder that saw the leak is another one
    assert encoder != encoder_of(other, 8, 3, border + 1)


def test_a_gap_is_never_filled_from_the_future():
    values = np.array([1.0, 2, np.nan, 50, 4, 5, 6, 7, 8])
    encoder = encoder_of(series_of(values), steps=3, horizon=1)
    window = encoder.windows(series_of(values), np.array([2]))
    np.testing.assert_allclose(encoder.observed(window), [[1, 2, 2]], rtol=1e-6)


def test_cycles_of_the_calendar():
    assert calendar_cycles(DAY, 800) == ("year", "week")
    assert calendar_cycles(DAY, 700) == ("week",)  # a year that was not seen twice
    assert calendar_cycles(Step("microsecond", 3_600_000_000), 24 * 15) == ("week", "day")
    assert calendar_cycles(Step("month", 12), 500) == ()
    assert calendar_cycles(Step("number", 1), 10**6) == ()
    series = series_of(np.random.default_rng(0).normal(size=800))
    encoder = encoder_of(series)
    assert encoder.channels[1:] == ("sine of year", "cosine of year", "sine of week", "cosine of week")
    last = encoder.windows(series, np.array([799]))[0, -1]
    assert last[1] == pytest.approx(np.sin(2 * np.pi * 799 / 365.2425), abs=1e-6)
    assert last[4] == pytest.approx(np.cos(2 * np.pi * (799 % 7) / 7), abs=1e-6)
    assert encoder.as_numbers(encoder.windows(series, np.array([799]))).numbers.shape == (1, 4 + 4)


def test_periods():
    assert calendar_periods(MONTH) == (12,)
    assert calendar_periods(DAY) == (7, 365)
    assert calendar_periods(Step("number", 1)) == ()
    t = np.arange(400)
    noise = np.random.default_rng(0).normal(size=400)
    assert autocorrelation_period(np.sin(2 * np.pi * t / 25) + 0.1 * noise + 0.05 * t) == 25
    assert autocorrelation_period(noise) is None
    assert autocorrelation_period(np.ones(50)) is None
    assert autocorrelation_period(3.0 * t) is None


def test_the_seasonal_naive_forecast_takes_the_period_that_errs_least():
    weekly = np.tile([5.0, 1, 1, 1, 1, 9, 9], 40)
    assert naive_period(DAY, weekly, 32) == 7
    assert naive_error(weekly, 7) == 0
    assert naive_period(Step("number", 1), np.random.default_rng(0).normal(size=50), 10) == 1
    assert naive_error(np.array([1.0, np.nan, 4.0]), 1) != naive_error(np.array([1.0, 2.0]), 1)


def test_window_steps():
    noise = np.random.default_rng(0).normal(size=1000)
    assert window_steps(DAY, noise, 7) == 32
    assert window_steps(Step("microsecond", 3_600_000_000), noise, 1) == 48  # twice a day
    assert window_steps(DAY, noise, 100) == 200
    assert window_steps(DAY, noise, 900) == 250  # a quarter of the series
    assert window_steps(DAY, np.sin(2 * np.pi * np.arange(1000) / 120), 7) == 160
    assert window_steps(DAY, noise[:8], 1) == 2


@pytest.mark.parametrize("kind", ["mean", "last", "ratio"])
def test_anchors_undo_themselves(kind):
    rng = np.random.default_rng(0)
    anchor = Anchor(kind, 0.0 if kind == "ratio" else 7.0, 3.0)
    windows, values = rng.normal(size=(5, 4, 2)), rng.normal(size=(5, 3))
    seen = anchor.relative(values, windows)
    np.testing.assert_allclose(anchor.absolute(seen, windows), values)
    np.testing.assert_allclose(
        anchor.absolute(np.stack([seen, seen + 1]), windows)[1] - values,
        np.broadcast_to(anchor.unit(windows), values.shape),
    )


def test_the_anchor_follows_from_the_series():
    rng = np.random.default_rng(0)
    cases = {
        "mean": 10 + rng.normal(size=600),
        "last": 100 + rng.normal(size=600).cumsum(),
        "ratio": np.exp(0.05 * np.arange(600) + rng.normal(size=600) * 0.01),
    }
    for kind, values in cases.items():
        found = origins(600, 12, 3)
        assert choose_anchor(values[found], targets(values, found, 3)) == kind


def test_the_encoder_is_plain(tmp_path):
    rng = np.random.default_rng(0)
    series = series_of(rng.normal(size=900), rng.normal(size=900))
    encoder = encoder_of(series)
    assert SeriesEncoder.from_plain(json.loads(json.dumps(encoder.to_plain()))) == encoder


def test_a_table_shorter_than_a_window():
    encoder = encoder_of(series_of(np.random.default_rng(0).normal(size=50)), steps=10)
    frame = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=9), "y": np.arange(9.0)})
    with pytest.raises(InputError) as error:
        encoder.read(frame)
    assert str(error.value) == ("the table holds 9 steps up to the last value of 'y', but a forecast needs the last 10")


def test_too_short_and_constant_series():
    with pytest.raises(InputError) as error:
        split_origins(origins(30, 7, 22), 22, 0.2, 0.2)
    assert str(error.value) == (
        "2 windows of the series have a full past and future, of which 0 are left to train on, and 2 are needed; give "
        "a longer series, a shorter horizon, or a shorter window"
    )
    with pytest.raises(
        InputError, match="column 'y' is always 3 in the part to train on: there is nothing to forecast"
    ):
        encoder_of(series_of(np.r_[np.full(30, 3.0), 4.0]), border=30)
    with pytest.raises(InputError, match="the test share must be at least 0 and below 1, not 1"):
        split_origins(np.arange(10), 1, 1, 0.2)
