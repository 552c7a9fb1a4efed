"""Texts as they are given in Python."""

from typing import Any

import numpy as np
import pandas as pd


def texts_of(X: Any, expected: bool) -> np.ndarray | None:
    """Return an array (rows,) of texts where X, a list or with one axis, holds nothing but `str`; None otherwise.

    Missing ones (None, NaN, pd.NA) beside texts, or where texts are `expected`, are empty texts.
    """
    if not isinstance(X, (list, tuple, np.ndarray, pd.Series)) or getattr(X, "ndim", 1) != 1 or not len(X):
        return None
    held = [isinstance(text, str) for text in X]
    if not (any(held) or expected) or not all(
        told or text is None or text is pd.NA or text != text for told, text in zip(held, X, strict=True)
    ):
        return None
    texts = np.empty(len(held), object)
    texts[:] = [text if told else "" for told, text in zip(held, X, strict=True)]
    return texts
