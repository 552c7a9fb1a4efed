"""Plain models of scikit-learn on the same encoded table, for the leaderboard."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from phalanx.data.encoded import Encoded
from phalanx.data.targets import Task
from phalanx.errors import InputError
from phalanx.support_vectors import SupportVectorClassifier, SupportVectorRegressor

#: Codes with at most this many values are one-hot; others are one integer column.
ONE_HOT = 32
#: Codes with at most this many values are categories to gradient boosting (its own limit).
NATIVE = 255
#: With at most this many weights, logistic regression is solved by Newton's method: on one-hot
#: columns of many rows it is tens of times faster than L-BFGS, to the same solution.
NEWTON = 300
#: Up to this many rows gradient boosting uses one thread: its parallel steps are so short there that waiting for a
#: core in use elsewhere costs many times what a free one gains.
ONE_THREAD = 100_000
#: Up to this many numbers of a matrix linear algebra uses one thread, for the same reason.
ONE_THREAD_NUMBERS = 5_000_000
#: Logistic regression ends after so many steps, converged or not: on images the last of a thousand change little.
ITERATIONS = 300
#: A support vector machine learns from at most so many rows: it looks at all n² pairs. With as many, of 10 to 784
#: columns and up to ten classes, it took 0.5 to 2.4 s on one core (of 2 vCPU), and 0.3 to 4 s to predict 20,000 others;
#: with twice as many it would take four times as long, and 1 GB.
KERNEL_ROWS = 4_000


@dataclass(frozen=True)
class Baseline:
    """How to make an untrained model from a seed, whether it takes codes as they are, and from how many rows it learns
    at most (None: as many as there are).
    """

    make: Callable[[int], Any]
    takes_codes: bool = False
    most_rows: int | None = None


_CLASSIFIERS = {
    "dummy": Baseline(lambda seed: DummyClassifier(strategy="prior")),
    "linear": Baseline(lambda seed: LogisticRegression(max_iter=ITERATIONS)),
    "decision_tree": Baseline(lambda seed: DecisionTreeClassifier(random_state=seed)),
    "svm": Baseline(SupportVectorClassifier, most_rows=KERNEL_ROWS),
    "random_forest": Baseline(lambda seed: RandomForestClassifier(random_state=seed, n_jobs=-1)),
    "gradient_boosting": Baseline(lambda seed: HistGradientBoostingClassifier(random_state=seed), takes_codes=True),
}
_REGRESSORS = {
    "dummy": Baseline(lambda seed: DummyRegressor(strategy="mean")),
    "linear": Baseline(lambda seed: RidgeCV(alphas=np.logspace(-3, 3, 13))),
    "decision_tree": Baseline(lambda seed: DecisionTreeRegressor(random_state=seed)),
    "svm": Baseline(lambda seed: SupportVectorRegressor(), most_rows=KERNEL_ROWS),
    "random_forest": Baseline(lambda seed: RandomForestRegressor(random_state=seed, n_jobs=-1)),
    "gradient_boosting": Baseline(lambda seed: HistGradientBoostingRegressor(random_state=seed), takes_codes=True),
}


def baselines(task: Task) -> dict[str, Baseline]:
    """Return the baselines of a task by name, the quickest first.

    >>> list(baselines("regress"))
    ['dummy', 'linear', 'decision_tree', 'svm', 'random_forest', 'gradient_boosting']
    """
    return dict(_CLASSIFIERS if task == "classify" else _REGRESSORS)


@dataclass(frozen=True)
class FittedBaseline:
    """A trained baseline. ``classes`` is the number of classes, 0 for regression."""

    model: Any
    cardinalities: tuple[int, ...]
    takes_codes: bool
    classes: int

    def predict(self, encoded: Encoded) -> np.ndarray:
        """Return probabilities (n, classes), or values (n,) in the target's units, float64."""
        matrix = _matrix(encoded, self.cardinalities, self.takes_codes)
        with few_threads(matrix):
            if not self.classes:
                return np.asarray(self.model.predict(matrix), dtype=np.float64)
            probabilities = np.zeros((matrix.shape[0], self.classes))
            probabilities[:, self.model.classes_] = self.model.predict_proba(matrix)
        return probabilities


def fit_baseline(
    name: str,
    encoded: Encoded,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    cardinalities: Sequence[int],
    classes: int = 0,
    seed: int = 0,
) -> FittedBaseline:
    """Train a baseline on encoded rows.

    ``target`` holds class codes 0 ... ``classes`` - 1, or, if ``classes`` is 0, numbers.
    ``cardinalities`` are the encoder's. Forests use every core the process may use. Raises
    InputError if the rows hold one class only, and for gradient boosting on sparse numbers.
    """
    baseline = baselines("classify" if classes else "regress")[name]
    if classes and name != "dummy" and len(np.unique(target)) < 2:
        raise InputError("the training rows hold one class only; use more rows or another split")
    if baseline.takes_codes and sparse.issparse(encoded.numbers):
        raise InputError(f"the baseline {name} cannot learn from texts; leave it out of `baselines`")
    matrix = _matrix(encoded, cardinalities, baseline.takes_codes)
    model = baseline.make(seed)
    if name == "linear" and classes and matrix.shape[1] * (classes if classes > 2 else 1) <= NEWTON:
        model.set_params(solver="newton-cholesky")
    if baseline.takes_codes:
        start = encoded.numbers.shape[1]
        model.set_params(
            categorical_features=[start + i for i, cardinality in enumerate(cardinalities) if cardinality <= NATIVE]
        )
        if classes and np.bincount(target)[np.unique(target)].min() < 2:
            model.set_params(early_stopping=False)  # its own validation rows would have to hold every class
    with warnings.catch_warnings(), few_threads(matrix):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, target, sample_weight=weight)
    return FittedBaseline(model, tuple(cardinalities), baseline.takes_codes, classes)


def few_threads(matrix: Any) -> threadpool_limits:
    """Return a context in which what learns from a matrix uses one thread where more would wait for each other."""
    rows, columns = matrix.shape
    few = {"openmp": rows <= ONE_THREAD, "blas": rows * columns <= ONE_THREAD_NUMBERS}
    return threadpool_limits({kind: 1 for kind, one in few.items() if one})


def _matrix(encoded: Encoded, cardinalities: Sequence[int], codes_as_they_are: bool) -> np.ndarray | sparse.csr_array:
    """Return one float64 matrix: the numbers, then the codes as they are, or one-hot where they are few.

    Sparse numbers stay sparse; no codes stand beside them.
    """
    if sparse.issparse(encoded.numbers):
        return encoded.numbers
    blocks = [encoded.numbers.astype(np.float64)]
    for code, cardinality in zip(encoded.codes.T, cardinalities, strict=True):
        if codes_as_they_are or cardinality > ONE_HOT:
            blocks.append(code[:, None].astype(np.float64))
        else:
            blocks.append(np.eye(cardinality)[code])
    return np.hstack(blocks)
