from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from phalanx import InputError
from phalanx.data.read import load_source, read_table
from phalanx.kinds.series.grid import read_series
from phalanx.kinds.series.layout import infer_layout

DATA = Path(__file__).parents[2] / "../shared/data/series"


@pytest.fixture
def table():
    days = pd.date_range("2024-01-01", periods=40).strftime("%Y-%m-%d")
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"day": days, "sold": rng.normal(size=40), "rain": rng.normal(size=40), "shop": list("ab") * 20}
    )


def read(frame, column="sold", **options):
    return read_series(frame, infer_layout(frame, column, **options)[0])


def test_layout(table):
    layout, notes = infer_layout(table, "sold")
    assert (layout.time, str(layout.step), layout.columns) == ("day", "day", ("sold", "rain"))
    assert notes == [
        "time: column 'day', the only one of dates (--time changes it)",
        "inputs beside 'sold', known up to the present only: 'rain'",
        "left out, since not columns of numbers that change: 'shop'",
        "steps of one day",
    ]
    assert infer_layout(table, "sold", ignore=("rain", "shop"))[0].columns == ("sold",)


def test_without_times(table):
    layout, notes = infer_layout(table[["sold"]], "sold")
    assert layout.time is None
    assert notes == ["time: no column of dates, so rows are in order (--time names a column)"]
    series = read_series(table[["sold"]], layout)
    assert (len(series), series.times.text(np.array([0, 40]))) == (40, ["1", "41"])


def test_whole_numbers_as_time(table):
    frame = table[["sold"]].assign(year=np.arange(1900, 1940))
    assert read(frame, time="year").times.text(np.array([40])) == ["1940"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"forecast": "sould"}, "no column 'sould' for --forecast; did you mean 'sold'?"),
        ({"time": "dai"}, "no column 'dai' for --time; did you mean 'day'?"),
        ({"time": "sold"}, "--time names 'sold', which is to be forecast; give another column"),
        ({"time": "rain"}, "in row 1, which is not a time like those of the others; times are dates or whole numbers"),
        ({"ignore": ("sold",)}, "--ignore names 'sold', which the forecast needs; leave it out"),
        ({"ignore": ("no",)}, "no column 'no' for --ignore; there are 'day', 'sold', 'rain', 'shop'"),
    ],
)
def test_columns_that_do_not_fit(table, given, message):
    with pytest.raises(InputError) as error:
        infer_layout(table, **{"forecast": "sold", **given})
    assert message in str(error.value)


def test_several_columns_of_dates(table):
    with pytest.raises(InputError, match="columns 'day', 'paid' all hold dates; say which is the time: --time COL"):
        infer_layout(table.assign(paid=table.day), "sold")


def test_the_spelling_of_dates_is_the_one_that_is_in_order():
    frame = pd.DataFrame({"day": ["05/01/2024", "12/01/2024", "02/02/2024", "09/02/2024"], "sold": range(4)})
    layout, notes = infer_layout(frame, "sold")
    assert (layout.spelling, notes[1:]) == ("%d/%m/%Y", ["steps of one week"])
    series = read_series(frame, layout)
    assert series.times.text(np.arange(3)) == ["05/01/2024", "12/01/2024", "19/01/2024"]
    _, notes = infer_layout(frame.iloc[:2], "sold")
    assert notes[1] == "dates read as %m/%d/%Y, though they also fit %d/%m/%Y"


def test_unordered_rows_are_sorted(table):
    mixed = table.sample(frac=1, random_state=0)
    series = read(mixed.reset_index(drop=True))
    np.testing.assert_array_equal(series.values, read(table).values)
    assert series.warnings == ("the rows are not in the order of 'day': sorted",)


def test_times_that_occur_twice(table):
    table.loc[[7, 30], "day"] = table.day[3], table.day[20]
    with pytest.raises(InputError) as error:
        read(table)
    assert str(error.value) == (
        "column 'day' holds 2024-01-04 twice, in rows 4 and 8; so do 1 more; give one row a time"
    )


def test_missing_times(table):
    table.loc[4, "day"] = None
    with pytest.raises(InputError, match="column 'day' holds no time in row 5; fill the cell in or remove the row"):
        read(table)


def test_missing_steps_and_values_take_the_last_one_before(table):
    table["sold"] = np.arange(40.0)
    table.loc[9, "sold"] = np.nan
    table.loc[0, "rain"] = np.nan
    series = read(table.drop(index=[4, 5]))
    assert series.filled()[[3, 4, 5, 6, 8, 9], 0].tolist() == [3, 3, 3, 6, 8, 8]
    assert np.isnan(series.values[[4, 5, 9], 0]).all()
    assert np.isnan(series.filled()[0, 1])  # there is no past
    assert series.warnings == (
        "column 'sold' has no value in 1 of 38 rows: the last one before stands in",
        "column 'rain' has no value in 1 of 38 rows: the last one before stands in",
        "2 of 40 steps have no row, the first 2024-01-05: taken as missing",
    )


def test_forecasts_start_after_the_last_value(table):
    table.loc[37:, "sold"] = np.nan
    series = read(table)
    assert (len(series), series.times.text(np.array([37]))) == (37, ["2024-02-07"])
    assert series.warnings[-1] == "the last 3 steps have no 'sold': forecasts start after 2024-02-06"


def test_odd_cells_are_missing(tmp_path, table):
    text = table.sold.round(2).astype(str)
    text[3], text[8] = "?0.2", "?0.8"
    table.assign(sold=text).to_csv(tmp_path / "t.csv", index=False)
    source = load_source(str(tmp_path / "t.csv"))
    series = read(source.frame)
    assert np.isnan(series.values[[3, 8], 0]).all()
    assert np.isnan(series.values[:, 0]).sum() == 2
    assert source.notes == (
        "column 'sold' has 2 cells that are no number, taken for missing: row 4 holds '?0.2', row 9 holds '?0.8'",
    )
    assert series.warnings == ("column 'sold' has no value in 2 of 40 rows: the last one before stands in",)
    text[:] = "much"
    with pytest.raises(InputError, match="column 'sold' must hold numbers, but row 1 holds 'much'"):
        read(table.assign(sold=text))


def test_nothing_to_forecast(table):
    with pytest.raises(InputError, match="column 'sold' has no value in any row: there is nothing to forecast"):
        read(table.assign(sold=np.nan))


def test_another_table_has_the_same_layout(table):
    layout, _ = infer_layout(table, "sold")
    hourly = table.head(2).assign(day=["2024-05-01", "2024-05-01 01:00"])
    with pytest.raises(InputError, match="fall on one step"):
        read_series(hourly, layout)
    with pytest.raises(InputError, match="column 'day' held dates in training, but now holds '5'"):
        read_series(table.assign(day=range(5, 45)), layout)
    with pytest.raises(InputError, match="no column 'rain' for the forecast"):
        read_series(table[["day", "sold"]], layout)


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_real_series():
    temperatures = read_table(DATA / "daily-min-temperatures.csv")
    series = read(temperatures, "Temp")
    assert (len(temperatures), len(series)) == (3650, 3652)  # the last days of two leap years are missing
    assert series.warnings == ("2 of 3,652 steps have no row, the first 1984-12-31: taken as missing",)
    layout, _ = infer_layout(sunspots := read_table(DATA / "monthly-sunspots.csv"), "Sunspots")
    assert str(layout.step) == "month"
    series = read_series(sunspots, layout)
    assert (len(series), series.times.text(np.array([2820])), series.warnings) == (2820, ["1984-01"], ())
