"""What TensorBoard shows of a training."""

import importlib
from pathlib import Path
from typing import Any

from phalanx.callbacks.told import Rounds, costs_of, members_of
from phalanx.errors import InputError


class TensorBoard:
    """Writes a training as TensorBoard reads it, into a new folder.

    Each round: of each population `best_cost` and `median_cost`, of the best validation costs of its members so far,
    and `alive`, those that still train. At the end: a folder for each member, with the values drawn for it and its
    scores (TensorBoard's HPARAMS), and of the best ones, as many as `members`, the costs of each round. It needs the
    package tensorboardX, see docs/runs.md; `fit` raises `InputError` where the folder exists already.
    """

    def __init__(self, folder: str | Path, members: int = 5) -> None:
        try:
            self._library = importlib.import_module("tensorboardX")
        except ImportError:
            raise InputError("TensorBoard needs the package tensorboardX: pip install 'phalanx[tensorboard]'") from None
        self.folder, self.members = Path(folder), members

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to write."""
        try:
            self.folder.mkdir(parents=True)
        except FileExistsError:
            raise InputError(f"{self.folder} exists already; choose another folder, or remove it first") from None
        except OSError as error:
            raise InputError(f"{self.folder} cannot be made: {error.strerror}; choose another folder") from None
        self._rounds, self._writer = Rounds(), self._library.SummaryWriter(str(self.folder))

    def teardown(self, estimator: Any, context: Any) -> None:
        """End to write, whether `fit` ended well or not."""
        self._writer.close()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Note what begins."""
        self._rounds.begins(context)

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Write a round, or at the end the members; never asks to stop."""
        step, told = self._rounds.told(estimator, context)
        for name, value in told.items():
            self._writer.add_scalar(name, value, step)
        if context.task_name == "fit":
            self._write_members(estimator)
        return False

    def _write_members(self, estimator: Any) -> None:
        for place, member in enumerate(members_of(estimator)):
            self._writer.add_hparams(member.drawn, member.scores, name=member.id)
            if place < self.members:
                folder = str(self.folder / member.id)
                with self._library.SummaryWriter(folder, filename_suffix=".costs") as writer:  # or it is one file
                    for step, name, cost in costs_of(member):
                        writer.add_scalar(name, cost, step)
