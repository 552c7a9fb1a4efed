"""Scores of rows that are drawn again: those of the rows themselves, written down as often as they were drawn."""

import numpy as np
import pytest

from phalanx.data import ClassTarget, Goal, NumberTarget
from phalanx.data.anchor import Anchor
from phalanx.data.goals import Forecast
from phalanx.kinds.language.scoring import nats
from phalanx.metrics import Costs, evaluate, metrics_for, metrics_of
from phalanx.row_scores import UNITS, Said, row_scores, together, token_scores

ROWS = 30
FIRST = np.array([0])
TWO = Goal(("two",), (ClassTarget(("a", "b")),))
FOUR = Goal(("four",), (ClassTarget(tuple("abcd")),))
NUMBERS = Goal(("height", "width"), (NumberTarget(0.0, 1.0, -1.0, 1.0), NumberTarget(3.0, 2.0, 0.0, 9.0)))
NUMBER = Goal(("y",), (NumberTarget(3.0, 2.0, 0.0, 9.0),))
AHEAD = Goal(
    ("y+1", "y+2"), (NumberTarget(0.0, 1.0, -1.0, 1.0),) * 2, forecast=Forecast(Anchor("mean", 0.0, 1.0), naive=0.7)
)


def told(goals, rng):
    """Values of rows, and what three voices say of them; a step of a forecast is not known."""
    values, voices = [], [([], []) for _ in range(3)]
    for goal in goals:
        if goal.classes:
            y = rng.permutation(np.arange(ROWS) % goal.classes).astype(np.int32)
            for said, costs in voices:
                said.append(rng.dirichlet(np.ones(goal.classes), ROWS) * 0.5 + 0.5 * np.eye(goal.classes)[y])
                costs.append(None)
        else:
            y = rng.normal(5, 2, (ROWS, len(goal.names)))
            if goal.pooled:
                y[::4, 1] = np.nan
            for said, costs in voices:
                said.append(np.nan_to_num(y, nan=5.0) + rng.normal(size=y.shape))
                costs.append(Costs(rng.random(ROWS), rng.random(y.shape), rng.random(y.shape)))
        values.append(y)
    return values, [Said(tuple(said), costs) for said, costs in voices]


CASES = [
    (goals, name)
    for goals in ([TWO], [FOUR], [NUMBER], [AHEAD], [TWO, NUMBERS], [NUMBERS])
    for name in metrics_for(goals)
]


@pytest.mark.parametrize(("goals", "name"), CASES, ids=[f"{'-'.join(g.names[0] for g in gs)}-{n}" for gs, n in CASES])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_row_that_is_drawn_twice_is_there_twice(goals, name, weighted, rng):
    values, voices = told(goals, rng)
    metric, weight = metrics_for(goals)[name], rng.integers(1, 4, ROWS).astype(float) if weighted else None
    scores = row_scores(goals, values, voices, metric, weight, np.arange(ROWS))
    counts = rng.multinomial(ROWS, np.full(ROWS, 1 / ROWS), size=4).astype(float)
    expected = []
    for drawn in counts:
        at = np.repeat(np.arange(ROWS), drawn.astype(int))
        heavy = None if weight is None else weight[at]
        expected.append(
            [
                evaluate(
                    goals,
                    [y[at] for y in values],
                    [p[at] for p in voice.predictions],
                    heavy,
                    [cost and Costs(*(each[at] for each in cost)) for cost in voice.costs],
                )[name]
                for voice in voices
            ]
        )
    np.testing.assert_allclose(scores.all(counts, np.arange(len(voices))), expected, rtol=1e-9)
    some = np.array([2, 0, 1, 2])
    np.testing.assert_allclose(scores.each(counts, some), np.array(expected)[np.arange(4), some], rtol=1e-9)


def test_what_belongs_together_is_drawn_together(rng):
    """Six rows of three units, of which the first two come once and twice."""
    y, p = rng.normal(size=(6, 1)), rng.normal(size=(6, 1))
    metric = metrics_of(False)["mae"]
    scores = row_scores([NUMBER], [y], [Said((p,), [None])], metric, None, np.array([0, 0, 1, 1, 2, 2]))
    expected = np.abs(y - p)[[0, 1, 2, 3, 2, 3]].mean()
    np.testing.assert_allclose(scores.all(np.array([[1.0, 2.0, 0.0]]), FIRST), [[expected]])


def test_tokens_cost_their_negative_log_probability():
    """Stretches of two tokens; (ln 2 + ln 4) / 2 of the first, ln 8 of the second, which comes three times."""
    scores = token_scores([nats(np.array([1 / 2, 1 / 4, 1 / 8], np.float32))], np.array([0, 0, 1]))
    np.testing.assert_allclose(scores.all(np.array([[1.0, 3.0]]), FIRST), [[(3 + 3 * 3) * np.log(2) / 5]], rtol=1e-6)


def test_a_voice_that_says_no_number_has_no_score_and_spoils_no_other():
    y = np.arange(4.0)[:, None]
    said = [Said((y + 1,), [None]), Said((y * np.nan,), [None]), Said((y + np.inf,), [None])]
    scores = row_scores([NUMBER], [y], said, metrics_of(False)["rmse"], None, np.arange(4))
    np.testing.assert_array_equal(scores.all(np.array([[1.0, 0.0, 2.0, 1.0]]), np.arange(3)), [[1, np.nan, np.nan]])


def test_numbers_that_are_all_the_same_have_no_r2():
    """What is drawn are rows of 1, 1 and 5: first both ones, then one of each."""
    y, p = np.array([[1.0], [1.0], [5.0]]), np.array([[1.0], [2.0], [4.0]])
    scores = row_scores([NUMBER], [y], [Said((p,), [None])], metrics_of(False)["r2"], None, np.arange(3))
    found = scores.all(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), FIRST)
    np.testing.assert_allclose(found, [[np.nan], [1 - (0 + 1) / (4 + 4)]])


def test_many_rows_are_put_together_without_a_change_of_what_their_mean_varies(rng):
    """The mean of n numbers of variance 1 that are drawn again has variance 1 / n."""
    n = 20_000
    y = rng.normal(size=(n, 1))
    scores = row_scores([NUMBER], [y], [Said((0 * y,), [None])], metrics_of(False)["mae"], None, np.arange(n))
    assert scores.units == UNITS
    assert np.bincount(together(np.arange(n))).tolist() == [n // UNITS] * UNITS
    drawn = scores.all(rng.multinomial(UNITS, np.full(UNITS, 1 / UNITS), size=2_000).astype(float), FIRST)
    np.testing.assert_allclose(drawn.std(), np.abs(y).std() / np.sqrt(n), rtol=0.08)
