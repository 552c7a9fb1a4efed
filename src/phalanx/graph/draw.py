"""Draw the computational graph of a network's cost."""

from collections.abc import Callable, Sequence
from typing import Any

from phalanx.errors import InputError
from phalanx.graph.folding import fold
from phalanx.graph.graph import Graph
from phalanx.graph.subject import Subject, of_estimator, of_network
from phalanx.graph.tracing import trace
from phalanx.network import Network, layers_of
from phalanx.options import check_whole
from phalanx.parts.fields import unknown
from phalanx.regularizers import Parameters


def draw_graph(
    model: Any,
    X: Any,
    y: Any,
    *,
    params: Parameters | None = None,
    values: bool = False,
    steps: int = 0,
    unfold: str | Sequence[str] = (),
    seed: int = 0,
) -> Graph:
    """Return the computational graph of a network's training cost J on the rows of a batch, for a notebook to show.

    It is JAX's own trace of the cost that training descends. A node is an array that enters it (inputs, parameters,
    random bytes), or a layer, a regularizer or a part of the cost; an array that is used several times is one node
    with several edges: a penalized weight (prediction and penalty), a tied one, that of a recurrent layer.

    `model`: a `Network`, which gets an output layer unless one of its layers is called `output`; or a fitted
    `Classifier`, `Regressor` or `MultiTask`, of which the best network is drawn (that of a member: its `estimator`).
    `X`, `y`: of a network numbers or codes as it takes them, (rows, ...), or a tuple of parts, and classes or numbers,
    a tuple of them for several heads; of an estimator what `predict` and `score` take. `params`: of a network, by
    layer name; default: those at the start.
    `values`: whether nodes tell their mean and deviation on these rows, and the norm of the gradient of J.
    `steps`: of a recurrent layer so many are drawn one by one, and the others as one node (default 0: it is one).
    `unfold`: names of layers, regularizers or parts of the cost of which each operation is a node, or "all".
    `seed`: of the parameters at the start, and of random layers.
    Raises `InputError` for rows that do not fit, and names that do not exist.

    >>> import numpy as np
    >>> from phalanx import L2, Dense, Gaussian, Network, Tanh
    >>> network = Network([Dense(4), Tanh()], Gaussian(), [L2(0.01, on=["dense_1"])])
    >>> graph = draw_graph(network, np.ones((8, 3)), np.ones(8))
    >>> [node.name for node in graph.nodes if node.kind in ("layer", "regularizer", "cost")]
    ['dense_1', 'tanh_1', 'output', '−log p', 'L', 'l2_1', 'J']
    >>> graph.out_of("dense_1.weight")
    ['dense_1', 'l2_1']
    >>> graph.svg.startswith("<svg")
    True

    Source: notes E1; book 6.5.1.
    """
    if isinstance(model, Network):
        subject = of_network(model, X, y, params, seed)
    elif params is not None:
        raise InputError("params go with a Network; an estimator has its own")
    else:
        subject = of_estimator(model, X, y, seed)
    return graph_of(subject, values=values, steps=steps, unfold=unfold)


def graph_of(subject: Subject, *, values: bool = False, steps: int = 0, unfold: str | Sequence[str] = ()) -> Graph:
    """Return the graph of a network on a batch; see `draw_graph`."""
    check_whole("steps", steps, 0)
    if steps and not any(layer.unrolls for _, layer in layers_of(subject.network)):
        raise InputError(f"steps is {steps}, but the network has no recurrent layer; leave it out")
    traced = trace(subject, steps)
    return fold(traced, _unfolds([unfold] if isinstance(unfold, str) else unfold, list(traced.scopes)), values)


def _unfolds(names: Sequence[str], scopes: Sequence[str]) -> Callable[[str], bool]:
    """Return what says of a scope whether it is unfolded: it is named, or inside a layer that is."""
    for name in names:
        if name not in (*scopes, "all"):
            raise unknown("unfold", "layer", name, scopes)
    return lambda scope: "all" in names or any(scope == name or scope.startswith(f"{name}.") for name in names)
