"""Networks that begin with layers which were trained before: by name and shape, each seed with its own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from phalanx import (
    SGD,
    Adam,
    BatchNorm,
    Classifier,
    Dense,
    Factor,
    Flatten,
    Forecaster,
    InputError,
    Momentum,
    MultiTask,
    Regressor,
    Tanh,
    Tied,
    choice,
)
from phalanx.population.compilation import compilations

LAYERS = [Dense(4, name="low"), Tanh(), Dense(4, name="high"), Tanh()]
STILL = SGD(0.0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3))
Y = np.where(X[:, 0] * X[:, 1] > 0, "up", "down")
NUMBERS = X @ [1.0, -2.0, 0.5]


def made(door=Classifier, layers=LAYERS, **options):
    return door(layers, **{"optimizer": Adam(0.05), "stopping": None, "max_rounds": 2, "batch_size": 16, **options})


def same(one, other, layers=None):
    """Say that layers hold the same numbers, to the bit."""
    for layer in one if layers is None else layers:
        assert one[layer].keys() == other[layer].keys()
        for name, value in one[layer].items():
            np.testing.assert_array_equal(value, other[layer][name])


def differ(one, other, layer):
    assert any((value != other[layer][name]).any() for name, value in one[layer].items())


@pytest.fixture(scope="module")
def trained():
    return made(repeats=3).fit(X, Y)


def test_steps_of_length_0_leave_what_was_given(trained):
    """A member, its weights as a dict, and a part of them."""
    best = trained.best_
    for given in (best, best.params, {name: held for name, held in best.params.items() if name != "output"}):
        begun = made(optimizer=STILL, start=given).fit(X, Y).best_
        same(best.params, begun.params, ["low", "high"])
    differ(best.params, begun.params, "output")  # which the last did not name


def test_weights_drawn_afresh_are_given_back_to_the_bit(trained):
    """Beginning with the weights that the seed draws anyway is training as ever, and another program is not needed."""
    drawn = [member.params for member in made(optimizer=STILL, repeats=3).fit(X, Y).members_]
    before = compilations.programs
    begun = made(repeats=3, start=[drawn[0], None, drawn[2]]).fit(X, Y)
    assert compilations.programs == before
    for one, other in zip(trained.members_, begun.members_, strict=True):
        same(one.params, other.params)


@pytest.mark.parametrize("rule", [Adam, Momentum])
def test_a_layer_with_factor_0_stays_to_the_bit(trained, rule):
    fixed = rule(0.05, factors=[Factor(0, on=["low"])])
    begun = made(optimizer=fixed, start=trained.best_, max_rounds=3).fit(X, Y[::-1]).best_
    same(trained.best_.params, begun.params, ["low"])
    differ(trained.best_.params, begun.params, "high")


def test_a_slow_layer_moves_by_its_factor(trained):
    """θ ← θ − ε f g: after one step of plain gradient descent on the same batch the way is f times as long.

    A way is a difference of numbers below 4, each rounded to 24 binary digits: it is known to about 4 · 2⁻²⁴ · 2.
    """
    ways = []
    for factor in (1.0, 0.25):
        slow = SGD(0.5, factors=[Factor(factor, on=["low"])])
        begun = made(optimizer=slow, start=trained.best_, max_rounds=1, batch_size=64).fit(X, Y).best_
        ways.append(np.float64(begun.params["low"]["weight"]) - trained.best_.params["low"]["weight"])
    assert np.abs(ways[0]).max() > 1e-3
    np.testing.assert_allclose(ways[1], 0.25 * ways[0], rtol=0, atol=2**-21)


def test_all_members_of_a_population_begin_there(trained):
    """Whatever their structures and seeds; three classes need another output layer, and a layer of another width is
    another one: these begin as they would without a start.
    """
    wide = [Dense(4, name="low"), Tanh(), Dense(choice(4, 6), name="high"), Tanh()]
    options = {"layers": wide, "optimizer": STILL, "trials": 2, "repeats": 2, "design": "grid"}
    net, afresh = (made(start=start, **options).fit(X, np.arange(64) % 3) for start in (trained.best_, None))
    assert [member.params["high"]["weight"].shape for member in net.members_] == [(4, 4), (4, 4), (4, 6), (4, 6)]
    for i, (member, other) in enumerate(zip(net.members_, afresh.members_, strict=True)):
        same(trained.best_.params, member.params, ["low", "high"] if i < 2 else ["low"])
        same(other.params, member.params, ["output"] if i < 2 else ["high", "output"])


def test_each_seed_may_begin_with_its_own(trained):
    rates = SGD(choice(0.0, 0.1), factors=[Factor(0, on=["low", "high"])])
    net = made(optimizer=rates, start=trained.members_, trials=2, repeats=3, design="grid").fit(X, Y)
    for i, member in enumerate(net.members_):
        same(trained.members_[i % 3].params, member.params, ["low", "high"])
        assert (i < 3) == np.array_equal(
            member.params["output"]["weight"], trained.members_[i % 3].params["output"]["weight"]
        )


def test_folds_begin_there_too(trained):
    net = made(optimizer=STILL, start=trained.best_, folds=2).fit(X, Y)
    for member in net.members_:
        same(trained.best_.params, member.params)


@pytest.mark.slow
def test_training_again_begins_there_too(trained):
    """On all rows, afresh for as many steps (Algorithm 7.2): where the first training began."""
    again = made(start=trained.best_, optimizer=STILL, stopping="auto", refit="steps").fit(X, Y)
    same(trained.best_.params, again.best_.params)


@pytest.mark.slow
def test_a_member_brings_the_statistics_of_its_layers():
    """A normalization keeps means over batches; a dict of weights has none, so that they begin anew."""
    layers = [Dense(4), BatchNorm(0.5, name="norm"), Tanh()]
    net = made(layers=layers).fit(X, Y)
    states = [
        made(layers=layers, optimizer=STILL, start=start, max_rounds=1, batch_size=64).fit(X, Y).best_._final.states
        for start in (net.best_, net.best_.params)
    ]
    held = net.best_._final.states["norm"]["mean"]
    one, other = (found["norm"]["mean"] for found in states)
    # after one batch, whose means are the same: m ← ½ m + ½ μ, from m as it was and from 0
    np.testing.assert_allclose(one - other, held / 2, atol=1e-6)
    assert np.abs(held).max() > 0.01


@pytest.mark.slow
def test_a_tied_layer_begins_where_its_own_weights_fit():
    """The shared weight is learned as that of the first layer; of the second only the bias is its own."""
    layers = [Dense(4, name="low"), Tanh(), Dense(4, name="high"), Tanh(), Dense(4, name="last")]
    tied = [Tied(on=("high", "last"))]
    net = made(layers=layers, regularizers=tied).fit(X, Y)
    begun = made(layers=layers, regularizers=tied, optimizer=STILL, start=net.best_).fit(X, Y)
    same(net.best_.params, begun.best_.params)
    np.testing.assert_array_equal(net.predict_proba(X), begun.predict_proba(X))


@pytest.mark.slow
def test_every_estimator_of_rows_and_of_series_begins_so(trained):
    number = made(Regressor, optimizer=STILL, start=trained.best_).fit(X, NUMBERS)
    same(trained.best_.params, number.best_.params, ["low", "high"])
    table = pd.DataFrame({"side": Y, "number": NUMBERS})
    both = made(MultiTask, optimizer=STILL, start=trained.best_).fit(X, table)
    same(trained.best_.params, both.best_.params, ["low", "high"])
    further = made(MultiTask, optimizer=STILL, start=both.best_).fit(X, table)
    same(both.best_.params, further.best_.params)
    series = np.sin(np.arange(80.0))
    one = Forecaster(2, window=6, layers=[Flatten(), Dense(4)], max_rounds=2).fit(series)
    other = Forecaster(2, window=6, layers=[Flatten(), Dense(4)], optimizer=STILL, max_rounds=2, start=one.best_).fit(
        series
    )
    same(one.best_.params, other.best_.params)


def test_the_estimator_is_one_of_scikit_learn(trained):
    net = made(optimizer=STILL, start=trained.best_)
    same(trained.best_.params, clone(net).fit(X, Y).best_.params)
    same(trained.best_.params, net.fit(X, Y).best_.params)  # and what is given is left as it was


BAD = {
    r"start has high \(4, 4\), low \(3, 4\), output \(4, 1\), but a network has dense_1 \(3, 5\), output \(5, 1\): "
    "no layer has the same name and the same shape$": "member",
    "start is of type Classifier, but must be a trained member, such as `net.best_`, a dict": "estimator",
    "start is a list of 3, but repeats is 1; give one for each seed$": "list",
    "start: 'low' is of type int, but must be a dict of arrays by name$": {"low": 3},
    "start: 'bias' of 'low' must be an array of finite numbers$": {"low": {"bias": [np.nan] * 4}},
    "start: 'weight' of 'low' must be an array of finite numbers$": {"low": {"weight": "abc"}},
    r"start has low \(4,\), but a network has dense_1 \(3, 5\)": {"low": {"scale": np.ones(4)}},
    "start has no layer with parameters, but a network has dense_1": {},
}


@pytest.mark.parametrize("error", BAD)
def test_what_does_not_fit_is_told(trained, error):
    given = {"member": trained.best_, "estimator": trained, "list": trained.members_}
    start = given[BAD[error]] if isinstance(BAD[error], str) else BAD[error]
    with pytest.raises(InputError, match=f"^{error}"):
        made(layers=[Dense(5)], start=start).fit(X, Y)
