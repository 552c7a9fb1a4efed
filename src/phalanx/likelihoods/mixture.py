"""The Gaussian mixture: numbers that may have several likely values for one input."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from phalanx.likelihoods.gaussian import SMALLEST
from phalanx.likelihoods.likelihood import GaussianLikelihood, Normals, over_known, split_known, uncorrelated
from phalanx.parts import Fixed, Knob, field, part

SHIFTS = 50
"""Steps of mean shift that look for the mode."""


@part
class GaussianMixture(GaussianLikelihood):
    """Numbers with several likely values: −log p = −log Σ_c w_c Π_j N(y_j; μ_cj, σ_cj²).

    The outputs are (a, m, s), k(1 + 2d) of them for k components of d numbers: w = softmax(a), μ_c = m_c + o_c and
    σ = ζ(s) + floor. Within a component the numbers are independent. The offsets o_c are constants, evenly spread
    from −1 to 1 (0 for one component): without them components that start alike would stay alike, as they get the
    same gradient. The mode is the point of highest density among those that `SHIFTS` steps of mean shift reach from
    the mean of each component, a method that climbs at every step but may miss a peak that none of them leads to.

    `components`: k (default 3). `floor`: smallest σ, in units of the standardized target (default 1e-3).
    Source: notes D2; book 6.2.2.4; Bishop 1994; for the mode Carreira-Perpiñán 2000.
    """

    says_more = True

    components: Fixed[int] = field(default=3, at_least=1)
    floor: Knob = field(default=1e-3, at_least=SMALLEST)

    def units(self, size: int) -> int:
        return self.components * (1 + 2 * size)

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        log_joint, nearest = self._log_joint(z, y)
        return nearest - jax.nn.logsumexp(log_joint, axis=-1)

    def mean(self, z: jax.Array) -> jax.Array:
        log_weight, mean, _ = self.marginals(z)
        return (jnp.exp(log_weight)[:, :, None] * mean).sum(1)

    def deviation(self, z: jax.Array) -> jax.Array:
        log_weight, mean, deviation = self.marginals(z)
        squares = deviation**2 + (mean - self.mean(z)[:, None, :]) ** 2  # the law of total variance
        return jnp.sqrt((jnp.exp(log_weight)[:, :, None] * squares).sum(1))

    def covariance(self, z: jax.Array) -> jax.Array:
        log_weight, mean, _ = self.marginals(z)
        off = mean - self.mean(z)[:, None, :]
        between = jnp.einsum("bk,bki,bkj->bij", jnp.exp(log_weight), off, off)
        apart = jnp.eye(mean.shape[-1], dtype=bool)[None]
        return jnp.where(apart, uncorrelated(self.deviation(z)), between)

    def sample(self, key: jax.Array, z: jax.Array) -> jax.Array:
        log_weight, mean, deviation = self.marginals(z)
        of_component, of_noise = jax.random.split(key)
        drawn = jax.random.categorical(of_component, log_weight)[:, None, None]
        mean, deviation = (jnp.take_along_axis(a, drawn, axis=1)[:, 0] for a in (mean, deviation))
        return mean + deviation * jax.random.normal(of_noise, mean.shape, z.dtype)

    def mode(self, z: jax.Array) -> jax.Array:
        _, mean, deviation = self.marginals(z)
        precision = deviation**-2

        def shifted(point: jax.Array) -> jax.Array:
            share = jax.nn.softmax(self._log_joint(z, point)[0], axis=-1)[:, :, None] * precision
            return (share * mean).sum(1) / share.sum(1)

        def climbed(start: jax.Array) -> tuple[jax.Array, jax.Array]:
            top = lax.fori_loop(0, SHIFTS, lambda _, point: shifted(point), start)
            return top, self.nll(z, top)

        tops, costs = jax.vmap(climbed, in_axes=1, out_axes=1)(mean)
        return jnp.take_along_axis(tops, costs.argmin(1)[:, None, None], axis=1)[:, 0]

    def marginals(self, z: jax.Array) -> Normals:
        k = self.components
        mean, s = z[:, k:].reshape(z.shape[0], 2, k, -1).swapaxes(0, 1)
        offset = jnp.linspace(-1, 1, k, dtype=z.dtype) if k > 1 else jnp.zeros(1, z.dtype)
        return Normals(jax.nn.log_softmax(z[:, :k]), mean + offset[None, :, None], jax.nn.softplus(s) + self.floor)

    def _log_joint(self, z: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return log w_c N(y; μ_c, σ_c²) + q for each component, (batch, k), and q, (batch,).

        q is half the squared distance of the nearest component in its own deviations. Where it is so large that the
        weights would vanish beside it in rounding, they still decide between components that are equally near.
        """
        log_weight, mean, deviation = self.marginals(z)
        y, known = (part[:, None, :] for part in split_known(y))
        distance = 0.5 * over_known(((y - mean) / deviation) ** 2, known)
        nearest = lax.stop_gradient(distance.min(-1))
        volume = over_known(jnp.log(deviation) + 0.5 * math.log(2 * math.pi), known)
        return log_weight - volume - (distance - nearest[:, None]), nearest
