"""The first layer of tables: encoded numbers and category codes become one vector."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.layers.layer import At, Layer, Params, described, is_table
from phalanx.parts import Fixed, Knob, Names, field, part


@part
class Columns(Layer):
    """Turn a table's two arrays, numbers (batch, p) and category codes (batch, q), into one array (batch, units).

    Codes: 0 stands for missing or unseen, 1 .. k−1 for the categories. A column of few categories becomes one-hot
    (0: all zeros), one of many a learned vector (an embedding).
    Numbers enter as they are; with `frequencies` > 0 each number x_j also becomes
    `features` learned combinations of cos(2π x_j w_jf + b_jf), f = 1 .. frequencies, w ~ N(0, spread²),
    b ~ U(−π, π), which lets a network follow sharp changes in one column (periodic embeddings, Gorishniy et al.
    2022, in the variant with x appended of Holzmüller et al. 2024).

    `cardinalities`: k of each code column. `one_hot`: largest k that becomes one-hot (default 9).
    `embedding`: length of a category's vector (default 8). `frequencies`, `features`: see above (defaults 0, 3).
    `spread`: of the frequencies, in cycles per unit of the encoded numbers (default 0.1). `names`: of the numbers, as
    the data say them to `BasisFunctions` (default none).
    Raises `InputError` for rows that are no table's.

    >>> Columns(cardinalities=(3, 50)).output_shape(((2,), (2,)))  # 2 numbers + 2 one-hot + 8
    (12,)

    Source: notes I7 (embedding); Gorishniy et al. 2022; Holzmüller et al. 2024.
    """

    cardinalities: tuple[int, ...] = field(default=(), at_least=1)
    one_hot: Fixed[int] = field(default=9, at_least=0)
    embedding: Fixed[int] = field(default=8, at_least=1)
    frequencies: Fixed[int] = field(default=0, at_least=0)
    features: Fixed[int] = field(default=3, at_least=1)
    spread: Knob = field(default=0.1, above=0)
    names: Names = field(default=(), kw_only=True)

    @property
    def learned(self) -> tuple[str, ...]:
        return ("cardinalities",)

    @property
    def tables(self) -> bool:
        return True

    @property
    def example(self) -> Any:
        return np.zeros(2, np.float32), np.array(self.cardinalities, np.int32) - 1

    def output_shape(self, shape: Any) -> Any:
        if not is_table(shape):
            raise InputError(f"Columns needs a table's numbers and codes, but gets {described(shape)}")
        numbers = shape[0][0]
        few, many = self._few_and_many()
        codes = sum(self.cardinalities[j] - 1 for j in few) + len(many) * self.embedding
        return (numbers + codes + (numbers * self.features if self.frequencies else 0),)

    def init(self, rng: np.random.Generator, shape: Any) -> tuple[Params, Params]:
        numbers = shape[0][0]
        _, many = self._few_and_many()
        params: Params = {}
        if many:
            rows = sum(self.cardinalities[j] for j in many)
            params["embedding"] = rng.normal(0, 1 / math.sqrt(self.embedding), (rows, self.embedding))
        if self.frequencies and numbers:
            waves = (numbers, self.frequencies)
            params["frequency"] = rng.normal(0, self.spread, waves)
            params["phase"] = rng.uniform(-math.pi, math.pi, waves)
            bound = 1 / math.sqrt(self.frequencies)
            mix = (numbers, self.frequencies, self.features)
            params["mix"] = rng.uniform(-bound, bound, mix)
        return params, {}

    def __call__(self, params: Params, state: Params, x: Any, at: At) -> tuple[jax.Array, Params]:
        numbers, codes = x
        few, many = self._few_and_many()
        pieces = [numbers]
        if "frequency" in params:
            waves = jnp.cos(2 * jnp.pi * numbers[:, :, None] * params["frequency"][None] + params["phase"][None])
            mixed = jnp.einsum("npf,pfe->npe", waves, params["mix"])
            pieces.append(mixed.reshape(len(mixed), -1))
        if few:
            column = np.repeat(few, [self.cardinalities[j] - 1 for j in few])
            category = np.concatenate([np.arange(1, self.cardinalities[j]) for j in few]).astype(np.int32)
            pieces.append((codes[:, column] == category[None, :]).astype(numbers.dtype))
        if many:
            offset = np.cumsum([0, *(self.cardinalities[j] for j in many[:-1])]).astype(np.int32)
            vectors = params["embedding"][codes[:, np.array(many)] + offset[None, :]]
            pieces.append(vectors.reshape(len(vectors), -1))
        return jnp.concatenate(pieces, axis=-1), state

    def _few_and_many(self) -> tuple[list[int], list[int]]:
        few = [j for j, k in enumerate(self.cardinalities) if k <= self.one_hot]
        return few, [j for j, k in enumerate(self.cardinalities) if k > self.one_hot]
