"""A run from a source that is prepared to results: the populations, the test once, and what the folder holds."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from phalanx.config import Config
from phalanx.display import Display
from phalanx.experiment import Plan, fit
from phalanx.kinds.prepared import Compared, Prepared, Tested
from phalanx.leaderboard import curves, leaderboard
from phalanx.population.train import Clock
from phalanx.report.mattered import what_mattered
from phalanx.runs.planning import compiling
from phalanx.runs.result import Run, Stopwatch, how_it_ended, left_out, make_result, refit_result


def train_run(
    prepared: Prepared, plan: Plan, config: Config, clock: Clock, display: Display, started: float
) -> tuple[Run, Tested]:
    """Train the populations and score them, and compare them with plain models, which are trained while the first
    programs are compiled; `started` is when the command began (`time.monotonic()`).
    """
    watch, metric = Stopwatch(started), plan.settings.metric
    compared: dict[str, Compared] = {}

    def baselines(left: Callable[[], int]) -> None:
        def in_work() -> str:
            return f"compiling, {count} of {plan.programs} programs left" if (count := left()) else ""

        with watch.beside(), display.beside(in_work):
            compared.update(prepared.compare(plan, clock, display))
        display.stage(in_work() or "first round")

    display.stage(compiling(plan))
    fitted = fit(
        prepared.task,
        plan,
        clock=clock,
        rounds=config.rounds,
        widths=config.widths,
        programs=config.programs,
        cut=config.cut,
        watch=display.update,
        meanwhile=baselines,
    )
    watch.trained()
    display.line(how_it_ended(fitted))
    if line := left_out(fitted):
        display.warn(line)
    display.stage("scoring")
    valid = fitted.valid.metrics
    if math.isnan(valid.get(metric.name, 0.0)):
        display.warn(_unranked(metric.name, valid))
    model = prepared.model(fitted)
    tested = prepared.test(fitted, model, compared)
    beside = {name: baseline.to_plain() for name, baseline in compared.items()}
    config = replace(config, baselines=tuple(compared), **fitted.recorded)
    result = {
        **make_result(fitted, metric, valid, tested.scores, beside, watch, clock),
        **prepared.facts(),
        "kind": model.kind.name,
        "source": config.source,
        "notes": list(prepared.notes),
        "warnings": list(prepared.warnings),
        **what_mattered(fitted).to_plain(),
        "refit": refit_result(fitted, plan.settings.refit),
        "rows": prepared.rows,
        "seed": config.seed,
    }
    result["hints"] += prepared.hints(fitted)
    board = leaderboard(fitted, metric, valid, beside, tested.scores)
    display.stage("looking at errors")
    left = _time_to_look(clock, config.minutes, started)
    figures = list(prepared.figures(fitted, model, tested, left))
    return Run(config.to_plain(), result, board, curves(fitted), model, fitted.best.draw.values, figures), tested


def reserve(minutes: float) -> float:
    """Return how many seconds of a time limit are kept for scoring, for figures and for writing."""
    return min(3.0 + 1.2 * minutes, 12.0 * minutes)


def _time_to_look(clock: Clock, minutes: float | None, started: float) -> Callable[[], float]:
    """Return what says how many seconds figures may still take: of a time limit what is left but for a quarter of the
    reserve, in which the run is written, and none after an interruption.
    """
    if clock.interrupted:
        return lambda: 0.0
    if clock.deadline is None or minutes is None:
        return lambda: math.inf
    end = started + 60 * minutes - reserve(minutes) / 4
    return lambda: end - time.monotonic()


def _unranked(metric: str, valid: Mapping[str, float]) -> str:
    """Return the warning that the validation rows do not allow a metric."""
    of_each = metric.endswith(("roc_auc", "average_precision"))
    lacks = "every class among the validation rows" if of_each else "at least 2 validation rows"
    return f"{metric} needs {lacks}: ranked by {'log_loss' if 'log_loss' in valid else 'the cost'} instead"
