"""What the estimators share: parameters, and the way from rows and columns of a target to `experiment`."""

import time
import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
)

from phalanx.candidates import Fitted
from phalanx.data.canonical import canonical_order, comparable, copied_rows
from phalanx.data.columns import infer_columns, warnings_of
from phalanx.data.copies import telling_columns
from phalanx.data.goals import Goal
from phalanx.data.splits import Split
from phalanx.entries import entry_for
from phalanx.errors import InputError
from phalanx.estimators.callbacks import Watched
from phalanx.estimators.inputs import RowEstimator, are_codes
from phalanx.estimators.members import keep
from phalanx.estimators.parameters import OfTargets
from phalanx.estimators.targets import TargetColumn, check_lengths, group_codes, joined, split_training
from phalanx.experiment import Settings, fit, plan
from phalanx.hints import rare_class_hints
from phalanx.kinds.codes.encoder import CodeEncoder
from phalanx.kinds.images import ImageEncoder
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts import TextEncoder, text_columns
from phalanx.metrics import SCORE, metric_named
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.population.train import Clock
from phalanx.problem import Problem
from phalanx.search.defaults import Kind, default_space, size_for
from phalanx.search.heads import group_columns, likelihood_for, make_goal
from phalanx.search.space import is_space
from phalanx.stopping import EarlyStopping


class NetworkEstimator(Watched, OfTargets, RowEstimator):
    """What the estimators of rows, and of series, share; see `Classifier`."""

    __metadata_request__fit: ClassVar = {"validation": UNUSED}  # rows that no splitter and no transformer has seen
    scaling: Any  # of rows
    _called: dict[str, str]  # what the columns of the target are called, by their names inside

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(
        self, X: Any, y: Any, columns: Sequence[TargetColumn], sample_weight: Any, validation: Any, groups: Any
    ) -> None:
        """Train on a table, an array or texts `X` and the columns of the target `y`."""
        settings = self._settings(SCORE)
        if self.scaling != "robust" and (X.ndim != 2 or are_codes(X)):
            what = "codes" if are_codes(X) else f"{X.ndim} axes"
            raise InputError(f"scaling is for the numbers of a table, but X has {what}; leave it out")
        held_out = None if validation is None else self._held_out(validation)
        together = None if groups is None else group_codes(groups, len(X))
        if held_out and groups is not None:
            raise InputError("groups say which rows a split keeps together, but with validation rows nothing is split")
        given, weight = X, _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        rows, weight = copied_rows(weight)
        if hasattr(self, "columns_"):  # of an earlier fit
            del self.columns_
        if isinstance(X, pd.DataFrame):
            self._choose_columns(X.iloc[rows])
        if X.ndim == 2:
            beside = [column.values for column in columns] + ([] if together is None else [together])
            target = np.column_stack([values[rows] for values in beside])
            order = canonical_order(comparable(X)[rows], target, weight)
            rows, weight = rows[order], weight[order]
        X = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
        columns = [replace(column, values=column.values[rows]) for column in columns]
        for column in columns:
            if column.classes and len(np.unique(column.values)) < 2:
                raise ValueError(
                    f"{type(self).__name__} needs at least two classes; the rows with weight hold one class"
                )
        groups = self._groups(columns)
        self._order = np.argsort([i for group in groups for i in group])  # from heads to columns
        if held_out is None:
            share = self.validation_fraction if self._validates(settings) else 0.0
            split = split_training(columns, None if together is None else together[rows], share, settings.seed)
        else:
            split = Split(np.arange(len(rows)), np.arange(len(rows), len(rows) + len(held_out[0])), rows[:0])
            columns = [
                replace(column, values=np.concatenate([column.values, more]))
                for column, more in zip(columns, held_out[1], strict=True)
            ]
            weight = np.concatenate([weight, np.ones(len(held_out[0]))])
        goals = self._goals(columns, split.train, weight)
        values = tuple(
            columns[group[0]].values if goal.classes else np.column_stack([columns[i].values for i in group])
            for goal, group in zip(goals, groups, strict=True)
        )
        settings = replace(settings, metric=metric_named(self.metric, goals, self.likelihood))
        encoded = self._learned(X, split.train, weight)
        if isinstance(X, pd.DataFrame):
            self._warn_of_copies(X, columns)
        if held_out is not None:
            encoded = joined(encoded, self._valid_inputs(held_out[0]))
        problem = Problem(encoded, goals, values, split.train, split.valid, entry_for(self.encoder_), weight)
        space = self._space(len(split.train), problem.kind, goals)
        clock = Clock(None if settings.minutes is None else time.monotonic() + 60 * settings.minutes)
        planned = plan(problem, space, settings)
        with self._watching(planned, given, y) as watch:
            self._keep(fit(problem, planned, clock=clock, watch=watch), problem, settings)

    def _held_out(self, validation: Any) -> tuple[Any, list[np.ndarray]]:
        """Return the validation rows that are given, as they are, and the columns of their target."""
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise InputError("validation must be a pair (X, y) of rows and their targets")
        X, y = validation
        try:
            columns = self._columns(y)
            check_lengths(X, columns[0])
        except ValueError as error:
            raise InputError(f"validation: {error}") from None
        return X, columns

    def _columns(self, y: Any) -> list[np.ndarray]:
        """Return the columns of a target like that of `fit`: codes or numbers. Raises `InputError` for others."""
        raise NotImplementedError

    def _valid_inputs(self, X: Any) -> Any:
        try:
            return self._inputs(X)
        except ValueError as error:
            raise InputError(f"validation: {error}") from None

    def _learned(self, X: Any, train: np.ndarray, weight: np.ndarray) -> Any:
        """Return the rows as the encoder makes them that the training rows say."""
        if X.ndim == 1:
            self.encoder_, codes = TextEncoder.fit_transform(X, train)
            return codes
        if isinstance(X, pd.DataFrame):
            self.encoder_ = TableEncoder.fit(self.columns_, X.iloc[train], weight[train], self.scaling)
        elif are_codes(X):
            self.encoder_ = CodeEncoder.fit(X)
        elif X.ndim == 2:
            self.encoder_ = TableEncoder.fit_numbers(X[train], weight[train], self.scaling)
        else:
            self.encoder_ = ImageEncoder.fit(X[train])
            self._bytes = X.dtype == np.uint8
        return self._encode(X)

    def _choose_columns(self, X: pd.DataFrame) -> None:
        """Decide what the columns of a table are, by all rows that are learned from; warn of what is left out.

        Raises `InputError` where no column is left to learn from.
        """
        self.columns_ = infer_columns(X, self._readings)
        for line in warnings_of(self.columns_):
            warnings.warn(line, UserWarning, stacklevel=4)
        if any(column.used for column in self.columns_):
            return
        texts = text_columns(X, self.columns_)
        hint = f"; X[{texts[0]!r}] in place of X is learned from as texts" if texts else ""
        raise InputError(f"X has no column left to learn from: {', '.join(map(repr, X.columns))} left out{hint}")

    def _validates(self, settings: Settings) -> bool:
        """Say whether rows are held out: to stop early, or to choose among networks."""
        parts = (self.layers, self.likelihood, self.regularizers, self.optimizer, self.stopping, self.batch_size)
        chooses = (self.layers is None or any(map(is_space, parts))) and settings.trials != 1
        return self.stopping is not None or chooses or (settings.repeats > 1 and not settings.bootstrap)

    def _keep(self, fitted: Fitted, problem: Problem, settings: Settings) -> None:
        """Set the fitted attributes."""
        self._predictor = fitted.predictor()
        told = fitted.ensemble_valid(problem.valid_inputs)
        keep(self, fitted, settings.metric, problem.score(told)[0])
        self.hints_ += rare_class_hints(problem, told.means, settings.metric, "metric='{}'", self._labels())

    def save(self, folder: str | Path) -> None:
        """Write what predicts, the leaderboard and the curves into a new folder, as plain data and arrays.

        `phalanx.load` opens it, and `phalanx predict` reads it. Raises `InputError` where the folder exists already or
        cannot be made; then nothing is left of it.
        """
        from phalanx.estimators.saving import save_rows  # what it needs of runs takes long to load

        check_is_fitted(self)
        save_rows(self, folder)

    def _alone(self, id_: str, final: Final) -> Self:
        """Return the estimator with one member that predicts."""
        alone = copy(self)
        alone._predictor = self._predictor.alone(id_, final)
        return alone

    def _labels(self) -> dict[str, list[Any]]:
        """Return how the classes of each column are called."""
        return {}

    def _groups(self, columns: Sequence[TargetColumn]) -> list[list[int]]:
        """Return the positions of the columns of each head."""
        return group_columns(self.likelihood, [c.name for c in columns], [c.classes > 0 for c in columns])

    def _goals(self, columns: Sequence[TargetColumn], rows: np.ndarray, weight: np.ndarray) -> tuple[Goal, ...]:
        """Return the goal of each head, standardized by the given rows."""
        goals = []
        for head, group in enumerate(self._groups(columns)):
            targets = [columns[i].target(rows, weight) for i in group]
            goals.append(make_goal(self.likelihood, head, [columns[i].name for i in group], targets))
        return tuple(goals)

    def _space(self, rows: int, kind: Kind, goals: Sequence[Goal]) -> Network:
        default = default_space(rows, kind, goals)
        if self.layers is None:
            stopping = default.stopping if self.stopping == "auto" else self.stopping
            given = {"likelihood": self.likelihood, "optimizer": self.optimizer, "batch_size": self.batch_size}
            chosen = {name: value if value is not None else getattr(default, name) for name, value in given.items()}
            return Network(default.layers, regularizers=self.regularizers, stopping=stopping, **chosen)
        chosen = {} if self.optimizer is None else {"optimizer": self.optimizer}
        return Network(
            self.layers,
            likelihood_for(goals) if self.likelihood is None else self.likelihood,
            regularizers=self.regularizers,
            stopping=EarlyStopping() if self.stopping == "auto" else self.stopping,
            batch_size=size_for(rows, kind).batch_size if self.batch_size is None else self.batch_size,
            **chosen,
        )

    def _warn_of_copies(self, X: pd.DataFrame, columns: Sequence[TargetColumn]) -> None:
        """Warn of each column that alone says a target."""
        for column in columns:
            for name in telling_columns(self.columns_, X, column.values[: len(X)], column.classes > 0):
                warnings.warn(
                    f"column {name!r} alone says the target in every row: if it is a copy of it, or known only after "
                    f"it, leave it out",
                    UserWarning,
                    stacklevel=4,
                )
