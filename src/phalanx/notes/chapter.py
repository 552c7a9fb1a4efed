"""A chapter: what its file holds, opened by name, or by a row of the notes."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from matplotlib.figure import Figure

from phalanx.errors import InputError
from phalanx.notes.contents import CONTENTS


@dataclass(frozen=True)
class Chapter:
    """One chapter of the notes, by the name of its file."""

    name: str
    module: ModuleType

    @property
    def title(self) -> str:
        """What it is called."""
        return self._heading.partition(": ")[0]

    @property
    def summary(self) -> str:
        """What it shows, in a line."""
        return self._heading.partition(": ")[2]

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows of the notes that it computes."""
        return self.module.ROWS

    @property
    def text(self) -> str:
        """Its text, without the numbers."""
        return self.module.TEXT

    @property
    def compute(self) -> Callable[..., dict[str, Any]]:
        """What returns all that it claims, by name."""
        return self.module.compute

    @property
    def draw(self) -> Callable[[dict[str, Any]], dict[str, Figure | str]]:
        """What returns its pictures by name: figures, or SVG as text."""
        return self.module.draw

    @property
    def takes_data(self) -> bool:
        """Whether it can be computed on a reader's own table."""
        return "data" in inspect.signature(self.compute).parameters

    @property
    def _heading(self) -> str:
        return (self.module.__doc__ or "").strip().partition("\n")[0].removesuffix(".")


def names() -> Iterator[str]:
    """Yield the names of all chapters, in order."""
    for _, chapters in CONTENTS:
        yield from chapters


@cache
def chapter(name: str) -> Chapter:
    """Return the chapter of this name. Raises `InputError` where there is none."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]!r}?" if near else "`phalanx notes` lists them"
        raise InputError(f"there is no chapter {name!r}; {hint}")
    return Chapter(name, importlib.import_module(f"phalanx.notes.chapters.{name}"))


def chapters_of(row: str) -> list[Chapter]:
    """Return the chapters that compute a row of the notes."""
    return [one for one in map(chapter, names()) if row in one.rows]


def opened(asked: str) -> Chapter:
    """Return the chapter of a name, or the first one of a row. Raises `InputError` where there is none."""
    by_row = chapters_of(asked.upper()) if asked[:1].isalpha() and asked[1:].isdigit() else []
    return by_row[0] if by_row else chapter(asked.replace("-", "_"))
