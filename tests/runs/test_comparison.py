"""The baselines of series and of texts keep the share of the time that baselines have, by a clock that they move."""

import functools

import numpy as np
import pandas as pd
import pytest

import phalanx.baselines as baseline_module
from phalanx.baselines import Baseline, baselines
from phalanx.config import Config
from phalanx.display import Display, make_console
from phalanx.kinds import budget, comparison
from phalanx.kinds.budget import Budget
from phalanx.kinds.comparison import compare
from phalanx.kinds.language import prepare as language
from phalanx.kinds.registry import prepare
from phalanx.kinds.series.baselines import FORECASTS, PlainForecast
from phalanx.metrics import metric_named
from phalanx.population.train import Clock
from phalanx.runs.planning import make_plan


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
    make = FORECASTS["linear"].make

    def linear(encoder, windows, values):
        time.train(len(windows))
        return make(encoder, windows, values)

    monkeypatch.setitem(FORECASTS, "linear", PlainForecast(linear, instant=False))
    return time


def compared(series, again, clock):
    metric = metric_named("mae", series.problem.goals, None)
    return compare(series, FORECASTS, metric, again, clock, Display(make_console(), clock))


@pytest.mark.parametrize("again", [False, True])
def test_a_series_learns_from_fewer_windows_where_the_time_is_short(series, again, time_of_series, monkeypatch, capsys):
    # A tenth of 180 s: all 1,600 windows or so would take 16 s after 4 for 400, and as long again.
    found = compared(series, again, clock_with(180.0, monkeypatch))
    train = len(series.problem.train)
    assert time_of_series.now <= 18
    assert 50 < found["linear"].learned["rows"] < train
    assert time_of_series.rows.count(found["linear"].learned["rows"]) == 1 + again
    assert f", trained on {found['linear'].learned['rows']:,} of {train:,} windows, " in capsys.readouterr().out
    assert found["linear"].valid["mae"] < min(found[name].valid["mae"] for name in ("last_value", "seasonal_naive"))


@pytest.mark.parametrize("again", [False, True])
def test_a_series_learns_from_all_windows_where_there_is_time(series, again, time_of_series, monkeypatch, capsys):
    found = compared(series, again, clock_with(100_000.0, monkeypatch))
    train, valid = series.problem.train, series.problem.valid
    assert found["linear"].learned["rows"] == (valid[-1] + 1 if again else len(train))
    assert "trained on" not in capsys.readouterr().out


def test_a_series_learns_from_as_many_windows_as_fit_into_memory(series, time_of_series, monkeypatch, capsys):
    # A window is 20 values, and each of the 4 steps ahead learns from its own, as not all are known: 80 numbers.
    monkeypatch.setattr(budget, "MOST_NUMBERS", 80_000)
    found, train = compared(series, True, clock_with(100_000.0, monkeypatch)), len(series.problem.train)
    assert found["linear"].learned["rows"] == max(time_of_series.rows) <= 1_000 < train
    assert time_of_series.rows.count(found["linear"].learned["rows"]) == 2
    assert f", trained on {found['linear'].learned['rows']:,} of {train:,} windows, " in capsys.readouterr().out


def test_without_time_nothing_is_learned_of_a_series(series, time_of_series, monkeypatch, capsys):
    found = compared(series, True, clock_with(0.0, monkeypatch))
    assert (list(found), time_of_series.rows) == (["last_value", "seasonal_naive"], [])
    assert "baseline linear: left out, the baselines' share of the time is used up\n" in capsys.readouterr().out


def test_a_language_is_learned_from_its_end_where_the_time_is_short(tmp_path, monkeypatch):
    (tmp_path / "book.txt").write_text("to be or not to be. " * 10_000)
    book = prepare(Config(source=str(tmp_path / "book.txt"), test=0.1, valid=0.05, trials=1))
    plan, _ = make_plan(book)
    time, counted = Time(monkeypatch, language), language.language_baselines

    def count(train, tests, tokens):
        time.train(len(train))
        return counted(train, tests, tokens)

    monkeypatch.setattr(language, "language_baselines", count)
    clock = clock_with(10_000.0, monkeypatch)
    found = book.compare(plan, clock, Display(make_console(), clock))
    assert time.rows == [30_000, 30_000]  # 300 s each, of 1,000; the next sample would take four times as long
    assert [held.learned for held in found.values()] == [{"tokens": 30_000}] * 2
    assert found["bigram"].test()["nats_per_token"] < found["dummy"].test()["nats_per_token"]


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] * x[:, 1]}).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def compare_svm(path, monkeypatch, rows):
    held = Baseline(baselines("regress")["svm"].make, most_rows=rows)
    monkeypatch.setitem(baseline_module._REGRESSORS, "svm", held)
    monkeypatch.setitem(baseline_module._CLASSIFIERS, "svm", held)
    prepared = prepare(Config(source=str(path), target=("y",), baselines=("dummy", "svm"), trials=1))
    clock = clock_with(100_000.0, monkeypatch)
    metric = metric_named("rmse", prepared.problem.goals, None)
    return compare(prepared, prepared.kind.baselines, metric, False, clock, Display(make_console(), clock))


def test_the_svm_learns_from_as_many_rows_as_it_may(table, monkeypatch, capsys):
    found = compare_svm(table, monkeypatch, 100)
    assert found["svm"].learned == {"rows": 100}
    assert found["svm"].valid["rmse"] < found["dummy"].valid["rmse"]
    assert ", trained on 100 of 384 rows, " in capsys.readouterr().out
    assert compare_svm(table, monkeypatch, 10_000)["svm"].learned == {"rows": 384}


def test_a_model_that_may_learn_from_too_few_rows_is_left_out(table, monkeypatch, capsys):
    assert list(compare_svm(table, monkeypatch, 1)) == ["dummy"]
    assert "baseline svm: left out, a sample of 1 rows does not tell enough\n" in capsys.readouterr().out
