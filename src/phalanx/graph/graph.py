"""A computational graph: nodes, edges, and its picture."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

Kind = Literal["input", "parameter", "state", "noise", "layer", "regularizer", "cost"]


@dataclass(frozen=True)
class Node:
    """An array that enters, or operations whose outputs go on.

    `name`: of an array its path, as `dense_1.weight`; else of the layer or regularizer, or of the operation. `detail`:
    what further tells it from others, "": nothing does. `operations`: what is computed in it, in order. `shapes` of
    what leaves it; with them on request `values`, and `gradients` of the cost (None: of whole numbers there is none).
    """

    name: str
    kind: Kind
    shapes: tuple[tuple[int, ...], ...]
    detail: str = ""
    operations: tuple[str, ...] = ()
    values: tuple[np.ndarray, ...] = field(default=(), repr=False)
    gradients: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Edge:
    """The nodes, by position, between which an array goes, and the shape of each that does."""

    source: int
    target: int
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Graph:
    """The computational graph of a cost: nodes in an order in which they can be computed, the cost last.

    A notebook shows its picture.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def svg(self) -> str:
        """Its picture as SVG, for light and dark pages."""
        from phalanx.graph.svg import picture

        return picture(self)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, file: str | Path) -> None:
        """Write its picture to an SVG file."""
        Path(file).write_text(self.svg, encoding="utf-8")

    def node(self, name: str, detail: str | None = None) -> Node:
        """Return the first node of a name, with this detail where one is given; raise `KeyError` where there is none.

        >>> Graph((Node("x", "input", ((32, 3),)),), ()).node("x").shapes
        ((32, 3),)
        """
        for node in self.nodes:
            if node.name == name and detail in (None, node.detail):
                return node
        raise KeyError(name)

    def out_of(self, name: str) -> list[str]:
        """Return the names of the nodes to which edges go from those of a name, an entry for each edge."""
        return [self.nodes[e.target].name for e in self.edges if self.nodes[e.source].name == name]

    def into(self, name: str) -> list[str]:
        """Return the names of the nodes from which edges come to those of a name, an entry for each edge."""
        return [self.nodes[e.source].name for e in self.edges if self.nodes[e.target].name == name]
