"""How pictures look, on a light page and on a dark one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib as mpl
from cycler import cycler

Theme = Literal["light", "dark"]

_INK = {"light": "#24292f", "dark": "#e6e6e6"}
_COLOURS = {  # the same hues, told apart by colour-blind readers too, light enough for each ground
    "light": ["#0072b2", "#d55e00", "#009e73", "#b0579a", "#a67c00", "#5a5a5a", "#3aa0d8", "#8c3b00"],
    "dark": ["#56b4e9", "#ff9248", "#35c79b", "#e49ac8", "#f0c94a", "#b8b8b8", "#9bd4f5", "#ffc08f"],
}
_COMMON: dict[str, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 150,
    "font.size": 11,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.transparent": True,
    "svg.hashsalt": "phalanx",  # the same file from the same picture
}


@contextmanager
def theme(name: Theme, ground: bool = False) -> Iterator[None]:
    """Draw and save pictures for a page of one kind; on its own `ground`, or on none."""
    ink, paper = _INK[name], {"light": "#ffffff", "dark": "#16181d"}[name]
    inked = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color", "grid.color")
    own = {**dict.fromkeys(inked, ink), "axes.prop_cycle": cycler(color=_COLOURS[name])}
    papered = {"figure.facecolor": paper, "axes.facecolor": paper, "savefig.facecolor": paper}
    changed: Any = {**_COMMON, **own, **papered, "savefig.transparent": not ground}
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(changed)
        yield
