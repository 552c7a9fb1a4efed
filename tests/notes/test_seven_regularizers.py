"""The comparison of seven regularizers: that it is one, recomputed from what was measured."""

import jax
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_digits

from phalanx.engine import initialize
from phalanx.notes.chapters import seven_regularizers
from phalanx.notes.chapters.seven_regularizers import STRENGTHS, arms, chosen
from phalanx.notes.chapters.seven_regularizers import tested as at_the_end

pytestmark = pytest.mark.row("F11")

SEVEN = ["L1", "L2", "dropout", "early stopping", "augmentation", "multitasking", "adversarial training"]


@pytest.fixture(scope="module")
def found():
    return seven_regularizers.compute(splits=3, rounds=30)


def test_all_seven_of_the_margin_are_there(found):
    assert found["outcome"]["method"].tolist() == ["none", *SEVEN]
    assert [method for method, _ in arms()] == ["none", *np.repeat(SEVEN, 3)]
    assert {len(tried) for name, tried in STRENGTHS.items() if name != "none"} == {3}  # as many tries for each


def test_networks_differ_in_their_method_only():
    """The same initial weights for one seed, the same optimizer and batches; each strength stands in one place."""
    plain = seven_regularizers.network("none", 0.0)
    first, _ = initialize(plain, 3, (8, 8, 1))
    for method, one in arms():
        params, _ = initialize(one, 3, (8, 8, 1))
        assert jax.tree.structure(params) == jax.tree.structure(first)
        for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(first), strict=True):
            np.testing.assert_array_equal(a, b)
        assert (one.optimizer, one.batch_size) == (plain.optimizer, plain.batch_size)
        differs = {
            "L1": one.regularizers,
            "L2": one.regularizers,
            "adversarial training": one.regularizers,
            "early stopping": one.stopping,
            "dropout": one.layers[4].rate,
            "augmentation": one.layers[0].degrees,
            "multitasking": one.likelihood.heads[1].weight,
        }
        on = {name for name, value in differs.items() if value}
        assert on == ({"L1", "L2", "adversarial training"} if one.regularizers else {method} - {"none"})
        assert not one.regularizers or type(one.regularizers[0]).__name__.lower()[:2] == method.lower()[:2]


def test_the_strength_is_chosen_by_validation_rows_alone(found):
    for table in found["measured"].values():
        picks = chosen(table)
        for split in range(table.shape[1]):
            costs = [table[k, split, 1, 1] for k in range(len(table))]
            assert costs[picks[split]] == min(costs)
            np.testing.assert_array_equal(at_the_end(table)[split], table[picks[split], split, 2])


def test_rows_that_train_validate_and_test_are_not_the_same():
    _, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    parts = np.split(order, [100, 250])
    assert sorted(np.concatenate(parts)) == list(range(len(y)))


def test_a_network_without_a_regularizer_overfits(found):
    plain = found["measured"]["none"][0]
    error, cost, sure = np.moveaxis(plain, -1, 0)
    assert (error[:, 0] == 0).all()  # by heart
    assert (cost[:, 2] > 5 * cost[:, 0]).all()
    assert (sure[:, 0] > sure[:, 2]).all()
    assert found["sure"] == pytest.approx(sure[:, 2].mean())


def test_gains_are_paired_differences_with_their_intervals(found):
    plain = at_the_end(found["measured"]["none"])
    table = found["outcome"].set_index("method")
    for method in SEVEN:
        for what, (gain, half) in enumerate((("gain", "±"), ("gain of cost", "± of it"))):
            paired = plain[:, what] - at_the_end(found["measured"][method])[:, what]
            low, high = stats.ttest_1samp(paired, 0).confidence_interval(0.95)
            assert found["gains"][method][what] == pytest.approx(((low + high) / 2, (high - low) / 2))
            assert table.loc[method, [gain, half]].tolist() == pytest.approx(
                [paired.mean(), (high - low) / 2], abs=6e-5
            )
    better = [name for name in SEVEN if found["gains"][name][1][0] > found["gains"][name][1][1]]
    assert found["cost_names"] == (", ".join(better) or "none of them")
    assert found["cost_helps"] == len(better)


def test_penalties_make_a_network_less_sure(found):
    for method in ("L1", "L2"):
        sure = found["measured"][method][:, :, 2, 2]  # (strengths, splits)
        assert (np.diff(sure, axis=0) < 0).all()
        assert (sure[-1] < found["measured"]["none"][0, :, 2, 2]).all()


@pytest.mark.slow
def test_at_full_size_penalties_and_adversarial_training_lower_the_cost():
    full = seven_regularizers.compute()
    for method in ("L1", "L2", "early stopping", "adversarial training"):
        mean, half = full["gains"][method][1]
        assert mean > half
    mean, half = full["gains"]["adversarial training"][0]
    assert mean > half
    plain = full["measured"]["none"][0, :, 2]
    assert stats.ttest_1samp(plain[:, 2] - (1 - plain[:, 0]), 0).confidence_interval(0.95).low > 0  # too sure of itself
