"""The book: a folder of pages that a browser opens without a network."""

import datetime
import html
import platform
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from phalanx.notes.chapter import Chapter, chapter, chapters_of, names
from phalanx.notes.contents import CONTENTS
from phalanx.notes.page import body, page, stylesheet
from phalanx.notes.parts import GROUPS, chapters, formula, group
from phalanx.notes.pictures import write_figures
from phalanx.notes.rows import ROWS, asserted_in
from phalanx.notes.told import told
from phalanx.population.backend import devices
from phalanx.population.cache import forget_programs

FIRST, PARTS, ROWS_PAGE = "index.html", "parts.html", "rows.html"
_TITLE = "The notes, alive"
_PLAIN = (bool, int, float, str, np.number, np.bool_)


@dataclass(frozen=True)
class Ran:
    """A chapter that was computed, what it found, and in how many seconds."""

    chapter: Chapter
    found: dict[str, Any]
    seconds: float


def run(one: Chapter, **options: Any) -> Ran:
    """Compute a chapter; `options` are those of its `compute`."""
    devices()  # JAX starts with all cores, whatever the chapter does first
    began = time.perf_counter()
    found = one.compute(**options)
    return Ran(one, found, time.perf_counter() - began)


def write_book(folder: Path, written: Sequence[Chapter], given: dict[str, Any]) -> Iterator[tuple[Chapter, float]]:
    """Write the book's pages of some chapters; yield each as it is done, with its seconds. `given`: see `run`.

    On a CPU each core computes a chapter of its own: to compile a program is most of the work, and done on one core.
    """
    write_frame(folder, written)
    if len(written) == 1 or devices()[0].platform != "cpu":
        for one in written:
            yield one, _run_and_write(folder, one.name, given)
        return
    pool = ProcessPoolExecutor(joblib.cpu_count(), get_context("spawn"))
    try:
        running = {pool.submit(_run_and_write, folder, one.name, given): one for one in written}
        for done in as_completed(running):
            yield running[done], done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _run_and_write(folder: Path, name: str, given: dict[str, Any]) -> float:
    ran = run(chapter(name), **given)
    write_chapter(folder, ran)
    forget_programs(0)
    return ran.seconds


def write_frame(folder: Path, written: Sequence[Chapter]) -> None:
    """Write all but the chapters: contents, parts, rows and style, with links to the chapters that are `written`."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "style.css").write_text(stylesheet(), encoding="utf-8")
    pages = {FIRST: (_TITLE, _contents(written)), PARTS: ("Parts", _parts()), ROWS_PAGE: ("Row by row", _rows())}
    for name, (title, inside) in pages.items():
        navigation = "" if name == FIRST else _navigation()
        _write(folder / name, page(title, inside, navigation=navigation, foot=_foot()))


def write_chapter(folder: Path, ran: Ran) -> Path:
    """Write the page of a chapter and its pictures into the folder of a book; return its file."""
    one = ran.chapter
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    renamed = {name: f"{one.name}-{name}" for name in write_figures(one, ran.found, figures)}
    for name, longer in renamed.items():  # two chapters may call a picture the same
        for ending in (".svg", "-dark.svg"):
            (figures / f"{name}{ending}").replace(figures / f"{longer}{ending}")
    markdown = told(one, ran.found)
    for name, longer in renamed.items():
        markdown = markdown.replace(f"]({name})", f"]({longer})")
    rows = ", ".join(f'<a href="{ROWS_PAGE}#{row}">{row}</a>' for row in one.rows)
    inside = (
        f'<p class="lead">{html.escape(one.summary)}</p>\n<p class="rows">Rows of the notes: {rows}</p>\n'
        f"{body(markdown, part_links())}\n{_numbers(ran.found)}"
    )
    path = folder / f"{one.name}.html"
    _write(path, page(one.title, inside, navigation=_navigation(one), foot=_foot(ran)))
    return path


def part_links() -> dict[str, str]:
    """Return the address of each part, by its name."""
    return {cls.__name__: f"{PARTS}#{cls.__name__}" for heading in GROUPS for cls in group(heading)}


def _navigation(one: Chapter | None = None) -> str:
    order = list(names())
    links = [f'<a href="{FIRST}">Contents</a>', f'<a href="{PARTS}">Parts</a>', f'<a href="{ROWS_PAGE}">Rows</a>']
    if one is not None:
        at = order.index(one.name)
        beside = (order[at - 1] if at else None, order[at + 1] if at + 1 < len(order) else None)
        for name, arrow in zip(beside, ("← {}", "{} →"), strict=True):
            if name:
                side = ' class="next"' if arrow.endswith("→") else ""
                links.append(f'<a{side} href="{name}.html">{arrow.format(html.escape(chapter(name).title))}</a>')
    return f"<nav>{''.join(links)}</nav>"


def _foot(ran: Ran | None = None) -> str:
    made = f"with Phalanx {version('phalanx')} and JAX {version('jax')} on {datetime.date.today():%d %B %Y}"
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if ran is None:
        return f"<footer>Run {made} ({machine}).</footer>"
    shell = f"<code>phalanx notes {ran.chapter.name}</code>"
    return f"<footer>Run {made} ({machine}), computed in {ran.seconds:.1f} s. In the shell: {shell}</footer>"


def _contents(written: Sequence[Chapter]) -> str:
    names_written = {one.name for one in written}
    lines = [
        "<p>The notes of a course in deep learning, each claim computed on the parts that people train with. Every "
        "number on these pages was found by the run that wrote them.</p>"
    ]
    for heading, inside in CONTENTS:
        lines.append(f'<h2>{html.escape(heading)}</h2>\n<ul class="contents">')
        for one in map(chapter, inside):
            title = html.escape(one.title)
            link = f'<a href="{one.name}.html">{title}</a>' if one.name in names_written else title
            lines.append(f"<li>{link} <span>{html.escape(one.summary)}</span></li>")
        lines.append("</ul>")
    lines.append(f'<p>Also: <a href="{PARTS}">all parts</a>, and <a href="{ROWS_PAGE}">the notes row by row</a>.</p>')
    return "\n".join(lines)


def _parts() -> str:
    lines: list[str] = []
    for heading in GROUPS:
        lines.append(f"<h2>{heading}</h2>\n{_lookup('part', 'formula', 'chapters')}")
        for cls in group(heading):
            where = ", ".join(_link(one) for one in chapters(cls))
            lines.append(
                f'<tr id="{cls.__name__}"><td><code>{cls.__name__}</code></td>'
                f"<td>{_spoken(formula(cls))}</td><td>{where}</td></tr>"
            )
        lines.append("</table></div>")
    return "\n".join(lines)


def _rows() -> str:
    lines = [_lookup("row", "what", "chapter", "code and test")]
    for name, row in ROWS.items():
        about = chapters_of(name)
        places = [*(f"phalanx.{module}" for module in row.code), *(asserted_in(one.name) for one in about)]
        lines.append(
            f'<tr id="{name}"><td>{name}</td><td>{html.escape(row.says)}</td><td>{", ".join(map(_link, about))}</td>'
            f"<td>{'<br>'.join(f'<code>{place}</code>' for place in places)}</td></tr>"
        )
    return "\n".join([*lines, "</table></div>"])


def _lookup(*headings: str) -> str:
    return f'<div class="wide"><table class="lookup"><tr>{"".join(f"<th>{one}</th>" for one in headings)}</tr>'


def _spoken(text: str) -> str:
    """Return a docstring's words as HTML: what stands in backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _link(one: Chapter) -> str:
    return f'<a href="{one.name}.html">{html.escape(one.title)}</a>'


def _numbers(found: dict[str, Any]) -> str:
    """Return all single numbers and words that were found, folded."""
    lines = "".join(
        f"<tr><td><code>{name}</code></td><td>{html.escape(value)}</td></tr>" for name, value in _single(found)
    )
    return f"<details><summary>All that was found</summary><table>{lines}</table></details>" if lines else ""


def _single(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if isinstance(value, _PLAIN):
            yield name, f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
