"""From specifications to arrays: grouping by structure, stacking leaf by leaf, padding to shared shapes."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from phalanx.errors import InputError
from phalanx.network import Network


def group(networks: Sequence[Network]) -> list[list[int]]:
    """Return the positions of networks of equal structure, in order of first appearance.

    Structure is everything but the values of knobs: parts, widths, names, batch size.
    """
    groups: dict[Any, list[int]] = {}
    for i, network in enumerate(networks):
        groups.setdefault(jax.tree.structure(network), []).append(i)
    return list(groups.values())


def stack(networks: Sequence[Network], capacity: int) -> Network:
    """Return one tree with a member axis of length `capacity` on each knob, as float32; the first network fills up."""

    def column(*values: Any) -> np.ndarray:
        if all(isinstance(value, np.ndarray) for value in values):
            return np.stack([*values, *[values[0]] * (capacity - len(values))]).astype(np.float32)
        for value in values:
            if not isinstance(value, (int, float, np.floating, np.integer)):
                raise InputError(f"a knob holds {value!r}; it must be a number when training starts")
        return np.array([*values, *[values[0]] * (capacity - len(values))], np.float32)

    return jax.tree.map(column, *networks)


def padded(array: np.ndarray, rows: int) -> np.ndarray:
    """Return the array with zero rows added up to `rows`."""
    return np.concatenate([array, np.zeros((rows - len(array), *array.shape[1:]), array.dtype)])


def power_of_two(number: int, least: int = 1) -> int:
    """Return the smallest power of two that is at least `number` and `least`."""
    return max(least, 2 ** max(number - 1, 0).bit_length())
