"""What a person reads when a run has ended: the leaderboard's top, the scores, and where everything is."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from phalanx.display import Display, make_table, number, short
from phalanx.population.refit import FINISHED
from phalanx.runs.result import Run

_SHOWN = 10
_BEFORE = "validation scores are of the networks before they were trained again, test scores of those after"
_MEANT = {"steps": "steps", "continue": "goal"}
"""How training again is meant to end, by its rule; anything else is said."""


def show_summary(display: Display, run: Run, folder: Path) -> None:
    """Print the outcome of a run that is written to `folder`."""
    metric = run.result["metric"]
    board = run.leaderboard
    if "fold" in board:  # those of one trial share a score: the first of them stands for all
        board = board[(board["kind"] != "member") | ~board.duplicated("trial")]
    members = board["kind"] == "member"
    shown = board[~members | (members.cumsum() <= _SHOWN) | (board["id"] == run.result["best_member"]["id"])]
    mean = ["mean"] if f"valid_{metric}_mean" in board else []
    right = ("rank", "valid", *mean, "± error", "test", "rounds", "seconds")
    table = make_table(f"Leaderboard by {metric}", "rank", "id", "name", *right[1:], right=right, wrap="name")
    for _, row in shown.iterrows():
        name = "baseline" if row["kind"] == "baseline" else row["name"]
        scores = [_score(row[f"valid_{metric}"]), *(_score(row[f"valid_{metric}_mean"]) for _ in mean)]
        scores += [_error(row[f"valid_{metric}_error"]), _score(row.get(f"test_{metric}"))]
        seconds = "" if pd.isna(row["seconds"]) else f"{row['seconds']:.2f}"
        rounds = "" if pd.isna(row["rounds"]) else str(row["rounds"])
        table.add_row(str(row["rank"]), row["id"], name, *scores, rounds, seconds)
    display.line(table)
    if len(shown) < len(run.leaderboard):
        display.line(f"... and {len(run.leaderboard) - len(shown):,} more networks in leaderboard.csv")
    if run.best:
        drawn = ", ".join(f"{path} {short(value)}" for path, value in run.best.items())
        display.line(f"best network, {run.result['best_member']['id']}: {drawn}")
    for line in _luck(run.result):
        display.line(line)
    for line in run.result["mattered"]:
        display.line(line)
    speaking = "ensemble" if run.result.get("ensemble") else "best network"
    for target, value in run.result["temperatures"].items():
        display.line(f"temperature of {target!r}: {short(value)}")
    for part in ("valid", "test"):
        for line in _scores(f"{speaking}, {part}", run.result[part]):
            display.line(line)
    if run.result["refit"]:
        display.line(_refit(**run.result["refit"]))
        if any(member["ended"] in FINISHED for member in run.result["refit"]["members"].values()):
            display.line(_BEFORE)
    for line in run.result["hints"]:
        display.line(f"hint: {line}")
    seconds, diverged = run.result["seconds"], run.result["n_diverged"]
    display.line(
        f"{seconds['total']:.1f} s in all: {seconds['compile']:.1f} s compiling, {seconds['train']:.1f} s training"
        + (f"; {diverged} networks diverged" if diverged else "")
    )
    if run.result["interrupted"]:
        display.line("interrupted: the run holds what was trained until then")
    display.line(f"written to {folder}")


def _luck(result: Mapping[str, Any]) -> list[str]:
    """Return what the best validation score is worth without the luck of being the best, beside the test score."""
    metric, optimism, best, winner = (result[name] for name in ("metric", "optimism", "best_member", "winner"))
    said = []
    if winner["best_score"]["id"] != best["id"]:
        said.append(f"{best['id']} is the simplest within one standard error of {winner['best_score']['id']}")
    if optimism is not None:
        test = best["test"].get(metric)
        said.append(
            f"best validation {metric} {number(optimism['best'])}: the best of {optimism['trials']:,}; without that "
            f"luck about {number(optimism['corrected'])} ± {optimism['error']:.2g}"
            + ("" if test is None else f"; {best['id']} on test rows {number(test)}")
        )
    return said


def _scores(what: str, scores: Mapping[str, float]) -> list[str]:
    """Return the lines of scores: one, and one more for each of several targets."""
    listed: dict[str, list[str]] = {}
    for name, value in scores.items():
        target, _, metric = name.rpartition(".")
        listed.setdefault(f"{what}, {target}" if target else what, []).append(f"{metric} {number(value)}")
    return [f"{part}: {', '.join(values)}" for part, values in listed.items()] or [f"{what}: no rows"]


def _refit(rule: str, members: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how training again on all rows ended."""
    if not members:
        return f"refit by {rule}: no network, since none had a best round"
    rounds = [member["rounds"] for member in members.values()]
    low, high = min(rounds), max(rounds)
    spread = f"{low} to {high} rounds" if low < high else f"{low} round{'s' if low != 1 else ''}"
    ended = Counter(member["ended"] for member in members.values())
    others = ", ".join(f"{count} by {reason}" for reason, count in ended.items() if reason != _MEANT[rule])
    networks = f"{len(rounds)} network{'s' if len(rounds) > 1 else ''}"
    if set(ended) == {"time"} and not high:
        return f"refit by {rule}: left out, the time was too short to train {networks} again"
    return f"refit by {rule}: {networks}, {spread}{'; ended ' + others if others else ''}"


def _error(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:.2g}"


def _score(value: Any) -> str:
    return "" if pd.isna(value) else number(value)
