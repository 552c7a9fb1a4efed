"""From a network on a batch to the operations of its cost, by JAX's own trace of `phalanx.model.cost`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from phalanx.blueprint import Blueprint, named_regularizers
from phalanx.graph.graph import Kind
from phalanx.graph.loops import opening
from phalanx.graph.operations import Operation, Recording, Wire
from phalanx.graph.subject import Subject
from phalanx.likelihoods import Joint
from phalanx.model import EACH_STEP, MEAN, Batch, cost, cost_scope, row_shape
from phalanx.network import branches, layers_of

BACK = "_back"
"""How the parameters are called that read a row from its last step to the first."""


class Source(NamedTuple):
    """An array that enters the cost: what it is called, and its value."""

    name: str
    kind: Kind
    value: Any


class Named(NamedTuple):
    """What operations in a scope are called."""

    name: str
    kind: Kind
    detail: str = ""


@dataclass(frozen=True)
class Traced:
    """The cost as operations that lead to its `result`, the arrays that enter, each with its wire, the scopes, and the
    wires that are `needed`.
    """

    sources: list[tuple[Source, Wire]]
    operations: list[Operation]
    result: Wire
    scopes: dict[str, Named]
    needed: frozenset[Wire]


def trace(subject: Subject, steps: int = 0) -> Traced:
    """Trace the cost of a network on a batch. Of recurrent layers the first `steps` are recorded one by one."""
    tree = (subject.batch.x, subject.params, subject.states, subject.noise, subject.batch.y, subject.batch.weight)
    leaves, structure = jax.tree.flatten(tree)

    def whole(*leaves: Any) -> jax.Array:
        x, params, states, noise, y, weight = jax.tree.unflatten(structure, leaves)
        return cost(subject.network, params, states, Batch(x, y, weight), noise)[0]

    function = jax.make_jaxpr(whole)(*leaves)
    scopes = dict(_scopes(subject))
    sources = list(_sources(subject))
    wires = [Wire(np.shape(source.value), jax.dtypes.canonicalize_dtype(source.value.dtype)) for source in sources]
    turned = {wire for source, wire in zip(sources, wires, strict=True) if source.name.endswith(BACK)}
    loops = _recurrent(subject) if steps else {}
    opens = {name: opening(steps, count, turned) for name, count in loops.items()}
    recording = Recording(frozenset(scopes), opens)
    alike = bool((np.asarray(subject.batch.weight) == 1).all())  # then they are no input, but part of the mean
    given = [*wires[:-1], subject.batch.weight if alike else wires[-1]]
    (result,) = recording.walk(function, given)
    needed, live = {result}, list[Operation]()
    for operation in reversed(recording.operations):
        if needed.intersection(operation.outputs):
            needed.update(operation.wires(needed))
            live.append(operation)
    reached = [(source, wire) for source, wire in zip(sources, wires, strict=True) if wire in needed]
    return Traced(reached, live[::-1], result, scopes, frozenset(needed))


def _recurrent(subject: Subject) -> dict[str, int]:
    """Return the steps of the rows that reach each recurrent layer."""
    placed = Blueprint.of(subject.network, row_shape(subject.batch.x)).layers
    return {one.name: one.before[0] for one in placed if one.layer.unrolls}


def _scopes(subject: Subject) -> Iterator[tuple[str, Named]]:
    """Yield the scopes that `cost` opens, and what is done in each."""
    several = isinstance(subject.network.likelihood, Joint)
    for name, layer in layers_of(subject.network):
        own = name.rpartition(".")[2].rpartition("_")[0] == layer.kind()
        yield name, Named(name, "layer", "" if own else layer.kind())
    for name, _ in named_regularizers(subject.network):
        yield name, Named(name, "regularizer")
    for name, head in branches(subject.network):
        likelihood = head.likelihood.kind().replace("_", " ")
        yield cost_scope(name), Named(f"−log p of {name}" if several else "−log p", "cost", likelihood)
    yield EACH_STEP, Named(EACH_STEP, "cost", "a row of its own")
    yield MEAN, Named("L", "cost", "mean over rows")


def _sources(subject: Subject) -> Iterator[Source]:
    """Yield the arrays that enter the cost, as `trace` flattens them."""
    inputs = jax.tree.leaves(subject.batch.x)
    several = sum(value.size > 0 for value in inputs) > 1  # a table without categories has an empty array of them
    for i, value in enumerate(inputs, start=1):
        yield Source(f"x {i}" if several else "x", "input", value)
    kinds: tuple[tuple[Kind, Any], ...] = (("parameter", subject.params), ("state", subject.states))
    for kind, tree in kinds:
        for path, value in jax.tree_util.tree_leaves_with_path(tree):
            yield Source(".".join(str(key.key) for key in path), kind, value)
    for held in subject.noise:
        for path, value in jax.tree_util.tree_leaves_with_path(held):
            yield Source(f"{path[0].key}.noise", "noise", value)
    for name, value in zip(subject.targets, subject.batch.y, strict=True):
        yield Source(name, "input", value)
    yield Source("weights of rows", "input", np.asarray(subject.batch.weight))
