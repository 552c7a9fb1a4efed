"""Cells of text: read alike whatever their spelling, decided by the whole table, repeated on later ones."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phalanx import Regressor
from phalanx.data.alike import PAIRS, finder
from phalanx.data.cells import keys, tidy
from phalanx.data.columns import infer_columns
from phalanx.data.frames import read_frame
from phalanx.data.notes import bad_cells
from phalanx.data.numerals import numeral
from phalanx.data.read import load_source
from phalanx.data.reading import Reading, read_texts
from phalanx.data.spellings import write_dates
from phalanx.errors import InputError
from phalanx.kinds.tables.encoder import TableEncoder


def read(cells, name="x", **options):
    """Read one column; return its values and how it was read."""
    column, reading = read_texts({name: pa.array(cells, pa.large_string())}, **options)[name]
    return column.tolist(), reading


# Numbers in every style


def grouped(whole, mark):
    return f"{whole:,}".replace(",", mark)


STYLES = {
    "plain": ("", ".", "{}"),
    "English": (",", ".", "{}"),
    "German": (".", ",", "{}"),
    "French": ("\u202f", ",", "{}"),
    "no-break": ("\u00a0", ",", "{}"),
    "Swiss": ("'", ".", "{}"),
    "typographic": ("\u2019", ".", "{}"),
    "dollars": (",", ".", "${}"),
    "euros": (".", ",", "{} €"),
    "percent": ("", ",", "{}%"),
    "kilograms": ("", ".", "{} kg"),
    "kilometres": ("", ".", "{}km"),
    "francs": ("'", ".", "CHF {}"),
}


def spell(value, style, negative="-{}"):
    """Write a number of hundredths."""
    mark, decimal, around = STYLES[style]
    text = around.format(grouped(abs(value) // 100, mark) + f"{decimal}{abs(value) % 100:02d}")
    return negative.format(text) if value < 0 else text


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(-(10**11), 10**11), min_size=2, max_size=12),
    st.sampled_from(sorted(STYLES)),
    st.sampled_from(["-{}", "\u2212{}", "({})", "{}-"]),
)
def test_a_number_reads_back_in_every_style(hundredths, style, negative):
    values, reading = read([spell(value, style, negative) for value in hundredths])
    assert values == [value / 100 for value in hundredths]
    assert reading.number
    assert not reading.bad


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1000, 10**8), min_size=1, max_size=12), st.sampled_from(["English", "German"]))
def test_whole_thousands_mean_later_what_they_meant_in_training(wholes, style):
    mark, decimal, _ = STYLES[style]
    _, reading = read([f"0{decimal}25", f"1{decimal}5", *(grouped(whole, mark) for whole in wholes)])
    later, _ = read([grouped(whole, mark) for whole in wholes], known={"x": reading})
    assert later == wholes


@pytest.mark.parametrize("cell", ["A12", "12:30", "31.12.2020", "1.2.3", "5'11", "8 am", "10-20", "1,23,4", "12 34"])
def test_what_is_no_number(cell):
    assert numeral(cell) is None


def test_the_file_decides_once_what_a_point_means():
    table = {"a": pa.array(["148,63", "3,5"]), "b": pa.array(["1.500", "2.250"])}
    assert read_texts(table)["b"][0].tolist() == [1500, 2250]
    table = {"a": pa.array(["148.63", "3.5"]), "b": pa.array(["1.500", "2.250"])}
    assert read_texts(table, semicolon=True)["b"][0].tolist() == [1.5, 2.25]
    assert read(["1.500", "2.250"], semicolon=True)[0] == [1500, 2250]
    assert read(["1.500", "2.250"])[0] == [1.5, 2.25]
    assert read(["1.500", "2.250", "250"])[0] == [1500, 2250, 250]  # zeros are kept, so 250 would be 250.000
    assert read(["1.125", "2.5", "250"])[0] == [1.125, 2.5, 250]


def test_a_later_table_in_another_style_is_read_by_its_own():
    _, reading = read(["148,63", "3,5"])
    assert read(["148.63", "1.500"], known={"x": reading})[0] == [148.63, 1.5]


def test_bare_numbers_beside_a_unit():
    assert read(["5 kg", "6", "7 kg"])[0] == [5, 6, 7]
    assert read(["5 kg", "300 g", "7 kg"])[0] == ["5 kg", "300 g", "7 kg"]
    assert read(["12%", "0.12", "14%"])[0] == ["12%", "0.12", "14%"]
    _, reading = read(["$1,200", "$900"])
    assert read(["1200", "900"], known={"x": reading})[0] == [1200, 900]


# Cells that are no numbers


def test_a_few_cells_that_are_no_numbers_are_missing_and_named():
    cells = [*map(str, range(19)), "n/a (closed)"]
    values, reading = read(cells)
    assert values[:19] == list(range(19))
    assert np.isnan(values[19])
    assert reading.bad == ((20, "n/a (closed)"),)
    assert read([*cells[:18], "n/a (closed)"])[1].number is False  # 1 of 19 is more than 5%
    assert read([*map(str, range(39)), "12*"])[1].bad == ((40, "12*"),)


def test_later_a_column_of_numbers_may_have_more_such_cells():
    known = {"x": Reading(number=True)}
    values, reading = read(["1", "old"], known=known)
    assert values[0] == 1
    assert reading.bad == ((2, "old"),)
    assert read(["1", "old", "new"], known=known)[1].number is False


@pytest.mark.parametrize("spelling", ["%Y-%m-%d", "%d.%m.%Y", "%YQ%q"])
@pytest.mark.parametrize("place", [0, 39])
def test_a_few_cells_that_are_no_dates_are_missing_and_named(spelling, place):
    """In ISO 8601 and in other spellings, which later tables have in mind."""
    days = pd.Series(pd.date_range("2020-01-01", periods=39, freq="QS"))
    cells = write_dates(days, spelling)
    cells.insert(place, "to be fixed")
    frame, readings = read_frame(pd.DataFrame({"day": cells}))
    (column,) = infer_columns(frame, readings)
    assert (column.kind, column.bad) == ("date", ((place + 1, "to be fixed"),))
    found = TableEncoder.fit([column], frame).transform(frame).numbers
    assert np.flatnonzero(found[:, 1]).tolist() == [place]  # 1: missing
    assert bad_cells(readings) == [
        f"column 'day' has a cell that is no date, taken for missing: row {place + 1} holds 'to be fixed'"
    ]
    kept = {"day": Reading.from_plain(json.loads(json.dumps(readings["day"].to_plain())))}
    later, read_later = read_frame(pd.DataFrame({"day": [cells[5], "soon"]}), kept)
    assert (later["day"].isna().tolist(), read_later["day"].bad) == ([False, True], ((2, "soon"),))
    more, read_later = read_frame(pd.DataFrame({"day": [cells[5], "soon", "later"]}), kept)
    assert read_later["day"].bad == ()
    with pytest.raises(InputError, match=r"column 'day' must hold dates spelt like .* but row"):
        TableEncoder.fit([column], frame).transform(more)


def test_more_cells_that_are_no_dates_make_a_column_of_texts():
    cells = [*write_dates(pd.Series(pd.date_range("2020-01-01", periods=18)), "%Y-%m-%d"), "to be fixed"]
    column, reading = read_texts({"day": pa.array(cells)})["day"]
    assert (column.tolist(), reading.bad, reading.dates) == (cells, (), ())
    cells[-1] = "2020-02-30"  # a day that there is not
    assert read_texts({"day": pa.array(cells)})["day"][1].bad == ()


def test_a_name_tells_durations_from_times_of_day():
    cells = pa.array(["00:30", "01:15:30", "12:00"])
    found = read_texts({"ride_length": cells, "departure": cells})
    assert found["ride_length"][0].tolist() == [1800, 4530, 43200]
    assert found["departure"][0].tolist() == cells.to_pylist()
    assert read_texts({"x": pa.array(["00:30"])}, known={"x": found["ride_length"][1]})["x"][0].tolist() == [1800]


# Truths and codes


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(PAIRS),
    st.sampled_from(PAIRS),
    st.sampled_from([str.lower, str.upper, str.title]),
    st.lists(st.booleans(), min_size=2, max_size=8).filter(lambda held: len(set(held)) == 2),
)
def test_a_truth_is_found_at_every_spelling(pair, other, case, held):
    _, _, trained = keys(tidy(pd.Series([pair[truth] for truth in held])))
    find = finder(trained)
    _, _, texts = keys(tidy(pd.Series([case(other[truth]) for truth in held])))
    assert [find(text) for text in texts] == [0, 1]  # both in the order in which they first occur


def test_truths_of_all_types_are_one_value():
    find = finder(["no", "yes"])
    for column in ([True, False], [1, 0], [1.0, 0.0], ["TRUE", "FALSE"], ["1.0", "0.0"], ["Ja", "Nein"]):
        _, _, texts = keys(tidy(pd.Series(column)))
        assert [find(text) for text in texts] == [1, 0]
    assert find("maybe") == -1


def test_spellings_of_a_truth_in_one_column_are_one_value():
    rows, _, texts = keys(pd.Series(["yes", "Yes", "no", "Yes", None]))
    assert (rows.tolist(), texts) == ([0, 0, 1, 0, -1], ["Yes", "no"])
    assert keys(pd.Series(["f", "y", "n"]))[2] == ["f", "y", "n"]  # letters, not truths


def test_codes_meet_their_resaved_selves():
    find = finder(["01", "02", "10"])
    assert [find(text) for text in ("1", "02", "2", "10", "10.0", "3")] == [0, 1, 1, 2, 2, -1]
    assert finder(["1", "01"])("001") == -1  # of which of the two, nothing tells


# Missing cells


def test_a_word_is_a_value_unless_the_file_uses_it_for_missing_numbers():
    regions = pa.array(["NA", "EU", "EU"])
    table = {"region": regions, "x": pa.array(["1", "2", ""])}
    column, reading = read_texts(table)["region"]
    assert (column.tolist(), reading.kept, reading.missing) == (["NA", "EU", "EU"], ("NA",), {})
    missing, reading = read_texts({"region": regions, "x": pa.array(["1", "NA", "3"])})["region"]
    assert (missing.isna().tolist(), reading.missing) == ([True, False, False], {"NA": 1})
    both = {"region": pa.array(["NA", "EU", ""]), "x": pa.array(["1", "NA", "3"])}
    assert read_texts(both)["region"][0].isna().tolist() == [False, False, True]
    # and later tables are read as the first one, whatever else they hold
    later, _ = read_texts({"region": regions, "x": pa.array(["1", "NA", "3"])}, known={"region": Reading()})["region"]
    assert later.tolist() == ["NA", "EU", "EU"]


def test_words_among_truths_and_dates_are_missing():
    assert read(["yes", "no", "NA"])[1].missing == {"NA": 1}
    assert read(["31.12.2020", "01.02.2021", "None"])[1].missing == {"None": 1}
    assert read(["NA", "None"])[1].missing == {"NA": 1, "None": 1}


def test_the_user_says_what_is_missing():
    assert read(["NA", "EU", "XX"], missing=["XX"])[0][:2] == ["NA", "EU"]
    assert read(["NA", "EU", "XX"], missing=["XX"])[1].missing == {"XX": 1}
    values, reading = read(["1", "-999", "3"], missing=["-999"])
    assert (values[0], reading.missing) == (1, {"-999": 1})
    assert read(["NA", "NA", "EU"], missing=["NA"])[1].missing == {"NA": 2}


@pytest.mark.parametrize("cells", [["1", "-999", "3"], ["1,5", "-999", "2,5"], ["2020-01-01", "-999", "2020-01-03"]])
def test_what_the_user_says_is_missing_stays_so(cells):
    _, reading = read(cells, missing=["-999"])
    kept = Reading.from_plain(json.loads(json.dumps(reading.to_plain())))
    assert pd.isna(read(cells, known={"x": kept})[0][1])


def test_what_is_missing_reaches_columns_of_every_type(tmp_path):
    frame = pd.DataFrame({"whole": [1, -999, 3], "real": [0.5, np.nan, -999.0], "kind": [7, -999, 7]})
    frame = frame.astype({"kind": "category"}).assign(small=pd.array([None, -999, 2], "Int16"))
    found, readings = read_frame(frame, missing=["-999", "NA"])
    assert found.isna().to_numpy().tolist() == [[0, 0, 0, 1], [1, 1, 1, 1], [0, 1, 0, 0]]
    assert [dict(readings[name].missing) for name in frame] == [
        {"-999": 1}, {"": 1, "-999": 1}, {"-999": 1}, {"": 1, "-999": 1}
    ]  # fmt: skip
    again, _ = read_frame(frame, readings)
    assert again.isna().to_numpy().tolist() == found.isna().to_numpy().tolist()
    frame.to_parquet(tmp_path / "t.parquet")
    source = load_source(str(tmp_path / "t.parquet"), missing=["-999"])
    assert source.frame["whole"].isna().tolist() == [False, True, False]
    assert load_source(str(tmp_path / "t.parquet"), source.readings).frame["whole"].isna().sum() == 1


def test_identifiers_are_copied_as_they_are():
    assert read(["007", "NA", "1.500", "$5", ""], known={"x": Reading(verbatim=True)})[0][:4] == [
        "007", "NA", "1.500", "$5"
    ]  # fmt: skip


def test_frames_are_read_like_files():
    frame = pd.DataFrame({"a": ["1,5", "2,5", None], "b": ["1.500", "2.000", "3.000"]})
    frame = frame.assign(c=["NA", None, "EU"], d=[pd.NA, "x", np.nan])
    found, readings = read_frame(frame)
    assert found["b"].tolist() == [1500, 2000, 3000]
    assert found["c"].isna().tolist() == [False, True, False]
    assert found["d"].isna().tolist() == [True, False, True]
    again, _ = read_frame(frame[["b"]], readings)
    assert again["b"].tolist() == [1500, 2000, 3000]


# Units below the names


def test_a_line_of_units_is_no_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,mass,speed\n,[kg],m/s\na,1.5,2\nb,2.5,3\n")
    source = load_source(str(path))
    assert source.frame["mass"].tolist() == [1.5, 2.5]
    assert source.notes == (
        "the line below the column names of 't.csv' holds units, no values: '[kg]' of 'mass', 'm/s' of 'speed'; row 1 "
        "is the line after it",
    )
    path.write_text("name,mass\n,[kg]\n")
    assert len(load_source(str(path)).frame) == 1  # no numbers below that would show it
    path.write_text("x,y\nNA,NA\n1,2\n")
    assert len(load_source(str(path)).frame) == 2


def test_what_is_missing_is_text():
    with pytest.raises(InputError, match="missing is 3, but must be a word"):
        Regressor(missing=[3]).fit(pd.DataFrame({"a": [1.0, 2.0]}), [1.0, 2.0])
