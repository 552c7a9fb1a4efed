"""Watchers see how populations stand after each round, and drop members, let others enter, or stop all."""

import jax
import numpy as np
import pytest

from phalanx.layers import Dense, ReLU
from phalanx.likelihoods import Multinoulli
from phalanx.model import Batch
from phalanx.network import Network, OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.host import Population
from phalanx.population.train import Clock, train
from phalanx.population.trial import Trial
from phalanx.population.view import Decision
from phalanx.stopping import EarlyStopping

FOLD, ROUNDS = Fold(np.arange(40), np.arange(40, 60), 0), 5


@pytest.fixture(scope="module")
def rows():
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return Batch(x, ((x[:, 0] > 0).astype(np.int32),), np.ones(60, np.float32))


def trial(seed, units=4):
    network = Network([Dense(units), ReLU()], Multinoulli(), stopping=EarlyStopping(99))
    return Trial(complete(network, OutputSize(2)), seed)


TRIALS = [trial(0), trial(1, 8), trial(2), trial(3, 8), trial(4)]  # two structures: 0, 2, 4 and 1, 3


def run(trials, rows, watch=None, **options):
    return train(trials, rows, [FOLD], programs=range(9), max_rounds=ROUNDS, widths=[1, 1], watch=watch, **options)


def assert_same(one, other):
    assert (one.curve, one.stopped, one.best_round) == (other.curve, other.stopped, other.best_round)
    jax.tree.map(np.testing.assert_array_equal, one.params, other.params)


@pytest.fixture(scope="module")
def alone(rows):
    """What becomes of the trials when nobody decides anything."""
    return run([*TRIALS, trial(7), trial(8, 8)], rows).members


def test_a_watcher_sees_how_all_stand(rows, alone):
    seen = []
    run(TRIALS, rows, seen.append, clock=Clock())
    assert [view.moved for view in seen] == [0, 1] * ROUNDS
    assert all(view.left == float("inf") for view in seen)
    one, other = seen[3].populations  # after two rounds of each
    assert (one.members, one.alive, one.rounds, other.members, other.rounds) == (3, 3, 2, 2, 2)
    best = [min(valid for _, valid in alone[i].curve[:2]) for i in (0, 2, 4)]
    np.testing.assert_allclose(one.scores, best, rtol=1e-6)
    assert one.best_score == one.scores.min()
    assert one.seconds > 0
    assert not seen[-1].populations[1].trains.any()


@pytest.mark.parametrize("ahead", [1, 2])
def test_members_are_dropped_and_others_enter_in_their_places(rows, alone, monkeypatch, ahead):
    """Whether or not the other population is in a round when that is decided."""
    monkeypatch.setattr("phalanx.population.train.ahead", lambda: ahead)
    decided = []

    def watch(view):
        if view.moved == 0 and view.populations[0].rounds == 2 and not decided:
            decided.append(view)
            return Decision(drop={0: [2], 1: [0]}, enter={0: [trial(7)], 1: [trial(8, 8)]})
        return None

    outcome = run(TRIALS, rows, watch, ages=4)
    assert [member.stopped for member in outcome.members] == ["max_rounds", "dropped", *["max_rounds"] * 2, "dropped"]
    when = ahead  # of the second population: its second round has begun where rounds begin ahead
    assert outcome.cut == [0, when, 0, 0, 2]
    assert [len(outcome.members[i].curve) for i in (1, 4)] == [when, 2]
    for i in (0, 2, 3):
        assert_same(outcome.members[i], alone[i])
    for entered, expected in zip(outcome.entered, alone[5:], strict=True):
        assert_same(entered, expected)
    assert outcome.rounds == [2 + ROUNDS, when + ROUNDS]


def test_a_drop_is_repeated_by_what_was_recorded(rows):
    def watch(view):
        return Decision(drop={1: [1]}) if view.moved == 1 and view.populations[1].rounds == 3 else None

    first = run(TRIALS, rows, watch)
    again = run(TRIALS, rows, cut=first.cut, rounds=first.rounds)
    assert first.cut == again.cut == [0, 0, 0, 3, 0]
    for one, other in zip(first.members, again.members, strict=True):
        assert one.curve == other.curve


@pytest.mark.parametrize("ahead", [1, 2])
def test_a_watcher_may_stop_all_as_an_interrupt_does(rows, monkeypatch, ahead):
    monkeypatch.setattr("phalanx.population.train.ahead", lambda: ahead)
    clock = Clock()
    outcome = run(TRIALS, rows, lambda view: Decision(stop=view.populations[0].rounds == 2), clock=clock)
    assert clock.interrupted
    assert outcome.rounds == [2, ahead]  # the round that has begun is noted too
    assert {member.stopped for member in outcome.members} == {"interrupt"}


def test_a_population_that_had_ended_goes_on_with_those_that_enter(rows, alone):
    entered = []

    def watch(view):
        if view.moved == 0 and not view.populations[0].alive and not entered:
            entered.append(trial(7))
            return Decision(enter={0: entered})
        return None

    outcome = run(TRIALS, rows, watch, ages=2)
    assert_same(outcome.entered[0], alone[5])
    assert outcome.rounds == [2 * ROUNDS, ROUNDS]


@pytest.mark.parametrize("ahead", [1, 2])
def test_rounds_begin_ahead_where_that_is_asked(rows, monkeypatch, ahead):
    monkeypatch.setattr("phalanx.population.train.ahead", lambda: ahead)
    events, begin, end = [], Population.begin, Population.end
    monkeypatch.setattr(Population, "begin", lambda self: (events.append("begin"), begin(self))[1])
    monkeypatch.setattr(Population, "end", lambda self: (events.append("end"), end(self))[1])
    run(TRIALS, rows)
    waiting = np.cumsum([1 if event == "begin" else -1 for event in events])
    assert waiting.max() == ahead
    assert events.count("begin") == events.count("end") == 2 * ROUNDS
