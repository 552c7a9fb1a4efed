"""Handwriting: the comparison is fair, its intervals are right, and on MNIST the convolutional network wins."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_digits

from phalanx.notes.chapters import handwriting as chapter

SPLITS, TRIES = 2, 2
IMAGES = Path(__file__).parents[3] / "shared" / "data" / "images"


@pytest.fixture(scope="module")
def found():
    return chapter.compute(splits=SPLITS, tries=TRIES, rounds=6, images=500)


@pytest.mark.row("A5")
def test_every_row_tests_once_and_is_never_learned_from_in_that_split():
    y = load_digits(return_X_y=True)[1]
    splits = chapter.crossed(y, 5)
    np.testing.assert_array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(len(y)))
    for split in splits:
        every = np.concatenate([split.train, split.valid, split.test])
        np.testing.assert_array_equal(np.sort(every), np.arange(len(y)))


def test_the_interval_is_that_of_nadeau_and_bengio():
    """Without overlap, (1/k + 0) s², it is Student's; with it, by hand: k = 2, differences 0 and 2, s² = 2."""
    differences = np.array([0.01, -0.02, 0.005, 0.0])
    students = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert chapter.interval(differences, 0.0) == pytest.approx(tuple(students), rel=1e-9)
    low, high = chapter.interval(np.array([0.0, 2.0]), 0.5)  # √((1/2 + 1/2) · 2) = √2; t of 1 degree is 12.706
    assert (low, high) == pytest.approx((1 - 12.7062 * 2**0.5, 1 + 12.7062 * 2**0.5), rel=1e-5)


@pytest.mark.row("A5")
def test_all_sides_are_scored_on_the_same_rows(found):
    scores = found["scores"]
    assert list(scores) == ["SVM", "dense", "convolutional", "average"]
    tested = 500 // SPLITS
    for name, own in scores.items():
        assert own.shape == (SPLITS,)
        np.testing.assert_allclose(own * tested, np.round(own * tested), atol=1e-9, err_msg=name)
        assert (own > 0.1 + 4 * np.sqrt(0.1 * 0.9 / tested)).all(), name  # above a guess among ten, by 4 errors
    assert found["networks"] == 2 * TRIES * SPLITS
    table = found["table"].set_index("")
    assert table.loc["SVM", "difference"] == 0
    for name in ("dense", "convolutional", "average"):
        line = table.loc[name]
        assert line["from"] <= line["difference"] <= line["to"]
        assert line["difference"] == pytest.approx(np.mean(scores[name] - scores["SVM"]))


def test_the_verdict_follows_from_the_intervals(found):
    table = found["table"].copy()
    table.loc[1:, "from"], table.loc[1:, "to"] = [-0.2, 0.1, -0.1], [-0.1, 0.2, 0.1]
    said = chapter.verdict(table)
    assert said == (
        "On these images the dense network did worse than the SVM; the convolutional network did better than the SVM; "
        "the average of all convolutional networks cannot be told apart from the SVM."
    )
    table.loc[1:, "to"] = -0.05
    assert chapter.listed(["a", "b", "c"]) == "a, b and c"
    assert chapter.verdict(table).count("did worse than") == 1


def read(name):
    path = IMAGES / name
    with gzip.open(path) as file:
        whole = file.read()
    dimensions = whole[3]
    shape = np.frombuffer(whole, ">i4", dimensions, 4)
    return np.frombuffer(whole, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


@pytest.mark.slow
@pytest.mark.row("A5")
@pytest.mark.skipif(not IMAGES.is_dir(), reason=f"MNIST is not in {IMAGES}")
def test_on_mnist_the_convolutional_network_beats_the_svm():
    """4,000 rows train, 1,000 choose, all 10,000 test; beyond 4 standard errors of a difference of two shares."""
    x = np.concatenate([read("train-images-idx3-ubyte.gz")[:5000], read("t10k-images-idx3-ubyte.gz")])
    y = np.concatenate([read("train-labels-idx1-ubyte.gz")[:5000], read("t10k-labels-idx1-ubyte.gz")]).astype(int)
    split = chapter.Split(np.arange(4000), np.arange(4000, 5000), np.arange(5000, 15000))
    scores = chapter.compare((x / 255).astype(np.float32)[..., None], y, [split], tries=3, rounds=10)
    errors = {name: 1 - own[0] for name, own in scores.items()}
    noise = np.sqrt((errors["SVM"] + errors["convolutional"]) / 10_000)
    assert errors["convolutional"] < errors["SVM"] - 4 * noise
