"""A run from a prepared table to results: the plan, the populations, the test rows once, and what the folder holds."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from phalanx.candidates import Fitted
from phalanx.display import Display
from phalanx.ensemble import Predictions
from phalanx.experiment import Plan, fit
from phalanx.hints import rare_class_hints
from phalanx.leaderboard import curves, leaderboard
from phalanx.metrics import evaluate, metric_named
from phalanx.population.train import Clock
from phalanx.runs.comparison import Compared
from phalanx.runs.config import Config
from phalanx.runs.model import Model
from phalanx.runs.planning import compiling, make_plan
from phalanx.runs.prepare import Prepared
from phalanx.runs.result import Run, Stopwatch, how_it_ended, left_out, make_result, refit_result, task_of
from phalanx.search.defaults import default_space


def plan_table(prepared: Prepared) -> tuple[Plan, Config]:
    """Return the plan for the data at hand, and the configuration with every default filled in.

    Raises `InputError` for a metric, part or design that does not fit.
    """
    config, problem = prepared.config, prepared.problem
    metric = metric_named(config.metric, problem.goals, config.likelihood)
    space = config.space(default_space(len(problem.train), problem.kind, problem.goals))
    return make_plan(problem, space, config, metric)


def train_run(
    prepared: Prepared,
    plan: Plan,
    config: Config,
    compare: Callable[[], Mapping[str, Compared]],
    clock: Clock,
    display: Display,
    started: float,
) -> Run:
    """Train the populations and score them, and `compare` with baselines while the first programs are compiled;
    `started` is when the command began (`time.monotonic()`).
    """
    problem, watch, metric = prepared.problem, Stopwatch(started), plan.settings.metric
    compared: dict[str, Compared] = {}

    def baselines(left: Callable[[], int]) -> None:
        def in_work() -> str:
            return f"compiling, {count} of {plan.programs} programs left" if (count := left()) else ""

        with watch.beside(), display.beside(in_work):
            compared.update(compare())
        display.stage(in_work() or "first round")

    display.stage(compiling(plan))
    fitted = fit(
        problem,
        plan,
        clock=clock,
        rounds=config.rounds,
        widths=config.widths,
        cut=config.cut,
        watch=display.update,
        meanwhile=baselines,
    )
    watch.trained()
    display.line(how_it_ended(fitted))
    if line := left_out(fitted):
        display.warn(line)
    display.stage("scoring")
    told = fitted.ensemble_valid(problem.valid_inputs)
    valid = problem.score(told)[0]
    if math.isnan(valid[metric.name]):
        display.warn(_unranked(metric.name, valid))
    test, said = _tested(prepared, fitted, compared)
    beside = {name: {"valid": b.valid, "seconds": round(b.seconds, 3), "rows": b.rows} for name, b in compared.items()}
    config = replace(config, baselines=tuple(compared), **fitted.recorded)
    result = {
        "task": task_of(problem.goals),
        "target": config.forecast or config.to_plain()["target"],
        **make_result(fitted, metric, valid, test, beside, watch, clock),
        "refit": refit_result(fitted, plan.settings.refit),
        "rows": {"train": len(problem.train), "valid": len(problem.valid), "test": prepared.test_rows},
        "seed": config.seed,
        "columns": [column.to_plain() for column in prepared.columns],
    }
    result["hints"] += rare_class_hints(problem, told.means, metric)
    board = leaderboard(fitted, metric, valid, beside, test)
    model = Model(prepared.encoder, config.target, config.id, fitted.predictor(), prepared.readings)
    return Run(config.to_plain(), result, board, curves(fitted), model, fitted.best.draw.values, said)


def _unranked(metric: str, valid: Mapping[str, float]) -> str:
    """Return the warning that the validation rows do not allow a metric."""
    of_each = metric.endswith(("roc_auc", "average_precision"))
    lacks = "every class among the validation rows" if of_each else "at least 2 validation rows"
    return f"{metric} needs {lacks}: ranked by {'log_loss' if 'log_loss' in valid else 'the cost'} instead"


def _tested(
    prepared: Prepared, fitted: Fitted, compared: Mapping[str, Compared]
) -> tuple[dict[str, dict[str, float]], Predictions | None]:
    """Use the test rows, once: return the metrics of the ensemble, the best member and the baselines by name, and the
    ensemble's predictions; nothing and None where there are no such rows.
    """
    if not prepared.test_rows:
        return {}, None
    inputs, values, predictor = prepared.test_inputs, prepared.test_values, fitted.predictor()
    found = {}
    for name, baseline in compared.items():
        told = baseline.predictive(fitted.goals, inputs)
        found[name] = evaluate(fitted.goals, values, told.means, costs=told.costs(values))
    asked = predictor.ask_both(inputs, lambda told, *y: (told.means, told.costs(y)), beside=values)
    for name, (means, costs) in zip(("ensemble", fitted.best.id), asked, strict=True):
        found[name] = evaluate(fitted.goals, values, means, costs=costs)
    return found, asked[0][0]
