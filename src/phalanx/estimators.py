"""The scikit-learn door: `Classifier` and `Regressor`, thin over `experiment`."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from phalanx.data.canonical import canonical_rows, comparable
from phalanx.data.columns import infer_columns
from phalanx.data.encoding import Encoded, TableEncoder
from phalanx.data.splits import split_rows
from phalanx.data.targets import NumberTarget
from phalanx.errors import InputError
from phalanx.experiment import Problem, Settings, fit, trials_for
from phalanx.leaderboard import curves, leaderboard
from phalanx.metrics import metric_named
from phalanx.model import Network
from phalanx.population.train import Clock
from phalanx.search.defaults import default_space, likelihood_for, size_for
from phalanx.spec.paths import holds_parts, places, replace_at
from phalanx.stopping import EarlyStopping

_PARTS = ("layers", "likelihood", "regularizers", "optimizer", "stopping")


@dataclass(frozen=True)
class FittedMember:
    """A trained member: `params` by layer name (NumPy arrays), its `spec`, and its best round, counted from 1."""

    id: str
    params: dict[str, dict[str, np.ndarray]]
    spec: Network
    best_round: int


class NetworkEstimator(BaseEstimator):
    """What `Classifier` and `Regressor` share; see them."""

    def __init__(
        self,
        layers: Any = None,
        *,
        likelihood: Any = None,
        regularizers: Any = (),
        optimizer: Any = None,
        stopping: Any = "auto",
        batch_size: Any = None,
        trials: Any = None,
        design: Any = "sobol",
        structures: Any = 4,
        repeats: Any = 1,
        max_rounds: Any = None,
        round_steps: Any = None,
        validation_fraction: Any = 0.2,
        metric: Any = None,
        minutes: Any = None,
        ensemble: Any = True,
        random_state: Any = 0,
    ) -> None:
        self.layers = layers
        self.likelihood = likelihood
        self.regularizers = regularizers
        self.optimizer = optimizer
        self.stopping = stopping
        self.batch_size = batch_size
        self.trials = trials
        self.design = design
        self.structures = structures
        self.repeats = repeats
        self.max_rounds = max_rounds
        self.round_steps = round_steps
        self.validation_fraction = validation_fraction
        self.metric = metric
        self.minutes = minutes
        self.ensemble = ensemble
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` also those inside parts, by path: `layers__dense_1__units`."""
        params = super().get_params(deep=False)
        if deep:
            for name in _PARTS:
                if holds_parts(params[name]):
                    params.update(places(params[name], f"{name}__", "__"))
        return params

    def set_params(self, **params: Any) -> "NetworkEstimator":
        """Replace parameters, also inside parts: `set_params(layers__dense_1__units=32)`; parts stay as they are."""
        known = self.get_params(deep=False)
        for path, value in params.items():
            name, *rest = path.split("__")
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {list(known)}."
                )
            setattr(self, name, replace_at(getattr(self, name), rest, value) if rest else value)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(self, X: Any, target: np.ndarray, classes: int, sample_weight: Any) -> None:
        """Train on a table or array `X` and `target`: class codes (int32), or numbers (float64)."""
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        kept, weight = canonical_rows(comparable(X), target, weight)
        X, target = (X.iloc[kept] if isinstance(X, pd.DataFrame) else X[kept]), target[kept]
        if classes and len(np.unique(target)) < 2:
            raise ValueError("Classifier needs at least two classes; the rows with weight hold one class")
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(2**31)
        settings = Settings(
            metric=metric_named(self.metric, classes > 0),
            trials=self.trials,
            structures=self.structures,
            design=self.design,
            repeats=self.repeats,
            max_rounds=self.max_rounds,
            round_steps=self.round_steps,
            seed=int(seed),
        )
        space = self._space(len(target), X.shape[1], classes)
        needed = space.stopping is not None or trials_for(space, settings, len(target)) * self.repeats > 1
        split = split_rows(
            len(target),
            classes=target if classes else None,
            test=0.0,
            valid=self.validation_fraction if needed else 0.0,
            seed=settings.seed,
        )
        if isinstance(X, pd.DataFrame):
            frame, mass = X.iloc[split.train], weight[split.train]
            self.encoder_ = TableEncoder.fit(infer_columns(frame), frame, mass)
        else:
            self.encoder_ = TableEncoder.fit_numbers(X[split.train], weight[split.train])
        number = None if classes else _number_target(target[split.train], weight[split.train])
        problem = Problem(
            self._encode(X), target, split.train, split.valid, self.encoder_.cardinalities, classes, number, weight
        )
        clock = Clock(None if self.minutes is None else time.monotonic() + 60 * self.minutes)
        fitted = fit(problem, space, settings, clock=clock)
        self._predictor = fitted.predictor()
        self.members_ = [
            FittedMember(m.id, m.trained.params, m.trained.trial.network, m.trained.best_round) for m in fitted.members
        ]
        self.best_ = self.members_[fitted.ranking[0]]
        self.ensemble_ = {self.members_[i].id: share for i, share in fitted.shares.items()}
        scores = problem.score(fitted.ensemble_valid())
        self.leaderboard_ = leaderboard(fitted, settings.metric, scores)
        self.curves_ = curves(fitted)

    def _space(self, rows: int, columns: int, classes: int) -> Network:
        default = default_space(rows, columns, classes)
        if self.layers is None:
            stopping = default.stopping if self.stopping == "auto" else self.stopping
            given = {"likelihood": self.likelihood, "optimizer": self.optimizer, "batch_size": self.batch_size}
            chosen = {name: value if value is not None else getattr(default, name) for name, value in given.items()}
            return Network(default.layers, regularizers=self.regularizers, stopping=stopping, **chosen)
        chosen = {} if self.optimizer is None else {"optimizer": self.optimizer}
        return Network(
            self.layers,
            self.likelihood or likelihood_for(classes),
            regularizers=self.regularizers,
            stopping=EarlyStopping() if self.stopping == "auto" else self.stopping,
            batch_size=self.batch_size or size_for(rows).batch_size,
            **chosen,
        )

    def _encode(self, X: Any) -> Encoded:
        if isinstance(X, pd.DataFrame):
            return self.encoder_.transform(X)
        return self.encoder_.transform_numbers(X)

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        """Return a DataFrame as it is, with its names checked, or a float array."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if reset and len(X) < 2:
                raise ValueError(
                    f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required."
                )
            return X.set_axis([str(name) for name in X.columns], axis=1)
        return validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
        )

    def _predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        inputs = self._encode(self._check_X(X, reset=False))
        return self._predictor.predict(inputs, ensemble=self.ensemble)


class Classifier(ClassifierMixin, NetworkEstimator):
    """Predict classes with networks, one or a population of them.

    Distributions in any part make a search: `trials` points are drawn and trained as populations, each stops at its
    best moment, and an ensemble is chosen on the validation rows. Without distributions one network is trained.
    The parameters that follow are shared with `Regressor`.

    `layers`: hidden layers; None (default): a space sized by the number of rows.
    `likelihood`: None: Bernoulli for two classes, Multinoulli for more; Gaussian for numbers.
    `regularizers`: such as `[L2(loguniform(1e-6, 1e-2))]`. `optimizer`: None: `Adam()`.
    `stopping`: "auto" (`EarlyStopping()`), an `EarlyStopping`, or None: train `max_rounds` rounds on all rows.
    `batch_size`: rows a step; None: by the number of rows. `trials`: points to try; None: by the number of rows.
    `design`: "sobol", "random" or "grid". `structures`: most programs to compile. `repeats`: seeds a point, which
    vary initial weights, noise and batches. `max_rounds`: None: by the number of rows. `round_steps`: optimizer steps
    of a round; None: one pass, at most 500. `validation_fraction`: share of rows for validation (default 0.2).
    `metric`: what ranks members; None: accuracy (rmse for numbers). `minutes`: time limit of the training.
    `ensemble`: whether predictions come from the ensemble (default) or the best member. `random_state`: the seed.

    After `fit`: `classes_`, `leaderboard_` and `curves_` (DataFrames), `members_`, `best_`, `ensemble_` (shares by
    id), `encoder_`. `fit` raises ValueError for input it cannot use; missing values, and in DataFrames categories,
    are accepted as they are.

    >>> from phalanx import Adam, Classifier, Dense, Tanh
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = Classifier(layers=[Dense(8), Tanh()], optimizer=Adam(0.03), stopping=None, max_rounds=300).fit(X, y)
    >>> net.predict(X).tolist()
    [0, 1, 1, 0]
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Classifier":
        """Train on rows `X` with classes `y`; `sample_weight` counts rows. Returns the estimator."""
        X, y = self._check_X(X, reset=True), column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        _check_lengths(X, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier needs at least two classes; y has one class")
        self._fit(X, codes.astype(np.int32), len(self.classes_), sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, shape (rows, classes), in the order of `classes_`."""
        return self._predict(X).astype(np.float32)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row."""
        chosen = self._predict(X).argmax(axis=1)
        return self.classes_[chosen]


class Regressor(RegressorMixin, NetworkEstimator):
    """Predict numbers with networks, one or a population of them; parameters and attributes as for `Classifier`.

    The target is standardized inside; predictions and errors are in its own units.

    >>> from phalanx import Dense, Regressor, Tanh
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> net = Regressor(layers=[Dense(32), Tanh()], max_rounds=100).fit(x, np.sin(3 * x[:, 0]))
    >>> bool(net.score(x, np.sin(3 * x[:, 0])) > 0.95)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Regressor":
        """Train on rows `X` with numbers `y`; `sample_weight` counts rows. Returns the estimator."""
        X = self._check_X(X, reset=True)
        y = column_or_1d(y, warn=True, dtype=np.float64)
        _check_lengths(X, y)
        assert_all_finite(y, input_name="y")
        self._fit(X, y, 0, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the expected value for each row, in the target's units."""
        return self._predict(X).astype(np.float32)


def _check_lengths(X: Any, y: np.ndarray) -> None:
    if len(X) != len(y):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(X), len(y)]}")


def _number_target(values: np.ndarray, weight: np.ndarray) -> NumberTarget:
    """Return the standardization of a target; one that is constant is only centred."""
    try:
        return NumberTarget.fit(values, weight)
    except InputError:
        return NumberTarget(float(values[0]), 1.0, float(values[0]), float(values[0]))
