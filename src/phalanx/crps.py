"""The continuous ranked probability score of predicted distributions: how far they are from what came, in its units."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from phalanx.likelihoods import GaussianLikelihood
from phalanx.mixture import Mixture, cdf, centre_and_spread, integrate, marginals

_PAIRED = 64  # Gaussians of one mixture whose pairs are added up
_NODES = 128  # of the rule that integrates on either side of y
_COUNTS = 1024  # numbers at which a distribution of counts is looked at
_FAR = 10  # standard deviations from the mean to which it is integrated
_PAIRS = 2**20  # at a time


def crps(mixture: Mixture, y: np.ndarray) -> np.ndarray:
    """Return the CRPS of each number y (rows, d) by itself: ∫ (F(t) − 1{y ≤ t})² dt, where F is the distribution
    function (Matheson & Winkler 1976; Gneiting & Raftery 2007). For a certain F it is the absolute error.

    Of at most 64 Gaussians it is E|X − y| − ½ E|X − X′| in closed form (Grimit et al. 2006); otherwise it is integrated
    numerically, and summed over whole numbers for counts.
    """
    if all(isinstance(output.likelihood, GaussianLikelihood) for output in mixture.outputs):
        weight, mean, deviation = marginals(mixture)
        if weight.shape[1] <= _PAIRED:
            return _of_gaussians(weight, mean, deviation, np.asarray(y, np.float64))
    return integrate(_integral, mixture, np.asarray(y, np.float32)).astype(np.float64)


def _of_gaussians(weight: np.ndarray, mean: np.ndarray, deviation: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Σᵢ wᵢ A(y − μᵢ, σᵢ) − ½ Σᵢⱼ wᵢ wⱼ A(μᵢ − μⱼ, √(σᵢ² + σⱼ²)), where A(m, s) is E|N(m, s²)|.

    `weight` is (rows, k); means and deviations are (rows, k, d).
    """
    found = []
    size = max(1, _PAIRS // max(weight.shape[1] ** 2 * y.shape[1], 1))
    for first in range(0, max(len(y), 1), size):
        w, m, s, t = (a[first : first + size] for a in (weight, mean, deviation, y))
        apart = (w[:, :, None] * _absolute(t[:, None] - m, s)).sum(1)
        pairs = _absolute(m[:, :, None] - m[:, None], np.hypot(s[:, :, None], s[:, None]))
        found.append(apart - 0.5 * np.einsum("ri,rj,rijd->rd", w, w, pairs))
    return np.concatenate(found)


def _absolute(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return the expected absolute value of a Gaussian."""
    x = mean / deviation
    return deviation * (math.sqrt(2 / math.pi) * np.exp(-0.5 * x**2) + x * (2 * ndtr(x) - 1))


@jax.jit
def _integral(likelihoods: tuple[Any, ...], z: tuple[Any, ...], shares: jax.Array, y: jax.Array) -> jax.Array:
    """Return ∫ F² below y and ∫ (1 − F)² above it, by Gauss and Legendre's rule; of counts, their sum."""
    at = partial(cdf, likelihoods, z, shares)
    centre, spread = centre_and_spread(likelihoods, z, shares)
    low, high = jnp.minimum(centre - _FAR * spread, y), jnp.maximum(centre + _FAR * spread, y)
    if all(p.target == "counts" for p in likelihoods):
        low = jnp.maximum(jnp.floor(low), 0)
        stride = jnp.ceil((high - low + 1) / _COUNTS)

        def term(i: jax.Array, total: jax.Array) -> jax.Array:
            t = low + i.astype(y.dtype) * stride
            return total + stride * (at(t) - (y <= t).astype(y.dtype)) ** 2

        return jax.lax.fori_loop(0, _COUNTS, term, jnp.zeros_like(y))
    places, weights = (jnp.asarray(a, y.dtype) for a in np.polynomial.legendre.leggauss(_NODES))

    def node(i: jax.Array, total: jax.Array) -> jax.Array:
        share, weight = 0.5 + 0.5 * places[i], 0.5 * weights[i]
        below = (y - low) * at(low + share * (y - low)) ** 2
        above = (high - y) * (1 - at(y + share * (high - y))) ** 2
        return total + weight * (below + above)

    return jax.lax.fori_loop(0, _NODES, node, jnp.zeros_like(y))
