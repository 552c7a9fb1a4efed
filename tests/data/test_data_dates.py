"""Moments, quarters, times of day and durations: what is written is read, by every spelling."""

import subprocess
import sys
from datetime import datetime, time, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phalanx.data import infer_columns
from phalanx.data.cells import tidy, zoned
from phalanx.data.dates import days
from phalanx.data.durations import seconds_of
from phalanx.data.frames import read_frame
from phalanx.data.read import load_source
from phalanx.data.reading import read_texts
from phalanx.data.spellings import FORMATS, QUARTERS, WEEK, date_formats, offset_of, read_dates, write_dates
from phalanx.errors import InputError
from phalanx.kinds.series.grid import read_series
from phalanx.kinds.series.layout import infer_layout
from phalanx.kinds.series.zones import on_one_clock
from phalanx.kinds.tables.encoder import TableEncoder

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1))


@given(MOMENTS, st.sampled_from([*FORMATS, *QUARTERS, WEEK]))
@settings(deadline=None)
def test_any_moment_reads_back_in_any_spelling(moment, spelling):
    written = write_dates(pd.Series([moment]), spelling)
    assert write_dates(read_dates(pd.Series(written), spelling), spelling) == written
    assert spelling in date_formats(pd.Series(written))


@given(MOMENTS, st.integers(-14 * 4, 14 * 4), st.sampled_from(["T", " "]))
@settings(deadline=None)
def test_any_moment_with_an_offset_keeps_it(moment, quarters, between):
    zone = timezone(timedelta(minutes=15 * quarters))
    cell = moment.replace(tzinfo=zone).isoformat(between)
    read = zoned(pd.Series([cell]))
    assert read.dt.tz.utcoffset(None) == zone.utcoffset(None)
    assert tidy(pd.Series([cell]))[0] == pd.Timestamp(moment)
    assert offset_of(cell) == 15 * quarters


@given(st.times(), st.sampled_from(["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S%p", "%I %p", "%H:%M:%S.%f"]))
@settings(deadline=None)
def test_any_time_of_day_reads_back(moment, spelling):
    cell = moment.strftime(spelling)
    read = days(pd.Series([cell]), "t", date_formats(pd.Series([cell]))[0])[0] * 86400
    wanted = datetime.strptime(cell, spelling)
    assert read == pytest.approx((wanted - datetime(1900, 1, 1)).total_seconds(), abs=1e-4)


def iso(seconds):
    return f"P{seconds // 86400}DT{seconds // 3600 % 24}H{seconds // 60 % 60}M{seconds % 60}S"


def clock(seconds):
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def words(seconds):
    return f"{seconds // 86400} days {seconds // 3600 % 24}h {seconds // 60 % 60} min {seconds % 60}s"


def pandas(seconds):
    return str(pd.Timedelta(seconds=seconds))


def python(seconds):
    return str(timedelta(seconds=seconds))


@given(st.integers(0, 10**8), st.sampled_from([iso, clock, words, pandas, python]))
def test_any_duration_reads_back(seconds, write):
    assert seconds_of(write(seconds)) == seconds


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("-00:30:00", -1800),
        ("-1 days +22:00:00", -7200),
        ("PT1.5S", 1.5),
        ("P2W", 1209600),
        ("1.5h", 5400),
        ("00:00:01.25", 1.25),
    ],
)
def test_durations(cell, seconds):
    assert seconds_of(cell) == seconds


@pytest.mark.parametrize("cell", ["", "P", "PT", "12", "1:2", "1:60", "abc", "2020-01-01", "-"])
def test_what_is_no_duration(cell):
    assert seconds_of(cell) is None


def test_a_column_of_durations_is_one_of_seconds_and_stays_one():
    column, reading = read_texts({"t": pa.array(["01:23:45", None, "26:00:00"])})["t"]
    assert column.tolist()[::2] == [5025, 93600]
    later, _ = read_texts({"t": pa.array(["01:23:45"])}, known={"t": type(reading).from_plain(reading.to_plain())})["t"]
    assert later.tolist() == [5025]
    frame = pd.DataFrame({"t": [f"{hour}:30:00" for hour in range(30)], "d": pd.to_timedelta(range(30), "min")})
    read, readings = read_frame(frame)
    assert [column.detail for column in infer_columns(read, readings)] == [
        "durations in seconds, 1800 to 106200",
        "durations in seconds, 0 to 1740",
    ]


def test_times_of_day_are_a_cycle():
    cells = [time(hour, minute).strftime("%H:%M") for hour in range(24) for minute in (0, 30)]
    frame = pd.DataFrame({"t": cells})
    (column,) = infer_columns(frame)
    assert (column.kind, column.detail) == ("date", "times of day like '00:00'")
    encoder = TableEncoder.fit([column], frame)
    assert encoder.number_names == ("t", "t sine of day", "t cosine of day")
    later = encoder.transform(pd.DataFrame({"t": ["6:00 PM", "18:00:00"]})).numbers
    np.testing.assert_allclose(later[:, 1:], [[-1, 0], [-1, 0]], atol=1e-6)
    with pytest.raises(InputError, match="'t' must hold dates spelt like '08:30', but row 1 holds 'noon'"):
        encoder.transform(pd.DataFrame({"t": ["noon"]}))


def test_the_hour_of_a_date_with_an_offset_is_that_of_its_clock():
    frame = pd.DataFrame({"t": [f"2024-03-{day:02}T08:00:00+0{1 + day % 2}:00" for day in range(1, 29)]})
    (column,) = infer_columns(read_frame(frame)[0])
    assert column.detail == "local times with their offsets like '2024-03-01T08:00:00+02:00'"
    assert TableEncoder.fit([column], frame).dates[0].cycles == ("year", "week")  # always at eight
    one = read_frame(pd.DataFrame({"t": ["2024-03-01 08:00-05:00", "2024-03-09 08:00-05:00"]}))[0]
    assert infer_columns(one)[0].detail == "2024-03-01 to 2024-03-09, local time of UTC-05:00"


def forecast_times(cells, steps=3, time="t"):
    frame = pd.DataFrame({time: cells, "y": np.arange(len(cells)) ** 2})
    layout, _ = infer_layout(frame, "y")
    series = read_series(frame, layout)
    assert len(series) == len(cells)
    return series.times.text(len(series) + np.arange(steps))


@pytest.mark.parametrize(
    ("cells", "after"),
    [
        (["2024-01-01 00:00:00+02:00", "2024-01-01 01:00:00+02:00"], "2024-01-01T02:00:00+02:00"),
        (["2024-01-01T00:00Z", "2024-01-01T01:00Z"], "2024-01-01T02:00:00Z"),
        (["2024-01-01T00:00-0530", "2024-01-02T00:00-0530"], "2024-01-03T00:00:00-05:30"),
        # an hour that clocks show twice, and days of 23 or 25 hours
        (["2024-10-27T01:00+02:00", "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00"], "2024-10-27T03:00:00+01:00"),
        (["2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"], "2024-04-02T00:00:00+02:00"),
        (["2019Q3", "2019Q4", "2020Q1"], "2020Q2"),
        (["Q3 2019", "Q4 2019"], "Q1 2020"),
        (["4Q19", "1Q20"], "2Q20"),
        (["2019-q4", "2020-q1"], "2020-q2"),
        (["2019-11", "2019-12"], "2020-01"),
        (["Nov 2019", "Dec 2019"], "Jan 2020"),
        (["2019-W51", "2019-W52"], "2020-W01"),
        (["2019-12-30 8:05:00", "2019-12-31 8:05:00"], "2020-01-01 08:05:00"),
        (["30.12.2019", "31.12.2019"], "01.01.2020"),
    ],
)
def test_forecasts_go_on_in_the_form_of_the_data(cells, after):
    assert forecast_times(cells)[0] == after


@pytest.mark.parametrize(("frequency", "after"), [("Q", "2020Q2"), ("M", "2019-10"), ("D", "2019-07-04")])
def test_periods_go_on_as_periods_are_written(tmp_path, frequency, after):
    periods = pd.period_range("2019-07-01", periods=3, freq=frequency)
    assert forecast_times(periods)[0] == after
    pd.DataFrame({"t": periods, "y": range(3)}).to_parquet(tmp_path / "t.parquet")
    assert forecast_times(load_source(str(tmp_path / "t.parquet")).frame["t"])[0] == after


def test_periods_are_read_where_none_was_written_before(tmp_path):
    """By a process of its own: to write one teaches this one what periods are."""
    pd.DataFrame({"t": pd.period_range("2019-07-01", periods=2, freq="Q")}).to_parquet(tmp_path / "t.parquet")
    words = "import sys; from phalanx.data.read import load_source; print(*load_source(sys.argv[1]).frame['t'])"
    ended = subprocess.run([sys.executable, "-c", words, tmp_path / "t.parquet"], capture_output=True, text=True)
    assert ended.stdout == "2019Q3 2019Q4\n", ended.stderr


def test_a_named_zone_says_the_offset_of_later_times():
    hours = pd.date_range("2024-10-26 12:00", periods=12, freq="h", tz="Europe/Berlin")
    assert forecast_times(hours, 4) == [
        f"2024-10-27T{clock}" for clock in ("00:00:00+02:00", "01:00:00+02:00", "02:00:00+02:00", "02:00:00+01:00")
    ]
    daily = pd.date_range("2024-10-20", periods=7, freq="D", tz="Europe/Berlin")
    assert forecast_times(daily, 2) == ["2024-10-27T00:00:00+02:00", "2024-10-28T00:00:00+01:00"]


@given(st.lists(st.integers(-12, 14), min_size=2, max_size=20))
def test_times_of_several_offsets_keep_their_order_and_distance(offsets):
    minutes = 60 * np.array(offsets)
    instants = np.datetime64("2024-01-01T00:30", "us") + np.arange(len(minutes)) * np.timedelta64(7, "h")
    times, zone = on_one_clock(instants + minutes * np.timedelta64(1, "m"), minutes)
    if not zone.local:
        assert (np.diff(times) == np.timedelta64(7, "h")).all()
        assert zone.offset == minutes[-1]


def test_a_column_of_times_of_day_is_not_the_time_of_a_series():
    table = pd.DataFrame(
        {"day": pd.date_range("2024-01-01", periods=5), "at": ["08:30", "09:15", "08:45"] + ["10:00"] * 2}
    )
    assert infer_layout(table.assign(y=range(5)), "y")[0].time == "day"
