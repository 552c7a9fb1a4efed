"""A run from a prepared table to results: the plan, the populations, the test rows once, and what the folder holds."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from phalanx.candidates import Fitted
from phalanx.display import Display
from phalanx.ensemble import Predictions
from phalanx.experiment import Settings, check_vote, completed, fit, plan_draws
from phalanx.hints import rare_class_hints
from phalanx.leaderboard import curves, leaderboard
from phalanx.metrics import Metric, evaluate, metric_named
from phalanx.network import Network
from phalanx.population.stack import group
from phalanx.population.train import Clock
from phalanx.refitting import refit_rule
from phalanx.runs.comparison import Compared
from phalanx.runs.config import Config
from phalanx.runs.model import Model
from phalanx.runs.prepare import Prepared, absolute
from phalanx.runs.result import Run, Stopwatch, how_it_ended, left_out, make_result, refit_result
from phalanx.search.defaults import REFIT, default_space
from phalanx.study import NEVER


@dataclass(frozen=True)
class Plan:
    """What will be trained: the configuration with every default filled in, and how many networks and programs."""

    config: Config
    space: Network
    metric: Metric
    settings: Settings
    members: int
    programs: int


def make_plan(prepared: Prepared) -> Plan:
    """Fill in every default for the data at hand; raise `InputError` for a metric, part or design that does not fit."""
    config, problem = prepared.config, prepared.problem
    rows = len(problem.train)
    metric = metric_named(config.metric, problem.goals, config.likelihood)
    check_vote(config, problem.goals)
    space = config.space(default_space(rows, problem.kind, problem.goals))
    settings = Settings.of(config, metric, max_rounds=config.max_rounds or problem.size.max_rounds)
    draws = plan_draws(space, problem.entry, settings, problem.size)
    rule = refit_rule(config.refit, REFIT.get(problem.kind.entry), draws, len(problem.valid))
    completed(draws, problem)  # names of layers that do not exist, and what does not fit, before anything trains
    parts = ("layers", "likelihood", "regularizers", "optimizer", "stopping", "batch_size")
    resolved = replace(
        config,
        source=absolute(str(config.source)),
        test=absolute(config.test) if isinstance(config.test, str) else config.test,
        metric=metric.name,
        max_rounds=settings.max_rounds,
        trials=len(draws),
        refit=rule or config.refit,
        **{name: getattr(space, name) for name in parts},
    )
    programs = len(group([draw.spec for draw in draws]))
    settings = replace(settings, trials=len(draws), refit=rule or NEVER)
    return Plan(resolved, space, metric, settings, len(draws) * config.repeats, programs)


def train_run(
    prepared: Prepared,
    plan: Plan,
    compare: Callable[[], Mapping[str, Compared]],
    clock: Clock,
    display: Display,
    started: float,
) -> Run:
    """Train the populations and score them, and `compare` with baselines while the first programs are compiled;
    `started` is when the command began (`time.monotonic()`).
    """
    problem, watch = prepared.problem, Stopwatch(started)
    compared: dict[str, Compared] = {}

    def baselines(left: Callable[[], int]) -> None:
        def compiling() -> str:
            return f"compiling, {count} of {plan.programs} programs left" if (count := left()) else ""

        with watch.beside(), display.beside(compiling):
            compared.update(compare())
        display.stage(compiling() or "first round")

    display.stage(f"compiling {plan.programs} program{'s' if plan.programs > 1 else ''}")
    fitted = fit(
        problem,
        plan.space,
        plan.settings,
        clock=clock,
        rounds=plan.config.rounds,
        widths=plan.config.widths,
        cut=plan.config.cut,
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
    if math.isnan(valid[plan.metric.name]):
        display.warn(_unranked(plan.metric.name, valid))
    test, said = _tested(prepared, fitted, compared)
    beside = {name: {"valid": b.valid, "seconds": round(b.seconds, 3), "rows": b.rows} for name, b in compared.items()}
    config = replace(plan.config, baselines=tuple(compared), **fitted.recorded)
    result = {
        "task": _task(prepared),
        "target": config.forecast or config.to_plain()["target"],
        **make_result(fitted, plan.metric, valid, test, beside, watch, clock),
        "refit": refit_result(fitted, plan.settings.refit),
        "rows": {"train": len(problem.train), "valid": len(problem.valid), "test": prepared.test_rows},
        "seed": plan.config.seed,
        "columns": [column.to_plain() for column in prepared.columns],
    }
    result["hints"] += rare_class_hints(problem, told.means, plan.metric)
    board = leaderboard(fitted, plan.metric, valid, beside, test)
    model = Model(prepared.encoder, plan.config.target, plan.config.id, fitted.predictor(), prepared.readings)
    return Run(config.to_plain(), result, board, curves(fitted), model, fitted.best.draw.values, said)


def _unranked(metric: str, valid: Mapping[str, float]) -> str:
    """Return the warning that the validation rows do not allow a metric."""
    of_each = metric.endswith(("roc_auc", "average_precision"))
    lacks = "every class among the validation rows" if of_each else "at least 2 validation rows"
    return f"{metric} needs {lacks}: ranked by {'log_loss' if 'log_loss' in valid else 'the cost'} instead"


def _task(prepared: Prepared) -> str:
    tasks = {
        "classify" if goal.classes else "forecast" if goal.forecast else "regress" for goal in prepared.problem.goals
    }
    return tasks.pop() if len(tasks) == 1 else "mixed"


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
