"""Data as JSON holds it: what a run writes, and what a page draws."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def jsonable(value: Any) -> Any:
    """Return data as maps, lists, texts, and numbers that JSON holds; other numbers, and what is missing, are None.

    >>> jsonable({"a": (1, float("inf"), np.float32(0.5)), "b": pd.NA})
    {'a': [1, None, 0.5], 'b': None}
    """
    if isinstance(value, Mapping):
        return {str(key): jsonable(held) for key, held in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [jsonable(held) for held in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)
