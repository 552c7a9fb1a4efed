"""The picture of a graph as SVG, which any browser shows, on a light ground or a dark one."""

from html import escape

import numpy as np

from phalanx.graph.folding import SIGNS
from phalanx.graph.graph import Graph, Node
from phalanx.graph.layout import Layout, arrange

WIDTH = {"name": 7.9, "detail": 6.7}
"""The width of a letter in pixels: all letters of a monospaced font have 0.602 of its size."""

LINE, PADDING, MARGIN = {"name": 17.0, "detail": 15.0}, 9.0, 14.0

STYLE = """
.phalanx-graph { --paper: #fffefb; --ink: #24292f; --quiet: #57606a; --way: #8c959f;
  --input: #0072b2; --parameter: #007a56; --noise: #6b6b6b; --regularizer: #a3478c; --cost: #b84a00; }
@media (prefers-color-scheme: dark) { .phalanx-graph { --paper: #16181d; --ink: #e6e6e6; --quiet: #a5adb6;
  --way: #7b838c; --input: #56b4e9; --parameter: #35c79b; --noise: #b8b8b8; --regularizer: #e49ac8; --cost: #ff9248; } }
.phalanx-graph { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.phalanx-graph text { text-anchor: middle; font-size: 11px; fill: var(--quiet); }
.phalanx-graph .name { font-size: 13px; font-weight: 600; fill: var(--ink); }
.phalanx-graph .paper { fill: var(--paper); }
.phalanx-graph .box { stroke: var(--own); stroke-width: 1.3; fill: var(--own); fill-opacity: 0.1; }
.phalanx-graph .way { stroke: var(--own); stroke-width: 1.3; fill: none; stroke-opacity: 0.8; }
.phalanx-graph .head { fill: var(--own); }
.phalanx-graph .input { --own: var(--input); }
.phalanx-graph .parameter { --own: var(--parameter); }
.phalanx-graph .noise, .phalanx-graph .state { --own: var(--noise); }
.phalanx-graph .layer { --own: var(--way); }
.phalanx-graph .regularizer { --own: var(--regularizer); }
.phalanx-graph .cost { --own: var(--cost); }
"""


def picture(graph: Graph) -> str:
    """Return the picture of a graph: inputs above, the cost below, colours by what a node is.

    Under the pointer a node says which operations it holds.
    """
    texts = [lines(node) for node in graph.nodes]
    sizes = [_size(text) for text in texts]
    edges = [(edge.source, edge.target) for edge in graph.edges]
    roots = [i for i, node in enumerate(graph.nodes) if node.kind == "input" and node.name.split()[0] == "x"]
    layout = arrange(sizes, edges, roots)
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    said = f"The computational graph of a cost: {len(graph.nodes)} nodes, {len(graph.edges)} edges"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="phalanx-graph" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}">',
        f"<title>{said}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{width:.1f}" height="{height:.1f}" rx="8"/>',
        f'<g transform="translate({MARGIN:g} {MARGIN:g})">',
        *(_way(graph, layout, i) for i in range(len(graph.edges))),
        *(
            _box(node, text, size, place)
            for node, text, size, place in zip(graph.nodes, texts, sizes, layout.boxes, strict=True)
        ),
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def lines(node: Node) -> list[tuple[str, str]]:
    """Return the lines of a node, each with its class: its name, shape, and value and gradient where they are known."""
    found = [("name", node.name)]
    if node.detail:
        found.append(("detail", node.detail))
    shapes = list(dict.fromkeys(node.shapes))
    for shape in shapes:
        times = f"{node.shapes.count(shape)} of " if node.shapes.count(shape) > 1 else ""
        if shape:
            found.append(("detail", times + " × ".join(map(str, shape))))
    if node.values:
        value, gradient = node.values[0], node.gradients[0]
        found.append(("detail", _told(value)))
        if gradient is not None:
            found.append(("detail", f"‖∇‖ {_number(float(np.linalg.norm(gradient)))}"))
    return found


def _told(value: np.ndarray) -> str:
    """Return a number, or the mean of several and their deviation."""
    if value.size == 1:
        return f"= {_number(float(value.item()))}"
    if value.dtype.kind != "f":
        return f"{value.min()} to {value.max()}"
    mean, deviation = float(value.mean()), float(value.std())
    return f"{_number(mean if abs(mean) > 1e-6 * deviation else 0.0, 2)} ± {_number(deviation, 2)}"


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}g}".replace("-", "−").replace("e−0", "e−").replace("e+0", "e")


def _size(text: list[tuple[str, str]]) -> tuple[float, float]:
    width = max(len(line) * WIDTH[kind] for kind, line in text)
    return width + 2 * PADDING, sum(LINE[kind] for kind, _ in text) + PADDING


def _box(node: Node, text: list[tuple[str, str]], size: tuple[float, float], place: tuple[float, float]) -> str:
    (width, height), (x, top) = size, place
    done = ", ".join(SIGNS.get(one, one) for one in node.operations)
    told = f"{node.name} {node.detail}".strip() + (f": {done}" if done else "")
    entering = node.kind in ("input", "parameter", "noise", "state")
    y, written = top + PADDING / 2, []
    for kind, line in text:
        y += LINE[kind]
        written.append(f'<text class="{kind}" x="{x:.1f}" y="{y - 4:.1f}">{escape(line)}</text>')
    return (
        f'<g class="{node.kind}"><title>{escape(told)}</title><rect class="box" x="{x - width / 2:.1f}" '
        f'y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{min(height / 2, 16) if entering else 4:.1f}"/>'
        f"{''.join(written)}</g>"
    )


def _way(graph: Graph, layout: Layout, i: int) -> str:
    """Return an edge: curves between ranks, straight where it passes one."""
    source = graph.nodes[graph.edges[i].source]
    points = layout.routes[i]
    x, y = points[0]
    path = [f"M{x:.1f} {y:.1f}"]
    for k, (to_x, to_y) in enumerate(points[1:]):
        if k % 2:
            path.append(f"V{to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    kind = source.kind if source.kind != "cost" else "layer"
    told = ", ".join(" × ".join(map(str, shape)) or "1" for shape in graph.edges[i].shapes)
    return (
        f'<g class="{kind}"><title>{escape(told)}</title><path class="way" d="{" ".join(path)}"/>'
        f'<path class="head" d="M{x - 3.5:.1f} {y - 7:.1f}h7l-3.5 7z"/></g>'
    )
