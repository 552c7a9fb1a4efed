"""What a person reads when a run has ended: the leaderboard's top, the scores, and where everything is."""

from pathlib import Path
from typing import Any

import pandas as pd

from phalanx.display import Display, make_table, number
from phalanx.runs.training import Run

_SHOWN = 10


def show_outcome(display: Display, run: Run, folder: Path) -> None:
    """Print the outcome of a run that is written to `folder`."""
    metric = run.result["metric"]
    board = run.leaderboard
    shown = board[(board["rank"] <= _SHOWN) | (board["kind"] != "member")]
    headings = ("rank", "id", "name", "valid", "test", "rounds", "seconds")
    right = ("rank", "valid", "test", "rounds", "seconds")
    table = make_table(f"Leaderboard by {metric}", *headings, right=right, wrap="name")
    for _, row in shown.iterrows():
        name = "baseline" if row["kind"] == "baseline" else row["name"]
        scores = [_score(row.get(f"{part}_{metric}")) for part in ("valid", "test")]
        seconds = "" if pd.isna(row["seconds"]) else f"{row['seconds']:.2f}"
        rounds = "" if pd.isna(row["rounds"]) else str(row["rounds"])
        table.add_row(str(row["rank"]), row["id"], name, *scores, rounds, seconds)
    display.line(table)
    if len(shown) < len(board):
        display.line(f"... and {len(board) - len(shown):,} more networks in leaderboard.csv")
    if run.best:
        drawn = ", ".join(f"{path} {_drawn(value)}" for path, value in run.best.items())
        display.line(f"best network, {run.result['best_member']['id']}: {drawn}")
    for part in ("valid", "test"):
        listed = ", ".join(f"{name} {number(value)}" for name, value in run.result[part].items())
        display.line(f"ensemble, {part}: {listed or 'no rows'}")
    seconds, diverged = run.result["seconds"], run.result["n_diverged"]
    display.line(
        f"{seconds['total']:.1f} s in all: {seconds['compile']:.1f} s compiling, {seconds['train']:.1f} s training"
        + (f"; {diverged} networks diverged" if diverged else "")
    )
    if run.result["interrupted"]:
        display.line("interrupted: the run holds what was trained until then")
    display.line(f"written to {folder}")


def _score(value: Any) -> str:
    return "" if pd.isna(value) else number(value)


def _drawn(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
