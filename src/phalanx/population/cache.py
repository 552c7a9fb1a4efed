"""Where compiled programs are kept, from run to run and within one process."""

import os
from contextlib import suppress
from pathlib import Path

import jax

_MOST_BYTES = 2**30
_MAPS = Path("/proc/self/maps")
_MOST_MAPS = Path("/proc/sys/vm/max_map_count")


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


def forget_programs(share: float = 0.5) -> bool:
    """Let go of the programs in memory, if they take more than a share of the maps that Linux grants a process.

    A program takes a hundred maps and more, and a process that asks for one above its limit (65,530 unless a system
    says otherwise) dies. What is forgotten is compiled again, or read from the cache folder, when it is needed.
    """
    try:
        most = int(_MOST_MAPS.read_text())
        with _MAPS.open("rb") as lines:
            held = sum(1 for _ in lines)
    except OSError:  # not Linux: there is no such limit
        return False
    if held <= share * most:
        return False
    jax.clear_caches()
    return True
