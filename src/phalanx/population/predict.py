"""Predictions of trained networks, in blocks of a fixed number of rows: one program, whatever the number of rows."""

from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.model import Network
from phalanx.population.program import outputs
from phalanx.population.stack import padded

BLOCK_ROWS = 1024


class Final(NamedTuple):
    """A trained network: its specification, best parameters and states (NumPy), and how far the run was then (0 to 1).

    Progress is where the schedules of layers are evaluated.
    """

    network: Network
    params: Any
    states: Any
    progress: float


def predict(final: Final, x: Any) -> np.ndarray:
    """Return probabilities (rows, classes) or means (rows, 1), as float32.

    A row's answer does not depend on its neighbours: every block has the same shape, padded where rows run out.
    """
    network, params, states, progress = final
    knobs = jax.tree.map(np.float32, network)
    rows = len(jax.tree.leaves(x)[0])
    blocks = []
    for first in range(0, max(rows, 1), BLOCK_ROWS):
        block = jax.tree.map(lambda a, first=first: padded(a[first : first + BLOCK_ROWS], BLOCK_ROWS), x)
        blocks.append(outputs(knobs, params, states, block, np.float32(progress)))
    return np.concatenate([np.asarray(block) for block in blocks])[:rows]
