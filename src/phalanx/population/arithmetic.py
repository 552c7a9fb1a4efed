"""A test of what JAX computes: releases of its compiler were wrong on CPUs, and trained networks do not show it."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from phalanx.errors import InputError
from phalanx.population.backend import devices

_FLAG = "--xla_cpu_experimental_ynn_fusion_type=-reduce"
_CRASHING = ("0.10.2", "0.11.0")
"""Releases of jaxlib that end the process in sums of products of rank 7 (JAX's issues 39257 and 40412)."""

_ROWS = 2**15 + 1
"""Rows of which jaxlib 0.10.2 computes those from 32,768 on wrongly (JAX's issue 39103)."""

_TOLERANCE = 1e-5


def _squares(rows: Any, matrix: Any) -> Any:
    """Return ‖M r‖² of each row r: a product of a matrix and a vector, a row at a time, and its sum."""
    return jax.vmap(lambda row: jnp.sum((matrix @ row) ** 2))(rows)


def _products(axis: int) -> Callable[[Any, Any], Any]:
    """Return what sums the products of two arrays over an axis."""
    return lambda a, b: (a * b).sum(axis)


def _gradient(x: Any, y: Any) -> Any:
    """Return what members of a population do with their batches: the mean over rows of products, each by itself."""
    return jax.vmap(lambda x, y: jnp.einsum("ri,rj->ij", x, y) / len(x))(x, y)


def _whole(*shape: int) -> np.ndarray:
    """Return small whole numbers, whose sums of products float32 holds exactly."""
    return (np.arange(np.prod(shape)) % 7 - 3).reshape(shape).astype(np.float32)


def programs() -> list[tuple[Callable[..., Any], tuple[np.ndarray, ...], np.ndarray]]:
    """Return programs, their arguments, and what they have to return, computed by NumPy in float64.

    Arrays of rank 7 and 8 are those of convolutions in a population: (members, rows, height, width, channels, and the
    places of a kernel).
    """
    rows = np.zeros((_ROWS, 3), np.float32)
    rows[:, 0] = np.arange(_ROWS)
    found: list[tuple[Callable[..., Any], tuple[np.ndarray, ...], np.ndarray]] = [
        (_squares, (rows, np.eye(3, dtype=np.float32)), rows[:, 0].astype(float) ** 2)
    ]
    for shape, axis in (((3, 1, 2, 2, 8, 8, 8), 3), ((2, 3, 1, 2, 2, 8, 4, 4), 4)):
        a, b = _whole(*shape), _whole(*shape)[::-1].copy()
        found.append((_products(axis), (a, b), (a.astype(float) * b).sum(axis)))
    x, y = _whole(4, 32, 64), _whole(4, 32, 10)
    found.append((_gradient, (x, y), np.einsum("mri,mrj->mij", x.astype(float), y) / 32))
    return found


def wrong(found: Any, right: np.ndarray) -> bool:
    """Say whether numbers differ by more than rounding from the right ones."""
    return not np.allclose(np.asarray(found, float), right, rtol=_TOLERANCE, atol=_TOLERANCE)


@functools.cache
def check_arithmetic() -> None:
    """Raise `InputError` where JAX computes wrong numbers, or is known to end the process. Runs once a process."""
    devices()  # the backend starts with all cores, whoever asks first
    flagged = _FLAG in os.environ.get("XLA_FLAGS", "")
    on_cpu = jax.default_backend() == "cpu"
    if on_cpu and jaxlib.__version__ in _CRASHING and not flagged:
        raise InputError(_sentence("ends the process in sums of products"))
    if any(wrong(jax.jit(program)(*arguments), right) for program, arguments, right in programs()):
        raise InputError(_sentence("computes wrong sums"))


def check_apart() -> None:
    """Run `check_arithmetic` in a process of its own, which may end before it can tell.

    Raises `InputError` for what it finds, and where it ends without an answer.
    """
    program = f"from {__name__} import check_arithmetic; check_arithmetic()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if done.returncode < 0:
        raise InputError(_sentence("ends the process in sums of products"))
    if done.returncode:
        raise InputError(done.stderr.strip().rpartition("\n")[2].partition(": ")[2])


def _sentence(fault: str) -> str:
    return (
        f"jaxlib {jaxlib.__version__} {fault} on this machine, so nothing is trained: install another release "
        f"(pip install 'jax!=0.10.2,!=0.11.0,!=0.11.1'), or set XLA_FLAGS={_FLAG} before Python starts"
    )
