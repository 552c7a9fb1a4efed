"""Permutation importance on planted truths: a network of which it is known what it looks at."""

import jax
import numpy as np
import pandas as pd
import pytest

from phalanx import Adam, Columns, Gaussian, Multinoulli, MultiTask, Network
from phalanx.data import ClassTarget, Goal, NumberTarget
from phalanx.data.columns import infer_columns
from phalanx.judged import Asked, asked_by_fold
from phalanx.kinds.folds import FoldEncoder
from phalanx.kinds.mixed.encoder import ColumnPart, MixedEncoder, part_of_table
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts.encoder import TextEncoder
from phalanx.metrics import metrics_for
from phalanx.model import initialize
from phalanx.network import OutputSize, complete
from phalanx.population.predict import Final, Folded
from phalanx.predictor import Predictor
from phalanx.report.errors.columns import Drop, Drops, drops, importance

GOAL = Goal(("price",), (NumberTarget(0.0, 1.0, -9.0, 9.0),))
CLASSES = Goal(("kind",), (ClassTarget(("low", "high")),))


def for_ever():
    return float("inf")


def linear(goal, weight):
    """A network whose output is a weighted sum of the columns."""
    likelihood = Multinoulli() if goal.classes else Gaussian(1.0)
    network = complete(Network([Columns(())], likelihood), OutputSize(goal.size))
    params, states = initialize(network, 0, ((len(weight),), (0,)))
    params = jax.tree.map(np.zeros_like, params)
    params["output"]["weight"][:, -1] = weight
    return Final(network, params, states, 1.0)


def asked(goal, weight, x, y):
    encoder = TableEncoder.fit_numbers(x, scaling="none")
    predictor = Predictor({"m": linear(goal, weight)}, {"m": 1.0}, "m", (goal,))
    return Asked(predictor, encoder.transform(x), (y,), encoder)


def test_a_column_that_alone_decides_is_the_only_one_that_is_named(rng, check_figure):
    x = rng.normal(size=(500, 3))
    found = drops([asked(GOAL, [0, 2, 0], x, 2 * x[:, 1:2])], metrics_for([GOAL])["rmse"], for_ever)
    # a cell and one in its place differ by twice the variance, in the mean of squares
    drop = found.of["x1"]
    assert drop.mean == pytest.approx(2 * np.sqrt(2 * x[:, 1].var()), abs=4 * drop.error)
    assert drop.seen
    for name in ("x0", "x2"):
        assert found.of[name] == Drop(0.0, 0.0)
        assert found.of[name].ends == (0, 0)
    figure = importance(found, [GOAL], "test rows").to_plain()
    check_figure(figure)
    assert figure["draw"]["names"] == ["x1", "x0", "x2"]
    wide = 1.96 * drop.error
    assert figure["says"] == (
        f"price depends most on `x1` (rmse worse by {drop.mean:.3g} ± {wide:#.3g}) when it is shuffled; no difference "
        "seen of `x0`, `x2`; intervals are 1.96 standard errors over 10 shuffles of 500 test rows."
    )
    assert figure["draw"]["low"][0] == pytest.approx(drop.mean - wide)


def test_a_score_that_is_to_be_high_is_worse_where_it_is_lower(rng):
    x = rng.normal(size=(400, 2))
    y = (x[:, 0] > 0).astype(np.int32)
    found = drops([asked(CLASSES, [3, 0], x, y)], metrics_for([CLASSES])["accuracy"], for_ever)
    assert found.of["x0"].mean == pytest.approx(0.5, abs=0.05)  # as good as a coin
    assert found.of["x1"] == Drop(0.0, 0.0)


@pytest.mark.parametrize("name", ["nll", "crps", "r2", "mae"])
def test_any_metric_of_the_run(rng, name):
    x = rng.normal(size=(300, 2))
    found = drops([asked(GOAL, [1, 0], x, x[:, :1])], metrics_for([GOAL])[name], for_ever)
    assert found.of["x0"].seen
    assert found.of["x1"] == Drop(0.0, 0.0)


def test_what_the_networks_were_misled_by(rng):
    """A network that takes a column the wrong way round errs less when that says nothing any more."""
    x = rng.normal(size=(300, 2))
    y = x[:, :1] - 2 * x[:, 1:]
    found = drops([asked(GOAL, [1, 1], x, y)], metrics_for([GOAL])["rmse"], for_ever)
    assert found.of["x1"].ends[1] < 0
    assert "better without `x1`" in importance(found, [GOAL], "test rows").says


def test_columns_for_which_there_is_no_time_are_left_out(rng, check_figure):
    x = rng.normal(size=(300, 3))
    part = asked(GOAL, [0, 2, 0], x, 2 * x[:, 1:2])
    seconds = iter([3.0, 2.0, 0.0])
    found = drops([part], metrics_for([GOAL])["rmse"], lambda: next(seconds))
    assert list(found.of) == ["x0", "x1"]
    figure = importance(found, [GOAL], "test rows").to_plain()
    check_figure(figure)
    assert figure["says"].endswith("; of 3 columns there was time for the first 2.")
    assert drops([part], metrics_for([GOAL])["rmse"], lambda: 0.0) is None


def test_of_rows_of_one_class_nothing_is_said_of_the_area(rng):
    x = rng.normal(size=(30, 2))
    part = asked(CLASSES, [1, 0], x, np.zeros(30, np.int32))
    assert drops([part], metrics_for([CLASSES])["roc_auc"], for_ever) is None


def test_of_many_columns_the_first_are_drawn_and_all_are_listed(check_figure):
    of = {f"c{i}": Drop(0.01 * i, 0.001) for i in range(50)}
    figure = importance(Drops(of, 50, 200, "rmse"), [GOAL], "test rows").to_plain()
    check_figure(figure)
    assert figure["draw"]["names"] == [f"c{i}" for i in range(49, 19, -1)]
    assert len(figure["table"]["rows"]) == 50
    assert "`c0`" in figure["says"]


FRAME = pd.DataFrame(
    {
        "a": [0.5, np.nan, 2.0, 3.0, 7.0, 1.0] * 20,
        "sex": ["f", "m", "f", "f", "m", "f"] * 20,
        "city": ["Ulm", "Bonn", "Kiel", None, "Ulm", "Ulm"] * 20,
        "day": pd.date_range("2023-01-01", periods=120, freq="11D"),
        "said": [f"a film number {i % 7} that is {'good' if i % 2 else 'bad'}" for i in range(120)],
    }
)
TABLE = FRAME.drop(columns="said")


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("column", list(TABLE))
def test_a_shuffled_column_is_encoded_as_the_shuffled_cells_are(column, rng):
    columns = infer_columns(TABLE)
    encoders = [TableEncoder.fit(columns, TABLE.iloc[rows]) for rows in (slice(90), slice(2, 9))]
    order = rng.permutation(len(TABLE))
    cells = TABLE.assign(**{column: TABLE[column].to_numpy()[order]})
    alone = encoders[0]
    assert not np.array_equal(alone.transform(TABLE).numbers, alone.transform(cells).numbers) or column == "city"
    equal(alone.shuffled(alone.transform(TABLE), column, order), alone.transform(cells))
    folded = FoldEncoder(tuple(TableEncoder.alike(encoders)))
    found = folded.shuffled(folded.transform(TABLE), column, order)
    assert isinstance(found, Folded)
    equal(found, folded.transform(cells))


@pytest.mark.parametrize("column", list(FRAME))
def test_a_column_of_several_parts(column, rng):
    table = part_of_table(TableEncoder.fit(infer_columns(TABLE), TABLE))
    encoder = MixedEncoder((table, ColumnPart("said", "texts", TextEncoder.fit(FRAME["said"].to_numpy(object)))))
    assert set(encoder.raw) == set(FRAME)
    order = rng.permutation(len(FRAME))
    cells = FRAME.assign(**{column: FRAME[column].to_numpy()[order]})
    equal(encoder.shuffled(encoder.transform(FRAME), column, order), encoder.transform(cells))


def test_rows_of_folds_are_asked_of_those_that_did_not_train_on_them(rng):
    x = rng.normal(size=(40, 2))
    encoder = TableEncoder.fit_numbers(x, scaling="none")
    members = {f"m{i}": linear(GOAL, weight)._replace(fold=i % 2) for i, weight in enumerate(([1, 0], [0, 1]))}
    predictor = Predictor(members, {"m0": 0.5, "m1": 0.5}, "m0", (GOAL,))
    parts = [encoder.transform(x[:20]), encoder.transform(x[20:])]
    values = [(x[:20, :1],), (x[20:, 1:],)]  # each fold as its own network says
    first, second = asked_by_fold(predictor, parts, values, FoldEncoder((encoder, encoder)))
    assert (first.predictor.shares, second.predictor.shares) == ({"m0": 1.0}, {"m1": 1.0})
    found = drops([first, second], metrics_for([GOAL])["mae"], for_ever)
    assert found.rows == 40
    assert all(drop.seen for drop in found.of.values())


def test_of_several_targets_it_is_the_metric_of_the_run(rng):
    x = rng.normal(size=(300, 3))
    y = pd.DataFrame(
        {
            "n": x[:, 0] + 0.3 * rng.normal(size=300),
            "k": np.where(x[:, 1] + 0.3 * rng.normal(size=300) > 0, "up", "down"),
        }
    )
    net = MultiTask([], optimizer=Adam(0.03), max_rounds=30, random_state=0).fit(
        pd.DataFrame(x, columns=list("abc")), y
    )
    kept = net._told.kept
    parts = asked_by_fold(net._predictor, kept.inputs, kept.values, net.encoder_)
    found = drops(parts, metrics_for(net._predictor.goals)["score"], for_ever)
    assert {name for name, drop in found.ranked[:2]} == {"a", "b"}
    of_one = drops(parts, metrics_for(net._predictor.goals)["k.accuracy"], for_ever)
    assert of_one.ranked[0][0] == "b"
