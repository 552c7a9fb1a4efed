"""Compiling within the time, by a clock that only compiling and training move; and what goes on beside it."""

import threading
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from phalanx.layers import Dense, ReLU
from phalanx.likelihoods import Multinoulli
from phalanx.model import Batch
from phalanx.network import Network, OutputSize, complete
from phalanx.population.backend import devices
from phalanx.population.batches import Fold
from phalanx.population.building import Pace, build
from phalanx.population.host import Population
from phalanx.population.refit import refit
from phalanx.population.train import Clock, train
from phalanx.population.trial import Trial
from phalanx.stopping import EarlyStopping

FOLD = Fold(np.arange(40), np.arange(40, 60), 0)


@pytest.fixture(scope="module")
def rows():
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return Batch(x, ((x[:, 0] > 0).astype(np.int32),), np.ones(60, np.float32))


def trials(*units):
    nets = (
        complete(Network([Dense(n), ReLU()], Multinoulli(), stopping=EarlyStopping(9)), OutputSize(2)) for n in units
    )
    return [Trial(net, seed) for seed, net in enumerate(nets)]


class Time:
    """A clock that compiling a program moves by `compiling` seconds, and a round by `training`; one core compiles."""

    def __init__(self, monkeypatch):
        self.now, self.compiling, self.training, self.compiled = 100.0, 10.0, 0.0, 0
        told = SimpleNamespace(monotonic=lambda: self.now)
        end = Population.end

        def compile_slowly(population):
            self.now += self.compiling
            self.compiled += 1

        def end_slowly(population):
            self.now += self.training
            return end(population)

        monkeypatch.setattr("phalanx.population.train.time", told)
        monkeypatch.setattr("phalanx.population.building.time", told)
        monkeypatch.setattr("phalanx.population.turns.perf_counter", told.monotonic)
        monkeypatch.setattr("phalanx.population.train.devices", lambda: devices()[:1])
        monkeypatch.setattr(Population, "compile", compile_slowly)
        monkeypatch.setattr(Population, "end", end_slowly)

    def clock(self, seconds):
        return Clock(self.now + seconds)


@pytest.fixture
def slow(monkeypatch):
    return Time(monkeypatch)


def test_compiling_uses_half_of_the_time_at_most(slow, rows):
    # Of 50 s, 25 are for compiling: two programs of 10 s each, while a third would end after 30.
    outcome = train(trials(4, 5, 4, 6, 7), rows, [FOLD], programs=range(9), max_rounds=3, clock=slow.clock(50))
    assert slow.compiled == 2
    assert outcome.rounds == [3, 3, 0, 0]
    assert [member.rounds for member in outcome.members] == [3, 3, 3, 0, 0]
    assert [member.stopped for member in outcome.members] == ["max_rounds"] * 3 + ["time"] * 2
    assert [member.left_out for member in outcome.members] == [False] * 3 + [True] * 2
    assert [member.params is None for member in outcome.members] == [False] * 3 + [True] * 2


def test_a_share_of_the_time_is_halved_likewise(slow, rows):
    assert train(
        trials(4, 5, 6), rows, [FOLD], programs=range(9), max_rounds=1, clock=slow.clock(50), share=0.4
    ).rounds == [1, 0, 0]


def test_without_a_limit_everything_is_compiled(slow, rows):
    assert train(trials(4, 5, 6, 7), rows, [FOLD], programs=range(9), max_rounds=1).rounds == [1] * 4


def test_the_first_program_is_compiled_however_long_it_takes(slow, rows):
    outcome = train(trials(4, 5), rows, [FOLD], programs=range(9), max_rounds=9, clock=slow.clock(5))
    assert (slow.compiled, outcome.rounds) == (1, [1, 0])


def test_later_waves_are_left_out_where_the_time_is_over(slow, rows):
    outcome = train(trials(4, 5, 6), rows, [FOLD], programs=range(9), max_rounds=9, clock=slow.clock(5), memory_limit=1)
    assert (slow.compiled, outcome.rounds) == (1, [1, 0, 0])


def test_what_was_left_out_repeats_to_the_bit_and_is_not_compiled(slow, rows):
    first = train(trials(4, 5, 6), rows, [FOLD], programs=range(9), max_rounds=3, clock=slow.clock(50))
    again = train(
        trials(4, 5, 6), rows, [FOLD], programs=range(9), max_rounds=3, rounds=first.rounds, widths=first.widths
    )
    assert (slow.compiled, first.rounds, again.rounds) == (4, [3, 3, 0], [3, 3, 0])
    for one, other in zip(first.members, again.members, strict=True):
        assert (one.curve, one.stopped) == (other.curve, other.stopped)
        jax.tree.map(np.testing.assert_array_equal, one.params, other.params)


def test_a_network_whose_turn_never_came_has_no_parameters(slow, rows):
    slow.training = 60.0  # of 50 s: the first round of the first population is the last
    outcome = train(trials(4, 5), rows, [FOLD], programs=range(9), max_rounds=3, clock=slow.clock(50))
    assert (slow.compiled, outcome.rounds) == (2, [1, 0])
    assert [(member.params is None, member.left_out) for member in outcome.members] == [(False, False), (True, False)]


def test_nobody_trains_again_where_a_program_cannot_be_compiled_in_time(slow, rows):
    slow.training = 1.0
    clock = slow.clock(1_000)
    (member,) = train(trials(4), rows, [FOLD], max_rounds=3, clock=clock).members
    assert member.best_round
    needed = slow.compiling + member.best_round
    for left, ended, compiled in ((needed - 0.5, "time", 1), (needed + 1.5, "steps", 2)):
        clock.deadline = slow.now + left
        (again,), outcome = refit("steps", [member], rows, [FOLD], clock=clock)
        assert (again.ended, slow.compiled) == (ended, compiled)
        assert outcome.rounds == [member.best_round if again.finished else 0]


def test_nothing_is_compiled_after_an_interrupt(slow, rows):
    clock = Clock()

    def interrupt(view):
        clock.interrupted = True

    outcome = train(
        trials(4, 5), rows, [FOLD], programs=range(9), max_rounds=9, clock=clock, memory_limit=1, watch=interrupt
    )
    assert (slow.compiled, outcome.rounds) == (1, [1, 0])
    assert [member.stopped for member in outcome.members] == ["interrupt"] * 2


def test_a_program_in_work_says_how_long_the_next_one_takes_at_least(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("phalanx.population.building.time", SimpleNamespace(monotonic=lambda: now[0]))
    pace = Pace()
    assert pace.expected() == 0
    with pace.measured():
        now[0] = 3.0
        assert pace.expected() == 3
        with pace.measured():
            now[0] = 4.0
        assert pace.expected() == 4
    now[0] = 9.0
    assert pace.expected() == 4


def test_something_is_done_beside_building():
    begun, done, left = threading.Event(), threading.Event(), []

    def make():
        begun.set()
        assert done.wait(60)
        return "built"

    def meanwhile(count):
        assert begun.wait(60)
        left.append(count())
        done.set()

    assert build([make, make, None], lambda place: True, Pace(), 1, meanwhile) == ["built", "built", None]
    assert left == [3]


def test_an_interrupt_does_not_wait_for_what_is_being_built():
    begun, over, made = threading.Event(), threading.Event(), []

    def make():
        begun.set()
        made.append(over.wait(60))

    def interrupted(count):
        assert begun.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build([make, make], lambda place: True, Pace(), 1, interrupted)
    assert made == []
    over.set()


def test_training_has_all_of_the_time_where_the_rest_is_too_short_to_compile_again(slow, rows):
    """Of 30 s, 70% are 21, and a program of 10 s does not fit into the 9 that are left."""
    slow.training = 2.0
    (member,) = train(
        trials(4), rows, [FOLD], programs=range(9), max_rounds=99, clock=slow.clock(30), share=0.7
    ).members
    assert member.rounds == (30 - 10) / 2
    slow.compiling = 8.0
    (member,) = train(
        trials(4), rows, [FOLD], programs=range(9), max_rounds=99, clock=slow.clock(30), share=0.7
    ).members
    assert member.rounds == 7  # (21 - 8) / 2, the last one begun in time
