"""The output layer in closed form: the ridge regression of scikit-learn, and what gradient descent tends to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from phalanx import (
    L1,
    L2,
    Adam,
    BasisFunctions,
    Classifier,
    Columns,
    Cosine,
    Dense,
    Dropout,
    Gaussian,
    GaussianNoise,
    HeteroscedasticGaussian,
    LeastSquares,
    MultiTask,
    Regressor,
    choice,
    loguniform,
)
from phalanx.blueprint import Noise
from phalanx.errors import InputError
from phalanx.model import Batch, cost, initialize
from phalanx.network import Network, OutputSize, complete
from phalanx.population import beginning
from phalanx.population.compilation import compilations
from phalanx.population.trial import Trial

PLAIN = {"scaling": "none", "stopping": None}


@pytest.fixture
def rows(rng):
    x = rng.normal(2, [1.0, 3.0, 0.5], (80, 3))
    return x, x @ [1.0, -2.0, 0.5] + 4 + rng.normal(0, 0.3, 80)


def test_it_is_the_regression_of_scikit_learn(rows):
    x, y = rows
    net = Regressor([], optimizer=LeastSquares(), **PLAIN).fit(x, y)
    np.testing.assert_allclose(net.predict(x), LinearRegression().fit(x, y).predict(x), rtol=1e-5)
    assert net.leaderboard_["rounds"].dropna().tolist() == [1]
    assert net.hints_ == []


@pytest.mark.parametrize("variance", [1.0, 0.25])
@pytest.mark.parametrize("alpha", [0.01, 1.0, 100.0])
def test_the_penalty_is_that_of_ridge_regression(rows, alpha, variance):
    # J = (1/n) Σ (y − z)² / 2σ² + ½ α ‖w‖², of y standardized; ridge regression has Σ (y − z)² + λ ‖w‖²: λ = n α σ²
    x, y = rows
    options = {"regularizers": [L2(alpha)], "likelihood": Gaussian(variance), **PLAIN}
    net = Regressor([], optimizer=LeastSquares(), **options).fit(x, y)
    ridge = Ridge(alpha * variance * len(x)).fit(x, (y - y.mean()) / y.std())
    np.testing.assert_allclose(net.predict(x), ridge.predict(x) * y.std() + y.mean(), rtol=1e-4)
    elsewhere = Regressor([], optimizer=LeastSquares(), **{**options, "regularizers": [L2(alpha, on=["columns_1"])]})
    np.testing.assert_allclose(elsewhere.fit(x, y).predict(x), LinearRegression().fit(x, y).predict(x), rtol=1e-5)


def test_the_gradient_vanishes_there(rows):
    x, y = rows
    network = complete(Network([BasisFunctions(degree=2)], Gaussian(0.5), [L2(0.1)], LeastSquares()), OutputSize(1))
    weight = np.random.default_rng(1).uniform(0.5, 1.5, len(x)).astype(np.float32)
    batch = Batch(x.astype(np.float32), (y.astype(np.float32)[:, None],), weight / weight.mean())
    on_device = jax.tree.map(jnp.asarray, batch)
    params, states = beginning.begun(Trial(network, 0), batch, np.arange(len(x)))

    def slope(params):
        gradient = jax.grad(lambda p: cost(network, p, states, on_device, Noise({}, {}, {}))[0])(params)
        return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(gradient)])

    first = slope(initialize(network, 0, (3,))[0])
    assert np.abs(slope(params)).max() < 1e-5 * np.abs(first).max()


def test_sample_weights_count(rows):
    x, y = rows
    weight = np.random.default_rng(2).integers(0, 4, len(x))
    net = Regressor([], optimizer=LeastSquares(), **PLAIN).fit(x, y, sample_weight=weight)
    np.testing.assert_allclose(net.predict(x), LinearRegression().fit(x, y, weight).predict(x), rtol=1e-5)


def test_several_targets_of_which_some_are_unknown(rows):
    x, y = rows
    both = np.stack([y, x[:, 0] ** 2], axis=1)
    both[::3, 1] = np.nan
    known = ~np.isnan(both[:, 1])
    network = complete(Network([], Gaussian(), [L2(0.2)], LeastSquares()), OutputSize(2))
    batch = Batch(x.astype(np.float32), (both.astype(np.float32),), np.ones(len(x), np.float32))
    found = beginning.begun(Trial(network, 0), batch, np.arange(len(x)))[0]["output"]
    ridge = Ridge(0.2 * len(x))  # an unknown number costs nothing, but its row counts in the mean
    expected = [ridge.fit(x, y).coef_, ridge.fit(x[known], both[known, 1]).coef_]
    np.testing.assert_allclose(found["weight"], np.transpose(expected), rtol=1e-4)


def test_blocks_of_rows_make_no_difference(rows, monkeypatch):
    x, y = rows
    whole = Regressor([BasisFunctions(degree=3)], optimizer=LeastSquares(), **PLAIN).fit(x, y).predict(x)
    monkeypatch.setattr("phalanx.solving.ROWS", 7)
    parts = Regressor([BasisFunctions(degree=3)], optimizer=LeastSquares(), **PLAIN).fit(x, y).predict(x)
    np.testing.assert_allclose(parts, whole, rtol=1e-5)


def test_of_several_solutions_the_shortest_is_taken(rng):
    x = rng.normal(size=(40, 1))
    y = 3 * x[:, 0] + 1
    net = Regressor([], optimizer=LeastSquares(), **PLAIN).fit(np.repeat(x, 2, axis=1), y)
    weight = net.best_.params["output"]["weight"][:, 0]
    np.testing.assert_allclose(weight, 1.5 / y.std(), rtol=1e-5)  # shared equally


def test_a_population_of_penalties_is_one_program(rows):
    x, y = rows
    options = {"scaling": "none", "trials": 6, "stopping": None, "validation_fraction": 0.25}
    layers = [BasisFunctions(degree=choice(1, 2, 3))]
    net = Regressor(layers, optimizer=LeastSquares(), regularizers=[L2(loguniform(1e-6, 1.0))], **options).fit(x, y)
    assert len(net.members_) == 6
    before = compilations.programs
    net.set_params(random_state=3).fit(x, y)
    assert compilations.programs == before


def test_gradient_descent_tends_to_it(rows):
    x, y = rows
    layers, penalties = [BasisFunctions(degree=2)], [L2(0.05)]
    options = {"scaling": "none", "regularizers": penalties, "stopping": None, "batch_size": 80}
    exact = Regressor(layers, optimizer=LeastSquares(), **options).fit(x, y).predict(x)
    by_steps = Regressor(layers, optimizer=Adam(Cosine(0.05)), max_rounds=1500, **options).fit(x, y).predict(x)
    np.testing.assert_allclose(by_steps, exact, atol=1e-3 * y.std())


def test_training_again_on_all_rows_solves_again(rows):
    x, y = rows
    net = Regressor([], optimizer=LeastSquares(), scaling="none", refit="steps").fit(x, y)
    np.testing.assert_allclose(net.predict(x), LinearRegression().fit(x, y).predict(x), rtol=1e-5)


SENTENCES = {
    "but dense_1 learns too": ([Dense(3)], {}),
    "but columns_1 learns too": ([Columns(frequencies=3)], {}),
    "but dropout_1 makes training random": ([Dropout(0.1)], {}),
    "but gaussian_noise_1 makes training random": ([GaussianNoise(0.1)], {}),
    "with no regularizer but L2, not L1": ([], {"regularizers": [L1(0.1)]}),
    "for numbers with the likelihood Gaussian, not HeteroscedasticGaussian": (
        [],
        {"likelihood": HeteroscedasticGaussian()},
    ),
}


@pytest.mark.parametrize("why", SENTENCES)
def test_what_cannot_be_solved_at_once_is_refused(rows, why):
    layers, options = SENTENCES[why]
    with pytest.raises(InputError) as caught:
        Regressor(layers, optimizer=LeastSquares(), **options).fit(*rows)
    advice = "; give an optimizer that takes steps, such as Adam()"
    start = "LeastSquares solves the output layer alone, "
    assert str(caught.value) == start + why + advice


def test_other_doors_refuse_it_too(rows):
    x, y = rows
    with pytest.raises(InputError, match="with the likelihood Gaussian, not Bernoulli"):
        Classifier([], optimizer=LeastSquares()).fit(x, y > 0)
    with pytest.raises(InputError, match="with the likelihood Gaussian, not Joint"):
        MultiTask([], optimizer=LeastSquares()).fit(x, {"a": y, "b": y > 0})
    with pytest.raises(InputError, match=r"^LeastSquares solves the output layer alone, without steps in which Cosine"):
        Regressor([], optimizer=LeastSquares(), regularizers=[L2(Cosine(0.1))]).fit(x, y)
    net = Regressor([], optimizer=LeastSquares()).fit(x, y)
    with pytest.raises(InputError, match=r"^LeastSquares learns from all rows at once; call fit with them"):
        net.partial_fit(x, y)
