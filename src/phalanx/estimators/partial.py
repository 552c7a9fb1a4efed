"""Online learning: estimators that train on with the newest rows."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

from sklearn.callback import with_callbacks
from sklearn.utils.validation import _check_sample_weight

from phalanx.continuing import Course
from phalanx.errors import InputError
from phalanx.estimators.base import NetworkEstimator
from phalanx.estimators.members import FittedMember
from phalanx.estimators.targets import check_lengths
from phalanx.kinds.learning import further
from phalanx.population.predict import Final


class Online(NetworkEstimator):
    """Base of estimators that train on with further rows."""

    fit: ClassVar[Callable[..., Any]]
    members_: list[FittedMember]
    best_: FittedMember
    _course: Course

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on with further rows, such as the newest of a stream; see `Classifier.partial_fit`."""
        return self._go_on(X, y, sample_weight) if hasattr(self, "_predictor") else self.fit(X, y, sample_weight)

    def _go_on(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """Train the networks that predict on."""
        if not hasattr(self, "_course"):
            raise InputError("a member alone does not train on; give the rows to the estimator that it belongs to")
        if self._each_step:
            raise InputError("partial_fit takes a target for each row, not for each step; call fit on all rows")
        X = self._check_X(X, reset=False)
        values = self._values(y)
        check_lengths(X, values[0])
        for line in self.encoder_.unseen(X):
            warnings.warn(line, UserWarning, stacklevel=4)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        of_folds = self._course.goals_of_folds
        problem = further(X, values, self.encoder_, self._predictor.goals, of_folds, weight)
        self._course, finals, lost = self._course.go_on(problem, self._predictor.members)
        for id_ in lost:
            warnings.warn(f"{id_} diverged on these rows, and stays as it was", UserWarning, stacklevel=4)
        self._predictor = replace(self._predictor, members=finals)
        self.members_ = [_at(member, finals.get(member.id, member._final)) for member in self.members_]
        self.best_ = next(member for member in self.members_ if member.id == self.best_.id)
        return self


class OnlineClasses(Online):
    """Base of estimators of classes that train on with further rows."""

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train on with further rows, such as the newest of a stream; where nothing is fitted yet, this is `fit`.

        The networks that predict go on from their parameters, for one pass over the rows whatever `max_rounds` and
        `minutes` say, in batches as in `fit`, with a fresh state of the optimizer, without early stopping. Knobs keep
        the values that their schedules had at a network's best round, those of the optimizer the mean of what they had
        until then: a learning rate that fell to 0 would learn nothing. Rows are encoded, and numbers of the target
        standardized, as those of `fit` said; so is what validation rows said, such as a fixed variance. `members_`,
        `best_` and predictions are of the networks as they are then; `leaderboard_`, `curves_`, `diagnostics_` and
        `hints_` stay those of `fit`.

        `sample_weight` counts rows, as in `fit`. `classes`: all that there are, where the first rows may not have them
        all; a list for each of several targets, and of `MultiTask` a map of them by column. Warns of networks that
        diverge, which stay as they were. Raises ValueError for rows unlike those of `fit`. Returns the estimator.

        >>> from phalanx import Adam, Classifier, Dense, Tanh
        >>> net = Classifier([Dense(8), Tanh()], optimizer=Adam(0.03), batch_size=4, stopping=None, max_rounds=10)
        >>> x = [[i / 50 - 1] for i in range(100)]
        >>> for border in (0.0, 0.5, 0.5, 0.5, 0.5):
        ...     net = net.partial_fit(x, [row[0] > border for row in x])
        >>> net.predict([[0.2], [0.8]]).tolist()
        [False, True]

        Source: notes G1 (online learning takes the most recent samples).
        """
        if not hasattr(self, "_predictor"):
            return self._learn(X, y, sample_weight, None, None, classes)
        if classes is not None and not self._are_known(classes):
            raise InputError("classes are others than those of the first rows; leave them out")
        return self._go_on(X, y, sample_weight)

    def _learn(self, X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, classes: Any = None) -> Self:
        """Train as `fit` does; `classes`: all that there are, None: those of the rows."""
        raise NotImplementedError

    def _are_known(self, classes: Any) -> bool:
        """Say whether classes are those that were learned."""
        raise NotImplementedError


def _at(member: FittedMember, final: Final) -> FittedMember:
    """Return a member with the parameters that it has now."""
    return replace(member, params=final.params, _final=final)
