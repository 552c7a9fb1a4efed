"""The estimator of numbers."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks

from phalanx.data.steps import spread
from phalanx.errors import InputError
from phalanx.estimators.parameters import OfRows, documented
from phalanx.estimators.partial import Online
from phalanx.estimators.steps import OfSteps
from phalanx.estimators.targets import check_lengths, columns_of, names_of
from phalanx.kinds.learning import Target


@documented
class Regressor(OfSteps, RegressorMixin, OfRows, Online):
    """Predict numbers with networks, one or a population of them.

    The target is standardized inside; predictions and errors are in its own units. For the rest see `Classifier`.

    Attributes
    ----------
    leaderboard_, curves_, diagnostics_, hints_, importances_, mattered_, members_, best_
        As of `Classifier`.
    optimism_, ensemble_, encoder_, columns_
        As of `Classifier`.

    Examples
    --------
    >>> from phalanx import Dense, Regressor, Tanh
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> net = Regressor(layers=[Dense(32), Tanh()], max_rounds=300).fit(x, np.sin(3 * x[:, 0]))
    >>> bool(net.score(x, np.sin(3 * x[:, 0])) > 0.95)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation: Any = None, groups: Any = None
    ) -> "Regressor":
        """Train on rows `X` with numbers `y`, (rows,), or (rows, targets) for several targets.

        For sequences and rows of codes `y` may be a list with an array (steps,) or (steps, targets) for each row.
        `sample_weight` counts rows; `validation`, `groups`: see `Classifier.fit`. Returns the estimator.
        """
        X = self._check_X(X, reset=True)
        told, real = self._one_by_one(X, y)
        columns, self._several = columns_of(told, dtype=np.float64)
        if real is None:
            check_lengths(X, columns[0])
        called = names_of(told, self._several)
        targets = [
            Target(str(j), spread(column, real), constant=True, called=called[j]) for j, column in enumerate(columns)
        ]
        self._called = {str(j): name for j, name in enumerate(called)}
        self._fit(X, y, targets, sample_weight, validation, groups)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the expected value for each row, in the target's units; with `return_std` also the deviation.

        The standard deviation is that of the predicted distribution of the target, noise included.
        """
        inputs = self._inputs(X)
        if not return_std:
            return self._shaped(inputs, self._predictor.predict(inputs, self.ensemble))
        mean, std = self._predictor.ask(
            inputs, lambda predicted: (predicted.means, predicted.deviation()), self.ensemble
        )
        return self._shaped(inputs, mean), self._shaped(inputs, std)

    def predict_interval(self, X: Any, level: float = 0.9) -> tuple[Any, Any]:
        """Return the ends of the interval that holds the target with probability `level`, in the target's units."""
        inputs = self._inputs(X)
        ends = self._predictor.ask(inputs, lambda predicted: predicted.interval(level), self.ensemble)
        return self._shaped(inputs, [low for low, _ in ends]), self._shaped(inputs, [high for _, high in ends])

    def predict_mode(self, X: Any) -> Any:
        """Return the most probable value for each row; it differs from the mean in a mixture.

        It is the point of highest density among the mean and the modes of members, and of dropout masks with `samples`.
        """
        inputs = self._inputs(X)
        return self._shaped(inputs, self._predictor.ask(inputs, lambda predicted: predicted.mode(), self.ensemble))

    def predict_covariance(self, X: Any) -> Any:
        """Return the covariance of the targets for each row, (rows, targets, targets), in products of their units.

        It is that of the predicted distribution: within members and between them. Targets of different heads are
        independent given the input.

        >>> from phalanx import Dense, MultivariateGaussian, Tanh
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> net = Regressor([Dense(8), Tanh()], likelihood=MultivariateGaussian(), max_rounds=2)
        >>> net.fit(x, np.hstack([x, -x])).predict_covariance(x[:5]).shape
        (5, 2, 2)
        """
        inputs = self._inputs(X)
        each = self._predictor.ask(inputs, lambda predicted: predicted.covariance(), self.ensemble)
        order = self._order
        whole = np.zeros((len(each[0]), len(order), len(order)))
        at = 0
        for block in each:
            end = at + block.shape[-1]
            whole[:, at:end, at:end] = block
            at = end
        return self._of_rows(inputs, whole[:, order][:, :, order])

    def log_density(self, X: Any, y: Any) -> Any:
        """Return log p(y | X) of each row, (rows,), the density being per unit of the target; for counts, probability.

        Of several targets it is that of all together.

        >>> from phalanx import Dense, Tanh
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> net = Regressor([Dense(8), Tanh()], max_rounds=2).fit(x, x[:, 0])
        >>> net.log_density(x[:5], x[:5, 0]).shape
        (5,)
        """
        inputs = self._inputs(X)
        values = self._values(y, inputs)
        check_lengths(X, values[0])
        return self._of_rows(inputs, np.sum(self._predictor.log_density(inputs, values, self.ensemble), axis=0))

    def sample(self, X: Any, count: int = 1, random_state: int = 0) -> Any:
        """Return `count` draws from the predicted distribution, (count, rows), or (count, rows, targets)."""
        inputs = self._inputs(X)
        return self._shaped(inputs, self._predictor.sample(inputs, count, random_state, self.ensemble), axis=1)

    def _columns(self, y: Any) -> list[np.ndarray]:
        columns, _ = columns_of(y, dtype=np.float64)
        if len(columns) != len(self._called):
            raise InputError(f"y has {len(columns)} columns, but the model predicts {len(self._called)}")
        return columns

    def _shaped(self, inputs: Any, heads: Any, axis: int = 0) -> Any:
        """Return columns in the order of the target, without their axis where there is one only; rows are an axis."""
        whole = np.concatenate(list(heads), axis=-1)[..., self._order]
        return self._of_rows(inputs, whole if self._several else whole[..., 0], axis)
