"""Callbacks of scikit-learn during `fit`: they are told of every round, and one of them may end the training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.callback import CallbackSupportMixin

from phalanx.experiment import Plan
from phalanx.population.view import Decision, View, Watch


class Watched(CallbackSupportMixin):
    """Base of estimators with `set_callbacks`, whose methods `fit` are `sklearn.callback.with_callbacks`.

    The task `fit` has a task `train` for each time that populations are built, such as for training again on all rows;
    this has a task `round` for each round, which ends when every population that still trains has trained it. At its
    end the estimator's `progress_`, which it has while it trains, says how the populations stand. A callback whose
    `on_fit_task_end` returns True there ends the training, as Ctrl-C does on the command line: networks keep their best
    parameters, and none is trained again. Callbacks get a `fitted_estimator` at the end of `fit` only.
    """

    progress_: View

    @contextmanager
    def _watching(self, plan: Plan, X: Any, y: Any) -> Iterator[Watch]:
        """Tell callbacks that training begins on the rows given, and after the body that it has ended; the watcher that
        is yielded tells them of the rounds between.
        """
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        rounds = _Rounds(self, context, plan.max_rounds, {"estimator": self, "X": X, "y": y})
        try:
            yield rounds
        finally:
            self.__dict__.pop("progress_", None)
        rounds.end()
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})


class _Rounds:
    """A watcher that makes tasks of what it is shown."""

    def __init__(self, estimator: Watched, fit: Any, max_rounds: int | None, told: dict[str, Any]) -> None:
        self._estimator, self._fit, self._told = estimator, fit, told
        self._begin(max_rounds)

    def _begin(self, most: int | None) -> None:
        self._train = self._fit.subcontext("train", max_subtasks=most).call_on_fit_task_begin(**self._told)
        self._most, self._ended, self._seen = most, 0, 0
        self._next()

    def _next(self) -> None:
        self._round = self._train.subcontext("round").call_on_fit_task_begin(**self._told)

    def __call__(self, view: View) -> Decision:
        self._estimator.progress_ = view
        populations, stop = view.populations, False
        moved = sum(population.rounds for population in populations)
        if moved <= self._seen:  # others have begun
            self.end()
            self._begin(None)
        self._seen = moved
        behind = [population.rounds for population in populations if population.alive]
        while self._ended < (min(behind) if behind else max(population.rounds for population in populations)):
            self._ended += 1
            stop = self._round.call_on_fit_task_end(**self._told) or stop
            if self._ended != self._most:
                self._next()
        return Decision(stop=stop)

    def end(self) -> None:
        """Tell that populations have ended."""
        self._train.call_on_fit_task_end(**self._told)
