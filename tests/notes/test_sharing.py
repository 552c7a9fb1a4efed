"""Shared weights by NumPy's back-propagation, word vectors by the law of a chance fit, sparseness by counting."""

import numpy as np
import pytest
from scipy.stats import beta, ttest_rel

from phalanx import Dense, Gaussian, Network, Tanh
from phalanx.model import initialize
from phalanx.notes.chapters import sharing as chapter

SEEDS = 2


@pytest.fixture(scope="module")
def words():
    return chapter.word_vectors(SEEDS, draws=3)


@pytest.mark.row("F5")
def test_the_slope_of_a_shared_weight_is_the_sum_over_its_places():
    """By hand, in float64: x̂ = tanh(x W + b) Wᵀ + c and J = mean of ½ ‖x̂ − x‖², with biases of 0.

    In float32 a sum of 100 rows and 64 pixels is rounded to about √6,400 · 2⁻²⁴ = 5e-6.
    """
    layers = [Dense(chapter.CODE, name="encoder"), Tanh(), Dense(chapter.PIXELS, name="output")]
    params, _ = initialize(Network(layers, Gaussian(), [chapter.TIED]), 0, (chapter.PIXELS,))
    W, x = np.float64(params["encoder"]["weight"]), np.float64(chapter.digits()[0][:100].reshape(100, -1))
    h = np.tanh(x @ W)
    g = (h @ W.T - x) / 100
    way_in, way_out = x.T @ (g @ W * (1 - h**2)), g.T @ h
    for found, expected in zip(chapter.slopes(), (way_in + way_out, way_in, way_out), strict=True):
        np.testing.assert_allclose(found, expected, atol=5e-6)


@pytest.mark.row("F5")
def test_sharing_leaves_one_weight_to_learn():
    layers = [Dense(chapter.CODE, name="encoder"), Tanh(), Dense(chapter.PIXELS, name="output")]
    params, _ = initialize(Network(layers, Gaussian(), [chapter.TIED]), 0, (chapter.PIXELS,))
    assert sum(value.size for held in params.values() for value in held.values()) == 64 * 16 + 16 + 64


@pytest.mark.row("F7")
def test_vectors_hold_what_they_were_learned_for(words):
    """A line through 60 points on 4 chance columns explains a share that is Beta(4/2, 55/2): so much at most of what
    was not asked for, with a probability of 1 − 10⁻⁴ (of the mean of several draws too), and far more of the rest.
    """
    chance = beta.ppf(1 - 1e-4, 2, 27.5)
    asked = np.array([[False, False], [False, True], [True, False], [True, True]])
    assert (words["held"][~asked] < chance).all()
    assert (words["held"][asked] > 1 - chance).all()
    assert chance < 0.4


@pytest.mark.row("F7")
def test_shared_vectors_serve_a_third_task_better(words):
    """Paired over draws of its sentences; where sentiment alone is asked for, its vectors are as good."""
    kept = words["scores"][:, :, 0]
    assert ttest_rel(kept[:, 0, 3], kept[:, 0, 2], alternative="greater").pvalue < 0.01
    assert ttest_rel(kept[:, 0, 3], kept[:, 0, 1], alternative="greater").pvalue < 0.01
    assert ttest_rel(kept[:, 1, 2], kept[:, 1, 1], alternative="greater").pvalue < 0.01
    # of 3,000 sentences, of which 9 of 10 are understood, the share is known to 2 · √(.9 · .1 / 3,000) = 1.1 %
    assert np.mean(kept[:, 1, 2] - kept[:, 1, 3]) < 2 * 0.011


@pytest.mark.row("F7")
def test_a_head_without_weight_teaches_nothing():
    """Vectors learned for sentiment alone are the same, to the bit, whatever the sarcasm is said to be."""
    rng = np.random.default_rng(0)
    sentences, kind, mocking = chapter.language(rng, 800, rng.normal(0, 1, (chapter.VOCABULARY, 2)))
    one, other = (chapter.two_tasks(SEEDS, (sentences, kind, said)) for said in (mocking, rng.permutation(mocking)))
    for i, (a, b) in enumerate(zip(one, other, strict=True)):
        same = np.array_equal(a.params["words"]["weight"], b.params["words"]["weight"])
        assert same == (i // SEEDS in (0, 2))  # of nothing and of sentiment


@pytest.mark.row("F8")
def test_a_penalty_on_activity_makes_units_silent():
    """The share of active units is known to √(¼ / 797) = .018 over images: 5 · √2 times that is a sure difference."""
    found = chapter.sparse(SEEDS)
    active, named = found["each"]
    surely = 5 * np.sqrt(2) * 0.018
    for more, less in ((0, 1), (1, 2)):
        assert active[more].min() - active[less].max() > surely
    # near .97 of 797 are named: equal shares are within 2 · 1.96 · √(2 · .97 · .03 / 797) = 3.3 %
    assert np.abs(named[2].mean() - named[0].mean()) < 0.033


@pytest.mark.slow
@pytest.mark.row("F5")
def test_sharing_helps_where_images_are_few_and_hinders_where_they_are_many():
    few, many = (chapter.copied(count, 2, 6, 1500) for count in chapter.FEW_AND_MANY)
    assert ttest_rel(few[:, 0], few[:, 1], alternative="greater").pvalue < 0.05
    assert ttest_rel(many[:, 1], many[:, 0], alternative="greater").pvalue < 0.01
