"""Figures of a report as plain data: what is drawn, the same numbers as a table, and what they show in a sentence.

Whoever draws needs nothing else. `Figure.draw` has a `type`, one of those that the functions here make.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phalanx.jsonable import jsonable

MOST_LINE, MOST_POINTS, MOST_ROWS, MOST_CASES = 500, 2_000, 200, 24
"""Points of a line and of a scatter, rows of a table, and cases, at most."""

Plain = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure of a run; `id` is unique in it, `section` is errors, columns or members, `says` is one sentence.

    `draw` is what a function of this module made; `table` holds "columns" and "rows", the same numbers to be read.
    """

    id: str
    section: str
    title: str
    says: str
    draw: Plain
    table: Plain

    def to_plain(self) -> Plain:
        """Return the fields as plain data that JSON holds; numbers that it cannot hold are None."""
        return {name: jsonable(held) for name, held in vars(self).items()}

    @staticmethod
    def from_plain(plain: Plain) -> "Figure":
        """Return the figure whose `to_plain` this is."""
        return Figure(**{name: plain[name] for name in ("id", "section", "title", "says", "draw", "table")})


def figures_of_estimator(estimator: Any) -> list[Figure]:
    """Return the figures of a fitted estimator, on its validation rows; none where it has no such rows."""
    from phalanx.estimators.figures import figures_of  # which imports whatever an estimator needs

    return figures_of(estimator)


def axis(label: str, log: bool = False, dates: bool = False) -> Plain:
    """Return an axis; with `dates` its values are ISO texts."""
    return {"label": label, "log": log, **({"dates": True} if dates else {})}


def line(name: str, x: Any, y: Any) -> Plain:
    """Return a line of at most 500 points."""
    at = thinned(len(x), MOST_LINE)
    return {"name": name, "x": np.asarray(x)[at], "y": np.asarray(y)[at]}


def band(name: str, x: Any, low: Any, high: Any) -> Plain:
    """Return a band between two lines, of at most 500 points."""
    at = thinned(len(x), MOST_LINE)
    return {"name": name, "x": np.asarray(x)[at], "low": np.asarray(low)[at], "high": np.asarray(high)[at]}


def lines(
    x: Plain, y: Plain, held: Sequence[Plain], bands: Sequence[Plain] = (), reference: str | None = None
) -> Plain:
    """Return lines and bands between two axes; the `reference` line is "diagonal" or "zero"."""
    return {"type": "lines", "x": x, "y": y, "lines": list(held), "bands": list(bands), "reference": reference}


def points(
    x: Plain, y: Plain, x_values: Any, y_values: Any, names: Sequence[str] | None = None, reference: str | None = None
) -> Plain:
    """Return a scatter of at most 2,000 points."""
    at = spread_out(len(x_values), MOST_POINTS)
    return {
        "type": "points",
        "x": x,
        "y": y,
        "x_values": np.asarray(x_values)[at],
        "y_values": np.asarray(y_values)[at],
        "names": None if names is None else [names[i] for i in at],
        "reference": reference,
    }


def matrix(rows: Sequence[str], columns: Sequence[str], values: Any, x: str, y: str, scale: str) -> Plain:
    """Return a matrix, whose `scale` is count, share or correlation."""
    return {
        "type": "matrix",
        "rows": list(rows),
        "columns": list(columns),
        "values": values,
        "x": x,
        "y": y,
        "scale": scale,
    }


def bars(names: Sequence[str], values: Any, label: str, low: Any = None, high: Any = None) -> Plain:
    """Return horizontal bars, with their errors where both ends are given."""
    return {"type": "bars", "names": list(names), "values": values, "low": low, "high": high, "label": label}


def case(
    truth: str,
    said: str,
    sure: float | None = None,
    name: str | None = None,
    picture: str | None = None,
    text: str | None = None,
    lines: Sequence[Any] | None = None,
) -> Plain:
    """Return a case: what was true and what was said, how `sure`, and what there is to see of it."""
    return {
        "picture": picture,
        "text": text,
        "lines": None if lines is None else list(lines),
        "truth": truth,
        "said": said,
        "sure": sure,
        "name": name,
    }


def cases(found: Sequence[Plain]) -> Plain:
    """Return cases, at most 24."""
    return {"type": "cases", "cases": list(found[:MOST_CASES])}


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Plain:
    """Return a table of at most 200 rows, evenly taken from all."""
    return {"columns": list(columns), "rows": [list(rows[i]) for i in thinned(len(rows), MOST_ROWS)]}


def thinned(count: int, most: int) -> np.ndarray:
    """Return at most so many positions of `count`, evenly spaced, the first and the last among them.

    >>> thinned(9, 3).tolist(), thinned(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)


def spread_out(count: int, most: int) -> np.ndarray:
    """Return at most so many positions of `count`, drawn without regard to what is there, always the same, in order."""
    return np.arange(count) if count <= most else np.sort(np.random.default_rng(0).choice(count, most, replace=False))
