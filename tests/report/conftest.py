"""The contract of figures, as whoever draws them relies on it; what tests of the page share stands in modules here."""

import base64
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parent))

FIELDS = ["id", "section", "title", "says", "draw", "table"]
TYPES = {
    "matrix": {"type", "rows", "columns", "values", "x", "y", "scale"},
    "lines": {"type", "x", "y", "lines", "bands", "reference"},
    "points": {"type", "x", "y", "x_values", "y_values", "names", "reference"},
    "bars": {"type", "names", "values", "low", "high", "label"},
    "cases": {"type", "cases"},
}
CASE = {"picture", "text", "lines", "truth", "said", "sure", "name"}


def is_number(value):
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))


def check_numbers(*lists):
    """Lists of finite numbers, or null, of one length."""
    assert len({len(held) for held in lists}) == 1
    for held in lists:
        assert all(map(is_number, held))


def check_axis(axis):
    assert set(axis) - {"dates"} == {"label", "log"}
    assert isinstance(axis["label"], str)
    assert isinstance(axis["log"], bool)


def check_x(x, axis):
    if axis.get("dates"):
        assert all(np.datetime64(text) for text in x)
        assert x == sorted(x)
    else:
        check_numbers(x)


def check_lines(draw):
    check_axis(draw["x"])
    check_axis(draw["y"])
    assert draw["reference"] in ("diagonal", "zero", None)
    assert draw["lines"]
    for line in draw["lines"]:
        assert set(line) == {"name", "x", "y"}
        assert 0 < len(line["x"]) == len(line["y"]) <= 500
        check_x(line["x"], draw["x"])
        check_numbers(line["y"])
    for band in draw["bands"]:
        assert set(band) == {"name", "x", "low", "high"}
        assert len(band["x"]) == len(band["low"]) <= 500
        check_x(band["x"], draw["x"])
        check_numbers(band["low"], band["high"])
        assert all(low <= high for low, high in zip(band["low"], band["high"], strict=True) if None not in (low, high))


def check_matrix(draw):
    assert draw["scale"] in ("count", "share", "correlation")
    assert len(draw["values"]) == len(draw["rows"])
    for row in draw["values"]:
        assert len(row) == len(draw["columns"])
        check_numbers(row)
        low = -1 if draw["scale"] == "correlation" else 0
        assert all(value is None or value >= low for value in row)
        assert draw["scale"] == "count" or all(value is None or value <= 1 for value in row)
    assert all(isinstance(label, str) for label in (*draw["rows"], *draw["columns"], draw["x"], draw["y"]))


def check_points(draw):
    check_axis(draw["x"])
    check_axis(draw["y"])
    check_numbers(draw["x_values"], draw["y_values"])
    assert 0 < len(draw["x_values"]) <= 2_000
    assert draw["names"] is None or len(draw["names"]) == len(draw["x_values"])
    assert draw["reference"] in ("diagonal", "zero", None)


def check_bars(draw):
    assert all(isinstance(name, str) for name in draw["names"])
    check_numbers(draw["values"], *(draw[end] for end in ("low", "high") if draw[end] is not None))
    assert len(draw["names"]) == len(draw["values"])
    assert isinstance(draw["label"], str)


def check_cases(draw):
    assert 0 < len(draw["cases"]) <= 24
    for case in draw["cases"]:
        assert set(case) == CASE
        assert all(isinstance(case[name], str) for name in ("truth", "said"))
        assert all(case[name] is None or isinstance(case[name], str) for name in ("text", "name", "picture"))
        assert is_number(case["sure"])
        for line in case["lines"] or []:
            assert all(map(is_number, line))
        if case["picture"] is not None:
            kind, _, held = case["picture"].partition(",")
            assert kind == "data:image/png;base64"
            with Image.open(io.BytesIO(base64.b64decode(held))) as image:
                image.load()
                assert max(image.size) <= 96


CHECKS = {
    "matrix": check_matrix,
    "lines": check_lines,
    "points": check_points,
    "bars": check_bars,
    "cases": check_cases,
}


def check(plain):
    """A figure as plain data keeps the contract."""
    assert list(plain) == FIELDS
    assert plain["section"] in ("errors", "columns", "members")
    assert all(isinstance(plain[name], str) for name in FIELDS[:4])
    assert plain["says"].endswith((".", ")"))
    assert not plain["says"].endswith("..")
    assert "\n" not in plain["says"]
    assert "nan" not in plain["says"].split()
    assert set(plain["draw"]) == TYPES[plain["draw"]["type"]]
    CHECKS[plain["draw"]["type"]](plain["draw"])
    table = plain["table"]
    assert set(table) == {"columns", "rows"}
    assert 0 < len(table["rows"]) <= 200
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    assert all(cell is None or isinstance(cell, str | int | float) for row in table["rows"] for cell in row)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@pytest.fixture(scope="session")
def check_figure():
    """The function that checks that a figure, as plain data, keeps the contract."""
    return check
