"""What every layer implements."""

from abc import abstractmethod
from typing import Any, NamedTuple

import jax

from phalanx.spec import Part, part

Params = dict[str, Any]


class At(NamedTuple):
    """Where a layer is called from.

    `train`: whether this is a training step (structure: known when the program is compiled).
    `noise`: this step's random bytes for the layer, shape (batch, `noise(shape)`), or None outside training.
    """

    train: bool
    noise: jax.Array | None


EVALUATE = At(train=False, noise=None)


@part
class Layer(Part):
    """A function of one batch with parameters of one network. Knows nothing of other members of a population.

    Shapes are given without the batch axis. A parameter whose name begins with `weight` is penalized and decayed;
    no other is. `params` and `state` are dicts, mostly empty.
    """

    def init(self, key: jax.Array, shape: Any) -> tuple[Params, Params, Any]:
        """Return initial parameters, initial state and the shape of the output."""
        return {}, {}, shape

    def noise(self, shape: Any) -> int:
        """Return how many random bytes a row of this input shape needs at a training step."""
        return 0

    @abstractmethod
    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        """Return the output, shape (batch, ...), and the new state."""
