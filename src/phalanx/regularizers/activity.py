"""Penalties on what units do, λΩ(h) (MAP F8). Means are over the rows of a batch; padding does not count."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp

from phalanx.errors import InputError
from phalanx.layers.spatial import zero_padding
from phalanx.parts import Knob, Names, field, part
from phalanx.regularizers.regularizer import ALL_REAL, Masks, Parameters, Regularizer


@part
class Activity(Regularizer):
    """Base of penalties on the outputs of the layers that `on` names, at least one: implement `of`."""

    on: Names = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.on:
            raise InputError(f"{type(self).__name__}: on is empty; name the layers whose outputs are to be penalized")

    def watched(self) -> tuple[str, ...]:
        return self.on

    def penalty(self, params: Parameters, activations: Mapping[str, jax.Array], masks: Masks = ALL_REAL) -> Any:
        return sum(self.of(activations[layer], masks.get(layer)) for layer in self.chosen(params))

    @abstractmethod
    def of(self, h: jax.Array, mask: jax.Array | None) -> Any:
        """Return the penalty on the outputs of one layer, shape (batch, ...), at those of its steps that are real."""


@part
class ActivityL1(Activity):
    """Ω = α · mean over rows of Σ_j |h_j|, which makes a representation sparse: most units 0 for most inputs.

    `alpha`: α, per unit of the mean cost of a row (default 0.0001). `on`: names of the layers, needed.
    Source: notes F8; book 7.10 (7.48).
    """

    alpha: Knob = field(default=1e-4, at_least=0)

    @property
    def pads(self) -> bool:
        return True

    def neutral(self) -> Self | None:
        return replace(self, alpha=0.0)

    def of(self, h: jax.Array, mask: jax.Array | None) -> Any:
        return self.alpha * jnp.abs(zero_padding(h, mask)).sum() / len(h)


@part
class ActivityKL(Activity):
    """Ω = α Σ_j KL(ρ ‖ ρ̂_j) = α Σ_j [ρ log(ρ / ρ̂_j) + (1 − ρ) log((1 − ρ) / (1 − ρ̂_j))], ρ̂_j the mean of h_j over rows.

    Each unit is to be active a share ρ of the time. For outputs in (0, 1), as `Sigmoid` gives; ρ̂ is clipped to
    [1e-6, 1 − 1e-6], beyond which there is no gradient.

    `alpha`: α, per unit of the mean cost of a row (default 0.0001). `target`: ρ (default 0.05).
    `on`: names of the layers, needed.
    Source: notes F8; book 7.10; Lee et al. 2008 for the idea, the form of Ng 2011 (sparse autoencoders).
    """

    couples_rows = True

    alpha: Knob = field(default=1e-4, at_least=0)
    target: Knob = field(default=0.05, above=0, below=1)

    def of(self, h: jax.Array, mask: jax.Array | None) -> Any:
        if mask is None:
            mean, seen = h.mean(0), None
        else:
            count = mask.sum(0).reshape(-1, *(1,) * (h.ndim - 2))
            mean, seen = zero_padding(h, mask).sum(0) / jnp.maximum(count, 1).astype(h.dtype), count > 0
        mean = jnp.clip(mean, 1e-6, 1 - 1e-6)
        on = self.target * (jnp.log(self.target) - jnp.log(mean))
        off = (1 - self.target) * (jnp.log(1 - self.target) - jnp.log1p(-mean))
        divergence = on + off if seen is None else jnp.where(seen, on + off, 0)
        return self.alpha * divergence.sum()
