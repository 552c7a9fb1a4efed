"""The laws of a population, for each part beside plain partners; layers that take rows of the same places,
regularizers, likelihoods, and what changes a step stand in one network.

Two programs serve all laws of a part: four members in blocks of two, in which neighbours could disturb each other; and
one at a time, the plain loop.
"""

import dataclasses
import itertools
import sys

import jax
import numpy as np
import pytest

import phalanx.layers.shape
from phalanx.errors import InputError
from phalanx.layers import (
    GRU,
    LSTM,
    RBF,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    Layer,
    LayerNorm,
    Maxout,
    PReLU,
    Recurrent,
    ReLU,
    Softmax,
    Tanh,
)
from phalanx.layers.layer import drawn
from phalanx.likelihoods import Head, Joint, Likelihood, Multinoulli
from phalanx.model import Batch, row_shape
from phalanx.network import OUTPUT, Network, OutputSize, complete, heads, layers_of
from phalanx.optimizers import Adam, Clip, Factor, Momentum, Optimizer
from phalanx.parts import Part, Schedule, part
from phalanx.population.batches import Fold
from phalanx.population.compilation import compilations
from phalanx.population.host import Population
from phalanx.population.train import train
from phalanx.population.trial import Trial
from phalanx.regularizers import Regularizer, Tied, WeightNoise
from phalanx.stopping import EarlyStopping
from phalanx.superstructure.merge import merged

MEMBERS, ROUNDS = 4, 6
FOLD = Fold(np.arange(90), np.arange(90, 120), 0)


def rows_for(parts: tuple[Part, ...], table_of) -> Batch:
    """Four numbers a row, or rows that the first layer takes, for a class, numbers or counts."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 4)).astype(np.float32)
    y = x[:, 0] * x[:, 1]
    targets = {
        "numbers": np.stack([y, x[:, 1]], axis=1),
        "counts": np.abs(y * 3).round()[:, None],
        "classes": ((y > 0) & (x[:, 3] > -0.5)).astype(np.int32),
    }
    if isinstance(parts[0], Layer):
        x, _ = table_of(parts[0], 120, targets["classes"])
    weight = rng.uniform(0.5, 1.5, 120).astype(np.float32)
    return Batch(x, tuple(targets[kind] for kind in kinds_of(parts)), weight)


def kinds_of(parts: tuple[Part, ...]) -> list[str]:
    """What the targets hold, one for each head."""
    if isinstance(parts[0], Joint):
        return [head.likelihood.target for head in parts[0].heads]
    if isinstance(parts[0], Layer):
        return ["classes"] * len(layers_around(parts)[1])
    return [part.target for part in parts] if isinstance(parts[0], Likelihood) else ["classes"]


def layers_around(parts: tuple[Part, ...]) -> tuple[list[Layer], list[list[Layer]]]:
    """The trunk of a network of layers, those that keep the places of their rows, and a head for each other one.

    Layers without parameters come first, so that what turns the gradient around leaves others to learn. What leads to a
    layer has no bias, which before a normalization would follow nothing but rounding.
    """
    trunk, heads, width = [], [], None
    for layer in (parts[0], *sorted(parts[1:], key=has_parameters)):
        shape = jax.tree.map(np.shape, layer.example)
        fits = width is None or (len(shape) > 1 and width == shape[-1])
        led = [layer] if fits else [Dense(shape[-1], bias=False), layer]
        out = layer.output_shape(shape)
        if layer is parts[0] or out[:-1] == shape[:-1]:
            trunk, width = [*trunk, *led], out[-1]
        else:
            heads.append(led)
    return trunk, heads or [[Dense(5), Tanh()]]


def has_parameters(layer: Layer) -> bool:
    shape = jax.tree.map(np.shape, layer.example)
    return bool(drawn(layer, np.random.default_rng(0), shape)[0])


def network_with(parts: tuple[Part, ...], i: int) -> Network:
    """A small network around some parts, in which every knob of theirs has its own value in member i."""
    made = tuple(varied(part, i) for part in parts)
    layers: list[Layer] = [Dense(5), Tanh()]
    likelihood = made[0] if isinstance(made[0], (Likelihood, Joint)) else Multinoulli()
    if isinstance(made[0], Layer):
        layers, ends = layers_around(made)
        likelihood = Joint([Head(Multinoulli(), [*end, Flatten()]) for end in ends])
    elif isinstance(made[0], Likelihood) and len(made) > 1:
        likelihood = Joint([Head(part) for part in made])
    regularizers = [part for part in made if isinstance(part, Regularizer)]
    layers += [Dense(5) for part in regularizers if isinstance(part, Tied) for _ in part.on]
    stopping = EarlyStopping(patience=3 + i)
    network = Network(layers, likelihood, regularizers, optimizer_with(made), stopping, batch_size=16)
    return complete(network, *(OutputSize({"numbers": 2, "counts": 1, "classes": 2}[kind]) for kind in kinds_of(made)))


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


def run(trials, rows, width=2, max_rounds=ROUNDS, **options):
    return train(trials, rows, [FOLD], max_rounds=max_rounds, widths=[width], **options).members


def same(a, b) -> bool:
    if (a.best_round, a.stopped, a.rounds) != (b.best_round, b.stopped, b.rounds):
        return False
    trees = [(m.params, m.states, np.array(m.curve)) for m in (a, b)]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(*map(jax.tree.leaves, trees), strict=True))


_trained: dict = {}


def population_of(parts: tuple[Part, ...], table_of):
    """The first of some parts, their rows, their trials, and the members they become: trained once for all laws."""
    key = repr(parts)
    if key not in _trained:
        _trained.clear()
        jax.clear_caches()  # those of the part before
        rows, trials = rows_for(parts, table_of), [Trial(network_with(parts, i), seed=10 + i) for i in range(MEMBERS)]
        _trained[key] = (parts[0], rows, trials, run(trials, rows))
    return _trained[key]


def law(holds):
    """A test of a part, or of several in one network; where it fails, each of them is tried alone and named."""

    def test(any_trained_part, table_of):
        parts = any_trained_part if isinstance(any_trained_part, tuple) else (any_trained_part,)
        try:
            holds(population_of(parts, table_of))
        except Exception as error:
            for part in parts if len(parts) > 1 else ():
                try:
                    holds(population_of((part,), table_of))
                except Exception as alone:
                    error.add_note(f"it fails with this part alone too: {part}\n  {type(alone).__name__}: {alone}")
            raise

    test.__name__, test.__doc__, test.holds = holds.__name__, holds.__doc__, holds
    return test


@law
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


@law
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


@law
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


@law
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


@law
def test_a_member_trains_as_it_would_alone(population):
    """To the bit one at a time; in blocks to 1e-5 of the cost after 20 steps, since rounding then grows by itself."""
    _, rows, trials, _ = population
    two = run(trials[:2], rows, width=1)
    assert same(run(trials[1:2], rows, width=1)[0], two[1])
    alone = run(trials[1:2], rows, width=1, round_steps=3)[0]
    block = run(trials, rows, round_steps=3)[1]
    rounds = min(alone.rounds, block.rounds)  # of 3 steps each
    np.testing.assert_allclose(alone.curve[:rounds], block.curve[:rounds], rtol=1e-5)


@law
def test_a_member_of_a_superstructure_trains_as_it_would_alone(population):
    """Beside a network with larger layers, and fewer, in one program: from the same weights, with the same noise.

    What is padding stays 0, and what is said of layers is said of their own numbers.
    """
    part, rows, trials, _ = population
    first = trials[0].network
    if isinstance(part, Layer):  # a bias under a normalization has a gradient of nothing but rounding
        first = dataclasses.replace(first, optimizer=Adam(1e-3, delta=1e-3))
    networks = variants(first, row_shape(rows.x))
    together = merged(networks, row_shape(rows.x))
    mixed = [Trial(network, seed=20 + i) for i, network in enumerate(networks)]
    before = compilations.programs
    built = Population(mixed, rows, [FOLD], max_rounds=1, round_steps=20, width=1, merged=together)
    built.compile()
    assert compilations.programs - before <= 3  # a state, the round, and what puts members in order
    built.note(built.advance(), 0.0)
    state = jax.device_get((built.state.params, built.state.states))
    for i, network in enumerate(networks):
        own = jax.tree.map(lambda a, place=built._place[i]: a[place], state)
        jax.tree.map(np.testing.assert_array_equal, together.widen(network, *together.cut(network, *own)), own)
    for member in built.finish("end"):
        alone = run([member.trial], rows, width=1, round_steps=20, max_rounds=1)[0]
        assert jax.tree.map(np.shape, alone.params) == jax.tree.map(np.shape, member.params)
        if not any(isinstance(regularizer, WeightNoise) for regularizer in member.trial.network.regularizers):
            np.testing.assert_allclose(member.curve, alone.curve, rtol=1e-5)
            np.testing.assert_allclose(member.layers[0], alone.layers[0], rtol=0.02, atol=1e-3)


def variants(network, shape):
    """The network, and one whose layers are larger, and fewer, where that merges; with fewer regularizers, and another
    rule.
    """

    def larger(layer):
        return dataclasses.replace(layer, **{size: getattr(layer, size) + 2 for size in layer.sizes})

    def other(grown, gone):
        made = edited(network, grown, larger)
        return edited(made, gone, lambda one: None)

    grown = most(spots(network), lambda grown: fits([network, other(grown, [])], shape))
    gone = most(spots(network), lambda gone: fits([network, other(grown, gone)], shape))
    made = other(grown, gone)
    made = dataclasses.replace(made, regularizers=[one for one in made.regularizers if one.neutral() is None])
    if network.optimizer.shares_state and not isinstance(network.optimizer, Momentum):
        tried = dataclasses.replace(made, optimizer=Momentum(1e-3))
        made = tried if fits([network, tried], shape) else made
    return [network, made]


def most(several, works):
    """As many of several as work together, found by halving."""
    chosen = []

    def add(some):
        if works([*chosen, *some]):
            chosen.extend(some)
        elif len(some) > 1:
            add(some[: len(some) // 2])
            add(some[len(some) // 2 :])

    add(several)
    return chosen


def spots(network):
    """Where layers stand that may be changed: in the trunk, or in a head."""
    lines = [(None, network.layers), *((i, head.layers) for i, head in enumerate(heads(network)))]
    return [(head, at) for head, layers in lines for at, layer in enumerate(layers) if layer.name != OUTPUT]


def edited(network, chosen, change):
    """The network with other layers in some places, or none."""

    def line(head, layers):
        new = [change(layer) if (head, at) in chosen else layer for at, layer in enumerate(layers)]
        return [layer for layer in new if layer is not None]

    network = dataclasses.replace(network, layers=line(None, network.layers))
    if isinstance(network.likelihood, Joint):
        held = [dataclasses.replace(one, layers=line(i, one.layers)) for i, one in enumerate(heads(network))]
        network = dataclasses.replace(network, likelihood=dataclasses.replace(network.likelihood, heads=held))
    return network


def fits(networks, shape):
    """Whether networks are ones, and can share a program."""
    try:
        return merged(networks, shape) is not None
    except (InputError, KeyError):  # a layer that a head comes after may be gone
        return False


@pytest.mark.slow
def test_the_laws_of_superstructures_reach_all_that_says_how(trained_layers, table_of):
    """Layers that may be larger are, those that pass their input on are left out."""
    larger, left_out = set(), set()
    for group in trained_layers():
        shape = row_shape(rows_for(group, table_of).x)
        base, made = ([one for _, one in layers_of(n)] for n in variants(network_with(group, 0), shape))
        kinds, kept = [type(one) for one in base], [type(one) for one in made]
        left_out |= {kind for kind in kinds if kept.count(kind) < kinds.count(kind)}
        sizes = {type(one): {getattr(one, size) for size in one.sizes} for one in base}
        larger |= {type(one) for one in made if {getattr(one, size) for size in one.sizes} - sizes[type(one)]}
    assert larger >= {Dense, Conv, Embedding, LSTM, GRU, Recurrent}
    assert left_out >= {Dropout, ReLU, Tanh, Softmax, LayerNorm, PReLU, GaussianNoise, Maxout, RBF}


@part
class WeightedMean(Layer):
    """h = Σ n_i x_i / (1 + Σ n_i): rows of points x, (points, axes), and how often each was seen, n."""

    @property
    def tables(self):
        return True

    @property
    def example(self):
        return np.zeros((6, 3), np.float32), np.full(6, 2, np.int32)

    def output_shape(self, shape):
        return shape[0][-1:]

    def __call__(self, params, state, x, at):
        points, counts = x[0], x[1][..., None].astype(x[0].dtype)
        return (points * counts).sum(1) / (1 + counts.sum(1)), state


def test_a_new_layer_of_rows_of_a_new_shape_is_tested(monkeypatch, trained_layers, table_of):
    assert not any(WeightedMean() in group for group in trained_layers())
    monkeypatch.setattr(WeightedMean, "__module__", "phalanx.layers.shape")
    monkeypatch.setattr(phalanx.layers.shape, "WeightedMean", WeightedMean, raising=False)
    (parts,) = (group for group in trained_layers() if WeightedMean() in group)
    points, counts = table_of(parts[0], 50)[0]
    assert points.shape == (50, 6, 3)
    assert set(counts.flat) == {0, 1, 2}
    test_members_learn_and_those_with_other_seeds_differ.holds(population_of(parts, table_of))


def test_of_parts_in_one_network_that_which_breaks_a_law_is_named(monkeypatch, table_of):
    monkeypatch.setattr(sys.modules[__name__], "population_of", lambda parts, table_of: parts)

    @law
    def test_small(parts):
        assert all(part.rate < 0.5 for part in parts)

    test_small((Dropout(0.2), Dropout(0.3)), table_of)
    with pytest.raises(AssertionError) as error:
        test_small((Dropout(0.2), Dropout(0.6)), table_of)
    assert [note.split("\n")[0] for note in error.value.__notes__] == [
        "it fails with this part alone too: Dropout(rate=0.6)"
    ]


def blown_up(optimizer: Optimizer) -> Optimizer:
    """The same structure with a step size that no network survives."""
    rate = optimizer.learning_rate
    if isinstance(rate, Schedule):
        return dataclasses.replace(optimizer, learning_rate=dataclasses.replace(rate, start=1e38))
    return dataclasses.replace(optimizer, learning_rate=1e38)
