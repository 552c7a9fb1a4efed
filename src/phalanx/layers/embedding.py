"""The first layer of texts: a learned vector for each token."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params
from phalanx.parts import Fixed, field, part

_ONE_HOT = 256


@part
class Embedding(Layer):
    """h_t = E[x_t]: the vector of a token, learned; codes x are whole numbers, (steps,), and h is (steps, units).

    Where rows have different lengths, code 0 stands for no token, that is padding: its vector is 0, and layers that
    follow pass over it.

    `units`: length of a vector. `tokens`: number of codes, that of padding included (default 2); `padding`: whether
    code 0 is padding (default), or a token as others. The data say both; to an estimator a code is any whole
    number from 0, and -1 or NaN, or a shorter row, is padding. Vectors start as N(0, 1 / units). Up to 256
    codes the rows of E are looked up by a product with one-hot vectors, whose gradient is a product too; beyond, by
    position.

    >>> Embedding(16, tokens=1000).output_shape((50,))
    (50, 16)

    Source: notes I7, F7; book 12.4.2.
    """

    units: Fixed[int] = field(at_least=1)
    tokens: Fixed[int] = field(default=2, at_least=1)
    padding: Fixed[bool] = field(default=True)

    @property
    def learned(self) -> tuple[str, ...]:
        return ("tokens", "padding")

    @property
    def masks(self) -> bool:
        return self.padding

    @property
    def example(self) -> Any:
        return np.full(7, self.tokens - 1, np.int32)

    @property
    def sizes(self) -> tuple[str, ...]:
        return ("units",)

    def room_for(self, smaller: Any, inputs: np.ndarray, shape: Any) -> tuple[np.ndarray, dict[str, Any]]:
        units = np.arange(smaller.units)
        return units, {"weight": (None, units)}

    def output_shape(self, shape: Any) -> Any:
        if len(shape) != 1:
            raise InputError(f"Embedding needs rows of codes, (steps,), but gets {tuple(shape)}")
        return (*shape, self.units)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        weight = rng.normal(0, 1 / math.sqrt(self.units), (self.tokens, self.units))
        return {"weight": weight}, {}

    def mask(self, x: Any, mask: Any) -> Any:
        return x != 0 if self.padding else None

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        if not jnp.issubdtype(x.dtype, jnp.integer):
            raise InputError(f"Embedding needs rows of codes, whole numbers, but gets numbers of type {x.dtype}")
        weight = params["weight"]
        if self.tokens > _ONE_HOT:
            return (jnp.where((x != 0)[..., None], weight[x], 0) if self.padding else weight[x]), state
        codes = jnp.arange(int(self.padding), self.tokens, dtype=x.dtype)
        one_hot = (x[..., None] == codes.reshape((1,) * x.ndim + (-1,))).astype(weight.dtype)
        return one_hot @ weight[int(self.padding) :], state
