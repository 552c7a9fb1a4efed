"""The page of a run: one file that needs nothing from anywhere, with what was found as data and a script that draws it.

All that comes from data enters the page as text: in the head escaped, elsewhere as JSON that the script sets as text.
The page's own policy forbids it to load or to send anything, and to run any script but the one that it is written with.
"""

import base64
import hashlib
import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
import pandas as pd

from phalanx.jsonable import jsonable
from phalanx.leaderboard import OF_MEMBERS
from phalanx.report.answer import answer, counted, rival, standard_error

SCRIPTS = (
    "state",
    "format",
    "chart",
    "axes",
    "varied",
    "leaderboard",
    "curves",
    "parallel",
    "brushes",
    "limits",
    "choices",
    "mattered",
    "figures",
    "main",
)
"""The parts of the script, in the order in which they follow each other."""

CURVE_POINTS = 80_000
"""So many points of all curves are kept, and of each curve at least `FEWEST_POINTS`."""
FEWEST_POINTS = 40
_SCORE_DIGITS, _CURVE_DIGITS = 6, 4


@dataclass(frozen=True)
class Contents:
    """What the page of a run shows: what a run folder holds.

    `figures`: see `phalanx.report.figures`, as plain data. `config`: the resolved configuration as text. `uses`: how
    the model is used, as pairs of where (shell, Python) and what is typed there.
    """

    name: str
    result: Mapping[str, Any]
    board: pd.DataFrame
    curves: pd.DataFrame
    figures: Sequence[Mapping[str, Any]] = ()
    config: str = ""
    uses: Sequence[tuple[str, str]] = field(default=())


def page(contents: Contents) -> str:
    """Return the page as HTML."""
    script = "\n".join(["(() => {", '"use strict";', *(_script(name) for name in SCRIPTS), "})();"])
    sentences = answer(contents.result, _timed_out(contents.board))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_file("page.html")).substitute(
        title=html.escape(contents.name),
        answer="\n".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences),
        style=_file("page.css"),
        digest=digest,
        data=as_script_data(payload(contents)),
        script=script,
    )


def as_script_data(value: Any) -> str:
    """Return plain data as JSON that may stand in a script element: nothing in it ends the element or opens another."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def payload(contents: Contents) -> dict[str, Any]:
    """Return the data of the page; numbers that JSON cannot hold are null."""
    result = contents.result
    metric, rows = result["metric"], result.get("rows", {})
    found = {
        "name": contents.name,
        "source": None if result.get("source") is None else _names_of(result["source"]),
        "task": result["task"],
        "target": result.get("target"),
        "metric": metric,
        "maximize": result["direction"] == "maximize",
        "counted": counted(result),
        "rows": rows,
        "members": result["n_members"],
        "structures": result.get("n_structures"),
        "diverged": result.get("n_diverged"),
        "seed": result.get("seed"),
        "seconds": result.get("seconds"),
        "programs": result.get("programs"),
        "versions": result.get("versions", {}),
        "ensemble": result.get("ensemble") or {},
        "best": result["best_member"]["id"],
        "columns": [_column(column) for column in result.get("columns", [])],
        "notes": result.get("notes", []),
        "warnings": result.get("warnings", []),
        "hints": result.get("hints", []),
        "mattered": result.get("mattered", []),
        "importances": result.get("importances", {}),
        "interactions": result.get("interactions", []),
        "seeds": result.get("seeds_share"),
        "baselines": result.get("baselines", {}),
        "rival": rival(result),
        "errors": _errors(contents.board, metric, rows),
        "board": board(contents.board),
        "curves": curves(contents.curves, contents.board),
        "figures": list(contents.figures),
        "config": contents.config,
        "uses": [list(use) for use in contents.uses],
    }
    return jsonable(found)


def board(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the columns of the leaderboard: name, what `part` of it they are, whether they hold numbers, and values.

    Parts: "who", "valid" and "test" scores, "training", and "choice", what was drawn.
    """
    return [
        {"name": str(name), "part": _part(str(name)), "number": is_number(table[name]), "values": _values(table[name])}
        for name in table.columns
    ]


def _part(name: str) -> str:
    if name in ("rank", "id", "kind", "name"):
        return "who"
    for part in ("valid", "test"):
        if name.startswith(f"{part}_"):
            return part
    return "training" if name in OF_MEMBERS else "choice"


def is_number(values: pd.Series) -> bool:
    """Say whether a column holds numbers; truths are none."""
    if pd.api.types.is_bool_dtype(values):
        return False
    if pd.api.types.is_numeric_dtype(values):
        return True
    known = values.dropna()
    return len(known) > 0 and all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in known)


def _values(values: pd.Series) -> list[Any]:
    numbers = is_number(values)
    known = [None if pd.isna(value) else value for value in values.tolist()]
    return [value if value is None else rounded(value, _SCORE_DIGITS) if numbers else str(value) for value in known]


def rounded(value: float, digits: int) -> float | int | None:
    """Return a number with so many significant digits; whole ones stay as they are, and what is no number is None.

    >>> rounded(0.123456, 3), rounded(2807452510, 3), rounded(float("nan"), 3)
    (0.123, 2807452510, None)
    """
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(f"{value:.{digits}g}")


def curves(table: pd.DataFrame, table_of_members: pd.DataFrame) -> dict[str, Any]:
    """Return the learning curves: `grid`, rounds that all members have in common as far as they train, and of each
    member, by id, its last round, and the costs at the rounds of the grid before that one, and then at that one.

    All rounds are kept where there are few.
    """
    groups = {str(id_): piece for id_, piece in table.groupby("id", sort=False)} if len(table) else {}
    if not groups:
        return {"grid": [], "members": {}}
    longest = max(len(piece) for piece in groups.values())
    grid = kept_rounds(longest, max(FEWEST_POINTS, CURVE_POINTS // len(groups)))
    best = dict(zip(table_of_members["id"], table_of_members.get("best_round", []), strict=False))
    found = {}
    for id_, piece in groups.items():
        last = len(piece)
        at = np.append(grid[grid < last], last) - 1
        train, valid = (piece[name].to_numpy(np.float64) for name in ("train_cost", "valid_cost"))
        chosen = best.get(id_)
        lowest = valid[int(chosen) - 1] if not pd.isna(chosen) and 1 <= int(chosen) <= last else math.nan
        found[id_] = {
            "last": last,
            "train": [rounded(value, _CURVE_DIGITS) for value in train[at].tolist()],
            "valid": [rounded(value, _CURVE_DIGITS) for value in valid[at].tolist()],
            "best": None if pd.isna(chosen) else int(chosen),
            "cost": rounded(float(lowest), _CURVE_DIGITS),
        }
    return {"grid": grid.tolist(), "members": found}


def kept_rounds(rounds: int, points: int) -> np.ndarray:
    """Return at most so many of the rounds 1 to `rounds`, closer together at the beginning, where curves bend most.

    >>> kept_rounds(4, 40).tolist(), kept_rounds(1000, 8).tolist()
    ([1, 2, 3, 4], [1, 10, 100, 251, 500, 750, 1000])
    """
    if rounds <= points:
        return np.arange(1, rounds + 1)
    even, bent = np.linspace(1, rounds, points // 2 + 1), np.geomspace(1, rounds, points - points // 2)
    return np.unique(np.concatenate([even, bent]).round().astype(int))


def _file(name: str) -> str:
    return (files("phalanx.report") / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    """Return a part of the script without its indentation and comments, which nobody reads in a page."""
    lines = (line.strip() for line in _file(f"page/{name}.js").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _names_of(source: str) -> str:
    """Return the names of files or folders, separated by commas, without where they are."""
    return ", ".join(path.rstrip("/\\").replace("\\", "/").rpartition("/")[2] for path in source.split(","))


def _timed_out(table: pd.DataFrame) -> int:
    return int((table["stopped"] == "time").sum())


def _column(column: Mapping[str, Any]) -> list[Any]:
    return [column["name"], column["kind"], column["detail"], bool(column.get("used", True))]


def _errors(table: pd.DataFrame, metric: str, rows: Mapping[str, int]) -> dict[str, list[float | None]]:
    """Return the standard errors of the scores in the leaderboard, where they follow from the number of rows."""
    found = {}
    for part in ("valid", "test"):
        scores = table.get(f"{part}_{metric}")
        if scores is not None and rows.get(part):
            values = [None if pd.isna(value) else float(value) for value in scores]
            found[part] = [standard_error(metric, value, rows[part]) for value in values]
    return found
