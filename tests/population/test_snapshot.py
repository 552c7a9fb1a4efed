"""A population is a value: it goes on from a snapshot as if nothing had happened, and lets members enter and leave."""

import dataclasses

import jax
import numpy as np
import pytest
from jax.sharding import AxisType

from phalanx.layers import BatchNorm, Dense, Dropout, ReLU
from phalanx.likelihoods import Multinoulli
from phalanx.model import Batch
from phalanx.network import Network, OutputSize, complete
from phalanx.optimizers import Adam
from phalanx.parts import Cosine
from phalanx.population.backend import devices
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Population
from phalanx.population.rows import Rows
from phalanx.population.trial import Trial
from phalanx.stopping import EarlyStopping

ROUNDS = 6
FOLDS = [Fold(np.arange(60), np.arange(60, 90), 0), Fold(np.arange(30, 90), np.arange(30), 1)]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3)).astype(np.float32)
    return Rows(Batch(x, ((x[:, 0] * x[:, 1] > 0).astype(np.int32),), np.ones(90, np.float32)))


def trial(seed, fold=0, patience=3):
    """A network with noise, a schedule, statistics of batches and moments, all of which must be kept."""
    layers = [Dense(4), BatchNorm(), ReLU(), Dropout(0.3)]
    rate = Cosine(0.05 / (1 + seed), end=0.01)
    network = Network(layers, Multinoulli(), optimizer=Adam(rate), stopping=EarlyStopping(patience), batch_size=16)
    return Trial(complete(network, OutputSize(2)), seed, fold)


TRIALS = [trial(0), trial(1, 1, patience=1), trial(2, patience=1), trial(3, 1), trial(4)]


def mesh_of(number):
    chosen = np.array(devices()[:number]).reshape(number, 1)
    return jax.sharding.Mesh(chosen, ("member", "data"), axis_types=(AxisType.Auto,) * 2)


def finished(population, rounds=ROUNDS):
    for _ in range(rounds - population.rounds):
        if population.alive:
            population.note(population.advance(), 0.0)
    return population.finish("time")


def assert_same(one, other):
    assert (one.trial.seed, one.rounds, one.best_round, one.stopped) == (
        other.trial.seed,
        other.rounds,
        other.best_round,
        other.stopped,
    )
    for a, b in ((one.curve, other.curve), (one.layers, other.layers), (one.best_score, other.best_score)):
        np.testing.assert_array_equal(a, b)
    jax.tree.map(np.testing.assert_array_equal, (one.params, one.states), (other.params, other.states))


@pytest.fixture(scope="module")
def whole(rows):
    """The members of a population that was left alone."""
    return finished(Population(TRIALS, rows, FOLDS, ROUNDS, None, mesh_of(1), width=1))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("after", range(ROUNDS))
def test_it_goes_on_from_a_snapshot_bit_for_bit_on_one_device_or_two(rows, whole, after, number):
    if number > len(devices()):
        pytest.skip("needs two devices")
    assert len({member.rounds for member in whole}) > 1  # some stopped before others
    population = Population(TRIALS, rows, FOLDS, ROUNDS, None, mesh_of(1 if after else number), width=1)
    for _ in range(after):
        population.note(population.advance(), 0.0)
    snapshot = population.snapshot()
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(snapshot.state))
    ends = [finished(population)]  # what is done to it later does not change the snapshot, nor does who goes on from it
    ends += [finished(Population.restore(snapshot, rows, FOLDS, mesh_of(number), width=1)) for _ in range(2)]
    for members in ends:
        for one, other in zip(members, whole, strict=True):
            assert_same(one, other)


def test_a_member_that_enters_late_is_what_it_would_be_alone_and_compiles_nothing(rows):
    """It takes the place of one that has stopped, and meets batches, noise and schedules of its own steps."""
    late = [trial(7), trial(8, 1)]
    alone = [finished(Population([one], rows, FOLDS, ROUNDS, None, mesh_of(1), width=1, ages=4))[0] for one in late]
    others = finished(Population(TRIALS[:4], rows, FOLDS, ROUNDS, None, mesh_of(1), width=1))
    for enters in (1, 3):  # the second time nothing is compiled
        before = compilations.programs
        population = Population(TRIALS[:4], rows, FOLDS, ROUNDS, None, mesh_of(1), width=1, ages=4)
        for _ in range(enters):
            population.note(population.advance(), 0.0)
        left = [i for i in (0, 1) if i in population.alive]
        kept = [dataclasses.replace(population.trained[i]) for i in left]
        population.stop(left, "dropped")
        assert population.enter(late) == [4, 5]
        members = finished(population, ROUNDS + enters)
        for one, other in zip(members[4:], alone, strict=True):
            assert_same(one, other)
        for one, other in zip(members[2:4], others[2:4], strict=True):
            assert_same(one, other)
        for i, was in zip(left, kept, strict=True):  # the best of those that left, though their places are taken
            assert (members[i].stopped, members[i].best_score) == ("dropped", was.best_score)
            assert members[i].params is not None
        assert compilations.programs == before or enters == 1


def test_a_population_that_others_entered_goes_on_from_a_snapshot(rows):
    def entered():
        population = Population(TRIALS[:4], rows, FOLDS, ROUNDS, None, mesh_of(1), width=1, ages=2)
        population.note(population.advance(), 0.0)
        population.stop([0], "dropped")
        population.enter([trial(7)])
        return population

    population = entered()
    population.note(population.advance(), 0.0)
    snapshot = population.snapshot()
    again = finished(Population.restore(snapshot, rows, FOLDS, mesh_of(1), width=1, ages=2), rounds=9)
    for one, other in zip(again, finished(entered(), rounds=9), strict=True):
        assert_same(one, other)


def test_there_must_be_places_and_room_for_who_enters(rows):
    population = Population(TRIALS[:3], rows, FOLDS[:1] * 2, ROUNDS, None, mesh_of(1), width=1)
    assert population.free == 1
    with pytest.raises(ValueError, match="2 trials cannot enter: 1 of 4 places are free"):
        population.enter([trial(8), trial(9)])
    population.note(population.advance(), 0.0)
    with pytest.raises(ValueError, match="room for members of 2 folds and ages; make a population"):
        population.enter([trial(8)])
