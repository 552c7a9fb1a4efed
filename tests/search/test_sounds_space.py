"""The default space for sounds: it fits sounds of every length, and holds what its docstring says."""

import numpy as np
import pytest

from phalanx.data import ClassTarget, Goal
from phalanx.input_layers import with_input_layer
from phalanx.kinds.sounds.space import sound_size, sound_space
from phalanx.layers import GRU, Frames, InstanceNorm, MaxPool
from phalanx.model import check_rows
from phalanx.network import OutputSize, complete
from phalanx.search.designs import design

GOALS = (Goal(("word",), (ClassTarget(("a", "b", "c")),)), Goal(("who",), (ClassTarget(("x", "y")),)))


def has(network, kind):
    return any(isinstance(layer, kind) for layer in network.layers)


@pytest.mark.parametrize(("steps", "kinds"), [(1, 4), (15, 4), (16, 4), (200, 4), (201, 2), (1_000, 2)])
def test_sounds_of_every_length(steps, kinds):
    space = with_input_layer(sound_space(1_000, (steps, 40), GOALS), Frames())
    drawn = [complete(draw.spec, OutputSize(3), OutputSize(2)) for draw in design(space, 12, structures=4)]
    for network in drawn:
        check_rows(network, np.zeros((2, steps, 40), np.float32))
    assert len({(has(network, GRU), has(network, InstanceNorm)) for network in drawn}) == kinds
    assert all(has(network, MaxPool) == (steps >= 16) for network in drawn)


def test_less_is_tried_on_more_sounds():
    sizes = [sound_size(rows) for rows in (100, 10_000, 1_000_000)]
    assert sorted((size.trials for size in sizes), reverse=True) == [size.trials for size in sizes]
    assert sorted(size.batch_size for size in sizes) == [size.batch_size for size in sizes]
