"""Targets for each step of a row, in padded arrays: codes with -1, or numbers with NaN, where a row has no step."""

import numpy as np

NONE = -1
"""In place of the code of a class: there is no step."""


def spread(flat: np.ndarray, real: np.ndarray | None) -> np.ndarray:
    """Return an array (rows, steps, ...) with the entries of `flat` (n, ...) one after the other where `real`, a mask
    (rows, steps), says that there is a step; elsewhere -1 of whole numbers, NaN of others. None: the entries are those
    of rows, and stay as they are.

    >>> spread(np.array([4, 2, 1]), np.array([[True, True], [True, False]])).tolist()
    [[4, 2], [1, -1]]
    """
    if real is None:
        return flat
    values = np.full((*real.shape, *flat.shape[1:]), _none(flat), flat.dtype)
    values[real] = flat
    return values


def with_steps(values: np.ndarray, steps: int) -> np.ndarray:
    """Return an array (rows, steps, ...) with so many steps: longer ones are cut, and shorter ones padded.

    >>> with_steps(np.array([[4, 2]]), 3).tolist(), with_steps(np.array([[4, 2]]), 1).tolist()
    ([[4, 2, -1]], [[4]])
    """
    found = np.full((len(values), steps, *values.shape[2:]), _none(values), values.dtype)
    found[:, : values.shape[1]] = values[:, :steps]
    return found


def known_steps(values: np.ndarray) -> np.ndarray:
    """Return which steps have a target, (rows, steps), given codes (rows, steps), or numbers (rows, steps, ...)."""
    if values.dtype.kind in "iu":
        return values != NONE
    return ~np.isnan(values.reshape(*values.shape[:2], -1)).all(2)


def _none(values: np.ndarray) -> float | int | bool:
    """Return what stands for no step in an array of this type."""
    return {"b": False, "i": NONE}.get(values.dtype.kind, np.nan)
