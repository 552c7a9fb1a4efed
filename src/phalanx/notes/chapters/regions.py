"""Linear regions: how many pieces rectifier networks really have, counted exactly in the plane."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

from phalanx import Adam, Bernoulli, Dense, Network, ReLU
from phalanx.engine import Batch, Fold, OutputSize, Trained, Trial, complete, initialize, train

ROWS = ("B6",)

TEXT = r"""
A network of rectifiers computes a function that is linear in pieces. Where a unit switches on or off, one piece ends
and another begins. The notes say how many there can be with $d$ inputs and $l$ layers of $n$ units,

$$O\left({\binom{n}{d}}^{d(l-1)} n^d\right),$$

and the book prints the same as (6.42). The theorem is by Montúfar and others (2014), and it reads differently: a
network with $n \ge d$ can be built that has at least

$$\left\lfloor \frac{n}{d} \right\rfloor^{d(l-1)} \sum_{j=0}^{d} \binom{n}{j}$$

regions. So there stands the ratio $n/d$ and no binomial, and the statement is $\Omega$, "at least", and not $O$, "at
most". Both exponents agree, and so does the message: the number can grow exponentially with depth.

## Counted

With two inputs the regions are polygons, and they can be counted without any rounding. Weights are single-precision
numbers, so they are fractions with a power of two below. The plane starts as one cell. Each unit of the first layer
cuts the cells that its line runs through. Inside a cell the next layer sees a linear function again, and cuts on. At
last, neighbouring cells in which the output is the same linear function are joined.

«source: cut»

The layers here have «units» units. One layer is «units» lines in the plane. In general position they make $\sum_{j \le
2} \binom{n}{j}$ = «one_layer» regions, which is the most that «units» lines can make. As a layer cuts each cell at most
into that many, no network has more than the product of that number over its layers.

«table»

- **Built** is a network made by the recipe of the paper. Its first layers fold the plane like paper: units of a
  coordinate add up to a zigzag that maps each of «folds» strips onto the whole interval from 0 to 1. The last layer
  draws its lines once, and they appear in every fold. It has at least as many regions as the formula promises.
- **Random** are networks with normally distributed weights and biases, **trained** are networks that learned to
  separate two moons, one population of «networks» members of all depths. Both columns are means over «seeds» seeds.
- **At the start** are the same networks before training. Their biases are 0, so all lines of the first layer meet in
  one point: «fan:.0f» regions.

![Regions by the number of layers: what the recipe reaches, what it promises, what is possible at all, and what random
and trained networks have.](growth)

A deep network has far more regions than it has units if it is built for that. Training does not look for it: the
networks with «deepest» layers had from «fewest» to «most» regions afterwards, about as many as random ones, where
«built:,» can be had and the upper bound is «upper:,». The exponential number is what depth makes possible, and not what
training finds.

![Left: the pieces of a trained network of «deepest» layers, and the two moons. Right: those of a built network of two
layers within the square that it folds.](pieces)

## Why the binomial cannot be right

For «units» units the expression with the binomial gives «printed:,» at «deepest» layers, more than the upper bound of
«upper:,» that no network exceeds. With each further layer it grows by the factor «printed_factor:,», while a layer can
multiply the number of regions by «one_layer» at most. So as a lower bound it is impossible, whatever constant is put
before it. As an upper bound it is true and useless: it would not say that there is any network with many regions.
"""

Vertex = tuple[int, int, int]
"""A point (x/t, y/t) of the plane as whole numbers (x, y, t) with t > 0, or with t = 0 the end of a ray."""

Cell = list[Vertex]
"""A convex polygon, by its vertices in order; it may reach to infinity."""

Layers = Sequence[tuple[np.ndarray, np.ndarray]]
"""Weight (inputs, units) and bias of each layer, the output layer being the last."""

PLANE: Cell = [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]


def compute(units: int = 6, depths: Sequence[int] = (1, 2, 3), seeds: int = 8, rounds: int = 150) -> dict[str, Any]:
    """Return the numbers of linear regions of built, random and trained networks by depth, and the bounds."""
    x, y = make_moons(200, noise=0.1, random_state=0)
    members = train_on(x, y, units, depths, seeds, rounds)
    rng = np.random.default_rng(0)
    lines, trained, random = [], [], []
    for depth in depths:
        own = [member for member in members if len(member.params) == 2 * depth + 1]
        trained.append([linear_regions(layers_of(member.params)) for member in own])
        random.append([linear_regions(random_layers(units, depth, rng)) for _ in range(seeds)])
        lines.append(
            {
                "layers": depth,
                "promised": promised(units, depth),
                "built": linear_regions(built_layers(units, depth)),
                "upper bound": upper_bound(units, depth),
                "random": np.mean(random[-1]),
                "trained": np.mean(trained[-1]),
                "at the start": np.mean([linear_regions(layers_of(started(member))) for member in own]),
            }
        )
    table = pd.DataFrame(lines)
    last = table.iloc[-1]
    example = members[-1]
    return {
        "units": units,
        "seeds": seeds,
        "networks": len(members),
        "one_layer": upper_bound(units, 1),
        "folds": units // 2,
        "fan": float(table["at the start"].iloc[0]),
        "table": table,
        "random": random,
        "trained": trained,
        "deepest": depths[-1],
        "fewest": min(trained[-1]),
        "most": max(trained[-1]),
        "built": int(last["built"]),
        "upper": int(last["upper bound"]),
        "printed": printed(units, depths[-1]),
        "printed_factor": math.comb(units, 2) ** 2,
        "moons": (x, y),
        "pieces": (
            visible(layers_of(example.params), (-2, 3), (-2, 2)),
            visible(built_layers(units, 2), (0, 1), (0, 1)),
        ),
    }


def promised(units: int, depth: int, inputs: int = 2) -> int:
    """Return the lower bound of Montúfar et al.: a network with so many regions exists."""
    return (units // inputs) ** (inputs * (depth - 1)) * upper_bound(units, 1, inputs)


def upper_bound(units: int, depth: int, inputs: int = 2) -> int:
    """Return how many regions no network exceeds: the most that so many hyperplanes make, to the power of the depth."""
    return sum(math.comb(units, j) for j in range(inputs + 1)) ** depth


def printed(units: int, depth: int, inputs: int = 2) -> int:
    """Return the expression that notes and book print."""
    return math.comb(units, inputs) ** (inputs * (depth - 1)) * units**inputs


def cut(cell: Cell, line: Sequence[int]) -> list[Cell]:
    """Return the two sides of a cell along the line a·x + b·y + c·t = 0, or the cell itself where it is missed."""
    values = [sum(a * v for a, v in zip(line, vertex, strict=True)) for vertex in cell]
    if min(values) >= 0 or max(values) <= 0:
        return [cell]
    sides: tuple[Cell, Cell] = ([], [])
    for i, (vertex, value) in enumerate(zip(cell, values, strict=True)):
        for side, sign in zip(sides, (1, -1), strict=True):
            before = values[i - 1]
            if before * value < 0:  # the edge to this vertex crosses the line
                side.append(between(cell[i - 1], abs(value), vertex, abs(before)))
            if value * sign >= 0:
                side.append(vertex)
    return [through(side, line) for side in sides]


def between(one: Vertex, share: int, other: Vertex, rest: int) -> Vertex:
    """Return share · one + rest · other, in lowest terms."""
    x, y, t = (share * a + rest * b for a, b in zip(one, other, strict=True))
    common = math.gcd(x, y, t)
    return x // common, y // common, t // common


def through(cell: Cell, line: Sequence[int]) -> Cell:
    """Return a cell whose edge along the line has a vertex that is not at infinity."""
    for i, (vertex, before) in enumerate(zip(cell, [cell[-1], *cell[:-1]], strict=True)):
        if vertex[2] == before[2] == 0 and vertex[0] == -before[0] and vertex[1] == -before[1]:
            a, b, c = line
            foot = between((-a * c, -b * c, a * a + b * b), 1, (0, 0, 0), 0)
            return [*cell[:i], foot, *cell[i:]]
    return cell


def cells_of(layers: Layers, start: Cell = PLANE) -> list[tuple[Cell, tuple[int, ...]]]:
    """Return the cells in which no hidden unit switches, each with the output as whole numbers (a, b, c)."""
    found = [(start, np.array([[1, 0, 0], [0, 1, 0]], object))]
    scale = 1
    for weight, bias in layers[:-1]:
        found = [piece for cell, h in found for piece in layer_cells(cell, affine(weight, bias, h, scale))]
        scale *= unit_of(weight, bias)
    return [(cell, tuple(affine(*layers[-1], h, scale)[0])) for cell, h in found]


def layer_cells(cell: Cell, z: np.ndarray) -> list[tuple[Cell, np.ndarray]]:
    """Return the parts of a cell that a layer makes, and its outputs max(0, z) in each as linear functions."""
    parts = [cell]
    for line in z.tolist():
        parts = [side for part in parts for side in cut(part, line)]
    made = []
    for part in parts:
        inside = np.array(part, object).sum(0) if part is not PLANE else np.array([0, 0, 1], object)
        made.append((part, np.where((z @ inside > 0)[:, None], z, 0)))
    return made


def affine(weight: np.ndarray, bias: np.ndarray, h: np.ndarray, scale: int) -> np.ndarray:
    """Return h W + b as linear functions of (x, y, t) with whole coefficients, `unit_of` times as large."""
    unit = unit_of(weight, bias)
    z = whole(weight, unit).T @ h
    z[:, 2] += whole(bias, unit) * scale
    return z


def unit_of(weight: np.ndarray, bias: np.ndarray) -> int:
    """Return the power of two that makes all numbers whole."""
    return max(float(number).as_integer_ratio()[1] for number in (*weight.ravel(), *bias.ravel()))


def whole(numbers: np.ndarray, unit: int) -> np.ndarray:
    """Return numbers times the unit, as whole numbers of any size."""
    flat = [int(Fraction(float(number)) * unit) for number in numbers.ravel()]
    return np.array(flat, object).reshape(numbers.shape)


def linear_regions(layers: Layers) -> int:
    """Return the number of linear pieces: cells, but neighbours with the same output are one."""
    cells = cells_of(layers)
    alike: dict[tuple[int, ...], list[Cell]] = {}
    for cell, output in cells:
        alike.setdefault(output, []).append(cell)
    return sum(components(group) for group in alike.values())


def components(cells: Sequence[Cell]) -> int:
    """Return how many connected parts cells form that touch along edges."""
    root = list(range(len(cells)))

    def top(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    edges = [edges_of(cell) for cell in cells] if len(cells) > 1 else []
    for i, j in combinations(range(len(cells)), 2):
        if top(i) != top(j) and touch(edges[i], edges[j]):
            root[top(i)] = top(j)
    return sum(root[i] == i for i in range(len(cells)))


def edges_of(cell: Cell) -> dict[Vertex, tuple[Any, Any]]:
    """Return the edges of a cell by the line on which they lie: from where to where on it."""
    edges: dict[Vertex, tuple[Any, Any]] = {}
    for (x, y, t), (u, v, w) in zip(cell, [*cell[1:], cell[0]], strict=True):
        a, b, c = y * w - t * v, t * u - x * w, x * v - y * u
        common = math.gcd(a, b, c)
        if common and (a or b):  # not the line at infinity
            sign = 1 if (a, b) > (0, 0) else -1
            line = (sign * a // common, sign * b // common, sign * c // common)
            ends = sorted((along(line, (x, y, t)), along(line, (u, v, w))))
            low, high = edges.get(line, ends)
            edges[line] = min(low, ends[0]), max(high, ends[1])
    return edges


def along(line: Vertex, vertex: Vertex) -> Any:
    """Return the place of a vertex on a line that it lies on."""
    place = line[0] * vertex[1] - line[1] * vertex[0]
    return Fraction(place, vertex[2]) if vertex[2] else math.copysign(math.inf, place)


def touch(one: dict[Vertex, tuple[Any, Any]], other: dict[Vertex, tuple[Any, Any]]) -> bool:
    """Say whether two cells share a piece of an edge."""
    common = one.keys() & other.keys()
    return any(max(one[line][0], other[line][0]) < min(one[line][1], other[line][1]) for line in common)


def built_layers(units: int, depth: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return a network with as many regions as the theorem promises: folds, and lines in the last layer."""
    folds = units // 2
    spread = np.eye(2)  # from what comes in to the two coordinates
    layers = []
    for _ in range(depth - 1):
        weight, bias, fold = np.zeros((2, units)), np.zeros(units), np.zeros((units, 2))
        for axis in range(2):
            own = slice(axis * folds, (axis + 1) * folds)
            weight[axis, own] = folds  # units max(0, folds · x − i) ...
            bias[own] = -np.arange(folds)
            fold[own, axis] = [1, *(2 * (-1) ** i for i in range(1, folds))]  # ... whose sum goes up and down
        layers.append((spread @ weight, bias))
        spread = fold
    angle = 0.9 * 2 * np.pi * np.arange(units) / units  # tangents of a circle around the middle, no two parallel
    normal = np.stack([np.cos(angle), np.sin(angle)])
    layers.append((spread @ normal, -(normal.sum(0) / 2 + 0.05)))
    return [*layers, (1 + np.arange(units)[:, None] / units, np.zeros(1))]


def random_layers(units: int, depth: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return a network with normal weights and biases, in single precision."""
    widths = [2, *[units] * depth, 1]
    shapes = pairwise(widths)
    return [
        (rng.normal(0, math.sqrt(2 / n), (n, m)).astype(np.float32), rng.normal(size=m).astype(np.float32))
        for n, m in shapes
    ]


def train_on(x: np.ndarray, y: np.ndarray, units: int, depths: Sequence[int], seeds: int, rounds: int) -> list[Trained]:
    """Train networks of several depths on two classes, all of them as one population."""
    rows = Batch(x.astype(np.float32), (y.astype(np.int32),), np.ones(len(y), np.float32))
    trials = [
        Trial(complete(Network(hidden, Bernoulli(), optimizer=Adam(0.02), stopping=None), OutputSize(2)), seed=seed)
        for hidden in ([Dense(units), ReLU()] * depth for depth in depths)
        for seed in range(seeds)
    ]
    every = np.arange(len(y))
    return train(trials, rows, [Fold(every, every, seed=0)], max_rounds=rounds).members


def started(member: Trained) -> Any:
    """Return the parameters that a network began with."""
    return initialize(member.trial.network, member.trial.seed, (2,))[0]


def layers_of(params: dict[str, dict[str, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weight and bias of each layer that has them."""
    return [(held["weight"], held["bias"]) for held in params.values() if held]


def visible(layers: Layers, x: tuple[int, int], y: tuple[int, int]) -> list[np.ndarray]:
    """Return the cells within a rectangle, as arrays of points."""
    box: Cell = [(x[0], y[0], 1), (x[1], y[0], 1), (x[1], y[1], 1), (x[0], y[1], 1)]
    return [
        np.array([[float(Fraction(a, t)), float(Fraction(b, t))] for a, b, t in cell])
        for cell, _ in cells_of(layers, box)
    ]


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the numbers of regions by depth, and the regions of two networks."""
    table = found["table"]
    growth = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = growth.subplots()
    for i, name in enumerate(("upper bound", "built", "promised", "random", "trained", "at the start")):
        axes.semilogy(
            table["layers"], table[name], f"C{i}", marker="o", linestyle="--" if name == "promised" else "-", label=name
        )
    axes.set_xticks(table["layers"])
    axes.set_xlabel("hidden layers")
    axes.set_ylabel("linear regions")
    axes.legend(fontsize="small")

    pieces = Figure(figsize=(5.5, 2.9), layout="constrained")
    left, right = pieces.subplots(1, 2)
    for axes, polygons in zip((left, right), found["pieces"], strict=True):
        shade = np.random.default_rng(0).random(len(polygons))
        axes.add_collection(PolyCollection(polygons, array=shade, cmap="Pastel1", edgecolors="C0", linewidths=0.6))
        axes.autoscale()
        axes.set_xlabel("first input")
        axes.set_ylabel("second input")
    x, y = found["moons"]
    for label in (0, 1):
        left.scatter(*x[y == label].T, s=3, color=f"C{label + 1}")
    return {"growth": growth, "pieces": pieces}
