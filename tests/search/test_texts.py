"""What is tried for texts when nothing is said."""

import pytest

from phalanx import GRU
from phalanx.data import ClassTarget, Goal
from phalanx.kinds.texts.space import text_size, text_space
from phalanx.search.designs import design

GOALS = (Goal(("label",), (ClassTarget(("bad", "good")),)),)


@pytest.mark.parametrize(("steps", "recurrent"), [(50, True), (1000, False)])
def test_recurrent_layers_are_tried_for_short_texts_only(steps, recurrent):
    draws = design(text_space(1000, (steps,), GOALS), 12)
    assert any(isinstance(layer, GRU) for draw in draws for layer in draw.spec.layers) == recurrent
    assert len({draw.values["reader"] for draw in draws}) == 2 + recurrent


def test_the_more_texts_the_fewer_trials():
    assert [text_size(rows).trials for rows in (100, 10_000, 100_000)] == [12, 6, 4]
