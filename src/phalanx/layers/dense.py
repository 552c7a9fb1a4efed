"""The affine layer."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.layers.layer import At, Layer, Params
from phalanx.layers.products import product
from phalanx.parts import Fixed, field, part


def initial_weight(
    initializer: str, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> np.ndarray:
    """Draw a weight: He N(0, 2/fan_in) or Glorot U(±√(6/(fan_in + fan_out))).

    Sources: He et al. 2015 (normal variant), Glorot & Bengio 2010 (uniform variant; book, equation 8.23).
    """
    if initializer == "he":
        return rng.normal(0, math.sqrt(2 / max(fan_in, 1)), shape)
    bound = math.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


@part
class Dense(Layer):
    """Affine map of the last axis: h = x W + b (the notes' Wᵀx + c, written for rows; MAP C3).

    `units`: width of the output. `initializer`: "he" (default) or "glorot", see `initial_weight`.
    `bias`: whether to add b, which starts at 0 and is never penalized.

    >>> import numpy as np
    >>> params, state = Dense(2).init(np.random.default_rng(0), (3,))
    >>> params["weight"].shape, Dense(2).output_shape((3,))
    ((3, 2), (2,))

    Source: notes C3; book 6.3.
    """

    units: Fixed[int] = field(at_least=1)
    initializer: Fixed[str] = field(default="he", choices=("he", "glorot"))
    bias: Fixed[bool] = field(default=True)

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("units",)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        units = np.arange(smaller.units)
        return units, {"weight": (inputs, units), "bias": (units,)}

    def output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.units)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        fan_in = shape[-1]
        params = {"weight": initial_weight(self.initializer, rng, (fan_in, self.units), fan_in, self.units)}
        if self.bias:
            params["bias"] = np.zeros(self.units)
        return params, {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        z = product(x, params["weight"], at.precision)
        return (z + jnp.broadcast_to(params["bias"], z.shape) if self.bias else z), state
