"""The chapter on dropout against what softmax regression has in closed form, hand-worked means, and drawn masks."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import softmax

from phalanx.notes.chapters import dropout
from phalanx.notes.chapters.dropout import RATE, SAMPLES

pytestmark = pytest.mark.row("F10")


@pytest.fixture(scope="module")
def found():
    return dropout.compute(seeds=4, rounds=30, rows=200)


def test_the_two_means_of_two_networks_by_hand():
    """(½, ½) and (⅘, ⅕), equally likely: √(½ · ⅘) : √(½ · ⅕) = 2 : 1, and (½ + ⅘)/2 = 0.65."""
    said = [(0.5, np.log([[0.5, 0.5]])), (0.5, np.log([[0.8, 0.2]]) + 3)]
    geometric, arithmetic = dropout.over_masks(iter(said))
    np.testing.assert_allclose(geometric, [[2 / 3, 1 / 3]])
    np.testing.assert_allclose(arithmetic, [[0.65, 0.35]])


def test_all_masks_are_gone_through_and_their_probabilities_add_up():
    every = dropout.masks(6)
    assert len({tuple(mask) for mask in every}) == 64
    assert sum(map(dropout._chance, every)) == pytest.approx(1)


def test_weight_scaling_is_the_renormalized_geometric_mean(found):
    """Dropped and divided inputs are x on average; logits are linear in them, so their mean is that of x itself."""
    weight, bias, x, network, geometric, _ = found["softmax_regression"]
    np.testing.assert_allclose(geometric, softmax(x.astype(float) @ weight + bias, axis=1), rtol=1e-9)
    # float32: logits below 32 are sums of 13 products, each rounded by 2⁻²⁴ of at most 32
    np.testing.assert_allclose(network, geometric, atol=14 * 32 * 2.0**-24)


def test_the_arithmetic_mean_is_another_number(found):
    """Against masks drawn by NumPy, within four standard errors."""
    weight, bias, x, network, _, arithmetic = found["softmax_regression"]
    kept = np.random.default_rng(1).random((20_000, 1, x.shape[1])) > RATE
    drawn = softmax((x[:5] * kept / (1 - RATE)) @ weight + bias, axis=2)
    error = drawn.std(0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(0) - arithmetic[:5]) < 4 * error).all()
    assert (np.abs(network - arithmetic).max(1)[:5] > 4 * error.max(1)).any()


def test_the_subnetworks_share_their_weights(found):
    """Of d inputs and k classes: 2^d networks with d/2 inputs on average, each with k weights for them and k biases."""
    d, k = found["inputs"], 3
    assert found["masks"] == 2**d == 8192
    assert found["parameters"] == d * k + k
    assert found["apart"] == 2**d * (d * k // 2 + k) + 2**d * (d * k % 2) // 2


def test_an_average_over_drawn_masks_tends_to_the_arithmetic_mean(found):
    """All rows see the same masks, so the squared distance is Σ λ χ² / N with the eigenvalues λ of the covariance over
    masks of all probabilities together: about a χ² of (Σ λ)² / Σ λ² degrees (Satterthwaite).
    """
    weight, bias, x, _, _, mean = found["softmax_regression"]
    every = dropout.masks(x.shape[1])
    said = np.array([softmax((x * mask / (1 - RATE)) @ weight + bias, axis=1) - mean for mask in every])
    chance = np.array(list(map(dropout._chance, every)))[:, None]
    flat = said.reshape(len(every), -1)
    values = np.linalg.eigvalsh(flat.T @ (chance * flat))
    degrees = values.sum() ** 2 / (values**2).sum()
    low, high = np.sqrt(stats.chi2.ppf([0.0005, 0.9995], degrees) / degrees)
    expected = np.sqrt(values.sum() / mean.size / np.array(SAMPLES))
    assert (low * expected < found["distances"]).all()
    assert (found["distances"] < high * expected).all()
    assert found["distances"][-1] < found["distances"][0] / 4  # 256 times the masks; the root would be 16


def test_dropping_connections_before_a_softmax_is_exact_too(found):
    assert found["connect_masks"] == 2 ** found["connect_weights"] == 4096
    assert found["connect_gap"] < 14 * 32 * 2.0**-24
    assert found["connect_arithmetic"] > 100 * found["connect_gap"]


def test_behind_a_rectifier_it_is_an_approximation(found):
    assert len(found["subnetworks"]) == found["deep_masks"] == 2 ** found["deep_units"]
    assert found["deep_gap"] > 14 * 32 * 2.0**-24 * 100
    accuracy = found["deep"].set_index("")["accuracy on other rows"]
    assert accuracy["geometric mean"] > accuracy["subnetworks, on average"]
    assert accuracy["weight scaling"] > accuracy["subnetworks, on average"]
    assert accuracy["subnetworks, on average"] > 1.5 / 10  # each of them classifies; chance is a tenth


def test_dropout_takes_away_what_was_overfitted(found):
    table = found["rate_table"]
    train, valid, test = np.moveaxis(table, -1, 0)
    assert (np.diff(train.mean(-1), axis=1) > 0).all()  # the more is dropped, the less is learned by heart
    assert (train[:, 0].mean() < 0.5 * test[:, 0].mean()).all()
    chosen = valid.argmin(1)
    for kind, name in enumerate(("unit_gain", "weight_gain")):
        change = test[kind, chosen[kind], range(test.shape[2])] - test[kind, 0]
        low, high = stats.ttest_1samp(change, 0).confidence_interval(0.95)
        assert high < 0
        assert found[name] == pytest.approx(((low + high) / 2, (high - low) / 2))
    assert abs(found["digit_gain"][0]) / found["digit_error"] < abs(found["unit_gain"][0]) / test[0, 0].mean()


def test_a_table_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    path = tmp_path / "mine.csv"
    frame.assign(kind=np.where(frame.a > 0, "x", "y"), size=3 * frame.b + 1).to_csv(path, index=False)
    _, named = dropout.table(str(path), "kind")
    np.testing.assert_array_equal(named, np.where(frame.a > 0, 0, 1))
    x, size = dropout.table(str(path), None)
    np.testing.assert_allclose(size, (frame.b - frame.b.mean()) / frame.b.std(ddof=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-6)
