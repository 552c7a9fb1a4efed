"""The estimator of several targets, classes and numbers mixed."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_is_fitted

from phalanx.data.goals import each_column
from phalanx.data.targets import ClassTarget, NumberTarget, holds_whole_numbers, infer_task, no_column, target_present
from phalanx.errors import InputError
from phalanx.estimators.parameters import OfRows, documented
from phalanx.estimators.partial import OnlineClasses
from phalanx.estimators.targets import check_lengths
from phalanx.kinds.learning import Target
from phalanx.likelihoods import Likelihood
from phalanx.metrics import SCORE, evaluate
from phalanx.search.heads import likelihood_of_each


@documented
class MultiTask(OfRows, OnlineClasses):
    """Predict several columns, classes and numbers mixed, with networks that share a trunk (MAP F7).

    Each column has a head of its own; `likelihood=Joint([Head(...), ...])` says what the heads are, where they leave
    the trunk and how much their costs count. `metric` is "score", or `COLUMN.accuracy` and the like. Text, booleans,
    categories and at most 20 distinct integers are classes, and everything else is numbers; whole numbers are what
    their likelihood is of, where one is given. For the rest see `Classifier`.

    Attributes
    ----------
    targets_ : dict
        The classes of each column, by its name; None: it holds numbers.
    leaderboard_, curves_, diagnostics_, hints_, importances_, mattered_, members_, best_
        As of `Classifier`.
    optimism_, ensemble_, encoder_, columns_
        As of `Classifier`.

    Examples
    --------
    >>> from phalanx import Dense, MultiTask, Tanh
    >>> x = np.linspace(-1, 1, 200)
    >>> y = pd.DataFrame({"sign": np.where(x > 0, "plus", "minus"), "square": x**2})
    >>> net = MultiTask([Dense(32), Tanh()], max_rounds=60).fit(x[:, None], y)
    >>> net.predict(np.array([[-0.5], [0.5]]))["sign"].tolist()
    ['minus', 'plus']
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation: Any = None, groups: Any = None
    ) -> "MultiTask":
        """Train on rows `X` with the columns of `y`, a DataFrame or an array (rows, targets).

        Other arguments are those of `Classifier.fit`.
        """
        return self._learn(X, y, sample_weight, validation, groups)

    def _learn(self, X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, classes: Any = None) -> Self:
        self._settings(SCORE)  # raises for options that no search can use, before the likelihood is asked
        given = y
        X, y = self._check_X(X, reset=True), _frame(y)
        check_lengths(X, y)
        columns, implied = [], dict(zip(y, likelihood_of_each(self.likelihood, list(y)), strict=True))
        stated = {} if classes is None else _stated(classes, y)
        self.targets_: dict[str, ClassTarget | None] = {}
        for name in y:
            target_present(y[name], name)
            task = "classify" if name in stated else _task(y[name], name, implied[name])
            labels = ClassTarget.fit(stated.get(name, y[name]), name) if task == "classify" else None
            self.targets_[name] = labels
            if labels:
                columns.append(Target(name, labels.encode(y[name], name), labels))
            else:
                columns.append(Target(name, NumberTarget.values(y[name], name), constant=True))
        self._called = {name: name for name in y}
        self._fit(X, given, columns, sample_weight, validation, groups)
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Return the most probable class, or the expected number, of each row and column, as a DataFrame."""
        inputs = self._inputs(X)
        said = each_column(self._predictor.goals, self._predictor.predict(inputs, self.ensemble))
        found = {name: self.targets_[name].decode(p.argmax(1)) if self.targets_[name] else p for name, _, p in said}  # type: ignore[union-attr]
        return pd.DataFrame({name: found[name] for name in self.targets_})

    def predict_std(self, X: Any) -> pd.DataFrame:
        """Return the standard deviation of each number, noise included, a column a target of numbers, in its units."""
        return self._numbers(
            self._predictor.ask(self._inputs(X), lambda predicted: predicted.deviation(), self.ensemble)
        )

    def predict_interval(self, X: Any, level: float = 0.9) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the ends of the intervals that hold each number with probability `level`, in its units."""
        ends = self._predictor.ask(self._inputs(X), lambda predicted: predicted.interval(level), self.ensemble)
        return self._numbers([low for low, _ in ends]), self._numbers([high for _, high in ends])

    def predict_mode(self, X: Any) -> pd.DataFrame:
        """Return the most probable class, or number, of each row and column; see `Regressor.predict_mode`."""
        found, modes = self._predictor.ask(
            self._inputs(X), lambda predicted: (predicted.means, predicted.mode()), self.ensemble
        )
        numbers = self._numbers(modes)
        classes = {goal.names[0]: p.argmax(1) for goal, p in zip(self._predictor.goals, found, strict=True)}
        return pd.DataFrame(
            {
                name: numbers[name].to_numpy() if labels is None else labels.decode(classes[name])
                for name, labels in self.targets_.items()
            }
        )

    def predict_covariance(self, X: Any) -> dict[tuple[str, ...], np.ndarray]:
        """Return the covariance of the numbers of each head, (rows, targets, targets), by the names of its targets.

        Targets of different heads are independent given the input.
        """
        found = self._predictor.ask(self._inputs(X), lambda predicted: predicted.covariance(), self.ensemble)
        return dict(zip([goal.names for goal in self._predictor.goals if not goal.classes], found, strict=True))

    def sample(self, X: Any, count: int = 1, random_state: int = 0) -> list[pd.DataFrame]:
        """Return `count` draws of all columns from the predicted distributions, each a DataFrame with a row a row."""
        drawn = self._predictor.sample(self._inputs(X), count, random_state, self.ensemble)
        tables = []
        for i in range(count):
            said = each_column(self._predictor.goals, [found[i] for found in drawn])
            found = {name: self.targets_[name].decode(p) if self.targets_[name] else p for name, _, p in said}  # type: ignore[union-attr]
            tables.append(pd.DataFrame({name: found[name] for name in self.targets_}))
        return tables

    def log_density(self, X: Any, y: Any) -> pd.DataFrame:
        """Return log p(y | X) of each row, a column for each head: of classes log probabilities, of numbers log
        densities per unit of the target. A head of several targets, whose names are joined by commas, has one density.
        """
        check_is_fitted(self)
        goals, values = self._predictor.goals, self._values(y)
        found = self._predictor.log_density(self._inputs(X), values, self.ensemble)
        return pd.DataFrame({", ".join(goal.names): logs for goal, logs in zip(goals, found, strict=True)})

    def _labels(self) -> dict[str, list[Any]]:
        return {name: list(target.labels) for name, target in self.targets_.items() if target}

    def _numbers(self, heads: list[np.ndarray]) -> pd.DataFrame:
        """Return what is said of each head of numbers (rows, columns) as a table, in the order of the targets."""
        goals = [goal for goal in self._predictor.goals if not goal.classes]
        found = {name: values for name, _, values in each_column(goals, heads)}
        return pd.DataFrame({name: found[name] for name in self.targets_ if name in found})

    def predict_proba(self, X: Any) -> dict[str, pd.DataFrame]:
        """Return for each column of classes their probabilities, a DataFrame with a column a class."""
        inputs = self._inputs(X)
        said = each_column(self._predictor.goals, self._predictor.predict(inputs, self.ensemble))
        found = {}
        for name, _, p in said:
            labels = self.targets_[name]
            if labels is not None:
                found[name] = pd.DataFrame(p.astype(np.float32), columns=list(labels.labels))
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over columns of accuracy, for classes, and r2, for numbers."""
        check_is_fitted(self)
        goals, values = self._predictor.goals, self._values(y)
        found = evaluate(goals, values, self._predictor.predict(self._inputs(X), self.ensemble), sample_weight)
        return found.get(SCORE.name, found.get("accuracy", found.get("r2", float("nan"))))

    def _columns(self, y: Any) -> list[np.ndarray]:
        y = _frame(y)
        lacking = [name for name in self.targets_ if name not in y]
        if lacking:
            raise InputError(f"y lacks the column {lacking[0]!r}")
        return [
            NumberTarget.values(y[name], name) if labels is None else labels.encode(y[name], name)
            for name, labels in self.targets_.items()
        ]

    def _are_known(self, classes: Any) -> bool:
        given = _stated(classes, self.targets_)
        return all(self.targets_[name] == ClassTarget.fit(held, name) for name, held in given.items())


def _task(values: pd.Series, name: str, likelihood: Likelihood | None) -> str:
    """Return the task of a column: whole numbers may be classes as well, and are what their likelihood is of."""
    if likelihood is not None and holds_whole_numbers(values):
        return "classify" if likelihood.target == "classes" else "regress"
    return infer_task(values, name)[0]


def _stated(classes: Any, columns: Iterable[str]) -> dict[str, Any]:
    """Return the classes that are stated of some columns of the target."""
    if not isinstance(classes, Mapping):
        raise InputError("classes must be a map from the columns of y to the classes of each")
    stated, known = {str(name): held for name, held in classes.items()}, list(columns)
    for name in stated:
        if name not in known:
            raise no_column(name, "classes", known)
    return stated


def _frame(y: Any) -> pd.DataFrame:
    """Return targets as a table whose columns have text for names."""
    frame = y if isinstance(y, pd.DataFrame) else pd.DataFrame(y)
    return frame.set_axis([str(name) for name in frame.columns], axis=1).reset_index(drop=True)
