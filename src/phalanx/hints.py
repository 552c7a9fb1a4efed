"""What seems wrong with trained networks, in words: inside them, from their diagnostics, and in what they predict."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data import ClassTarget, each_column
from phalanx.ensemble import Predictions
from phalanx.metrics import SCORE, Metric
from phalanx.problem import Problem

DEAD, SATURATED, STILL, WILD = 0.5, 0.8, 1e-6, 0.1
RARE, MISSED, FEWEST = 0.1, 0.5, 3
"""Share of the rows below which a class is rare; share of the accuracy of all rows below which it is missed; and its
validation rows from which that is said."""
_OF_RARE = ("f1", "balanced_accuracy", "average_precision")


def hints(diagnostics: pd.DataFrame) -> list[str]:
    """Return one sentence for each thing that seems wrong in most members, in the order of the layers.

    `diagnostics`: see `phalanx.leaderboard.diagnostics`. A layer is reported where the median over members has, in
    their last round, more than 50% of its units dead or more than 80% of its outputs saturated; or where a typical
    step changed its weights by more than 10% of their size, or none by more than a millionth.

    >>> table = pd.DataFrame({"id": ["m001"], "round": [1], "layer": ["relu_1"], "saturated": [float("nan")],
    ...     "dead": [0.96], "gradient_norm": [float("nan")], "update_ratio": [float("nan")]})
    >>> hints(table)
    ['relu_1: 96% of units are dead; lower the learning rate or try LeakyReLU']
    """
    last = diagnostics[diagnostics["round"] == diagnostics.groupby("id")["round"].transform("max")]
    units = last.groupby("layer", sort=False)[["saturated", "dead"]].median()
    updates = diagnostics.groupby(["layer", "id"], sort=False)["update_ratio"].agg(["median", "max"])
    steps = updates.groupby("layer", sort=False).median()
    found = []
    for layer in units.index:
        saturated, dead = units.loc[layer]
        typical, largest = steps.loc[layer]
        if dead > DEAD:
            found.append(f"{layer}: {dead:.0%} of units are dead; lower the learning rate or try LeakyReLU")
        elif saturated > SATURATED:
            found.append(f"{layer}: {saturated:.0%} of outputs are saturated; lower the learning rate or try ReLU")
        if typical > WILD:
            found.append(f"{layer}: a step changes the weights by {typical:.0%} of their size; lower the learning rate")
        elif largest < STILL:
            found.append(f"{layer}: no step changes the weights by a millionth; raise the learning rate")
    return found


def rare_class_hints(
    problem: Problem,
    predictions: Predictions,
    metric: Metric,
    option: str = "--metric {}",
    labels: Mapping[str, Sequence[Any]] | None = None,
) -> list[str]:
    """Return one sentence for each target of which accuracy, by which networks are ranked, hides that the `predictions`
    for the validation rows miss a rare class.

    A class is rare that has less than 10% of the training rows, and less than half of an equal share of them. It is
    missed if less than half as many of its validation rows, of which there must be 3, are found as of all of them. Of
    several such classes the one that is found least is named. `option` says how a metric is chosen, and `labels` how
    the classes of a target are called, by its name, where the target itself does not know.
    """
    if metric.kind not in ("accuracy", SCORE.name) or not len(problem.valid):
        return []
    learned, judged = problem.values_at(problem.train), problem.values_at(problem.valid)
    columns = each_column(problem.goals, learned, judged, predictions)
    found = []
    for name, target, seen, y, said in columns:
        if not isinstance(target, ClassTarget) or metric.column not in ("", name):
            continue
        shares = np.bincount(
            seen,
            weights=problem.weight_at(problem.train),
            minlength=len(target.labels),
        )
        shares = shares / shares.sum()
        right = said.argmax(1) == y
        rows, hits = (np.bincount(y[chosen], minlength=len(shares)) for chosen in (slice(None), right))
        recall = hits / np.maximum(rows, 1)
        rare = shares < min(RARE, 0.5 / len(shares))
        missed = np.flatnonzero(rare & (rows >= FEWEST) & (recall < MISSED * right.mean()))
        if not len(missed):
            continue
        worst = missed[np.lexsort((shares[missed], recall[missed]))[0]]
        label = ((labels or {}).get(name) or target.labels)[worst]
        of = f" of {name!r}" if len(columns) > 1 else ""
        among = f"{name}." if len(columns) > 1 else ""
        # The scores of one class are of the second of two.
        better = ["balanced_accuracy"] if len(shares) == 2 and worst == 0 else _OF_RARE
        first, *others = [among + other for other in better]
        found.append(
            f"class {label!r}{of} ({_percent(shares[worst])} of rows) is found in {hits[worst]:,} of its "
            f"{rows[worst]:,} validation rows, which accuracy hides; rank by {option.format(first)}"
            + (f" (or {', '.join(others)})" if others else "")
        )
    return found


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{100 * share:.2g}%"
