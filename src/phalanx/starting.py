"""Beginning with layers that were trained before, by name (MAP A7, A8)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phalanx.errors import InputError
from phalanx.model import fresh, initialize
from phalanx.network import Network

Arrays = Mapping[str, Mapping[str, np.ndarray]]
"""Arrays by layer and name."""


@dataclass(frozen=True)
class Start:
    """Parameters that networks begin with, and states of the same layers, such as the means of a normalization.

    A layer fits where a network has one of its name, which has all of these parameters in the same shapes.
    """

    params: Arrays
    states: Arrays = field(default_factory=dict)

    def begin(self, network: Network, seed: int, shape: Any) -> tuple[Any, Any]:
        """Return the parameters and states of a network before its first step: of layers that fit those given, of
        others those that the seed draws. `shape` is that of one row.

        Raises `InputError` where no layer fits.
        """
        params, states = initialize(network, seed, shape)
        fitting = [name for name, held in self.params.items() if held and _fits(held, params.get(name, {}))]
        if not fitting:
            raise InputError(
                f"start has {_told(self.params)}, but a network has {_told(params)}: no layer has the same name and "
                "the same shape"
            )
        for name in fitting:
            params[name] = _with(params[name], self.params[name])
            states[name] = _with(states[name], self.states.get(name, {}))
        return params, fresh(states, network.batch_size, np.zeros)


def _fits(held: Mapping[str, np.ndarray], drawn: Mapping[str, np.ndarray]) -> bool:
    return all(name in drawn and np.shape(value) == drawn[name].shape for name, value in held.items())


def _with(drawn: Mapping[str, np.ndarray], held: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays with those in place of them that are given and have their shape."""
    given = {name: np.array(held[name], value.dtype) for name, value in drawn.items() if name in held}
    return {**drawn, **{name: value for name, value in given.items() if value.shape == drawn[name].shape}}


def _told(arrays: Arrays) -> str:
    """Return the layers that have parameters, with the shape of the largest of these, in words."""
    shapes = [f"{name} {max(map(np.shape, held.values()), key=math.prod)}" for name, held in arrays.items() if held]
    return ", ".join(shapes) or "no layer with parameters"
