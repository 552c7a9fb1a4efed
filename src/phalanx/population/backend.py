"""The machine: which devices there are, and how a population is laid over them."""

import functools
import multiprocessing
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jax
import joblib
import numpy as np
import psutil
from jax.sharding import AxisType, Mesh

from phalanx.errors import InputError
from phalanx.population.cache import keep_compiled_programs

T = TypeVar("T")


@dataclass
class _Asked:
    """What `configure` was asked for."""

    devices: int | None = None
    cache: Path | bool = True


_asked = _Asked()


def configure(*, devices: int | None = None, cache: str | Path | bool = True) -> None:
    """Say what Phalanx may set of JAX, which has one configuration a process. It does so at the first training.

    `devices`: CPU devices that JAX is asked for; None (default): one for each core that this process may use, so that
    all train; 1: as JAX is by itself. `cache`: the folder where compiled programs are kept from run to run; True
    (default): one in the user's cache folder, unless JAX has been given another; False: JAX's settings stay as they
    are.
    Raises `InputError` for fewer than one device, and once training has begun.

    >>> import phalanx
    >>> phalanx.configure(devices=0)
    Traceback (most recent call last):
    phalanx.errors.InputError: devices is 0, but must be a whole number from 1, or None
    """
    if devices is not None and (isinstance(devices, bool) or not isinstance(devices, int) or devices < 1):
        raise InputError(f"devices is {devices!r}, but must be a whole number from 1, or None")
    if _devices.cache_info().currsize:
        raise InputError("configure comes too late: a network was trained already; call it before that")
    _asked.devices, _asked.cache = devices, cache if isinstance(cache, bool) else Path(cache)


def devices() -> tuple[jax.Device, ...]:
    """Return the devices to train on, and start JAX if nothing has.

    On a CPU one device for each core that this process may use (one in a worker process, whose siblings use the
    others), unless `configure` was asked for others; where the backend already runs, the devices it has, with a warning
    if they are fewer.
    """
    return _devices()


@functools.cache
def _devices() -> tuple[jax.Device, ...]:
    if _asked.cache is not False:
        keep_compiled_programs(None if _asked.cache is True else _asked.cache)
    cores = 1 if multiprocessing.parent_process() else max(1, joblib.cpu_count())
    wanted = cores if _asked.devices is None else _asked.devices
    try:
        jax.config.update("jax_num_cpu_devices", wanted)
    except RuntimeError:  # the backend has started
        found = jax.devices()
        if len(found) < wanted and found[0].platform == "cpu":
            warnings.warn(f"JAX was in use already: training on {len(found)} of {wanted} cores", stacklevel=2)
    return tuple(jax.devices())


def mesh_for(members: int, batch_size: int, available: Sequence[Any] | None = None) -> Mesh:
    """Return a mesh with axes (member, data).

    Members are spread over the devices; where there are fewer members than accelerators, the rest split each batch.
    On a CPU one device's matrix product uses the idle cores anyway, so nothing is split there.
    """
    available = devices() if available is None else available
    data = 1
    if available[0].platform != "cpu" and members < len(available):
        spare = len(available) // members
        data = max(d for d in range(1, spare + 1) if batch_size % d == 0)
    along = len(available) // data
    return Mesh(
        np.array(available[: along * data]).reshape(along, data), ("member", "data"), axis_types=(AxisType.Auto,) * 2
    )


def width_for(platform: str, parameters: int, members_per_device: int, flat: bool = True, turns: bool = False) -> int:
    """Return how many members a device computes side by side.

    On a CPU 8 where a network has at most 2^14 parameters, since steps that small are mostly overhead, and 1, the
    plain loop, where it has more, or rows are not `flat` but images, or where members must take `turns`: where they
    switch between layers, all of which several members at a time would compute, or round the factors of products, which
    are fast one by one (measured in `benchmarks/README.md`). An accelerator is filled by taking all at once, up to 256.
    """
    if platform == "cpu":
        return min(members_per_device, 8) if parameters <= 2**14 and flat and not turns else 1
    return min(members_per_device, 256)


def price(prices: Mapping[str, T]) -> T:
    """Return what is said of the devices to train on; of any accelerator what is said of a GPU."""
    return prices["cpu" if devices()[0].platform == "cpu" else "gpu"]


def ahead() -> int:
    """Return how many populations are given a round before the first of them is waited for.

    Two on an accelerator, which would wait for the host in between; one on a CPU, which the host uses too.
    """
    return 1 if devices()[0].platform == "cpu" else 2


def capacity_for(members: int, along: int) -> int:
    """Return the places of a population on `along` devices: a power of two each, so that 50 and 64 share a program."""
    per_device = -(-members // along)
    return along * 2 ** (per_device - 1).bit_length()


def memory() -> int:
    """Return the bytes that a population may use: half of what is free."""
    first = devices()[0]
    if first.platform == "cpu":
        return psutil.virtual_memory().available // 2
    stats = first.memory_stats() or {}
    free = stats.get("bytes_limit", 8 * 2**30) - stats.get("bytes_in_use", 0)
    return free * len(devices()) // 2
