"""Loops over the steps of a row, the first of which are recorded one by one, and the others as one operation."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, JaxprEqn, jaxpr_as_fun

from phalanx.graph.operations import Open, Place, Recording, Wire, dependencies


def opening(first: int, steps: int, turned: Collection[Wire]) -> Open:
    """Return what records a loop over so many `steps` with the `first` of them one by one.

    `turned`: wires of which one enters it where it begins with the last step.
    """

    def record(recording: Recording, eqn: JaxprEqn, inputs: Sequence[Any], place: Place) -> list[Any]:
        if eqn.primitive.name == "scan":
            return _scan(first, recording, eqn, inputs, place)
        reverse = any(one in turned for one in inputs if isinstance(one, Wire))
        return _while(steps, first, reverse, recording, eqn, inputs, place)

    return record


def _scan(first: int, recording: Recording, eqn: JaxprEqn, inputs: Sequence[Any], place: Place) -> list[Any]:
    """Record a scan."""
    body, steps, reverse = eqn.params["jaxpr"], eqn.params["length"], eqn.params["reverse"]
    start = eqn.params["num_consts"]
    end = start + eqn.params["num_carry"]
    constants, carry, along = inputs[:start], list(inputs[start:end]), inputs[end:]
    alone = min(first, steps)
    found: list[list[Any]] = []
    for i in range(alone):
        at = steps - 1 - i if reverse else i
        here = place._replace(step=_step(i, reverse))
        entering = [recording.record("slice", here, [a], lambda a, at=at: [a[at]])[0] for a in along]
        outputs = recording.walk(body, [*constants, *carry, *entering], here)
        carry = outputs[: len(carry)]
        found.append(outputs[len(carry) :])
    rest: list[Any] = []
    if alone < steps:
        others = partial(
            _others, body, (start, end), slice(0, steps - alone) if reverse else slice(alone, None), reverse
        )
        needs = _needs(dependencies(body), start, end - start)
        here = place._replace(step=_steps(alone, steps, reverse))
        outputs = recording.record("scan", here, [*constants, *carry, *along], others, needs=needs)
        carry, rest = outputs[: len(carry)], outputs[len(carry) :]
    each = [list(one) for one in zip(*found, strict=True)]
    stacked = [
        recording.record("stack", place, [*one, *rest[i : i + 1]], partial(_stacked, len(one), reverse))[0]
        for i, one in enumerate(each)
    ]
    return [*carry, *stacked]


def _others(body: ClosedJaxpr, ends: tuple[int, int], part: slice, reverse: bool, *given: Any) -> list[Any]:
    """Scan over a part of the steps; `ends` are those of the constants and of what is carried in what is given."""
    fixed, held, along = given[: ends[0]], given[ends[0] : ends[1]], given[ends[1] :]

    def step(carry: Any, entering: Any) -> tuple[Any, Any]:
        outputs = jaxpr_as_fun(body)(*fixed, *carry, *entering)
        return outputs[: len(held)], outputs[len(held) :]

    carry, stacked = lax.scan(step, list(held), [a[part] for a in along], reverse=reverse)
    return [*carry, *stacked]


def _stacked(count: int, reverse: bool, *given: Any) -> list[Any]:
    """Return in one array the outputs of so many steps, in the order in which they were taken, and those after them."""
    alone, rest = list(given[:count]), list(given[count:])
    ordered = jnp.stack(alone[::-1] if reverse else alone)
    return [jnp.concatenate([*rest, ordered] if reverse else [ordered, *rest])]


def _while(
    steps: int, first: int, reverse: bool, recording: Recording, eqn: JaxprEqn, inputs: Sequence[Any], place: Place
) -> list[Any]:
    """Record a loop over as many steps as the longest row of the batch has, as one over all `steps`.

    On those after its end such a loop does nothing: they are padding, which a recurrent layer passes over.
    """
    body = eqn.params["body_jaxpr"]
    before = eqn.params["cond_nconsts"]
    start = before + eqn.params["body_nconsts"]
    constants, carry = inputs[before:start], list(inputs[start:])
    alone = min(first, steps)
    for i in range(alone):
        carry = recording.walk(body, [*constants, *carry], place._replace(step=_step(i, reverse)))
    if alone == steps:
        return carry

    def others(*given: Any) -> list[Any]:
        fixed, held = given[: len(constants)], list(given[len(constants) :])
        return lax.fori_loop(0, steps - alone, lambda _, carry: jaxpr_as_fun(body)(*fixed, *carry), held)

    needs = _needs(dependencies(body), len(constants), len(carry))
    here = place._replace(step=_steps(alone, steps, reverse))
    return recording.record("scan", here, [*constants, *carry], others, needs=needs)


def _needs(once: list[set[int]], constants: int, carried: int) -> list[set[int]]:
    """Return the inputs on which each output of a loop depends, given those of its body, in which what is carried comes
    first among the outputs, and after so many constants among the inputs.
    """
    needs = [set(own) for own in once]
    for _ in range(carried):
        for own in needs:
            own.update(*(needs[i] for i in range(carried) if constants + i in own))
    for i in range(carried):
        needs[i].add(constants + i)
    return needs


def _step(i: int, reverse: bool) -> str:
    return f"step {i + 1}{' from the end' if reverse else ''}"


def _steps(alone: int, steps: int, reverse: bool) -> str:
    more = f"steps {alone + 1} to {steps}" if steps - alone > 1 else f"step {steps}"
    return f"{more}{' from the end' if reverse else ''}"
