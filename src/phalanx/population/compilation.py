"""How often JAX compiled, and how long it took: a cost like any other, reported and tested."""

import threading
import time
from dataclasses import dataclass

import jax

_COMPILED = "/jax/core/compile/backend_compile_duration"
_STAGES = (_COMPILED, "/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/jaxpr_to_mlir_module_duration")


@dataclass
class Compilations:
    """Programs built (compiled, or read from the cache folder) and the seconds in which any was, tracing included."""

    programs: int = 0
    seconds: float = 0.0

    def since(self, before: "Compilations") -> "Compilations":
        """Return what was added after a copy was taken."""
        return Compilations(self.programs - before.programs, self.seconds - before.seconds)

    def copy(self) -> "Compilations":
        """Return the counts as they are now."""
        return Compilations(self.programs, self.seconds)


compilations = Compilations()
"""The counts of this process."""


_spans: list[tuple[float, float]] = []
_lock = threading.Lock()


def seconds_between(begin: float, end: float) -> float:
    """Return in how many of the seconds between two times (`time.monotonic()`) a program was built; one that is still
    in work counts once it is done.
    """
    with _lock:
        return sum(max(min(last, end) - max(first, begin), 0.0) for first, last in _spans)


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    """Count an event; stages contain each other and several threads compile at once, so spans are merged."""
    if event not in _STAGES:
        return
    end = time.monotonic()
    begin = end - duration_secs
    with _lock:
        while _spans and _spans[-1][1] >= begin:
            earlier = _spans.pop()
            compilations.seconds -= earlier[1] - earlier[0]
            begin = min(begin, earlier[0])
        _spans.append((begin, end))
        compilations.seconds += end - begin
        compilations.programs += event == _COMPILED


jax.monitoring.register_event_duration_secs_listener(_listen)
