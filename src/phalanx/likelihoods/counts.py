"""Likelihoods of counts."""

import dataclasses

import jax
import jax.numpy as jnp

from phalanx.errors import InputError
from phalanx.likelihoods.likelihood import NumberLikelihood, over_known, split_known, uncorrelated
from phalanx.parts import Knob, field, part


@part
class Poisson(NumberLikelihood):
    """Counts of events that happen independently: −log p = Σ_j λ_j − y_j log λ_j + log y_j!, with λ = scale · ζ(z).

    The usual link is λ = e^z (PyTorch's default); softplus is the same for small rates and, for large ones, linear,
    so that no outputs make the cost overflow.

    `scale`: unit of the rate (default 1); before training `at_scale` turns it from units of the mean count of the
    training rows into counts.
    Source: notes D2; book 6.2.2.4 and 5.5.
    """

    target = "counts"

    scale: Knob = field(default=1.0, above=0)

    def units(self, size: int) -> int:
        return size

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        y, known = split_known(y)
        return over_known(self.marginal_nll(z, y), known)

    def marginal_nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        log_rate = jnp.log(self.scale) + _log_softplus(z)
        return self.mean(z) - y * log_rate + jax.lax.lgamma(y + 1)

    def mean(self, z: jax.Array) -> jax.Array:
        return self.scale * jax.nn.softplus(z)

    def mode(self, z: jax.Array) -> jax.Array:
        return jnp.floor(self.mean(z))

    def deviation(self, z: jax.Array) -> jax.Array:
        return jnp.sqrt(self.mean(z))

    def covariance(self, z: jax.Array) -> jax.Array:
        return uncorrelated(self.deviation(z))

    def cdf(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.where(y < 0, 0, _upper_gamma(jnp.maximum(jnp.floor(y), 0) + 1, self.mean(z)))

    def sample(self, key: jax.Array, z: jax.Array) -> jax.Array:
        return jax.random.poisson(key, self.mean(z)).astype(z.dtype)

    def at_scale(self, mean: float) -> "Poisson":
        if mean <= 0:
            raise InputError(f"Poisson: the mean count of the training rows is {mean:g}, but must be above 0")
        if not isinstance(self.scale, (int, float)):
            raise InputError(f"Poisson: scale is {self.scale!r}, but must be a number when training begins")
        return dataclasses.replace(self, scale=self.scale * mean)


def _log_softplus(z: jax.Array) -> jax.Array:
    """Return log ζ(z), which is z to rounding where ζ(z) = e^z − ½ e^{2z} + … would underflow."""
    low = z < -20
    return jnp.where(low, z, jnp.log(jax.nn.softplus(jnp.where(low, 0, z))))


def _upper_gamma(a: jax.Array, x: jax.Array) -> jax.Array:
    """Return the regularized upper incomplete gamma function Q(a, x), which is P(Y ≤ a − 1) for the rate x.

    JAX's loses its digits in float32 as a grows (at a = 10⁵ its error is 0.04). From a = 500 on it is replaced by the
    approximation of Wilson & Hilferty (1931), that (X/a)^⅓ is nearly Gaussian, whose error is less than 0.006/a.
    """
    large = a >= 500
    exact = jax.scipy.special.gammaincc(jnp.where(large, 1, a), jnp.where(large, 1, x))
    root = jnp.expm1(jnp.log1p((x - a) / a) / 3)  # (x/a)^⅓ − 1
    return jnp.where(large, jax.scipy.special.ndtr(-3 * jnp.sqrt(a) * (root + 1 / (9 * a))), exact)
