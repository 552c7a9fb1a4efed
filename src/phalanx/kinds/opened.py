"""A model that was opened from its folder: what a person asks it in Python."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if

from phalanx.data import Source
from phalanx.kinds.model import RowModel, as_table
from phalanx.options import check_number
from phalanx.summaries import Summary, summary_of

Load = Callable[[Any, Sequence[str]], Source]
"""Reads files as a model takes them."""


def _has_classes(opened: "OpenedRows") -> bool:
    return any(goal.classes for goal in opened._model.predictor.goals)


def _has_numbers(opened: "OpenedRows") -> bool:
    return not all(goal.classes for goal in opened._model.predictor.goals)


class OpenedRows:
    """A model that predicts: of tables, images, sounds, texts, rows of codes, or the next steps of a series.

    A source is a `str` or a path, a file or folder as `phalanx predict` takes it, or a list of paths; a DataFrame is
    read as a table file of its cells would be. Beside these a model takes what it learned from: of numbers an array
    (rows, columns) in the order of training, an array of images, a list of texts, of rows of codes, of sequences
    (steps, channels), or of sounds, each a pair of samples a second and samples (n,) of one channel; of a series its
    values, in a pandas Series with dates for index where it has times. A model that answers at each step of a row
    returns lists, with an array for each row. What is noticed about a source is a `UserWarning`; `InputError` for
    anything else.
    """

    def __init__(self, model: RowModel, load: Load) -> None:
        self._model, self._load = model, load

    @property
    def targets(self) -> tuple[str, ...]:
        """What is predicted: the columns of the target, or the column of a series."""
        return self._model.named

    @property
    def classes(self) -> dict[str, np.ndarray]:
        """The classes of each target that has some, in the order of `predict_proba`."""
        return self._model.classes

    def predict(self, source: Any) -> Any:
        """Return the most probable class, or the expected number, of each row, (rows,); of several targets a DataFrame.

        Of a series: the expected values of the steps after its end, a pandas Series where its times are dates.
        """
        return self._model.shaped(self._model.predict(self._source(source)))

    @available_if(_has_classes)
    def predict_proba(self, source: Any) -> Any:
        """Return the probability of each class, (rows, classes) float32, in the order of `classes`; of several targets
        those of each that has classes, DataFrames by its name.
        """
        found = self._model.probabilities(self._source(source))
        if len(self.targets) == 1:
            return found[self.targets[0]]
        return {name: pd.DataFrame(found[name], columns=list(labels)) for name, labels in self.classes.items()}

    @available_if(_has_numbers)
    def predict_interval(self, source: Any, level: float = 0.9) -> tuple[Any, Any]:
        """Return the ends of the intervals that hold each number with probability `level`, shaped as by `predict`."""
        check_number("level", level, above=0.0, below=1.0)
        low, high = self._model.interval(self._source(source), level)
        return self._model.shaped(low), self._model.shaped(high)

    def table(self, source: Any, level: float = 0.9) -> pd.DataFrame:
        """Return what `phalanx predict` writes: predictions, probabilities and intervals, a row for each."""
        check_number("level", level, above=0.0, below=1.0)
        return self._model.table(self._source(source), level)

    def evaluate(self, source: Any) -> dict[str, float]:
        """Return all metrics on the rows of a source that have the target; of a series, over all its origins."""
        scores, _, noticed = self._model.evaluate(self._source(source))
        _warn(*noticed)
        return scores

    def summary(self) -> Summary:
        """Return the layers of the best network, with parameters and connections; see `phalanx.summary`."""
        return summary_of(self._model, self._model.row_shape)

    def _source(self, given: Any) -> Source:
        model = self._model
        if isinstance(given, (str, Path)):
            source = self._load(model, [str(given)])
        elif isinstance(given, (list, tuple)) and given and all(isinstance(one, Path) for one in given):
            source = self._load(model, [str(path) for path in given])
        elif isinstance(given, pd.DataFrame):
            source = model.kind.of_table(as_table(given, model.readings), model.encoder, Path())
        else:
            source = model.kind.source(given, model.encoder, model.readings)
        _warn(*source.notes, *model.unseen(source))
        return source


def _warn(*lines: str) -> None:
    for line in lines:
        warnings.warn(line, UserWarning, stacklevel=4)
