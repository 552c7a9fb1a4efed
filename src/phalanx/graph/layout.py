"""Where the nodes of a graph stand, in ranks from top to bottom, and how edges go between them.

The steps of Sugiyama, Tagawa & Toda 1981: ranks by the longest path; an edge over several ranks goes through a place
in each; the order in a rank is by the mean place of neighbours; then places are those in which edges are
as upright as the order and the gaps allow, a linear program (Gansner et al. 1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression, linprog
from scipy.sparse import coo_array

ACROSS, DOWN = 18.0, 34.0
"""Gaps between the boxes of a rank, and between ranks, in pixels."""

LANE, PORT = 8.0, 11.0
"""The width of the place of an edge in a rank that it passes, and from edge to edge at a box, in pixels."""

SWEEPS = 24

Point = tuple[float, float]


class Layout(NamedTuple):
    """The centre of each box's upper edge, the points of each edge, of which every second way is straight down, and
    the size of all."""

    boxes: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


@dataclass
class _Ranked:
    """Boxes and lanes in their ranks: positions in `widths`, as are the neighbours of each `above` and `below` it."""

    ranks: list[list[int]]
    widths: list[float]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)


def arrange(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], roots: Sequence[int]) -> Layout:
    """Return the layout of boxes of these widths and heights; every edge goes from an earlier box to a later one.

    What follows from the `roots` stands below them; all else as near as it can above that for which it is needed.
    """
    rank, follows = _ranks(len(sizes), edges, roots)
    ranked, chains = _with_lanes(sizes, edges, rank)
    _order(ranked)
    x = _places(ranked, len(sizes), follows)
    heights = [max(sizes[v][1] for v in row if v < len(sizes)) for row in ranked.ranks]
    tops = np.concatenate([[0.0], np.cumsum(np.array(heights) + DOWN)[:-1]])
    bottoms = tops + heights
    boxes = [(float(x[v]), float(bottoms[rank[v]] - sizes[v][1])) for v in range(len(sizes))]
    ports = _ports(edges, chains, x, sizes)
    routes = []
    for (source, target), chain, (start, end) in zip(edges, chains, ports, strict=True):
        route: list[Point] = [(start, float(bottoms[rank[source]]))]
        for i, lane in enumerate(chain, start=rank[source] + 1):
            route += [(float(x[lane]), float(tops[i])), (float(x[lane]), float(bottoms[i]))]
        routes.append([*route, (end, float(tops[rank[target]])), (end, boxes[target][1])])
    width = max(x[v] + ranked.widths[v] / 2 for v in range(len(x)))
    return Layout(boxes, routes, float(width), float(bottoms[-1]))


def _ranks(count: int, edges: Sequence[tuple[int, int]], roots: Sequence[int]) -> tuple[list[int], set[int]]:
    """Return the rank of each box, from 0, and which of them follow from the roots."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    rank: dict[int, int] = {}
    for v in range(count):
        reached = [rank[u] for u in before[v] if u in rank]
        if reached or v in roots:
            rank[v] = max(reached, default=-1) + 1
    follows = set(rank)
    for v in reversed(range(count)):
        if v not in rank:
            rank[v] = min((rank[w] for w in after[v]), default=0) - 1
    least = min(rank.values())
    return [rank[v] - least for v in range(count)], follows


def _with_lanes(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], rank: Sequence[int]
) -> tuple[_Ranked, list[list[int]]]:
    """Return boxes in their ranks with a lane in each rank that an edge passes, and the lanes of each edge."""
    ranked = _Ranked([[] for _ in range(max(rank) + 1)], [width for width, _ in sizes])
    for v, at in enumerate(rank):
        ranked.ranks[at].append(v)
    chains: list[list[int]] = []
    pairs: list[tuple[int, int]] = []
    for source, target in edges:
        chain = list(range(len(ranked.widths), len(ranked.widths) + rank[target] - rank[source] - 1))
        ranked.widths += [LANE] * len(chain)
        for i, lane in enumerate(chain, start=rank[source] + 1):
            ranked.ranks[i].append(lane)
        way = [source, *chain, target]
        pairs += pairwise(way)
        chains.append(chain)
    ranked.above = [[] for _ in ranked.widths]
    ranked.below = [[] for _ in ranked.widths]
    for upper, lower in pairs:
        ranked.below[upper].append(lower)
        ranked.above[lower].append(upper)
    return ranked, chains


def _order(ranked: _Ranked) -> None:
    """Put each rank into an order with few crossings."""
    best, fewest = [list(row) for row in ranked.ranks], _crossings(ranked)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        near = ranked.above if down else ranked.below
        rows = ranked.ranks if down else ranked.ranks[::-1]
        for fixed, row in pairwise(rows):
            at = {v: i for i, v in enumerate(fixed)}
            wanted = {
                v: np.mean([at[u] for u in near[v]]) if near[v] else i * len(fixed) / len(row)
                for i, v in enumerate(row)
            }
            row.sort(key=wanted.__getitem__)
        if (crossings := _crossings(ranked)) < fewest:
            best, fewest = [list(row) for row in ranked.ranks], crossings
    ranked.ranks[:] = best


def _crossings(ranked: _Ranked) -> int:
    """Return how many pairs of edges between neighbouring ranks cross."""
    total = 0
    for upper, lower in pairwise(ranked.ranks):
        at = {v: i for i, v in enumerate(lower)}
        ends = [end for v in upper for end in sorted(at[w] for w in ranked.below[v])]
        total += sum(int(np.sum(np.array(ends[:i]) > end)) for i, end in enumerate(ends))
    return total


def _places(ranked: _Ranked, boxes: int, follows: set[int]) -> np.ndarray:
    """Return the centre of each box and lane, by linear programming: with edges as upright as the order and the gaps
    allow, above all lanes, and what `follows` from the roots.
    """
    count = len(ranked.widths)
    ways = [(v, w) for v in range(count) for w in ranked.below[v]]
    pairs = [pair for row in ranked.ranks for pair in pairwise(row)]

    def pull(v: int, w: int) -> float:
        lanes = (v >= boxes) + (w >= boxes)
        return (1.0, 2.0, 8.0)[lanes] if lanes or not {v, w} <= follows else 4.0

    cost = np.concatenate([np.zeros(count), [pull(v, w) for v, w in ways]])  # places, then the slant of each way
    rows = [({v: 1.0, w: -1.0, count + i: -1.0}, 0.0) for i, (v, w) in enumerate(ways)]
    rows += [({v: -1.0, w: 1.0, count + i: -1.0}, 0.0) for i, (v, w) in enumerate(ways)]
    rows += [({v: 1.0, w: -1.0}, -(ranked.widths[v] + ranked.widths[w]) / 2 - ACROSS) for v, w in pairs]
    at = [(i, j, value) for i, (entries, _) in enumerate(rows) for j, value in entries.items()]
    i, j, value = zip(*at, strict=True) if at else ((), (), ())
    matrix = coo_array((value, (i, j)), shape=(len(rows), len(cost)))
    x = linprog(cost, A_ub=matrix, b_ub=[bound for _, bound in rows]).x[:count] if rows else np.zeros(count)
    return x - (x - np.array(ranked.widths) / 2).min()


def _ports(
    edges: Sequence[tuple[int, int]],
    chains: Sequence[Sequence[int]],
    x: np.ndarray,
    sizes: Sequence[tuple[float, float]],
) -> list[tuple[float, float]]:
    """Return where each edge leaves its box and enters the other: as upright as there is room beside others."""
    found = np.zeros((len(edges), 2))
    for side, next_ in ((0, 1), (1, -2)):
        ways = ((source, *chain, target) for (source, target), chain in zip(edges, chains, strict=True))
        toward = [x[way[next_]] for way in ways]
        for v, (width, _) in enumerate(sizes):
            own = sorted((i for i, edge in enumerate(edges) if edge[side] == v), key=lambda i: toward[i])
            if own:
                room = width / 2 - PORT
                apart = np.arange(len(own)) * min(PORT, 2 * room / max(len(own) - 1, 1))
                wanted = np.clip([toward[i] - x[v] for i in own], -room, room)
                placed = isotonic_regression(wanted - apart).x + apart
                found[own, side] = x[v] + placed - max(placed[-1] - room, 0.0) + max(-room - placed[0], 0.0)
    return [(float(start), float(end)) for start, end in found]
