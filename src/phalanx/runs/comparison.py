"""The baselines of a run, trained on the same rows as the networks, as far as a time limit has room for them."""

import time
from dataclasses import dataclass

import numpy as np

from phalanx.baselines import FittedBaseline, baselines, fit_baseline
from phalanx.data import Encoded
from phalanx.display import Display, number
from phalanx.metrics import Metric
from phalanx.population.train import Clock
from phalanx.runs.prepare import Prepared

_PROBE_ROWS = 1000
_SHARE = 0.25  # of the time left that one baseline may take


@dataclass(frozen=True)
class Compared:
    """A trained baseline with its validation metrics and the seconds its training took."""

    fitted: FittedBaseline
    valid: dict[str, float]
    seconds: float


def compare(
    prepared: Prepared, metric: Metric, seed: int, names: tuple[str, ...] | None, clock: Clock, display: Display
) -> dict[str, Compared]:
    """Train baselines: those named, or with None all for which the time is expected to suffice."""
    problem = prepared.problem
    found: dict[str, Compared] = {}
    for name in baselines("classify" if problem.number is None else "regress"):
        if names is not None and name not in names:
            continue
        display.stage(f"baseline {name}")
        if names is None and not _fits(prepared, name, seed, clock):
            display.line(f"baseline {name}: left out, its share of the time left is too short")
            continue
        fitted, seconds = _train(prepared, name, seed, len(problem.train))
        valid = problem.score(fitted.predict(problem.valid_inputs))
        found[name] = Compared(fitted, valid, seconds)
        display.line(f"baseline {name}: valid {metric.name} {number(valid[metric.name])}, {seconds:.1f} s")
    return found


def _fits(prepared: Prepared, name: str, seed: int, clock: Clock) -> bool:
    """Say whether a baseline's share of the time left suffices, by training it on a few rows."""
    rows = len(prepared.problem.train)
    if clock.deadline is None or name == "dummy":
        return True
    if clock.left() <= 0:
        return False
    probe = min(_PROBE_ROWS, rows // 2)
    if len(np.unique(prepared.problem.target[prepared.problem.train[:probe]])) < 2:
        return True
    return _train(prepared, name, seed, probe)[1] * rows / probe < _SHARE * clock.left()


def _train(prepared: Prepared, name: str, seed: int, rows: int) -> tuple[FittedBaseline, float]:
    """Train a baseline on the first `rows` training rows; return it and the seconds it took."""
    problem, began = prepared.problem, time.monotonic()
    chosen = problem.train[:rows]
    inputs = Encoded(*(part[chosen] for part in problem.inputs))
    fitted = fit_baseline(
        name, inputs, problem.target[chosen], cardinalities=problem.cardinalities, classes=problem.classes, seed=seed
    )
    return fitted, time.monotonic() - began
