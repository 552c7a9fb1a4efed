"""The laws of a population, for each part beside plain partners; activations, regularizers, likelihoods, all that
vectors, images, or texts pass through, and what changes a step stand in one network.

Two programs serve all laws of a part: four members in blocks of two, in which neighbours could disturb each other; and
one at a time, the plain loop.
"""

import dataclasses
import itertools

import jax
import numpy as np
import pytest

from phalanx.layers import (
    GRU,
    Augmentation,
    Branches,
    Columns,
    Conv,
    Dense,
    Embedding,
    Flatten,
    Layer,
    Pixels,
    Recurring,
    ReLU,
    Residual,
    Spatial,
    Tanh,
)
from phalanx.likelihoods import Head, Joint, Likelihood, Multinoulli
from phalanx.model import Batch
from phalanx.network import Network, OutputSize, complete
from phalanx.optimizers import Adam, Clip, Factor, Optimizer
from phalanx.parts import Part, Schedule
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.train import train
from phalanx.population.trial import Trial
from phalanx.regularizers import Regularizer, Tied
from phalanx.stopping import EarlyStopping

MEMBERS, ROUNDS, CARDINALITIES = 4, 6, (3, 12)
FOLD = Fold(np.arange(90), np.arange(90, 120), 0)


def rows_for(parts: tuple[Part, ...]) -> Batch:
    """Two numbers and two categories, as a table, beside a text, as one array or drawn into images; the target is a
    class, numbers or counts.
    """
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(120, 2)).astype(np.float32)
    codes = np.stack([rng.integers(0, k, 120) for k in CARDINALITIES], axis=1).astype(np.int32)
    y = numbers[:, 0] * numbers[:, 1]
    targets = {
        "numbers": np.stack([y, numbers[:, 1]], axis=1),
        "counts": np.abs(y * 3).round()[:, None],
        "classes": ((y > 0) & (codes[:, 1] > 3)).astype(np.int32),
    }
    weight = rng.uniform(0.5, 1.5, 120).astype(np.float32)
    one = np.concatenate([numbers, codes.astype(np.float32)], axis=1)
    x = (numbers, codes) if isinstance(parts[0], Columns) else one
    if isinstance(parts[0], Pixels):
        x = rng.integers(0, 256, (120, 8, 8, 1), np.uint8)
        x[:, :4, 2:5] //= np.where(targets["classes"], 4, 1).astype(np.uint8).reshape(-1, 1, 1, 1)
        return Batch(x, (targets["classes"],) * len(ends(parts)), weight)
    if isinstance(parts[0], (Embedding, Branches)):  # texts of different lengths, whose first tokens say the class
        x = rng.integers(0, 9, (120, 6)).astype(np.int32)
        x[:, 0] = 3 + 4 * targets["classes"]
        x[::3, 4:] = 0
        if isinstance(parts[0], Branches):
            x = (numbers, codes), x
        return Batch(x, (targets["classes"],), weight)
    return Batch(x, tuple(targets[kind] for kind in kinds_of(parts)), weight)


def kinds_of(parts: tuple[Part, ...]) -> list[str]:
    """What the targets hold, one for each head."""
    if isinstance(parts[0], Joint):
        return [head.likelihood.target for head in parts[0].heads]
    return [part.target for part in parts] if isinstance(parts[0], Likelihood) else ["classes"]


def ends(parts: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    """The layers of heads for images: what has weights, then what pools, so that the cost sees all of them."""
    pools = [part for part in parts if isinstance(part, Spatial) and not isinstance(part, Conv)]
    weighted = [part for part in parts if isinstance(part, (Conv, Residual))]
    return [tuple(filter(None, pair)) for pair in itertools.zip_longest(weighted, pools)]


def network_of_images(parts: tuple[Part, ...]) -> Network:
    """A network of all layers for images: the pixels and what changes them, what keeps places, and heads.

    Of 8 × 8 pixels the trunk makes 8 × 8 × 4. A convolution leads to them: units of one pixel each are the same after
    normalization, and rounding decides which of them is the largest.
    """
    before = [part for part in parts if isinstance(part, (Pixels, Augmentation))]
    after = [part for part in parts if not isinstance(part, (Pixels, Augmentation, Spatial, Residual, Flatten))]
    heads = [Head(Multinoulli(), [*layers, Flatten()]) for layers in ends(parts)]
    network = Network([*before, Conv(20), ReLU(), *after], Joint(heads), optimizer=Adam(0.01), batch_size=16)
    return complete(network, *[OutputSize(2)] * len(heads))


def network_with(parts: tuple[Part, ...], i: int) -> Network:
    """A small network around some parts, in which every knob of theirs has its own value in member i."""
    made = tuple(varied(part, i) for part in parts)
    if isinstance(made[0], Pixels):
        return dataclasses.replace(network_of_images(made), stopping=EarlyStopping(patience=3 + i))
    layers: tuple[Layer, ...] = (Dense(5), Tanh())
    if isinstance(made[0], Embedding):
        layers = (dataclasses.replace(made[0], tokens=9), *map(every_step, made[1:]), GRU(4))
    for part in () if isinstance(made[0], Embedding) else made:
        if isinstance(part, Columns):
            layers = (dataclasses.replace(part, cardinalities=CARDINALITIES), *layers)
        elif isinstance(part, Layer):
            layers = (part, *layers) if isinstance(part, Branches) else (*layers, part, Dense(4))
        elif isinstance(part, Tied):
            layers += (Dense(5),) * len(part.on)
    regularizers = [part for part in made if isinstance(part, Regularizer)]
    likelihood = made[0] if isinstance(made[0], (Likelihood, Joint)) else Multinoulli()
    if len(made) > 1 and isinstance(made[0], Likelihood):
        likelihood = Joint([Head(part) for part in made])
    stopping = EarlyStopping(patience=3 + i)
    network = Network(layers, likelihood, regularizers, optimizer_with(made), stopping, batch_size=16)
    return complete(network, *(OutputSize({"numbers": 2, "counts": 1, "classes": 2}[kind]) for kind in kinds_of(made)))


def every_step(layer: Layer) -> Layer:
    """A recurrent layer that another can follow."""
    return dataclasses.replace(layer, output="all") if isinstance(layer, Recurring) else layer


def optimizer_with(parts: tuple[Part, ...]) -> Optimizer:
    """The optimizer among the parts, or one with what they say of its steps."""

    def those(base: type) -> list[Part]:
        return [part for part in parts if isinstance(part, base)]

    rates, clips = those(Schedule) or [0.01], those(Clip) or [None]
    return next(iter(those(Optimizer)), Adam(rates[0], clip=clips[0], factors=those(Factor)))


def varied(part: Part, i: int) -> Part:
    """The part with another value for each of its knobs, and of the parts inside, in each member."""
    changed = {}
    for f in dataclasses.fields(part):
        held = getattr(part, f.name)
        if part.kinds[f.name].knob and isinstance(held, (int, float)):
            changed[f.name] = spread(f, held, i)
        elif isinstance(held, Part):
            changed[f.name] = varied(held, i)
        elif isinstance(held, tuple) and any(isinstance(inner, Part) for inner in held):
            changed[f.name] = tuple(varied(inner, i) for inner in held)
    return dataclasses.replace(part, **changed)


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
    """A part, or the first of several, its rows, its trials, and the members they become: trained once for all laws."""
    parts = any_trained_part if isinstance(any_trained_part, tuple) else (any_trained_part,)
    key = repr(parts)
    if key not in _trained:
        _trained.clear()
        jax.clear_caches()  # those of the part before
        rows, trials = rows_for(parts), [Trial(network_with(parts, i), seed=10 + i) for i in range(MEMBERS)]
        _trained[key] = (parts[0], rows, trials, run(trials, rows))
    return _trained[key]


def test_members_learn_and_those_with_other_seeds_differ(population):
    _, rows, trials, members = population
    assert all(np.isfinite(m.curve).all() for m in members)
    costs = [[train for train, _ in m.curve] for m in members]
    gains = [1 - min(later) / first for first, *later in costs]  # the last round may be worse, with its noise
    assert min(gains) > 0
    assert np.mean(gains) > 0.05
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
    if not isinstance(part, (Optimizer, Schedule, Clip, Factor)):
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
