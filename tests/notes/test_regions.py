"""Linear regions: counts that can be done by hand, and cells against what a network computes."""

import math

import numpy as np
import pytest

from phalanx.notes.chapters import regions as chapter

UNITS, DEPTHS = 4, (1, 2, 3)


@pytest.fixture(scope="module")
def found():
    return chapter.compute(units=UNITS, depths=DEPTHS, seeds=2, rounds=20)


def one_layer(*lines, out=None):
    """A network with a unit for each line (a, b, c), and the sum of all of them, or a weighted one, as its output."""
    lines = np.array(lines, float)
    out = np.arange(1.0, len(lines) + 1) if out is None else np.array(out, float)
    return [(lines[:, :2].T, lines[:, 2]), (out[:, None], np.zeros(1))]


@pytest.mark.parametrize("units", [1, 2, 3, 5, 8])
@pytest.mark.row("B6")
def test_lines_in_general_position_make_as_many_regions_as_the_closed_form(units, rng):
    """1 + n + n(n − 1)/2; random lines are in general position but for a probability of 0."""
    assert chapter.linear_regions(chapter.random_layers(units, 1, rng)) == 1 + units + units * (units - 1) // 2
    assert chapter.upper_bound(units, 1) == 1 + units + units * (units - 1) // 2


def test_special_positions_are_counted_as_by_hand():
    star = one_layer((1, 0, 0), (0, 1, 0), (1, 1, 0))
    assert len(chapter.cells_of(star)) == 6  # three lines through one point
    stripes = one_layer((1, 2, 0), (1, 2, 3), (1, 2, -1))
    assert len(chapter.cells_of(stripes)) == 4  # three parallel lines
    mesh = one_layer((1, 0, 0), (1, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2))
    assert len(chapter.cells_of(mesh)) == 3 * 4
    twice = one_layer((1, 1, 1), (2, 2, 2), (0, 0, 5))
    assert len(chapter.cells_of(twice)) == 2  # a line that is drawn twice, and a unit that is always on


def test_cells_with_one_output_are_one_region_only_where_they_touch():
    dead = [
        *one_layer((1, 0, 0), (0, 1, 0))[:1],
        (np.array([[-1.0], [-1.0]]), -np.ones(1)),
        (np.ones((1, 1)), np.zeros(1)),
    ]
    assert (len(chapter.cells_of(dead)), chapter.linear_regions(dead)) == (4, 1)  # the second layer is always off
    tent = one_layer((1, 0, 0), (1, 0, -1), (1, 0, -2), out=[1, -2, 1])
    assert chapter.linear_regions(tent) == 4  # 0, x, 2 − x, and 0 again elsewhere
    unused = one_layer((1, 0, 0), (0, 1, 0), out=[1, 0])
    assert (len(chapter.cells_of(unused)), chapter.linear_regions(unused)) == (4, 2)


def output(layers, points):
    for weight, bias in layers[:-1]:
        points = np.maximum(0, points @ weight + bias)
    return (points @ layers[-1][0] + layers[-1][1])[:, 0]


def area(cell):
    x, y = cell.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


@pytest.mark.parametrize("depth", [1, 3])
def test_cells_fill_the_plane_and_the_network_is_linear_in_each(depth, rng):
    layers = [(w.astype(np.float64), b.astype(np.float64)) for w, b in chapter.random_layers(UNITS, depth, rng)]
    cells = chapter.visible(layers, (-3, 3), (-3, 3))
    assert sum(map(area, cells)) == pytest.approx(36, rel=1e-12)
    for cell in cells:  # at the mean of its corners: the mean of what the network says there, up to float64 rounding
        assert output(layers, cell.mean(0)[None])[0] == pytest.approx(output(layers, cell).mean(), abs=1e-12)
    points = rng.uniform(-3, 3, size=(20_000, 2))
    switched = []
    h = points
    for weight, bias in layers[:-1]:
        switched.append(h @ weight + bias > 0)
        h = np.maximum(0, h @ weight + bias)
    seen = len(np.unique(np.concatenate(switched, axis=1), axis=0))
    assert seen <= len(cells)  # a sample misses small cells, and never sees one too many
    assert seen >= sum(area(cell) > 36 * 0.001 for cell in cells)  # one of a thousandth is missed with e^−20


@pytest.mark.row("B6")
def test_the_built_network_reaches_the_lower_bound_and_none_exceeds_the_upper(found):
    table = found["table"].set_index("layers")
    for depth in DEPTHS:
        line = table.loc[depth]
        assert line["promised"] == 2 ** (2 * (depth - 1)) * (1 + 4 + 6)  # ⌊4/2⌋ folds of each of two coordinates
        assert line["upper bound"] == 11**depth
        assert line["promised"] <= line["built"] <= line["upper bound"]
    assert table.loc[1, "built"] == 11


@pytest.mark.row("B6")
def test_random_and_trained_networks_have_far_fewer_regions(found):
    for kind in ("random", "trained"):
        assert max(found[kind][-1]) < found["built"] < found["upper"]
        for depth, counts in zip(DEPTHS, found[kind], strict=True):
            assert all(1 <= count <= 11**depth for count in counts)
    assert found["fan"] <= 2 * UNITS  # lines through the origin
    assert found["networks"] == 6


@pytest.mark.row("B6")
def test_the_binomial_of_notes_and_book_exceeds_what_is_possible():
    for depth in (2, 3, 4):
        printed = math.comb(4, 2) ** (2 * (depth - 1)) * 4**2
        assert chapter.printed(4, depth) == printed > 11**depth == chapter.upper_bound(4, depth)
