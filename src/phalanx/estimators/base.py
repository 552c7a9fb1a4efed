"""What the estimators share: parameters, and the way from rows and columns of a target to `experiment`."""

import time
import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from phalanx.candidates import Fitted
from phalanx.continuing import Course
from phalanx.errors import InputError
from phalanx.estimators.callbacks import Watched
from phalanx.estimators.evidence import Evidence, evidence_of
from phalanx.estimators.inputs import RowEstimator
from phalanx.estimators.members import keep
from phalanx.estimators.parameters import OfTargets
from phalanx.estimators.targets import check_lengths, group_codes
from phalanx.experiment import Plan, Settings, fit, plan
from phalanx.hints import rare_class_hints
from phalanx.kinds.kind import How
from phalanx.kinds.learning import Learned, Target, folds_asked, learn
from phalanx.kinds.rows import RowKind
from phalanx.kinds.sequences.space import step_space
from phalanx.metrics import SCORE, metric_named
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.population.train import Clock
from phalanx.problem import Problem
from phalanx.search.heads import likelihood_for
from phalanx.search.space import is_space
from phalanx.stopping import EarlyStopping
from phalanx.summaries import Summary, summary_of


class NetworkEstimator(Watched, OfTargets, RowEstimator):
    """What the estimators of rows, and of series, share; see `Classifier`."""

    __metadata_request__fit: ClassVar = {"validation": UNUSED}  # rows that no splitter and no transformer has seen
    scaling: Any  # of rows
    folds: int | None
    _kind: RowKind  # what was learned from
    _in_files: bool  # whether files may hold such rows
    _told: Evidence | None  # of the validation rows, for a report
    _called: dict[str, str]  # what the columns of the target are called, by their names inside

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(self, X: Any, y: Any, targets: Sequence[Target], sample_weight: Any, validation: Any, groups: Any) -> None:
        """Train on rows `X` of a kind and the columns of the target `y`."""
        settings = self._settings(SCORE)
        if self.temperature and not self.ensemble:
            raise InputError("temperature is that of the ensemble, but ensemble is False; leave one of the two out")
        if self.scaling != "robust" and "scaling" not in self._given.options:
            raise InputError(f"scaling is for the numbers of a table, but X {self._given.what}; leave it out")
        held_out = None if validation is None else self._held_out(validation)
        together = None if groups is None else group_codes(groups, len(X))
        if held_out and groups is not None:
            raise InputError("groups say which rows a split keeps together, but with validation rows nothing is split")
        several, share = self.folds not in (None, 1), NetworkEstimator.validation_fraction
        if several and self.validation_fraction != share:
            raise InputError("validation_fraction does not go with folds, each of which validates once; leave one out")
        if held_out and several:
            raise InputError("with validation rows nothing is split into folds; leave one of the two out")
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        validates = several or self._validates(settings)
        said = not validates or self.validation_fraction != share or self.layers is not None
        how = How(
            seed=settings.seed,
            valid=self.validation_fraction if validates else 0.0,
            folds=folds_asked(self.folds, settings, said),
            likelihood=self.likelihood,
            scaling=self.scaling,
            readings=self._readings,
        )
        learned = learn(self._given, X, targets, how, weight=weight, groups=together, held_out=held_out)
        self._keep_columns(learned)
        self._kind, self.encoder_, problem = learned.kind, learned.encoder, learned.problem
        self._order = np.argsort([i for group in learned.groups for i in group])  # from heads to columns
        self._in_files = self._given.in_files(X)
        settings = replace(settings, metric=metric_named(self.metric, problem.goals, self.likelihood))
        rows = len(problem.folds[0].train)
        default = step_space(rows, problem.goals) if self._each_step else self.encoder_.space(rows, problem.goals)
        space = self._space(default, problem)
        fitted = self._train(problem, plan(problem, space, settings), settings, X, y)
        rows, at = (
            (X, learned.at[problem.valid]) if held_out is None else (held_out[0], problem.valid - len(learned.at))
        )
        self._told = evidence_of(problem, fitted, self.ensemble, self._kind, self.encoder_, rows, at)
        self._course = Course.of(fitted, problem, settings.seed)

    def _train(self, problem: Problem, planned: Plan, settings: Settings, X: Any, y: Any) -> Fitted:
        """Train what is planned, and set the fitted attributes."""
        clock = Clock(None if settings.minutes is None else time.monotonic() + 60 * settings.minutes)
        with self._watching(planned, X, y) as watch:
            fitted = fit(problem, planned, clock=clock, watch=watch)
            self._predictor = fitted.predictor()
            keep(self, fitted, settings.metric, problem)
            told = fitted.valid.predictions
            self.hints_ += rare_class_hints(problem, told, settings.metric, "metric='{}'", self._labels())
        return fitted

    def _keep_columns(self, learned: Learned) -> None:
        """Keep what the columns of a DataFrame were taken for, and warn of what was noticed."""
        if hasattr(self, "columns_"):  # of an earlier fit
            del self.columns_
        if self._framed:
            self.columns_ = learned.columns
        for line in learned.warnings:
            warnings.warn(line, UserWarning, stacklevel=5)

    def _held_out(self, validation: Any) -> tuple[Any, list[np.ndarray]]:
        """Return the validation rows that are given, as those of `predict`, and the columns of their target."""
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise InputError("validation must be a pair (X, y) of rows and their targets")
        X, y = validation
        try:
            rows = self._check_X(X, reset=False)
            return rows, self._held_columns(rows, y)
        except ValueError as error:
            raise InputError(f"validation: {error}") from None

    def _held_columns(self, rows: Any, y: Any) -> list[np.ndarray]:
        """Return the columns of the target of some rows, codes or numbers."""
        columns = self._columns(y)
        check_lengths(rows, columns[0])
        return columns

    def _columns(self, y: Any) -> list[np.ndarray]:
        """Return the columns of a target like that of `fit`: codes or numbers. Raises `InputError` for others."""
        raise NotImplementedError

    def _values(self, y: Any, inputs: Any = None) -> list[np.ndarray]:
        """Return the values of each goal in a target like that of `fit`, of rows that are `inputs` to the networks."""
        held = dict(zip(self._called, self._columns_of(inputs, y), strict=True))
        return [
            held[goal.names[0]] if goal.classes else np.stack([held[name] for name in goal.names], axis=-1)
            for goal in self._predictor.goals
        ]

    def _columns_of(self, inputs: Any, y: Any) -> list[np.ndarray]:
        """Return the columns of the target of rows that are `inputs` to the networks."""
        return self._columns(y)

    def _validates(self, settings: Settings) -> bool:
        """Say whether rows are held out: to stop early, or to choose among networks."""
        parts = ("layers", "likelihood", "regularizers", "optimizer", "stopping", "batch_size", "precision")
        searches = self.layers is None or any(is_space(getattr(self, name)) for name in parts)
        chooses = searches and settings.trials != 1
        several = settings.repeats > 1 and not settings.bootstrap
        return self.stopping is not None or chooses or several or settings.temperature

    def summary(self) -> Summary:
        """Return the layers of the best network, with parameters and connections; see `phalanx.summary`."""
        check_is_fitted(self)
        return summary_of(self._predictor, self.encoder_.row_shape)

    def save(self, folder: str | Path) -> None:
        """Write what predicts, the leaderboard and the curves into a new folder, as plain data and arrays.

        `phalanx.load` opens it, and `phalanx predict` reads it. Raises `InputError` where the folder exists already or
        cannot be made; then nothing is left of it.
        """
        from phalanx.estimators.saving import save_rows  # what it needs of runs takes long to load

        check_is_fitted(self)
        save_rows(self, folder)

    def report(self, path: str | Path) -> None:
        """Write the page of the training, as `phalanx train` does: one HTML file that needs nothing from anywhere.

        A file that is there already is replaced. Raises `InputError` where it cannot be written.
        """
        from phalanx.estimators.saving import report_rows

        check_is_fitted(self)
        report_rows(self, path)

    def _alone(self, id_: str, final: Final) -> Self:
        """Return the estimator with one member that predicts."""
        alone = copy(self)
        alone._predictor = self._predictor.alone(id_, final)
        return alone

    def _labels(self) -> dict[str, list[Any]]:
        """Return how the classes of each column are called."""
        return {}

    def _space(self, default: Network, problem: Problem) -> Network:
        """Return the space of networks to search: the parts given, and those of the default one for the rest."""
        given = {name: getattr(self, name) for name in ("likelihood", "optimizer", "batch_size", "precision")}
        chosen = {name: value for name, value in given.items() if value is not None}
        if self.layers is None:
            stopping = default.stopping if self.stopping == "auto" else self.stopping
            return replace(default, regularizers=self.regularizers, stopping=stopping, **chosen)
        usual = {"likelihood": likelihood_for(problem.goals), "batch_size": problem.size.batch_size}
        return Network(
            self.layers,
            regularizers=self.regularizers,
            stopping=EarlyStopping() if self.stopping == "auto" else self.stopping,
            **{**usual, **chosen},
        )
