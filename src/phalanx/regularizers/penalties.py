"""Penalties on weights (MAP F1). Biases and every other parameter whose name does not begin with `weight` are free."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp

from phalanx.parts import Knob, Names, field, part
from phalanx.regularizers.regularizer import ALL_REAL, Masks, Parameters, Regularizer, is_weight


@part
class L2(Regularizer):
    """Ω = ½ α ‖w‖², whose gradient is α w (mind the ½).

    `alpha`: α, per unit of the mean cost of a row (default 0.0001). `on`: names of layers, () all.
    Source: notes F1; book 7.1.1.
    """

    alpha: Knob = field(default=1e-4, at_least=0)
    on: Names = field(default=(), kw_only=True)

    @property
    def pads(self) -> bool:
        return True

    def neutral(self) -> Self | None:
        return replace(self, alpha=0.0)

    def penalty(self, params: Parameters, activations: Mapping[str, jax.Array], masks: Masks = ALL_REAL) -> Any:
        return 0.5 * self.alpha * _total(self.chosen(params), jnp.square)


@part
class L1(Regularizer):
    """Ω = α ‖w‖₁, which makes weights sparse.

    `alpha`: α, per unit of the mean cost of a row (default 0.0001). `on`: names of layers, () all.
    Source: notes F1; book 7.1.2.
    """

    alpha: Knob = field(default=1e-4, at_least=0)
    on: Names = field(default=(), kw_only=True)

    @property
    def pads(self) -> bool:
        return True

    def neutral(self) -> Self | None:
        return replace(self, alpha=0.0)

    def penalty(self, params: Parameters, activations: Mapping[str, jax.Array], masks: Masks = ALL_REAL) -> Any:
        return self.alpha * _total(self.chosen(params), jnp.abs)


def _total(params: Parameters, function: Callable[[jax.Array], jax.Array]) -> Any:
    """Return the sum of a function over the weights."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return sum(function(leaf).sum() for path, leaf in leaves if is_weight(path))
