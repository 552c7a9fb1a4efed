"""The computational graph of a network's cost (MAP E1), as its trace has it, and its picture.

draw        the door: a network or a fitted estimator, and rows
subject     what is drawn: one network with parameters, on a batch
operations  a trace as operations on wires
loops       the steps of a recurrent layer, one by one
tracing     from a subject to the operations of its cost
measuring   values, and the gradient at every wire
folding     from operations to nodes and edges, by layer
graph       nodes and edges
layout      where they stand
svg         their picture
command     `phalanx graph`
"""

from phalanx.graph.draw import draw_graph, graph_of
from phalanx.graph.graph import Edge, Graph, Node

__all__ = ["Edge", "Graph", "Node", "draw_graph", "graph_of"]
