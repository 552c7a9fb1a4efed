"""How chapters become pages and lines of a terminal, by a chapter of the tests' own."""

import io
import re
import types
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from phalanx import InputError
from phalanx.notes.book import Ran, part_links, write_chapter
from phalanx.notes.chapter import Chapter
from phalanx.notes.command import notes_command
from phalanx.notes.formulas import mathml, plain
from phalanx.notes.page import body
from phalanx.notes.pictures import write_pictures
from phalanx.notes.terminal import readable
from phalanx.notes.told import table, told

TEXT = r"""
The error is «error:.2f», and «scores[1]» beside. As a formula, $\frac{1}{2}\|w\|^2 < «error:.1f»$ and

$$\sum_{i=1}^n \alpha_i x_i$$

## Code

«source: twice»

Use `ReLU` or `Adam(0.1)`, not `nothing`; see [another](chapter:xor).

«table»

![A line that *rises*.](line)
"""


def twice(x):
    """Return 2x, where "«error»" is but a word."""
    return 2 * x


def draw(found):
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, found["error"]])
    return {"line": figure, "drawn": "<svg xmlns='http://www.w3.org/2000/svg'/>"}


FOUND = {"error": 0.125, "scores": [1, 7], "table": pd.DataFrame({"rule": ["a|b"], "cost": [1.5]}), "curve": [1, 2]}


@pytest.fixture
def chapter():
    module = types.ModuleType("made", "Made: it shows a page.")
    module.__dict__.update(ROWS=("C1",), TEXT=TEXT, compute=lambda rows=3: FOUND, draw=draw, twice=twice)
    return Chapter("xor", module)


def test_numbers_tables_and_code_stand_in_the_text(chapter):
    text = told(chapter, FOUND)
    assert "The error is 0.12, and 7 beside" in text
    assert "| rule | cost |\n|---|--:|\n| a\\|b | 1.5 |" in text
    assert (
        '```python\ndef twice(x):\n    """Return 2x, where "«error»" is but a word."""\n    return 2 * x\n```' in text
    )
    assert text.count("«") == 1  # within the code


def test_a_number_that_was_not_found_is_an_error(chapter):
    with pytest.raises(KeyError):
        told(chapter, {name: value for name, value in FOUND.items() if name != "error"})


def test_a_page_holds_formulas_code_links_and_pictures(chapter, tmp_path):
    path = write_chapter(tmp_path, Ran(chapter, FOUND, 1.25))
    page = path.read_text(encoding="utf-8")
    ET.fromstring(
        re.sub(r"<!doctype html>|<(meta|link)[^>]*>|&(?!amp|lt|gt|#|quot)", "", page)
        .replace(' loading="lazy"', "")
        .replace('svg"><img', 'svg"/><img')
        .replace("></picture>", "/></picture>")
    )
    assert "<h1>Made</h1>" in page
    assert "it shows a page" in page
    assert page.count("<math ") == 2
    assert "\\frac" not in page
    assert "<mfrac>" in page
    assert '<a href="parts.html#ReLU"><code>ReLU</code></a>' in page
    assert '<a href="parts.html#Adam"><code>Adam(0.1)</code></a>' in page
    assert "<code>nothing</code>" in page
    assert '<a href="xor.html">another</a>' in page
    assert '<a href="rows.html#C1">C1</a>' in page
    assert "computed in 1.2 s" in page
    assert "<td><code>error</code></td><td>0.125</td>" in page
    for name in re.findall(r'(?:src|srcset)="([^"]+)"', page):
        assert (tmp_path / name).is_file()
    light, dark = ((tmp_path / f"figures/xor-line{end}.svg").read_text() for end in ("", "-dark"))
    assert light != dark


def test_pages_ask_nothing_of_a_network(chapter, tmp_path):
    page = write_chapter(tmp_path, Ran(chapter, FOUND, 1.0)).read_text(encoding="utf-8")
    addresses = set(re.findall(r'(?:src|href|srcset)="([^"]+)"', page))
    assert not [address for address in addresses if "//" in address]
    assert "<script" not in page


def test_a_formula_that_is_not_understood_is_an_error():
    with pytest.raises(ValueError, match=r"not understood: \\arg"):
        mathml(r"\arg x")


def test_html_in_a_text_is_shown_and_not_used():
    assert "<script>" not in body("<script>x</script> and `<b>`", {})


def test_a_terminal_shows_plain_formulas_and_the_files_of_pictures(chapter, tmp_path):
    pictures = dict(write_pictures(chapter, FOUND, tmp_path))
    console = Console(width=100, file=io.StringIO())
    console.print(readable(told(chapter, FOUND), pictures))
    text = console.file.getvalue()
    assert "1/2‖w‖^2" in text.replace(" ", "")
    assert "∑_i=1^n" in text
    assert "$" not in text
    assert "line.png" in text
    assert "phalanx notes xor" in text
    assert pictures["line"].read_bytes().startswith(b"\x89PNG")
    assert pictures["drawn"].name == "drawn.svg"


def test_plain_letters():
    assert plain(r"\frac{a}{b} \le \alpha") == "a/b ≤ α"
    assert plain(r"\binom{n}{j} = 2e-05") == "C(n, j) = 2 · 10^-5"


def test_a_table_has_its_index_where_that_has_a_name():
    frame = pd.DataFrame({"cost": [0.5]}, index=pd.Index(["SGD"], name="rule"))
    assert table(frame).splitlines() == ["| rule | cost |", "|---|--:|", "| SGD | 0.5 |"]


def test_every_part_has_an_address():
    assert part_links()["Conv"] == "parts.html#Conv"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("xr", False, None, None, None), "there is no chapter 'xr'; did you mean 'xor'?"),
        (("xor", True, None, None, None), "--all runs every chapter"),
        ((None, True, None, Path("t.csv"), None), "--data is for one chapter"),
        ((None, False, Path("out"), None, None), "say which chapter, or --all"),
        (("xor", False, None, Path("t.csv"), None), "xor computes on its own data; --data is for "),
    ],
)
def test_what_cannot_be_done_is_said(given, message):
    with pytest.raises(InputError, match=re.escape(message)):
        notes_command(*given)


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\log p", '<mi>log</mi><mspace width="0.17em"/><mi>p</mi>'),
        (r"\log_2 p", "<msub><mi>log</mi><mn>2</mn></msub><mi>p</mi>"),
        (r"\ln(2)", "<mi>ln</mi><mo"),
        ("x = 2e-05", "<mn>2</mn><mo>&#x000B7;</mo><msup><mn>10</mn><mrow><mo>&#x02212;</mo><mn>5</mn></mrow></msup>"),
        ("x = −3", "<mo>&#x02212;</mo><mn>3</mn>"),
    ],
)
def test_functions_powers_of_ten_and_signs(tex, part):
    assert part in mathml(tex)


def test_numbers_that_were_found_have_a_minus_sign_and_stand_right():
    frame = pd.DataFrame({"rule": ["a-1", "b"], "gain": ["-0.5 ± 0.1", "2.0 ± 0.2"], "off": [-1e-9, -0.25]})
    assert table(frame).splitlines()[1:] == [
        "|---|--:|--:|",
        "| a-1 | −0.5 ± 0.1 | -1e-09 |",
        "| b | 2.0 ± 0.2 | −0.25 |",
    ]
