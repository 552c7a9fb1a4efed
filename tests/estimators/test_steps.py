"""A target for each step of a row: its cost against NumPy, what is learned, and how it is judged and handed back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from sklearn.metrics import accuracy_score, r2_score

import phalanx
from phalanx import (
    GRU,
    Adam,
    Adversarial,
    Classifier,
    Conv,
    Dense,
    EarlyStopping,
    Embedding,
    Frames,
    Gaussian,
    LabelSmoothing,
    MaxPool,
    Multinoulli,
    MultivariateGaussian,
    Network,
    Regressor,
    Sequences,
    Tanh,
)
from phalanx.blueprint import Noise
from phalanx.data.steps import known_steps, spread
from phalanx.errors import InputError
from phalanx.estimators.steps import is_of_steps, targets_of_steps
from phalanx.model import Batch, cost, initialize, score
from phalanx.network import OutputSize, complete

SILENT = Noise({}, {}, {})
REAL = np.array([[True, True, True, False], [True, False, False, False], [True, True, True, True]])

# The cost


@pytest.fixture
def rows(rng):
    """Three rows of at most 4 steps, of 2 channels, codes of 3 classes, two numbers, and weights."""
    x = np.where(REAL[..., None], rng.normal(size=(3, 4, 2)), np.nan).astype(np.float32)
    codes = spread(rng.integers(0, 3, REAL.sum()).astype(np.int32), REAL)
    numbers = spread(rng.normal(size=(REAL.sum(), 2)).astype(np.float32), REAL)
    return x, codes, numbers, np.array([0.5, 2.0, 0.5], np.float32)


def by_hand(x, each, weight):
    """Σ weight × mean over the real steps of a row, / rows; `each(row, step)` is the cost of a step."""
    costs = [np.mean([each(i, t) for t in range(4) if REAL[i, t]]) for i in range(3)]
    return np.mean(weight * np.array(costs))


def computed(network, x, y, weight):
    params, states = initialize(network, 1, x.shape[1:])
    batch = Batch(jnp.asarray(x), (jnp.asarray(y),), jnp.asarray(weight))
    of = jax.jit(jax.value_and_grad(lambda p: cost(network, p, states, batch, SILENT)[0]))
    return params, *of(params)


def output_of(params, x):
    held = params["output"]
    return np.nan_to_num(x) @ np.asarray(held["weight"]) + np.asarray(held["bias"])


@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_the_cost_of_classes_is_the_mean_over_real_steps(rows, epsilon):
    x, codes, _, weight = rows
    network = complete(Network([Frames()], Multinoulli(), [LabelSmoothing(epsilon)]), OutputSize(3))
    params, value, gradient = computed(network, x, codes, weight)
    log_p = special.log_softmax(output_of(params, x), axis=-1)

    def each(i, t):
        share = np.full(3, epsilon / 2)
        share[codes[i, t]] = 1 - epsilon
        return -share @ log_p[i, t]

    assert value == pytest.approx(by_hand(x, each, weight), rel=1e-5)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_the_cost_of_numbers_is_the_mean_over_real_steps(rows):
    x, _, numbers, weight = rows
    network = complete(Network([Frames()], Gaussian(0.5)), OutputSize(2))
    params, value, _ = computed(network, x, numbers, weight)
    z = output_of(params, x)
    of_step = -stats.norm.logpdf(numbers, z, np.sqrt(0.5)).sum(-1)
    assert value == pytest.approx(by_hand(x, lambda i, t: of_step[i, t], weight), rel=1e-5)


def test_a_likelihood_that_takes_no_gaps_takes_rows_of_different_lengths(rows):
    x, _, numbers, weight = rows
    network = complete(Network([Frames()], MultivariateGaussian()), OutputSize(2))
    _, value, gradient = computed(network, x, numbers, weight)
    first = x[2:], numbers[2:], np.ones(1, np.float32)  # the row that has all steps
    assert computed(network, *first)[1] != pytest.approx(float(value))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_appending_padding_changes_neither_cost_nor_gradient(rows):
    x, codes, _, weight = rows
    changed = [LabelSmoothing(0.1), Adversarial(0.1)]
    network = complete(Network([Frames(), Dense(3), Tanh()], Multinoulli(), changed), OutputSize(3))
    more = np.concatenate([x, np.full((3, 2, 2), np.nan, np.float32)], axis=1)
    longer = np.concatenate([codes, np.full((3, 2), -1, np.int32)], axis=1)
    _, value, gradient = computed(network, x, codes, weight)
    _, same, alike = computed(network, more, longer, weight)
    assert same == pytest.approx(float(value), rel=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7), gradient, alike)


def test_what_early_stopping_watches_counts_real_steps():
    z = (jnp.array([[[3.0, 0.0], [0.0, 1.0], [9.0, 0.0]], [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]]),)
    y = (jnp.array([[0, 0, -1], [-1, -1, -1]]),)  # right, wrong, no step; and a row without any target
    nll, wrong = score(Network([], Multinoulli(), stopping=EarlyStopping(watch="error")), z, y)
    np.testing.assert_allclose(nll, [np.logaddexp(0, [-3, 1]).mean(), 0], rtol=1e-6)
    assert wrong.tolist() == [0.5, 0.0]


# What is given


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["a", "b", "c"], False),
        ([[1, 2, 3], [1], [1, 2, 3, 4]], True),
        ([np.zeros((3, 2)), np.zeros((1, 2)), np.zeros((4, 2))], True),
        (Sequences([["a", "b", "c"], ["a"], ["a", "b", "c", "d"]]), True),
        ([[1, 2], [3, 4], [5, 6]], False),  # two targets of a row
        (np.zeros((3, 4)), False),
    ],
)
def test_which_targets_are_of_steps(y, expected):
    assert is_of_steps(y, REAL) == expected


def test_an_array_is_of_steps_where_it_has_one_for_each():
    whole = np.ones((3, 4), bool)
    assert is_of_steps(np.zeros((3, 4)), whole)
    assert not is_of_steps(np.zeros((3, 3)), whole)
    assert not is_of_steps(np.zeros((3, 1)), whole[:, :1])  # a column
    assert not is_of_steps(np.zeros((3, 4)), None)


@pytest.mark.parametrize(
    ("y", "error"),
    [
        ([[1, 2, 3], [1, 2], [1, 2, 3, 4]], "row 2 of X has 1 steps, but y has 2 targets for it; give one for each"),
        ([[1, 2, 3], [1]], "inconsistent numbers of samples"),
    ],
)
def test_targets_that_do_not_fit(y, error):
    with pytest.raises(ValueError, match=error):
        is_of_steps(y, REAL)
    with pytest.raises(InputError, match="y has a target for each step, but X has no steps"):
        is_of_steps(y, None)
    with pytest.raises(InputError, match="y has one target for each row, but the model answers at each step"):
        targets_of_steps([1, 2, 3], REAL.sum(1))


def test_spread_targets_know_their_steps(rng):
    for flat in (rng.integers(0, 5, 8), rng.normal(size=8), rng.normal(size=(8, 2))):
        np.testing.assert_array_equal(known_steps(spread(flat, REAL)), REAL)
        np.testing.assert_array_equal(spread(flat, REAL)[REAL], flat)


# Learning


def parity(rows, shortest=2, longest=10, seed=0):
    """Rows of zeros and ones, and at each step whether there were an odd number of ones so far."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(0, 2, steps).astype(float) for steps in rng.integers(shortest, longest, rows)]
    return X, [np.where(np.cumsum(row) % 2 == 1, "odd", "even") for row in X]


VALID = parity(80, seed=1)


@pytest.fixture(scope="module")
def fitted():
    net = Classifier([GRU(12, "all")], optimizer=Adam(0.03), max_rounds=60)
    return net.fit(*parity(400), validation=VALID)


def test_running_parity_is_learned_and_goes_on_in_longer_rows(fitted):
    assert fitted.score(*parity(100, seed=2)) > 0.99
    longer = parity(20, 25, 30, seed=3)
    assert fitted.score(*longer) > 0.95
    assert [len(row) for row in fitted.predict(longer[0])] == [len(row) for row in longer[0]]


def test_answers_come_back_row_by_row(fitted):
    X, y = VALID
    told, chances = fitted.predict(X), fitted.predict_proba(X)
    assert [len(row) for row in told] == [len(row) for row in X]
    for row, chance in zip(told, chances, strict=True):
        assert chance.shape == (len(row), 2)
        np.testing.assert_allclose(chance.sum(1), 1, rtol=1e-6)
        assert row.tolist() == fitted.classes_[chance.argmax(1)].tolist()
    assert [draws.shape for draws in fitted.sample(X[:2], 3)] == [(3, len(row)) for row in X[:2]]
    assert fitted.predict([]) == []
    for row, logs, chance in zip(y, fitted.log_density(X, y), chances, strict=True):
        right = np.searchsorted(fitted.classes_, row)
        np.testing.assert_allclose(logs, np.log(chance[np.arange(len(row)), right]), rtol=1e-4, atol=1e-6)


def test_padding_and_neighbours_change_no_answer(fitted):
    X = VALID[0]
    found = fitted.predict_proba(X)
    for row in (0, 7):
        np.testing.assert_array_equal(fitted.predict_proba(X[row : row + 1])[0], found[row])
    padded = np.pad(Sequences(X).padded, ((0, 0), (0, 9)), constant_values=np.nan)  # for which the rows are doubled
    for one, other in zip(fitted.predict_proba(padded), found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_step_counts_in_metrics_and_each_row_by_its_weight(fitted):
    X, y = VALID
    right = np.concatenate(y) == np.concatenate(fitted.predict(X))
    assert fitted.score(X, y) == pytest.approx(right.mean())
    assert fitted.leaderboard_["valid_accuracy"].iloc[0] == pytest.approx(right.mean())
    weight = np.arange(len(X)) % 3.0
    steps = np.repeat(weight, [len(row) for row in X])
    wrong = [np.where(row == "odd", "even", "odd") if i % 3 else row for i, row in enumerate(y)]
    expected = accuracy_score(np.concatenate(wrong), np.concatenate(fitted.predict(X)), sample_weight=steps)
    assert fitted.score(X, Sequences(wrong), weight) == pytest.approx(expected)


def test_a_saved_model_answers_the_same(fitted, tmp_path):
    X, _ = parity(5, 5, 15, seed=4)
    fitted.save(tmp_path / "model")
    opened = phalanx.load(tmp_path / "model")
    for one, other in zip(opened.predict_proba(X), fitted.predict_proba(X), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row.tolist() for row in opened.predict(X)] == [row.tolist() for row in fitted.predict(X)]
    table = opened.table(X)
    assert list(table) == ["row", "step", "prediction", "probability_even", "probability_odd"]
    assert table["step"].tolist() == [t + 1 for row in X for t in range(len(row))]
    assert table["row"].tolist() == [i + 1 for i, row in enumerate(X) for _ in row]
    with pytest.raises(
        InputError, match="the model answers at each step of a row, and no source holds targets of steps"
    ):
        opened.evaluate(X)


def test_numbers_at_each_step_by_folds(tmp_path):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(steps, 2)) for steps in rng.integers(2, 9, 150)]
    y = [np.column_stack([row.sum(1), np.full(len(row), 3.0) - row[:, 0]]) for row in X]
    net = Regressor([Dense(16), Tanh()], optimizer=Adam(0.03), max_rounds=25, stopping=None, folds=2).fit(X, y)
    mean = net.predict(X)
    assert [row.shape for row in mean] == [row.shape for row in y]
    assert net.score(X, y) == pytest.approx(r2_score(np.concatenate(y), np.concatenate(mean)))
    assert net.score(X, y) > 0.95
    assert net.leaderboard_["valid_score"].iloc[0] > 0.9
    low, high = net.predict_interval(X, level=0.9)
    inside = np.mean([(a <= b) & (b <= c) for a, b, c in zip(*map(np.concatenate, (low, y, high)), strict=True)])
    assert inside > 0.8
    alone = net.best_.estimator
    mean, deviation = alone.predict(X[:1], return_std=True)
    expected = stats.norm.logpdf(y[0], mean[0], deviation[0]).sum(-1)
    np.testing.assert_allclose(alone.log_density(X[:1], y[:1])[0], expected, rtol=1e-3)
    net.save(tmp_path / "model")
    opened = phalanx.load(tmp_path / "model")
    np.testing.assert_allclose(opened.predict(X[:1])[0].to_numpy(), net.predict(X[:1])[0], rtol=1e-6)


def test_codes_are_labelled_each():
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 4, steps).tolist() for steps in rng.integers(2, 7, 120)]
    y = [[code in (1, 3) for code in row] for row in X]
    net = Classifier([Embedding(4)], optimizer=Adam(0.05), max_rounds=10, stopping=None)
    net.set_params(regularizers=[LabelSmoothing(0.05)]).fit(X, y)
    assert net.score(X, y) == 1
    assert net.predict([[1, 0], [2]])[0].tolist() == [True, False]
    assert len(net.predict([[1, 0] * 9])[0]) == 18  # longer than any in training


@pytest.mark.parametrize(
    ("layers", "error"),
    [
        ([GRU(4)], r'end with rows of shape \(4,\); let the last recurrent layer have output="all"'),
        (
            [Conv(4), MaxPool()],
            "make 4 steps of 9, but each has a target; leave out pooling, and let convolutions have",
        ),
    ],
)
def test_networks_that_do_not_answer_at_each_step(layers, error):
    with pytest.raises(InputError, match=error):
        Classifier(layers, max_rounds=1).fit(*parity(60))
