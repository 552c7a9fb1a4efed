"""Dropout: of units, and of connections."""

import math
from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.layers.layer import At, Layer, Params, names_weight
from phalanx.layers.wrapper import Wrapper
from phalanx.parts import Fixed, Knob, field, part


@part
class Dropout(Layer):
    """h' = h ⊙ μ / (1 − rate), μ_i ~ Bernoulli(1 − rate), drawn anew for each unit, row and step of training.

    Outside training it is the identity: the "inverted" variant, which divides in training where Srivastava et al. 2014
    multiply weights afterwards.

    `rate`: probability in [0, 1) that a unit is dropped (default 0.5), rounded to a multiple of 1/256, as a random
    byte decides each unit.
    Source: notes F10; book 7.12; Srivastava et al. 2014.
    """

    rate: Knob = field(default=0.5, at_least=0, below=1)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        return inputs, {}

    def neutral(self) -> Self | None:
        return replace(self, rate=0.0)

    def noise(self, shape: Any) -> int:
        return math.prod(shape)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return x if at.noise is None else _thinned(x, self.rate, at.noise), state


@part
class DropConnect(Wrapper):
    """h' = f(x; W ⊙ M / (1 − rate)), M_ij ~ Bernoulli(1 − rate): single weights of a layer are dropped in training.

    One mask is drawn for each step and shared by the rows of a batch; Wan et al. 2013 draw one for each row. Outside
    training the layer is the wrapped one (weight scaling), where they draw from a normal approximation.

    `layer`: the wrapped layer; each of its parameters whose name begins with `weight` is thinned, and
    so are those of layers inside it.
    `rate`: probability in [0, 1) that a weight is dropped (default 0.5), rounded to a multiple of 1/256.

    >>> from phalanx import Dense
    >>> DropConnect(Dense(3), 0.2).shared_noise((4,))  # bytes a step, one for each weight
    12

    Source: notes F10; book 7.12; Wan et al. 2013.
    """

    layer: Fixed[Layer] = field()
    rate: Knob = field(default=0.5, at_least=0, below=1)

    def shared_noise(self, shape: Any) -> int:
        params = self.layer.init(np.random.default_rng(0), shape)[0]
        own = sum(value.size for name, value in params.items() if names_weight(name))
        return own + self.layer.shared_noise(shape)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[Any, Params]:
        if at.shared is None:
            return self.layer(params, state, x, at)
        thinned, first = dict(params), 0
        for name, value in params.items():
            if names_weight(name):
                thinned[name] = _thinned(value, self.rate, at.shared[first : first + value.size])
                first += value.size
        rest = at.shared[first:]
        return self.layer(thinned, state, x, at._replace(shared=rest if rest.size else None))


def _thinned(values: jax.Array, rate: Any, noise: jax.Array) -> jax.Array:
    """Return the values with a share `rate` of them 0 and the others divided by 1 − rate; a byte decides each."""
    dropped = jnp.clip(jnp.round(rate * 256), 0, 255)
    kept = noise.reshape(values.shape) >= dropped.astype(jnp.uint8)
    return jnp.where(kept, values * (256 / (256 - dropped)).astype(values.dtype), 0)
