"""Pixels become numbers, images become vectors: by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from phalanx.layers import EVALUATE
from phalanx.layers.pixels import Pixels
from phalanx.layers.shape import Flatten


def test_pixels_by_hand():
    x = jnp.array([[0, 100, 255]], jnp.uint8).reshape(1, 1, 3, 1)
    layer = Pixels(mean=100.0, deviation=50.0)
    y, _ = jax.jit(lambda x: layer({}, {}, x, EVALUATE))(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.ravel(), [-2, 0, 3.1], rtol=1e-6)
    np.testing.assert_allclose(layer({}, {}, x.astype(float), EVALUATE)[0], y)
    assert Pixels()({}, {}, x, EVALUATE)[0].ravel().tolist() == [0, 100, 255]
    assert layer.output_shape((28, 28, 1)) == (28, 28, 1)


def test_what_the_data_say_are_fields():
    assert set(Pixels().learned) <= set(Pixels.kinds)


def test_flatten_keeps_the_order_of_numbers():
    x = jnp.arange(24.0).reshape(2, 3, 2, 2)
    assert Flatten()({}, {}, x, EVALUATE)[0].tolist() == [list(range(12)), list(range(12, 24))]
    assert Flatten().output_shape((3, 2, 2)) == (12,)
    assert Flatten()({}, {}, x[:0], EVALUATE)[0].shape == (0, 12)
    assert Flatten()({}, {}, x[:, 0, 0], EVALUATE)[0].shape == (2, 2)
