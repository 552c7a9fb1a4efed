"""Where compiled programs are kept from run to run."""

import os
from contextlib import suppress
from pathlib import Path

import jax

_MOST_BYTES = 2**30


def cache_folder() -> Path:
    """Return the folder of compiled programs, inside the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "phalanx" / "programs"


def keep_compiled_programs(chosen: Path | None = None) -> None:
    """Let JAX keep compiled programs in a `chosen` folder, or in the cache folder unless it has been given another.

    The folder's size is bounded once a process: JAX's own bound reads the times of all files for every file that it
    writes, which in a full folder takes longer than to compile most programs.
    """
    if chosen is None and jax.config.values.get("jax_compilation_cache_dir") is not None:
        return
    folder = cache_folder() if chosen is None else chosen
    try:
        folder.mkdir(parents=True, exist_ok=True)
        forget_oldest(folder, _MOST_BYTES)
    except OSError:  # a read-only home: compile anew each time
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def forget_oldest(folder: Path, most: int) -> None:
    """Where files hold more than `most` bytes, delete those that were not read for longest, down to half of it."""
    with os.scandir(folder) as entries:
        held = [(entry.stat(), entry.path) for entry in entries if entry.is_file()]
    total = sum(stat.st_size for stat, _ in held)
    if total <= most:
        return
    for stat, path in sorted(held, key=lambda one: one[0].st_atime_ns):
        if total <= most // 2:
            break
        with suppress(FileNotFoundError):  # another process was first
            os.unlink(path)
        total -= stat.st_size
