"""Write docs/parts.md, the table of all parts, from the code: `python docs/make_parts.py`.

With `--check` nothing is written; the exit status is 1 where the file is not what would be written.
"""

import dataclasses
import importlib
import inspect
import re
import sys
from pathlib import Path

from phalanx.parts import Part, subclasses
from phalanx.parts.fields import constraint_of

FILE = Path(__file__).parent / "parts.md"
GROUPS = {
    "Layers": ("layers", "Layer"),
    "Likelihoods": ("likelihoods", "Likelihood"),
    "Several targets": ("likelihoods", "Joint", "Head"),
    "Regularizers": ("regularizers", "Regularizer"),
    "Optimizers": ("optimizers", "Optimizer"),
    "Beside the optimizer": ("optimizers", "Clip", "Factor", "Argument"),
    "Schedules": ("parts", "Schedule"),
    "Stopping": ("stopping", "EarlyStopping"),
}
INTRODUCTION = """# Parts

Every part of a network, with its formula, its fields and where it comes from. Written by `python docs/make_parts.py`
from the code; the notes' rows are those of the lecture notes, "book" is Goodfellow, Bengio & Courville, *Deep
Learning* (2016).

A **knob** is a number that may differ between the members of a population without another compilation: it takes a
number, a distribution such as `loguniform(1e-4, 1e-1)`, or a schedule such as `Cosine(0.1)`. Every other field is
structure: networks that differ in it are trained as different programs. Structure takes a `choice` too.
"""


def table() -> str:
    """Return the text of docs/parts.md."""
    pieces = [INTRODUCTION]
    for title, (module, *bases) in GROUPS.items():
        home = importlib.import_module(f"phalanx.{module}")
        classes = [cls for base in bases for cls in _concrete(getattr(home, base))]
        pieces.append(f"\n## {title}\n\n| part | formula | fields | source |\n|---|---|---|---|\n")
        pieces += [f"| `{cls.__name__}` | {formula(cls)} | {fields(cls)} | {source(cls)} |\n" for cls in classes]
    return "".join(pieces)


def formula(cls: type[Part]) -> str:
    """Return the first paragraph of a part's docstring."""
    return _cell(_paragraphs(cls)[0])


def source(cls: type[Part]) -> str:
    """Return the last line of a part's docstring, which says where it comes from."""
    found = re.search(r"^Source: (.+)\.$", "\n".join(_paragraphs(cls)), re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"{cls.__name__}: its docstring does not end with `Source: notes ...; book ....`")
    return _cell(found[1])


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


def _concrete(base: type[Part]) -> list[type[Part]]:
    """Return the package's parts under a base that can be made, in the order of their definition."""
    found = [base, *subclasses(base)]
    homes = {cls: sys.modules[cls.__module__] for cls in found if cls.__module__.startswith("phalanx.")}
    return [cls for cls, home in homes.items() if getattr(home, cls.__name__, None) is cls and not _is_base(cls)]


def _is_base(cls: type[Part]) -> bool:
    return (
        inspect.isabstract(cls)
        or (cls.__doc__ or "").startswith("Base of")
        or not cls.__module__.startswith("phalanx.")
    )


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _paragraphs(cls: type[Part]) -> list[str]:
    return inspect.cleandoc(cls.__doc__ or "").split("\n\n")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        current = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
        sys.exit(0 if current == table() else f"{FILE} is out of date; run `python docs/make_parts.py`")
    FILE.write_text(table(), encoding="utf-8")
