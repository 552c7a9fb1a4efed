"""One call for four kinds of data: each seed by an exact binomial test, and what the made data are, by counting."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import binomtest, ttest_ind

from phalanx.notes.chapters import one_algorithm as chapter

KINDS = {
    "table": chapter.wines,
    "images": lambda: chapter.images(300),
    "sounds": lambda: chapter.sounds(150),
    "texts": lambda: chapter.texts(240),
}


@pytest.mark.row("A1")
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_call_learns(kind):
    """Each seed names more than the commonest class would get; by chance in fewer than one of a thousand."""
    X, y = KINDS[kind]()
    scores, commonest, count = chapter.taught(chapter.learner(2), X, y)
    tested = y[len(y) // 3 :]
    assert commonest == max(np.mean(tested == label) for label in set(tested.tolist()))
    for share in scores:
        assert binomtest(round(share * count), count, commonest, alternative="greater").pvalue < 1e-3


@pytest.mark.row("A1")
def test_only_the_order_of_the_words_tells_a_question():
    stated, asked = (chapter.sentence(mood, np.random.default_rng(0)) for mood in chapter.MOODS)
    assert stated != asked
    assert sorted(stated.split()) == sorted(asked.split())


@pytest.mark.row("A1")
def test_mixed_pixels_are_as_far_apart_as_before():
    """What a layer that is joined to all pixels can make of them does not depend on their places."""
    X = chapter.images(50)[0]
    np.testing.assert_allclose(pdist(chapter.scrambled(X).reshape(50, -1)), pdist(X.reshape(50, -1)))
    assert (chapter.scrambled(X) != X).any()


@pytest.mark.row("A1")
def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("kind,size\n" + "\n".join(f"{'ab'[i % 2]},{i % 2 + i / 100}" for i in range(60)) + "\n")
    X, y = chapter.own(str(path), "kind")
    assert list(X) == ["size"]
    assert sorted(zip(y, X["size"].round(2), strict=True))[0] == ("a", 0.0)
    assert list(chapter.own(str(path), None)[0]) == ["kind"]


@pytest.mark.slow
@pytest.mark.row("A1")
def test_a_dense_network_does_not_care_where_pixels_are_but_a_convolution_does():
    """By Welch's test over seeds: a gain from convolution, a loss where pixels are mixed, none for the dense one."""
    found = chapter.compute()
    digits, mixed = chapter.images(900), chapter.scrambled(chapter.images(900)[0])
    dense, blind = (chapter.taught(chapter.learner(6), X, digits[1])[0] for X in (digits[0], mixed))
    looking, lost = (chapter.taught(chapter.looker(6), X, digits[1])[0] for X in (digits[0], mixed))
    assert ttest_ind(looking, dense, equal_var=False, alternative="greater").pvalue < 0.05
    assert ttest_ind(looking, lost, equal_var=False, alternative="greater").pvalue < 0.05
    assert ttest_ind(dense, blind, equal_var=False).pvalue > 0.05
    assert found["mixed"] == pytest.approx(np.mean(blind))
    assert found["convolved"] == pytest.approx([np.mean(looking), np.mean(lost)])
