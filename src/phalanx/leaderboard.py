"""The leaderboard and the learning curves as tables."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from phalanx.candidates import Candidate, Fitted, trained_ones
from phalanx.metrics import Metric
from phalanx.network import layers_of
from phalanx.population.diagnostics import COLUMNS

OF_MEMBERS = (
    "share",
    "adds",
    "rounds",
    "best_round",
    "stopped",
    "seconds",
    "seed",
    "structure",
    "refit_rounds",
    "refit_ended",
    "fold",
    "trial",
)
"""Columns of the leaderboard that say of a member neither who it is, nor a score, nor what was drawn for it."""


def metric_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a leaderboard that hold validation metrics, not their means or errors over a trial."""
    return [name for name in map(str, table) if name.startswith("valid_") and not name.endswith(("_mean", "_error"))]


def leaderboard(
    fitted: Fitted,
    metric: Metric,
    ensemble: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, Any]] | None = None,
    test: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """Return one row for each member, baseline and the ensemble, ranked by the validation metric.

    With folds a member's metrics are those of the out-of-fold predictions, which it shares with the members of the
    other folds, and the column `fold` counts from 1. `ensemble`: its validation metrics. `baselines`: name →
    {"valid": metrics, "seconds": of training}. `test`: id → test metrics, for those that have one.

    `valid_METRIC_error` is the standard error of a member's score over the validation rows. With several seeds a trial,
    or folds, it is that of `valid_METRIC_mean`, the mean over a trial's members, each on its own rows. `share` is the
    weight in the ensemble, of its members, and `adds` by how much its validation score is worse without one of them.
    """
    tested, error = test or {}, f"valid_{metric.name}_error"
    repeated = _repeats(fitted, metric)
    rows = [
        {
            **_row(m.id, "member", _structure_name(m), m.together, tested),
            "share": fitted.shares.get(i, float("nan")),
            "adds": fitted.adds.get(i, float("nan")),
            error: fitted.choice.errors.get(m.trial, float("nan")),
            **_training(m),
            **({"fold": m.fold + 1} if fitted.folds > 1 else {}),
            **repeated.get(m.trial, {}),
            **m.draw.values,
        }
        for i, m in enumerate(fitted.members)
    ]
    mixed = f"mean of {len(fitted.shares)} network{'s' if len(fitted.shares) > 1 else ''}"
    rows.append(_row("ensemble", "ensemble", mixed, ensemble, tested))
    for name, result in (baselines or {}).items():
        rows.append({**_row(name, "baseline", name, result["valid"], tested), "seconds": result["seconds"]})
    order = {member: place for place, member in enumerate(fitted.ranking)}

    def key(i: int) -> tuple[float, int]:
        value = rows[i].get(f"valid_{metric.name}", float("nan"))
        return metric.loss(value), order.get(i, -1)

    ranked = [rows[i] for i in sorted(range(len(rows)), key=key)]
    table = pd.DataFrame([{"rank": place, **row} for place, row in enumerate(ranked, start=1)])
    scored = [f"{part}_{name}" for part in ("valid", "test") for name in ensemble]
    front = ["rank", "id", "kind", "name", *scored, f"valid_{metric.name}_mean", error]
    front += ["share", "adds", "rounds", "best_round", "stopped", "seconds", "seed", "structure"]
    table = table[[*[c for c in front if c in table], *[c for c in table if c not in front]]]
    # Whole numbers stay whole beside rows that have none.
    drawn = {key for member in fitted.members for key in member.draw.values}
    whole = [
        "rounds",
        "best_round",
        "seed",
        "structure",
        "refit_rounds",
        "fold",
        *(c for c in table if c == "trial" or c in drawn),
    ]
    return table.assign(**{column: table[column].convert_dtypes() for column in whole if column in table})


def curves(fitted: Fitted) -> pd.DataFrame:
    """Return the learning curves: id, round (from 1), train_cost and valid_cost, mean negative log-likelihoods, and
    the diagnostics of each layer, such as `dead.relu_1`; see `phalanx.population.diagnostics`.
    """
    pieces = []
    for m in fitted.members:
        if m.trained.curve:
            piece = pd.DataFrame(m.trained.curve, columns=["train_cost", "valid_cost"])
            piece.insert(0, "round", np.arange(1, len(piece) + 1))
            piece.insert(0, "id", m.id)
            pieces.append(pd.concat([piece, _wide(m)], axis=1))
    if not pieces:
        return pd.DataFrame(columns=["id", "round", "train_cost", "valid_cost"])
    return pd.concat(pieces, ignore_index=True)


def diagnostics(fitted: Fitted) -> pd.DataFrame:
    """Return what was measured of each layer in each round: id, round, layer, and `diagnostics.COLUMNS`."""
    pieces = []
    for m in [fitted.members[i] for i in trained_ones(fitted.members)]:
        layers = [name for name, _ in layers_of(m.trained.trial.network)]
        measured = np.array(m.trained.layers).reshape(-1, len(COLUMNS))
        piece = pd.DataFrame(measured, columns=list(COLUMNS))
        rounds = len(m.trained.layers)
        piece.insert(0, "layer", layers * rounds)
        piece.insert(0, "round", np.repeat(np.arange(1, rounds + 1), len(layers)))
        piece.insert(0, "id", m.id)
        pieces.append(piece)
    table = pd.concat(pieces, ignore_index=True)
    return table[table[list(COLUMNS)].notna().any(axis=1)].reset_index(drop=True)


def _wide(member: Candidate) -> pd.DataFrame:
    layers = [name for name, _ in layers_of(member.trained.trial.network)]
    measured = np.array(member.trained.layers)
    columns = {f"{kind}.{layer}": measured[:, i, k] for i, layer in enumerate(layers) for k, kind in enumerate(COLUMNS)}
    return pd.DataFrame({name: values for name, values in columns.items() if not np.isnan(values).all()})


def _row(
    id_: str, kind: str, name: str, valid: Mapping[str, float], tested: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    return {
        "id": id_,
        "kind": kind,
        "name": name,
        **{f"valid_{key}": value for key, value in valid.items()},
        **{f"test_{key}": value for key, value in tested.get(id_, {}).items()},
    }


def _training(member: Candidate) -> dict[str, Any]:
    trained = member.trained
    return {
        "rounds": trained.rounds,
        "best_round": trained.best_round,
        "stopped": trained.stopped,
        "seconds": round(trained.seconds, 3),
        "seed": trained.trial.seed,
        "structure": member.structure,
        **_refit(member),
    }


def _refit(member: Candidate) -> dict[str, Any]:
    again = member.refitted
    return {} if again is None else {"refit_rounds": again.rounds, "refit_ended": again.ended}


def _structure_name(member: Candidate) -> str:
    """Return the kinds and sizes of the layers that have one: `conv 16-32, dense 128`; `network 128` of dense ones."""
    sized = [
        (layer.kind(), str(getattr(layer, name)))
        for layer in member.draw.spec.layers
        for name in ("units", "channels")
        if name in layer.kinds
    ]
    groups = [(kind, "-".join(size for _, size in of)) for kind, of in itertools.groupby(sized, lambda one: one[0])]
    if {kind for kind, _ in groups} <= {"dense"}:
        return " ".join(["network", *(sizes for _, sizes in groups)])
    return ", ".join(f"{kind} {sizes}" for kind, sizes in groups)


def _repeats(fitted: Fitted, metric: Metric) -> dict[int, dict[str, Any]]:
    by_trial: dict[int, list[float]] = {member.trial: [] for member in fitted.members}
    if len(by_trial) == len(fitted.members):
        return {}
    for member in [fitted.members[i] for i in trained_ones(fitted.members)]:
        by_trial[member.trial].append(member.metrics.get(metric.name, float("nan")))
    return {trial: {"trial": trial + 1, **_mean(values, metric.name)} for trial, values in by_trial.items()}


def _mean(values: Sequence[float], metric: str) -> dict[str, float]:
    """Return the mean and its standard error, each where there are enough values."""
    mean = float(np.mean(values)) if values else float("nan")
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return {f"valid_{metric}_mean": mean, f"valid_{metric}_error": error}
