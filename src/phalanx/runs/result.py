"""What a run found, whatever it learned from: the scores, what was trained, and what it took."""

import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import pandas as pd

from phalanx.candidates import Fitted
from phalanx.hints import hints
from phalanx.kinds.model import Model
from phalanx.leaderboard import diagnostics
from phalanx.metrics import Metric
from phalanx.parts.plain import to_plain
from phalanx.population.compilation import compilations, seconds_between
from phalanx.population.train import Clock
from phalanx.report.figures import Figure
from phalanx.study import RULES

Scores = Mapping[str, float]


@dataclass
class Run:
    """A finished run: what goes into its folder, the values drawn for the best network, and figures of its errors."""

    config: dict[str, Any]
    result: dict[str, Any]
    leaderboard: pd.DataFrame
    curves: pd.DataFrame
    model: Model
    best: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)


class Stopwatch:
    """Tells what a run spent: seconds since its command began (`time.monotonic()`), of them compiling and training."""

    def __init__(self, started: float) -> None:
        self._started, self._began, self._training = started, time.monotonic(), 0.0
        self._before = compilations.copy()
        self._beside = (self._began, self._began)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Leave the time of the body, in which something else is done, out of the training."""
        began = time.monotonic()
        yield
        self._beside = (began, time.monotonic())

    def trained(self) -> None:
        """Note that the training has ended, which began with the watch."""
        began, ended = self._beside
        others = compilations.since(self._before).seconds + ended - began - seconds_between(began, ended)
        self._training = max(time.monotonic() - self._began - others, 0.0)

    def to_plain(self) -> dict[str, Any]:
        """Return the seconds, and how many programs were compiled."""
        spent, total = compilations.since(self._before), time.monotonic() - self._started
        seconds = {"total": total, "compile": spent.seconds, "train": self._training}
        return {"seconds": {name: round(value, 2) for name, value in seconds.items()}, "programs": spent.programs}


def make_result(
    fitted: Fitted,
    metric: Metric,
    valid: Scores,
    test: Mapping[str, Scores],
    baselines: Mapping[str, Mapping[str, Any]],
    watch: Stopwatch,
    clock: Clock,
) -> dict[str, Any]:
    """Return what result.json holds of every run.

    `valid`: scores of the ensemble. `test`: scores by "ensemble", the best member's id and the baselines' names.
    `baselines`: name → {"valid": scores, "seconds": of training}.
    """
    best, plain, optimism = fitted.best, fitted.members[fitted.choice.plain], fitted.choice.optimism
    return {
        "metric": metric.name,
        "direction": metric.direction,
        "valid": valid,
        "test": test.get("ensemble", {}),
        "best_member": {"id": best.id, "valid": best.together, "test": test.get(best.id, {})},
        "winner": {"rule": fitted.choice.rule, "best_score": {"id": plain.id, "valid": plain.together}},
        "optimism": None if optimism is None else optimism.to_plain(),
        "temperatures": {g.names[0]: t for g, t in zip(fitted.goals, fitted.temperatures, strict=False) if g.classes},
        "ensemble": {fitted.members[i].id: share for i, share in fitted.shares.items()},
        "n_members": len(fitted.members),
        "n_structures": len({member.structure for member in fitted.members}),
        "n_diverged": sum(member.trained.stopped == "diverged" for member in fitted.members),
        "n_untrained": sum(not member.trained.rounds for member in fitted.members),
        "hints": hints(diagnostics(fitted)),
        **watch.to_plain(),
        "best": to_plain(best.draw.spec),
        "baselines": {name: {**test.get(name, {}), **held} for name, held in baselines.items()},
        "versions": versions(),
        "interrupted": clock.interrupted,
    }


def refit_result(fitted: Fitted, rule: str | None) -> dict[str, Any] | None:
    """Return by which rule members were trained again on all rows, and how each ended; None where none was."""
    if rule not in RULES:
        return None
    again = {member.id: member.refitted for member in fitted.members if member.refitted is not None}
    members = {id_: {"rounds": r.rounds, "ended": r.ended, "goal": r.goal} for id_, r in again.items()}
    return {"rule": rule, "members": members}


def versions() -> dict[str, str]:
    """Return the versions of what a run depends on."""
    installed = {name: version(name) for name in ("phalanx", "jax", "numpy", "scikit-learn", "pandas")}
    return {"python": platform.python_version(), **installed}


def how_it_ended(fitted: Fitted) -> str:
    """Return how long the networks trained, and what stopped them."""
    reasons = Counter(member.trained.stopped for member in fitted.members)
    rounds = max(member.trained.rounds for member in fitted.members)
    listed = ", ".join(f"{count} by {reason}" for reason, count in reasons.most_common())
    few = sum(after > 0 for after in fitted.cut)
    early = f"; {few} of them after {max(fitted.cut)} rounds, as the time was too short for all" if few else ""
    return f"trained {rounds} round{'s' if rounds > 1 else ''}; networks stopped: {listed}{early}"


def left_out(fitted: Fitted) -> str | None:
    """Return how many networks were left out because compiling was slow; None where none was."""
    out = [member for member in fitted.members if member.trained.left_out and member.trained.stopped == "time"]
    if not out:
        return None
    networks, structures = len(out), len({member.structure for member in out})
    return (
        f"compiling was slow: {networks:,} network{'s' if networks > 1 else ''} of {structures} "
        f"structure{'s' if structures > 1 else ''} left out, so that the others have time to train"
    )
