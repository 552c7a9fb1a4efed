"""The estimator of classes."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.utils.multiclass import check_classification_targets

from phalanx.data import ClassTarget
from phalanx.data.steps import spread
from phalanx.errors import InputError
from phalanx.estimators.parameters import OfRows, documented
from phalanx.estimators.partial import OnlineClasses
from phalanx.estimators.steps import OfSteps
from phalanx.estimators.targets import check_lengths, columns_of, names_of
from phalanx.kinds.learning import Target


@documented
class Classifier(OfSteps, ClassifierMixin, OfRows, OnlineClasses):
    """Predict classes with networks, one or a population of them.

    Distributions in any part make a search: `trials` points are drawn and trained as populations, each stops at its
    best moment, and an ensemble is chosen on the validation rows. Without distributions one network is trained.
    `fit` raises ValueError for input it cannot use; missing values, and in DataFrames categories, are accepted as they
    are. For the names of these options at the other doors see docs/options.md.

    Attributes
    ----------
    classes_ : ndarray, or a list of them for several targets
        The classes as the target has them, sorted.
    leaderboard_, curves_, diagnostics_ : DataFrame
        The members as they rank, their costs by round, and what their layers did.
    hints_ : list of str
        What seems wrong with the networks.
    importances_ : DataFrame
        What each choice was worth for the rank of a network, see `phalanx.search.importance`.
    mattered_ : list of str
        The same in words, as far as so many networks support it.
    members_, best_ : list of FittedMember, FittedMember
        The trained networks, and the best of them, see `winner`.
    optimism_ : dict or None
        How good the best of several trials looks on the validation rows, and what it is worth without that luck.
    ensemble_ : dict
        The shares of the members that predict together, by id.
    encoder_ : encoder of tables, images, texts or codes
        What turns rows into the numbers that networks see.
    columns_ : list of Column
        Of a DataFrame: what each of its columns was taken for.

    Examples
    --------
    >>> from phalanx import Adam, Classifier, Dense, Tanh
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = Classifier(layers=[Dense(8), Tanh()], optimizer=Adam(0.03), stopping=None, max_rounds=300).fit(X, y)
    >>> net.predict(X).tolist()
    [0, 1, 1, 0]

    The hidden layer that was found serves another question, and is kept as it is:

    >>> from phalanx import Factor
    >>> kept = Adam(0.03, factors=[Factor(0, on=["dense_1"])])
    >>> other = Classifier(net.layers, start=net.best_, optimizer=kept, stopping=None, max_rounds=300)
    >>> other.fit(X, [0, 0, 0, 1]).predict(X).tolist()
    [0, 0, 0, 1]
    >>> bool((other.best_.params["dense_1"]["weight"] == net.best_.params["dense_1"]["weight"]).all())
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        return tags

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation: Any = None, groups: Any = None
    ) -> "Classifier":
        """Train on rows `X` with classes `y`, (rows,), or (rows, targets) for several targets.

        `X` is a table (rows, columns), images (rows, height, width, channels), texts, a list of `str`, sequences, a
        list of arrays (steps, channels) or `Sequences`, or, where `Embedding` is the first layer, rows of codes, whole
        numbers from 0, each as long as it is. For sequences and codes `y` may be a list with a class for each step of
        each row; then the network answers at every step, and every method returns a list with an array for each row.
        `sample_weight` counts rows: where all are whole numbers, a weight of k is k copies of the row; otherwise they
        weigh its cost. `validation`: a pair (X, y) of rows that validate in place of `validation_fraction`; they are
        read as those of `predict`. `groups`: of each row its group, whose rows all train or all validate. Warns of
        columns of a DataFrame that are left out. Returns the estimator.
        """
        return self._learn(X, y, sample_weight, validation, groups)

    def _learn(self, X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, classes: Any = None) -> Self:
        X = self._check_X(X, reset=True)
        told, real = self._one_by_one(X, y)
        columns, several = columns_of(told)
        for column in columns:
            check_classification_targets(column)
        if real is None:
            check_lengths(X, columns[0])
        found = _labels_of(columns if classes is None else classes, several or classes is None)
        if len(found) != len(columns):
            raise InputError(f"classes are those of {len(found)} targets, but y has {len(columns)} columns")
        if any(len(labels) < 2 for labels in found):
            raise ValueError("Classifier needs at least two classes; y has one class")
        self.classes_ = found if several else found[0]
        called = names_of(told, several)
        targets = [
            Target(str(i), spread(codes, real), ClassTarget(tuple(range(len(labels)))), called=called[i])
            for i, (labels, codes) in enumerate(zip(found, self._codes(columns), strict=True))
        ]
        self._called = {str(i): name for i, name in enumerate(called)}
        self._fit(X, y, targets, sample_weight, validation, groups)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, shape (rows, classes), in the order of `classes_`.

        For several targets a list of such arrays.
        """
        inputs = self._inputs(X)
        found = [self._of_rows(inputs, said.astype(np.float32)) for said in self._in_order(inputs)]
        return found if isinstance(self.classes_, list) else found[0]

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row, (rows,), or (rows, targets)."""
        inputs = self._inputs(X)
        chosen = [probabilities.argmax(axis=1) for probabilities in self._in_order(inputs)]
        if not isinstance(self.classes_, list):
            return self._of_rows(inputs, self.classes_[chosen[0]])
        named = [labels[codes] for labels, codes in zip(self.classes_, chosen, strict=True)]
        return self._of_rows(inputs, np.column_stack(named))

    def sample(self, X: Any, count: int = 1, random_state: int = 0) -> Any:
        """Return `count` draws of classes from their predicted probabilities, (count, rows), or (count, rows, targets).

        >>> from phalanx import Classifier, Dense
        >>> net = Classifier([Dense(4)], max_rounds=2).fit([[0.0], [1.0], [2.0], [3.0]] * 10, ["a", "a", "b", "b"] * 10)
        >>> net.sample([[0.5]], 6).shape
        (6, 1)
        """
        inputs = self._inputs(X)
        found = self._predictor.sample(inputs, count, random_state, self.ensemble)
        drawn = [found[i] for i in self._order]
        if not isinstance(self.classes_, list):
            return self._of_rows(inputs, self.classes_[drawn[0]], axis=1)
        named = [labels[codes] for labels, codes in zip(self.classes_, drawn, strict=True)]
        return self._of_rows(inputs, np.stack(named, axis=-1), axis=1)

    def log_density(self, X: Any, y: Any) -> Any:
        """Return log P(y | X) of the class of each row, (rows,), or of each target, (rows, targets).

        A probability that rounds to 0 counts as the smallest that single precision holds. Raises ValueError for a class
        that was not seen in training.
        """
        inputs = self._inputs(X)
        codes = self._values(y, inputs)
        check_lengths(X, codes[0])
        found = self._predictor.log_density(inputs, codes, self.ensemble)
        several = isinstance(self.classes_, list)
        return self._of_rows(inputs, np.column_stack([found[i] for i in self._order]) if several else found[0])

    def _columns(self, y: Any) -> list[np.ndarray]:
        return self._codes(columns_of(y)[0])

    def _codes(self, columns: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the codes of the classes in the columns of a target."""
        classes = self.classes_ if isinstance(self.classes_, list) else [self.classes_]
        if len(columns) != len(classes):
            raise InputError(f"y has {len(columns)} columns, but the model predicts {len(classes)}")
        codes = []
        for labels, column in zip(classes, columns, strict=True):
            unseen = ~np.isin(column, labels)
            if unseen.any():
                raise InputError(f"y holds the class {column[unseen].tolist()[0]!r}, which was not seen in training")
            codes.append(np.searchsorted(labels, column).astype(np.int32))
        return codes

    def _are_known(self, classes: Any) -> bool:
        several = isinstance(self.classes_, list)
        given, own = _labels_of(classes, several), self.classes_ if several else [self.classes_]
        return len(given) == len(own) and all(map(np.array_equal, given, own))

    def _labels(self) -> dict[str, list[Any]]:
        each = self.classes_ if isinstance(self.classes_, list) else [self.classes_]
        return {str(i): labels.tolist() for i, labels in enumerate(each)}

    def _in_order(self, inputs: Any) -> list[np.ndarray]:
        """Return the probabilities of each target, in their order."""
        found = self._predictor.predict(inputs, self.ensemble)
        return [found[i] for i in self._order]


def _labels_of(classes: Any, several: bool) -> list[np.ndarray]:
    """Return the classes of each target, sorted, given those of the only one, or a list of those of `several`."""
    return [np.unique(np.asarray(each)) for each in (classes if several else [classes])]
