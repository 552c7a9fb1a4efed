"""The estimator of several targets, classes and numbers mixed."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from phalanx.data.goals import each_column
from phalanx.data.targets import ClassTarget, NumberTarget, holds_whole_numbers, infer_task, target_present
from phalanx.errors import InputError
from phalanx.estimators.base import NetworkEstimator, TargetColumn, check_lengths
from phalanx.likelihoods import Likelihood
from phalanx.metrics import SCORE, evaluate
from phalanx.search.heads import likelihood_of_each


class MultiTask(NetworkEstimator):
    """Predict several columns, classes and numbers mixed, with networks that share a trunk (MAP F7).

    Each column has a head of its own; `likelihood=Joint([Head(...), ...])` says what the heads are, where they leave
    the trunk and how much their costs count. Other parameters and attributes are as for `Classifier`, `metric` too:
    "score", or `COLUMN.accuracy` and the like. Text, booleans, categories and at most 20 distinct integers are
    classes, and everything else is numbers; whole numbers are what their likelihood is of, where one is given.

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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MultiTask":
        """Train on rows `X` with the columns of `y`, a DataFrame or an array (rows, targets)."""
        self._settings(SCORE)  # raises for options that no search can use, before the likelihood is asked
        X, y = self._check_X(X, reset=True), _frame(y)
        check_lengths(X, y)
        columns, implied = [], dict(zip(y, likelihood_of_each(self.likelihood, list(y)), strict=True))
        self.targets_: dict[str, ClassTarget | None] = {}
        for name in y:
            target_present(y[name], name)
            task = _task(y[name], name, implied[name])
            labels = ClassTarget.fit(y[name], name) if task == "classify" else None
            self.targets_[name] = labels
            if labels:
                columns.append(TargetColumn(name, labels.encode(y[name], name), len(labels.labels)))
            else:
                columns.append(TargetColumn(name, NumberTarget.values(y[name], name)))
        self._fit(X, columns, sample_weight)
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Return the most probable class, or the expected number, of each row and column, as a DataFrame."""
        inputs = self._inputs(X)
        said = each_column(self._predictor.goals, self._predictor.predict(inputs, self.ensemble))
        found = {name: self.targets_[name].decode(p.argmax(1)) if self.targets_[name] else p for name, _, p in said}  # type: ignore[union-attr]
        return pd.DataFrame({name: found[name] for name in self.targets_})

    def predict_proba(self, X: Any) -> dict[str, pd.DataFrame]:
        """Return for each column of classes their probabilities, a DataFrame with a column a class."""
        inputs = self._inputs(X)
        said = each_column(self._predictor.goals, self._predictor.predict(inputs, self.ensemble))
        found = {}
        for name, _, p in said:
            labels = self.targets_[name]
            if labels is not None:
                found[name] = pd.DataFrame(p, columns=list(labels.labels))
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over columns of accuracy, for classes, and r2, for numbers."""
        check_is_fitted(self)
        y, goals = _frame(y), self._predictor.goals
        lacking = [name for name in self.targets_ if name not in y]
        if lacking:
            raise InputError(f"y lacks the column {lacking[0]!r}")
        values = []
        for goal in goals:
            if goal.classes:
                labels = self.targets_[goal.names[0]]
                values.append(labels.encode(y[goal.names[0]], goal.names[0]))  # type: ignore[union-attr]
            else:
                values.append(np.column_stack([NumberTarget.values(y[name], name) for name in goal.names]))
        found = evaluate(goals, values, self._predictor.predict(self._inputs(X), self.ensemble), sample_weight)
        return found.get(SCORE.name, found.get("accuracy", found.get("r2", float("nan"))))


def _task(values: pd.Series, name: str, likelihood: Likelihood | None) -> str:
    """Return the task of a column: whole numbers may be classes as well, and are what their likelihood is of."""
    if likelihood is not None and holds_whole_numbers(values):
        return "classify" if likelihood.target == "classes" else "regress"
    return infer_task(values, name)[0]


def _frame(y: Any) -> pd.DataFrame:
    """Return targets as a table whose columns have text for names."""
    frame = y if isinstance(y, pd.DataFrame) else pd.DataFrame(y)
    return frame.set_axis([str(name) for name in frame.columns], axis=1).reset_index(drop=True)
