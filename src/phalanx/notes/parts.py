"""The parts of networks as the book and the documentation list them: what each computes, and where the notes say so."""

import importlib
import inspect
import re
import sys

from phalanx.notes.chapter import Chapter, chapters_of
from phalanx.parts import Part, subclasses

GROUPS = {
    "Layers": ("layers", "Layer"),
    "Likelihoods": ("likelihoods", "Likelihood"),
    "Several targets": ("likelihoods", "Joint", "Head"),
    "Regularizers": ("regularizers", "Regularizer"),
    "Optimizers": ("optimizers", "Optimizer", "LeastSquares"),
    "Beside the optimizer": ("optimizers", "Clip", "Factor", "Argument"),
    "Schedules": ("parts", "Schedule"),
    "Stopping": ("stopping", "EarlyStopping"),
}
"""Headings, and the module and the bases of the parts under each."""


def group(heading: str) -> list[type[Part]]:
    """Return the parts under a heading that can be made, in the order of their definition."""
    module, *bases = GROUPS[heading]
    home = importlib.import_module(f"phalanx.{module}")
    return [cls for base in bases for cls in _concrete(getattr(home, base))]


def formula(cls: type[Part]) -> str:
    """Return the first paragraph of a part's docstring."""
    return " ".join(_paragraphs(cls)[0].split())


def source(cls: type[Part]) -> str:
    """Return the last line of a part's docstring, which says where it comes from. Raises `ValueError` without one."""
    found = re.search(r"^Source: (.+)\.$", "\n".join(_paragraphs(cls)), re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"{cls.__name__}: its docstring does not end with `Source: notes ...; book ....`")
    return " ".join(found[1].split())


def chapters(cls: type[Part]) -> list[Chapter]:
    """Return the chapters about a part: those of the rows that its source names."""
    rows = re.match(r"notes ((?:[A-I]\d+(?:, )?)*)", source(cls))
    named = [] if rows is None else rows[1].split(", ")
    return list(dict.fromkeys(one for row in named for one in chapters_of(row)))


def _concrete(base: type[Part]) -> list[type[Part]]:
    found = [base, *subclasses(base)]
    homes = {cls: sys.modules[cls.__module__] for cls in found if cls.__module__.startswith("phalanx.")}
    return [cls for cls, home in homes.items() if getattr(home, cls.__name__, None) is cls and not is_base(cls)]


def is_base(cls: type[Part]) -> bool:
    """Say whether a class is there to be derived from."""
    own = cls.__module__.startswith("phalanx.")
    return inspect.isabstract(cls) or (cls.__doc__ or "").startswith("Base of") or not own


def _paragraphs(cls: type[Part]) -> list[str]:
    return inspect.cleandoc(cls.__doc__ or "").split("\n\n")
