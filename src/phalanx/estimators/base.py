"""What the estimators share: parameters, and the way from rows and columns of a target to `experiment`."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import (
    _check_n_features,
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from phalanx.candidates import Fitted
from phalanx.data import CodeEncoder, Encoder
from phalanx.data.canonical import canonical_order, comparable, copied_rows
from phalanx.data.codes import code_rows
from phalanx.data.columns import infer_columns, warnings_of
from phalanx.data.copies import telling_columns
from phalanx.data.encoding import TableEncoder
from phalanx.data.frames import read_frame
from phalanx.data.goals import Goal
from phalanx.data.images import ImageEncoder
from phalanx.data.letters import composed
from phalanx.data.reading import Reading, bad_cells
from phalanx.data.splits import split_rows
from phalanx.data.targets import ClassTarget, NumberTarget
from phalanx.data.texts import TextEncoder, text_columns
from phalanx.entries import entry_for
from phalanx.errors import InputError
from phalanx.estimators.parameters import OfTargets, PartsEstimator
from phalanx.experiment import Settings, fit, plan
from phalanx.hints import hints, rare_class_hints
from phalanx.layers import Embedding, Wrapper
from phalanx.leaderboard import curves, diagnostics, leaderboard
from phalanx.metrics import SCORE, metric_named
from phalanx.network import Network
from phalanx.options import check_text
from phalanx.population.train import Clock
from phalanx.problem import Problem
from phalanx.search.defaults import Kind, default_space, size_for
from phalanx.search.heads import group_columns, likelihood_for, make_goal
from phalanx.search.space import is_space
from phalanx.spec.distributions import Choice
from phalanx.stopping import EarlyStopping


@dataclass(frozen=True)
class TargetColumn:
    """A column of the target: codes (int32) of so many `classes`, or numbers (float64, `classes` 0)."""

    name: str
    values: np.ndarray
    classes: int = 0

    def target(self, rows: np.ndarray, weight: np.ndarray) -> ClassTarget | NumberTarget:
        """Return the classes, or the standardization by some rows; a constant target is only centred."""
        if self.classes:
            return ClassTarget(tuple(range(self.classes)))
        values = self.values[rows]
        try:
            return NumberTarget.fit(values, weight[rows])
        except InputError:
            return NumberTarget(float(values[0]), 1.0, float(values[0]), float(values[0]))


@dataclass(frozen=True)
class FittedMember:
    """A trained member: `params` by layer name (NumPy arrays; None: the time was over before it trained), its `spec`,
    and its best round, counted from 1.
    """

    id: str
    params: dict[str, dict[str, np.ndarray]]
    spec: Network
    best_round: int


class NetworkEstimator(OfTargets, PartsEstimator):
    """What the estimators of rows, and of series, share; see `Classifier`."""

    missing: Any  # of rows
    scaling: Any
    _readings: dict[str, Reading]
    _framed: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(self, X: Any, columns: Sequence[TargetColumn], sample_weight: Any) -> None:
        """Train on a table, an array or texts `X` and the columns of the target."""
        settings = self._settings(SCORE)
        if self.scaling != "robust" and (X.ndim != 2 or _are_codes(X)):
            what = "codes" if _are_codes(X) else f"{X.ndim} axes"
            raise InputError(f"scaling is for the numbers of a table, but X has {what}; leave it out")
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        rows, weight = copied_rows(weight)
        if hasattr(self, "columns_"):  # of an earlier fit
            del self.columns_
        if isinstance(X, pd.DataFrame):
            self._choose_columns(X.iloc[rows])
        if X.ndim == 2:
            target = np.column_stack([column.values[rows] for column in columns])
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
        split = split_rows(
            len(rows),
            classes=columns[0].values if len(columns) == 1 and columns[0].classes else None,
            test=0.0,
            valid=self.validation_fraction if self._validates(settings) else 0.0,
            seed=settings.seed,
        )
        goals = self._goals(columns, split.train, weight)
        values = tuple(
            columns[group[0]].values if goal.classes else np.column_stack([columns[i].values for i in group])
            for goal, group in zip(goals, groups, strict=True)
        )
        settings = replace(settings, metric=metric_named(self.metric, goals, self.likelihood))
        encoded = self._learned(X, split.train, weight)
        if isinstance(X, pd.DataFrame):
            self._warn_of_copies(X, columns)
        problem = Problem(encoded, goals, values, split.train, split.valid, entry_for(self.encoder_), weight)
        space = self._space(len(split.train), problem.kind, goals)
        clock = Clock(None if settings.minutes is None else time.monotonic() + 60 * settings.minutes)
        self._keep(fit(problem, plan(problem, space, settings), clock=clock), problem, settings)

    def _learned(self, X: Any, train: np.ndarray, weight: np.ndarray) -> Any:
        """Return the rows as the encoder makes them that the training rows say."""
        self.encoder_: Encoder | CodeEncoder
        if X.ndim == 1:
            self.encoder_, codes = TextEncoder.fit_transform(X, train)
            return codes
        if isinstance(X, pd.DataFrame):
            self.encoder_ = TableEncoder.fit(self.columns_, X.iloc[train], weight[train], self.scaling)
        elif _are_codes(X):
            self.encoder_ = CodeEncoder.fit(X)
        elif X.ndim == 2:
            self.encoder_ = TableEncoder.fit_numbers(X[train], weight[train], self.scaling)
        else:
            self.encoder_ = ImageEncoder.fit(X[train])
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
        self.members_ = [
            FittedMember(m.id, m.final.params, m.final.network, m.trained.best_round) for m in fitted.members
        ]
        self.best_ = self.members_[fitted.ranking[0]]
        self.ensemble_ = {self.members_[i].id: share for i, share in fitted.shares.items()}
        told = fitted.ensemble_valid(problem.valid_inputs)
        self.leaderboard_ = leaderboard(fitted, settings.metric, problem.score(told)[0])
        self.curves_ = curves(fitted)
        self.diagnostics_ = diagnostics(fitted)
        self.hints_ = hints(self.diagnostics_)
        self.hints_ += rare_class_hints(problem, told.means, settings.metric, "metric='{}'", self._labels())

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

    def _encode(self, X: Any) -> Any:
        if isinstance(self.encoder_, TableEncoder) and not isinstance(X, pd.DataFrame):
            return self.encoder_.transform_numbers(X)
        return self.encoder_.transform(X)

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        """Return a DataFrame with its text read, or an array: floats, (n, *space, channels), texts, or rows of codes.

        After `fit`, rows are read as those of `fit`: an array by the position of a DataFrame's columns, and a DataFrame
        by that of an array's, both with scikit-learn's warning.
        """
        if reset:
            self._framed = isinstance(X, pd.DataFrame)
        if (texts := _texts(X, isinstance(getattr(self, "encoder_", None), TextEncoder) and not reset)) is not None:
            return texts
        if _takes_codes(self.layers) if reset else isinstance(self.encoder_, CodeEncoder):
            rows = code_rows(X.to_numpy() if isinstance(X, pd.DataFrame) else X)
            if reset:
                self.n_features_in_ = rows.shape[1]
            return rows
        if getattr(X, "ndim", 2) > 2:
            X = check_array(X, dtype=None if np.asarray(X).dtype == np.uint8 else np.float32, allow_nd=True)
            _check_n_features(self, X, reset=reset)
            return X
        if self._framed:
            return self._read_frame(X, reset)
        return validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
        )

    def _read_frame(self, X: Any, reset: bool) -> pd.DataFrame:
        """Return the rows of a DataFrame, or of an array whose columns are those of the DataFrame of `fit`."""
        if not isinstance(X, pd.DataFrame):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if not isinstance(X, pd.DataFrame):
            X = pd.DataFrame(X, columns=[column.name for column in self.columns_]).infer_objects()
        if reset and len(X) < 2:
            raise ValueError(f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required.")
        X, readings = read_frame(X, None if reset else self._readings, _words(self.missing))
        if reset:
            self._readings = readings
        else:
            for line in bad_cells(readings):
                warnings.warn(line, UserWarning, stacklevel=5)
        return X

    def _inputs(self, X: Any) -> Any:
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        if isinstance(self.encoder_, TableEncoder) and isinstance(X, pd.DataFrame):
            for line in self.encoder_.unseen(X):
                warnings.warn(line, UserWarning, stacklevel=3)
        return self._encode(X)

    def _warn_of_copies(self, X: pd.DataFrame, columns: Sequence[TargetColumn]) -> None:
        """Warn of each column that alone says a target."""
        for column in columns:
            for name in telling_columns(self.columns_, X, column.values, column.classes > 0):
                warnings.warn(
                    f"column {name!r} alone says the target in every row: if it is a copy of it, or known only after "
                    f"it, leave it out",
                    UserWarning,
                    stacklevel=4,
                )


def _are_codes(X: Any) -> bool:
    """Say whether rows are codes: those of tables are a DataFrame or floats."""
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "i"


def _takes_codes(layers: Any) -> bool:
    """Say whether layers, or every option of theirs, begin with an embedding."""
    if isinstance(layers, Choice):
        return all(map(_takes_codes, layers.options))
    if isinstance(layers, (list, tuple)):
        return bool(layers) and _takes_codes(layers[0])
    if isinstance(layers, Wrapper):
        return _takes_codes(layers.layer)
    return isinstance(layers, Embedding)


def _words(missing: Any) -> tuple[str, ...] | None:
    """Return the spellings of a missing cell that `missing` names, None: they are found out."""
    if missing is None:
        return None
    words = tuple(missing) if isinstance(missing, (list, tuple)) else (missing,)
    for word in words:
        check_text("missing", word)
    return words


def _texts(X: Any, expected: bool) -> np.ndarray | None:
    """Return an array (rows,) of texts where X, a list or with one axis, holds nothing but `str`; None otherwise.

    Missing ones (None, NaN, pd.NA) beside texts, or where texts are `expected`, are empty texts.
    """
    if not isinstance(X, (list, tuple, np.ndarray, pd.Series)) or getattr(X, "ndim", 1) != 1 or not len(X):
        return None
    held = [isinstance(text, str) for text in X]
    if not (any(held) or expected) or not all(
        told or text is None or text is pd.NA or text != text for told, text in zip(held, X, strict=True)
    ):
        return None
    texts = np.empty(len(held), object)
    texts[:] = [text if told else "" for told, text in zip(held, X, strict=True)]
    return texts


def check_lengths(X: Any, y: Any) -> None:
    """Raise ValueError unless rows and targets are as many."""
    if len(X) != len(y):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(X), len(y)]}")


def columns_of(y: Any, **options: Any) -> tuple[list[np.ndarray], bool]:
    """Return the columns of a target, and whether there are several; `options` go to scikit-learn's checks."""
    array = np.asarray(y)
    if array.ndim and array.dtype.kind in "OUT":
        missing = pd.isna(np.asarray(y, object))  # an array of texts would call NaN "nan"
        if missing.any():
            row = int(np.argwhere(missing)[0][0]) + 1
            more = f", the first of {int(missing.sum()):,}" if missing.sum() > 1 else ""
            raise InputError(f"Input y contains NaN or None: no value in row {row}{more}; leave such rows out")
        y = array = _composed(array)
    if array.ndim == 2 and array.shape[1] > 1:
        whole = check_array(y, **{"dtype": None, **options})
        return [whole[:, j] for j in range(whole.shape[1])], True
    column = column_or_1d(y, warn=True, **options)
    assert_all_finite(column, input_name="y")
    return [column], False


def _composed(labels: np.ndarray) -> np.ndarray:
    """Return labels of which those that differ only in how accents are encoded are one."""
    if all(not isinstance(label, str) or label.isascii() for label in labels.ravel().tolist()):
        return labels
    found = np.array([composed(label) if isinstance(label, str) else label for label in labels.ravel()], labels.dtype)
    return found.reshape(labels.shape)
