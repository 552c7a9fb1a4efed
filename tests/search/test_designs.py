"""Designs: the grid listed by hand; structures first; how many, how often, and that a seed decides all."""

import numpy as np
import pytest

from phalanx import (
    SGD,
    Adam,
    Cosine,
    Dense,
    Dropout,
    EarlyStopping,
    Fixed,
    Gaussian,
    LeakyReLU,
    Network,
    ReLU,
    choice,
    field,
    integers,
    loguniform,
    part,
    repeat,
    uniform,
)
from phalanx.errors import InputError
from phalanx.search.designs import design
from phalanx.search.space import is_space

SPACE = Network(
    [Dense(choice(8, 16, 32)), choice(ReLU(), LeakyReLU(uniform(0, 0.3))), Dropout(uniform(0, 0.5))],
    Gaussian(),
    optimizer=Adam(loguniform(1e-4, 1e-1)),
)


def values(space, trials, **options):
    return [draw.values for draw in design(space, trials, **options)]


def test_a_grid_of_choices_by_hand():
    space = [Dense(choice(1, 2)), Dropout(choice(0.0, 0.5)), Dense(choice(3, 4))]
    assert values(space, 8, kind="grid") == [
        {"dense_1.units": a, "dense_2.units": c, "dropout_1.rate": b}
        for a in (1, 2)
        for c in (3, 4)
        for b in (0.0, 0.5)
    ]


def test_a_grid_of_depths_by_hand():
    space = [repeat(choice(0, 1, 2), [Dense(choice(4, 8))])]
    assert values(space, 7, kind="grid") == [
        {"repeat_1": 0},
        {"repeat_1": 1, "repeat_1.1.dense_1.units": 4},
        {"repeat_1": 1, "repeat_1.1.dense_1.units": 8},
        {"repeat_1": 2, "repeat_1.1.dense_1.units": 4, "repeat_1.2.dense_1.units": 4},
        {"repeat_1": 2, "repeat_1.1.dense_1.units": 4, "repeat_1.2.dense_1.units": 8},
        {"repeat_1": 2, "repeat_1.1.dense_1.units": 8, "repeat_1.2.dense_1.units": 4},
        {"repeat_1": 2, "repeat_1.1.dense_1.units": 8, "repeat_1.2.dense_1.units": 8},
    ]


def test_a_grid_of_ranges_by_hand():
    # Of each branch its own: 6 trials for 2 combinations give 3 quantiles where there is a range
    space = Adam(choice(0.1, Cosine(uniform(0.0, 1.0))))
    assert values(space, 6, kind="grid") == [
        {"learning_rate": 0.1},
        {"learning_rate": "Cosine", "learning_rate.cosine_1.start": 0.0},
        {"learning_rate": "Cosine", "learning_rate.cosine_1.start": 0.5},
        {"learning_rate": "Cosine", "learning_rate.cosine_1.start": 1.0},
    ]


def test_a_grid_gives_each_range_as_many_quantiles_as_trials_allow():
    two = Adam(uniform(0.0, 1.0), weight_decay=uniform(2.0, 3.0))
    assert [tuple(v.values()) for v in values(two, 4, kind="grid")] == [(0.0, 2.0), (0.0, 3.0), (1.0, 2.0), (1.0, 3.0)]
    assert len(values(two, 8, kind="grid")) == 4
    assert len(values(two, 9, kind="grid")) == 9
    assert values(two, 3, kind="grid") == [{"learning_rate": 0.5, "weight_decay": 2.5}]  # one: the middle
    start = Adam(loguniform(1e-4, 1e-2))
    np.testing.assert_allclose([v["learning_rate"] for v in values(start, 3, kind="grid")], [1e-4, 1e-3, 1e-2])
    assert [v["patience"] for v in values(EarlyStopping(integers(1, 4)), 4, kind="grid")] == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["random", "sobol"])
@pytest.mark.parametrize(("trials", "structures"), [(1, 4), (2, 4), (7, 3), (64, 4), (10, 1), (12, 50)])
def test_as_many_points_as_asked_in_as_many_structures(kind, trials, structures):
    draws = design(SPACE, trials, kind=kind, structures=structures)
    assert len(draws) == trials
    assert not any(is_space(draw.spec) for draw in draws)
    shapes = [(d.values["layers.dense_1.units"], d.values["layers.choice_1"]) for d in draws]
    assert len(set(shapes)) == min(trials, structures, 6)  # 3 widths, 2 activations
    assert shapes == [s for s in dict.fromkeys(shapes) for _ in range(shapes.count(s))]  # side by side
    counts = [shapes.count(s) for s in set(shapes)]
    assert max(counts) - min(counts) <= 1


def test_structures_are_drawn_as_freely_as_knobs():
    draws = design(SPACE, 96)
    shapes = [(d.values["layers.dense_1.units"], d.values["layers.choice_1"]) for d in draws]
    counts = [shapes.count(s) for s in set(shapes)]
    assert (len(draws), len(counts)) == (96, 6)  # 3 widths, 2 activations
    assert (min(counts), max(counts)) >= (13, 16)
    assert max(counts) <= 19  # evenly
    assert shapes == [s for s in dict.fromkeys(shapes) for _ in range(shapes.count(s))]  # side by side
    rates = np.sort([d.spec.optimizer.learning_rate for d in draws])
    assert len(set(rates)) == 96


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_the_seed_decides_everything(kind):
    one, again, other = (design(SPACE, 16, kind=kind, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_points_differ_and_lie_in_their_ranges(kind):
    draws = values(SPACE, 40, kind=kind)
    rates = [d["layers.dropout_1.rate"] for d in draws]
    assert len(set(rates)) == 40
    assert all(0 <= rate <= 0.5 for rate in rates)
    assert all(1e-4 <= d["optimizer.learning_rate"] <= 1e-1 for d in draws)


def test_the_drawn_values_are_those_of_the_specification():
    for draw in design(SPACE, 12):
        dense, activation, dropout = draw.spec.layers
        expected = {
            "layers.dense_1.units": dense.units,
            "layers.choice_1": type(activation).__name__,
            "layers.dropout_1.rate": dropout.rate,
            "optimizer.learning_rate": draw.spec.optimizer.learning_rate,
        }
        if isinstance(activation, LeakyReLU):
            expected["layers.choice_1.leaky_relu_1.slope"] = activation.slope
        assert draw.values == expected


def test_sobol_fills_a_line_evenly():
    # of 16 points of a Sobol sequence each sixteenth of the range gets exactly one
    rates = [d["rate"] for d in values(Dropout(uniform(0, 0.8)), 16)]
    assert sorted(int(rate / 0.05) for rate in rates) == list(range(16))


def test_a_name_is_one_draw_and_the_same_object_without_one_is_two():
    rate, shared = uniform(0, 0.5), uniform(0, 0.5, name="rate")
    for draw in design([Dropout(rate), Dropout(rate)], 4):
        assert draw.spec[0].rate != draw.spec[1].rate
    for draw in design([Dropout(shared), Dropout(shared)], 4):
        assert draw.spec[0].rate == draw.spec[1].rate == draw.values["rate"]
    activation = choice(ReLU(), LeakyReLU(uniform(0, 0.3)), name="act")
    kinds = {tuple(type(part) for part in draw.spec) for draw in design([activation, activation], 8)}
    assert kinds == {(ReLU, ReLU), (LeakyReLU, LeakyReLU)}


def test_names_shared_by_equal_distributions_that_are_not_one_object():
    first, second = (choice(ReLU(), LeakyReLU(), name="act") for _ in range(2))
    assert all(type(d.spec[0]) is type(d.spec[1]) for d in design([first, second], 6))


def test_a_name_shared_by_structure_and_knob_is_structure():
    shared = choice(2, 4, name="n")
    space = Network([Dense(shared)], Gaussian(), stopping=EarlyStopping(shared))
    draws = design(space, 8)
    assert {(d.spec.layers[0].units, d.spec.stopping.patience) for d in draws} == {(2, 2), (4, 4)}
    assert len(design(space, 8, structures=1)) == 8


def test_without_distributions_every_point_is_the_same():
    assert [draw.spec for draw in design(Dense(3), 3)] == [Dense(3)] * 3
    assert [draw.spec for draw in design(Dense(3), 3, kind="grid")] == [Dense(3)]


@part
class Scale(ReLU):
    by: Fixed[float] = field(default=1.0)


SENTENCES = {
    "by: a grid cannot list uniform(0.0, 1.0); use choice, or another design": (
        lambda: design(Scale(uniform(0, 1)), 4, kind="grid")
    ),
    "design: unknown kind `gird`; did you mean `grid`?": lambda: design(SPACE, 4, kind="gird"),
    "trials is 0, but must be at least 1": lambda: design(SPACE, 0),
    "structures is 0, but must be at least 1": lambda: design(SPACE, 4, structures=0),
    "the grid has more than 3 combinations; raise trials or choose another design": (
        lambda: design([Dense(choice(1, 2)), Dropout(choice(0.1, 0.2))], 3, kind="grid")
    ),
    "the grid has more than 9 combinations; raise trials or choose another design": (
        lambda: design(Dense(integers(1, 10**12)), 9, kind="grid")
    ),
    "two different distributions are called `rate`; give them different names": (
        lambda: design([Dropout(uniform(0, 0.5, name="rate")), SGD(uniform(0, 1, name="rate"))], 4)
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence):
    with pytest.raises(InputError) as caught:
        SENTENCES[sentence]()
    assert str(caught.value) == sentence
