import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from phalanx import Adam, Flatten, Forecaster, HeteroscedasticGaussian, InputError


@pytest.fixture(scope="module")
def wave():
    return np.sin(2 * np.pi * np.arange(150) / 12) * 3 + 100


@pytest.fixture(scope="module")
def linear(wave):
    """A linear forecast, trained to the end on all windows."""
    return Forecaster(4, window=12, layers=[Flatten()], optimizer=Adam(0.01), stopping=None, max_rounds=150).fit(wave)


def test_a_wave_goes_on(linear):
    ahead = np.sin(2 * np.pi * np.arange(150, 154) / 12) * 3 + 100
    np.testing.assert_allclose(linear.predict(), ahead, atol=0.1)
    np.testing.assert_allclose(linear.predict(2), ahead[:2], atol=0.1)
    assert linear.score(np.sin(2 * np.pi * np.arange(70, 120) / 12) * 3 + 100) > 0.99


def test_another_series(linear):
    shifted = np.sin(2 * np.pi * (np.arange(30) + 5) / 12) * 3 + 100
    ahead = np.sin(2 * np.pi * (np.arange(30, 34) + 5) / 12) * 3 + 100
    np.testing.assert_allclose(linear.predict(y=shifted), ahead, atol=0.1)


def test_it_is_linear_autoregression(linear, wave):
    """A network without hidden layers and least squares find the same forecast."""
    noisy = wave + np.random.default_rng(0).normal(size=150)
    net = clone(linear).fit(noisy)
    windows = np.lib.stride_tricks.sliding_window_view(noisy, 12)[:-4]
    ahead = np.lib.stride_tricks.sliding_window_view(noisy[12:], 4)
    model = LinearRegression().fit(windows, ahead)
    np.testing.assert_allclose(net.predict(), model.predict(noisy[None, -12:])[0], atol=0.15)


def test_times_and_intervals(wave):
    y = pd.Series(wave, pd.date_range("2024-01-31", periods=150, freq="ME"), name="sold")
    net = Forecaster(2, window=12, layers=[Flatten()], likelihood=HeteroscedasticGaussian(), max_rounds=3).fit(y)
    said = net.predict()
    assert (list(said.index), said.name) == (list(pd.date_range("2036-07-31", periods=2, freq="ME")), "sold")
    low, high = net.predict_interval(0.8)
    assert (low < said).all()
    assert (said < high).all()
    assert net.leaderboard_["valid_mase"].notna().any()
    named = net.predict(y=y.rename("other").head(100))
    assert named.index[0] == pd.Timestamp("2032-05-31")


def test_further_columns(wave):
    rng = np.random.default_rng(0)
    driver = rng.normal(size=150)
    y = np.r_[0, driver[:-1]] * 5 + rng.normal(size=150) * 0.1  # what happened a step ago
    plain = {"window": 4, "layers": [Flatten()], "optimizer": Adam(0.02), "stopping": None, "max_rounds": 60}
    alone, beside = Forecaster(**plain).fit(y), Forecaster(**plain).fit(y, driver[:, None])
    assert alone.score(y) < 0.3
    assert beside.score(y, driver[:, None]) > 0.95
    with pytest.raises(InputError, match="y has 150 values, but X 149 rows; each value needs one"):
        beside.score(y, driver[1:, None])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"horizon": 0}, "horizon is 0, but must be a whole number from 1"),
        ({"horizon": 1.5}, "horizon is 1.5, but must be a whole number from 1"),
        ({"window": "long"}, "window is 'long', but must be a whole number from 1"),
        ({"horizon": 200}, "the horizon is 200 steps, but the whole series has 150; give a shorter horizon"),
    ],
)
def test_bad_parameters(wave, parameters, message):
    with pytest.raises(InputError, match=message):
        Forecaster(**parameters).fit(wave)


def test_asking_for_too_much(linear):
    with pytest.raises(InputError, match="horizon is 5, but the steps ahead that were learned are 1 to 4"):
        linear.predict(5)
    with pytest.raises(InputError, match="the series holds 15 steps, but one window and what follows it are 16"):
        linear.score(np.arange(15.0))


def test_the_newest_windows_are_learned_from_in_the_end():
    """By as many rounds as were best, which "none" turns off; what is said of these windows is from before."""
    y = np.random.default_rng(0).normal(size=150) + np.repeat([0, 5], [110, 40])
    known = {"window": 6, "layers": [Flatten()], "optimizer": Adam(0.01), "max_rounds": 4}
    before, after, asked = (Forecaster(2, refit=rule, **known).fit(y) for rule in ("none", None, "steps"))
    was, board = (net.leaderboard_.set_index("id").loc["m001"] for net in (before, after))
    assert "refit_rounds" not in before.leaderboard_
    assert (board["refit_ended"], board["refit_rounds"]) == ("steps", board["best_round"])
    assert board["valid_mae"] == was["valid_mae"]
    np.testing.assert_array_equal(after.predict(), asked.predict())
    assert not np.array_equal(before.predict(), after.predict())


@pytest.mark.parametrize("growth", [1.0, 1.03])  # around the mean, and as a share of the last value
def test_the_density_of_what_follows_is_scipys(growth):
    rng = np.random.default_rng(1)
    y = (100 + np.cumsum(rng.normal(size=160)) * 0.3 + rng.normal(size=160)) * growth ** np.arange(160)
    net = Forecaster(3, window=6, layers=[Flatten()], likelihood=HeteroscedasticGaussian(), max_rounds=5).fit(y)
    mean, (low, high) = net.predict(), net.predict_interval(0.8)
    deviation = (high - low) / 2 / stats.norm.ppf(0.9)
    future = mean + deviation * [0.5, -1.5, 3.0]
    np.testing.assert_allclose(net.log_density(future), stats.norm(mean, deviation).logpdf(future), rtol=1e-3)
    before = net.log_density(y[100:102], y=y[:100])
    mean, (low, high) = net.predict(2, y=y[:100]), net.predict_interval(0.8, 2, y=y[:100])
    scale = (high - low) / 2 / stats.norm.ppf(0.9)
    np.testing.assert_allclose(before, stats.norm(mean, scale).logpdf(y[100:102]), rtol=1e-3)
    assert np.isnan(net.log_density([np.nan, 1.0])).tolist() == [True, False]


def test_the_density_of_dated_values(wave):
    y = pd.Series(wave, pd.date_range("2024-01-31", periods=150, freq="ME"), name="sold")
    net = Forecaster(2, window=12, layers=[Flatten()], max_rounds=2).fit(y)
    later = pd.Series([100.0, 101.0], pd.date_range("2036-07-31", periods=2, freq="ME"))
    said = net.log_density(later)
    assert (said.index.equals(later.index), said.name) == (True, "sold")
    np.testing.assert_array_equal(said, net.log_density([100.0, 101.0]))
    with pytest.raises(InputError, match="future begins at 2036-08-31 00:00:00, but the steps that are forecast begin"):
        net.log_density(later.iloc[1:])
    with pytest.raises(InputError, match="future has 3 values, but the steps that are forecast are 1 to 2"):
        net.log_density([1, 2, 3])
    with pytest.raises(InputError, match="column 'sold' must hold numbers, but row 2 holds 'x'"):
        net.log_density(["1", "x"])


@pytest.mark.parametrize(("frequency", "following"), [("Q", ["2061Q3", "2061Q4"]), ("M", ["2036-07", "2036-08"])])
def test_periods_are_forecast_as_periods(wave, frequency, following):
    y = pd.Series(wave, pd.period_range("2024-01", periods=150, freq=frequency))
    net = Forecaster(2, window=12, layers=[Flatten()], max_rounds=2).fit(y)
    said = net.predict()
    assert isinstance(said.index, pd.PeriodIndex)
    assert said.index.astype(str).tolist() == following
    assert net.predict(1, y=y.head(100)).index[0] == y.index[100]
    assert net.log_density(pd.Series([100.0, 100.0], said.index)).index.equals(said.index)
