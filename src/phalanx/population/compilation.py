"""How often JAX compiled, and how long it took: a cost like any other, reported and tested."""

from dataclasses import dataclass

import jax

_COMPILED = "/jax/core/compile/backend_compile_duration"
_STAGES = (_COMPILED, "/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/jaxpr_to_mlir_module_duration")


@dataclass
class Compilations:
    """Programs built (compiled, or read from the cache folder) and seconds spent on it, tracing included."""

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


def _listen(event: str, duration: float, **_: str | int) -> None:
    if event in _STAGES:
        compilations.seconds += duration
        compilations.programs += event == _COMPILED


jax.monitoring.register_event_duration_secs_listener(_listen)
