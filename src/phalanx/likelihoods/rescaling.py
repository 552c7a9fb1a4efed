"""Likelihoods in other units than those in which a network was trained."""

import dataclasses
from typing import Annotated, Self, cast

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.likelihoods.likelihood import GaussianLikelihood, Normals, NumberLikelihood, over_known
from phalanx.parts import Fixed, field, part
from phalanx.parts.distributions import KNOB

PerColumn = tuple[Annotated[float, KNOB], ...]
"""A number for each column of a target. They are leaves, so that networks that differ in them share programs."""


@part
class Rescaled(NumberLikelihood):
    """Numbers Y = shift + scale ⊙ U with U ~ likelihood(z): −log p = −log p_U((y − shift) / scale) + Σ_j log scale_j.

    So a network speaks of Y that was trained on U, such as a target standardized by rows of its own. The sum is over
    the numbers that are known. `rescaled` makes it of any likelihood of numbers; no person chooses it.

    `likelihood`: of U. `shift`, `scale`: of each number of a row, in units of Y.
    """

    internal = True

    likelihood: Fixed[NumberLikelihood] = field()
    shift: PerColumn = field()
    scale: PerColumn = field(above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.likelihood.target != "numbers":
            raise InputError(f"Rescaled: {self.likelihood!r} is of {self.likelihood.target}, which have no other units")
        if len(self.shift) != len(self.scale):
            raise InputError(f"Rescaled: shift has {len(self.shift)} numbers, but scale {len(self.scale)}")

    @property
    def estimated(self) -> bool:
        return self.likelihood.estimated

    @property
    def says_more(self) -> bool:
        return self.likelihood.says_more

    @property
    def partial(self) -> bool:
        return self.likelihood.partial

    def units(self, size: int) -> int:
        if size != len(self.shift):
            raise InputError(f"Rescaled: shift has {len(self.shift)} numbers, but the target has {size}")
        return self.likelihood.units(size)

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return self.likelihood.nll(z, self._back(y)) + over_known(jnp.log(self._scale(z)), ~jnp.isnan(y))

    def marginal_nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return self.likelihood.marginal_nll(z, self._back(y)) + jnp.log(self._scale(z))

    def mean(self, z: jax.Array) -> jax.Array:
        return self._there(self.likelihood.mean(z))

    def mode(self, z: jax.Array) -> jax.Array:
        return self._there(self.likelihood.mode(z))

    def deviation(self, z: jax.Array) -> jax.Array:
        return self._scale(z) * self.likelihood.deviation(z)

    def covariance(self, z: jax.Array) -> jax.Array:
        scale = self._scale(z)
        return scale[:, :, None] * scale[:, None, :] * self.likelihood.covariance(z)

    def cdf(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return self.likelihood.cdf(z, self._back(y))

    def sample(self, key: jax.Array, z: jax.Array) -> jax.Array:
        return self._there(self.likelihood.sample(key, z))

    def fitted(self, z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Self:
        back = (np.asarray(y, float) - np.array(self.shift)) / np.array(self.scale)
        return dataclasses.replace(self, likelihood=self.likelihood.fitted(z, back, weight))

    def _there(self, u: jax.Array) -> jax.Array:
        """Return shift + scale ⊙ u."""
        return jnp.asarray(self.shift, u.dtype)[None] + self._scale(u) * u

    def _back(self, y: jax.Array) -> jax.Array:
        """Return (y − shift) / scale."""
        return (y - jnp.asarray(self.shift, y.dtype)[None]) / self._scale(y)

    def _scale(self, like: jax.Array) -> jax.Array:
        """Return the scale as a row of the type of an array, (1, d)."""
        return jnp.asarray(self.scale, like.dtype)[None]


@part
class RescaledGaussian(Rescaled, GaussianLikelihood):
    """Numbers Y = shift + scale ⊙ U of which each by itself is Gaussian, or a mixture of Gaussians, as it is of U.

    `likelihood`, of U, is a `GaussianLikelihood`; see `Rescaled`.
    """

    def marginals(self, z: jax.Array) -> Normals:
        log_weight, mean, deviation = cast(GaussianLikelihood, self.likelihood).marginals(z)
        shift, scale = (jnp.asarray(each, z.dtype)[None, None] for each in (self.shift, self.scale))
        return Normals(log_weight, shift + scale * mean, scale * deviation)


def rescaled(likelihood: NumberLikelihood, shift: np.ndarray, scale: np.ndarray) -> Rescaled:
    """Return the likelihood of Y = shift + scale ⊙ U from that of numbers U; shift and scale are (d,), scale above 0.

    Raises `InputError` for a likelihood of counts.

    >>> from phalanx import Gaussian
    >>> rescaled(Gaussian(), np.array([1.0]), np.array([2.0])).mean(jnp.array([[3.0]])).tolist()
    [[7.0]]
    """
    kind = RescaledGaussian if isinstance(likelihood, GaussianLikelihood) else Rescaled
    return kind(likelihood, tuple(shift.tolist()), tuple(scale.tolist()))
