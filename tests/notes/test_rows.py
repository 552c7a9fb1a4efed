"""The table of the notes' rows: each has its place in the code, a chapter, and a test that names it."""

import importlib
import re
from pathlib import Path

import pytest

import phalanx.notes.chapters
from phalanx.notes.chapter import chapter, chapters_of, names, opened
from phalanx.notes.page import body
from phalanx.notes.parts import GROUPS, chapters, group
from phalanx.notes.rows import ROWS, asserted_in

ROOT = Path(__file__).parents[2]


def test_the_contents_are_the_files():
    folder = Path(phalanx.notes.chapters.__file__).parent
    assert sorted(names()) == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", tuple(names()))
def test_a_chapter_has_what_its_page_needs(name):
    one = chapter(name)
    assert one.title
    assert one.summary
    assert set(one.rows) <= set(ROWS)
    assert len(one.text.split()) >= 150
    assert set(re.findall(r"\]\(chapter:(\w+)\)", one.text)) <= set(names())


@pytest.mark.parametrize("name", tuple(names()))
def test_all_formulas_of_a_chapter_are_understood(name):
    shown = body(re.sub("«[^»]+»", "7", chapter(name).text), {})  # a formula that is not raises
    assert "$" not in shown
    assert "\\" not in re.sub("<code>.*?</code>", "", shown)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_place_a_chapter_and_a_test(row):
    assert ROWS[row].code
    for module in ROWS[row].code:
        importlib.import_module(f"phalanx.{module}")
    about = chapters_of(row)
    assert about
    for one in about:
        assert f'pytest.mark.row("{row}")' in (ROOT / asserted_in(one.name)).read_text(encoding="utf-8")


def test_a_row_opens_its_chapter():
    assert opened("c1").name == "xor"
    assert opened("no-free-lunch").name == "no_free_lunch"


def test_parts_lead_to_their_chapters():
    found = {cls.__name__: [one.name for one in chapters(cls)] for heading in GROUPS for cls in group(heading)}
    assert "dropout" in found["Dropout"]
    assert "prior" in found["MaxPool"]
    assert "units" in found["ReLU"]
    assert "gates" in found["LSTM"]
