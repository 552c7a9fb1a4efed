"""Comparing choices end to end: what cannot work is named, what is alike is not told apart."""

import numpy as np
import pandas as pd
import pytest

from phalanx import (
    L2,
    SGD,
    Adam,
    Classifier,
    Dense,
    Dropout,
    Forecaster,
    Linear,
    MultiTask,
    Regressor,
    ReLU,
    Tanh,
    choice,
    compare,
    loguniform,
)
from phalanx.comparing.spaces import alternatives, plain_network
from phalanx.comparing.train import _numbers
from phalanx.errors import InputError

QUICK = {"optimizer": Adam(0.05), "max_rounds": 15}


@pytest.fixture(scope="module")
def signs():
    """Rows whose class is whether two numbers have the same sign, which no linear network can say."""
    X = np.random.default_rng(0).normal(size=(160, 2))
    return X, np.where(X[:, 0] * X[:, 1] > 0, "same", "other")


@pytest.fixture(scope="module")
def compared(signs):
    X, y = signs
    return compare(Classifier([Dense(8), choice(Linear(), Tanh())], **QUICK), X, y, seeds=4)


def test_an_activation_that_cannot_work_is_named(compared):
    assert compared.verdict[0].startswith("Tanh is better than Linear by ")
    assert compared.verdict[-1] == "best: Tanh"
    assert compared.scores.shape == (4, 2)
    assert compared.scores["Tanh"].min() > 0.7
    assert compared.overlap == 40 / 120
    assert compared.metric.name == "accuracy"


def test_a_score_is_that_of_a_network_on_rows_that_nothing_was_learned_from(signs, compared):
    """Seed 1, trained by hand: the same split, and of a grid with the same options the same networks."""
    from phalanx.data import split_rows

    X, y = signs
    split = split_rows(len(X), classes=y, test=0.25, valid=0.0, seed=1)
    net = Classifier([Dense(8), choice(Linear(), Tanh())], **QUICK, random_state=1)
    net.set_params(design="grid", trials=2, paired=True).fit(X[split.train], y[split.train])
    told = [member.estimator.score(X[split.test], y[split.test]) for member in net.members_]
    assert [member.drawn for member in net.members_] == [{"layers.choice_1": "Linear"}, {"layers.choice_1": "Tanh"}]
    assert compared.scores.loc[1].tolist() == pytest.approx(told)


def test_alternatives_that_are_equal_are_not_told_apart(signs):
    found = compare(Classifier([Dense(4), choice(Tanh(), Tanh())], **QUICK), *signs, seeds=[3, 7], metric="log_loss")
    assert found.verdict == ["Tanh (1) and Tanh (2) have the same score with every seed"]
    assert found.scores.index.tolist() == [3, 7]


def test_paired_networks_begin_alike_and_others_do_not(signs):
    X, y = signs
    grid = {"trials": 2, "design": "grid", "max_rounds": 1}
    nets = [Classifier([Dense(4), choice(Tanh(), ReLU())], paired=on, **grid).fit(X, y) for on in (True, False)]
    seeds = [net.leaderboard_["seed"].dropna().nunique() for net in nets]
    assert seeds == [1, 2]


def test_estimators_by_name_are_compared_as_they_predict(signs):
    X, y = signs
    net = Classifier([Dense(8), Tanh()], optimizer=Adam(choice(0.05, 0.02)), trials=2, max_rounds=15)
    found = compare({"search": net, "line": Classifier([], **QUICK)}, X, y, seeds=3)
    assert found.scores.columns.tolist() == ["search", "line"]
    assert found.verdict[-1] == "best: search"
    assert not hasattr(net, "members_")  # what was given stays as it is


def test_a_network_that_diverges_is_told(signs):
    X, _ = signs
    net = Regressor([Dense(4), Tanh()], optimizer=choice(SGD(1e9), SGD(0.1)), max_rounds=3)
    found = compare(net, X, X[:, 0], seeds=2)
    assert found.verdict[0] == "learning_rate 1e+09 diverged with 2 of 2 seeds, and is scored as it was before"
    assert found.metric.name == "rmse"


def test_groups_stay_together():
    groups = np.repeat(np.arange(16), 10)
    own = np.repeat(np.random.default_rng(1).normal(size=(16, 1)), 10, axis=0)  # says the group, and so its number
    numbers = np.random.default_rng(2).normal(size=16)[groups]
    net = Regressor([Dense(32), choice(Tanh(), ReLU())], optimizer=Adam(0.05), max_rounds=60, stopping=None)
    apart, mixed = (compare(net, own, numbers, seeds=2, groups=held) for held in (groups, None))
    assert mixed.scores.to_numpy().mean() < 0.7 * apart.scores.to_numpy().mean()


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (choice(ReLU(), Tanh()), ["ReLU", "Tanh"]),
        (choice(None, Dropout(0.5)), ["none", "Dropout"]),
        (choice([Dense(4)], [Dense(8), Tanh()]), ["Dense", "Dense, Tanh"]),
        (choice(SGD(0.1), SGD(0.2), Adam()), ["SGD, learning_rate 0.1", "SGD, learning_rate 0.2", "Adam"]),
        (choice(None, L2(0.1), name="penalty"), ["none", "L2"]),
    ],
)
def test_a_choice_of_parts_stands_in_a_plain_network(parts, names):
    assert alternatives(parts, [0, 1], None).names == names


def test_the_plain_network_follows_the_target():
    parts = choice(ReLU(), Tanh())
    assert isinstance(plain_network(parts, ["a", "b"], None), Classifier)
    assert isinstance(plain_network(parts, [0.5, 1.0], None), Regressor)
    assert isinstance(plain_network(parts, [0, 1], "regress"), Regressor)
    one = plain_network(parts, [0, 1], None).layers
    assert [type(layer).__name__ for layer in one] == ["Dense", "Choice", "Dense", "Choice"]
    assert one[1] is one[3]


NET = Classifier([Dense(4), choice(ReLU(), Tanh())])
BAD = [
    (ReLU(), {}, "ReLU cannot be compared; give an estimator of rows"),
    (Forecaster(layers=[Dense(choice(1, 2))]), {}, "Forecaster cannot be compared; give an estimator of rows"),
    (choice(ReLU(), Adam()), {}, "mixes parts"),
    (choice(3, 4), {}, "holds what is none"),
    (choice(None, ReLU()), {}, "a network needs an activation; leave None out"),
    (choice(ReLU(), Tanh()), {"task": "guess"}, "task is 'guess', but must be 'classify' or 'regress'"),
    (NET, {"task": "classify"}, "task is for a choice of parts"),
    (NET, {"seeds": 1}, "seeds is 1, but must be"),
    (NET, {"seeds": [4, 4]}, "seeds is [4, 4], but must be two or more different numbers"),
    (NET, {"test": 1.0}, "test is 1.0, but must be"),
    (NET, {"difference": 0.0}, "difference is 0.0, but must be a number above 0"),
    (NET, {"metric": "rmse"}, "metric rmse is for regression"),
    (Classifier([Dense(4)]), {}, "there is nothing to compare"),
    (Classifier(), {}, "without layers a whole space is searched"),
    (Classifier([Dense(4)], optimizer=Adam(loguniform(1e-3, 1))), {}, "loguniform(0.001, 1.0) has no single values"),
    (Classifier([Dense(choice(*range(1, 70)))]), {}, "the grid has more than 64 combinations; give fewer options"),
    (Classifier([Dense(choice(1, 2))], repeats=3), {}, "repeats is 3, but each choice is one network with each seed"),
    (Classifier([Dense(choice(1, 2))], refit="steps"), {}, "refit trains only the best networks again"),
    ({"a": NET}, {}, "1 estimators are given, but two are needed"),
    ({"a": NET, "b": 3}, {}, "'b' is int, but must be an estimator of rows"),
]


@pytest.mark.parametrize(("choices", "options", "error"), BAD)
def test_what_cannot_be_compared_is_told(choices, options, error):
    X, y = np.arange(24.0)[:, None], np.arange(24) % 2
    with pytest.raises(InputError) as caught:
        compare(choices, X, y, **options)
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_targets_are_compared_by_the_metric_of_all(signs):
    X, _ = signs
    frame = pd.DataFrame({"sign": X[:, 0] > 0, "sum": X.sum(1)})
    found = compare(MultiTask([Dense(4), choice(Tanh(), ReLU())], **QUICK), X, frame, seeds=2)
    assert found.metric.name == "score"
    assert np.isfinite(found.scores.to_numpy()).all()
    with pytest.raises(InputError, match="give a MultiTask estimator with choices"):
        plain_network(choice(ReLU(), Tanh()), frame, None)


def test_seeds_are_numbers_from_zero_or_those_given():
    assert _numbers(3) == [0, 1, 2]
    assert _numbers([9, 4]) == [9, 4]
