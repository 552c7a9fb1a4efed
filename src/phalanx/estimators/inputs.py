"""The rows that an estimator is given: checked, and read as those of `fit` were."""

import warnings
from typing import Any

import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from phalanx.data.cells import holds_objects
from phalanx.data.columns import Column
from phalanx.data.frames import read_frame
from phalanx.data.notes import bad_cells
from phalanx.data.reading import Reading
from phalanx.errors import InputError
from phalanx.estimators.parameters import PartsEstimator
from phalanx.kinds.kind import Encoder
from phalanx.kinds.registry import kind_of_rows
from phalanx.kinds.rows import RowKind
from phalanx.kinds.steps import stepped
from phalanx.options import check_text


class RowEstimator(PartsEstimator):
    """Base of estimators of rows: tables, images, texts, codes and whatever else is a kind of rows."""

    layers: Any
    missing: Any
    encoder_: Encoder
    columns_: tuple[Column, ...]
    _given: RowKind  # the kind of what `fit` was given
    _readings: dict[str, Reading]
    _framed: bool
    _each_step = False  # whether there is a target for each step of a row

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        """Return rows as their kind takes them, checked as scikit-learn does; after `fit`, as those of `fit` were."""
        if reset:
            self._framed, self._readings = isinstance(X, pd.DataFrame), {}
            self._given, rows = kind_of_rows(X, self.layers)
        else:
            rows = self._given.rows(X, self.layers, known=True)
            if rows is None:
                raise InputError(f"the model was trained on {self._given.name}; give {self._given.expected()}")
        return self._given.check(self, X, rows, reset)

    def _read_frame(self, X: Any, reset: bool) -> pd.DataFrame:
        """Return the rows of a DataFrame, or of an array whose columns are those of the DataFrame of `fit`."""
        if not isinstance(X, pd.DataFrame):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if not isinstance(X, pd.DataFrame):
            X = pd.DataFrame(X, columns=[column.name for column in self.columns_]).infer_objects()
        if reset and len(X) < 2:
            raise ValueError(f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required.")
        objects = [name for name in X.columns if holds_objects(X[name])]
        held = X[objects].rename(columns=str)
        X, readings = read_frame(X.drop(columns=objects), None if reset else self._readings, words_of(self.missing))
        X = X.assign(**held)
        if reset:
            self._readings = readings
        else:
            for line in bad_cells(readings):
                warnings.warn(line, UserWarning, stacklevel=5)
        return X

    def _inputs(self, X: Any) -> Any:
        """Return rows as the networks are asked about them."""
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        if self._each_step:
            return stepped(self._given, self.encoder_, X)
        for line in self.encoder_.unseen(X):
            warnings.warn(line, UserWarning, stacklevel=3)
        return self.encoder_.transform(X)


def words_of(missing: Any) -> tuple[str, ...] | None:
    """Return the spellings of a missing cell that `missing` names, None: they are found out."""
    if missing is None:
        return None
    words = tuple(missing) if isinstance(missing, (list, tuple)) else (missing,)
    for word in words:
        check_text("missing", word)
    return words
