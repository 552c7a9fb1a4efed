"""The answer of a run in three sentences: how good it is, what mattered, and why not to believe more than that."""

import math
from collections.abc import Mapping
from typing import Any

_APART = 2.0
"""A difference is claimed from so many of its standard errors."""


def answer(result: Mapping[str, Any], timed_out: int = 0) -> list[str]:
    """Return what a result says in three sentences that claim no more than it supports; `timed_out` is how many
    networks were still training when the time was over.
    """
    return [_reached(result), _mattered(result), _caveat(result, timed_out)]


def standard_error(metric: str, value: float | None, rows: int) -> float | None:
    """Return √(p (1 − p) / n) of an accuracy p on n rows that are independent; None for other metrics.

    >>> round(standard_error("accuracy", 0.9, 100), 3)
    0.03
    """
    return math.sqrt(value * (1 - value) / rows) if metric == "accuracy" and value is not None and rows else None


def counted(result: Mapping[str, Any]) -> str:
    """Return what the rows of a run are called."""
    if result["task"] == "language":
        steps = result.get("tokens", {}).get("steps")
        return f"rows of {steps} tokens" if steps else "rows of the text"
    return "windows" if result["task"] == "forecast" else "rows"


def rival(result: Mapping[str, Any]) -> str | None:
    """Return the plain model that validated best, as the networks were chosen too; None where none has a score."""
    metric, sign = result["metric"], -1 if result["direction"] == "maximize" else 1
    scores = {name: held["valid"].get(metric) for name, held in result.get("baselines", {}).items()}
    known = {name: sign * score for name, score in scores.items() if score is not None}
    return min(known, key=lambda name: known[name]) if known else None


def _reached(result: Mapping[str, Any]) -> str:
    metric, rows = result["metric"], result.get("rows", {})
    part = "test" if result.get("test") else "valid"
    score, count = result[part].get(metric), rows.get(part)
    if score is None:
        return f"{_who(result)} trained, but there is no {metric} that says how well."
    on = f" on {count:,} {counted(result)}" if count else ""
    used = " that were used once, at the end" if part == "test" else " that also chose it"
    said = f"{_who(result)} reaches {metric} {_score(score)}{on or ' on rows'}{used}"
    name = rival(result)
    if name is None:
        return f"{said}."
    held = result["baselines"][name]
    other = (held if part == "test" else held["valid"]).get(metric)
    if other is None:
        return f"{said}."
    plain = "guessing without looking (dummy)" if name == "dummy" else f"the plain model that validates best ({name})"
    return f"{said}; {plain} reaches {_score(other)}{_difference(result, score, other, count or 0)}."


def _who(result: Mapping[str, Any]) -> str:
    members, voices = result["n_members"], len(result.get("ensemble") or {})
    if members == 1:
        return "The one network that was tried"
    if voices == members:
        return "The ensemble of both networks" if members == 2 else f"The ensemble of all {members:,} networks"
    return f"An ensemble of {voices} of {members:,} networks" if voices > 1 else f"The best of {members:,} networks"


def _difference(result: Mapping[str, Any], score: float, other: float, rows: int) -> str:
    """Return which of two scores is better. Both are of the same rows, so the error of the difference, that of
    independent ones, is rather too large.
    """
    one, two = (standard_error(result["metric"], value, rows) for value in (score, other))
    if one is not None and two is not None and abs(score - other) < _APART * math.hypot(one, two):
        return f", no difference that {rows:,} rows could show"
    if score == other:
        return ", the same"
    better, higher = (score > other) == (result["direction"] == "maximize"), result["direction"] == "maximize"
    if better:
        return "" if higher else " (lower is better)"
    return ", which is better" if higher else ", which is lower and so better"


def _mattered(result: Mapping[str, Any]) -> str:
    if result["n_members"] == 1:
        return "There was nothing to choose among, so nothing can be said of what mattered."
    words = result.get("mattered") or []
    if not words:
        return f"{result['n_members']:,} networks are too few, or too much alike, to say which choice mattered."
    others = f" ({len(words) - 1} more below)" if len(words) > 1 and " mattered (" in words[1] else ""
    return f"Of what was varied, {words[0]}{others}."


def _caveat(result: Mapping[str, Any], timed_out: int) -> str:
    said = [*_cut_short(result, timed_out), *_chosen(result)]
    text = "; ".join(said) or "It is one split of the rows: another would give other numbers"
    return f"{text[0].upper()}{text[1:]}."


def _cut_short(result: Mapping[str, Any], timed_out: int) -> list[str]:
    said = []
    if result.get("interrupted"):
        said.append("the training was interrupted, and this is what it had found until then")
    untrained = result.get("n_untrained") or 0
    for count, what in (
        (result.get("n_diverged"), "diverged"),
        (untrained, "never trained, since the time was over"),
        (timed_out - untrained, "were stopped by the time limit"),
    ):
        if count and count > 0:
            said.append(f"{count:,} of {result['n_members']:,} networks {what}")
    return said


def _chosen(result: Mapping[str, Any]) -> list[str]:
    metric, members = result["metric"], result["n_members"]
    score, rows = result["valid"].get(metric), result.get("rows", {}).get("valid")
    if score is None:
        return ["no rows were left to validate, so nothing here says how good it is on new ones"]
    if result.get("test"):
        if members == 1:
            return []
        said = f"the validation {metric} {_score(score)} chose it among {members:,}, and is therefore optimistic"
        return [f"{said}{_luck(result) or ': the test, which chose nothing, counts'}"]
    chose = f"chose it among {members:,} networks" if members > 1 else "decided when to stop"
    few = f" the same {rows:,} rows" if rows else " the same rows"
    return [f"{few.strip()} {chose}, so this is optimistic{_luck(result) or ', and no test says by how much'}"]


def _luck(result: Mapping[str, Any]) -> str:
    """Return what the best network's score is worth without the luck of being the best, where that was computed."""
    found = result.get("optimism")
    if not found:
        return ""
    score = _score(found["corrected"])
    error = f"{found['error']:.{len(score.partition('.')[2])}f}"  # with as many digits as what it is the error of
    return f": the best network's is about {score} ± {error} without that luck"


def _score(value: float) -> str:
    """Return a score with three significant digits, of one near 1 three behind the point."""
    return f"{value:.3f}" if 0.1 <= abs(value) < 10 else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
