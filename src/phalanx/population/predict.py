"""Predictions of trained networks, in blocks of a fixed number of rows: one program for each structure, whatever the
number of rows and of networks.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.blueprint import Blueprint
from phalanx.model import parameter_count, row_shape
from phalanx.network import Network
from phalanx.population.backend import devices, price
from phalanx.population.program import answers, outputs, predictions, sampled_predictions, thinned_outputs
from phalanx.population.stack import padded, stack
from phalanx.superstructure.merge import Merged
from phalanx.superstructure.programs import PREDICTING, Work, grouped, programs

BLOCK_ROWS, BLOCK_NUMBERS = 1024, 2**20
"""Rows of a block, fewer where a row holds many numbers; numbers of the inputs of a block then."""

MEMBERS, PARAMETERS = 64, 2**18
"""Networks that are handed to a program together, and numbers that all their parameters hold at most."""

_WORK = Work(10, 10_000)
"""What is computed of a network when it is asked, whatever the number of rows: so that who shares a program, on which
rounding depends, does not depend on it."""

_SIDE_BY_SIDE = 2**28  # numbers in the widest layers of what an accelerator computes at once


class Final(NamedTuple):
    """A trained network: its specification, best parameters and states (NumPy), and how far the run was then (0 to 1).

    Progress is where the schedules of layers are evaluated. `fold`: which of several encodings of the rows it takes,
    see `Folded`.
    """

    network: Network
    params: Any
    states: Any
    progress: float
    fold: int = 0


class Folded(NamedTuple):
    """The same rows as the encoder of each fold has them: in the place of inputs, for networks of several folds."""

    parts: tuple[Any, ...]


class Stepped(NamedTuple):
    """Rows `x` and which of their steps are `real`, (rows, steps): in the place of inputs, for networks that answer at
    each step. What they say are the answers at all real steps, one after the other, as if each were a row.
    """

    x: Any
    real: np.ndarray


def real_steps(x: Any) -> np.ndarray | None:
    """Return which steps of inputs are real, None: what is said is said of rows."""
    if isinstance(x, Folded):
        return real_steps(x.parts[0])
    return x.real if isinstance(x, Stepped) else None


def predict(final: Final, x: Any, samples: int = 0) -> tuple[np.ndarray, ...]:
    """Return one network's predictions: see `predict_all`."""
    return predict_all([final], x, samples)[0]


def predict_all(finals: Sequence[Final], x: Any, samples: int = 0) -> list[tuple[np.ndarray, ...]]:
    """Return of each network and each of its heads probabilities (rows, classes) or means (rows, d), as float32.

    With `samples` it is the average over so many draws of random layers, such as dropout masks (MAP F10); without,
    those layers pass their input through, which for dropout is the weight scaling rule.
    A row's answer does not depend on its neighbours, nor on how many networks are asked: every block has the same
    shape, padded where rows or networks run out. Which structures are asked together changes its rounding only. Of
    `Folded` inputs each network takes the part of its fold.
    """
    if samples:
        return _ask_all(finals, x, sampled_predictions, np.int32(samples), np.uint32(0))
    return _ask_all(finals, x, predictions)


def raw_outputs_all(finals: Sequence[Final], x: Any, samples: int = 0) -> list[tuple[np.ndarray, ...]]:
    """Return of each network and head the outputs z (rows, masks, units), from which a likelihood makes distributions.

    The masks are the `samples` draws of `predict_all`, or one, under which random layers pass their input through.
    """
    if not samples:
        return [tuple(z[:, None] for z in heads) for heads in _ask_all(finals, x, outputs)]
    drawn = [_ask_all(finals, x, thinned_outputs, np.int32(i), np.uint32(0)) for i in range(samples)]
    by_network = zip(*drawn, strict=True)
    return [tuple(np.stack(masks, axis=1) for masks in zip(*network, strict=True)) for network in by_network]


def _ask_all(finals: Sequence[Final], x: Any, ask: Callable[..., Any], *given: Any) -> list[tuple[np.ndarray, ...]]:
    """Return what each network says of the rows; those of one fold that share a program are asked together."""
    found: dict[int, tuple[np.ndarray, ...]] = {}
    if isinstance(x, Folded):
        for fold in dict.fromkeys(final.fold for final in finals):
            chosen = [i for i, final in enumerate(finals) if final.fold == fold]
            found |= zip(chosen, _ask_all([finals[i] for i in chosen], x.parts[fold], ask, *given), strict=True)
        return [found[i] for i in range(len(finals))]
    if isinstance(x, Stepped):
        return [tuple(said[x.real] for said in heads) for heads in _ask_all(finals, x.x, ask, *given)]
    devices()  # the backend starts with all cores, whoever asks first
    networks, shape = [final.network for final in finals], row_shape(x)
    for positions, merged in grouped(networks, shape, programs(networks, shape, _WORK, price(PREDICTING))):
        wide = [_widened(merged, finals[i]) for i in positions]
        room = PARAMETERS // max(parameter_count(wide[0].params), 1)
        together = min(MEMBERS, 2 ** room.bit_length() // 2) or 1
        for at in range(0, len(positions), together):
            chosen = positions[at : at + together]
            found |= zip(chosen, _ask(wide[at : at + together], together, x, ask, *given), strict=True)
    return [found[i] for i in range(len(finals))]


def _widened(merged: Merged, final: Final) -> Final:
    """Return a network as a program of several structures takes it."""
    params, states = merged.widen(final.network, final.params, final.states)
    return final._replace(network=merged.network(final.network), params=params, states=states)


def _ask(
    finals: Sequence[Final], places: int, x: Any, ask: Callable[..., Any], *given: Any
) -> list[tuple[np.ndarray, ...]]:
    """Return what each network of one structure says of the rows, by a program that has as many `places`."""
    held = [(final.params, final.states, np.float32(final.progress)) for final in finals]
    stacked = jax.tree.map(lambda *leaves: padded(np.stack(leaves), places), *held)
    members = jax.device_put((stack([final.network for final in finals], places), *stacked))
    rows = len(jax.tree.leaves(x)[0])
    numbers = max(math.prod(leaf.shape[1:]) for leaf in jax.tree.leaves(x))
    each = max(1, min(BLOCK_ROWS, 2 ** (BLOCK_NUMBERS // max(numbers, 1)).bit_length() // 2))
    width = _width(finals[0].network, row_shape(x), each, places)
    blocks = []
    for first in range(0, max(rows, 1), each):
        block = jax.tree.map(lambda a, first=first: padded(a[first : first + each], each), x)
        blocks.append(answers(members, np.int32(len(finals)), block, *given, ask=ask, width=width))
    said = jax.tree.map(
        lambda *parts: np.concatenate([np.asarray(part)[: len(finals)] for part in parts], 1)[:, :rows], *blocks
    )
    return [jax.tree.map(lambda a, i=i: a[i], said) for i in range(len(finals))]


def _width(network: Network, shape: Any, rows: int, places: int) -> int:
    """Return how many networks are computed side by side: one on a CPU, which a block of rows fills; on an accelerator
    all whose layers fit.
    """
    if jax.default_backend() == "cpu":
        return 1
    room = _SIDE_BY_SIDE // (rows * Blueprint.of(network, shape).widest)
    return max(1, min(places, 2 ** room.bit_length() // 2))
