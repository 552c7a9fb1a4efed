import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phalanx.config import Config
from phalanx.data.frames import read_frame
from phalanx.data.letters import one_form
from phalanx.data.read import BUNDLED, load_source, read_table
from phalanx.errors import InputError

TABLES = Path(__file__).parents[2] / "../shared/data/tables"
needs_tables = pytest.mark.skipif(not TABLES.is_dir(), reason="the shared data tables are not beside this checkout")
anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def write(tmp_path):
    def write(content, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def refusal(path):
    with pytest.raises(InputError) as caught:
        load_source(str(path))
    return str(caught.value)


# Good tables


def test_types_of_cells(write):
    frame = read_table(write("n,x,when,text\n1,0.5,2020-01-31,a\n2,?,NA, b \n,1e3,2021-12-01,None\n"))
    assert frame["n"].tolist()[:2] == [1, 2]
    assert np.isnan(frame["n"][2])
    assert frame["x"].isna().tolist() == [False, True, False]
    assert frame["x"][2] == 1000
    assert frame["when"][0] == pd.Timestamp(2020, 1, 31)
    assert frame["when"].isna().tolist() == [False, True, False]
    assert frame["text"].tolist() == ["a", "b", "None"]


@pytest.mark.parametrize("spelling", ["", "?", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", " ", "#N/A"])
def test_missing_spellings_among_numbers(write, spelling):
    frame = read_table(write(f"a,b\n1,x\n{spelling},y\n2.5,z\n"))
    assert frame["a"].dtype == np.float64
    assert frame["a"].isna().tolist() == [False, True, False]


def test_a_class_may_be_called_minus(write):
    assert read_table(write("a,b\n+,1\n-,2\n"))["a"].tolist() == ["+", "-"]


def test_codes_with_leading_zeros_stay_text(write):
    frame = read_table(write("zip,hex,n\n02134,0x1F,0\n90210,0x20,0.5\n"))
    assert frame["zip"].tolist() == ["02134", "90210"]
    assert frame["hex"].tolist() == ["0x1F", "0x20"]
    assert frame["n"].tolist() == [0, 0.5]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_ends(write, delimiter, newline):
    rows = [["a", "b", "c"], ["1", "x y", "2"], ["3", "z", "4"]]
    frame = read_table(write(newline.join(delimiter.join(row) for row in rows)))
    assert frame.to_dict("list") == {"a": [1, 3], "b": ["x y", "z"], "c": [2, 4]}


def test_tsv_keeps_commas(write):
    frame = read_table(write("a,b\tc\n1,x\t2\n", "table.tsv"))
    assert frame.to_dict("list") == {"a,b": ["1,x"], "c": [2]}


def test_decimal_comma(write):
    source = load_source(str(write("name;size;mass\na;3,512;1.234,5\nb;-0,25;0,5\nc;4;\n")))
    assert source.frame["size"].tolist() == [3.512, -0.25, 4]
    assert source.frame["mass"].tolist()[:2] == [1234.5, 0.5]
    assert source.notes == ("numbers with a decimal comma in 'size', 'mass'",)


def test_ambiguous_commas_go_by_the_delimiter(write):
    assert read_table(write("a;b\n3,512;1\n4,250;2\n"))["a"].tolist() == [3.512, 4.25]
    source = load_source(str(write('a,b\n"3,512",1\n999,2\n')))
    assert source.frame["a"].tolist() == [3512, 999]
    assert source.notes == ("numbers with a comma between thousands in 'a'",)
    assert read_table(write('a,b\n"3,5",1\n"2,25",2\n'))["a"].tolist() == [3.5, 2.25]


def test_byte_order_marks_and_encodings(write):
    assert list(read_table(write("a,b\n1,2\n", encoding="utf-8-sig"))) == ["a", "b"]
    source = load_source(str(write("a\tb\n1\té\n", encoding="utf-16")))
    assert source.frame["b"].tolist() == ["é"]
    assert source.notes == ("read as UTF-16 text",)
    source = load_source(str(write("a,b\n1,2\n1,café\n", "t.csv", encoding="latin-1")))
    assert source.frame["b"].tolist() == ["2", "café"]
    assert source.notes == ("line 3 of 't.csv' is not UTF-8: the file is read as windows-1252",)


def test_column_names(write):
    source = load_source(str(write(" a ,a,,a\n1,2,3,4\n")))
    assert list(source.frame) == ["a", "a.1", "unnamed_3", "a.2"]
    assert source.notes == (
        "columns without a name are called 'unnamed_3'",
        "column names occur twice: the later ones are called 'a.1', 'a.2'",
    )
    assert list(read_table(write("a,a,a.1\n1,2,3\n"))) == ["a", "a.2", "a.1"]


def test_a_file_without_a_header_is_noted(write):
    assert load_source(str(write("5.1,3.5\n4.9,3.0\n", "t.csv"))).notes == (
        "the first line of 't.csv' holds only numbers, but is taken for the column names",
    )


def test_large_and_exact_numbers(write):
    frame = read_table(write("a,b\n1e30,0.1\n-2.5e30,0.30000000000000004\n"))
    assert frame["a"].tolist() == [1e30, -2.5e30]
    assert frame["b"].tolist() == [0.1, 0.1 + 0.2]


def test_parquet(tmp_path):
    frame = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "x": [0.5, np.nan, 2.0],
            "c": pd.Categorical(["u", "v", None]),
            "flag": [True, False, True],
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "text": ["?", "b", "c"],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert list(read) == list(frame)
    assert read["n"].tolist() == [1, 2, 3]
    assert read["flag"].tolist() == [True, False, True]
    assert read["c"].isna().tolist() == [False, False, True]
    assert read["when"][2] == pd.Timestamp(2021, 1, 1)
    assert read["text"].isna().tolist() == [True, False, False]


@needs_tables
def test_adult():
    # awk -F, 'NR>1 && $2=="?"' adult-train.csv | wc -l prints 1836; for columns 7 and 14: 1843, 583.
    source = load_source(str(TABLES / "adult-train.csv"))
    assert (source.name, source.target, source.notes) == ("adult-train", None, ())
    assert source.frame.shape == (32_561, 15)
    missing = source.frame.isna().sum()
    assert missing[missing > 0].to_dict() == {"workclass": 1836, "occupation": 1843, "native_country": 583}
    assert source.frame["income"].value_counts().to_dict() == {"<=50K": 24_720, ">50K": 7841}
    assert source.frame.iloc[0]["age"] == 39


@needs_tables
def test_housing():
    frame = read_table(TABLES / "housing.csv")
    assert frame.shape == (20_640, 10)
    assert frame.isna().sum()[lambda count: count > 0].to_dict() == {"total_bedrooms": 207}
    assert frame["median_house_value"][0] == 452_600
    assert frame["ocean_proximity"].nunique() == 5


@pytest.mark.parametrize(
    ("name", "shape", "labels"),
    [
        ("digits", (1797, 65), list(range(10))),
        ("iris", (150, 5), ["setosa", "versicolor", "virginica"]),
        ("wine", (178, 14), ["class_0", "class_1", "class_2"]),
        ("breast_cancer", (569, 31), ["benign", "malignant"]),
    ],
)
def test_bundled_classes(name, shape, labels):
    source = load_source(name)
    assert source.name == name
    assert source.frame.shape == shape
    assert sorted(source.frame[source.target].unique()) == labels


def test_bundled_numbers():
    source = load_source("diabetes")
    assert source.frame.shape == (442, 11)
    assert source.frame[source.target].iloc[0] == 151


def test_an_existing_path_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert refusal("digits") == (
        "'digits' is a folder and holds no table (.csv, .tsv, .parquet); "
        "a path wins over the bundled data set of that name"
    )


# Any table of text comes back

CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t,;\"'"), max_size=8)


@anew
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(CELLS.map("x{}x".format).map(one_form), min_size=width, max_size=width), min_size=2, max_size=6
        )
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_text_reads_back(tmp_path, rows, quoting):
    text = io.StringIO()
    csv.writer(text, quoting=quoting).writerows([[f"c{i}" for i in range(len(rows[0]))], *rows])
    path = tmp_path / "any.csv"
    path.write_bytes(text.getvalue().encode())
    assert read_table(path).to_numpy().tolist() == rows


@anew
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_any_numbers_read_back(tmp_path, values):
    path = tmp_path / "any.csv"
    path.write_text("\n".join(["x", *map(repr, values)]))
    assert read_table(path)["x"].tolist() == values


@anew
@given(st.one_of(st.binary(max_size=200), st.text('abc,;\t"\n\r01.-', max_size=60).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    for name in ("any.csv", "any.tsv", "any.parquet"):
        path = tmp_path / name
        path.write_bytes(content)
        try:
            frame = read_table(path)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert len(frame) > 0
            assert frame.columns.is_unique


# Bad tables


def test_no_such_file(tmp_path, write):
    write("a\n1\n", "housing.csv")
    assert refusal(tmp_path / "huosing.csv") == (
        f"no such file: {str(tmp_path / 'huosing.csv')!r}; did you mean {str(tmp_path / 'housing.csv')!r}?"
    )
    assert refusal(tmp_path / "none" / "x.csv") == f"no such file: {str(tmp_path / 'none' / 'x.csv')!r}"
    assert refusal("x" * 5000).startswith("cannot read")


def test_no_such_bundled_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal("digit") == "no such file: 'digit'; did you mean 'digits'?"
    assert refusal("mnist") == f"no such file: 'mnist'; the bundled data sets are {', '.join(BUNDLED)}"


def test_folders(tmp_path, write):
    assert refusal(tmp_path) == f"{str(tmp_path)!r} is a folder and holds no table (.csv, .tsv, .parquet)"
    path = write("a\n1\n")
    assert refusal(tmp_path) == f"{str(tmp_path)!r} is a folder; did you mean {str(path)!r}?"


def test_unknown_suffix(write):
    path = write("a\n1\n", "table.xlsx")
    assert refusal(path) == f"{str(path)!r} is not a kind of table that can be read (.csv, .tsv, .parquet)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "{path} is empty"),
        ("\n\n", "{path} is empty"),
        ("a,b\n", "{path} holds column names only, no rows"),
        ("a,b\n1,2\n3\n", "line 3 of {path} has 1 cells, but the header has 2 (comma separated)"),
        ('a,b\n"x\ny",2\n3,4,5\n', "line 4 of {path} has 3 cells, but the header has 2 (comma separated)"),
        ("a;b\n1,5;2\n1;2;3\n", "line 3 of {path} has 3 cells, but the header has 2 (semicolon separated)"),
        ('a,b\n1,2\n3,"x\n5,6\n', "line 3 of {path} cannot be read: a quoted cell begins there and never ends"),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            "{path} is not a text file, though it is named .csv: it holds zero bytes",
        ),
        (
            bytes(range(1, 32)) * 10,
            "{path} is not a text file, though it is named .csv: it holds control bytes",
        ),
        (b"\xff\xfe\x00", "{path} is not a text file, though it is named .csv: not UTF-16 at byte 2, counted from 0"),
    ],
)
def test_broken_text(write, content, message):
    path = write(content)
    assert refusal(path) == message.format(path=repr(str(path)))


def test_a_header_that_never_ends(write):
    path = write('"a' + "x" * 200_000)
    assert refusal(path).startswith(f"the first line of {str(path)!r} holds no column names: ")


def test_corrupt_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(100)}).to_parquet(path)
    good = path.read_bytes()
    for bad in (b"", b"PAR1", good[:-20], b"\0" * 300 + good[300:]):
        path.write_bytes(bad)
        assert refusal(path).startswith(f"{str(path)!r} is not a readable Parquet file: ")
    pd.DataFrame({"a": []}).to_parquet(path)
    assert refusal(path) == f"{str(path)!r} holds no rows"


def test_bars_separate_cells(write):
    assert read_table(write('a|b\n"x|y, z"|1\nw|2\n'))["a"].tolist() == ["x|y, z", "w"]
    assert read_table(write('name\n"Doe, Jane"\n"Roe, Richard"\n'))["name"].tolist() == ["Doe, Jane", "Roe, Richard"]


def test_a_line_may_say_what_separates_cells(write):
    assert read_table(write("sep=;\r\na;b\r\n1,5;x\r\n2,5;y\r\n"))["a"].tolist() == [1.5, 2.5]


def test_one_meaning_in_every_encoding(write):
    content = "cur,answer\n£,do – yes\n€,don’t “say”\n"
    whole = read_table(write(content))
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"):
        pd.testing.assert_frame_equal(read_table(write(content, encoding=encoding)), whole)


def test_accents_spaces_and_marks_are_one_value(write):
    table = read_table(
        write("cafe\u0301,n\ncafe\u0301\u200b,1\n\u00a0caf\u00e9,2\nNew\u00a0York,3\nNew York\ufeff,4\n")
    )
    assert list(table) == ["caf\u00e9", "n"]
    assert table["caf\u00e9"].tolist() == ["caf\u00e9", "caf\u00e9", "New York", "New York"]
    assert Config(source="t.csv", target=("cafe\u0301\u200b",)).target == ("caf\u00e9",)
    assert list(read_frame(pd.DataFrame({"e\u0301": [1, 2], "\u00e9": [3, 4]}))[0]) == ["\u00e9", "\u00e9.1"]
