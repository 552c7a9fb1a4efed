"""Random bytes: uniform, independent of all that is not their own place, and the same in a wider network."""

import jax
import numpy as np
import pytest
from scipy import stats

from phalanx import Conv, Dense, DropConnect, Dropout, Gaussian, Network, WeightNoise
from phalanx.blueprint import Blueprint
from phalanx.model import initialize
from phalanx.population.noise import STEPS, at_step, draw


def words(layers, shape, rows=8, seed=0, regularizers=()):
    network = Network(layers, Gaussian(), regularizers)
    plan = Blueprint.of(network, shape)
    needed = plan.noise(initialize(network, 0, shape)[0])
    return draw(plan, needed, jax.random.key(seed), rows)


def steps(drawn, name):
    return np.stack([at_step(drawn, t).rows[name] for t in range(STEPS)])


def test_bytes_are_uniform_and_differ_by_step_row_place_and_seed():
    found = steps(words([Dropout(0.5)], (50,), rows=64), "dropout_1")
    assert found.dtype == np.uint8
    assert found.shape == (STEPS, 64, 50)
    assert stats.chisquare(np.bincount(found.ravel(), minlength=256)).pvalue > 0.001
    for axis in range(3):
        a, b = (np.take(found, i, axis).ravel().astype(float) for i in (0, 1))
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.15
    other = steps(words([Dropout(0.5)], (50,), rows=64, seed=1), "dropout_1")
    assert np.mean(other == found) < 0.01


@pytest.mark.parametrize(("narrow", "wide"), [((3,), (8,)), ((5, 3), (5, 6)), ((4, 4, 2), (4, 4, 7))])
def test_a_wider_row_keeps_the_bytes_of_a_narrow_one(narrow, wide):
    few, many = (steps(words([Dropout(0.5)], shape), "dropout_1") for shape in (narrow, wide))
    few, many = few.reshape(STEPS, 8, *narrow), many.reshape(STEPS, 8, *wide)
    np.testing.assert_array_equal(many[..., : narrow[-1]], few)


def test_more_rows_and_more_layers_change_nothing():
    found = steps(words([Dropout(0.5)], (4,)), "dropout_1")
    more = words([Dropout(0.5), Dense(3), Dropout(0.5)], (4,), rows=20)
    np.testing.assert_array_equal(steps(more, "dropout_1")[:, :8], found)
    assert np.mean(steps(more, "dropout_2")[:, :8] == found[:, :, :3]) < 0.1


def test_rows_of_many_points_have_bytes_of_their_own():
    shape = (300, 300, 1)  # more points than 16 bits number
    found = steps(words([Conv(1), Dropout(0.5)], shape, rows=2), "dropout_1").reshape(STEPS, 2, -1)
    near, far = found[..., : 90_000 - 65_536], found[..., 65_536:]
    assert np.mean(near == far) < 0.01


def test_what_all_rows_share_and_regularizers_have_bytes_too():
    drawn = words([DropConnect(Dense(3))], (4,), regularizers=[WeightNoise(0.1)])
    first = jax.device_get(at_step(drawn, 0))
    shared, noise = first.shared["drop_connect_1"], first.regularizers["weight_noise_1"]
    assert (shared.shape, noise.shape) == ((12,), (24,))
    assert np.mean(shared == noise[:12]) < 0.5
