"""Noise on weights (MAP F2). Noise on values that pass through a network is a layer, `GaussianNoise`."""

from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp

from phalanx.layers.noise import BYTES_A_NUMBER, normal
from phalanx.parts import Fixed, Knob, Names, field, part
from phalanx.regularizers.regularizer import Parameters, Regularizer, is_weight


@part
class WeightNoise(Regularizer):
    """θ ← θ − ε ∇J(w + n) with n ~ N(0, σ²), drawn anew at each step for each weight; or, kept, θ ← θ − ε ∇J(w) + n.

    The first variant (the book's) takes the gradient at noisy weights and applies it to the weights themselves, which
    pushes them to where the cost is flat. The second (as the notes write it) adds the noise to the update, so that it
    stays: a random walk beside the descent. Either stands for any optimizer's step.
    Noise is normal on 65536 levels, at most 4.3 deviations from 0. Biases get none.

    `deviation`: σ, in units of the weights (default 0.01). `kept`: whether the noise stays (default false).
    `on`: names of layers, () all.
    Source: notes F2; book 7.5.
    """

    deviation: Knob = field(default=0.01, at_least=0)
    kept: Fixed[bool] = field(default=False)
    on: Names = field(default=(), kw_only=True)

    @property
    def pads(self) -> bool:
        return not self.kept

    def neutral(self) -> Self | None:
        return replace(self, deviation=0.0)

    def noise(self, params: Parameters) -> int:
        leaves = jax.tree_util.tree_leaves_with_path(self.chosen(params))
        return BYTES_A_NUMBER * sum(leaf.size for path, leaf in leaves if is_weight(path))

    def weights(self, params: Parameters, noise: jax.Array | None) -> Parameters:
        return params if self.kept else self._moved(params, noise)

    def after(self, params: Parameters, noise: jax.Array | None) -> Parameters:
        return self._moved(params, noise) if self.kept else params

    def _moved(self, params: Parameters, noise: jax.Array | None) -> Parameters:
        """Return the parameters with noise on the chosen weights; None: there are no weights."""
        if noise is None:
            return params
        leaves, tree = jax.tree_util.tree_flatten_with_path(self.chosen(params))
        drawn = self.deviation * normal(noise, jnp.result_type(*(leaf for _, leaf in leaves)))
        moved: list[Any] = []
        first = 0
        for path, leaf in leaves:
            if is_weight(path):
                moved.append(leaf + drawn[first : first + leaf.size].reshape(leaf.shape))
                first += leaf.size
            else:
                moved.append(leaf)
        return {**params, **jax.tree.unflatten(tree, moved)}
