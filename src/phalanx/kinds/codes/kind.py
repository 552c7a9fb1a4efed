"""Rows of codes, whole numbers that name tokens: given in Python only, to networks that begin with an embedding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from phalanx.kinds.codes.encoder import NONE, CodeEncoder, code_rows
from phalanx.kinds.rows import RowKind
from phalanx.kinds.shown import Shown, text
from phalanx.layers import Embedding, Wrapper
from phalanx.parts.distributions import Choice


class CodeKind(RowKind):
    """Rows of codes, each as long as it is."""

    name = "codes"
    encoder = CodeEncoder
    arrays = "rows of codes"

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> np.ndarray | None:
        if not known and not _take_codes(layers):
            return None
        return code_rows(given.to_numpy() if isinstance(given, pd.DataFrame) else given)

    def check(self, estimator: Any, given: Any, rows: Any, reset: bool) -> Any:
        if reset:
            estimator.n_features_in_ = rows.shape[1]
        return rows

    def real(self, rows: np.ndarray) -> np.ndarray:
        return rows != NONE

    def show(self, encoder: Any, inputs: np.ndarray, kept: Any, telling: Sequence[str]) -> list[Shown]:
        """Return the codes as they were given."""
        return [text(" ".join(str(code - 1) for code in row if code)) for row in inputs]

    def in_files(self, rows: Any) -> bool:
        return False


CODES = CodeKind()


def _take_codes(layers: Any) -> bool:
    """Say whether layers, or every option of theirs, begin with an embedding."""
    if isinstance(layers, Choice):
        return all(map(_take_codes, layers.options))
    if isinstance(layers, (list, tuple)):
        return bool(layers) and _take_codes(layers[0])
    if isinstance(layers, Wrapper):
        return _take_codes(layers.layer)
    return isinstance(layers, Embedding)
