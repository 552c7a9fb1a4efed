"""What networks share a program, where their parameters stand in it, and that it computes what each would alone.

That members train as they would alone is a law of populations, in `tests/population/test_laws.py`.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import (
    LSTM,
    SGD,
    Adam,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    Gaussian,
    LayerNorm,
    Maxout,
    MaxPool,
    Multinoulli,
    ReLU,
    Residual,
    Softmax,
    Softplus,
    Tanh,
    part,
)
from phalanx.layers import Layer
from phalanx.likelihoods import Head, Joint
from phalanx.model import forward, initialize
from phalanx.network import Network, OutputSize, complete, layers_of
from phalanx.optimizers import Factor, Optax
from phalanx.regularizers import L2, ActivityKL, ActivityL1, MaxNorm, Tied
from phalanx.superstructure.merge import Merged, merged
from phalanx.superstructure.slot import Slot, Switched


def net(*layers, likelihood=None, **options):
    return complete(Network(layers, likelihood or Gaussian(), **options), OutputSize(1))


def places(together: Merged, network) -> list[str]:
    """What stands in each place: its options with their sizes."""
    held = [layer for _, layer in layers_of(together.network(network))]
    return [" or ".join(map(repr, layer.options)) if isinstance(layer, Slot) else repr(layer) for layer in held]


def agree(networks, shape, rtol=1e-6):
    """Assert that each network answers in the superstructure as alone, and comes back as it went in."""
    together = Merged(networks, shape)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(7, *shape)), jnp.float32)
    for i, network in enumerate(networks):
        first = initialize(network, i, shape)
        wide = together.widen(network, *first)
        alone = forward(network, *first, x).z
        made = jax.tree.map(jnp.asarray, together.network(network))
        np.testing.assert_allclose(forward(made, *wide, x).z, alone, rtol=rtol, atol=1e-6)
        jax.tree.map(np.testing.assert_array_equal, together.cut(network, *wide), first)
    return together


def test_a_smaller_network_stands_among_zeros():
    small, large = net(Dense(2), Tanh()), net(Dense(3), Softplus())
    together = agree([small, large], (4,))
    params, _ = together.widen(small, *initialize(small, 0, (4,)))
    own = initialize(small, 0, (4,))[0]
    np.testing.assert_array_equal(params["place_1"]["weight"], np.hstack([own["dense_1"]["weight"], np.zeros((4, 1))]))
    np.testing.assert_array_equal(params["output"]["weight"], np.vstack([own["output"]["weight"], np.zeros((1, 1))]))
    assert places(together, small)[1] == "Tanh() or Softplus()"
    assert together.switches


def test_depths_come_together_from_the_beginning():
    deep = net(Dense(3), Tanh(), Dropout(0.2), Dense(5), Tanh(), Dropout(0.1))
    shallow = net(Dense(4), Tanh(), Dropout(0.3))
    together = agree([shallow, deep], (2,))
    assert places(together, deep) == [
        "Dense(units=4)",
        "Tanh()",
        "Dropout(rate=0.2)",
        "Dense(units=5) or Linear()",
        "Tanh() or Linear()",
        "Dropout(rate=0.1)",
        "Dense(units=1, initializer='glorot')",
    ]
    assert places(together, shallow)[5] == "Dropout(rate=0.0)"  # a value at which it does nothing
    assert list(together.network(shallow).numbers(7)) == [0, 1, 2, 0, 0, 0, 3]  # which decide the noise


@pytest.mark.parametrize(
    "layers",
    [
        ([Conv(2), ReLU(), MaxPool(), Flatten(), Dense(3)], [Conv(5), ReLU(), MaxPool(), Flatten(), Dense(2)]),
        ([LSTM(2, both=True)], [LSTM(4, both=True)]),
        ([LSTM(3, "all", initial="learned"), Flatten()], [LSTM(2, "all", initial="learned"), Tanh(), Flatten()]),
        ([Flatten(), Dense(2), LayerNorm(), Softmax()], [Flatten(), Dense(6), BatchNorm()]),
        ([Flatten(), Residual([Dense(3), ReLU(), Dense(4)])], [Flatten(), Residual([Dense(5), Dense(4)])]),
    ],
    ids=lambda layers: type(layers[0][0]).__name__ + str(len(layers[0])),
)
def test_answers_are_those_of_each_alone(layers):
    shape = (8, 8, 3) if isinstance(layers[0][0], Conv) else (6, 3)
    agree([net(*held) for held in layers], shape, rtol=1e-5)


def test_heads_have_places_of_their_own():
    def two(units, other, **options):
        heads = [Head(Gaussian(), [Dense(units)], after="dense_1"), Head(Multinoulli(), [Dense(other), ReLU()])]
        return complete(Network([Dense(units), Tanh()], Joint(heads), **options), OutputSize(1), OutputSize(3))

    together = Merged([two(2, 5), two(4, 3)], (3,))
    x = jnp.ones((2, 3))
    for network in together.networks:
        first = initialize(network, 0, (3,))
        for here, there in zip(
            forward(together.network(network), *together.widen(network, *first), x).z,
            forward(network, *first, x).z,
            strict=True,
        ):
            np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-7)
    assert [head.after for head in together.network(two(2, 5)).likelihood.heads] == ["place_1", ""]


def test_what_names_a_layer_names_its_place():
    def named(name, units, **options):
        return net(Dense(units, name=name), Tanh(), Dense(3), **options)

    def with_parts(name, units):
        return named(
            name,
            units,
            regularizers=[L2(0.1, on=(name,)), ActivityL1(0.2, on=(name,))],
            optimizer=Adam(factors=[Factor(0.5, on=(f"{name}.bias", "dense_1"))]),
        )

    together = merged([with_parts("a", 2), with_parts("b", 4)], (3,))
    made = together.network(with_parts("b", 4))
    assert [one.on for one in made.regularizers] == [("place_1",), ("place_1",)]
    assert made.optimizer.factors[0].on == ("place_1.bias", "place_3")
    # of the tensors of layers that are switched there is no telling which
    factor = Adam(factors=[Factor(0.5, on=("dense_1.bias",))])
    assert merged([net(Dense(2), optimizer=factor), net(Maxout(2), optimizer=Adam())], (3,)) is None


def test_what_one_lacks_does_nothing_in_it():
    plain, held = net(Dense(2)), net(Dense(3), regularizers=[L2(0.1), MaxNorm(2.0)], optimizer=SGD(0.1))
    made = Merged([plain, held], (3,)).network(plain)
    penalty, norm = made.regularizers
    assert (penalty.alpha, norm.limit) == (0.0, 1e18)
    assert isinstance(made.optimizer, Switched)
    assert [type(rule).__name__ for rule in made.optimizer.options] == ["Adam", "SGD"]


@part
class Centred(Layer):
    """A layer that says nothing of sizes: it may not be padded, since its mean would be another one."""

    def __call__(self, params, state, x, at):
        return x - x.mean(-1, keepdims=True), state


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (net(Dense(2)), net(Dense(3), batch_size=16)),
        (net(Dense(2)), net(Dense(3), stopping=None)),
        (net(Dense(2)), complete(Network([Dense(2)], Multinoulli()), OutputSize(2))),
        (net(Dense(2), Centred()), net(Dense(3), Centred())),
        (net(Dense(2)), net(Dense(3), optimizer=Optax(0.1, "sgd"))),
        (net(Dense(2), Dense(2)), net(Dense(3), Dense(3), regularizers=[Tied(on=("dense_1", "dense_2"))])),
        *((net(Dense(n), regularizers=[ActivityKL(on=("dense_1",))]), net(Dense(3))) for n in (2, 4)),
    ],
)
def test_what_cannot_be_one_is_not(one, other):
    assert merged([one, other], (3,)) is None


def test_a_layer_that_says_nothing_may_be_left_out_where_nothing_is_padded():
    together = agree([net(Dense(3), Centred(), Tanh()), net(Dense(3), Tanh())], (3,))
    assert places(together, together.networks[1])[1] == "Centred() or Linear()"


def test_one_structure_stays_as_it_is():
    one = net(Dense(2), Tanh())
    together = Merged([one], (3,))
    assert together.network(one) is one
    assert together.alone
    assert not together.switches
    assert together.holds(dataclasses.replace(one, stopping=EarlyStopping(3)))
    assert not together.holds(net(Dense(3), Tanh()))
