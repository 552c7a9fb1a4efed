"""What the notes claim about regularizers, on real members or by enumeration: dropout as an ensemble, bagging, FGSM."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_diabetes, load_digits

from phalanx import (
    Adam,
    Adversarial,
    Dense,
    Dropout,
    EarlyStopping,
    Multinoulli,
    Network,
    Regressor,
    ReLU,
    Tanh,
    attack,
    loguniform,
)
from phalanx.model import Batch, Noise, cost, forward
from phalanx.network import OutputSize, complete
from phalanx.population.batches import Fold
from phalanx.population.predict import Final, predict
from phalanx.population.train import train
from phalanx.population.trial import Trial

INPUTS, CLASSES, RATE = 6, 3, 0.25


@pytest.fixture
def softmax_regression(rng):
    """Softmax regression with dropout of its inputs, and rows for it."""
    network = complete(Network([Dropout(RATE)], Multinoulli()), OutputSize(CLASSES))
    weight, bias = rng.normal(size=(INPUTS, CLASSES)), rng.normal(size=CLASSES)
    params = {"dropout_1": {}, "output": {"weight": np.float32(weight), "bias": np.float32(bias)}}
    return Final(network, params, {"dropout_1": {}, "output": {}}, 0.0), rng.normal(size=(20, INPUTS)).astype(
        np.float32
    )


def over_all_masks(final, x):
    """The probability of each mask, and what softmax regression says under it, in float64."""
    weight, bias = (np.float64(final.params["output"][name]) for name in ("weight", "bias"))
    masks = np.array(list(itertools.product([0, 1], repeat=INPUTS)))
    kept = masks.sum(1)
    probability = (1 - RATE) ** kept * RATE ** (INPUTS - kept)
    logits = (np.float64(x) * masks[:, None] / (1 - RATE)) @ weight + bias
    return probability, logits


def test_weight_scaling_is_the_renormalized_geometric_mean_over_all_masks(softmax_regression):
    """Book, section 7.12: exact for softmax regression; the arithmetic mean is another thing."""
    final, x = softmax_regression
    probability, logits = over_all_masks(final, x)
    geometric = softmax(np.tensordot(probability, log_softmax(logits, axis=-1), 1), axis=-1)
    scaled = predict(final, x)[0]
    np.testing.assert_allclose(scaled, geometric, atol=1e-6)
    arithmetic = np.tensordot(probability, softmax(logits, axis=-1), 1)
    assert 0.02 < np.abs(scaled - arithmetic).max() < 0.3


def test_averaging_masks_tends_to_the_arithmetic_mean(softmax_regression):
    final, x = softmax_regression
    probability, logits = over_all_masks(final, x)
    arithmetic = np.tensordot(probability, softmax(logits, axis=-1), 1)
    np.testing.assert_allclose(predict(final, x, samples=4000)[0], arithmetic, atol=0.03)
    few = predict(final, x, samples=3)[0]
    np.testing.assert_array_equal(few[[2, 7]], predict(final, x[[2, 7]], samples=3)[0])  # whatever the neighbours


@pytest.mark.parametrize(("rate", "trials", "repeats"), [(0.01, 1, 5), (loguniform(5e-3, 2e-2), 2, 2)])
def test_the_error_of_bagging_follows_from_variance_and_covariance(rate, trials, repeats):
    """MAP F9: E[(1/k Σ ε_i)²] = v/k + (k − 1)c/k, on the members of a bagged regressor, alike or different."""
    X, y = load_diabetes(return_X_y=True)
    bag = Regressor([Dense(16), Tanh()], optimizer=Adam(rate), max_rounds=40, bootstrap=True)
    bag.set_params(trials=trials, repeats=repeats).fit(X[:300], y[:300])
    k, held = trials * repeats, (X[300:], y[300:])
    assert len({member.spec.optimizer.learning_rate for member in bag.members_}) == trials
    assert bag.ensemble_ == {f"m{i:03d}": pytest.approx(1 / k) for i in range(1, k + 1)}
    errors = np.array([member.predict(held[0]) for member in bag.members_]) - held[1]
    products = errors @ errors.T / errors.shape[1]
    v, c = np.diag(products).mean(), products[~np.eye(k, dtype=bool)].mean()
    measured = ((bag.predict(held[0]) - held[1]) ** 2).mean()
    assert measured == pytest.approx(v / k + (k - 1) * c / k, rel=1e-4)
    assert measured < v  # members differ, so the bag is better than a member
    assert 0 < c < v


EPSILON = 0.1


@pytest.fixture(scope="module")
def digits():
    """Digits with pixels from 0 to 1; plain and adversarially trained members, trained side by side."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    rows = Batch((X[order] / 16).astype(np.float32), (y[order].astype(np.int32),), np.ones(len(y), np.float32))
    fold = Fold(np.arange(1100), np.arange(1100, 1400), 0)
    hidden = [Dense(64), ReLU(), Dense(64), ReLU()]
    networks = [
        Network(hidden, Multinoulli(), regularizers, Adam(0.003), EarlyStopping(30), batch_size=32)
        for regularizers in ([], [Adversarial(0.15)])
    ]
    trials = [Trial(complete(network, OutputSize(10)), seed=5) for network in networks]
    members = train(trials, rows, [fold], max_rounds=60).members
    test = np.arange(1400, len(y))
    return members, rows.x[test], rows.y[0][test]


def accuracy(member, x, y, epsilon):
    """Accuracy on inputs moved by ε along the sign of the gradient of their cost (FGSM)."""
    network, params, states = jax.tree.map(jnp.asarray, (member.trial.network, member.params, member.states))
    batch = Batch(jnp.asarray(x), (jnp.asarray(y),), jnp.ones(len(y)))
    silent = Noise({}, {}, {})

    @jax.jit
    def attacked(x):
        return attack(lambda x: cost(network, params, states, batch._replace(x=x), silent), x, epsilon)

    z = forward(network, params, states, attacked(batch.x)).z[0]
    return float((np.asarray(z.argmax(-1)) == y).mean())


def test_adversarial_training_resists_where_a_plain_network_falls(digits):
    members, x, y = digits
    curves = {
        name: [accuracy(member, x, y, epsilon) for epsilon in (0.0, EPSILON, 0.2)]
        for name, member in zip(("plain", "adversarial"), members, strict=True)
    }
    assert curves["plain"][1] < 0.3
    assert curves["adversarial"][1] > 0.75
    assert curves["adversarial"][0] > curves["plain"][0] - 0.03
    assert curves["plain"][2] < 0.1 < 0.35 < curves["adversarial"][2]
