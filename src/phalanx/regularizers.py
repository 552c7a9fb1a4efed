"""Penalties on weights (MAP F1). Biases and every other parameter whose name does not begin with `weight` are free."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from phalanx.errors import InputError
from phalanx.layers import Params
from phalanx.spec import Knob, Part, field, part


def is_weight(path: tuple[Any, ...]) -> bool:
    """Say whether the parameter at a tree path is a weight: penalized, decayed, perturbed."""
    return str(path[-1].key).startswith("weight")


@part
class Regularizer(Part):
    """Base of regularizers: a term added to the cost."""

    @abstractmethod
    def penalty(self, params: dict[str, Params]) -> Any:
        """Return the term for a network's parameters, given by layer name."""


@part
class WeightPenalty(Regularizer):
    """Base of penalties that sum a function over the weights of the layers named in `on`; () is all layers."""

    on: tuple[str, ...] = field(default=(), kw_only=True)

    def total(self, params: dict[str, Params], function: Callable[[jax.Array], jax.Array]) -> Any:
        """Return the sum of `function` over the penalized weights."""
        for layer in self.on:
            if layer not in params:
                raise InputError(f"{type(self).__name__}: on names `{layer}`, but the layers are {', '.join(params)}")
        chosen = {layer: params[layer] for layer in self.on or params}
        leaves = jax.tree_util.tree_leaves_with_path(chosen)
        return sum(function(leaf).sum() for path, leaf in leaves if is_weight(path))


@part
class L2(WeightPenalty):
    """Ω = ½ α ‖w‖², whose gradient is α w (mind the ½).

    `alpha`: α, per unit of the mean cost of a row (default 0.0001).
    """

    alpha: Knob = field(default=1e-4, at_least=0)

    def penalty(self, params: dict[str, Params]) -> Any:
        return 0.5 * self.alpha * self.total(params, jnp.square)


@part
class L1(WeightPenalty):
    """Ω = α ‖w‖₁, which makes weights sparse.

    `alpha`: α, per unit of the mean cost of a row (default 0.0001).
    """

    alpha: Knob = field(default=1e-4, at_least=0)

    def penalty(self, params: dict[str, Params]) -> Any:
        return self.alpha * self.total(params, jnp.abs)
