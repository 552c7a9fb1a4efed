"""The smoke ladder, from a constant to one step of training. If a rung fails, look there first."""

import jax
import jax.numpy as jnp
import numpy as np

from phalanx import SGD, Dense, Gaussian, Network
from phalanx.model import Batch, Noise, cost, forward, initialize
from phalanx.network import OutputSize, complete


def test_1_a_constant():
    assert float(jnp.float32(2) + jnp.float32(2)) == 4.0


def test_2_a_part():
    assert Dense(2).units == 2


def test_3_a_forward_pass():
    # (1, 2) W + b = (1·1 + 2·3, 1·2 + 2·4) + (10, 20) = (17, 30)
    params = {"weight": jnp.array([[1.0, 2.0], [3.0, 4.0]]), "bias": jnp.array([10.0, 20.0])}
    network = Network([Dense(2)], Gaussian())
    (z,) = forward(network, {"dense_1": params}, {"dense_1": {}}, jnp.array([[1.0, 2.0]])).z
    assert z.tolist() == [[17.0, 30.0]]


def linear():
    network = complete(Network([], Gaussian(), optimizer=SGD(0.1)), OutputSize(1))
    batch = Batch(jnp.array([[2.0]]), (jnp.array([[1.0]]),), jnp.ones(1))
    params = {"output": {"weight": jnp.array([[3.0]]), "bias": jnp.array([0.5])}}
    return network, batch, params


def test_4_a_gradient():
    # z = 3·2 + 0.5 = 6.5; d(½(1 − z)²)/dz = 5.5, so 5.5·2 = 11 for the weight and 5.5 for the bias
    network, batch, params = linear()
    grads = jax.grad(lambda p: cost(network, p, {"output": {}}, batch, Noise({}, {}, {}))[0])(params)
    np.testing.assert_allclose(grads["output"]["weight"], [[11.0]])
    np.testing.assert_allclose(grads["output"]["bias"], [5.5])


def test_5_a_step():
    # 3 − 0.1·11 = 1.9 and 0.5 − 0.1·5.5 = −0.05, where z = 3.75 and the cost is lower
    network, batch, params = linear()

    def value(p):
        return cost(network, p, {"output": {}}, batch, Noise({}, {}, {}))[0]

    after, _ = network.optimizer.update(jax.grad(value)(params), network.optimizer.init(params), params)
    np.testing.assert_allclose(after["output"]["weight"], [[1.9]], rtol=1e-6)
    np.testing.assert_allclose(after["output"]["bias"], [-0.05], rtol=1e-6)
    assert value(after) < value(params)


def test_6_a_start():
    network, _, _ = linear()
    params, states = initialize(network, 0, (4,))
    assert params["output"]["weight"].shape == (4, 1)
    assert states == {"output": {}}
