"""The distribution predicted for numbers: the mixture over members of an ensemble and over their dropout masks."""

import math
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from phalanx.likelihoods.quantiles import quantile
from phalanx.population.backend import devices
from phalanx.population.predict import BLOCK_ROWS
from phalanx.population.stack import padded

_NUMBERS = 2**22  # outputs of a block, at most
_CANDIDATES = 64  # modes of masks and members that are compared


class Output(NamedTuple):
    """A network's outputs z for one target, (rows, masks, units), and the likelihood that makes distributions of them.

    The distribution of a row is the mean over its masks, of which there is one where nothing is random.
    """

    likelihood: Any
    z: np.ndarray


class Mixture(NamedTuple):
    """Members' outputs for the same rows, and their shares, which add up to 1."""

    outputs: tuple[Output, ...]
    shares: np.ndarray


def mean(output: Output) -> np.ndarray:
    """Return one network's mean over masks: numbers (rows, d), or probabilities (rows, classes)."""
    return np.asarray(_each(_mean, output))


def log_density(mixture: Mixture, y: np.ndarray) -> np.ndarray:
    """Return log p(y) of each row of numbers y (rows, d) together, (rows,)."""
    return _mixed([_each(_log_density, output, y) for output in mixture.outputs], mixture.shares)


def marginal_log_density(mixture: Mixture, y: np.ndarray) -> np.ndarray:
    """Return log p(y_j) of each number by itself, (rows, d)."""
    return _mixed([_each(_marginal_log_density, output, y) for output in mixture.outputs], mixture.shares)


def marginals(mixture: Mixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the Gaussians of each number by itself: weights (rows, k), means and deviations (rows, k, d), float64."""
    found = [_each(_marginals, output) for output in mixture.outputs]
    weight = [share * np.exp(each[0].astype(np.float64)) for share, each in zip(mixture.shares, found, strict=True)]
    rest = (np.concatenate([each[i] for each in found], axis=1).astype(np.float64) for i in (1, 2))
    mean, deviation = rest
    return np.concatenate(weight, axis=1), mean, deviation


def deviation(mixture: Mixture) -> np.ndarray:
    """Return the standard deviation, by the law of total variance: that within members and that between them."""
    means, variances = (np.stack(found) for found in zip(*(_each(_moments, o) for o in mixture.outputs), strict=True))
    centre = np.tensordot(mixture.shares, means, 1)
    return np.sqrt(np.tensordot(mixture.shares, variances + (means - centre) ** 2, 1))


def covariance(mixture: Mixture) -> np.ndarray:
    """Return the covariance of the numbers of each row, (rows, d, d), by the law of total covariance."""
    found = [_each(_mean_and_covariance, output) for output in mixture.outputs]
    means, within = (np.stack(kind) for kind in zip(*found, strict=True))
    off = means - np.tensordot(mixture.shares, means, 1)
    return np.tensordot(mixture.shares, within + off[..., :, None] * off[..., None, :], 1)


def cumulative(mixture: Mixture, y: np.ndarray) -> np.ndarray:
    """Return P(Y_j ≤ y_j) of each number y (rows, d) by itself, float64."""
    found = np.stack([_each(_cdf, output, y) for output in mixture.outputs])
    return np.tensordot(mixture.shares, found.astype(np.float64), 1)


def interval(mixture: Mixture, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central interval that holds each number with probability `level`."""
    low, high = _together(_interval, mixture, given=(np.float32(level),))
    return low, high


def mode(mixture: Mixture) -> np.ndarray:
    """Return the numbers of highest density, (rows, d), among the mean and the modes of members and masks, of which at
    most 64 are compared; for one network without masks it is the mode of its likelihood.
    """
    each = max(1, _CANDIDATES // len(mixture.outputs))
    found = []
    for likelihood, z in mixture.outputs:
        chosen = np.unique(np.linspace(0, z.shape[1] - 1, min(each, z.shape[1])).astype(int))
        found.append(_each(_modes, Output(likelihood, z[:, chosen])))
    tops = np.concatenate(found, axis=1)
    if tops.shape[1] == 1:
        return tops[:, 0]
    centre = np.tensordot(mixture.shares, np.stack([mean(output) for output in mixture.outputs]), 1)
    whole = mixture.outputs[0].likelihood.target == "counts"
    tops = np.concatenate([np.floor(centre)[:, None] if whole else centre[:, None], tops], axis=1).astype(np.float32)
    heights = np.stack([log_density(mixture, tops[:, i]) for i in range(tops.shape[1])], axis=1)
    return np.take_along_axis(tops, heights.argmax(1)[:, None, None], axis=1)[:, 0]


def sample(mixture: Mixture, key: jax.Array) -> np.ndarray:
    """Draw the numbers of each row once: from a member chosen by its share, and one of its masks."""
    return _together(_sample, mixture, key=key)


def integrate(program: Callable[..., Any], mixture: Mixture, y: np.ndarray) -> np.ndarray:
    """Return what a compiled program makes of the whole mixture and of numbers y (rows, d)."""
    return _together(program, mixture, y)


def _mixed(logs: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """Return the logarithm of the weighted mean of densities, float64."""
    weight = np.log(np.asarray(shares, np.float64)).reshape(-1, *[1] * logs[0].ndim)
    return np.asarray(logsumexp(np.stack(logs).astype(np.float64) + weight, axis=0))


def _each(program: Callable[..., Any], output: Output, *rows: np.ndarray) -> Any:
    """Return what a program of one network's outputs, and of arrays beside them, makes of the rows."""
    return _in_blocks(lambda z, *more: program(output.likelihood, z[0], *more), (output.z,), rows)


def _together(
    program: Callable[..., Any],
    mixture: Mixture,
    *rows: np.ndarray,
    given: tuple[Any, ...] = (),
    key: jax.Array | None = None,
) -> Any:
    """Return what a program of all outputs makes of the rows; a `key` is another one in each block."""
    likelihoods = tuple(output.likelihood for output in mixture.outputs)
    shares = np.asarray(mixture.shares, np.float32)
    number = count()

    def block(z: tuple[np.ndarray, ...], *more: np.ndarray) -> Any:
        drawn = () if key is None else (jax.random.fold_in(key, next(number)),)
        return program(likelihoods, z, shares, *more, *given, *drawn)

    return _in_blocks(block, tuple(output.z for output in mixture.outputs), rows)


def _in_blocks(program: Callable[..., Any], z: tuple[np.ndarray, ...], rows: tuple[np.ndarray, ...]) -> Any:
    """Return what a program makes of the rows, in blocks of one size, so that it is compiled once."""
    devices()  # the backend starts with all cores, whoever asks first
    whole = len(z[0])
    widest = max(math.prod(one.shape[1:]) for one in z)
    size = max(1, min(BLOCK_ROWS, 2 ** ((_NUMBERS // max(widest, 1)).bit_length() - 1)))
    blocks = []
    for first in range(0, max(whole, 1), size):
        held, beside = ([padded(a[first : first + size], size) for a in arrays] for arrays in (z, rows))
        blocks.append(jax.tree.map(np.asarray, program(tuple(held), *beside)))
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:whole], *blocks)


def _by_mask(question: Callable[[jax.Array], jax.Array], z: jax.Array) -> jax.Array:
    """Return the answers for the outputs under each mask, (rows, masks, ...)."""
    return jax.vmap(question, in_axes=1, out_axes=1)(z)


@jax.jit
def _mean(p: Any, z: jax.Array) -> jax.Array:
    return _by_mask(p.mean, z).mean(1)


@jax.jit
def _moments(p: Any, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    means = _by_mask(p.mean, z)
    centre = means.mean(1)
    return centre, (_by_mask(p.deviation, z) ** 2 + (means - centre[:, None]) ** 2).mean(1)


@jax.jit
def _mean_and_covariance(p: Any, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    means = _by_mask(p.mean, z)
    centre = means.mean(1)
    off = means - centre[:, None]
    return centre, _by_mask(p.covariance, z).mean(1) + jnp.einsum("bmi,bmj->bij", off, off) / z.shape[1]


@jax.jit
def _log_density(p: Any, z: jax.Array, y: jax.Array) -> jax.Array:
    return jax.nn.logsumexp(-_by_mask(lambda z: p.nll(z, y), z), axis=1) - math.log(z.shape[1])


@jax.jit
def _marginal_log_density(p: Any, z: jax.Array, y: jax.Array) -> jax.Array:
    return jax.nn.logsumexp(-_by_mask(lambda z: p.marginal_nll(z, y), z), axis=1) - math.log(z.shape[1])


@jax.jit
def _cdf(p: Any, z: jax.Array, y: jax.Array) -> jax.Array:
    return _by_mask(lambda z: p.cdf(z, y), z).mean(1)


@jax.jit
def _marginals(p: Any, z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    log_weight, mean, deviation = jax.vmap(p.marginals, in_axes=1, out_axes=1)(z)
    rows, masks, components = log_weight.shape
    together = (a.reshape(rows, masks * components, -1) for a in (mean, deviation))
    return (log_weight - math.log(masks)).reshape(rows, -1), *together


@jax.jit
def _modes(p: Any, z: jax.Array) -> jax.Array:
    return _by_mask(p.mode, z)


Parts = tuple[Any, ...]


def cdf(likelihoods: Parts, z: Parts, shares: jax.Array, y: jax.Array) -> jax.Array:
    """Return P(Y_j ≤ y_j) of each number by itself, (rows, d)."""
    each = [_by_mask(partial(p.cdf, y=y), one).mean(1) for p, one in zip(likelihoods, z, strict=True)]
    return _weighted(shares, each)


def centre_and_spread(likelihoods: Parts, z: Parts, shares: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return mean and standard deviation of each number, (rows, d)."""
    found = [_moments(p, one) for p, one in zip(likelihoods, z, strict=True)]
    centre = _weighted(shares, [mean for mean, _ in found])
    return centre, jnp.sqrt(_weighted(shares, [variance + (mean - centre) ** 2 for mean, variance in found]))


@jax.jit
def _interval(likelihoods: Parts, z: Parts, shares: jax.Array, level: jax.Array) -> tuple[jax.Array, jax.Array]:
    whole = all(p.target == "counts" for p in likelihoods)
    centre, spread = centre_and_spread(likelihoods, z, shares)
    ends = [
        quantile(lambda y: cdf(likelihoods, z, shares, y), share, centre, spread, whole=whole)
        for share in ((1 - level) / 2, (1 + level) / 2)
    ]
    return ends[0], ends[1]


@jax.jit
def _sample(likelihoods: Parts, z: Parts, shares: jax.Array, key: jax.Array) -> jax.Array:
    which, *keys = jax.random.split(key, 1 + len(z))

    def drawn(key: jax.Array, p: Any, z: jax.Array) -> jax.Array:
        of_mask, of_number = jax.random.split(key)
        mask = jax.random.randint(of_mask, (z.shape[0], 1, 1), 0, z.shape[1])
        return p.sample(of_number, jnp.take_along_axis(z, mask, axis=1)[:, 0])

    found = jnp.stack([drawn(*each) for each in zip(keys, likelihoods, z, strict=True)])
    chosen = jax.random.categorical(which, jnp.log(shares), shape=(found.shape[1],))
    return found[chosen, jnp.arange(found.shape[1])]


def _weighted(shares: jax.Array, values: list[jax.Array]) -> jax.Array:
    return sum((share * value for share, value in zip(shares, values, strict=True)), jnp.zeros(()))
