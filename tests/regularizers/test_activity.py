"""Penalties on what units do: by hand, and against SciPy's relative entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from phalanx import Dense, Frames, Gaussian, GlobalAveragePool, Network
from phalanx.errors import InputError
from phalanx.model import Batch, forward, initialize
from phalanx.network import OutputSize, complete
from phalanx.population.backend import mesh_for
from phalanx.population.batches import Fold
from phalanx.population.host import Population
from phalanx.population.trial import Trial
from phalanx.regularizers import ActivityKL, ActivityL1

PARAMS = {"dense_1": {"weight": jnp.ones((2, 2))}, "relu_1": {}, "output": {"weight": jnp.ones((2, 1))}}


def test_l1_by_hand():
    # rows: 1 + 2 = 3 and 0 + 4 = 4, mean 3.5; times 0.1
    h = {"relu_1": jnp.array([[1.0, -2.0], [0.0, 4.0]])}
    assert ActivityL1(0.1, on=["relu_1"]).penalty(PARAMS, h) == pytest.approx(0.35)


def test_l1_of_several_layers_and_axes():
    # an image of 2 × 1 × 2: |1| + |2| + |3| + |4| = 10, one row; and 5 of the other layer
    h = {"relu_1": jnp.array([[[[1.0, 2.0]], [[-3.0, 4.0]]]]), "dense_1": jnp.array([[5.0, 0.0]])}
    assert ActivityL1(1.0, on=["relu_1", "dense_1"]).penalty(PARAMS, h) == pytest.approx(15.0)


def test_l1_does_not_grow_with_the_batch():
    h = jnp.array([[1.0, -2.0], [0.0, 4.0]])
    rule = ActivityL1(0.1, on=["relu_1"])
    once, twice = (rule.penalty(PARAMS, {"relu_1": a}) for a in (h, jnp.concatenate([h, h])))
    assert once == pytest.approx(float(twice))


@pytest.mark.parametrize("kind", [ActivityL1(0.1, on=["relu_1"]), ActivityKL(1.0, target=0.5, on=["relu_1"])])
def test_padding_does_not_count(kind):
    # rows of 2 steps and of 1, and no row has a third; whatever stands in padding
    mask = jnp.array([[True, True, False], [True, False, False]])
    h = jnp.array([[[0.2], [0.25], [0.9]], [[0.4], [0.8], [0.7]]])
    said = kind.penalty(PARAMS, {"relu_1": h}, {"relu_1": mask})
    # L1: 0.1 · (0.2 + 0.25 + 0.4) / 2; KL of the means 0.3 and 0.25
    expected = (
        0.0425 if isinstance(kind, ActivityL1) else sum(stats.entropy([0.5] * 2, [m, 1 - m]) for m in (0.3, 0.25))
    )
    assert said == pytest.approx(expected, rel=1e-5)


def test_kl_is_the_relative_entropy_of_the_mean_activation():
    # ρ̂ = (0.3, 0.5), ρ = 0.1
    h = {"relu_1": jnp.array([[0.2, 0.9], [0.4, 0.1]])}
    expected = 2 * sum(stats.entropy([0.1, 0.9], [mean, 1 - mean]) for mean in (0.3, 0.5))
    assert ActivityKL(2.0, target=0.1, on=["relu_1"]).penalty(PARAMS, h) == pytest.approx(expected, rel=1e-5)


def test_kl_by_hand():
    # ρ = ½, ρ̂ = ¼: ½ log 2 + ½ log(2/3) = ½ log(4/3) = 0.1438410
    h = {"relu_1": jnp.array([[0.25]])}
    assert ActivityKL(1.0, target=0.5, on=["relu_1"]).penalty(PARAMS, h) == pytest.approx(0.1438410, rel=1e-5)


def test_kl_is_least_at_its_target_and_finite_everywhere():
    @jax.jit
    def penalty(mean):
        return ActivityKL(1.0, target=0.2, on=["relu_1"]).penalty(PARAMS, {"relu_1": jnp.full((3, 1), mean)})

    assert penalty(0.2) == pytest.approx(0, abs=1e-6)
    slope = jax.jit(jax.grad(penalty))
    assert slope(0.1) < 0 < slope(0.3)
    for mean in (0.0, 1.0, -3.0, 7.0):
        assert np.isfinite(penalty(mean))
        assert np.isfinite(slope(mean))


def test_numbers_are_knobs():
    h = {"relu_1": jnp.array([[0.2, 0.9]])}
    penalty = jax.jit(lambda rule: rule.penalty(PARAMS, h))
    for rule in (ActivityKL(1.0, target=0.1, on=["relu_1"]), ActivityKL(0.5, target=0.3, on=["relu_1"])):
        assert penalty(rule) == pytest.approx(float(rule.penalty(PARAMS, h)), rel=1e-5)
    assert penalty._cache_size() == 1


@pytest.mark.parametrize("kind", [ActivityL1, ActivityKL])
def test_they_watch_the_layers_named_and_need_a_name(kind):
    assert kind(on=["relu_1", "output"]).watched() == ("relu_1", "output")
    with pytest.raises(InputError) as caught:
        kind(on=())
    assert str(caught.value) == f"{kind.__name__}: on is empty; name the layers whose outputs are to be penalized"
    with pytest.raises(InputError) as caught:
        kind(on=["relu_2"]).penalty(PARAMS, {})
    assert str(caught.value) == f"{kind.__name__}: on: unknown layer `relu_2`; did you mean `relu_1`?"


def test_the_penalty_of_a_network_passes_over_padding():
    rule = ActivityL1(1.0, on=["dense_1"])
    network = complete(
        Network([Frames(), Dense(2), GlobalAveragePool()], Gaussian(), regularizers=[rule]), OutputSize(1)
    )
    x = np.ones((1, 5, 1), np.float32)
    params, states = initialize(network, 0, (5, 1))

    def penalty(steps):
        rows = jnp.where(np.arange(5)[None, :, None] < steps, x, np.nan)
        h = forward(network, params, states, rows, keep=["dense_1"])
        return rule.penalty(params, h.kept, h.masks)

    params["dense_1"]["bias"] = jnp.ones(2)  # what padding would become
    assert penalty(2) == pytest.approx(2 * float(penalty(1)))


def test_a_penalty_on_means_over_rows_keeps_batches_on_one_device(monkeypatch):
    asked = []

    def mesh(members, splits):
        asked.append(splits)
        return mesh_for(1, 1)

    monkeypatch.setattr("phalanx.population.host.mesh_for", mesh)
    x = np.ones((6, 2), np.float32)
    rows = Batch(x, (x[:, :1],), np.ones(6, np.float32))
    for rule in (ActivityL1(on=["dense_1"]), ActivityKL(on=["dense_1"])):
        network = complete(Network([Dense(2)], Gaussian(), regularizers=[rule], batch_size=4), OutputSize(1))
        Population([Trial(network, 0)], rows, [Fold(np.arange(4), np.arange(4, 6), 0)], 1, 1)
    assert asked == [4, 1]
