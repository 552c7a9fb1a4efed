"""The laws of a population, for each part beside plain partners.

Two programs serve all laws of a part: four members in blocks of two, in which neighbours could disturb each other; and
one at a time, the plain loop.
"""

import dataclasses
import itertools

import jax
import numpy as np
import pytest

from phalanx.layers import Columns, Dense, Layer, Tanh
from phalanx.likelihoods import Gaussian, Likelihood, Multinoulli
from phalanx.model import Batch, Network, complete
from phalanx.optimizers import SGD, Adam, Optimizer
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Trial
from phalanx.population.train import train
from phalanx.regularizers import Regularizer
from phalanx.spec import Part, Schedule
from phalanx.stopping import EarlyStopping

MEMBERS, ROUNDS, CARDINALITIES = 4, 6, (3, 12)
FOLD = Fold(np.arange(90), np.arange(90, 120), 0)


def rows_for(part: Part) -> Batch:
    """Two numbers and two categories; the target is a class, or a number for likelihoods of numbers."""
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(120, 2)).astype(np.float32)
    codes = np.stack([rng.integers(0, k, 120) for k in CARDINALITIES], axis=1).astype(np.int32)
    y = numbers[:, 0] * numbers[:, 1]
    target = y if isinstance(part, Gaussian) else ((y > 0) & (codes[:, 1] > 3)).astype(np.int32)
    return Batch((numbers, codes), target, rng.uniform(0.5, 1.5, 120).astype(np.float32))


def network_with(part: Part, i: int) -> Network:
    """A small network around one part, in which every knob of the part has its own value in member i."""
    knobs = {
        f.name: spread(f, getattr(part, f.name), i)
        for f in dataclasses.fields(part)
        if part.kinds[f.name].knob and isinstance(getattr(part, f.name), (int, float))
    }
    made = dataclasses.replace(part, **knobs)
    layers: tuple[Layer, ...] = (Columns(CARDINALITIES), Dense(5), Tanh())
    if isinstance(made, Columns):
        layers = (dataclasses.replace(made, cardinalities=CARDINALITIES), *layers[1:])
    elif isinstance(made, Layer):
        layers = (*layers, made, Dense(4))
    network = Network(
        layers,
        made if isinstance(made, Likelihood) else Multinoulli(),
        [made] if isinstance(made, Regularizer) else [],
        made if isinstance(made, Optimizer) else SGD(made) if isinstance(made, Schedule) else Adam(0.01),
        EarlyStopping(patience=3 + i),
        batch_size=16,
    )
    return complete(network, 0 if isinstance(made, Gaussian) else 2)


def spread(field: dataclasses.Field, default: float, i: int) -> float:
    """Return an allowed value near the default, another one for each member."""
    constraint = field.metadata["constraint"]
    candidates = (default * (1 + 0.15 * i) + 0.003 * i, default * (1 - 0.1 * i))
    return next(value for value in candidates if constraint.admits(value))


def run(trials, rows, width=2, **options):
    return train(trials, rows, [FOLD], max_rounds=ROUNDS, widths=[width], **options).members


def same(a, b) -> bool:
    if (a.best_round, a.stopped, a.rounds) != (b.best_round, b.stopped, b.rounds):
        return False
    trees = [(m.params, m.states, np.array(m.curve)) for m in (a, b)]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(*map(jax.tree.leaves, trees), strict=True))


_trained: dict = {}


@pytest.fixture
def population(any_trained_part):
    """A part, its rows, its trials, and the members they become: trained once for all laws."""
    part, key = any_trained_part, repr(any_trained_part)
    if key not in _trained:
        _trained.clear()
        rows, trials = rows_for(part), [Trial(network_with(part, i), seed=10 + i) for i in range(MEMBERS)]
        _trained[key] = (part, rows, trials, run(trials, rows))
    return _trained[key]


def test_members_learn_and_those_with_other_seeds_differ(population):
    _, rows, trials, members = population
    assert all(np.isfinite(m.curve).all() for m in members)
    same_knobs = [dataclasses.replace(trials[0], seed=seed) for seed in (10, 11, 12, 13)]
    others = run(same_knobs, rows)
    assert not any(same(a, b) for a, b in itertools.combinations(others, 2))
    assert same(others[0], members[0])


def test_the_same_run_is_the_same_to_the_bit_in_any_order_and_compiles_nothing(population):
    _, rows, trials, members = population
    before = compilations.programs
    reverse = run(trials[::-1], rows)
    assert all(same(a, b) for a, b in zip(members, reverse[::-1], strict=True))
    fewer_members = run(trials[:3], rows)  # the same capacity
    assert all(same(a, b) for a, b in zip(members, fewer_members, strict=False))
    fewer_rows = Batch(*jax.tree.map(lambda a: a[:110], tuple(rows)))  # the same power of two
    train(trials, fewer_rows, [Fold(np.arange(80), np.arange(80, 110), 5)], max_rounds=2, round_steps=3, widths=[2])
    assert compilations.programs == before


def test_a_diverging_member_leaves_the_others_unchanged(population):
    part, rows, trials, members = population
    wild = [*trials]
    if not isinstance(part, (Optimizer, Schedule)):
        broken = dataclasses.replace(trials[1].network, optimizer=Adam(1e38))
    else:
        broken = dataclasses.replace(trials[1].network, optimizer=blown_up(trials[1].network.optimizer))
    wild[1] = dataclasses.replace(trials[1], network=broken)
    after = run(wild, rows)
    assert after[1].stopped == "diverged"
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after[1].params))
    assert all(same(after[i], members[i]) for i in (0, 2, 3))


def test_stopping_one_early_leaves_the_others_unchanged_and_keeps_its_best_round(population):
    _, rows, trials, members = population
    impatient = dataclasses.replace(trials[2].network, stopping=EarlyStopping(patience=1))
    after = run([*trials[:2], dataclasses.replace(trials[2], network=impatient), trials[3]], rows)
    assert all(same(after[i], members[i]) for i in (0, 1, 3))
    stopped, whole = after[2], np.array(members[2].curve)[:, 1]
    worse = np.flatnonzero(whole[1:] >= np.minimum.accumulate(whole)[:-1])
    expected = worse[0] + 2 if len(worse) else ROUNDS
    assert stopped.rounds == expected
    assert stopped.best_round == np.argmin(whole[:expected]) + 1
    assert stopped.best_score == pytest.approx(whole[:expected].min(), abs=0)


def test_a_member_trains_as_it_would_alone(population):
    """To the bit one at a time; in blocks to 1e-5 of the cost after 20 steps, since rounding then grows by itself."""
    _, rows, trials, _ = population
    two = run(trials[:2], rows, width=1)
    assert same(run(trials[1:2], rows, width=1)[0], two[1])
    alone = run(trials[1:2], rows, width=1, round_steps=3)[0]
    block = run(trials, rows, round_steps=3)[1]
    rounds = min(alone.rounds, block.rounds)  # of 3 steps each
    np.testing.assert_allclose(alone.curve[:rounds], block.curve[:rounds], rtol=1e-5)


def blown_up(optimizer: Optimizer) -> Optimizer:
    """The same structure with a step size that no network survives."""
    rate = optimizer.learning_rate
    if isinstance(rate, Schedule):
        return dataclasses.replace(optimizer, learning_rate=dataclasses.replace(rate, start=1e38))
    return dataclasses.replace(optimizer, learning_rate=1e38)
