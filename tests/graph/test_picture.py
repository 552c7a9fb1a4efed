"""The picture of a graph: it can be read, and nothing lies on anything else."""

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from phalanx import (
    L2,
    LSTM,
    Adversarial,
    BatchNorm,
    Conv,
    Dense,
    Gaussian,
    GlobalAveragePool,
    Head,
    Joint,
    MaxPool,
    Multinoulli,
    Network,
    ReLU,
    Residual,
    Tanh,
    draw_graph,
)
from phalanx.graph.layout import arrange
from phalanx.graph.svg import WIDTH

RNG = np.random.default_rng(0)
X, IMAGES, SERIES = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 8, 8, 1)), RNG.normal(size=(6, 7, 2))
CODES, NUMBERS = np.array([0, 1, 2, 0, 1, 2]), RNG.normal(size=6)
BLOCK = Residual([Conv(4), BatchNorm(), ReLU(), Conv(4)])
DRAWN = {
    "three layers": lambda: draw_graph(
        Network([Dense(5), Tanh(), Dense(4), Tanh()], Multinoulli(), [L2(0.1)]), X, CODES, values=True
    ),
    "operations": lambda: draw_graph(Network([Dense(5), Tanh()], Multinoulli(), [L2(0.1)]), X, CODES, unfold="all"),
    "convolutions": lambda: draw_graph(
        Network([Conv(4), ReLU(), MaxPool(), Conv(8), GlobalAveragePool()], Multinoulli(), [L2(0.1)]), IMAGES, CODES
    ),
    "steps": lambda: draw_graph(Network([LSTM(4, both=True)], Gaussian(), [L2(0.1)]), SERIES, NUMBERS, steps=3),
    "gates": lambda: draw_graph(Network([LSTM(4)], Gaussian()), SERIES, NUMBERS, steps=2, unfold="lstm_1"),
    "blocks": lambda: draw_graph(
        Network([Conv(4), BLOCK, ReLU(), BLOCK, GlobalAveragePool()], Multinoulli()), IMAGES, CODES
    ),
    "heads": lambda: draw_graph(
        Network([Dense(5), Tanh()], Joint([Head(Multinoulli(), [Dense(4)]), Head(Gaussian())]), [L2(0.1)]),
        X,
        (CODES, NUMBERS),
    ),
    "adversarial": lambda: draw_graph(Network([Dense(5)], Multinoulli(), [Adversarial(0.1)]), X, CODES),
}
SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module", params=DRAWN)
def graph_and_root(request):
    graph = DRAWN[request.param]()
    return graph, ElementTree.fromstring(graph.svg)


def boxes(root):
    """The boxes of nodes as (left, top, right, bottom), each with its lines."""
    for group in root.iter(f"{SPACE}g"):
        rect = group.find(f"{SPACE}rect")
        if rect is not None and rect.get("class") == "box":
            x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
            yield (x, y, x + width, y + height), group.findall(f"{SPACE}text")


def points(path):
    """Points along an edge, 20 on each curve."""
    now, found = np.zeros(2), []
    for letter, given in re.findall(r"([MVC])([^MVC]*)", path):
        numbers = np.array(given.split(), float)
        if letter == "M":
            now = numbers
        elif letter == "V":
            end = np.array([now[0], numbers[0]])
            found += list(now + np.linspace(0, 1, 20)[:, None] * (end - now))
            now = end
        else:
            a, b, end = numbers.reshape(3, 2)
            t = np.linspace(0, 1, 20)[:, None]
            found += list((1 - t) ** 3 * now + 3 * t * (1 - t) ** 2 * a + 3 * t**2 * (1 - t) * b + t**3 * end)
            now = end
    return np.array(found)


@pytest.mark.row("E1")
def test_there_is_a_box_for_each_node_and_a_way_for_each_edge(graph_and_root):
    graph, root = graph_and_root
    assert len(list(boxes(root))) == len(graph.nodes)
    assert len([p for p in root.iter(f"{SPACE}path") if p.get("class") == "way"]) == len(graph.edges)
    written = [text.text for _, texts in boxes(root) for text in texts if text.get("class") == "name"]
    assert written == [node.name for node in graph.nodes]


@pytest.mark.row("E1")
def test_boxes_do_not_overlap_and_stand_inside_the_picture(graph_and_root):
    _, root = graph_and_root
    found = [box for box, _ in boxes(root)]
    for (l1, t1, r1, b1), (l2, t2, r2, b2) in combinations(found, 2):
        assert r1 < l2 or r2 < l1 or b1 < t2 or b2 < t1
    _, _, width, height = map(float, root.get("viewBox").split())
    assert min(min(left, top) for left, top, _, _ in found) >= -0.1  # inside the group, which a margin moves
    assert max(right for _, _, right, _ in found) <= width
    assert max(bottom for _, _, _, bottom in found) <= height


def test_no_edge_crosses_a_box(graph_and_root):
    _, root = graph_and_root
    found = np.array([box for box, _ in boxes(root)])
    for path in root.iter(f"{SPACE}path"):
        if path.get("class") == "way":
            x, y = points(path.get("d")).T[:, :, None]
            left, top, right, bottom = found.T
            assert not ((x > left + 0.2) & (x < right - 0.2) & (y > top + 0.2) & (y < bottom - 0.2)).any()


def test_text_stays_inside_its_box(graph_and_root):
    _, root = graph_and_root
    for (left, top, right, bottom), texts in boxes(root):
        for text in texts:
            x, y, half = float(text.get("x")), float(text.get("y")), len(text.text) * WIDTH[text.get("class")] / 2
            assert left <= x - half
            assert x + half <= right
            assert top < y < bottom


def test_every_edge_points_down(graph_and_root):
    graph, root = graph_and_root
    tops = [box[1] for box, _ in boxes(root)]
    assert all(tops[edge.source] < tops[edge.target] for edge in graph.edges)


def test_it_has_colours_for_both_pages_and_words_for_those_who_do_not_see(graph_and_root):
    graph, root = graph_and_root
    assert "prefers-color-scheme: dark" in graph.svg
    assert root.get("role") == "img"
    assert root.find(f"{SPACE}title").text == (
        f"The computational graph of a cost: {len(graph.nodes)} nodes, {len(graph.edges)} edges"
    )


def test_a_chain_is_a_straight_line_and_what_is_needed_late_stands_low():
    # 0 → 1 → 2 → 4, and 3 → 4: the third is first needed by the last
    layout = arrange([(10, 10)] * 5, [(0, 1), (1, 2), (2, 4), (3, 4)], [0])
    assert {round(layout.boxes[v][0], 6) for v in (0, 1, 2, 4)} == {layout.boxes[0][0]}
    assert layout.boxes[3][1] == layout.boxes[2][1]


def test_it_is_written_to_a_file(tmp_path):
    graph = DRAWN["heads"]()
    graph.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == graph.svg == graph._repr_svg_()
