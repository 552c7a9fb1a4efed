"""Layers that change only how numbers are laid out."""

import math
from typing import Any

import jax

from phalanx.layers.layer import At, Layer, Params
from phalanx.spec import part


@part
class Flatten(Layer):
    """y = all numbers of a row as one axis, the last axis of x running fastest.

    >>> import jax
    >>> Flatten().init(jax.random.key(0), (7, 7, 16))[2]
    (784,)

    Source: notes H3; book 9.2.
    """

    def init(self, key: jax.Array, shape: Any) -> tuple[Params, Params, Any]:
        return {}, {}, (math.prod(shape),)

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        return x.reshape(len(x), math.prod(x.shape[1:])), state
