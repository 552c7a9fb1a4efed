"""Predictions of trained networks, in blocks of a fixed number of rows: one program, whatever the number of rows."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.network import Network
from phalanx.population.program import outputs, sampled_outputs
from phalanx.population.stack import padded

BLOCK_ROWS, BLOCK_NUMBERS = 1024, 2**20
"""Rows of a block, fewer where a row holds many numbers; numbers of the inputs of a block then."""


class Final(NamedTuple):
    """A trained network: its specification, best parameters and states (NumPy), and how far the run was then (0 to 1).

    Progress is where the schedules of layers are evaluated.
    """

    network: Network
    params: Any
    states: Any
    progress: float


def predict(final: Final, x: Any, samples: int = 0) -> tuple[np.ndarray, ...]:
    """Return of each head probabilities (rows, classes) or means (rows, d), as float32.

    With `samples` it is the average over so many draws of random layers, such as dropout masks (MAP F10); without,
    those layers pass their input through, which for dropout is the weight scaling rule.
    A row's answer does not depend on its neighbours: every block has the same shape, padded where rows run out.
    """
    if samples:
        return _in_blocks(final, x, lambda *block: sampled_outputs(*block, np.int32(samples), np.uint32(0)))
    return _in_blocks(final, x, outputs)


def raw_outputs(final: Final, x: Any) -> tuple[np.ndarray, ...]:
    """Return of each head the outputs z (rows, units), from which a likelihood makes distributions."""
    return _in_blocks(final, x, lambda *block: outputs(*block, raw=True))


def _in_blocks(final: Final, x: Any, program: Callable[..., tuple[jax.Array, ...]]) -> tuple[np.ndarray, ...]:
    network, params, states, progress = final
    knobs = jax.tree.map(np.float32, network)
    rows = len(jax.tree.leaves(x)[0])
    numbers = max(math.prod(leaf.shape[1:]) for leaf in jax.tree.leaves(x))
    each = max(1, min(BLOCK_ROWS, 2 ** (BLOCK_NUMBERS // max(numbers, 1)).bit_length() // 2))
    blocks = []
    for first in range(0, max(rows, 1), each):
        block = jax.tree.map(lambda a, first=first: padded(a[first : first + each], each), x)
        blocks.append(program(knobs, params, states, block, np.float32(progress)))
    return tuple(np.concatenate([np.asarray(block[i]) for block in blocks])[:rows] for i in range(len(blocks[0])))
