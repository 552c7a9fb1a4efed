"""One network on one batch: the cost by hand, and back-propagation by hand, step by step."""

import dataclasses

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
    Head,
    Joint,
    Multinoulli,
    Network,
    ReLU,
    Sigmoid,
    Tanh,
    WeightNoise,
)
from phalanx.blueprint import Noise
from phalanx.errors import InputError
from phalanx.layers import Layer
from phalanx.model import Batch, cost, forward, initialize, parameter_count, score
from phalanx.network import OutputSize, complete
from phalanx.parts import Fixed, Listed, field, part


def test_complete_adds_the_output_that_the_likelihood_needs():
    for likelihood, size, units in ((Gaussian(), 1, 1), (Gaussian(), 3, 3), (Bernoulli(), 2, 1), (Multinoulli(), 5, 5)):
        network = Network([Dense(3), ReLU()], likelihood, [L2()], Adam(0.1), None, batch_size=7, name="mine")
        done = complete(network, OutputSize(size))
        assert done.layers == (*network.layers, Dense(units, initializer="glorot", name="output"))
        assert (done.likelihood, done.regularizers, done.optimizer) == (likelihood, (L2(),), Adam(0.1))
        assert (done.stopping, done.batch_size, done.name) == (None, 7, "mine")


def test_parameters_and_states_stand_under_the_names_of_layers():
    network = complete(Network([Dense(3), ReLU(), Dense(2, name="code")], Gaussian()), OutputSize(1))
    params, states = initialize(network, 0, (4,))
    assert {name: {k: v.shape for k, v in held.items()} for name, held in params.items()} == {
        "dense_1": {"weight": (4, 3), "bias": (3,)},
        "relu_1": {},
        "code": {"weight": (3, 2), "bias": (2,)},
        "output": {"weight": (2, 1), "bias": (1,)},
    }
    assert states == {name: {} for name in params}
    assert parameter_count(params) == 4 * 3 + 3 + 3 * 2 + 2 + 2 * 1 + 1


def test_layers_of_one_network_start_with_different_weights():
    params, _ = initialize(Network([Dense(4), Dense(4)], Gaussian()), 0, (4,))
    assert not np.array_equal(params["dense_1"]["weight"], params["dense_2"]["weight"])


SILENT = Noise({}, {}, {})
TINY = Network([], Gaussian(), [L2(0.1), L1(0.2)])
PARAMS = {"output": {"weight": jnp.array([[2.0], [-1.0]]), "bias": jnp.array([0.5])}}
ROWS = Batch(jnp.array([[1.0, 1.0], [0.0, 2.0]]), (jnp.array([[1.0], [-1.0]]),), jnp.ones(2))


def test_the_cost_is_data_plus_penalties_by_hand():
    # z = (2 − 1 + 0.5, −2 + 0.5) = (1.5, −1.5); ½(y − z)² = 0.125 both; + ½ log 2π = 0.9189385
    # L2: ½·0.1·(4 + 1) = 0.25;  L1: 0.2·(2 + 1) = 0.6
    network = complete(TINY, OutputSize(1))
    total, (data, states) = cost(network, PARAMS, {"output": {}}, ROWS, SILENT)
    assert data == pytest.approx(1.0439385)
    assert total == pytest.approx(1.0439385 + 0.85)
    assert states == {"output": {}}


def test_rows_count_by_their_weight():
    # z = (1.5, −1.5) as above, but y = (1.5, −3.5): ½·0 and ½·4 = 2, weighted (0.5·0 + 1.5·2)/2 = 1.5
    batch = Batch(ROWS.x, (jnp.array([[1.5], [-3.5]]),), jnp.array([0.5, 1.5]))
    _, (data, _) = cost(complete(TINY, OutputSize(1)), PARAMS, {"output": {}}, batch, SILENT)
    assert data == pytest.approx(1.5 + 0.9189385)


def test_weighting_a_row_is_repeating_it():
    network = complete(TINY, OutputSize(1))

    def data(rows, weight):
        batch = Batch(ROWS.x[rows, :], (ROWS.y[0][rows],), jnp.asarray(weight, jnp.float32))
        return cost(network, PARAMS, {"output": {}}, batch, SILENT)[1][0]

    assert data(np.array([0, 1, 1, 1]), [1, 1, 1, 1]) == pytest.approx(float(data(np.array([0, 1]), [0.5, 1.5])))


def test_noise_reaches_its_layer_in_training_only():
    network = complete(Network([Dropout(0.5)], Gaussian()), OutputSize(1))
    states = {"dropout_1": {}, "output": {}}
    params = {"dropout_1": {}, **PARAMS}
    noise = Noise({"dropout_1": jnp.array([[0, 255], [255, 255]], jnp.uint8)}, {}, {})
    # rate ½ doubles what is kept: (0·2 − 2·1 + 0.5, 0·2 − 4·1 + 0.5)
    assert forward(network, params, states, ROWS.x, noise).z[0].tolist() == [[-1.5], [-3.5]]
    assert forward(network, params, states, ROWS.x).z[0].tolist() == [[1.5], [-1.5]]


def test_early_stopping_watches_the_cost_or_the_error():
    z, y = (jnp.array([[3.0], [-1.0]]),), (jnp.array([1, 1]),)
    for stopping in (None, EarlyStopping(), EarlyStopping(watch="cost")):
        nll, watched = score(Network([], Bernoulli(), stopping=stopping), z, y)
        assert watched.tolist() == nll.tolist()
    nll, watched = score(Network([], Bernoulli(), stopping=EarlyStopping(watch="error")), z, y)
    np.testing.assert_allclose(nll, np.logaddexp(0, [-3, 1]), rtol=1e-6)
    assert watched.tolist() == [0.0, 1.0]


@pytest.fixture
def double():
    """Arithmetic in double precision, so that two ways to the same gradient agree to many digits."""
    with jax.enable_x64(True):
        yield


def three_layers(penalties):
    """A network of three layers, its parameters, and rows for it, in double precision."""
    rng = np.random.default_rng(0)
    network = complete(Network([Dense(5), Tanh(), Dense(4), Sigmoid()], Multinoulli(), penalties), OutputSize(3))
    shapes, states = initialize(network, 0, (6,))
    params = jax.tree.map(lambda p: jnp.asarray(0.5 * rng.normal(size=p.shape)), shapes)
    x, y = rng.normal(size=(7, 6)), rng.integers(0, 3, 7).astype(np.int32)
    return network, params, states, Batch(jnp.asarray(x), (jnp.asarray(y),), jnp.ones(7))


def test_back_propagation_by_hand(double):
    """Algorithms 6.3 and 6.4 of the book on three layers with weight decay, step by step, written out for rows."""
    network, params, states, batch = three_layers([L2(0.3)])
    grads = jax.grad(lambda p: cost(network, p, states, batch, SILENT)[0])(params)

    x, y = np.asarray(batch.x), np.asarray(batch.y[0])
    (W1, b1), (W2, b2), (W3, b3) = (
        [np.asarray(params[layer][name]) for name in ("weight", "bias")] for layer in ("dense_1", "dense_2", "output")
    )
    h1 = np.tanh(x @ W1 + b1)
    h2 = special.expit(h1 @ W2 + b2)
    z = h2 @ W3 + b3
    g = (special.softmax(z, axis=1) - np.eye(3)[y]) / 7  # ∇_ŷ of the mean cost L; Ω adds nothing here
    by_hand = {"output": (h2.T @ g + 0.3 * W3, g.sum(0))}  # the penalty enters at the weight, not at the bias
    g = (g @ W3.T) * h2 * (1 - h2)
    by_hand["dense_2"] = (h1.T @ g + 0.3 * W2, g.sum(0))
    g = (g @ W2.T) * (1 - h1**2)
    by_hand["dense_1"] = (x.T @ g + 0.3 * W1, g.sum(0))
    for layer, (weight, bias) in by_hand.items():
        np.testing.assert_allclose(grads[layer]["weight"], weight, rtol=1e-6)
        np.testing.assert_allclose(grads[layer]["bias"], bias, rtol=1e-6)


def test_the_penalty_does_not_depend_on_the_output_and_enters_at_each_weight(double):
    """MAP E3: ∂Ω/∂ŷ = 0, so that ∇_ŷ J = ∇_ŷ L, and ∇_W J = ∇_W L + α W."""
    network, params, states, batch = three_layers([L2(0.3)])
    plain = dataclasses.replace(network, regularizers=())

    def at_output(net, shift):
        """J with something added to ŷ itself."""
        moved = {**params, "output": {**params["output"], "bias": params["output"]["bias"] + shift}}
        return cost(net, moved, states, batch, SILENT)[0]

    slopes = [jax.grad(lambda shift, net=net: at_output(net, shift))(jnp.zeros(3)) for net in (network, plain)]
    np.testing.assert_array_equal(*slopes)
    with_penalty, without = (
        jax.grad(lambda p, net=net: cost(net, p, states, batch, SILENT)[0])(params) for net in (network, plain)
    )
    for layer in params:
        for name, value in params[layer].items():
            added = 0.3 * value if name == "weight" else 0
            np.testing.assert_allclose(with_penalty[layer][name] - without[layer][name], added, atol=1e-12)


def test_heads_split_after_the_layer_they_name():
    heads = [Head(Gaussian(), after="dense_1"), Head(Multinoulli(), [Dense(2)], weight=0.5)]
    network = complete(Network([Dense(3), Tanh()], Joint(heads)), OutputSize(1), OutputSize(4))
    params, states = initialize(network, 0, (2,))
    assert {name: held["weight"].shape for name, held in params.items() if held} == {
        "dense_1": (2, 3),
        "head_1.output": (3, 1),
        "head_2.dense_1": (3, 2),
        "head_2.output": (2, 4),
    }
    x, y = jnp.ones((5, 2)), (jnp.zeros((5, 1)), jnp.arange(5, dtype=jnp.int32) % 4)
    first, second = forward(network, params, states, x).z
    low = x @ params["dense_1"]["weight"]
    np.testing.assert_allclose(first, low @ params["head_1.output"]["weight"], rtol=1e-5)
    inner = jnp.tanh(low) @ params["head_2.dense_1"]["weight"]
    np.testing.assert_allclose(second, inner @ params["head_2.output"]["weight"], rtol=1e-5)
    total = cost(network, params, states, Batch(x, y, jnp.ones(5)), SILENT)[0]
    costs = [head.likelihood.nll(z, target) for head, z, target in zip(heads, (first, second), y, strict=True)]
    assert total == pytest.approx(float(jnp.mean(costs[0] + 0.5 * costs[1])), rel=1e-6)


def test_noise_of_weights_moves_where_the_gradient_is_taken_only():
    network = complete(Network([], Gaussian(), [WeightNoise(0.5)]), OutputSize(1))
    noise = Noise({}, {}, {"weight_noise_1": jnp.array([0, 200, 7, 90], jnp.uint8)})
    drawn = network.regularizers[0].weights(PARAMS, noise.regularizers["weight_noise_1"])["output"]["weight"]
    moved = {"output": {**PARAMS["output"], "weight": drawn}}
    plain = dataclasses.replace(network, regularizers=())
    noisy = cost(network, PARAMS, {"output": {}}, ROWS, noise)[0]
    assert noisy == pytest.approx(float(cost(plain, moved, {"output": {}}, ROWS, SILENT)[0]))
    assert noisy != pytest.approx(float(cost(plain, PARAMS, {"output": {}}, ROWS, SILENT)[0]))


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Network([Dense(2)], Gaussian(), [L2(on=["dense_2"])]), "L2: on: unknown layer `dense_2`"),
        (Network([Dense(2)], Joint([Head(Gaussian(), after="tanh_1")])), "Head: after: unknown layer `tanh_1`"),
        (Network([Dense(2)], Joint([Head(Gaussian()), Head(Gaussian())])), "2 heads for 1 target"),
    ],
)
def test_a_layer_that_does_not_exist_is_named_before_training(network, sentence):
    with pytest.raises(InputError, match=sentence):
        complete(network, OutputSize(1))


@part
class Runs(Layer):
    """Runs the layers inside it as often as `times` says."""

    layers: Listed[Layer] = field()
    times: Fixed[int] = field(default=1)

    @property
    def inner(self):
        return self.layers

    def __call__(self, params, state, x, at):
        for _ in range(self.times):
            x = at.inside(x)
        return x, state


@pytest.mark.parametrize(("times", "said"), [(0, "does not run"), (2, "runs twice, but has one state")])
def test_layers_inside_a_layer_run_once(times, said):
    def out(layer):
        network = Network([layer], Gaussian())
        params, states = initialize(network, 0, (3,))
        return forward(network, params, states, jnp.ones((2, 3)))

    assert set(out(Runs([Dense(3)])).states) == {"runs_1.dense_1", "runs_1"}
    with pytest.raises(InputError, match=rf"^runs_1\.dense_1 {said}; runs_1 must call `at\.inside` once$"):
        out(Runs([Dense(3)], times))
