"""Output units as likelihoods (MAP D2): the cost is the negative log-likelihood of the target.

`z` is the output of the last layer, shape (batch, units); costs are natural logarithms (nats), one number a row.
"""

from abc import abstractmethod

import jax
import jax.numpy as jnp

from phalanx.spec import Knob, Part, field, part


@part
class Likelihood(Part):
    """A family of distributions of the target whose parameters are the network's outputs."""

    @abstractmethod
    def units(self, classes: int) -> int:
        """Return how many outputs a target with this many classes (0: a number) needs."""

    @abstractmethod
    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """Return −log p(y | z) of each row, shape (batch,)."""

    @abstractmethod
    def mean(self, z: jax.Array) -> jax.Array:
        """Return the expected target, shape (batch, 1), or for classes their probabilities, (batch, classes)."""

    @abstractmethod
    def error(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """Return how wrong each row's prediction is, (batch,): 1 for a wrong class, |y − prediction| for a number."""


@part
class Gaussian(Likelihood):
    """A number with Gaussian noise of fixed variance: −log p = ½ log(2πσ²) + (y − z)² / 2σ².

    Its minimum over z is that of the mean squared error (MAP D1).
    `variance`: σ², in units of the standardized target (default 1).
    """

    variance: Knob = field(default=1.0, above=0)

    def units(self, classes: int) -> int:
        return 1

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return 0.5 * jnp.log(2 * jnp.pi * self.variance) + (y - z[:, 0]) ** 2 / (2 * self.variance)

    def mean(self, z: jax.Array) -> jax.Array:
        return z

    def error(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.abs(y - z[:, 0])


@part
class Bernoulli(Likelihood):
    """Two classes, P(y = 1) = σ(z): −log p = ζ((1 − 2y) z), which saturates only where the answer is right (MAP D3)."""

    def units(self, classes: int) -> int:
        return 1

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.softplus((1 - 2 * y.astype(z.dtype)) * z[:, 0])

    def mean(self, z: jax.Array) -> jax.Array:
        return jnp.concatenate([jax.nn.sigmoid(-z), jax.nn.sigmoid(z)], axis=-1)

    def error(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return ((z[:, 0] > 0) != (y > 0)).astype(z.dtype)


@part
class Multinoulli(Likelihood):
    """k classes, P(y = i) = softmax(z)_i: −log p = log Σ_j e^{z_j} − z_y, for any size of z."""

    def units(self, classes: int) -> int:
        return classes

    def nll(self, z: jax.Array, y: jax.Array) -> jax.Array:
        one_hot = y[:, None] == jnp.arange(z.shape[-1], dtype=y.dtype)[None, :]
        return jax.nn.logsumexp(z, axis=-1) - jnp.where(one_hot, z, 0).sum(-1)

    def mean(self, z: jax.Array) -> jax.Array:
        return jax.nn.softmax(z, axis=-1)

    def error(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return (z.argmax(-1).astype(y.dtype) != y).astype(z.dtype)
