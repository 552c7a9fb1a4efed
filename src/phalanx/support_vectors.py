"""Support vector machines with a Gaussian kernel as plain models: on standardized columns, with probabilities."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

BLOCK = 2_000
"""Rows that are predicted at a time."""

_HELD_OUT = 5  # one of so many rows says how sure the classifier may be
_SHARPEST = 50.0  # of the logits, per unit of the decision function


class _Machine:
    """A model of scikit-learn on the Gaussian kernel of standardized columns, with γ = 1/columns.

    The kernel is a matrix of all pairs, made by one product: of hundreds of columns that is many times faster than what
    LIBSVM does pair by pair.
    """

    def __init__(self, model: Any, x: Any, y: np.ndarray, weight: np.ndarray | None) -> None:
        self._scaler = StandardScaler(with_mean=not sparse.issparse(x)).fit(x)
        scaled = self._scaler.transform(x)
        self._model = model.fit(rbf_kernel(scaled), y, weight)
        # of rows that support nothing the kernel is not needed: it is multiplied by 0
        self._support, self._rows = scaled[model.support_], scaled.shape[0]

    def ask(self, method: str, x: Any) -> np.ndarray:
        """Return what a method of the model says of rows."""
        scaled = self._scaler.transform(x)
        blocks = (scaled[first : first + BLOCK] for first in range(0, scaled.shape[0], BLOCK))
        return np.concatenate([getattr(self._model, method)(self._kernel(block)) for block in blocks])

    def _kernel(self, scaled: Any) -> np.ndarray:
        kernel = np.zeros((scaled.shape[0], self._rows))
        if self._support.shape[0]:
            kernel[:, self._model.support_] = rbf_kernel(scaled, self._support)
        return kernel


class SupportVectorClassifier:
    """scikit-learn's `SVC` with C = 1 on the Gaussian kernel of standardized columns, γ = 1/columns.

    Its probabilities are softmax(a f(x)), f the decision function. a > 0 is the most likely for a fifth of the rows,
    drawn at random, of which an SVM trained on the others knows nothing (temperature scaling, Guo et al. 2017); rows of
    classes with fewer than five train in any case.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fit(self, x: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Learn from rows, dense or sparse, and the codes of their classes."""
        self.classes_, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        may = np.flatnonzero(counts[codes] >= _HELD_OUT)
        held = np.random.default_rng(self._seed).permutation(may)[: len(may) // _HELD_OUT]
        rest = np.setdiff1d(np.arange(len(y)), held)
        self._sharpness = 1.0
        if len(held) and len(np.unique(codes[rest])) == len(self.classes_):
            weight = None if sample_weight is None else sample_weight[rest]
            first = _Machine(SVC(kernel="precomputed"), x[rest], codes[rest], weight)
            self._sharpness = _sharpness(_logits(first, x[held]), codes[held])
        self._machine = _Machine(SVC(kernel="precomputed"), x, codes, sample_weight)
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each of `classes_`, (rows, classes)."""
        return softmax(self._sharpness * _logits(self._machine, x), axis=1)


class SupportVectorRegressor:
    """scikit-learn's `SVR` with C = 1 and ε = 0.1, in deviations of the target, on the kernel of the classifier."""

    def fit(self, x: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Learn from rows, dense or sparse, and their numbers."""
        self._mean, self._deviation = float(y.mean()), float(y.std()) or 1.0
        scaled = (y - self._mean) / self._deviation
        self._machine = _Machine(SVR(kernel="precomputed"), x, scaled, sample_weight)
        return self

    def predict(self, x: Any) -> np.ndarray:
        """Return the number of each row."""
        return self._mean + self._deviation * self._machine.ask("predict", x)


def _logits(machine: _Machine, x: Any) -> np.ndarray:
    """Return the decision function of each class; of two, 0 and that of the second."""
    found = machine.ask("decision_function", x)
    return found if found.ndim == 2 else np.stack([np.zeros(len(found)), found], axis=1)


def _sharpness(logits: np.ndarray, codes: np.ndarray) -> float:
    """Return the factor of the logits that makes classes most likely."""

    def cost(exponent: float) -> float:
        return -float(log_softmax(np.exp(exponent) * logits, axis=1)[np.arange(len(codes)), codes].mean())

    bounds = (-np.log(_SHARPEST), np.log(_SHARPEST))
    return float(np.exp(minimize_scalar(cost, bounds=bounds, method="bounded").x))
