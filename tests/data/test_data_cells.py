from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from phalanx.data.cells import keys, numbers, text_of, tidy
from phalanx.data.dates import days
from phalanx.data.spellings import date_formats
from phalanx.errors import InputError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (3.0, "3"),
        (np.float32(3), "3"),
        (np.int8(3), "3"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (1e20, "100000000000000000000"),
        (True, "True"),
        (np.False_, "False"),
        ("3.0", "3.0"),
        (date(2020, 1, 2), "2020-01-02"),
    ],
)
def test_text_of(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([3, 1, None]),
        pd.Series([3, 1, None], dtype="Int64"),
        pd.Series(["3", "1", "?"]),
        pd.Series(["3", "1", None], dtype=object),
        pd.Series([3, "1", None], dtype=object),
        pd.Series(pd.Categorical([3, 1, None])),
        pd.Series(pd.Categorical(["3", "1", None])),
        pd.Series([Decimal(3), Decimal(1), None], dtype=object),
        pd.Series([3, 1, None], dtype="float64[pyarrow]"),
        pd.Series(pd.to_timedelta([3, 1, None], unit="s")),
    ],
    ids=lambda column: str(column.dtype),
)
def test_numbers_of_any_type_are_the_same(column):
    column.index = [7, 7, 9]
    tidied = tidy(column)
    assert tidied.index.tolist() == [7, 7, 9]
    rows, _, texts = keys(tidied)
    assert [texts[row] if row >= 0 else None for row in rows] == ["3", "1", None]
    np.testing.assert_array_equal(numbers(column, "x"), [3, 1, np.nan])


def test_booleans_of_any_type_are_the_same():
    for column in (
        pd.Series([True, False]),
        pd.Series([True, False], dtype="boolean"),
        pd.Series([True, False], dtype=object),
        pd.Series(pd.Categorical([True, False])),
    ):
        rows, _, texts = keys(tidy(column))
        assert [texts[row] for row in rows] == ["True", "False"]


def test_mixed_objects_stay_apart():
    rows, values, texts = keys(pd.Series([True, "a", None, 1, "a"], dtype=object))
    assert rows.tolist() == [0, 1, -1, 2, 1]
    assert texts == ["True", "a", "1"]
    assert values == [True, "a", 1]


def test_times_with_a_zone_become_what_clocks_show_there():
    column = pd.Series(pd.to_datetime(["2020-01-01 01:00+02:00"]))
    assert tidy(column)[0] == pd.Timestamp("2020-01-01 01:00")


def test_periods_become_dates():
    assert tidy(pd.Series(pd.period_range("2020-01", periods=1, freq="M")))[0] == pd.Timestamp("2020-01-01")


def test_numbers_name_the_cell():
    with pytest.raises(InputError, match=r"^column 'age' must hold numbers, but row 3 holds 'old'$"):
        numbers(pd.Series(["1", "-", "old"]), "age")
    with pytest.raises(InputError, match=r"^column 'age' holds an infinite value in row 2; correct it or leave the"):
        numbers(pd.Series([1, -np.inf]), "age")
    with pytest.raises(InputError, match=r"^column 'age' holds an infinite value in row 1"):
        numbers(pd.Series(["1e400"]), "age")
    with pytest.raises(InputError, match=r"^column 'age' holds dates where numbers are needed: 2020-01-01$"):
        numbers(pd.Series(["2020-01-01"]), "age")
    with pytest.raises(InputError, match=r"^column 'age' must hold numbers, but row 2 holds '2,5'$"):
        numbers(pd.Series(["1.5", "2,5"]), "age")
    np.testing.assert_array_equal(numbers(pd.Series([pd.NaT]), "age"), [np.nan])
    np.testing.assert_array_equal(numbers(pd.Series(["-", "?"]), "age"), [np.nan, np.nan])
    np.testing.assert_array_equal(numbers(pd.Series(["007", "1.5"]), "age"), [7, 1.5])


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["31.12.2020", "01.02.2020"], ["%d.%m.%Y"]),
        (["12/31/2020"], ["%m/%d/%Y"]),
        (["31/12/2020 23:59", "01/02/2020 00:00"], ["%d/%m/%Y %H:%M"]),
        (["01/02/2020", "02/01/2020"], ["%m/%d/%Y", "%d/%m/%Y"]),
        (["5 Jan 2020", "12 Dec 2021"], ["%d %b %Y"]),
        (["2020/1/31"], ["%Y/%m/%d"]),
        (["12/31/2020", "31/12/2020"], []),
        (["red", "31/12/2020"], []),
    ],
)
def test_date_formats(cells, formats):
    assert date_formats(pd.Series([None, *cells])) == formats


def test_days_by_hand():
    # 1972 is a leap year: 365 + 365 + 366 days after 1970-01-01 begins 1973.
    column = tidy(pd.Series(["1973-01-01", None, "1969-12-31 12:00"]))
    np.testing.assert_array_equal(days(column, "d", ""), [1096, np.nan, -0.5])
    np.testing.assert_array_equal(days(pd.Series(["02/01/1970", None]), "d", "%d/%m/%Y"), [1, np.nan])


def test_days_name_the_cell():
    message = r"^column 'd' must hold dates spelt like '31/12/2024', but row 2 holds '2020'$"
    with pytest.raises(InputError, match=message):
        days(pd.Series(["01/02/1970", "2020"]), "d", "%d/%m/%Y")
    with pytest.raises(InputError, match=r"spelt like '2024-12-31', but row 1 holds '7\.5'$"):
        days(pd.Series([7.5]), "d", "")
