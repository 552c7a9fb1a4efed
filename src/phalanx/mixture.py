"""The distribution that an ensemble predicts for numbers: the mixture of its members' distributions."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.likelihoods.quantiles import quantile
from phalanx.population.predict import BLOCK_ROWS
from phalanx.population.stack import padded


class Mixture(NamedTuple):
    """Members' likelihoods, their outputs z (rows, units), and their shares, which add up to 1."""

    likelihoods: tuple[Any, ...]
    z: tuple[Any, ...]
    shares: Any


def deviation(mixture: Mixture) -> np.ndarray:
    """Return the standard deviation, by the law of total variance: that within members and that between them."""
    return _in_blocks(_deviation, mixture)[0]


def interval(mixture: Mixture, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central interval that holds each number with probability `level`."""
    low, high = _in_blocks(_interval, mixture, np.float32(level))
    return low, high


def mode(mixture: Mixture) -> np.ndarray:
    """Return the most probable numbers by the first member, (rows, columns)."""
    return _in_blocks(_mode, mixture)[0]


def sample(mixture: Mixture, key: jax.Array) -> np.ndarray:
    """Draw the numbers of each row once: from a member chosen by its share."""
    return _in_blocks(_sample, mixture, key, keyed=True)[0]


def _in_blocks(program: Any, mixture: Mixture, *given: Any, keyed: bool = False) -> list[np.ndarray]:
    """Return what a program makes of the rows, in blocks of one size, so that it is compiled once."""
    rows = len(mixture.z[0])
    blocks = []
    for first in range(0, max(rows, 1), BLOCK_ROWS):
        z = tuple(padded(z[first : first + BLOCK_ROWS], BLOCK_ROWS) for z in mixture.z)
        more = (jax.random.fold_in(given[0], first),) if keyed else given
        found = program(mixture._replace(z=z), *more)
        blocks.append(found if isinstance(found, tuple) else (found,))
    return [np.concatenate([np.asarray(block[i]) for block in blocks])[:rows] for i in range(len(blocks[0]))]


@jax.jit
def _mean(mixture: Mixture) -> jax.Array:
    return _weighted(mixture, [p.mean(z) for p, z in zip(mixture.likelihoods, mixture.z, strict=True)])


@jax.jit
def _deviation(mixture: Mixture) -> jax.Array:
    centre = _mean(mixture)
    squares = [
        p.deviation(z) ** 2 + (p.mean(z) - centre) ** 2 for p, z in zip(mixture.likelihoods, mixture.z, strict=True)
    ]
    return jnp.sqrt(_weighted(mixture, squares))


@jax.jit
def _interval(mixture: Mixture, level: jax.Array) -> tuple[jax.Array, jax.Array]:
    def cdf(y: jax.Array) -> jax.Array:
        return _weighted(mixture, [p.cdf(z, y) for p, z in zip(mixture.likelihoods, mixture.z, strict=True)])

    whole = all(p.target == "counts" for p in mixture.likelihoods)
    centre, spread = _mean(mixture), _deviation(mixture)
    ends = [quantile(cdf, share, centre, spread, whole=whole) for share in ((1 - level) / 2, (1 + level) / 2)]
    return ends[0], ends[1]


@jax.jit
def _mode(mixture: Mixture) -> jax.Array:
    return mixture.likelihoods[0].mode(mixture.z[0])


@jax.jit
def _sample(mixture: Mixture, key: jax.Array) -> jax.Array:
    which, *keys = jax.random.split(key, 1 + len(mixture.z))
    drawn = jnp.stack([p.sample(k, z) for k, p, z in zip(keys, mixture.likelihoods, mixture.z, strict=True)])
    chosen = jax.random.categorical(which, jnp.log(mixture.shares), shape=(drawn.shape[1],))
    return drawn[chosen, jnp.arange(drawn.shape[1])]


def _weighted(mixture: Mixture, values: list[jax.Array]) -> jax.Array:
    return sum((share * value for share, value in zip(mixture.shares, values, strict=True)), jnp.zeros(()))
