"""Write docs/parts.md, the table of all parts, from the code: `python docs/make_parts.py`.

With `--check` nothing is written; the exit status is 1 where the file is not what would be written.
"""

import dataclasses
import sys
from pathlib import Path

from phalanx.notes.parts import GROUPS, chapters, formula, group, source
from phalanx.parts import Part
from phalanx.parts.fields import constraint_of

FILE = Path(__file__).parent / "parts.md"
INTRODUCTION = """# Parts

Every part of a network, with its formula, its fields and where it comes from. Written by `python docs/make_parts.py`
from the code; the notes' rows are those of the lecture notes, "book" is Goodfellow, Bengio & Courville, *Deep
Learning* (2016).

A **knob** is a number that may differ between the members of a population without another compilation: it takes a
number, a distribution such as `loguniform(1e-4, 1e-1)`, or a schedule such as `Cosine(0.1)`. Every other field is
structure: networks that differ in it are trained as different programs. Structure takes a `choice` too.

A **chapter** computes what the notes claim of a part: `phalanx notes xor` runs one, `phalanx notes C4` that of a row.
"""


def table() -> str:
    """Return the text of docs/parts.md."""
    pieces = [INTRODUCTION]
    for title in GROUPS:
        pieces.append(f"\n## {title}\n\n| part | formula | fields | source | chapters |\n|---|---|---|---|---|\n")
        pieces += [
            f"| `{cls.__name__}` | {_cell(formula(cls))} | {fields(cls)} | {_cell(source(cls))} | {about(cls)} |\n"
            for cls in group(title)
        ]
    return "".join(pieces)


def about(cls: type[Part]) -> str:
    """Return the chapters of the notes about a part, by the names under which `phalanx notes` runs them."""
    return ", ".join(f"`{one.name}`" for one in chapters(cls))


def fields(cls: type[Part]) -> str:
    """Return a part's fields with their ranges and defaults; knobs are marked."""
    lines = []
    for field in dataclasses.fields(cls):
        if field.name == "name":
            continue
        kind, limits = cls.kinds[field.name], str(constraint_of(field))
        default = "" if field.default is dataclasses.MISSING else f" = {_plain(field.default)}"
        said = limits if limits != "a finite number" or kind.knob else str(kind)
        what = "knob, " if kind.knob else "list, each " if kind.listed else ""
        lines.append(f"`{field.name}{default}`: {what}{said}")
    return "<br>".join(map(_cell, lines))


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        current = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
        sys.exit(0 if current == table() else f"{FILE} is out of date; run `python docs/make_parts.py`")
    FILE.write_text(table(), encoding="utf-8")
