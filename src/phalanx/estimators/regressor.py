"""The estimator of numbers."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from phalanx.estimators.base import NetworkEstimator, TargetColumn, check_lengths, columns_of


class Regressor(RegressorMixin, NetworkEstimator):
    """Predict numbers with networks, one or a population of them; parameters and attributes as for `Classifier`.

    The target is standardized inside; predictions and errors are in its own units.

    >>> from phalanx import Dense, Regressor, Tanh
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> net = Regressor(layers=[Dense(32), Tanh()], max_rounds=100).fit(x, np.sin(3 * x[:, 0]))
    >>> bool(net.score(x, np.sin(3 * x[:, 0])) > 0.95)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Regressor":
        """Train on rows `X` with numbers `y`, (rows,), or (rows, targets) for several targets.

        `sample_weight` counts rows. Returns the estimator.
        """
        X = self._check_X(X, reset=True)
        columns, self._several = columns_of(y, dtype=np.float64)
        check_lengths(X, columns[0])
        self._fit(X, [TargetColumn(str(j), column) for j, column in enumerate(columns)], sample_weight)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the expected value for each row, in the target's units; with `return_std` also the deviation.

        The standard deviation is that of the predicted distribution of the target, noise included.
        """
        inputs = self._inputs(X)
        mean = self._shaped(self._predictor.predict(inputs, self.ensemble))
        return (mean, self._shaped(self._predictor.deviation(inputs, self.ensemble))) if return_std else mean

    def predict_interval(self, X: Any, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval that holds the target with probability `level`, in the target's units."""
        inputs = self._inputs(X)
        ends = self._predictor.interval(inputs, level, self.ensemble)
        return self._shaped([low for low, _ in ends]), self._shaped([high for _, high in ends])

    def predict_mode(self, X: Any) -> np.ndarray:
        """Return the most probable value for each row by the best member; it differs from the mean in a mixture."""
        inputs = self._inputs(X)
        return self._shaped(self._predictor.mode(inputs))

    def sample(self, X: Any, count: int = 1, random_state: int = 0) -> np.ndarray:
        """Return `count` draws from the predicted distribution, (count, rows), or (count, rows, targets)."""
        inputs = self._inputs(X)
        return self._shaped(self._predictor.sample(inputs, count, random_state, self.ensemble))

    def _shaped(self, heads: Any) -> np.ndarray:
        """Return columns in the order of the target, without their axis where there is one only."""
        whole = np.concatenate(list(heads), axis=-1)[..., self._order]
        return whole if self._several else whole[..., 0]
