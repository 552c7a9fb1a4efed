"""Solving the output layer of a network at once: what `LeastSquares` needs of a network, and how it is computed."""

import dataclasses
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax
import numpy as np
from threadpoolctl import ThreadpoolController

from phalanx.blueprint import Blueprint
from phalanx.errors import InputError
from phalanx.likelihoods import Gaussian
from phalanx.model import Batch, forward
from phalanx.network import OUTPUT, Network
from phalanx.optimizers import LeastSquares
from phalanx.parts import Schedule
from phalanx.population.stack import power_of_two
from phalanx.regularizers import L2

ROWS = 4096
"""Rows of a block."""

ONE_THREAD_NUMBERS = 5_000_000
"""Up to this many numbers linear algebra uses one thread."""

_LOCK = threading.Lock()
_ROUNDING = float(np.finfo(np.float32).eps)  # h has single precision: what is smaller beside it is rounding

_OTHERWISE = "; give an optimizer that takes steps, such as Adam()"


def is_solved(network: Network) -> bool:
    """Say whether the output layer of a network is solved at once."""
    return isinstance(network.optimizer, LeastSquares)


def check_solvable(network: Network, shape: Any) -> None:
    """Raise `InputError` for a network whose output layer cannot be solved at once; `shape` is that of a row."""
    start = "LeastSquares solves the output layer alone"
    if type(network.likelihood) is not Gaussian:
        kind = type(network.likelihood).__name__
        raise InputError(f"{start}, for numbers with the likelihood Gaussian, not {kind}{_OTHERWISE}")
    for part in network.regularizers:
        if type(part) is not L2:
            raise InputError(f"{start}, with no regularizer but L2, not {type(part).__name__}{_OTHERWISE}")
    for leaf in jax.tree.leaves(network, is_leaf=lambda node: isinstance(node, Schedule)):
        if isinstance(leaf, Schedule):
            raise InputError(f"{start}, without steps in which {leaf} could change; give a number")
    for name, layer, before, _ in Blueprint.of(network, shape).layers:
        if name == OUTPUT:
            if len(before) != 1:
                raise InputError(f"{start}, of one target for each row, not for each of its steps{_OTHERWISE}")
        elif layer.init(np.random.default_rng(0), before)[0]:
            raise InputError(f"{start}, but {name} learns too{_OTHERWISE}")
        elif layer.noise(before) or layer.shared_noise(before) or layer.couples_rows:
            raise InputError(f"{start}, but {name} makes training random{_OTHERWISE}")


def solved(network: Network, params: Any, states: Any, rows: Batch, train: np.ndarray) -> Any:
    """Return the parameters with the output layer that `LeastSquares` names, for the rows at positions `train`."""
    output, likelihood = params[OUTPUT], network.likelihood
    assert isinstance(likelihood, Gaussian)
    penalties = [part for part in network.regularizers if isinstance(part, L2) and (not part.on or OUTPUT in part.on)]
    ridge = math.sqrt(sum(part.alpha for part in penalties) * likelihood.variance)
    targets, weight = np.asarray(rows.y[0], np.float64)[train], np.asarray(rows.weight, np.float64)[train]
    known = ~np.isnan(targets)
    together = [list(range(targets.shape[1]))] if known.all() else [[j] for j in range(targets.shape[1])]
    found = np.zeros((output["weight"].shape[0] + 1, targets.shape[1]))
    with _threads(found.shape[0] * len(train)):
        for columns in together:
            at = known[:, columns[0]]
            blocks = _blocks(network, params, states, rows.x, train[at])
            found[:, columns] = _least_squares(blocks, targets[at][:, columns], weight[at] / len(train), ridge)
    made = {"weight": found[:-1], "bias": found[-1]}
    return {**params, OUTPUT: {name: made[name].astype(held.dtype) for name, held in output.items()}}


@contextmanager
def _threads(numbers: int) -> Iterator[None]:
    """Let linear algebra on few numbers use one thread, where more would wait for each other: a hundred times as long
    on cores that are in use elsewhere. One at a time, as the limit is that of the process.
    """
    with _LOCK, _libraries().limit(limits=1 if numbers <= ONE_THREAD_NUMBERS else None, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _least_squares(blocks: Iterator[np.ndarray], targets: np.ndarray, weight: np.ndarray, ridge: float) -> np.ndarray:
    """Return (W, b), which minimizes Σ_i weight_i ‖h_i W + b − y_i‖² + ridge² ‖W‖²; `blocks` yields the h_i in order.

    Of all blocks so far only the triangle R of the QR decomposition of [1, h, y] is kept. Below its first row h and y
    are centred, and b is gone.
    """
    triangle: np.ndarray | None = None
    first = 0
    for h in blocks:
        here = slice(first, first + len(h))
        block = np.column_stack([np.ones(len(h)), h, targets[here]]) * np.sqrt(weight[here])[:, None]
        whole = block if triangle is None else np.vstack([triangle, block])
        triangle, first = np.asarray(np.linalg.qr(whole, mode="r")), here.stop
    assert triangle is not None
    inputs = triangle.shape[1] - targets.shape[1] - 1
    centred = triangle[1:, 1:]
    penalty = np.eye(inputs if ridge else 0, centred.shape[1]) * ridge
    system = np.vstack([centred, penalty])
    found = np.linalg.lstsq(system[:, :inputs], system[:, inputs:], rcond=_ROUNDING)[0]
    bias = (triangle[0, inputs + 1 :] - triangle[0, 1 : inputs + 1] @ found) / triangle[0, 0]
    return np.vstack([found, bias])


def _blocks(network: Network, params: Any, states: Any, x: Any, at: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what reaches the output layer for the rows at some positions, in double precision, block by block."""
    trunk = dataclasses.replace(network, layers=network.layers[:-1])
    knobs = jax.tree.map(np.float32, trunk)
    before = {name: held for name, held in params.items() if name != OUTPUT}
    for first in range(0, len(at), ROWS):
        here = at[first : first + ROWS]
        padded = np.resize(here, power_of_two(len(here)))  # so that data of other lengths meet the same program
        block = jax.tree.map(lambda a, padded=padded: a[padded], x)
        yield np.asarray(_features(knobs, before, states, block), np.float64)[: len(here)]


@jax.jit
def _features(trunk: Network, params: Any, states: Any, x: Any) -> jax.Array:
    return forward(trunk, params, states, x).z[0]
