"""What choosing is worth: test scores of the ensemble, of the network of the best validation score, and of the simplest
within one standard error of it; how far the best validation score is from the truth; and what a temperature gives.

    python benchmarks/choosing.py --data ../shared/data --tables iris,wine,german-credit --seeds 3
    python benchmarks/choosing.py --data ../shared/data --minutes 1

Every choice is made among the same trained networks of a run, as a person trains them who gives no options but those
asked for here. Differences are paired, and given in the metric's units, above 0 where the first is better.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from default_spaces import TABLES

from phalanx.candidates import Fitted, choose, evaluated_of, shares, whole
from phalanx.config import Config
from phalanx.experiment import Plan, fit
from phalanx.kinds.prepared import Prepared
from phalanx.kinds.registry import prepare
from phalanx.metrics import Metric
from phalanx.population.train import Clock
from phalanx.runs.planning import make_plan
from phalanx.study import ONE_ERROR

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")
PICKS = 32


class Run(NamedTuple):
    """Test scores by who predicts, what the best validation score said before the test, and by how much a temperature
    lowers the test log loss of the ensemble (NaN: there are no classes).
    """

    metric: Metric
    scores: dict[str, float]
    best: float
    corrected: float
    error: float
    cooled: float
    rows: int
    seconds: float


def run(name: str, seed: int, options: argparse.Namespace) -> Run:
    """Train on a table, choose in every way, and use the test rows for all of them."""
    began = time.monotonic()
    asked = {"trials": options.trials, "max_rounds": options.rounds, "folds": options.folds}
    target = () if name in BUNDLED else (TABLES[name],)
    source = name if name in BUNDLED else str(next((options.data / "tables").glob(f"{name}.csv*")))
    given = {key: value for key, value in asked.items() if value is not None}
    prepared = prepare(Config(source=source, target=target, seed=seed, baselines=(), **given))
    plan, _ = make_plan(prepared)
    fitted = fit(prepared.task, plan, clock=Clock(None if options.minutes is None else began + 60 * options.minutes))
    scores = tested(prepared, plan, fitted)
    luck = fitted.choice.optimism
    best, corrected, error = (np.nan,) * 3 if luck is None else (luck.best, luck.corrected, luck.error)
    rows = prepared.rows["train"]
    seconds = time.monotonic() - began
    return Run(plan.settings.metric, scores, best, corrected, error, cooled(prepared, fitted), rows, seconds)


def tested(prepared: Any, plan: Plan, fitted: Fitted) -> dict[str, float]:
    """Return the test scores of what each way of choosing chose."""
    metric, members, task = plan.settings.metric, fitted.members, prepared.task
    voices = whole(members, fitted.folds)
    of_each = [[evaluated_of(members[i]) for i in voice] for voice in voices]
    judged = task.row_scores(of_each, metric)
    chosen = choose(members, fitted.ranking, voices, judged, metric, ONE_ERROR, plan.settings.seed)
    found = {"ensemble": fitted.shares, "best": {chosen.plain: 1.0}, "simplest": {chosen.winner: 1.0}}
    if metric.kind == "accuracy":
        found["by accuracy"] = by_accuracy(prepared, fitted, voices)
    else:
        found["by accuracy"] = shares(members, fitted.folds, task.errors(of_each, metric), task.valid_weight)
    return {who: score(prepared, fitted, held, metric) for who, held in found.items()}


def score(prepared: Any, fitted: Fitted, held: dict[int, float], metric: Metric) -> float:
    """Return the test score of networks with shares, by their positions."""
    finals = {fitted.members[i].id: fitted.members[i].final for i in held}
    told = {fitted.members[i].id: share for i, share in held.items()}
    predictor = fitted.predictor()
    predictor = type(predictor)(finals, told, next(iter(told)), predictor.goals)
    return predictor.scores(prepared.test_inputs, prepared.test_values)[metric.name]


def cooled(prepared: Any, fitted: Fitted) -> float:
    """Return by how much the temperature that the validation rows ask for lowers the log loss of the test rows."""
    if not prepared.problem.goals[0].classes:
        return float("nan")
    plain = fitted.predictor()
    scaled = replace(plain, temperatures=prepared.task.temperatures(fitted.valid.predictions))
    of_both = [each.scores(prepared.test_inputs, prepared.test_values)["log_loss"] for each in (plain, scaled)]
    return of_both[0] - of_both[1]


def by_accuracy(prepared: Prepared, fitted: Fitted, voices: list[list[int]]) -> dict[int, float]:
    """Return the shares that greedy selection finds by accuracy, and by the log loss where that is equal."""
    said = np.stack([np.concatenate([fitted.members[i].valid.predictions[0] for i in voice]) for voice in voices])
    y = prepared.task.values_at(prepared.task.valid)[0]
    total, picked, costs = np.zeros(said.shape[1:]), [], []
    for pick in range(PICKS):
        mean = (total + said) / (pick + 1)
        wrong = (mean.argmax(2) != y).mean(1)
        loss = -np.log(np.maximum(mean[:, np.arange(len(y)), y], 1e-38)).mean(1)
        best = min(range(len(said)), key=lambda k, w=wrong, c=loss: (w[k], c[k]))
        total += said[best]
        picked.append(best)
        costs.append((wrong[best], loss[best]))
    length = min(range(PICKS), key=costs.__getitem__) + 1
    counted = {k: picked[:length].count(k) / length for k in set(picked[:length])}
    return {i: share / fitted.folds for k, share in counted.items() for i in voices[k]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = ",".join([*BUNDLED, *TABLES])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="FOLDER")
    parser.add_argument("--tables", default=every, metavar="NAMES", help=f"comma-separated, of {every}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="time limit of a run; default: none")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--folds", type=int)
    options = parser.parse_args()
    print("| table | rows | metric | ensemble | best | simplest | ensemble − best | simplest − best | ", end="")
    print("by accuracy − ensemble | best valid | corrected | its test | seconds |")
    print("|" + "---|" * 13)
    pairs = []
    for name in options.tables.split(","):
        runs = [run(name, seed, options) for seed in range(options.seeds)]
        pairs += runs
        print(row(name, runs), flush=True)
    print()
    for one, other in (("ensemble", "best"), ("simplest", "best"), ("by accuracy", "ensemble")):
        off = np.array([better(each, one, other) for each in pairs])
        print(f"{one} against {other}: better {(off > 0).sum()}, equal {(off == 0).sum()}, worse {(off < 0).sum()}")
    off = np.array([each.cooled for each in pairs if np.isfinite(each.cooled)])
    if len(off) > 1:
        mean, error, lower = off.mean(), off.std(ddof=1) / np.sqrt(len(off)), (off > 0).sum()
        print(f"a temperature lowers the log loss by {mean:+.4f} ± {error:.4f}, in {lower} of {len(off)} runs")
    sure = [each for each in pairs if np.isfinite(each.corrected)]
    for what, of in (("best validation score", "best"), ("corrected", "corrected")):
        off = [standing(each, getattr(each, of)) / each.error for each in sure if each.error > 0]
        mean, error = np.mean(off), np.std(off, ddof=1) / np.sqrt(len(off))
        print(f"{what} too good by {mean:+.2f} ± {error:.2f} of the standard error that is given, over {len(off)} runs")


def better(one: Run, who: str, other: str) -> float:
    """Return by how much one is better than another on test rows."""
    return one.metric.loss(one.scores[other]) - one.metric.loss(one.scores[who])


def standing(one: Run, value: float) -> float:
    """Return by how much a value is better than the test score of the best network."""
    return one.metric.loss(one.scores["best"]) - one.metric.loss(value)


def row(name: str, runs: list[Run]) -> str:
    """Return the line of a table, means over seeds."""

    def mean(values: list[float]) -> str:
        return f"{np.mean(values):.4g}"

    def off(who: str, other: str) -> str:
        found = [better(each, who, other) for each in runs]
        error = np.std(found, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.nan
        return f"{np.mean(found):+.2g} ± {error:.1g}"

    cells = [name, f"{runs[0].rows:,}", runs[0].metric.name]
    cells += [mean([each.scores[who] for each in runs]) for who in ("ensemble", "best", "simplest")]
    cells += [off("ensemble", "best"), off("simplest", "best"), off("by accuracy", "ensemble")]
    cells += [mean([each.best for each in runs]), mean([each.corrected for each in runs])]
    cells += [mean([each.scores["best"] for each in runs]), f"{np.mean([each.seconds for each in runs]):.0f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
