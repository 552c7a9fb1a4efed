"""The affine layer."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from phalanx.layers.layer import At, Layer, Params
from phalanx.spec import Fixed, field, part


def initial_weight(initializer: str, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
    """Draw a weight: He N(0, 2/fan_in) or Glorot U(±√(6/(fan_in + fan_out))).

    Sources: He et al. 2015 (normal variant), Glorot & Bengio 2010 (uniform variant; book, equation 8.23).
    """
    if initializer == "he":
        return jax.random.normal(key, shape) * math.sqrt(2 / max(fan_in, 1))
    bound = math.sqrt(6 / (fan_in + fan_out))
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


@part
class Dense(Layer):
    """Affine map of the last axis: h = x W + b (the notes' Wᵀx + c, written for rows; MAP C3).

    `units`: width of the output. `initializer`: "he" (default) or "glorot", see `initial_weight`.
    `bias`: whether to add b, which starts at 0 and is never penalized.

    >>> import jax
    >>> params, state, shape = Dense(2).init(jax.random.key(0), (3,))
    >>> params["weight"].shape, shape
    ((3, 2), (2,))
    """

    units: Fixed[int] = field(at_least=1)
    initializer: Fixed[str] = field(default="he", choices=("he", "glorot"))
    bias: Fixed[bool] = field(default=True)

    def init(self, key: jax.Array, shape: Any) -> tuple[Params, Params, Any]:
        fan_in = shape[-1]
        params = {"weight": initial_weight(self.initializer, key, (fan_in, self.units), fan_in, self.units)}
        if self.bias:
            params["bias"] = jnp.zeros(self.units)
        return params, {}, (*shape[:-1], self.units)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        z = x @ params["weight"]
        return (z + jnp.broadcast_to(params["bias"], z.shape) if self.bias else z), state
