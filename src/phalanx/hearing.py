"""What an ensemble is chosen by: the cost that the average of members has in the metric that ranks them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phalanx.crps import crps
from phalanx.data.goals import Goal
from phalanx.ensemble import Pairs, Voice, shares_of_rows
from phalanx.metrics import Costs, Metric
from phalanx.mixture import Mixture, Output
from phalanx.predictive import Said

_ROWS = 2_000  # on which pairs of members are compared
_MEMBERS = 32  # whose pairs are compared, those of the least crps


def hear(
    goals: Sequence[Goal],
    values: Sequence[np.ndarray],
    said: Sequence[Said],
    costs: Sequence[Sequence[Costs | None]],
    metric: Metric,
    inputs: Any,
    weight: np.ndarray | None = None,
) -> list[Voice | Pairs]:
    """Return what the ensemble is to cost little by, from what each member says of the same rows and what that costs.

    Classes cost their log loss. Numbers cost what the metric measures: their absolute error for mae and mase, −log of
    the mixture's density for nll, its crps for crps, and else the squared error, in units of a column's standard
    deviation. Costs of several columns add up; a metric of one target hears that target alone.
    """
    found: list[Voice | Pairs] = []
    for i, (goal, y) in enumerate(zip(goals, values, strict=True)):
        columns = [j for j, name in enumerate(goal.names) if metric.column in ("", name)]
        if not columns:
            continue
        predictions = np.stack([member.predictions[i] for member in said])
        if goal.classes:
            found.append(Voice("log", predictions[:, np.arange(len(y)), y]))
        elif metric.kind == "nll":
            of_goal = [cost[i] for cost in costs]
            each = [cost.nll[:, columns] if metric.column else cost.joint[:, None] for cost in of_goal if cost]
            found += [_of_density(-column) for column in np.moveaxis(np.stack(each), -1, 0)]
        elif metric.kind == "crps":
            outputs = [output for member in said if (output := member.outputs[i])]
            found.append(_of_pairs(outputs, goal.encode(y, inputs), columns, weight))
        else:
            errors = np.where(np.isnan(y), 0, predictions - y) / goal.deviations  # what is not known costs nothing
            absolute = metric.kind in ("mae", "mase")
            found += [Voice("absolute" if absolute else "square", errors[..., j]) for j in columns]
    return found


def _of_density(logs: np.ndarray) -> Voice:
    """Return the voice of log densities (members, rows), as shares of the highest of each row."""
    return Voice("log", np.exp(logs - np.nanmax(logs, axis=0)))


def _of_pairs(outputs: Sequence[Output], y: np.ndarray, columns: Sequence[int], weight: np.ndarray | None) -> Pairs:
    """Return C such that the crps of members mixed by shares w is wᵀ C w: of i and j in equal parts it is
    ¼ (C_ii + C_jj + 2 C_ij).
    """
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), _ROWS)).astype(int))
    mass = shares_of_rows(None if weight is None else weight[rows], len(rows))
    held = [Output(output.likelihood, output.z[rows]) for output in outputs]

    def cost(*members: int) -> float:
        shares = np.full(len(members), 1 / len(members))
        each = crps(Mixture(tuple(held[i] for i in members), shares), y[rows])[:, columns]
        return float(mass @ np.where(np.isnan(y[rows][:, columns]), 0, each).sum(1))

    alone = np.array([cost(i) for i in range(len(held))])
    best = np.argsort(alone)[:_MEMBERS]
    found = np.full((len(held), len(held)), np.inf)
    for i in best:
        found[i, i] = alone[i]
        for j in best[best < i]:
            found[i, j] = found[j, i] = 2 * cost(i, j) - (alone[i] + alone[j]) / 2
    return Pairs(found)
