"""What an ensemble is chosen by: the cost that the average of members has in the metric that ranks them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from phalanx.crps import crps
from phalanx.data.goals import Goal
from phalanx.ensemble import Errors, PairCosts, joined, shares_of_rows
from phalanx.metrics import Costs, Metric
from phalanx.mixture import Mixture, Output
from phalanx.predictive import NetworkPrediction

_ROWS = 2_000  # on which pairs of members are compared
_MEMBERS = 32  # whose pairs are compared, those of the least crps


class FoldPredictions(NamedTuple):
    """What members say of some rows, whose values of each goal are known, and what these cost each of them.

    `weight` counts the rows, None: each once.
    """

    values: Sequence[np.ndarray]
    said: Sequence[NetworkPrediction]
    costs: Sequence[Sequence[Costs | None]]
    inputs: Any
    weight: np.ndarray | None = None

    @property
    def mass(self) -> np.ndarray:
        """The weight of each row, as it was given."""
        return np.ones(len(self.values[0])) if self.weight is None else self.weight


def errors_of(
    goals: Sequence[Goal],
    values: Sequence[np.ndarray],
    said: Sequence[NetworkPrediction],
    costs: Sequence[Sequence[Costs | None]],
    metric: Metric,
    inputs: Any,
    weight: np.ndarray | None = None,
) -> list[Errors | PairCosts]:
    """Return what the ensemble is to cost little by, from what each member says of the same rows and what that costs.

    Classes cost their log loss. Numbers cost what the metric measures: their absolute error for mae and mase, −log of
    the mixture's density for nll, its crps for crps, and else the squared error, in units of a column's standard
    deviation. Costs of several columns add up; a metric of one target hears that target alone.
    """
    return errors_of_folds(goals, [FoldPredictions(values, said, costs, inputs, weight)], metric)


def errors_of_folds(goals: Sequence[Goal], sets: Sequence[FoldPredictions], metric: Metric) -> list[Errors | PairCosts]:
    """Return what `hear` would say of all rows, of which each set of rows has members of its own, in one order.

    Rows stand in the order of the sets. Folds are such sets: what a point of the search says of a row is said by the
    network that was trained without the row.
    """
    compared = _compared(goals, sets, metric) if metric.kind == "crps" else []
    return joined([_hear(goals, one, metric, compared) for one in sets], [float(one.mass.sum()) for one in sets])


def _hear(
    goals: Sequence[Goal], spoken: FoldPredictions, metric: Metric, compared: Sequence[int]
) -> list[Errors | PairCosts]:
    """Return what is errors of one set of rows, see `hear`; only the members `compared` have pairs."""
    found: list[Errors | PairCosts] = []
    for i, (goal, y) in enumerate(zip(goals, spoken.values, strict=True)):
        columns = _columns(goal, metric)
        if not columns:
            continue
        predictions = np.stack([member.predictions[i] for member in spoken.said])
        if goal.classes:
            found.append(Errors("log", predictions[:, np.arange(len(y)), y]))
        elif metric.kind == "nll":
            of_goal = [cost[i] for cost in spoken.costs]
            each = [cost.nll[:, columns] if metric.column else cost.joint[:, None] for cost in of_goal if cost]
            found += [_of_density(-column) for column in np.moveaxis(np.stack(each), -1, 0)]
        elif metric.kind == "crps":
            outputs = [output for member in spoken.said if (output := member.outputs[i])]
            found.append(_of_pairs(outputs, goal.encode(y, spoken.inputs), columns, spoken.mass, compared))
        else:
            errors = np.where(np.isnan(y), 0, predictions - y) / goal.deviations  # what is not known costs nothing
            absolute = metric.kind in ("mae", "mase")
            found += [Errors("absolute" if absolute else "square", errors[..., j]) for j in columns]
    return found


def _columns(goal: Goal, metric: Metric) -> list[int]:
    """Return which columns of a goal are errors."""
    return [j for j, name in enumerate(goal.names) if metric.column in ("", name)]


def _of_density(logs: np.ndarray) -> Errors:
    """Return the voice of log densities (members, rows), as shares of the highest of each row."""
    return Errors("log", np.exp(logs - np.nanmax(logs, axis=0)))


def _compared(goals: Sequence[Goal], sets: Sequence[FoldPredictions], metric: Metric) -> list[int]:
    """Return the members whose pairs are compared: those of the least crps, of all goals and rows that are errors."""
    total = np.zeros(len(sets[0].said))
    for spoken in sets if len(total) > _MEMBERS else ():
        for i, (goal, y) in enumerate(zip(goals, spoken.values, strict=True)):
            for member, costs in enumerate(spoken.costs):
                if cost := costs[i]:
                    each = np.where(np.isnan(y), 0, cost.crps / goal.units(spoken.inputs))
                    total[member] += spoken.mass @ each[:, _columns(goal, metric)].sum(1)
    return np.argsort(total, kind="stable")[:_MEMBERS].tolist()


def _of_pairs(
    outputs: Sequence[Output], y: np.ndarray, columns: Sequence[int], mass: np.ndarray, compared: Sequence[int]
) -> PairCosts:
    """Return C such that the crps of members mixed by shares w is wᵀ C w: of i and j in equal parts it is
    ¼ (C_ii + C_jj + 2 C_ij). It is infinite for members that are not `compared`.
    """
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), _ROWS)).astype(int))
    share = shares_of_rows(mass[rows], len(rows))
    held = [Output(output.likelihood, output.z[rows]) for output in outputs]

    def cost(*members: int) -> float:
        shares = np.full(len(members), 1 / len(members))
        each = crps(Mixture(tuple(held[i] for i in members), shares), y[rows])[:, columns]
        return float(share @ np.where(np.isnan(y[rows][:, columns]), 0, each).sum(1))

    found = np.full((len(held), len(held)), np.inf)
    for i in compared:
        found[i, i] = cost(i)
    for i, j in combinations(compared, 2):
        found[i, j] = found[j, i] = 2 * cost(i, j) - (found[i, i] + found[j, j]) / 2
    return PairCosts(found)
