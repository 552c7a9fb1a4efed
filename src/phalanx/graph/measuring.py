"""Values of the wires of a cost on a batch, and the gradient of the cost at each."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.graph.operations import Wire
from phalanx.graph.tracing import Traced

Measured = dict[Wire, tuple[np.ndarray, np.ndarray | None]]


def measure(traced: Traced, wires: Sequence[Wire]) -> Measured:
    """Return the value of each wire, and the gradient of the cost at it, None: its numbers are whole.

    The gradient at a wire is that by something which is added to it, and is 0: so each way from there to the cost
    counts, and where a function has a gradient rule of its own, as a product has, it is that one.
    """
    moves = [wire for wire in wires if jnp.issubdtype(wire.dtype, jnp.floating)]

    def run(shifts: list[Any], given: list[Any]) -> tuple[jax.Array, list[Any]]:
        shift, held = dict(zip(moves, shifts, strict=True)), dict[Wire, Any]()

        def keep(wires: Sequence[Wire], values: Sequence[Any]) -> None:
            for wire, value in zip(wires, values, strict=True):
                held[wire] = value + shift[wire] if wire in shift else value

        def value_of(one: Any) -> Any:
            """Return the value of an input; 0 where nothing that is needed depends on it."""
            if not isinstance(one, Wire):
                return one
            return held[one] if one in held else jnp.zeros(one.shape, one.dtype)

        keep([wire for _, wire in traced.sources], given)
        for operation in traced.operations:
            keep(operation.outputs, operation.run(*(value_of(one) for one in operation.inputs)))
        return held[traced.result], [held[wire] for wire in wires]

    nothing = [jnp.zeros(wire.shape, wire.dtype) for wire in moves]
    once = jax.jit(jax.grad(run, has_aux=True), compiler_options={"xla_backend_optimization_level": 0})
    gradients, values = once(nothing, [source.value for source, _ in traced.sources])
    slopes = dict(zip(moves, map(np.asarray, gradients), strict=True))
    return {wire: (np.asarray(value), slopes.get(wire)) for wire, value in zip(wires, values, strict=True)}
