"""A traced function as a list of operations on wires, each of which can run by itself."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun, jaxprs_in_params

NEUTRAL = {"add": 0, "mul": 1}
"""What an operation adds or multiplies by where it does nothing."""


@dataclass(frozen=True, eq=False)
class Wire:
    """An array that is not known before the function is called."""

    shape: tuple[int, ...]
    dtype: Any


class Place(NamedTuple):
    """Where an operation belongs: the innermost named scope around it ("": none), and which step of a loop it is of."""

    scope: str
    step: str = ""


@dataclass(frozen=True, eq=False)
class Operation:
    """What is done to wires and known arrays: `run` computes the outputs from the inputs, in their order.

    `needs`: of each output the positions of the inputs on which it depends, None: all.
    """

    name: str
    place: Place
    inputs: tuple[Any, ...]
    outputs: tuple[Wire, ...]
    run: Callable[..., Sequence[Any]]
    needs: Sequence[Collection[int]] | None = None

    def wires(self, wanted: Collection[Wire]) -> list[Wire]:
        """Return the inputs that are not known, of those on which the outputs depend that are wanted."""
        needs = self.needs or [range(len(self.inputs))] * len(self.outputs)
        chosen = {i for wire, own in zip(self.outputs, needs, strict=True) if wire in wanted for i in own}
        return [one for i, one in enumerate(self.inputs) if i in chosen and isinstance(one, Wire)]


Open = Callable[["Recording", JaxprEqn, Sequence[Any], Place], list[Any]]
"""What records an equation in a way of its own; returns its outputs."""


@dataclass(frozen=True)
class Recording:
    """The operations of a function in an order in which they can run.

    `scopes`: the names of scopes that count; others are ignored. `opens`: of some scopes, what records their loops.
    """

    scopes: frozenset[str]
    opens: Mapping[str, Open] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)

    def walk(self, function: ClosedJaxpr, arguments: Sequence[Any], within: Place | None = None) -> list[Any]:
        """Record a function of wires and known arrays, all of it `within` a place, None: where its scopes say.

        Returns what it returns.
        """
        jaxpr = function.jaxpr
        known = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*function.consts, *arguments), strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, Literal) else known[atom]

        for eqn in jaxpr.eqns:
            place = Place(_scope(eqn, self.scopes)) if within is None else within
            inputs = [read(atom) for atom in eqn.invars]
            known.update(zip(eqn.outvars, self._equation(jaxpr, eqn, inputs, place), strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def record(
        self,
        name: str,
        place: Place,
        inputs: Sequence[Any],
        run: Callable[..., Sequence[Any]],
        shapes: Any = None,
        needs: Sequence[Collection[int]] | None = None,
    ) -> list[Any]:
        """Add an operation, and return its outputs; where all its inputs are known, only compute them.

        `shapes`: those of the outputs, None: find out. `needs`: see `Operation`.
        """
        if not any(isinstance(one, Wire) for one in inputs):
            return list(run(*inputs))
        if shapes is None:
            shapes = jax.eval_shape(run, *(_shaped(one) for one in inputs))
        outputs = tuple(Wire(tuple(shape.shape), shape.dtype) for shape in shapes)
        self.operations.append(Operation(name, place, tuple(inputs), outputs, run, needs))
        return list(outputs)

    def _equation(self, jaxpr: Jaxpr, eqn: JaxprEqn, inputs: list[Any], place: Place) -> list[Any]:
        if place.scope in self.opens and holds_loop(eqn):
            if eqn.primitive.name in ("scan", "while"):
                return self.opens[place.scope](self, eqn, inputs, place)
            return self.walk(_called(eqn), inputs, place)
        if (same := _unchanged(eqn, inputs)) is not None:
            return [same]
        pairs = zip(eqn.invars, inputs, strict=True)
        variables = [value for atom, value in pairs if not isinstance(atom, Literal)]
        return self.record(name_of(eqn), place, variables, _alone(eqn, jaxpr), [var.aval for var in eqn.outvars])


def name_of(eqn: JaxprEqn) -> str:
    """Return what an equation does: the function that it calls, or else its primitive."""
    called = eqn.params.get("call_jaxpr")
    told = "" if called is None else called.jaxpr.debug_info.func_name
    return str(eqn.params.get("name") or told or eqn.primitive.name)


def holds_loop(eqn: JaxprEqn) -> bool:
    """Say whether an equation is a loop, or calls a function that holds one."""
    inner = [getattr(one, "jaxpr", one) for one in jaxprs_in_params(eqn.params)]
    return eqn.primitive.name in ("scan", "while") or any(holds_loop(one) for jaxpr in inner for one in jaxpr.eqns)


def dependencies(function: ClosedJaxpr) -> list[set[int]]:
    """Return of each output of a function the positions of the inputs on which it depends."""
    found: dict[Any, set[int]] = {var: {i} for i, var in enumerate(function.jaxpr.invars)}
    for eqn in function.jaxpr.eqns:
        together = set[int]().union(*(found.get(atom, ()) for atom in eqn.invars if not isinstance(atom, Literal)))
        found |= dict.fromkeys(eqn.outvars, together)
    return [set() if isinstance(atom, Literal) else found.get(atom, set()) for atom in function.jaxpr.outvars]


def _called(eqn: JaxprEqn) -> ClosedJaxpr:
    """Return the function that an equation calls."""
    inner = next(value for value in eqn.params.values() if isinstance(value, (ClosedJaxpr, Jaxpr)))
    return inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, [])


def _scope(eqn: JaxprEqn, scopes: frozenset[str]) -> str:
    """Return the innermost scope around an equation; what is inside a derivative belongs to what takes it."""
    outside = str(eqn.source_info.name_stack).partition("(")[0].split("/")
    return next((name for name in reversed(outside) if name in scopes), "")


def _unchanged(eqn: JaxprEqn, inputs: Sequence[Any]) -> Any:
    """Return the input that an equation returns as it is, None: it does something."""
    neutral = NEUTRAL.get(eqn.primitive.name)
    if neutral is None:
        return None
    aval: Any = eqn.outvars[0].aval
    for one, other in (inputs, inputs[::-1]):
        nothing = not isinstance(other, Wire) and jax.numpy.ndim(other) == 0 and other == neutral
        if nothing and isinstance(one, Wire) and (one.shape, one.dtype) == (aval.shape, aval.dtype):
            return one
    return None


def _alone(eqn: JaxprEqn, jaxpr: Jaxpr) -> Callable[..., Sequence[Any]]:
    """Return one equation of a function as a function of those inputs that are variables."""
    variables = [atom for atom in eqn.invars if not isinstance(atom, Literal)]
    one = jaxpr.replace(constvars=[], invars=variables, outvars=eqn.outvars, eqns=[eqn], effects=eqn.effects)
    return jaxpr_as_fun(ClosedJaxpr(one, []))


def _shaped(value: Any) -> Any:
    return jax.ShapeDtypeStruct(value.shape, value.dtype) if isinstance(value, Wire) else value
