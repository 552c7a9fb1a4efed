"""What MLflow keeps of a training."""

import importlib
import time
from typing import Any

from phalanx.callbacks.told import Member, Rounds, costs_of, members_of
from phalanx.errors import InputError
from phalanx.leaderboard import metric_columns

_MOST = {"metrics": 1_000, "params": 100}
"""What a server of MLflow takes at once."""


class MLflow:
    """Logs a training to MLflow: a run with a nested run for each of the best members, as many as `members`.

    The run has each round's numbers, see `TensorBoard`, the estimator's parameters that are not as usual, and in the
    end the scores of the ensemble; a nested one the values drawn for the member, its costs of each round, and its
    scores. Runs stand under the name of an `experiment`; `run` names this one; `uri` says where they are kept, None: as
    MLflow has it. It needs the package mlflow, see docs/runs.md. A `fit` that fails is a run that failed.
    """

    def __init__(
        self, experiment: str = "phalanx", *, run: str | None = None, uri: str | None = None, members: int = 5
    ) -> None:
        try:
            self._library = importlib.import_module("mlflow")
        except ImportError:
            raise InputError("MLflow needs the package mlflow: pip install 'phalanx[mlflow]'") from None
        self.experiment, self.run, self.uri, self.members = experiment, run, uri, members

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin the run."""
        self._client = self._library.MlflowClient(tracking_uri=self.uri)
        known = self._client.get_experiment_by_name(self.experiment)
        self._experiment = self._client.create_experiment(self.experiment) if known is None else known.experiment_id
        self._rounds, self._ended = Rounds(), False
        self._id = self._begin(self.run or type(estimator).__name__)
        self._log(self._id, params={name: str(value) for name, value in _unusual(estimator).items()})

    def teardown(self, estimator: Any, context: Any) -> None:
        """End the run, as failed unless `fit` came to its end."""
        self._client.set_terminated(self._id, "FINISHED" if self._ended else "FAILED")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Note what begins."""
        self._rounds.begins(context)

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Log a round, or at the end the members; never asks to stop."""
        step, told = self._rounds.told(estimator, context)
        self._log(self._id, metrics=[(step, name, value) for name, value in told.items()])
        if context.task_name == "fit":
            board = estimator.leaderboard_
            scored = board.set_index("id").loc["ensemble", metric_columns(board)].dropna()
            self._log(self._id, metrics=[(0, str(name), float(value)) for name, value in scored.items()])
            for member in members_of(estimator, self.members):
                self._log_member(member)
            self._ended = True
        return False

    def _log_member(self, member: Member) -> None:
        run = self._begin(member.id, {"mlflow.parentRunId": self._id})
        self._log(run, costs_of(member), {path: str(value) for path, value in member.drawn.items()})
        self._log(run, [(0, name, value) for name, value in member.scores.items()])
        self._client.set_terminated(run)

    def _begin(self, name: str, tags: dict[str, str] | None = None) -> str:
        run = self._client.create_run(self._experiment, tags={**(tags or {}), "mlflow.runName": name})
        return str(run.info.run_id)

    def _log(
        self,
        run: str,
        metrics: list[tuple[int, str, float]] | None = None,
        params: dict[str, str] | None = None,
    ) -> None:
        """Log (step, name, value) of metrics, and parameters, as much at once as a server takes."""
        entities, now = self._library.entities, int(1_000 * time.time())
        held: dict[str, list[Any]] = {
            "metrics": [entities.Metric(name, value, now, step) for step, name, value in metrics or []],
            "params": [entities.Param(name, value) for name, value in (params or {}).items()],
        }
        for kind, logged in held.items():
            for some in _in_parts(logged, _MOST[kind]):
                self._client.log_batch(run, **{kind: some})


def _in_parts(values: list[Any], most: int) -> list[list[Any]]:
    return [values[first : first + most] for first in range(0, len(values), most)]


def _unusual(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator that differ from its defaults."""
    usual = type(estimator)().get_params(deep=False)
    given = estimator.get_params(deep=False)
    return {name: value for name, value in given.items() if repr(value) != repr(usual[name])}
