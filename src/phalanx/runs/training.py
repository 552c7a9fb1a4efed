"""A run from a prepared table to results: the plan, the populations, the test rows once, and what the folder holds."""

import math
import platform
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import pandas as pd

from phalanx.data import NumberTarget
from phalanx.display import Display
from phalanx.experiment import Fitted, Settings, fit, plan_draws, with_columns
from phalanx.leaderboard import curves, leaderboard
from phalanx.metrics import Metric, evaluate, metric_named
from phalanx.model import Network
from phalanx.population.compilation import compilations
from phalanx.population.stack import group
from phalanx.population.train import Clock
from phalanx.runs.comparison import Compared
from phalanx.runs.config import Config
from phalanx.runs.folder import Model
from phalanx.runs.prepare import Prepared, absolute, rows_with_target
from phalanx.search.defaults import default_space, size_for
from phalanx.spec.plain import to_plain


@dataclass(frozen=True)
class Plan:
    """What will be trained: the configuration with every default filled in, and how many networks and programs."""

    config: Config
    space: Network
    metric: Metric
    settings: Settings
    members: int
    programs: int


@dataclass
class Run:
    """A finished run: what goes into its folder, and the values drawn for the best network."""

    config: dict[str, Any]
    result: dict[str, Any]
    leaderboard: pd.DataFrame
    curves: pd.DataFrame
    model: Model
    best: dict[str, Any]


def make_plan(prepared: Prepared) -> Plan:
    """Fill in every default for the data at hand; raise `InputError` for a metric or design that does not fit."""
    config, problem = prepared.config, prepared.problem
    rows = len(problem.train)
    metric = metric_named(config.metric, problem.number is None)
    space = config.space(default_space(rows, prepared.encoder.n_numbers, problem.classes))
    settings = Settings(
        metric=metric,
        trials=config.trials,
        structures=config.structures,
        design=config.design,
        repeats=config.repeats,
        max_rounds=config.max_rounds or size_for(rows).max_rounds,
        round_steps=config.round_steps,
        seed=config.seed,
    )
    draws = plan_draws(with_columns(space, problem.cardinalities), settings, rows)
    parts = ("layers", "likelihood", "regularizers", "optimizer", "stopping", "batch_size")
    resolved = replace(
        config,
        source=absolute(str(config.source)),
        test=absolute(config.test) if isinstance(config.test, str) else config.test,
        metric=metric.name,
        max_rounds=settings.max_rounds,
        trials=len(draws),
        **{name: getattr(space, name) for name in parts},
    )
    programs = len(group([draw.spec for draw in draws]))
    return Plan(resolved, space, metric, replace(settings, trials=len(draws)), len(draws) * config.repeats, programs)


def train_run(
    prepared: Prepared, plan: Plan, compared: Mapping[str, Compared], clock: Clock, display: Display, started: float
) -> Run:
    """Train the populations and score them; `started` is when the command began (`time.monotonic()`)."""
    problem, before, began = prepared.problem, compilations.copy(), time.monotonic()
    display.stage(f"compiling {plan.programs} program{'s' if plan.programs > 1 else ''}")
    fitted = fit(
        problem,
        plan.space,
        plan.settings,
        clock=clock,
        rounds=plan.config.rounds,
        widths=plan.config.widths,
        watch=display.update,
    )
    spent = compilations.since(before)
    training = max(time.monotonic() - began - spent.seconds, 0.0)
    display.line(_how_it_ended(fitted))
    display.stage("scoring")
    valid = problem.score(fitted.ensemble_valid())
    if math.isnan(valid[plan.metric.name]):
        display.warn(f"{plan.metric.name} needs every class among the validation rows: ranked by log_loss instead")
    test = _test_scores(prepared, fitted, compared)
    spent = compilations.since(before)
    config = replace(plan.config, baselines=tuple(compared), rounds=tuple(fitted.rounds), widths=tuple(fitted.widths))
    result = {
        "task": plan.config.task,
        "target": plan.config.target,
        "metric": plan.metric.name,
        "direction": plan.metric.direction,
        "valid": valid,
        "test": test.get("ensemble", {}),
        "best_member": {"id": fitted.best.id, "valid": fitted.best.metrics, "test": test.get(fitted.best.id, {})},
        "ensemble": {fitted.members[i].id: share for i, share in fitted.shares.items()},
        "n_members": len(fitted.members),
        "n_structures": len({member.structure for member in fitted.members}),
        "n_diverged": sum(member.trained.stopped == "diverged" for member in fitted.members),
        "rows": {"train": len(problem.train), "valid": len(problem.valid), "test": len(prepared.test_target)},
        "seconds": {
            "total": round(time.monotonic() - started, 2),
            "compile": round(spent.seconds, 2),
            "train": round(training, 2),
        },
        "programs": spent.programs,
        "best": to_plain(fitted.best.draw.spec),
        "baselines": {
            name: {**test.get(name, {}), "valid": baseline.valid, "seconds": round(baseline.seconds, 2)}
            for name, baseline in compared.items()
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("phalanx", "jax", "numpy", "scikit-learn", "pandas")},
        },
        "seed": plan.config.seed,
        "interrupted": clock.interrupted,
    }
    beside = {name: {"valid": b.valid, "seconds": round(b.seconds, 3)} for name, b in compared.items()}
    board = leaderboard(fitted, plan.metric, valid, beside, test)
    model = Model(prepared.encoder, prepared.target, str(plan.config.target), plan.config.id, fitted.predictor())
    return Run(config.to_plain(), result, board, curves(fitted), model, fitted.best.draw.values)


def _how_it_ended(fitted: Fitted) -> str:
    """Return how long the networks trained, and what stopped them."""
    reasons = Counter(member.trained.stopped for member in fitted.members)
    rounds = max(member.trained.rounds for member in fitted.members)
    listed = ", ".join(f"{count} by {reason}" for reason, count in reasons.most_common())
    return f"trained {rounds} round{'s' if rounds > 1 else ''}; networks stopped: {listed}"


def _test_scores(prepared: Prepared, fitted: Fitted, compared: Mapping[str, Compared]) -> dict[str, dict[str, float]]:
    """Use the test rows, once: for the ensemble, the best member and the baselines."""
    if not len(prepared.test_target):
        return {}
    classify, y, inputs = prepared.problem.number is None, prepared.test_target, prepared.test_inputs
    predictor = fitted.predictor()
    predictions = {name: baseline.fitted.predict(inputs) for name, baseline in compared.items()}
    predictions["ensemble"] = predictor.predict(inputs)
    predictions[fitted.best.id] = predictor.predict(inputs, ensemble=False)
    return {name: evaluate(classify, y, found) for name, found in predictions.items()}


def evaluate_model(model: Model, frame: pd.DataFrame, ensemble: bool = True) -> tuple[dict[str, float], int, int]:
    """Return all metrics of a stored model on the rows of a table that have a target; how many have, and have not."""
    inputs, values, lost = rows_with_target(frame, model.encoder, model.target, model.target_name)
    classify = not isinstance(model.target, NumberTarget)
    return evaluate(classify, values, model.predictor.predict(inputs, ensemble)), len(values), lost
