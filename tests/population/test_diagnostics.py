"""Diagnostics against NumPy on networks small enough to follow."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import SGD, Dense, Gaussian, Network, ReLU, Tanh
from phalanx.model import Batch
from phalanx.network import OutputSize, complete, layers_of
from phalanx.population.batches import Fold
from phalanx.population.diagnostics import COLUMNS, at_bounds, count, no_count
from phalanx.population.train import train
from phalanx.population.trial import Trial


@pytest.fixture(scope="module")
def member():
    """One full-batch step of a network with a rectifier and a tanh layer."""
    rng = np.random.default_rng(0)
    x = 3 * rng.normal(size=(150, 2)).astype(np.float32)
    rows = Batch(x, (x[:, :1] ** 2,), np.ones(150, np.float32))
    network = complete(
        Network([Dense(12), ReLU(), Dense(6), Tanh()], Gaussian(), optimizer=SGD(0.01), batch_size=100), OutputSize(1)
    )
    fold = Fold(np.arange(100), np.arange(100, 150), 0)
    return rows, train([Trial(network, 1)], rows, [fold], max_rounds=1, round_steps=1).members[0]


def measured(member):
    names = [name for name, _ in layers_of(member.trial.network)]
    return {name: dict(zip(COLUMNS, values, strict=True)) for name, values in zip(names, member.layers[0], strict=True)}


def outputs(member, x):
    held = {name: {k: np.float64(v) for k, v in layer.items()} for name, layer in member.params.items()}
    hidden = np.maximum(x @ held["dense_1"]["weight"] + held["dense_1"]["bias"], 0)
    return hidden, np.tanh(hidden @ held["dense_2"]["weight"] + held["dense_2"]["bias"])


def test_dead_and_saturated_units_are_counted_over_validation_rows(member):
    rows, trained = member
    hidden, top = outputs(trained, np.float64(rows.x[100:]))
    found = measured(trained)
    assert found["relu_1"]["dead"] == pytest.approx((hidden == 0).all(0).mean())
    assert np.isnan(found["relu_1"]["saturated"])  # half of what a rectifier does is to be at its bound
    near = np.abs(top) >= 0.98  # 1% of the range from −1 to 1
    assert 0 < near.mean() < 1
    assert found["tanh_1"]["saturated"] == pytest.approx(near.mean(), abs=0.01)
    assert found["tanh_1"]["dead"] == pytest.approx(near.all(0).mean())
    assert all(np.isnan(list(found["dense_1"].values())[:2]))


def test_gradients_and_updates_are_those_of_the_last_step(member):
    rows, trained = member
    found = measured(trained)
    # One step from the initial weights: θ₁ = θ₀ − εg, so that ‖g‖ follows from another training that stays at θ₀.
    still = Trial(replace(trained.trial.network, optimizer=SGD(0.0)), 1)
    fold = Fold(np.arange(100), np.arange(100, 150), 0)
    before = train([still], rows, [fold], max_rounds=1, round_steps=1).members[0].params
    for layer in ("dense_1", "dense_2", "output"):
        gradient = {k: (before[layer][k] - trained.params[layer][k]) / 0.01 for k in ("weight", "bias")}
        norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradient.values()))
        assert found[layer]["gradient_norm"] == pytest.approx(norm, rel=1e-3)
        ratio = 0.01 * np.linalg.norm(gradient["weight"]) / np.linalg.norm(trained.params[layer]["weight"])
        assert found[layer]["update_ratio"] == pytest.approx(ratio, rel=1e-3)
    assert np.isnan(found["relu_1"]["gradient_norm"])


def test_bounds():
    h = jnp.array([[-1.0, -0.9, 0.0, 0.99]])
    assert np.asarray(at_bounds((-1.0, 1.0), h)).tolist() == [[True, False, False, True]]
    assert np.asarray(at_bounds((0.0, float("inf")), h)).tolist() == [[True, True, True, False]]


def test_a_network_with_dead_units_gets_a_hint():
    from phalanx import Classifier

    x = np.random.default_rng(0).normal(size=(200, 3))
    far = Classifier([Dense(20), ReLU()], optimizer=SGD(30.0), max_rounds=3).fit(x, x[:, 0] > 0)
    assert any("of units are dead; lower the learning rate" in hint for hint in far.hints_), far.diagnostics_
    near = Classifier([Dense(20), ReLU()], optimizer=SGD(0.1), max_rounds=3).fit(x, x[:, 0] > 0)
    assert near.hints_ == []


def test_padding_is_neither_saturated_nor_dead():
    network = Network([Tanh(), ReLU()], Gaussian())
    h = jnp.array([[[0.0, 1.0], [0.9, 0.0]], [[1.0, 0.0], [0.0, 0.0]]])  # the last row's second step is padding
    mask = jnp.array([[True, True], [True, False]])
    kept, masks = {"tanh_1": h, "relu_1": h}, {"tanh_1": mask, "relu_1": mask}
    nothing = no_count(network, {"tanh_1": 2, "relu_1": 2})
    after = count(network, nothing, kept, masks, jnp.array([True, True]))
    assert float(after["tanh_1"][0]) == 1 / 4 + 1 / 2  # one of four numbers, one of two
    padding = h.at[1, 1].set(jnp.array([-1.0, 5.0]))
    other = count(network, nothing, {"tanh_1": padding, "relu_1": padding}, masks, jnp.array([True, True]))
    np.testing.assert_array_equal([*after["relu_1"]][1], [*other["relu_1"]][1])
    assert float(other["tanh_1"][0]) == float(after["tanh_1"][0])
    assert float(after["relu_1"][0]) == 2 / 4 + 1 / 2
