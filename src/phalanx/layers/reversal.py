"""A layer that turns learning around."""

from typing import Any

import jax

from phalanx.layers.layer import At, Layer, Params
from phalanx.parts import Knob, field, part


@jax.custom_vjp
def _reversed(x: jax.Array, strength: Any) -> jax.Array:
    return x


_reversed.defvjp(lambda x, strength: (x, strength), lambda strength, slope: (-strength * slope, None))


@part
class ReverseGradient(Layer):
    """h = x, but the gradient that comes back is multiplied by −strength.

    At the start of a head it makes the layers before it unlearn what the head learns: put before a head that tells
    speakers apart, the shared layers forget who speaks, while the head goes on trying to find out (MAP A2).

    `strength`: how much the layers before it heed this head (default 1; 0: not at all).
    Source: notes A2; Ganin & Lempitsky 2015.
    """

    strength: Knob = field(default=1.0, at_least=0)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return _reversed(x, self.strength), state
