"""The host's side: waves that fit the memory, clocks, turns of several structures, bagging by index, the mesh."""

import gc
import time
import weakref

import jax
import numpy as np
import pytest
from jax.sharding import AxisType

from phalanx.layers import BatchNorm, Dense, Dropout, ReLU
from phalanx.likelihoods import Multinoulli
from phalanx.model import Batch
from phalanx.network import Network, OutputSize, complete
from phalanx.optimizers import Adam
from phalanx.population import program
from phalanx.population.backend import capacity_for, devices, mesh_for
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Population, _in_front
from phalanx.population.member import Record, bytes_of_a_member
from phalanx.population.predict import Folded, predict, predict_all, raw_outputs_all
from phalanx.population.refit import refit
from phalanx.population.rows import Rows
from phalanx.population.stack import padded
from phalanx.population.steps import Limits, horizon_of
from phalanx.population.thinning import Group, too_many
from phalanx.population.train import Clock, plan, train
from phalanx.population.trial import Trial
from phalanx.stopping import EarlyStopping


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int32) + (x[:, 2] > 1).astype(np.int32)
    return Batch(x, (y,), np.ones(300, np.float32))


FOLD = Fold(np.arange(200), np.arange(200, 300), 0)


def network(units=8, rate=0.01, patience=5, layers=(), batch_size=32):
    layers, optimizer = [Dense(units), ReLU(), *layers], Adam(rate)
    return complete(Network(layers, Multinoulli(), (), optimizer, EarlyStopping(patience), batch_size), OutputSize(3))


def test_structures_take_turns_and_results_keep_the_order_of_the_trials(rows):
    seen = []
    trials = [Trial(network(units), seed) for seed, units in enumerate([4, 8, 4, 8, 4])]
    outcome = train(trials, rows, [FOLD], programs=range(9), max_rounds=3, watch=lambda p: seen.append(p.moved))
    assert seen == [0, 1, 0, 1, 0, 1]
    assert outcome.rounds == [3, 3]
    assert [m.params["dense_1"]["weight"].shape[1] for m in outcome.members] == [4, 8, 4, 8, 4]
    assert [m.trial.seed for m in outcome.members] == [0, 1, 2, 3, 4]


def test_what_does_not_fit_is_split_and_gives_the_same_results(rows):
    trials = [Trial(network(), seed) for seed in range(5)]
    each = bytes_of_a_member(trials[0].network, rows)
    held = len(devices()) * 512 * (3 + 1 + 1) * 4  # on each device, 300 rows padded to 512: three inputs, y and weight

    def waves(limit):
        return [[positions for positions, _ in wave] for wave in plan(trials, rows, limit=limit)]

    assert waves(held + 2 * each) == [[[0, 1]], [[2, 3]], [[4]]]
    assert waves(held + 2 * each - 1) == [[[0]], [[1]], [[2]], [[3]], [[4]]]
    assert waves(held + 100 * each) == [[[0, 1, 2, 3, 4]]]
    assert waves(1) == [[[0]], [[1]], [[2]], [[3]], [[4]]]
    whole = train(trials, rows, [FOLD], max_rounds=2, widths=[1])
    parts = train(trials, rows, [FOLD], max_rounds=2, memory_limit=held + 2 * each, widths=[1, 1, 1])
    for a, b in zip(whole.members, parts.members, strict=True):
        assert a.curve == b.curve
        jax.tree.map(np.testing.assert_array_equal, a.params, b.params)


def test_the_memory_estimate_counts_parameters_optimizer_and_best():
    # 3·8+8 + 8·3+3 = 59 parameters: themselves, Adam's two moments, the best copy; tripled for moving them.
    x = np.zeros((4, 3), np.float32)
    estimate = bytes_of_a_member(network(), Batch(x, (np.zeros(4, np.int32),), np.ones(4, np.float32)))
    assert 3 * 4 * 59 * 4 < estimate < 3 * 4 * 59 * 4 * 1.1


def test_a_clock_that_is_over_leaves_one_round(rows):
    trials = [Trial(network(units), 0) for units in (4, 8)]
    outcome = train(trials, rows, [FOLD], programs=range(9), max_rounds=50, clock=Clock(time.monotonic() - 1))
    assert outcome.rounds == [1, 0]
    assert [m.stopped for m in outcome.members] == ["time", "time"]


def test_an_interrupt_ends_all_after_the_round(rows):
    clock = Clock()

    def interrupt(view):
        clock.interrupted = True

    outcome = train([Trial(network(), 0)], rows, [FOLD], max_rounds=50, clock=clock, watch=interrupt)
    assert outcome.rounds == [1]
    assert outcome.members[0].stopped == "interrupt"
    assert outcome.members[0].best_round == 1


def test_recorded_rounds_repeat_a_run_that_a_clock_had_ended(rows):
    trials = [Trial(network(units), 0) for units in (4, 8)]
    first = train(trials, rows, [FOLD], programs=range(9), max_rounds=50, clock=Clock(time.monotonic() - 1))
    again = train(
        trials, rows, [FOLD], max_rounds=50, rounds=first.rounds, widths=first.widths, programs=first.programs
    )
    assert again.rounds == first.rounds
    for a, b in zip(first.members, again.members, strict=True):
        jax.tree.map(np.testing.assert_array_equal, a.params, b.params)


def test_members_of_other_folds_train_on_their_own_rows(rows):
    """Bagging by index: a member with its own rows (repeated ones too) is what it is when that fold is the only one."""
    bag = np.random.default_rng(1).integers(0, 200, 150)
    other = Fold(bag, np.arange(250, 300), 7)
    both = train([Trial(network(), 3, 0), Trial(network(), 3, 1)], rows, [FOLD, other], max_rounds=3, round_steps=7)
    alone = train([Trial(network(), 3, 0)], rows, [other], max_rounds=3, round_steps=7)
    assert both.members[1].curve == alone.members[0].curve
    assert both.members[0].curve != both.members[1].curve


def test_a_round_is_one_pass_but_at_most_500_steps(rows):
    assert Population([Trial(network(), 0)], rows, [FOLD], 1, None).steps == 7  # ceil(200 / 32)
    long = Fold(np.zeros(20_000, np.int64), FOLD.valid, 0)
    assert Population([Trial(network(), 0)], rows, [long], 1, None).steps == 500
    assert Population([Trial(network(), 0)], rows, [FOLD], 1, 3).steps == 3


@pytest.fixture(scope="module")
def finals(rows):
    """Five networks of two structures, in turn."""
    trials = [Trial(network(units, layers=[Dropout(0.5)]), seed) for seed, units in enumerate([4, 8, 4, 8, 4])]
    return [member.final for member in train(trials, rows, [FOLD], max_rounds=2).members]


def test_predictions_do_not_depend_on_neighbours_or_block(finals):
    x = np.random.default_rng(2).normal(size=(2500, 3)).astype(np.float32)
    whole = predict(finals[0], x)[0]
    assert whole.shape == (2500, 3)
    np.testing.assert_array_equal(whole[[7, 2222]], predict(finals[0], x[[7, 2222]])[0])


@pytest.mark.parametrize("samples", [0, 3])
def test_networks_of_a_program_are_asked_together_and_say_what_each_says_alone(finals, samples, monkeypatch):
    asked, ask = [], program.answers
    monkeypatch.setattr(
        "phalanx.population.predict.answers", lambda *a, **options: (asked.append(a[1]), ask(*a, **options))[1]
    )
    x = np.random.default_rng(2).normal(size=(1500, 3)).astype(np.float32)
    together = predict_all(finals, x, samples)
    assert asked == [5, 5]  # networks of two structures, for each of two blocks of rows
    before = compilations.programs
    predict_all(finals[::-1], x, samples)
    assert compilations.programs == before
    for final, said in zip(finals, together, strict=True):
        np.testing.assert_allclose(predict(final, x, samples)[0], said[0], rtol=1e-5, atol=1e-7)
    same = predict_all(finals[::2], x, samples)  # of one structure, to the bit
    for final, said in zip(finals[::2], same, strict=True):
        np.testing.assert_array_equal(predict(final, x, samples)[0], said[0])


@pytest.mark.parametrize("together", [1, 2, 4])
def test_more_networks_than_are_asked_together_keep_their_order(finals, together, monkeypatch):
    x = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
    alone = [predict(final, x)[0] for final in finals]
    monkeypatch.setattr("phalanx.population.predict.MEMBERS", together)
    np.testing.assert_array_equal([said[0] for said in predict_all(finals, x)], alone)


@pytest.mark.parametrize("samples", [0, 2])
def test_networks_of_folds_are_asked_with_the_rows_of_their_fold(finals, samples):
    x = [np.random.default_rng(seed).normal(size=(5, 3)).astype(np.float32) for seed in (2, 3)]
    folds = [0, 1, 1, 0, 1]  # of two structures, in turn
    alone = [predict(final, x[fold], samples)[0] for final, fold in zip(finals, folds, strict=True)]
    of_folds = [final._replace(fold=fold) for final, fold in zip(finals, folds, strict=True)]
    predict_all(finals, x[0], samples)
    before = compilations.programs
    said = predict_all(of_folds, Folded(tuple(x)), samples)
    np.testing.assert_allclose([heads[0] for heads in said], alone, rtol=1e-5)
    assert compilations.programs == before  # a fold is no structure
    raw = [z[0] for z in raw_outputs_all(of_folds, Folded(tuple(x)), samples)]
    each = [raw_outputs_all([one], x[one.fold], samples)[0][0] for one in of_folds]
    np.testing.assert_array_equal(raw, each)


def test_networks_side_by_side_say_what_each_says_alone(finals, monkeypatch):
    x = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
    alone = [predict(final, x)[0] for final in finals]
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    np.testing.assert_allclose([said[0] for said in predict_all(finals, x)], alone, rtol=1e-5)


def test_capacity_is_a_power_of_two_on_each_device():
    assert [capacity_for(n, 2) for n in (1, 2, 3, 50, 64, 65)] == [2, 2, 4, 64, 64, 128]


def test_the_batch_is_split_only_on_accelerators_with_fewer_members_than_devices():
    class Accelerator:
        platform = "gpu"

    eight = tuple(Accelerator() for _ in range(8))
    assert dict(mesh_for(16, 32, eight).shape) == {"member": 8, "data": 1}
    assert dict(mesh_for(2, 32, eight).shape) == {"member": 2, "data": 4}
    assert dict(mesh_for(2, 6, eight).shape) == {"member": 2, "data": 3}
    assert dict(mesh_for(1, 32, devices()).shape) == {"member": len(devices()), "data": 1}


@pytest.mark.skipif(len(devices()) < 2, reason="needs two devices")
def test_splitting_the_batch_over_devices_changes_nothing_but_rounding(rows):
    split = jax.sharding.Mesh(
        np.array(devices()[:2]).reshape(1, 2), ("member", "data"), axis_types=(AxisType.Auto,) * 2
    )
    costs = []
    for mesh in (None, split):
        trial = Trial(network(layers=[BatchNorm(), Dropout(0.3)]), 5)
        population = Population([trial], rows, [FOLD], 3, None, mesh=mesh)
        for _ in range(3):
            population.note(population.advance(), 0.0)
        costs.append(population.trained[0].curve)
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-5)


def test_rows_are_placed_once_whatever_trains_on_them(rows, monkeypatch):
    placed = []
    monkeypatch.setattr("phalanx.population.rows.padded", lambda a, size: (placed.append(a), padded(a, size))[1])
    trials = [Trial(network(units), seed) for seed, units in enumerate([4, 8])]
    held = Rows(rows)
    outcome = train(trials, held, [FOLD], max_rounds=2)
    refit("continue", outcome.members[:1], held, [FOLD], clock=Clock())
    assert len(placed) == 3  # x, y and weight


def test_rows_that_do_not_fit_are_placed_round_by_round_and_train_the_same(rows, monkeypatch):
    many = jax.tree.map(lambda a: np.tile(a, (70, *[1] * (a.ndim - 1))), rows)  # 21,000 rows
    fold = Fold(np.arange(1000, 18_000), np.arange(500), 1)
    trials, placed = [Trial(network(batch_size=8), seed) for seed in range(2)], []
    monkeypatch.setattr("phalanx.population.rows.padded", lambda a, size: (placed.append(size), padded(a, size))[1])
    found = []
    for held, at_a_time in ((Rows(many), 2**15), (Rows(many, limit=0), 2**13)):  # 512 steps of 8 rows, and 500 rows
        members = train(trials, held, [fold], max_rounds=3, round_steps=5).members
        assert set(placed) == {at_a_time}
        goals = [again.goal for again in refit("continue", members, held, [fold], clock=Clock(time.monotonic()))[0]]
        found.append((members, goals))
        placed.clear()
    assert found[0][1] == found[1][1]
    for one, other in zip(found[0][0], found[1][0], strict=True):
        assert one.curve == other.curve
        jax.tree.map(np.testing.assert_array_equal, one.params, other.params)


def test_a_wave_is_free_before_the_next_one_is_built(rows, monkeypatch):
    alive, before = [], Population.__init__

    def build(self, *arguments, **options):
        gc.collect()
        alive.append(sum(one() is not None for one in built))
        built.append(weakref.ref(self))
        before(self, *arguments, **options)

    built, seen = [], []
    monkeypatch.setattr(Population, "__init__", build)
    trials = [Trial(network(), seed) for seed in range(3)]
    train(trials, rows, [FOLD], max_rounds=1, memory_limit=1, watch=seen.append)
    assert alive == [0, 0, 0]
    assert [(p.populations[0].rounds, p.populations[0].members) for p in seen] == [(1, 1)] * 3


def test_the_horizon_of_a_long_run_exceeds_32_bits():
    assert float(horizon_of(Limits(np.int32(500), np.int32(5_000_000)))) == 2.5e9


@pytest.mark.parametrize("along", [1, 2, 3, 8])
def test_active_members_stand_in_front_of_each_device_in_equal_shares(along):
    rng = np.random.default_rng(along)
    for _ in range(50):
        each = 2 ** int(rng.integers(0, 4))
        capacity = along * each
        active = rng.permutation(capacity)[: rng.integers(0, capacity + 1)].tolist()
        order, counts = _in_front(active, capacity, along)
        assert sorted(order) == list(range(capacity))
        front = [place for d in range(along) for place in order[d * each : d * each + counts[d]]]
        assert sorted(front) == sorted(active)
        assert counts.max() - counts.min() <= 1


def test_members_keep_their_parameters_and_records_whoever_stops(rows):
    rng = np.random.default_rng(4)
    trials = [Trial(network(), seed) for seed in range(7)]
    population = Population(trials, rows, [FOLD], 9, None)
    before, capacity = population.parameters(), len(population.state.step)
    while len(population.alive) > 1:
        alive = population.alive
        stops = rng.choice(alive, rng.integers(0, 3), replace=False)
        score = np.full(capacity, np.nan, np.float32)
        active = np.zeros(capacity, bool)
        for i in alive:
            score[population._place[i]], active[population._place[i]] = i, i not in stops
        nothing = np.zeros(capacity, np.int32)
        layers = np.zeros((capacity, 3, 4), np.float32)
        population.note(Record(score, score, score, nothing, active, np.zeros(capacity, bool), layers), 0.0)
        assert [population.trained[i].best_score for i in alive] == alive
        jax.tree.map(np.testing.assert_array_equal, population.parameters(), before)
        each = capacity // len(population._active)
        places = {d * each + k for d, count in enumerate(population._active) for k in range(count)}
        assert places >= {population._place[i] for i in population.alive}
    assert len({member.rounds for member in population.trained}) > 2  # they stopped at several times


def test_who_goes_on_where_the_time_is_short():
    """The best of each structure, then the best of all, as many as can train the rounds in the time left."""
    groups = [Group({0: 3.0, 1: 1.0, 2: 2.0, 4: float("nan")}, 4.0), Group({1: 9.0, 3: 8.0}, 4.0), Group({}, 9.0)]
    assert too_many(groups, left=80.0, rounds=10) == [[], [], []]
    assert too_many(groups, left=79.0, rounds=10) == [[4], [], []]
    assert too_many(groups, left=45.0, rounds=10) == [[0, 4], [1], []]
    assert too_many(groups, left=0.0, rounds=10) == [[0, 2, 4], [1], []]


def test_networks_stopped_in_favour_of_others_repeat_to_the_bit(rows, monkeypatch):
    trials = [Trial(network(units), seed) for seed, units in enumerate([4, 8, 4, 8, 4])]
    asked = []

    def decide(groups, left, rounds):
        asked.append((left, rounds, [sorted(group.scores) for group in groups]))
        return [[0, 2], [1]]

    monkeypatch.setattr("phalanx.population.thinning.too_many", decide)
    clock = Clock(time.monotonic() + 1_000)
    known = {"max_rounds": 6, "fewest": 4}
    first = train(trials, rows, [FOLD], programs=range(9), clock=clock, **known)
    assert [member.rounds for member in first.members] == [2, 6, 6, 2, 2]
    assert [member.stopped for member in first.members] == ["time", "max_rounds", "max_rounds", "time", "time"]
    assert first.cut == [2, 0, 0, 2, 2]
    assert [(rounds, alive) for _, rounds, alive in asked] == [(2, [[0, 1, 2], [0, 1]])]
    same = {"rounds": first.rounds, "widths": first.widths, "programs": first.programs, "cut": first.cut}
    again = train(trials, rows, [FOLD], **same, **known)
    assert (len(asked), again.cut) == (1, first.cut)
    for one, other in zip(first.members, again.members, strict=True):
        assert one.curve == other.curve
        jax.tree.map(np.testing.assert_array_equal, one.params, other.params)
