"""From operations to nodes: those of a layer next to each other become one, or where it is unfolded each is one."""

from collections.abc import Callable, Iterable, Sequence

from phalanx.graph.graph import Edge, Graph, Node
from phalanx.graph.measuring import measure
from phalanx.graph.operations import Operation, Place, Wire
from phalanx.graph.tracing import Named, Traced

SIGNS = {
    "add": "+",
    "add_any": "+",
    "sub": "−",
    "neg": "−",
    "mul": "×",
    "div": "÷",
    "product": "matrix product",
    "dot_general": "matrix product",
    "convolve": "convolution",
    "conv_general_dilated": "convolution",
    "reduce_sum": "Σ",
    "logistic": "σ",
    "integer_pow": "power",
    "_where": "where",
    "select_n": "where",
    "scan": "steps",
    "while": "steps",
}
"""What operations are called, where not by their own names."""

SILENT = frozenset(
    ("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "convert_element_type", "copy", "slice", "split")
)
"""What only brings arrays into form: drawn as part of the operation for which it is done."""


def fold(traced: Traced, unfold: Callable[[str], bool], values: bool) -> Graph:
    """Return the graph of a cost. A node is an array that enters, or neighbouring operations of one place: their order
    is one in which they can run, so that no node waits for itself. `unfold` says of which scopes each is a node.
    """
    groups = _groups(traced, unfold)
    made = {wire: i for i, (_, wire) in enumerate(traced.sources)}
    first = len(made)
    made |= {wire: first + i for i, group in enumerate(groups) for operation in group for wire in operation.outputs}
    ways: dict[tuple[int, int], dict[Wire, None]] = {}
    for target, group in enumerate(groups, start=first):
        for operation in group:
            for wire in operation.wires(traced.needed):
                if made[wire] != target:
                    ways.setdefault((made[wire], target), {})[wire] = None
    leaving: dict[int, dict[Wire, None]] = {i: {wire: None} for i, (_, wire) in enumerate(traced.sources)}
    for (source, _), wires in ways.items():
        leaving.setdefault(source, {}).update(wires)
    leaving.setdefault(made[traced.result], {})[traced.result] = None
    measured = measure(traced, [wire for wires in leaving.values() for wire in wires]) if values else {}

    def node(at: int, named: Named, operations: Iterable[Operation] = ()) -> Node:
        wires = list(leaving[at])
        found = [measured[wire] for wire in wires if values]
        return Node(
            named.name,
            named.kind,
            tuple(wire.shape for wire in wires),
            named.detail,
            tuple(operation.name for operation in operations if operation.name not in SILENT),
            tuple(value for value, _ in found),
            tuple(gradient for _, gradient in found),
        )

    nodes = [node(i, Named(source.name, source.kind)) for i, (source, _) in enumerate(traced.sources)]
    last = made[traced.result]
    stepped = {group[0].place.scope for group in groups if group[0].place.step}
    for i, group in enumerate(groups, start=first):
        scope = group[0].place.scope
        named = _named(group, traced, unfold(scope), scope in stepped)
        nodes.append(node(i, named._replace(name="J", kind="cost") if i == last else named, group))
    return Graph(
        tuple(nodes),
        tuple(Edge(*ends, tuple(wire.shape for wire in wires)) for ends, wires in sorted(ways.items(), key=_ends)),
    )


def _ends(way: tuple[tuple[int, int], object]) -> tuple[int, int]:
    return way[0]


def _groups(traced: Traced, unfold: Callable[[str], bool]) -> list[list[Operation]]:
    """Return the operations of each node, in an order in which they can run."""
    groups: list[list[Operation]] = []
    of: dict[Operation, list[Operation]] = {}
    users: dict[Wire, list[Operation]] = {}
    before: Place | None = None
    for operation in reversed(traced.operations):
        alone = unfold(operation.place.scope)
        after = {id(of[user]): of[user] for wire in operation.outputs for user in users.get(wire, ())}
        silent = operation.name in SILENT and len(after) == 1
        if alone and silent and next(iter(after.values()))[0].place == operation.place:
            group = next(iter(after.values()))
        elif not alone and operation.place == before:
            group = groups[-1]
        else:
            group = []
            groups.append(group)
        group.append(operation)
        of[operation] = group
        before = None if alone else operation.place
        for wire in operation.wires(traced.needed):
            users.setdefault(wire, []).append(operation)
    return [group[::-1] for group in groups[::-1]]


def _named(group: Sequence[Operation], traced: Traced, alone: bool, in_pieces: bool) -> Named:
    """Return what a node is called: by what is done in it where it stands alone, or where a layer is in pieces."""
    place = group[0].place
    named = traced.scopes.get(place.scope, Named("+", "cost"))
    done = list(dict.fromkeys(SIGNS.get(one.name, one.name) for one in group if one.name not in SILENT))
    if alone:
        where = f"{named.name}, {place.step}" if place.step else named.name
        return Named(done[-1] if done else group[-1].name, named.kind, where)
    if place.step:
        return named._replace(detail=place.step)
    if in_pieces and done:
        return named._replace(detail=", ".join(done[:3]) + (", …" if len(done) > 3 else ""))
    return named
