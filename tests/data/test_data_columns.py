from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from phalanx.data.columns import infer_columns, unique_names
from phalanx.data.read import load_source, read_table
from phalanx.errors import InputError

TABLES = Path(__file__).parents[2] / "../shared/data/tables"
needs_tables = pytest.mark.skipif(not TABLES.is_dir(), reason="the shared data tables are not beside this checkout")
ROWS = 200


def infer(values, name="x"):
    (column,) = infer_columns(pd.DataFrame({name: values}))
    return column


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.linspace(0, 1, ROWS), "number"),
        (np.arange(ROWS) % 9, "number"),
        (np.arange(ROWS) % 8, "number"),
        ((np.arange(ROWS) % 8).astype(float), "number"),
        ([None, *[3.0, 4.0, 5.0] * 10], "number"),
        ([0, 1, 2] * 10, "number"),
        ([1, 2] * 10, "number"),
        ([0, 1] * 10, "category"),
        ([0.0, 1.0, None] * 10, "category"),
        ([0.5, 1.5], "number"),
        ([0.5, None], "category"),
        ([True, False], "category"),
        (pd.Categorical(np.arange(ROWS) % 100), "category"),
        ([f"t{i % 100}" for i in range(ROWS)], "category"),
        ([f"t{i % 101}" for i in range(ROWS)], "identifier"),
        ([f"t{i}" for i in range(20)], "category"),
        ([f"t{i}" for i in range(21)], "identifier"),
        (["1", "2,5", "3"], "number"),
        (["2020-01-01", "2020-02-01", "2020-03-01"], "date"),
        (["1.2.2020", "2.2.2020", "31.3.2020"], "date"),
        ([7, 7, 7], "constant"),
        ([None, None], "constant"),
        (["?", "NA"], "constant"),
        ([1e30, 2e30, -1e30], "number"),
    ],
)
def test_kinds(values, kind):
    column = infer(values)
    assert column.kind == kind
    assert column.used == (kind not in ("constant", "identifier"))


@pytest.mark.parametrize("name", ["id", "customer_id", "PassengerId", "index", "ROW", "unnamed_1", "row number"])
def test_row_numbers(name):
    column = infer(np.arange(100, 100 + ROWS), name)
    assert column.kind == "identifier"
    assert column.warning == f"column {name!r} numbers the rows: taken for an identifier and left out"


@pytest.mark.parametrize("name", ["age", "paid", "width", "time", "humid"])
def test_other_running_numbers_stay(name):
    assert infer(np.arange(ROWS), name).kind == "number"
    assert infer(np.arange(ROWS) % 50, "id").kind == "number"


def test_many_categories():
    column = infer([f"v{i}" for i in range(100_000)])
    assert column.detail == "100,000 distinct texts in 100,000 rows"
    assert column.warning == (
        "column 'x' holds 100,000 distinct texts in 100,000 rows: taken for an identifier and left out"
    )
    assert infer([f"v{i % 15_000}" for i in range(100_000)]).kind == "identifier"
    assert infer([f"v{i % 9_000}" for i in range(100_000)]).kind == "category"


def test_numbers_spoilt_by_many_texts_are_named():
    column = infer([*map(str, np.linspace(0, 1, ROWS)), *(f"?{i}" for i in range(11))])
    assert column.warning.endswith(
        "left out, since not all are numbers (row 201 holds '?0'); correct or empty such cells"
    )
    table = pd.DataFrame({"x": [*map(str, np.linspace(0, 1, ROWS)), *(f"?{i}" for i in range(11))]})
    (column,) = infer_columns(table.iloc[5:])  # as where other rows test
    assert "(row 201 holds '?0')" in column.warning


def test_codes_by_name_or_word():
    assert infer([1, 2, 3] * 10, "job_type").kind == "category"
    assert infer([1, 2, 3] * 9, "job_type").kind == "number"
    frame = pd.DataFrame({"dept": [1, 2, 3] * 10, "zip": ["01", "02", "03"] * 10})
    found = infer_columns(frame, categories=["dept"], numbers=["zip"])
    assert [(column.kind, column.detail) for column in found] == [
        ("category", "3 values: 1, 2, 3"),
        ("number", "1 to 3"),
    ]


@pytest.mark.parametrize("start", [0, 1, 4711])
def test_a_column_that_counts_the_rows_is_left_out(start):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sample": np.arange(start, start + ROWS), "x": rng.normal(size=ROWS)})
    # all rows; those left where others had no target; in another order, as splits make them
    for rows in (frame, frame[rng.random(ROWS) < 0.5], frame.sample(frac=1.0, random_state=0)):
        first = infer_columns(rows)[0]
        assert (first.kind, first.warning) == ("identifier", "column 'sample' counts the rows: left out")
    years = infer_columns(frame.rename(columns={"sample": "fiscal_year"}))[0]
    assert years.kind == "number"
    increasing = frame.assign(sample=np.arange(ROWS) * 2, other=np.cumsum(rng.integers(1, 3, ROWS)))
    assert [column.kind for column in infer_columns(increasing)] == ["number"] * 3


def test_the_only_column_is_kept_though_it_counts_the_rows():
    column = infer(np.arange(ROWS), "x")
    assert (column.kind, column.warning) == (
        "number",
        "column 'x' counts the rows: kept, since there is no other column to learn from",
    )


def test_details_and_warnings():
    assert infer([1.5, 2, None, 4]).detail == "1.5 to 4, 1 missing"
    assert infer(["b", "a", "b", None]).detail == "2 values: b, a, 1 missing"
    assert infer(list("aabbbcde")).detail == "5 values: b, a, c, d, ..."
    assert infer(["2020-01-01", "2021-01-01", "2020-05-05"]).detail == "2020-01-01 to 2021-01-01"
    assert infer([7, 7]).warning == "column 'x' is always '7': left out"
    assert infer([None]).warning == "column 'x' has no values: left out"
    ambiguous = infer(["01/02/2020", "03/04/2020", "05/06/2020"])
    assert ambiguous.date_format == "%m/%d/%Y"
    assert ambiguous.warning == "column 'x': dates read as %m/%d/%Y, though they also fit %d/%m/%Y"


def test_infinite_values_are_refused():
    with pytest.raises(InputError, match=r"^column 'x' holds an infinite value in row 3; correct it or leave the cell"):
        infer([1.0, np.nan, np.inf, 2.0])
    with pytest.raises(InputError, match=r"in row 2"):
        infer(["1", "inf", "3"])


def test_unique_names():
    assert unique_names(["a", "a", "a.1", "b", "a"]) == ["a", "a.2", "a.1", "b", "a.3"]
    assert [column.name for column in infer_columns(pd.DataFrame([[1, 2]], columns=[0, 0]))] == ["0", "0.1"]


def test_two_thousand_columns():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2000)))
    assert {column.kind for column in infer_columns(frame)} == {"number"}


@needs_tables
def test_adult():
    kinds = {column.name: column.kind for column in infer_columns(read_table(TABLES / "adult-train.csv"))}
    numbers = {"age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"}
    assert {name for name, kind in kinds.items() if kind == "number"} == numbers
    assert {kind for name, kind in kinds.items() if name not in numbers} == {"category"}


@needs_tables
def test_german_credit():
    kinds = {column.name: column.kind for column in infer_columns(read_table(TABLES / "german-credit.csv"))}
    # amounts, and counts of few values, which keep their order
    numbers = {
        "duration_months",
        "credit_amount",
        "age",
        "installment_rate",
        "residence_since",
        "existing_credits",
        "dependants",
        "credit_risk",
    }
    assert {name for name, kind in kinds.items() if kind == "number"} == numbers


def test_digits():
    # Pixels 0_0, 4_0 and 4_7 are 0 in all 1,797 images.
    columns = infer_columns(load_source("digits").frame)
    constant = [column.name for column in columns if column.kind == "constant"]
    assert constant == ["pixel_0_0", "pixel_4_0", "pixel_4_7"]
