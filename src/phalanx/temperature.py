"""Temperature: one number that makes the probabilities of classes bolder or more careful, and changes no prediction."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from phalanx.ensemble import Predictions, shares_of_rows
from phalanx.metrics import log_probability

_WIDEST = 3.0  # log T lies between minus this and this
_TINY = np.finfo(np.float32).tiny


def tempered(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities p^(1/T) / Σ p^(1/T) of each row (rows, classes), T > 0: above 1 they are closer to each
    other, below 1 further apart.

    >>> tempered(np.array([[0.8, 0.2]]), 0.5).round(4).tolist()  # 0.64 / 0.68
    [[0.9412, 0.0588]]
    """
    logs = np.log(np.maximum(p.astype(np.float64), _TINY)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def all_tempered(predictions: Predictions, temperatures: Sequence[float]) -> Predictions:
    """Return what is predicted of each goal at its temperature; at 1 it stays as it is, as numbers always do."""
    pairs = zip(predictions, temperatures, strict=True)
    return tuple(said if temperature == 1 else tempered(said, temperature) for said, temperature in pairs)


def best_temperature(p: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the temperature of the least log loss of probabilities (rows, classes) where the classes `y` came.

    `weight` counts rows. Source: Guo, Pleiss, Sun & Weinberger 2017.
    """
    mass = shares_of_rows(weight, len(y))

    def cost(log: float) -> float:
        return float(mass @ -log_probability(tempered(p, np.exp(log)), y))

    found = minimize_scalar(cost, bounds=(-_WIDEST, _WIDEST), method="bounded")
    return float(np.exp(found.x)) if found.fun < cost(0.0) else 1.0
