"""Gaussian likelihoods of numbers that are independent of each other given the input."""

import dataclasses
import math
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import softmax

from phalanx.likelihoods.likelihood import GaussianLikelihood, Normals, alone, over_known, split_known, uncorrelated
from phalanx.parts import Knob, field, part

SMALLEST = 1e-6
"""Least standard deviation that a likelihood of numbers may have, in standardized units: squares of 10⁴ over it are
finite in float32."""


STEPS = 30
"""Steps of expectation-maximization that look for a variance beside many masks."""


@part
class Gaussian(GaussianLikelihood):
    """Numbers with Gaussian noise of fixed variance: −log p = Σ_j ½ log(2πσ²) + (y_j − z_j)² / 2σ².

    Its minimum over z is that of the mean squared error (MAP D1). Once trained, intervals and samples take the σ²
    that the validation rows make most likely, which is their mean squared error; where predictions are averages over
    dropout masks, it is that of the mixture over masks, found by expectation-maximization. All numbers of a row share
    σ².

    `variance`: σ² in training, in units of the standardized target (default 1).
    Source: notes D1, D2; book 6.2.2.1.
    """

    estimated = True

    variance: Knob = field(default=1.0, above=0)

    def units(self, size: int) -> int:
        return size

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        y, known = split_known(y)
        return over_known(0.5 * jnp.log(2 * jnp.pi * self.variance) + (y - z) ** 2 / (2 * self.variance), known)

    def mean(self, z: jax.Array) -> jax.Array:
        return z

    def mode(self, z: jax.Array) -> jax.Array:
        return z

    def deviation(self, z: jax.Array) -> jax.Array:
        return jnp.broadcast_to(jnp.sqrt(self.variance), z.shape).astype(z.dtype)

    def covariance(self, z: jax.Array) -> jax.Array:
        return uncorrelated(self.deviation(z))

    def marginals(self, z: jax.Array) -> Normals:
        return alone(z, self.deviation(z))

    def sample(self, key: jax.Array, z: jax.Array) -> jax.Array:
        return z + jnp.sqrt(self.variance) * jax.random.normal(key, z.shape, z.dtype)

    def fitted(self, z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Self:
        squares = np.nanmean((np.asarray(y, float)[:, None] - np.asarray(z, float)) ** 2, axis=-1)  # (rows, masks)
        mass, numbers = np.asarray(weight, float), (~np.isnan(y)).sum(-1, keepdims=True)
        variance = float(np.average(squares.mean(1), weights=mass))
        for _ in range(STEPS if squares.shape[1] > 1 else 0):  # expectation: how likely each mask is; maximization
            variance = max(variance, SMALLEST**2)
            likely = softmax(-0.5 * numbers * squares / variance, axis=1)
            variance = float(np.average((likely * squares).sum(1), weights=mass))
        return dataclasses.replace(self, variance=max(variance, SMALLEST**2))  # above 0 where every row is hit


@part
class HeteroscedasticGaussian(GaussianLikelihood):
    """Numbers with Gaussian noise that depends on the input: −log p = Σ_j ½ log 2π + log σ_j + (y_j − μ_j)² / 2σ_j².

    The outputs are (μ, s), 2d of them for d numbers, and σ = ζ(s) + floor. The book has the precision in place of σ,
    and others exp(s) for σ² or for σ; softplus grows no faster than s, so that no step of s makes σ explode.

    `floor`: smallest σ, in units of the standardized target (default 1e-3). Without one, σ tends to 0 and the density
    to infinity wherever a row can be hit exactly.
    Source: notes D2; book 6.2.2.4.
    """

    says_more = True

    floor: Knob = field(default=1e-3, at_least=SMALLEST)

    def units(self, size: int) -> int:
        return 2 * size

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        mean, deviation = self.mean(z), self.deviation(z)
        y, known = split_known(y)
        return over_known(0.5 * math.log(2 * math.pi) + jnp.log(deviation) + 0.5 * ((y - mean) / deviation) ** 2, known)

    def mean(self, z: jax.Array) -> jax.Array:
        return z[:, : z.shape[-1] // 2]

    def mode(self, z: jax.Array) -> jax.Array:
        return self.mean(z)

    def deviation(self, z: jax.Array) -> jax.Array:
        return jax.nn.softplus(z[:, z.shape[-1] // 2 :]) + self.floor

    def covariance(self, z: jax.Array) -> jax.Array:
        return uncorrelated(self.deviation(z))

    def marginals(self, z: jax.Array) -> Normals:
        return alone(self.mean(z), self.deviation(z))

    def sample(self, key: jax.Array, z: jax.Array) -> jax.Array:
        mean = self.mean(z)
        return mean + self.deviation(z) * jax.random.normal(key, mean.shape, z.dtype)
