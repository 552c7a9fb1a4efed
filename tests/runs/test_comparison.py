"""The baselines of series and of texts keep the share of the time that baselines have, by a clock that they move."""

import functools

import numpy as np
import pandas as pd
import pytest

from phalanx.display import Display, make_console
from phalanx.kinds.language.run import prepare_book
from phalanx.kinds.series.baselines import forecast_baselines
from phalanx.metrics import metric_named
from phalanx.population.train import Clock
from phalanx.runs import comparison, language
from phalanx.runs.budget import Budget
from phalanx.runs.comparison import compare
from phalanx.runs.config import Config
from phalanx.runs.prepare import prepare


class Time:
    """A clock that training moves by a hundredth of a second for each row."""

    def __init__(self, monkeypatch, module):
        self.now, self.rows = 0.0, []
        monkeypatch.setattr(module, "Budget", _Budgets(lambda: self.now))

    def train(self, rows):
        self.now += rows / 100
        self.rows.append(rows)


class _Budgets:
    """What makes budgets that read another clock."""

    def __init__(self, now):
        self._now = now

    def __getitem__(self, model):
        return functools.partial(Budget, now=self._now)


def clock_with(seconds, monkeypatch):
    monkeypatch.setattr(Clock, "left", lambda self: seconds)
    return Clock(0.0)


@pytest.fixture
def series(tmp_path):
    rng = np.random.default_rng(0)
    sold = 20 + 5 * np.sin(np.arange(2500) / 3) + rng.normal(size=2500)
    sold[rng.random(2500) < 0.02] = np.nan
    pd.DataFrame({"sold": sold}).to_csv(tmp_path / "series.csv", index=False)
    return prepare(Config(source=str(tmp_path / "series.csv"), forecast="sold", horizon=4, window=20))


@pytest.fixture
def time_of_series(monkeypatch):
    time = Time(monkeypatch, comparison)
    methods = forecast_baselines()

    def linear(encoder, windows, values):
        time.train(len(windows))
        return methods["linear"](encoder, windows, values)

    monkeypatch.setattr(comparison, "forecast_baselines", lambda: {**methods, "linear": linear})
    return time


def compared(series, again, clock):
    display = Display(make_console(), clock)
    return compare(series, metric_named("mae", series.problem.goals, None), 0, None, again, clock, display)


@pytest.mark.parametrize("again", [False, True])
def test_a_series_learns_from_fewer_windows_where_the_time_is_short(series, again, time_of_series, monkeypatch, capsys):
    # A tenth of 180 s: all 1,600 windows or so would take 16 s after 4 for 400, and as long again.
    found = compared(series, again, clock_with(180.0, monkeypatch))
    train = len(series.problem.train)
    assert time_of_series.now <= 18
    assert 50 < found["linear"].rows < train
    assert time_of_series.rows.count(found["linear"].rows) == 1 + again
    assert f", trained on {found['linear'].rows:,} of {train:,} windows, " in capsys.readouterr().out
    assert found["linear"].valid["mae"] < min(found[name].valid["mae"] for name in ("last_value", "seasonal_naive"))


@pytest.mark.parametrize("again", [False, True])
def test_a_series_learns_from_all_windows_where_there_is_time(series, again, time_of_series, monkeypatch, capsys):
    found = compared(series, again, clock_with(100_000.0, monkeypatch))
    train, valid = series.problem.train, series.problem.valid
    assert found["linear"].rows == (valid[-1] + 1 if again else len(train))
    assert "trained on" not in capsys.readouterr().out


def test_without_time_nothing_is_learned_of_a_series(series, time_of_series, monkeypatch, capsys):
    found = compared(series, True, clock_with(0.0, monkeypatch))
    assert (list(found), time_of_series.rows) == (["last_value", "seasonal_naive"], [])
    assert "baseline linear: left out, the baselines' share of the time is used up\n" in capsys.readouterr().out


def test_a_language_is_learned_from_its_end_where_the_time_is_short(tmp_path, monkeypatch):
    (tmp_path / "book.txt").write_text("to be or not to be. " * 10_000)
    book = prepare_book(Config(source=str(tmp_path / "book.txt"), test=0.1, valid=0.05, trials=1))
    time, counted = Time(monkeypatch, language), language.language_baselines

    def count(train, tests, tokens):
        time.train(len(train))
        return counted(train, tests, tokens)

    monkeypatch.setattr(language, "language_baselines", count)
    found = language._baselines(book, clock_with(10_000.0, monkeypatch))
    assert time.rows == [30_000, 30_000]  # 300 s each, of 1,000; the next sample would take four times as long
    assert {held["tokens"] for held in found.values()} == {30_000}
    assert found["bigram"]["test"]["nats_per_token"] < found["dummy"]["test"]["nats_per_token"]
