"""The rows that an estimator is given: checked, and read as those of `fit` were."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import _check_n_features, check_is_fitted, validate_data

from phalanx.data.columns import Column
from phalanx.data.frames import read_frame
from phalanx.data.notes import bad_cells
from phalanx.data.reading import Reading
from phalanx.estimators.parameters import PartsEstimator
from phalanx.kinds.codes.encoder import CodeEncoder, code_rows
from phalanx.kinds.registry import Encoder
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts import TextEncoder, texts_of
from phalanx.layers import Embedding, Wrapper
from phalanx.options import check_text
from phalanx.spec.distributions import Choice


class RowEstimator(PartsEstimator):
    """Base of estimators of rows: tables, arrays, images, texts or codes."""

    layers: Any
    missing: Any
    encoder_: Encoder | CodeEncoder
    columns_: tuple[Column, ...]
    _readings: dict[str, Reading]
    _framed: bool

    def _encode(self, X: Any) -> Any:
        if isinstance(self.encoder_, TableEncoder) and not isinstance(X, pd.DataFrame):
            return self.encoder_.transform_numbers(X)
        return self.encoder_.transform(X)

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        """Return a DataFrame with its text read, or an array: floats, (n, *space, channels), texts, or rows of codes.

        After `fit`, rows are read as those of `fit`: an array by the position of a DataFrame's columns, and a DataFrame
        by that of an array's, both with scikit-learn's warning.
        """
        if reset:
            self._framed = isinstance(X, pd.DataFrame)
        if (texts := texts_of(X, isinstance(getattr(self, "encoder_", None), TextEncoder) and not reset)) is not None:
            return texts
        if _takes_codes(self.layers) if reset else isinstance(self.encoder_, CodeEncoder):
            rows = code_rows(X.to_numpy() if isinstance(X, pd.DataFrame) else X)
            if reset:
                self.n_features_in_ = rows.shape[1]
            return rows
        if getattr(X, "ndim", 2) > 2:
            X = check_array(X, dtype=None if np.asarray(X).dtype == np.uint8 else np.float32, allow_nd=True)
            _check_n_features(self, X, reset=reset)
            return X
        if self._framed:
            return self._read_frame(X, reset)
        return validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
        )

    def _read_frame(self, X: Any, reset: bool) -> pd.DataFrame:
        """Return the rows of a DataFrame, or of an array whose columns are those of the DataFrame of `fit`."""
        if not isinstance(X, pd.DataFrame):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if not isinstance(X, pd.DataFrame):
            X = pd.DataFrame(X, columns=[column.name for column in self.columns_]).infer_objects()
        if reset and len(X) < 2:
            raise ValueError(f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required.")
        X, readings = read_frame(X, None if reset else self._readings, words_of(self.missing))
        if reset:
            self._readings = readings
        else:
            for line in bad_cells(readings):
                warnings.warn(line, UserWarning, stacklevel=5)
        return X

    def _inputs(self, X: Any) -> Any:
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        if isinstance(self.encoder_, TableEncoder) and isinstance(X, pd.DataFrame):
            for line in self.encoder_.unseen(X):
                warnings.warn(line, UserWarning, stacklevel=3)
        return self._encode(X)


def are_codes(X: Any) -> bool:
    """Say whether rows are codes: those of tables are a DataFrame or floats."""
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "i"


def _takes_codes(layers: Any) -> bool:
    """Say whether layers, or every option of theirs, begin with an embedding."""
    if isinstance(layers, Choice):
        return all(map(_takes_codes, layers.options))
    if isinstance(layers, (list, tuple)):
        return bool(layers) and _takes_codes(layers[0])
    if isinstance(layers, Wrapper):
        return _takes_codes(layers.layer)
    return isinstance(layers, Embedding)


def words_of(missing: Any) -> tuple[str, ...] | None:
    """Return the spellings of a missing cell that `missing` names, None: they are found out."""
    if missing is None:
        return None
    words = tuple(missing) if isinstance(missing, (list, tuple)) else (missing,)
    for word in words:
        check_text("missing", word)
    return words
