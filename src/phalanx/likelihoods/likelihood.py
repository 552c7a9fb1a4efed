"""What every likelihood implements.

`z` is the output of the last layer, shape (batch, units). Costs are natural logarithms (nats), one number a row.
A target is one of three kinds: `classes`, y holds codes (batch,); `numbers`, y holds d standardized numbers of a row,
(batch, d); `counts`, y holds d counts, (batch, d).
"""

import math
from abc import abstractmethod
from typing import ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.errors import InputError
from phalanx.likelihoods.quantiles import quantile
from phalanx.parts import Part, part

Z = jax.Array


@part
class Likelihood(Part):
    """A family of distributions p(y | z) of the target, whose parameters are the network's outputs z."""

    target: ClassVar[str]
    """Kind of target: classes, numbers or counts."""

    @property
    def estimated(self) -> bool:
        """Whether `fitted` has anything to estimate."""
        return False

    @property
    def says_more(self) -> bool:
        """Whether distributions of one mean may differ, so that the mean alone does not say how good they are."""
        return False

    @abstractmethod
    def units(self, size: int) -> int:
        """Return how many outputs a target needs that has this many classes, or numbers a row."""

    @abstractmethod
    def nll(self, z: Z, y: jax.Array) -> jax.Array:
        """Return −log p(y | z) of each row, shape (batch,)."""

    @abstractmethod
    def mean(self, z: Z) -> jax.Array:
        """Return the expected target, shape (batch, d), or for classes their probabilities, (batch, classes)."""

    @abstractmethod
    def mode(self, z: Z) -> jax.Array:
        """Return the most probable value, (batch, d), or class, (batch,)."""

    @abstractmethod
    def sample(self, key: jax.Array, z: Z) -> jax.Array:
        """Draw one target for each row, of the shape of y."""

    @abstractmethod
    def error(self, z: Z, y: jax.Array) -> jax.Array:
        """Return how wrong each row's prediction is, (batch,): of classes, the probability that the most probable class
        is wrong (1 or 0 where y is a code); of numbers, |y − mean| averaged over d.
        """

    def probability(self, z: Z, y: jax.Array) -> jax.Array:
        """Return p(y | z) of each row, (batch,): a probability, or for numbers a density."""
        return jnp.exp(-self.nll(z, y))

    def at_scale(self, mean: float) -> "Likelihood":
        """Return the likelihood told the mean target of the training rows; only counts, which are not standardized,
        make use of it.
        """
        return self

    def fitted(self, z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Self:
        """Return the likelihood with those of its own parameters that training left out, estimated by maximum
        likelihood from outputs z, (rows, masks, units), and targets of validation rows.

        The distribution of a row is the mean over its masks, of which there is one where nothing is random.
        """
        return self


@part
class NumberLikelihood(Likelihood):
    """Base of likelihoods of numbers and counts, which have a deviation, a distribution function and intervals."""

    target: ClassVar[str] = "numbers"

    @property
    def partial(self) -> bool:
        """Whether numbers of a row may be unknown, NaN: `nll` and `error` are then those of the others."""
        return True

    @abstractmethod
    def deviation(self, z: Z) -> jax.Array:
        """Return the standard deviation of each number given z, shape (batch, d)."""

    @abstractmethod
    def covariance(self, z: Z) -> jax.Array:
        """Return the covariance of the numbers of a row given z, shape (batch, d, d)."""

    @abstractmethod
    def cdf(self, z: Z, y: jax.Array) -> jax.Array:
        """Return P(Y_j ≤ y_j | z) of each number by itself (the marginal), shape (batch, d)."""

    @abstractmethod
    def marginal_nll(self, z: Z, y: jax.Array) -> jax.Array:
        """Return −log p(y_j | z) of each number by itself, shape (batch, d)."""

    def interval(self, z: Z, level: float) -> tuple[jax.Array, jax.Array]:
        """Return the central interval that holds each number with probability `level`: two arrays (batch, d).

        Its ends are the quantiles (1 − level)/2 and (1 + level)/2; of counts, it holds at least as much as `level`.
        Raises `InputError` unless `level` lies between 0 and 1.
        """
        if not 0 < level < 1:
            raise InputError(f"level is {level!r}, but must be above 0 and below 1")
        mean, deviation = self.mean(z), self.deviation(z)

        def at(share: jax.Array) -> jax.Array:
            return quantile(lambda y: self.cdf(z, y), share, mean, deviation, whole=self.target == "counts")

        lower, upper = jax.vmap(at)(jnp.array([(1 - level) / 2, (1 + level) / 2], z.dtype))
        return lower, upper

    def error(self, z: Z, y: jax.Array) -> jax.Array:
        y, known = split_known(y)
        return over_known(jnp.abs(y - self.mean(z)), known) / jnp.maximum(known.sum(-1), 1).astype(z.dtype)


def split_known(y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return numbers with 0 for NaN, so that no gradient is NaN, and which of them are known."""
    known = ~jnp.isnan(y)
    return jnp.where(known, y, 0), known


def over_known(terms: jax.Array, known: jax.Array) -> jax.Array:
    """Return the sum of the terms of known numbers, over the last axis."""
    return jnp.where(known, terms, 0).sum(-1)


class Normals(NamedTuple):
    """A mixture of Gaussians for each number: log weights (batch, k), means and deviations (batch, k, d)."""

    log_weight: jax.Array
    mean: jax.Array
    deviation: jax.Array


@part
class GaussianLikelihood(NumberLikelihood):
    """Base of likelihoods under which each number by itself is Gaussian, or a mixture of Gaussians."""

    @abstractmethod
    def marginals(self, z: Z) -> Normals:
        """Return the components of each number; their weights are those of a row."""

    def cdf(self, z: Z, y: jax.Array) -> jax.Array:
        log_weight, mean, deviation = self.marginals(z)
        share = jax.scipy.special.ndtr((y[:, None, :] - mean) / deviation)
        return (jnp.exp(log_weight)[:, :, None] * share).sum(1)

    def marginal_nll(self, z: Z, y: jax.Array) -> jax.Array:
        log_weight, mean, deviation = self.marginals(z)
        squares = 0.5 * ((y[:, None, :] - mean) / deviation) ** 2 + jnp.log(deviation) + 0.5 * math.log(2 * math.pi)
        return -jax.nn.logsumexp(log_weight[:, :, None] - squares, axis=1)


def alone(mean: jax.Array, deviation: jax.Array) -> Normals:
    """Return one component, of means and deviations (batch, d)."""
    return Normals(jnp.zeros((mean.shape[0], 1), mean.dtype), mean[:, None], deviation[:, None])


def uncorrelated(deviation: jax.Array) -> jax.Array:
    """Return the covariance (batch, d, d) of independent numbers of deviations (batch, d)."""
    return deviation[:, :, None] ** 2 * jnp.eye(deviation.shape[-1], dtype=deviation.dtype)[None]


@part
class ClassLikelihood(Likelihood):
    """Base of likelihoods of classes. Targets are codes (batch,), or probabilities of the classes (batch, classes)."""

    target: ClassVar[str] = "classes"

    @abstractmethod
    def log_probabilities(self, z: Z) -> jax.Array:
        """Return log P(y = i | z), shape (batch, classes), finite for any finite z."""

    @abstractmethod
    def nll_of_codes(self, z: Z, y: jax.Array) -> jax.Array:
        """Return −log P(y | z) for class codes, (batch,)."""

    def nll(self, z: Z, y: jax.Array) -> jax.Array:
        return self.nll_of_codes(z, y) if y.ndim == 1 else -(y * self.log_probabilities(z)).sum(-1)

    def mean(self, z: Z) -> jax.Array:
        return jnp.exp(self.log_probabilities(z))

    def mode(self, z: Z) -> jax.Array:
        return self.log_probabilities(z).argmax(-1).astype(jnp.int32)

    def sample(self, key: jax.Array, z: Z) -> jax.Array:
        return jax.random.categorical(key, self.log_probabilities(z)).astype(jnp.int32)

    def error(self, z: Z, y: jax.Array) -> jax.Array:
        if y.ndim == 1:
            return (self.mode(z) != y.astype(jnp.int32)).astype(z.dtype)
        return 1 - jnp.take_along_axis(y, self.mode(z)[:, None], axis=1)[:, 0]
