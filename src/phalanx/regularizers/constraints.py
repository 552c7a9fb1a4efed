"""Constraints on weights, kept by projection after each step (MAP F1)."""

from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp

from phalanx.layers import Params
from phalanx.parts import Fixed, Knob, Names, field, part
from phalanx.regularizers.regularizer import Parameters, Regularizer, is_weight


@part
class MaxNorm(Regularizer):
    """w ← w · min(1, c / ‖w‖) after each step: the projection onto ‖w‖ ≤ c, which bounds weights without shrinking all.

    `limit`: c, in units of the weights (default 3). `per`: whose norm: "unit" (default), that of the weights into
    each unit, all axes of a weight but its last; or "layer", that of all weights of a layer together.
    `on`: names of layers, () all.
    Source: notes F1; book 7.2; Srivastava et al. 2014 for units.
    """

    limit: Knob = field(default=3.0, above=0)
    per: Fixed[str] = field(default="unit", choices=("unit", "layer"))
    on: Names = field(default=(), kw_only=True)

    @property
    def pads(self) -> bool:
        return True

    def neutral(self) -> Self | None:
        return replace(self, limit=1e18)  # whose square is a number still

    def after(self, params: Parameters, noise: jax.Array | None) -> Parameters:
        return {**params, **{layer: self._projected(held) for layer, held in self.chosen(params).items()}}

    def _projected(self, held: Params) -> Params:
        leaves = jax.tree_util.tree_leaves_with_path(held)
        whole = sum(jnp.square(leaf).sum() for path, leaf in leaves if is_weight(path))

        def one(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
            if not is_weight(path):
                return leaf
            square = whole if self.per == "layer" else jnp.square(leaf).sum(range(leaf.ndim - 1), keepdims=True)
            most = self.limit**2
            return jnp.where(square > most, leaf * (self.limit / jnp.sqrt(jnp.maximum(square, most))), leaf)

        return jax.tree_util.tree_map_with_path(one, held)
