"""Rows as plain models take them: numbers and category codes."""

from typing import NamedTuple

import numpy as np
from scipy import sparse


class Encoded(NamedTuple):
    """Rows ready for a network: ``numbers`` (n, p) float32 and category ``codes`` (n, q) int32.

    Numbers may be sparse for models that are no networks.
    """

    numbers: np.ndarray | sparse.csr_array
    codes: np.ndarray
