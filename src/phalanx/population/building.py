"""Building the populations of a wave: several at a time, and as many as there is time for."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

COMPILING = 0.5
"""Of the time of a wave, what building may use: so networks train at least as long as their programs took."""

Meanwhile = Callable[[Callable[[], int]], None]
"""What is done in the main thread beside building; it is given what says how many populations are not built yet."""

Built = TypeVar("Built")


class Pace:
    """How long it takes to build a population, most of which is compiling its program; measured as a run goes on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: list[float] = []
        self._longest = 0.0

    def expected(self) -> float:
        """Return the seconds that another one is expected to take: as many as the longest, be it still in work."""
        now = time.monotonic()
        with self._lock:
            return max([self._longest, *(now - began for began in self._begun)])

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure what the body builds."""
        began = time.monotonic()
        with self._lock:
            self._begun.append(began)
        try:
            yield
        finally:
            with self._lock:
                self._begun.remove(began)
                self._longest = max(self._longest, time.monotonic() - began)


def build(
    makers: Sequence[Callable[[], Built] | None],
    wanted: Callable[[int], bool],
    pace: Pace,
    workers: int,
    meanwhile: Meanwhile | None = None,
) -> list[Built | None]:
    """Return what the makers build, None for those left out: where there is no maker, or it is not `wanted` when its
    turn comes.

    They are begun in order, `workers` at a time, since one compilation uses one core. An exception, Ctrl-C too, ends
    this at once: whoever is at work then ends by itself, and what it built is dropped.
    """

    def one(place: int, make: Callable[[], Built] | None) -> Built | None:
        if make is None or not wanted(place):
            return None
        with pace.measured():
            return make()

    pool = ThreadPoolExecutor(workers)
    futures: list[Future[Built | None]] = []
    try:
        futures += [pool.submit(one, place, make) for place, make in enumerate(makers)]
        if meanwhile is not None:
            meanwhile(lambda: sum(not future.done() for future in futures))
        return [future.result() for future in futures]
    finally:
        # A compilation cannot be interrupted, so that nothing is waited for unless all are done.
        pool.shutdown(wait=all(future.done() for future in futures), cancel_futures=True)
