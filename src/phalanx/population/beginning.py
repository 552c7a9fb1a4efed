"""Where a network begins: its weights, what its layers take from the training rows, and what is solved at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phalanx.layers import Branches, Columns, Layer, bare
from phalanx.model import Batch, initialize, row_shape
from phalanx.network import Network
from phalanx.parts import names
from phalanx.population.trial import Trial
from phalanx.solving import is_solved, solved

SEEN = 20_000
"""Rows that a layer sees at most, drawn at random."""

_STREAM = 2**32 - 1  # of random numbers, beside those of the layers


def begun(trial: Trial, rows: Batch, train: np.ndarray) -> tuple[Any, Any]:
    """Return the parameters and states of a trial before its first step, which trains on the rows at some positions."""
    network = trial.network
    params, states = trial.trained or initialize(network, trial.seed, row_shape(rows.x))
    states = _with_rows_seen(network, states, rows.x, train, trial.seed)
    return (solved(network, params, states, rows, train) if is_solved(network) else params), states


def _with_rows_seen(network: Network, states: Any, x: Any, train: np.ndarray, seed: int) -> Any:
    """Return the states with what layers say that the training rows say; see `Layer.seen`."""
    found = _first(network.layers, x)
    if not found:
        return states
    rng = np.random.default_rng([seed, _STREAM])
    at = np.sort(rng.choice(train, SEEN, replace=False)) if len(train) > SEEN else train
    return {**states, **{name: layer.seen(rng, states[name], held[at]) for name, layer, held in found}}


def _first(layers: Sequence[Layer], x: Any, prefix: str = "") -> list[tuple[str, Layer, np.ndarray]]:
    """Return the layers that see rows, by name, and the numbers that they see."""
    called = list(zip(names(layers), layers, strict=True))
    if called and isinstance(called[0][1], Branches):
        prefix, whole = f"{prefix}{called[0][0]}.", called[0][1]
        branches = zip(names(whole.inner), whole.inner, x, strict=True)
        return [one for name, branch, part in branches for one in _first(branch.inner, part, f"{prefix}{name}.")]
    table = bool(called) and isinstance(bare(called[0][1]), Columns)
    held = x[0] if table else x
    return [
        (prefix + name, layer, held)
        for name, layer in called[int(table) : int(table) + 1]
        if type(bare(layer)).seen is not Layer.seen and isinstance(held, np.ndarray) and held.ndim == 2
    ]
