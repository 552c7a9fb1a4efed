"""Back-propagation: the chain rule with Jacobians, three layers with weight decay by hand, and what the graph shows."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_iris

from phalanx import L2, Dense, Gaussian, Network, Tanh, draw_graph

ROWS = ("E1", "E2", "E3")

TEXT = r"""
The notes derive back-propagation (the book's section 6.5) in three parts: the chain rule for vectors, a network of
three layers with weight decay, and an objection to the book. This page computes each.

## The chain rule, and a matrix as a long vector

If $\mathbf{y} = f(\mathbf{x})$ and $s$ is a number that depends on $\mathbf{y}$, the gradient goes backward through
the Jacobian, $\nabla_{\mathbf{x}} s = J^T \nabla_{\mathbf{y}} s$, and Jacobians of functions that follow one another
are multiplied. For one row of the network below, the product of a Jacobian for each layer differs from what JAX finds
for the whole by «chain_off:.0e».

A weight is a matrix, not a vector. The notes say: write it as one long vector. Take $C = AB$ with
$A$ of 2 × 3 and $B$ of 3 × 2 numbers. The Jacobian of the 4 numbers of $C$ by the 6 of $A$ is

«jacobian»

with the columns of $B$ once for each row of $A$, and «zeros:.0%» of it zeros. Nobody builds it: with
$G = \nabla_C s$ the sums that it stands for, and those by $B$, are two products of matrices,

$$\nabla_A s = G B^T, \qquad \nabla_B s = A^T G.$$

Both ways give the same here, to within «product_off:.0e». For 32 rows of 784 numbers and 128 units the Jacobian by
the weight would hold «large:,» numbers.

## Three layers by hand

The network of the notes has $h_k = \tanh(a_k)$ in three layers, the last of which is $\hat y$, and the cost
$J = L(\hat y, y) + \frac{1}{2} \alpha \sum_k \|W_k\|^2$, with $L$ the mean of $\frac{1}{2}(y - \hat y)^2$ over «rows»
irises: the width of a petal from the other three measures. Rows of data are rows of matrices, so
$a_k = h_{k-1} W_k + b_k$ as in `Dense`. The notes and the book write columns, $a_k = W_k h_{k-1} + b_k$, and there the
same lines read $\nabla_{W_k} J = g h_{k-1}^T + \alpha W_k$ and $g \leftarrow W_k^T g$.

«source: back_propagation»

Step by step, with the norm of what each step leaves:

«steps»

The program that trains all networks in Phalanx has for the same weights the same gradients: the largest difference
over all «parameters» numbers is «program_off:.0e». Finite differences would compute the cost once more for each of the
«parameters»; this took one way forward and one back.

## The graph

![The cost as it runs: arrays that enter are round, and each node tells its mean and standard deviation on these rows,
and the norm of the gradient there; `output` is the third affine map. Every weight has two edges, one to its layer and
one to the penalty; a bias has one. The Gaussian's cost is larger than half the square by half the logarithm of
two π.](graph)

The picture is no sketch. It is drawn from the trace of the program that training compiles, by `draw_graph`, or in the
shell by `phalanx graph`. A weight is used twice, in the prediction and in the penalty, and its gradient is the sum
over its edges. For $W_3$ the way through the prediction has norm «through_prediction:.4f», the way through the penalty
«through_penalty:.4f», and their sum «through_both:.4f». The same rule makes the gradient of any shared weight, such as
the kernel of a [convolution](chapter:convolution), a sum over the places where it is used.

## The objection

The book's algorithm begins with $g \leftarrow \nabla_{\hat y} L$. The notes object that $\nabla_{\hat y} J$ is another
thing, because $L$ and $\Omega$ both depend on $W_3$, and that the penalty's share is not zero. It is zero. That both
hang on $W_3$ does not make one depend on the other: from $\hat y$ no edge leads to the penalty. Here the gradient at
$\hat y$ with the penalty and without it differs by «at_output:.0f», exactly. What the penalty adds enters at each
weight: $\nabla_{W_k} J - \nabla_{W_k} L - \alpha W_k$ is «at_weights:.0e» at most, and at the biases the penalty adds
«at_biases:.0f».

The notes then take the objection back halfway: the book may count $\Omega$ into $L$. It may, and nothing changes. The
gradient at $\hat y$ is taken with the weights held, and by finite differences of $L + \Omega$ it is that of $L$ to
within «however:.0e». The notes also carry a term $\lambda \nabla_{b} \Omega$ along. As biases are not penalized, which
they say elsewhere, it is zero.
"""

ALPHA = 0.1
NAMES = ("a1", "a2", "output")
"""The affine layers: a₁, a₂ and a₃."""

Layers = list[tuple[np.ndarray, np.ndarray]]
"""A weight and a bias for each layer."""


def network(alpha: float) -> Network:
    """Return three layers of hyperbolic tangents, whose weights are penalized."""
    layers = [
        *(Dense(4, name="a1"), Tanh(name="h1"), Dense(3, name="a2"), Tanh(name="h2")),
        *(Dense(1, name="output"), Tanh(name="h3")),
    ]
    return Network(layers, Gaussian(), [L2(alpha)] if alpha else [])


def back_propagation(layers: Layers, x: Any, y: Any, alpha: float) -> tuple[Layers, list[Any]]:
    """Return the gradients by each weight and bias, and every g on the way."""
    h = [x]
    for weight, bias in layers:
        h.append(np.tanh(h[-1] @ weight + bias))
    g = (h[-1] - y) / len(x)  # by ŷ: of L alone
    gradients, way = [], [g]
    for k in reversed(range(len(layers))):
        weight, _ = layers[k]
        g = g * (1 - h[k + 1] ** 2)  # by a_k
        way.append(g)
        gradients.append((h[k].T @ g + alpha * weight, g.sum(axis=0)))
        g = g @ weight.T  # by h_(k-1)
        way.append(g)
    return gradients[::-1], way


def cost(layers: Layers, x: np.ndarray, y: np.ndarray, alpha: float, shift: Any = 0.0) -> float:
    """Return J, with something added to ŷ."""
    h = x
    for weight, bias in layers:
        h = np.tanh(h @ weight + bias)
    penalty = alpha * sum((weight**2).sum() for weight, _ in layers) / 2
    return float(((h + shift - y) ** 2).sum() / 2 / len(x) + penalty)


def jacobians(layers: Layers, x: np.ndarray) -> list[np.ndarray]:
    """Return of one row the Jacobian of each layer's output by its input."""
    found = []
    for weight, bias in layers:
        x = np.tanh(x @ weight + bias)
        found.append((1 - x**2)[:, None] * weight.T)
    return found


def compute(rows: int = 10, seed: int = 0) -> dict[str, Any]:
    """Return gradients by hand and by the program, and where the penalty enters."""
    rng = np.random.default_rng(seed)
    x, y = irises(rows)
    layers = [
        (rng.normal(size=(inputs, units)) / np.sqrt(inputs), 0.1 * rng.normal(size=units))
        for inputs, units in pairwise((3, 4, 3, 1))
    ]
    gradients, way = back_propagation(layers, x, y, ALPHA)
    with jax.enable_x64(True):  # double precision, so that two ways to one number agree to many digits
        penalized, free = (
            draw_graph(network(alpha), x, y, params=_named(layers), values=True) for alpha in (ALPHA, 0.0)
        )
        whole = np.asarray(jax.jacobian(lambda row: _forward(layers, row))(x[0]))
    program, plain = _gradients(penalized), _gradients(free)
    product = np.linalg.multi_dot(jacobians(layers, x[0])[::-1])
    weight = layers[-1][0]
    added = [(of_J[0] - of_L[0], of_J[1] - of_L[1]) for of_J, of_L in zip(program, plain, strict=True)]
    at_output = [graph.node("h3").gradients[0] for graph in (penalized, free)]
    return {
        "rows": rows,
        "parameters": sum(weight.size + bias.size for weight, bias in layers),
        "chain_off": np.abs(product - whole).max(),
        **_matrix_as_vector(rng),
        "large": 32 * 128 * 784 * 128,
        "gradients": gradients,
        "program": program,
        "program_off": _difference(gradients, program),
        "steps": _steps(way, gradients),
        "at_output": np.abs(at_output[0] - at_output[1]).max(),
        "at_weights": max(np.abs(one - ALPHA * own).max() for (one, _), (own, _) in zip(added, layers, strict=True)),
        "at_biases": max(np.abs(one).max() for _, one in added),
        "however": np.abs(_by_differences(layers, x, y) - at_output[1]).max(),
        "through_prediction": np.linalg.norm(plain[-1][0]),
        "through_penalty": np.linalg.norm(ALPHA * weight),
        "through_both": np.linalg.norm(program[-1][0]),
        "uses": {node.name: penalized.out_of(node.name) for node in penalized.nodes},
        "layers": layers,
        "x": x,
        "y": y,
        "svg": penalized.svg,
    }


def draw(found: dict[str, Any]) -> dict[str, Figure | str]:
    """Return the graph of the cost."""
    return {"graph": found["svg"]}


def irises(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return three measures of irises, standardized, and half of the fourth, the width of a petal."""
    measures = load_iris().data[np.linspace(0, 149, rows).astype(int)]
    scaled = (measures - measures.mean(axis=0)) / measures.std(axis=0)
    return scaled[:, :3], 0.5 * scaled[:, 3:]


def _gradients(graph: Any) -> Layers:
    """Return the gradient at each layer's weight and bias."""
    slope = {node.name: node.gradients[0] for node in graph.nodes}
    return [(slope[f"{name}.weight"], slope[f"{name}.bias"]) for name in NAMES]


def _named(layers: Layers) -> dict[str, dict[str, np.ndarray]]:
    """Return the parameters by the names that the network has for them."""
    named = {name: {"weight": weight, "bias": bias} for name, (weight, bias) in zip(NAMES, layers, strict=True)}
    return {**named, "h1": {}, "h2": {}, "h3": {}}


def _forward(layers: Layers, row: Any) -> Any:
    for weight, bias in layers:
        row = jax.numpy.tanh(row @ weight + bias)
    return row


def _matrix_as_vector(rng: np.random.Generator) -> dict[str, Any]:
    """Return the Jacobian of C = AB by A, and how far the two products are from it and from that by B."""
    A, B = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    G = rng.normal(size=(2, 2))
    by_A, by_B = np.kron(np.eye(2), B.T), np.kron(A, np.eye(2))  # rows of a matrix one after the other
    off = [(by_A.T @ G.ravel()) - (G @ B.T).ravel(), (by_B.T @ G.ravel()) - (A.T @ G).ravel()]
    columns = [f"A{i}{j}" for i in (1, 2) for j in (1, 2, 3)]
    index = pd.Index([f"C{i}{j}" for i in (1, 2) for j in (1, 2)], name="by")
    table = pd.DataFrame(by_A.astype(int), index, columns)
    return {
        "A": A,
        "B": B,
        "jacobian": table,
        "zeros": (by_A == 0).mean(),
        "product_off": max(np.abs(one).max() for one in off),
    }


def _steps(way: Sequence[np.ndarray], gradients: Layers) -> pd.DataFrame:
    """Return what each line of the algorithm leaves."""
    lines = [("g ← ∇L by ŷ", way[0])]
    for k, (g, before) in zip((3, 2, 1), zip(way[1::2], way[2::2], strict=True), strict=True):
        lines += [(f"g ← g ⊙ f′(a{k})", g), (f"∇ by W{k}: h{k - 1}ᵀ g + α W{k}", gradients[k - 1][0])]
        lines += [(f"∇ by b{k}: g, summed over rows", gradients[k - 1][1])]
        lines += [(f"g ← g W{k}ᵀ", before)] if k > 1 else []
    shown = [(line, " × ".join(map(str, held.shape)), np.linalg.norm(held)) for line, held in lines]
    return pd.DataFrame(shown, columns=["step", "shape", "norm"])


def _by_differences(layers: Layers, x: np.ndarray, y: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Return the gradient at ŷ of the cost with the penalty, by central differences."""
    found = np.zeros_like(y)
    for i in range(len(y)):
        shift = np.zeros_like(y)
        shift[i] = step
        ends = [cost(layers, x, y, ALPHA, sign * shift) for sign in (1, -1)]
        found[i] = (ends[0] - ends[1]) / (2 * step)
    return found


def _difference(one: Layers, other: Layers) -> float:
    """Return the largest difference between two lists of gradients."""
    pairs = zip(one, other, strict=True)
    return max(float(np.abs(a - b).max()) for mine, theirs in pairs for a, b in zip(mine, theirs, strict=True))
