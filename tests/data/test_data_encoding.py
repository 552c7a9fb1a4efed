import json
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phalanx.data.columns import Column, infer_columns
from phalanx.data.read import read_table
from phalanx.errors import InputError
from phalanx.kinds.tables.encoder import TableEncoder

TABLES = Path(__file__).parents[2] / "../shared/data/tables"
needs_tables = pytest.mark.skipif(not TABLES.is_dir(), reason="the shared data tables are not beside this checkout")
anew = settings(deadline=None)


def number(name="x"):
    return Column(name, "number", "")


def category(name="c"):
    return Column(name, "category", "")


def fit(columns, weight=None, **data):
    return TableEncoder.fit(columns, pd.DataFrame(data), weight)


def encode(encoder, **data):
    return encoder.transform(pd.DataFrame(data))


# Numbers


def test_a_number_by_hand():
    # Of 1, 2, 3, 4, 10: median 3, quartiles 2 and 4. 10 becomes 7/2 = 3.5, then 3.5 / sqrt(1 + (3.5/3)^2).
    encoder = fit([number()], x=[1.0, 2, 3, 4, 10])
    x = encode(encoder, x=[3.0, 5, 10]).numbers
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[:, 0], [0, 1 / sqrt(1 + 1 / 9), 3.5 / sqrt(1 + (3.5 / 3) ** 2)], rtol=1e-6)


def test_half_the_range_where_the_quartiles_are_equal():
    # Quartiles 0 and 0; half the range is 4. The value 8 becomes 2 / sqrt(1 + 4/9) = 2 / sqrt(13/9).
    encoder = fit([number()], x=[0.0] * 9 + [8.0])
    np.testing.assert_allclose(encode(encoder, x=[8.0]).numbers, [[2 / sqrt(13 / 9)]], rtol=1e-6)


def test_a_constant_becomes_zero():
    encoder = TableEncoder.fit_numbers(np.full((3, 1), 7.0))
    np.testing.assert_array_equal(encoder.transform_numbers(np.array([[7.0], [8.0]])).numbers, [[0], [0]])


def test_missing_numbers():
    encoder = fit([number("x"), number("y")], x=[1.0, None, 3.0, 2.0], y=[1.0, 2, 3, 4])
    assert encoder.number_names == ("x", "y", "x is missing")
    encoded = encode(encoder, x=[None, 2.0], y=[None, 2.0])
    np.testing.assert_array_equal(encoded.numbers, [[0, 0, 1], [0, 0, 0]])


def test_a_column_near_1e30_and_the_largest_floats():
    encoder = fit([number()], x=[1e30, 1.1e30, 1.2e30, 1.3e30, 1.4e30])
    np.testing.assert_allclose(encode(encoder, x=[1.2e30, 1.3e30]).numbers, [[0], [0.5 / sqrt(1 + 1 / 36)]], rtol=1e-6)
    largest = np.finfo(np.float64).max
    encoder = fit([number()], x=[-largest, 0, largest, 5e-324, 1.0])
    np.testing.assert_allclose(encode(encoder, x=[-largest, largest]).numbers, [[-3], [3]], rtol=1e-6)


@anew
@given(arrays(np.float64, (7, 2), elements=st.floats(allow_infinity=False)), st.data())
def test_any_numbers_give_finite_values_below_three(values, data):
    encoder = TableEncoder.fit_numbers(values)
    other = data.draw(arrays(np.float64, (3, 2), elements=st.floats(allow_infinity=False)))
    encoded = encoder.transform_numbers(other).numbers
    assert np.isfinite(encoded).all()
    assert (np.abs(encoded) <= 3).all()
    frame = pd.DataFrame(values, columns=["x0", "x1"])
    assert TableEncoder.fit([number("x0"), number("x1")], frame) == encoder
    same = encoder.transform(pd.DataFrame(other, columns=["x0", "x1"]))
    np.testing.assert_array_equal(same.numbers, encoded)
    assert same.codes.shape == (3, 0)


@anew
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 2.0])),
            st.sampled_from(["a", "b", "c", None]),
            st.sampled_from(["2020-01-01", "2021-06-05 12:00", "1999-12-31", None]),
            st.integers(0, 4),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_weights_are_copies(rows):
    columns = [number("x"), category("c"), Column("d", "date", "")]
    frame = pd.DataFrame([row[:3] for row in rows], columns=["x", "c", "d"])
    frame["x"] = frame["x"].astype(float)
    frame["d"] = pd.to_datetime(frame["d"], format="ISO8601")
    weight = np.array([row[3] for row in rows])
    copies = frame.loc[np.repeat(frame.index, weight)]
    weighted = TableEncoder.fit(columns, frame, weight.astype(float))
    assert weighted == TableEncoder.fit(columns, copies)
    assert weighted == TableEncoder.fit(columns, copies, np.ones(len(copies)))


def test_infinite_and_unreadable_numbers_are_refused():
    encoder = fit([number("age")], age=[1.0, 2, 3])
    with pytest.raises(InputError, match=r"^column 'age' holds an infinite value in row 2"):
        encode(encoder, age=[1.0, np.inf])
    with pytest.raises(InputError, match=r"^column 'age' must hold numbers, but row 1 holds 'old'$"):
        encode(encoder, age=["old", "2"])
    np.testing.assert_array_equal(encode(encoder, age=["2", "?"]).numbers, [[0], [0]])
    plain = TableEncoder.fit_numbers(np.zeros((2, 1)))
    with pytest.raises(InputError, match=r"^column 'x0' holds an infinite value in row 1"):
        plain.transform_numbers(np.array([[np.inf]]))
    with pytest.raises(InputError, match=r"^the array has 2 columns, but training had 1$"):
        plain.transform_numbers(np.zeros((1, 2)))
    with pytest.raises(InputError, match=r"^column 'x1' holds an infinite value in row 2"):
        TableEncoder.fit_numbers(np.array([[0, 0], [0, -np.inf]]))


# Categories


def test_binary_categories():
    encoder = fit([category()], c=["no", "yes", None])
    assert (encoder.number_names, encoder.code_names) == (("c",), ())
    np.testing.assert_array_equal(encode(encoder, c=["no", "yes", None, "maybe"]).numbers[:, 0], [-1, 1, 0, 0])


def test_one_value_beside_missing_cells():
    encoder = fit([category()], c=["yes", None])
    np.testing.assert_array_equal(encode(encoder, c=["yes", None, "no"]).numbers[:, 0], [1, 0, 0])


def test_codes():
    encoder = fit([category("c"), category("n")], c=["b", "a", "c", None], n=[10, 9, 2, 2])
    assert encoder.cardinalities == (4, 4)
    assert encoder.categories[1].values == ("2", "9", "10")
    encoded = encode(encoder, n=[10, 2, 7], c=["c", "z", None])
    assert encoded.codes.dtype == np.int32
    np.testing.assert_array_equal(encoded.codes, [[3, 3], [0, 1], [0, 0]])
    assert encoded.numbers.shape == (3, 0)


@pytest.mark.parametrize(
    "again",
    [[1.0, None, 3.0], ["1", "?", "3"], pd.Categorical([1, None, 3]), pd.array([1, None, 3], dtype="Int64")],
    ids=["float", "text", "categorical", "nullable"],
)
def test_integers_match_whatever_their_type(again):
    encoder = fit([category()], c=[1, 2, 3])
    np.testing.assert_array_equal(encode(encoder, c=again).codes[:, 0], [1, 0, 3])


def test_booleans_match_with_missing_cells():
    encoder = fit([category()], c=[True, False])
    np.testing.assert_array_equal(encode(encoder, c=[True, None, False]).numbers[:, 0], [1, 0, -1])


# Dates


def test_dates_by_hand():
    # Thursday 1970-01-01 is day 0, so a week later its phase is 0 again; noon is half a day.
    column = Column("d", "date", "")
    encoder = TableEncoder.fit(
        [column], pd.DataFrame({"d": pd.to_datetime(["1970-01-01", "1970-01-05", "1970-01-09"])})
    )
    assert encoder.number_names == ("d", "d sine of year", "d cosine of year", "d sine of week", "d cosine of week")
    encoded = encode(encoder, d=["1970-01-08", None]).numbers
    # median day 4, interquartile range 8: 3/8, smoothly clipped.
    np.testing.assert_allclose(encoded[0, 0], 0.375 / sqrt(1 + 0.125**2), rtol=1e-6)
    np.testing.assert_allclose(encoded[0, 3:], [0, 1], atol=1e-6)
    np.testing.assert_array_equal(encoded[1], 0)


def test_time_of_day_is_a_cycle_where_there_is_one():
    encoder = fit([Column("d", "date", "")], d=pd.to_datetime(["2020-01-01 06:00", "2020-01-01 12:00"]))
    assert encoder.dates[0].cycles == ("day",)
    np.testing.assert_allclose(encode(encoder, d=["2020-01-03 06:00"]).numbers[0, -2:], [1, 0], atol=1e-6)


def test_the_spelling_of_dates_is_kept():
    train = pd.DataFrame({"d": ["25/12/2020", "03/04/2021", "07/08/2021"]})
    columns = infer_columns(train)
    encoder = TableEncoder.fit(columns, train)
    later = encode(encoder, d=["03/04/2021"])  # alone it would be the fourth of March
    np.testing.assert_array_equal(later.numbers, encoder.transform(train.iloc[1:2]).numbers)
    np.testing.assert_array_equal(later.numbers, encode(encoder, d=["2021-04-03"]).numbers)
    with pytest.raises(
        InputError, match=r"^column 'd' must hold dates spelt like '31/12/2024', but row 1 holds 'May'$"
    ):
        encode(encoder, d=["May"])


# Tables


def test_columns_are_matched_by_name():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": ["x", "y", "z"], "k": [1, 1, 1]})
    encoder = TableEncoder.fit(infer_columns(frame), frame)
    assert encoder.columns == ("a", "b")
    swapped = frame[["b", "a"]].assign(extra=np.inf)
    for one, other in zip(encoder.transform(frame), encoder.transform(swapped), strict=True):
        np.testing.assert_array_equal(one, other)


def test_missing_columns_are_named():
    encoder = fit([number("age"), number("height"), category("sex")], age=[1.0], height=[1.0], sex=["f"])
    with pytest.raises(InputError, match=r"^the table lacks the column 'age'; rename 'Age' if that is meant$"):
        encode(encoder, Age=[1], height=[1], sex=["m"])
    with pytest.raises(InputError, match=r"^the table lacks the column 'sex'$"):
        encode(encoder, age=[1], height=[1])
    with pytest.raises(InputError, match=r"^the table lacks the columns 'age', 'sex'$"):
        encode(encoder, height=[1])


def test_no_rows_and_no_columns():
    encoder = fit([number(), category()], x=[1.0, 2, 3], c=["a", "b", "c"])
    numbers, codes = encoder.transform(pd.DataFrame({"x": [], "c": []}))
    assert (numbers.shape, codes.shape) == ((0, 1), (0, 1))
    assert fit([], x=[1.0]).transform(pd.DataFrame({"x": [1.0, 2]})).numbers.shape == (2, 0)


@anew
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=3, max_size=9),
    st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=3, max_size=9),
)
def test_state_passes_through_json(values, texts):
    size = min(len(values), len(texts))
    frame = pd.DataFrame({"x": values[:size], "c": texts[:size], "d": pd.date_range("2020-01-01", periods=size)})
    frame["x"] = frame["x"].astype(float)
    encoder = TableEncoder.fit([number(), category(), Column("d", "date", "")], frame)
    again = TableEncoder.from_plain(json.loads(json.dumps(encoder.to_plain(), allow_nan=False)))
    assert again == encoder
    for one, other in zip(encoder.transform(frame), again.transform(frame), strict=True):
        np.testing.assert_array_equal(one, other)


@needs_tables
def test_adult_encodes():
    frame = read_table(TABLES / "adult-train.csv").drop(columns="income")
    encoder = TableEncoder.fit(infer_columns(frame), frame)
    assert encoder.n_numbers == 7
    # Values counted with cut -d, -fK | sort -u | wc -l, "?" included: 9 workclasses, 42 countries.
    assert dict(zip(encoder.code_names, encoder.cardinalities, strict=True)) == {
        "workclass": 9,
        "education": 17,
        "marital_status": 8,
        "occupation": 15,
        "relationship": 7,
        "race": 6,
        "native_country": 42,
    }
    test = read_table(TABLES / "adult-test.csv")
    encoded = encoder.transform(test)
    assert np.isfinite(encoded.numbers).all()
    assert int((encoded.codes[:, 0] == 0).sum()) == 963  # workclass is ? in 963 rows


@needs_tables
def test_housing_marks_missing_bedrooms():
    frame = read_table(TABLES / "housing.csv").drop(columns="median_house_value")
    encoder = TableEncoder.fit(infer_columns(frame), frame)
    assert encoder.number_names[-1] == "total_bedrooms is missing"
    assert encoder.transform(frame).numbers[:, -1].sum() == 207
    assert encoder.cardinalities == (6,)


def test_whole_numbers_beyond_those_of_training_keep_their_distance():
    frame = pd.DataFrame({"bedrooms": [1, 2, 3] * 10, "size": np.linspace(1, 3, 30)})
    encoder = TableEncoder.fit(infer_columns(frame), frame)
    later = encoder.transform(pd.DataFrame({"bedrooms": [1, 2, 3, 4, 5], "size": 0.0})).numbers[:, 0]
    np.testing.assert_allclose(np.diff(later), 0.5, rtol=0.01)  # a step of 1 in units of the range from 1 to 3
    far = frame.assign(bedrooms=[1, 2] * 14 + [2, 900])
    assert np.abs(TableEncoder.fit(infer_columns(far), far).transform(far).numbers).max() <= 3


def test_values_that_training_did_not_have_are_counted():
    frame = pd.DataFrame({"c": ["u", "v", "w"] * 4, "f": ["yes", "no"] * 6})
    encoder = TableEncoder.fit(infer_columns(frame), frame)
    later = pd.DataFrame({"c": ["u", "x", "y", None], "f": ["TRUE", "False", "1", "0.0"]})
    assert encoder.unseen(later) == [
        "column 'c' has values that training did not, in 2 of 4 rows (50.0%), taken for missing: 'x', 'y'"
    ]
    assert encoder.transform(later).numbers[:, 0].tolist() == [1, -1, 1, -1]
    codes = pd.DataFrame({"dept": ["01", "02", "10"] * 4})
    coded = TableEncoder.fit(infer_columns(codes), codes)
    assert coded.transform(pd.DataFrame({"dept": [1, 2, 10]})).codes.ravel().tolist() == [1, 2, 3]
