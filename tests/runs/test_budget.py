"""The baselines' share of the time, by a clock that only their training moves."""

import pytest

from phalanx.kinds.budget import UNLIMITED, Budget, sample_sizes
from phalanx.population.train import Clock


class Time:
    """A clock, and models that take `seconds(size)` by it."""

    def __init__(self, seconds):
        self.now, self._seconds, self.fitted = 100.0, seconds, []

    def fit(self, size):
        self.now += self._seconds(size)
        self.fitted.append(size)
        return size


def budget_of(time, limit, monkeypatch):
    clock = Clock(None if limit is None else time.now + limit)
    monkeypatch.setattr(Clock, "left", lambda self: float("inf") if limit is None else self.deadline - time.now)
    return Budget(clock, lambda: time.now)


@pytest.mark.parametrize("power", [1, 1.5, 2])
@pytest.mark.parametrize("limit", [30, 180, 480, None])
def test_all_baselines_together_keep_their_share(power, limit, monkeypatch):
    time = Time(lambda size: 0.01 * (size / 50) ** power)
    budget = budget_of(time, limit, monkeypatch)
    sizes = sample_sizes(1_000_000, numbers=3_072)
    for others in (2, 1, 0):
        budget.grow(time.fit, sizes, others)
    assert time.now - 100 <= 0.1 * (UNLIMITED if limit is None else limit)


def test_all_rows_where_there_is_time(monkeypatch):
    time = Time(lambda size: size / 10_000)
    sizes = sample_sizes(8_000, numbers=3_072)
    assert budget_of(time, 180, monkeypatch).grow(time.fit, sizes) == (8_000, 8_000, pytest.approx(0.8))
    assert time.fitted == sizes


def test_the_last_sample_that_was_done_stands(monkeypatch):
    time = Time(lambda size: size / 100)  # 0.5, 2, 8 and 32 s, of 18
    sizes = sample_sizes(8_000, numbers=3_072)
    assert budget_of(time, 180, monkeypatch).grow(time.fit, sizes)[1] == 800
    assert time.fitted == [50, 200, 800]


def test_one_sample_is_fitted_when_the_time_is_over(monkeypatch):
    time = Time(lambda size: 1.0)
    assert budget_of(time, 0, monkeypatch).grow(time.fit, [50, 200])[1] == 50
