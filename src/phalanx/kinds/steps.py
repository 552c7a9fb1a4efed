"""Answers at each step of a row: rows of any length as networks are asked about them, and models that so answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data import Source
from phalanx.data.columns import unique_names
from phalanx.data.steps import with_steps
from phalanx.errors import InputError
from phalanx.kinds.kind import Encoder
from phalanx.kinds.model import RowModel
from phalanx.population.predict import Folded, Stepped


def stepped(kind: Any, encoder: Encoder, rows: Any) -> Any:
    """Return rows of a kind that has steps, encoded for networks that answer at each of them.

    Rows longer than those of training are not cut: the steps are doubled until all have room, so that few programs
    are compiled.
    """
    real = kind.real(rows)
    encoders: Any = encoder.of_folds
    steps = encoders[0].steps
    while steps < real.shape[1]:
        steps *= 2
    real = with_steps(real, steps)
    found = tuple(Stepped(replace(one, steps=steps).transform(rows), real) for one in encoders)
    return found[0] if len(found) == 1 else Folded(found)


def by_row(found: np.ndarray, real: np.ndarray, axis: int = 0) -> list[np.ndarray]:
    """Return what is said of all `real` steps (rows, steps), one after the other, as an array for each row.

    >>> by_row(np.array([7, 8, 9]), np.array([[True, True], [True, False]]))
    [array([7, 8]), array([9])]
    """
    return np.split(found, np.cumsum(real.sum(1))[:-1], axis) if len(real) else []


class StepModel(RowModel):
    """A model that answers at each step: what it says of a target is a list of arrays, one a row."""

    def to_plain(self) -> dict[str, Any]:
        return {**super().to_plain(), "each_step": True}

    def inputs(self, source: Source) -> Any:
        return stepped(self.kind, self.encoder, source.inputs)

    def unseen(self, source: Source) -> list[str]:
        """Return nothing: no row is cut."""
        return []

    def predict(self, source: Source) -> dict[str, Any]:
        """Return of each target the most probable class, or expected number, of each step: an array for each row."""
        return self._by_row(source, super().predict(source))

    def probabilities(self, source: Source) -> dict[str, Any]:
        """Return the probabilities of each target that has classes, (steps, classes) float32 for each row."""
        return self._by_row(source, super().probabilities(source))

    def interval(self, source: Source, level: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the ends of intervals, see `RowModel.interval`, an array for each row."""
        low, high = super().interval(source, level)
        return self._by_row(source, low), self._by_row(source, high)

    def shaped(self, found: Mapping[str, Any]) -> Any:
        """Return what is predicted of the only target, a list of arrays, or of several a list of DataFrames."""
        if len(self.named) == 1:
            return found[self.named[0]]
        names = [name for name in self.named if name in found]
        return [
            pd.DataFrame(dict(zip(names, row, strict=True))) for row in zip(*(found[n] for n in names), strict=True)
        ]

    def table(self, source: Source, level: float = 0.9, ensemble: bool = True) -> pd.DataFrame:
        """Return predictions as a table, see `RowModel.table`: a line for each step, with the numbers of its row and of
        the step in it, from 1.
        """
        table = super().table(source, level, ensemble)
        lengths = self.kind.real(source.inputs).sum(1)
        steps = np.concatenate([np.arange(length) + 1 for length in lengths]) if len(lengths) else lengths
        *_, row, step = unique_names([*table, "row", "step"])
        table.insert(0, row, np.repeat(np.arange(len(lengths)) + 1, lengths))
        table.insert(1, step, steps)
        return table

    def evaluate(self, source: Source, ensemble: bool = True) -> tuple[dict[str, float], int, list[str]]:
        """Raise `InputError`: no source holds a target for each step."""
        raise InputError(
            "the model answers at each step of a row, and no source holds targets of steps: compare its predictions "
            "with them in Python"
        )

    def _by_row(self, source: Source, found: Mapping[str, Any]) -> dict[str, Any]:
        real = self.kind.real(source.inputs)
        return {name: by_row(said, real) for name, said in found.items()}
