"""One network on one batch: the cost by hand, and back-propagation by hand, step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from phalanx import (
    L1,
    L2,
    Adam,
    Bernoulli,
    Dense,
    Dropout,
    EarlyStopping,
    Gaussian,
    Multinoulli,
    Network,
    ReLU,
    Sigmoid,
    Tanh,
)
from phalanx.model import Batch, complete, cost, forward, initialize, noise_bytes, parameter_count, score


def test_complete_adds_the_output_that_the_likelihood_needs():
    for likelihood, classes, units in ((Gaussian(), 0, 1), (Bernoulli(), 2, 1), (Multinoulli(), 5, 5)):
        network = Network([Dense(3), ReLU()], likelihood, [L2()], Adam(0.1), None, batch_size=7, name="mine")
        done = complete(network, classes)
        assert done.layers == (*network.layers, Dense(units, initializer="glorot", name="output"))
        assert (done.likelihood, done.regularizers, done.optimizer) == (likelihood, (L2(),), Adam(0.1))
        assert (done.stopping, done.batch_size, done.name) == (None, 7, "mine")


def test_parameters_and_states_stand_under_the_names_of_layers():
    network = complete(Network([Dense(3), ReLU(), Dense(2, name="code")], Gaussian()), 0)
    params, states = initialize(network, jax.random.key(0), (4,))
    assert {name: {k: v.shape for k, v in held.items()} for name, held in params.items()} == {
        "dense_1": {"weight": (4, 3), "bias": (3,)},
        "relu_1": {},
        "code": {"weight": (3, 2), "bias": (2,)},
        "output": {"weight": (2, 1), "bias": (1,)},
    }
    assert states == {name: {} for name in params}
    assert parameter_count(params) == 4 * 3 + 3 + 3 * 2 + 2 + 2 * 1 + 1


def test_layers_of_one_network_start_with_different_weights():
    params, _ = initialize(Network([Dense(4), Dense(4)], Gaussian()), jax.random.key(0), (4,))
    assert not np.array_equal(params["dense_1"]["weight"], params["dense_2"]["weight"])


def test_noise_is_counted_at_the_shape_that_reaches_a_layer():
    network = Network([Dropout(), Dense(3), Dropout(), ReLU()], Gaussian())
    assert noise_bytes(network, (4,)) == [4, 0, 3, 0]


TINY = Network([], Gaussian(), [L2(0.1), L1(0.2)])
PARAMS = {"output": {"weight": jnp.array([[2.0], [-1.0]]), "bias": jnp.array([0.5])}}
ROWS = Batch(jnp.array([[1.0, 1.0], [0.0, 2.0]]), jnp.array([1.0, -1.0]), jnp.ones(2))


def test_the_cost_is_data_plus_penalties_by_hand():
    # z = (2 − 1 + 0.5, −2 + 0.5) = (1.5, −1.5); ½(y − z)² = 0.125 both; + ½ log 2π = 0.9189385
    # L2: ½·0.1·(4 + 1) = 0.25;  L1: 0.2·(2 + 1) = 0.6
    network = complete(TINY, 0)
    total, (data, states) = cost(network, PARAMS, {"output": {}}, ROWS, [None])
    assert data == pytest.approx(1.0439385)
    assert total == pytest.approx(1.0439385 + 0.85)
    assert states == {"output": {}}


def test_rows_count_by_their_weight():
    # z = (1.5, −1.5) as above, but y = (1.5, −3.5): ½·0 and ½·4 = 2, weighted (0.5·0 + 1.5·2)/2 = 1.5
    batch = Batch(ROWS.x, jnp.array([1.5, -3.5]), jnp.array([0.5, 1.5]))
    _, (data, _) = cost(complete(TINY, 0), PARAMS, {"output": {}}, batch, [None])
    assert data == pytest.approx(1.5 + 0.9189385)


def test_weighting_a_row_is_repeating_it():
    network = complete(TINY, 0)

    def data(rows, weight):
        batch = Batch(ROWS.x[rows, :], ROWS.y[rows], jnp.asarray(weight, jnp.float32))
        return cost(network, PARAMS, {"output": {}}, batch, [None])[1][0]

    assert data(np.array([0, 1, 1, 1]), [1, 1, 1, 1]) == pytest.approx(float(data(np.array([0, 1]), [0.5, 1.5])))


def test_noise_reaches_its_layer_in_training_only():
    network = complete(Network([Dropout(0.5)], Gaussian()), 0)
    states = {"dropout_1": {}, "output": {}}
    params = {"dropout_1": {}, **PARAMS}
    noise = [jnp.array([[0, 255], [255, 255]], jnp.uint8), None]
    # rate ½ doubles what is kept: (0·2 − 2·1 + 0.5, 0·2 − 4·1 + 0.5)
    assert forward(network, params, states, ROWS.x, noise)[0].tolist() == [[-1.5], [-3.5]]
    assert forward(network, params, states, ROWS.x, None)[0].tolist() == [[1.5], [-1.5]]


def test_early_stopping_watches_the_cost_or_the_error():
    z, y = jnp.array([[3.0], [-1.0]]), jnp.array([1, 1])
    for stopping in (None, EarlyStopping(), EarlyStopping(watch="cost")):
        nll, watched = score(Network([], Bernoulli(), stopping=stopping), z, y)
        assert watched.tolist() == nll.tolist()
    nll, watched = score(Network([], Bernoulli(), stopping=EarlyStopping(watch="error")), z, y)
    np.testing.assert_allclose(nll, np.logaddexp(0, [-3, 1]), rtol=1e-6)
    assert watched.tolist() == [0.0, 1.0]


def test_back_propagation_by_hand():
    """Algorithm 6.4 of the book on three layers with weight decay, written out for rows."""
    rng = np.random.default_rng(0)
    network = complete(Network([Dense(5), Tanh(), Dense(4), Sigmoid()], Multinoulli(), [L2(0.3)]), 3)
    shapes, states = jax.eval_shape(lambda key: initialize(network, key, (6,)), jax.random.key(0))
    params = jax.tree.map(lambda p: 0.5 * rng.normal(size=p.shape).astype(np.float32), shapes)
    x, y = rng.normal(size=(7, 6)), rng.integers(0, 3, 7)
    batch = Batch(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.int32), jnp.ones(7))
    grads = jax.jit(jax.grad(lambda p: cost(network, p, states, batch, [None] * 5)[0]))(params)

    W1, b1, W2, b2, W3, b3 = (
        np.asarray(params[layer][name], np.float64)
        for layer in ("dense_1", "dense_2", "output")
        for name in ("weight", "bias")
    )
    h1 = np.tanh(x @ W1 + b1)
    h2 = special.expit(h1 @ W2 + b2)
    z = h2 @ W3 + b3
    g = (special.softmax(z, axis=1) - np.eye(3)[y]) / 7  # of the mean cost with respect to z
    by_hand = {"output": (h2.T @ g + 0.3 * W3, g.sum(0))}  # the penalty enters at the weight, not at the bias
    g = (g @ W3.T) * h2 * (1 - h2)
    by_hand["dense_2"] = (h1.T @ g + 0.3 * W2, g.sum(0))
    g = (g @ W2.T) * (1 - h1**2)
    by_hand["dense_1"] = (x.T @ g + 0.3 * W1, g.sum(0))
    for layer, (weight, bias) in by_hand.items():
        np.testing.assert_allclose(grads[layer]["weight"], weight, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(grads[layer]["bias"], bias, rtol=1e-4, atol=1e-6)
