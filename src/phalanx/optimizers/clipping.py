"""Gradient clipping (MAP I4)."""

from abc import abstractmethod
from typing import Any

import jax
import jax.numpy as jnp

from phalanx.parts import Knob, Part, field, part


@part
class Clip(Part):
    """Base of rules that bound a gradient before the optimizer sees it."""

    @abstractmethod
    def clip(self, grads: Any) -> Any:
        """Return the bounded gradient."""


@part
class ClipNorm(Clip):
    """g ← g · min(1, limit / ‖g‖), the norm over all parameters together (Pascanu et al. 2013).

    `limit`: largest norm (default 1).
    Source: notes I4; book 10.11.1.
    """

    limit: Knob = field(default=1.0, above=0)

    def clip(self, grads: Any) -> Any:
        leaves = jax.tree.leaves(grads)
        largest = jnp.max(jnp.stack([jnp.max(jnp.abs(g), initial=0) for g in leaves]))
        unit = jnp.where(largest > 0, largest, 1)  # squares of an exploding gradient are beyond the largest float
        norm = unit * jnp.sqrt(sum(jnp.square(g / unit).sum() for g in leaves))
        factor = jnp.where(norm > self.limit, self.limit / norm, 1)
        return jax.tree.map(lambda g: g * factor, grads)


@part
class ClipValue(Clip):
    """g_i ← max(−limit, min(limit, g_i)), each element by itself, which may turn the gradient (Mikolov 2012).

    `limit`: largest size of an element (default 1).
    Source: notes I4; book 10.11.1.
    """

    limit: Knob = field(default=1.0, above=0)

    def clip(self, grads: Any) -> Any:
        return jax.tree.map(lambda g: jnp.clip(g, -self.limit, self.limit), grads)
