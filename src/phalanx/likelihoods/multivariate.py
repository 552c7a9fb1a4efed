"""The Gaussian of several numbers that depend on each other given the input."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.likelihoods.likelihood import GaussianLikelihood, Normals, alone
from phalanx.parts import Knob, field, part


@part
class MultivariateGaussian(GaussianLikelihood):
    """Numbers with correlated Gaussian noise: −log p = ½ ‖Lᵀ(y − μ)‖² − Σ_i log L_ii + ½ d log 2π.

    L is the Cholesky factor of the precision (the inverse of the covariance) Λ = L Lᵀ, which is positive definite
    whatever the outputs are; with a factor of the covariance, the other usual choice, each step of training would
    solve d equations a row. The outputs are (μ, s, l), d + d(d+1)/2 of them for d numbers: L_ii = ζ(s_i) + floor, and
    l holds L below the diagonal, row by row. Intervals are those of each number by itself.

    `floor`: smallest L_ii (default 1e-3). The inverse of L_ii is a standard deviation in units of the standardized
    target, of y_i given the numbers before it, which the floor keeps finite.
    Source: notes D2; book 6.2.2.4.
    """

    says_more = True

    partial = False  # what is left of a row has another factor

    floor: Knob = field(default=1e-3, at_least=1e-6)

    def units(self, size: int) -> int:
        return size + size * (size + 1) // 2

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        factor = self.factor(z)
        distance = jnp.einsum("bij,bi->bj", factor, y - self.mean(z))
        diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
        return (0.5 * distance**2 - jnp.log(diagonal) + 0.5 * math.log(2 * math.pi)).sum(-1)

    def factor(self, z: jax.Array) -> jax.Array:
        """Return the lower triangular L of the precision L Lᵀ, shape (batch, d, d)."""
        d = _numbers(z)
        factor = jnp.zeros((z.shape[0], d, d), z.dtype)
        factor = factor.at[:, *np.diag_indices(d)].set(jax.nn.softplus(z[:, d : 2 * d]) + self.floor)
        return factor.at[:, *np.tril_indices(d, -1)].set(z[:, 2 * d :])

    def covariance(self, z: jax.Array) -> jax.Array:
        root = self._root(z)
        return jnp.einsum("bki,bkj->bij", root, root)

    def mean(self, z: jax.Array) -> jax.Array:
        return z[:, : _numbers(z)]

    def mode(self, z: jax.Array) -> jax.Array:
        return self.mean(z)

    def deviation(self, z: jax.Array) -> jax.Array:
        return jnp.sqrt((self._root(z) ** 2).sum(-2))

    def marginals(self, z: jax.Array) -> Normals:
        return alone(self.mean(z), self.deviation(z))

    def sample(self, key: jax.Array, z: jax.Array) -> jax.Array:
        mean = self.mean(z)
        noise = jax.random.normal(key, mean.shape, z.dtype)
        return mean + jnp.einsum("bki,bk->bi", self._root(z), noise)

    def _root(self, z: jax.Array) -> jax.Array:
        """Return R = L⁻¹, for which RᵀR is the covariance."""
        factor = self.factor(z)
        identity = jnp.broadcast_to(jnp.eye(factor.shape[-1], dtype=z.dtype), factor.shape)
        return jax.lax.linalg.triangular_solve(factor, identity, left_side=True, lower=True)


def _numbers(z: jax.Array) -> int:
    """Return d, of which z has d(d + 3)/2 outputs."""
    return (math.isqrt(9 + 8 * z.shape[-1]) - 3) // 2
