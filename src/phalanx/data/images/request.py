"""What is asked of the images' reader, and the work it is given: in threads, and within memory."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import joblib

from phalanx.errors import InputError

_BLOCK = 16  # images a thread takes at a time
_PAUSE = 0.02  # seconds between two calls of `watch`
_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Request:
    """What the caller of `load_images` states (see there); `memory` is the number of bytes that are free."""

    size: tuple[int, int] | None
    channels: int | None
    strict: bool
    memory: int
    watch: Callable[[int, int], None] | None

    def check_memory(self, needed: int, what: str, remedy: str) -> None:
        """Raise InputError where `needed` bytes are more than half of what is free."""
        if needed > self.memory // 2:
            raise InputError(
                f"{what} need {_bytes(needed)} of memory, but only {_bytes(self.memory // 2)} (half of what is free) "
                f"may be used: {remedy}"
            )


def each(job: Callable[[int], _Answer], count: int, watch: Callable[[int, int], None] | None) -> list[_Answer]:
    """Return what `job` makes of 0..count-1, in that order, worked out in threads, one for each usable core."""

    def block(start: int) -> list[_Answer]:
        return [job(i) for i in range(start, min(start + _BLOCK, count))]

    answers: list[_Answer] = []
    told = float("-inf")
    pool = ThreadPoolExecutor(joblib.cpu_count())
    try:
        for some in pool.map(block, range(0, count, _BLOCK)):
            answers += some
            now = time.monotonic()
            if watch and (now - told >= _PAUSE or len(answers) == count):
                watch(len(answers), count)
                told = now
    finally:
        pool.shutdown(cancel_futures=True)
    return answers


def _bytes(count: int) -> str:
    return next((f"{count / unit:,.1f} {name}" for unit, name in _UNITS if count >= unit), f"{count} bytes")
