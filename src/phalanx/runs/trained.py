"""What training left in a folder, opened in Python."""

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from phalanx.kinds.model import Model
from phalanx.kinds.registry import load_like
from phalanx.runs.folder import load_run, read_curves, read_leaderboard, read_result


class TrainedModel:
    """A run, or an estimator that was saved, opened by `phalanx.load`. Its ensemble predicts.

    `members`: the networks that are kept, those of the ensemble and the best one, by id; each predicts alone by the
    same methods, which are those of `OpenedRows`, or of language those of `OpenedText`. `ensemble`: their shares.
    `best`: the id of the best. `leaderboard`, `curves` and `result` are read when they are first asked for.
    """

    def __init__(self, folder: Path, model: Model) -> None:
        self.folder = folder
        self._opened = model.kind.opened(model, load_like)
        self.members = {id_: model.kind.opened(model.alone(id_), load_like) for id_ in model.members}
        self.ensemble, self.best = dict(model.shares), model.best

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._opened, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(self._opened) if not name.startswith("_"))})

    def __repr__(self) -> str:
        return f"TrainedModel({str(self.folder)!r})"

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """Members, baselines and the ensemble, the best first, with their metrics."""
        return read_leaderboard(self.folder)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The learning curves of all members: a row a round."""
        return read_curves(self.folder)

    @cached_property
    def result(self) -> dict[str, Any]:
        """What training found, as `result.json` has it."""
        return read_result(self.folder)


def load(folder: str | Path) -> TrainedModel:
    """Open a run folder, or what an estimator's `save` wrote.

    It is plain data and arrays; nothing in it is executed. Predictions are those of `phalanx predict`, to the bit.
    Raises `InputError` where there is no such folder, or it is damaged.
    """
    path = Path(folder)
    return TrainedModel(path, load_run(path))
