"""A part is a JAX tree: its knobs are the leaves, everything else its definition."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from phalanx import (
    Adam,
    Columns,
    Cosine,
    Dense,
    Dropout,
    Gaussian,
    HardTanh,
    Knob,
    Layer,
    LeakyReLU,
    Network,
    PReLU,
    ReLU,
    choice,
    field,
    part,
    uniform,
)
from phalanx.errors import InputError
from phalanx.parts import Distribution, Fixed, Part, Schedule, names, subclasses
from phalanx.parts.plain import from_plain, to_plain


def leaves_by_hand(value):
    """The numbers and distributions of a part's knobs, found by its annotations alone."""
    if isinstance(value, Part):
        for f in dataclasses.fields(value):
            kind, held = value.kinds[f.name], getattr(value, f.name)
            if isinstance(held, (Part, tuple)) or (kind.knob and held is not None):
                yield from leaves_by_hand(held)
    elif isinstance(value, tuple):
        for element in value:
            if isinstance(element, Part):
                yield from leaves_by_hand(element)
    else:
        yield value


def test_leaves_are_the_knobs(any_part):
    assert sorted(jax.tree.leaves(any_part)) == sorted(leaves_by_hand(any_part))


def test_leaves_by_name():
    assert jax.tree.leaves(Dense(3)) == []
    assert jax.tree.leaves(Dropout(0.25)) == [0.25]
    assert jax.tree.leaves([LeakyReLU(0.1), Adam(Cosine(0.2))]) == [0.1, 0.2, 0.0, 0.0, 0.0, 0.9, 0.999, 1e-8]
    assert jax.tree.leaves(Dropout(uniform(0, 0.5))) == [uniform(0, 0.5)]
    paths = jax.tree_util.tree_leaves_with_path(Network([Dense(3), Dropout()], Gaussian()))
    assert jax.tree_util.keystr(paths[0][0], simple=True, separator=".") == "layers.1.rate"


def test_rebuilding_gives_an_equal_part(any_part):
    leaves, structure = jax.tree.flatten(any_part)
    assert jax.tree.unflatten(structure, leaves) == any_part
    hash(structure)  # JAX keys its compiled programs by it


WORDS = """same valid left right he glorot orthogonal cost error unit layer all mean last zero learned tanh sigmoid
before after other float32 bfloat16"""
"""Of each field that holds a word, two that it may hold."""


def other_values(kind, held):
    """Values of the same kind, unlike `held`."""
    if isinstance(held, tuple):
        return [(*held, 7)] if int in kind.classes else [(*held, "other")]
    if bool in kind.classes:
        return [not held]
    if int in kind.classes:
        return [(held or 0) + 1]
    return [word for word in WORDS.split() if word != held]


def replaced(part, name, candidates):
    for candidate in candidates:
        try:
            return dataclasses.replace(part, **{name: candidate})
        except InputError:
            continue
    raise AssertionError(f"no other value for {name}")


def test_structure_differs_exactly_when_a_structure_field_does(any_part):
    structure = jax.tree.structure(any_part)
    for name in any_part.children:
        held = getattr(any_part, name)
        if isinstance(held, (int, float)):
            changed = replaced(any_part, name, [held + 0.125, held / 2])
            assert changed != any_part
            assert jax.tree.structure(changed) == structure
    for name in any_part.structure:
        changed = replaced(any_part, name, other_values(any_part.kinds[name], getattr(any_part, name)))
        assert jax.tree.structure(changed) != structure, name


def test_a_number_and_a_schedule_are_two_structures():
    assert jax.tree.structure(Dropout(0.5)) != jax.tree.structure(Dropout(Cosine(0.5)))
    assert jax.tree.structure(Dropout(Cosine(0.5))) == jax.tree.structure(Dropout(Cosine(0.25)))
    assert jax.tree.structure(Network([ReLU()], Gaussian())) != jax.tree.structure(Network([HardTanh()], Gaussian()))


def test_trees_are_rebuilt_without_checks():
    # Tracers, whole columns of members, and JAX's own placeholders pass through.
    assert jax.jit(lambda d: d.rate * 2)(Dropout(0.25)) == 0.5
    stacked = jax.tree.map(lambda *rates: jnp.array(rates), Dropout(0.25), Dropout(0.5))
    assert jax.vmap(lambda d: d.rate * 2)(stacked).tolist() == [0.5, 1.0]
    assert jax.tree.map(lambda _: "anything", Dropout(0.25)).rate == "anything"
    assert jax.tree.map(lambda x: -x, Dropout(0.25)).rate == -0.25


def test_a_part_may_be_made_inside_a_compiled_function():
    @jax.jit
    def leaky(slope, x):
        return LeakyReLU(slope).activate(x)

    assert leaky(0.5, jnp.array([-2.0, 2.0])).tolist() == [-1.0, 2.0]


def test_a_part_of_a_person_inside_a_function_works():
    @part
    class Blend(Layer):
        """A mixture of two layers."""

        first: Fixed[Layer] = field()
        share: Knob = field(default=0.5, at_least=0, at_most=1)
        power: Fixed[int] = field(default=1, at_least=1)

        def __call__(self, params, state, x, at):
            return self.share * self.first.activate(x) ** self.power + (1 - self.share) * x, state

    blend = Blend(LeakyReLU(0.1), 0.25)
    assert blend in [blend]
    assert Blend in subclasses(Layer)
    assert Blend.kind() == "blend"
    assert jax.tree.leaves(blend) == [0.1, 0.25]
    assert jax.tree.structure(blend) == jax.tree.structure(Blend(LeakyReLU(0.9), 0.75))
    assert jax.tree.structure(blend) != jax.tree.structure(Blend(LeakyReLU(0.1), 0.25, power=2))
    y, _ = jax.jit(lambda b, x: b({}, {}, x, None))(blend, jnp.array([4.0]))
    assert y.tolist() == [4.0]
    with pytest.raises(InputError, match=r"^Blend: share is 2, but must be at least 0 and at most 1$"):
        Blend(ReLU(), 2)
    with pytest.raises(InputError, match=r"^Blend: first is 3, but must be a Layer$"):
        Blend(3)


def test_what_the_program_alone_makes_is_in_no_list_of_parts():
    @part
    class Made(Layer):
        """A layer that no person chooses."""

        internal = True

        def __call__(self, params, state, x, at):
            return x, state

    assert Made not in subclasses(Layer)
    assert Made in subclasses(Layer, internal=True)
    assert from_plain(to_plain([Made()])) == (Made(),)


def test_lists_are_kept_as_tuples_and_parts_are_frozen():
    given = [Dense(3)]
    network = Network(given, Gaussian())
    given.append(ReLU())
    assert network.layers == (Dense(3),)
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.batch_size = 3


def test_names_by_kind_and_count():
    parts = [
        Dense(1),
        LeakyReLU(),
        HardTanh(),
        PReLU(),
        Dense(2),
        choice(ReLU(), None),
        Columns(),
        Dense(3, name="end"),
    ]
    assert names(parts) == [
        "dense_1",
        "leaky_relu_1",
        "hard_tanh_1",
        "prelu_1",
        "dense_2",
        "choice_1",
        "columns_1",
        "end",
    ]
    with pytest.raises(InputError, match=r"^two parts of one list are called `dense_1`; give them different names$"):
        names([Dense(1), Dense(2, name="dense_1")])


def test_a_part_reads_as_the_call_that_makes_it(any_part):
    import phalanx

    assert eval(repr(any_part), {name: getattr(phalanx, name) for name in phalanx.__all__}) == any_part


def test_what_is_abstract_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        Schedule()
    assert Schedule not in subclasses(Part)
    with pytest.raises(NotImplementedError):
        Distribution().at(0.5)
