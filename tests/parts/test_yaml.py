"""YAML is read by the core schema of YAML 1.2, and what was written is read back exactly."""

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from phalanx.errors import InputError
from phalanx.parts.yaml import read_yaml, write_yaml


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_plain_data_comes_back_exactly(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "data.yaml"
    path.write_text(write_yaml(data), encoding="utf-8")
    assert repr(read_yaml(path)) == repr(data)


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "text.yaml"
    path.write_text(text, encoding="utf-8")
    with contextlib.suppress(InputError):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2 core schema, section 10.3.2: what each plain scalar stands for
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        ("7.", 7.0),
        ("+12", 12),
        ("-0", 0),
        ("0o14", 12),
        ("0x1F", 31),
        ("012", 12),
        ("0.0", 0.0),
        (".inf", float("inf")),
        ("-.Inf", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("~", None),
        ("", None),
        # and what it does not: 1.1's booleans, octals, sexagesimals, dates
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("y", "y"),
        ("nULL", "nULL"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("<<", "<<"),
        ("1e", "1e"),
        ("'1e-4'", "1e-4"),
        ('"true"', "true"),
    ],
)
def test_scalars_follow_the_core_schema(tmp_path, text, value):
    path = tmp_path / "scalar.yaml"
    path.write_text(f"x: {text}", encoding="utf-8")
    read = read_yaml(path)["x"]
    assert (read, type(read)) == (value, type(value))


def test_not_a_number_is_read_as_such(tmp_path):
    path = tmp_path / "nan.yaml"
    path.write_text("[.nan, .NaN]", encoding="utf-8")
    assert all(x != x for x in read_yaml(path))


@pytest.mark.parametrize(
    "text", ["1e-4", "no", "012", "0o14", "~", "", ".inf", "true", "1", "2024-01-01", " a", "#b", "x: y"]
)
def test_texts_that_look_like_something_else_are_quoted(tmp_path, text):
    path = tmp_path / "text.yaml"
    path.write_text(write_yaml({"label": text}), encoding="utf-8")
    assert read_yaml(path) == {"label": text}


def test_nothing_in_a_file_is_executed(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("!!python/object/apply:os.system ['true']", encoding="utf-8")
    with pytest.raises(InputError, match=r"evil\.yaml: not valid YAML: could not determine a constructor"):
        read_yaml(path)
    with pytest.raises(yaml.YAMLError):
        write_yaml(object())


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such file$"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match=r"cannot be read as YAML \(.*Is a directory"):
        read_yaml(tmp_path)
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match=r"file\.yaml: cannot be read as YAML \('utf-8' codec"):
        read_yaml(path)
    path.write_text("a: [1, 2", encoding="utf-8")
    with pytest.raises(InputError, match=r"file\.yaml: not valid YAML: .* line 1, column 9"):
        read_yaml(path)
    path.write_text("&a [*a]", encoding="utf-8")
    with pytest.raises(InputError, match=r"file\.yaml: not valid YAML: found unconstructable recursive node"):
        read_yaml(path)
    path.write_text("[" * 5000, encoding="utf-8")
    with pytest.raises(InputError, match=r"file\.yaml: cannot be read as YAML \(maximum recursion depth exceeded"):
        read_yaml(path)
    path.write_text("{units: 3, units: 4}", encoding="utf-8")
    with pytest.raises(InputError, match=r"not valid YAML: `units` stands there twice .* line 1"):
        read_yaml(path)
