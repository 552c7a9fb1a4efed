"""Likelihoods of classes."""

import jax
import jax.numpy as jnp

from phalanx.likelihoods.likelihood import ClassLikelihood
from phalanx.parts import part


@part
class Bernoulli(ClassLikelihood):
    """Two classes, P(y = 1) = σ(z): −log p = ζ((1 − 2y) z), which saturates only where the answer is right.

    Source: notes D2, D3; book 6.2.2.2.
    """

    def units(self, size: int) -> int:
        return 1

    def nll_of_codes(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.softplus((1 - 2 * y.astype(z.dtype)) * z[:, 0])

    def log_probabilities(self, z: jax.Array) -> jax.Array:
        return -jax.nn.softplus(jnp.concatenate([z, -z], axis=-1))

    def mean(self, z: jax.Array) -> jax.Array:
        return jnp.concatenate([jax.nn.sigmoid(-z), jax.nn.sigmoid(z)], axis=-1)

    def mode(self, z: jax.Array) -> jax.Array:
        return (z[:, 0] > 0).astype(jnp.int32)


@part
class Multinoulli(ClassLikelihood):
    """k classes, P(y = i) = softmax(z)_i: −log p = log Σ_j e^{z_j − m} − (z_y − m), where m = max_j z_j.

    Source: notes D2; book 6.2.2.3.
    """

    def units(self, size: int) -> int:
        return size

    def nll_of_codes(self, z: jax.Array, y: jax.Array) -> jax.Array:
        one_hot = y[:, None] == jnp.arange(z.shape[-1], dtype=y.dtype)[None, :]
        return -jnp.where(one_hot, self.log_probabilities(z), 0).sum(-1)

    def log_probabilities(self, z: jax.Array) -> jax.Array:
        return jax.nn.log_softmax(z, axis=-1)

    def mean(self, z: jax.Array) -> jax.Array:
        return jax.nn.softmax(z, axis=-1)

    def mode(self, z: jax.Array) -> jax.Array:
        return z.argmax(-1).astype(jnp.int32)
