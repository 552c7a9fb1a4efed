import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phalanx import InputError
from phalanx.kinds.series.times import Step, Times, infer_step, places_of

RANGES = [
    ("D", "day"),
    ("MS", "month"),
    ("ME", "month"),
    ("QS", "quarter"),
    ("QE", "quarter"),
    ("YS", "year"),
    ("h", "hour"),
    ("30min", "30 minutes"),
    ("10s", "10 seconds"),
    ("W-SUN", "week"),
    ("2h", "2 hours"),
    ("B", "weekday"),
    ("250ms", "250,000 microseconds"),
]


def stamps(freq, count, start="2023-03-01"):
    """Regular times, as pandas makes them: the truth from outside."""
    return pd.date_range(start, periods=count, freq=freq).to_numpy().astype("datetime64[us]")


@pytest.mark.parametrize(("freq", "name"), RANGES)
def test_step_and_places_are_those_of_pandas(freq, name):
    times = stamps(freq, 60)
    step = infer_step(times)
    assert str(step) == name
    grid, places, moved = places_of(times[:40], step, "t")
    np.testing.assert_array_equal(places, np.arange(40))
    assert moved == 0
    np.testing.assert_array_equal(grid.at(np.arange(60)), times)  # also those to come


@given(st.sampled_from(RANGES), st.sets(st.integers(1, 58), max_size=15))
def test_a_missing_stamp_leaves_its_place(freq, missing):
    times = stamps(freq[0], 60)
    kept = np.setdiff1d(np.arange(60), sorted(missing))
    step = infer_step(times[kept])
    assert str(step) == freq[1]
    grid, places, _ = places_of(times[kept], step, "t")
    np.testing.assert_array_equal(places, kept)
    np.testing.assert_array_equal(grid.at(np.arange(60)), times)


def test_leap_years_do_not_break_months():
    times = np.array(["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[us]")
    grid, places, _ = places_of(times, infer_step(times), "t")
    assert places.tolist() == [0, 1, 2, 3]
    assert grid.text(np.array([2, 4, 14])) == ["2024-02-29", "2024-04-30", "2025-02-28"]


def test_numbers_are_times():
    times = np.array([1990, 1992, 1994, 1998])
    step = infer_step(times)
    grid, places, _ = places_of(times, step, "year")
    assert (str(step), places.tolist(), grid.text(np.array([5]))) == ("2 numbers", [0, 1, 2, 4], ["2000"])
    assert Times(Step("number", 1), 1).text(np.array([0, 9])) == ["1", "10"]


def test_text_of_times():
    hours = Times(Step("microsecond", 3_600_000_000), 0)
    assert hours.text(np.array([0, 24])) == ["1970-01-01", "1970-01-02"]
    assert hours.text(np.array([1, 2])) == ["1970-01-01T01:00:00", "1970-01-01T02:00:00"]


def test_times_near_the_grid_are_moved():
    times = stamps("h", 5).copy()
    times[2] += np.timedelta64(60, "s")
    _, places, moved = places_of(times, Step("microsecond", 3_600_000_000), "t")
    assert (places.tolist(), moved) == ([0, 1, 2, 3, 4], 1)


def test_irregular_times():
    times = np.array(["2024-01-01T00:00", "2024-01-01T00:10", "2024-01-01T01:00"], "datetime64[us]")
    with pytest.raises(InputError) as error:
        places_of(times, Step("microsecond", 3_600_000_000), "t")
    assert str(error.value) == (
        "the times of column 't' are not regular: with a hour as the step, 2024-01-01 and 2024-01-01 00:10:00 fall on "
        "one step; give a row for each step"
    )
    with pytest.raises(InputError, match="100,001 steps have only 3 rows"):
        places_of(np.array([0, 1, 100_000]), Step("number", 1), "t")
