"""The members of a fitted estimator, each of which predicts alone too."""

from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from phalanx.candidates import Fitted
from phalanx.errors import InputError
from phalanx.hints import hints
from phalanx.leaderboard import curves, diagnostics, leaderboard
from phalanx.metrics import Metric
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.report.mattered import what_mattered
from phalanx.task import Task

_OF_ALL = (
    "members_",
    "best_",
    "ensemble_",
    "leaderboard_",
    "curves_",
    "diagnostics_",
    "hints_",
    "importances_",
    "optimism_",
    "mattered_",
    "_found",
    "progress_",
    "_course",
    "_told",
)
"""Fitted attributes that are about all members, so that none of them alone has them."""


def _has_classes(member: "FittedMember") -> bool:
    return hasattr(member._bare, "predict_proba")


@dataclass(frozen=True, repr=False)
class FittedMember:
    """A trained member: `params` by layer name (NumPy arrays; None: the time was over before it trained), its `spec`,
    its best round, counted from 1, and the values that were `drawn` for it, by path.

    >>> from phalanx import Classifier, Dense, Tanh, choice
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]] * 10, ["a", "a", "b", "b"] * 10
    >>> net = Classifier([Dense(choice(2, 4)), Tanh()], trials=2, max_rounds=2).fit(X, y)
    >>> [member.predict_proba([[0.5]]).shape for member in net.members_]
    [(1, 2), (1, 2)]
    """

    id: str
    params: dict[str, dict[str, np.ndarray]]
    spec: Network
    best_round: int
    drawn: dict[str, Any]
    _final: Final = field(compare=False)
    _bare: Any = field(compare=False)

    def __repr__(self) -> str:
        return f"FittedMember({self.id}, round {self.best_round})"

    @property
    def estimator(self) -> Any:
        """A fitted estimator of which this member alone predicts, with all its methods (`predict_interval`, ...).

        Raises `InputError` for a member that never trained.
        """
        if self.params is None:
            raise InputError(f"{self.id} cannot predict: the time was over before it trained")
        return self._bare._alone(self.id, self._final)

    def predict(self, *args: Any, **options: Any) -> Any:
        """Return what this member alone predicts; arguments are those of the estimator's `predict`."""
        return self.estimator.predict(*args, **options)

    @available_if(_has_classes)
    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of classes by this member alone, as the estimator's `predict_proba` does."""
        return self.estimator.predict_proba(X)


def keep(estimator: Any, fitted: Fitted, metric: Metric, task: Task) -> None:
    """Set the fitted attributes of an estimator that knows already how to predict."""
    estimator.members_ = _members_of(estimator, fitted)
    estimator.best_ = estimator.members_[fitted.choice.winner]
    estimator.ensemble_ = {estimator.members_[i].id: share for i, share in fitted.shares.items()}
    estimator.leaderboard_ = leaderboard(fitted, metric, fitted.valid.metrics)
    estimator.curves_ = curves(fitted)
    estimator.diagnostics_ = diagnostics(fitted)
    estimator.hints_ = hints(estimator.diagnostics_)
    optimism = fitted.choice.optimism
    estimator.optimism_ = None if optimism is None else optimism.to_plain()
    mattered = what_mattered(fitted)
    estimator.importances_ = mattered.table
    estimator.mattered_ = mattered.words
    estimator._ranked_by = metric.name, metric.direction
    parts = {name: np.concatenate([getattr(rows, name) for rows in task.fold_rows]) for name in ("train", "valid")}
    rows = {name: len(np.unique(at)) for name, at in parts.items()}
    estimator._found = {**mattered.to_plain(), "rows": rows}


def _members_of(estimator: Any, fitted: Fitted) -> list[FittedMember]:
    """Return the members of an estimator."""
    bare = copy(estimator)
    for name in [name for name in vars(bare) if name in _OF_ALL or "callback" in name]:
        delattr(bare, name)
    return [
        FittedMember(m.id, m.final.params, m.final.network, m.trained.best_round, m.draw.values, m.final, bare)
        for m in fitted.members
    ]
