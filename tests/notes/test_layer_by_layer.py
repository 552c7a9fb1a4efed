"""Layer by layer against all at once: scores by exact binomial intervals, gradients by NumPy, layers to the bit."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import binomtest

from phalanx import Dense, Momentum, Multinoulli, Network, Pixels, choice
from phalanx.model import initialize
from phalanx.notes.chapters import layer_by_layer as chapter

SEEDS, ROWS, STAGE = 2, 600, 8


@pytest.fixture(scope="module")
def data():
    return chapter.images(ROWS)


@pytest.fixture(scope="module")
def stages(data):
    return chapter.by_labels(data[0], SEEDS, STAGE)


def interval(share, tested):
    """Clopper and Pearson's, which holds the true share with a probability of 0.999 at least."""
    return binomtest(round(share * tested), tested).proportion_ci(0.999)


def is_above(scores, others, tested):
    """Say whether the worst of some networks is surely better than the best of others."""
    return interval(min(scores), tested).low > interval(max(others), tested).high


@pytest.mark.row("A7")
def test_layer_by_layer_the_same_sigmoids_learn(data, stages):
    """From where the stages end, and not from the start, by the same rule in as many passes in all."""
    train, valid, test = data
    scores = []
    for rounds, begun in ((8 * 5 + 12, None), (12, stages[-1])):
        rule = Momentum(choice(*chapter.RATES))
        net = chapter.together(train, SEEDS, rounds, chapter.SIGMOID, rule, begun)
        scores.append([chapter.correct(member, test) for member in chapter.of_best_rate(net, SEEDS, valid, test)])
    assert is_above(scores[1], scores[0], len(test[1]))


def moved(old, new):
    """Return the layers that are no longer as they were."""
    return {
        name
        for name, held in new.params.items()
        if any((value != old.params[name][key]).any() for key, value in held.items())
    }


def check_stages(stages):
    for k, (before, after) in enumerate(itertools.pairwise(stages), start=2):
        for old, new in zip(before, after, strict=True):
            assert moved(old, new) == {f"h{k}", f"top{k}.output"}


@pytest.mark.row("A7")
def test_each_stage_trains_one_layer(stages):
    check_stages(stages)


def of_numpy(activation, slope, initializer, X, y, seed):
    """The gradient in the weights of each hidden layer by back-propagation, in float64, from the weights of a seed."""
    units = {"activation": activation, "initializer": initializer}
    network = Network([Pixels(), *chapter.hidden(**units), Dense(10, "glorot", name="output")], Multinoulli())
    params, _ = initialize(network, seed, X.shape[1:])
    W, b = (
        [np.float64(params[name][key]) for name in ("h1", "h2", "h3", "h4", "h5", "output")]
        for key in ("weight", "bias")
    )
    h, z = [(np.float64(X).reshape(len(X), -1) - X.mean(dtype=np.float64)) / X.std(dtype=np.float64)], []
    for weight, bias in zip(W, b, strict=True):
        z.append(h[-1] @ weight + bias)
        h.append(expit(z[-1]) if initializer == "glorot" else np.maximum(z[-1], 0))
    g, found = (softmax(z[-1], axis=1) - np.eye(10)[y]) / len(y), []
    for k in range(4, -1, -1):
        g = g @ W[k + 1].T * slope(z[k])
        found.append(h[k].T @ g)
    return found[::-1]


@pytest.mark.row("A7")
def test_the_gradient_shrinks_by_about_a_quarter_a_layer(data):
    """By NumPy's own back-propagation. With Glorot's weights E ‖Wg‖² = ‖g‖², and σ' ≤ ¼, so that the lowest of five
    layers gets about 4⁴ = 256 times less than the highest; less σ' below its largest, and more or less by chance.
    """
    X, y = data[0][0][:256], data[0][1][:256]
    kinds = {
        "sigmoid": (chapter.SIGMOID, lambda z: expit(z) * expit(-z)),
        "ReLU and He's weights": (chapter.RECTIFIER, lambda z: z > 0),
    }
    for name, (units, slope) in kinds.items():
        squares = []
        for seed in range(8):
            gradients = of_numpy(units["activation"], slope, units["initializer"], X, y, seed)
            squares.append([np.mean(gradient**2) for gradient in gradients])
        # float32: 6 layers of sums of at most 256 products, each rounded to 2⁻²⁴: about √(6 · 256) · 2⁻²⁴ = 2e-6
        sizes = np.sqrt(np.mean(squares, axis=0))
        np.testing.assert_allclose(chapter.slopes(units, data[0]), sizes, rtol=2e-5)
        ratio = sizes[-1] / sizes[0]
        assert 4**3 < ratio < 4**5 if name == "sigmoid" else 1 / 4 < ratio < 4


@pytest.mark.slow
@pytest.mark.row("A9")
def test_each_stage_without_labels_trains_one_layer(data):
    check_stages(chapter.by_pixels(data[0], SEEDS, 1))


@pytest.mark.slow
@pytest.mark.row("A7")
@pytest.mark.row("A9")
def test_without_labels_too_and_rectifiers_do_not_need_it():
    """Whatever is above the sigmoids trained at once is surely so; and rectifiers are at most 5 % below the others: two
    shares near .95 of 497 digits are within 2 · 1.96 · √(2 · .95 · .05 / 497) = 5 % if they are equal.
    """
    found = chapter.compute()
    scores = found["scores"]
    for way in ("labels", "pixels", "rectifiers", "modern"):
        assert is_above(scores[way], scores["joint"], found["tested"])
    for way in ("rectifiers", "modern"):
        assert found["mean"][way] > max(found["mean"]["labels"], found["mean"]["pixels"]) - 0.05
