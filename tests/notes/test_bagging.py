"""The chapter on bagging against the square multiplied out, SciPy's binomial law, and counted votes."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.datasets import make_regression

from phalanx.notes.chapters import bagging

pytestmark = pytest.mark.row("F9")


@pytest.fixture(scope="module")
def found():
    return bagging.compute(k=6, rounds=10, vote_rows=150)


def test_the_error_of_each_bag_is_the_formula(found):
    """E[(1/k Σ ε_i)²] over rows in one step, and over all pairs of members one by one."""
    table = found["bags_table"].set_index("bag")
    assert len(table) == 4
    for name, errors in found["errors"].items():
        k = len(errors)
        pairs = [(errors[i] * errors[j]).mean() for i in range(k) for j in range(k)]
        bag = np.mean(pairs)  # the square of a sum is the sum of all products
        v, c = bagging.moments(errors)
        assert v / k + (k - 1) * c / k == pytest.approx(bag, rel=1e-12)
        assert ((errors.sum(0) / k) ** 2).mean() == pytest.approx(bag, rel=1e-12)
        row = table.loc[name]
        assert row[["v", "c", "formula", "error of the bag"]].tolist() == pytest.approx([v, c, bag, bag], abs=6e-4)
    assert found["identity"] < 1e-12


def test_a_bag_is_never_worse_than_its_members_on_average(found):
    for errors in found["errors"].values():
        for size in range(2, len(errors) + 1):
            for some in combinations(errors, size):
                assert (np.mean(some, 0) ** 2).mean() <= np.mean(np.square(some)) * (1 + 1e-12)
    alike = next(iter(found["errors"].values()))
    assert bagging.moments(np.tile(alike[:1], (5, 1))) == pytest.approx(2 * ((alike[0] ** 2).mean(),))  # c = v
    rng = np.random.default_rng(0)
    v, c = bagging.moments(rng.choice([-1.0, 1.0], (8, 100_000)))
    assert v == 1
    assert abs(c) < 4 / np.sqrt(28 * 100_000)  # 28 independent pairs: v/k is left


def test_members_of_a_bag_are_models_trained_on_other_rows(found):
    for errors in found["errors"].values():
        assert len(np.unique(errors.round(6), axis=0)) == len(errors)
    trees = found["errors"]["trees"]
    squares = (trees**2).mean(1)
    assert (trees.mean(0) ** 2).mean() < squares.min()
    shares = [bagging.moments(errors) for errors in found["errors"].values()]
    (v, c), (network_v, network_c) = shares[2], shares[0]
    assert c / v < network_c / network_v  # full-grown trees agree less
    assert found["tree_gain"] == pytest.approx((1 - 1 / 6) * (1 - c / v))  # so they gain more: 1 − formula / v
    assert found["tree_gain"] > found["network_gain"]


def test_different_models_make_a_bag():
    X, t = make_regression(80, 3, noise=5.0, random_state=0)
    net = bagging.bag_of_networks(X, t / t.std(), 4, rounds=2, different=True)
    sizes = {(member.params["dense_1"]["weight"].shape[1], type(member.spec.layers[2])) for member in net.members_}
    assert len(sizes) > 1
    assert list(net.ensemble_.values()) == [pytest.approx(1 / 4)] * 4


def test_random_bags_of_a_size_are_on_the_curve(found):
    for name, measured in found["growth"].items():
        errors = found["errors"][name]
        v, c = bagging.moments(errors)
        pairs = [(np.mean(pair, 0) ** 2).mean() for pair in combinations(errors, 2)]
        assert np.mean(pairs) == pytest.approx((v + c) / 2)
        deviation = np.std(pairs) / np.sqrt(bagging.GROWTH)
        assert abs(measured[1] - (v + c) / 2) < 4 * deviation
        assert measured[-1] == pytest.approx((np.mean(errors, 0) ** 2).mean())


def test_a_bootstrap_sample_holds_two_thirds_of_the_rows(found):
    n = found["rows"]
    out = (1 - 1 / n) ** n
    assert found["distinct_theory"] == pytest.approx(1 - out)
    variance = (1 - 1 / n) * (1 - 2 / n) ** n + out / n - out**2  # of the share that is left out
    assert abs(found["distinct"] - (1 - out)) < 4 * np.sqrt(variance / found["bags"])
    assert sorted(np.unique(bagging.bootstrap(5, 0))) != list(range(5))


def test_the_vote_is_that_of_the_most_members(found):
    networks = found["said"]["networks"].argmax(2)
    counted = np.array([np.bincount(row, minlength=10).argmax() for row in networks.T])
    np.testing.assert_array_equal(found["vote"], counted)
    votes = found["votes"].set_index("members")
    assert votes.loc["networks", "majority vote"] == pytest.approx((counted == found["labels"]).mean(), abs=6e-5)
    for name, said in found["said"].items():
        each = (said.argmax(2) == found["labels"]).mean(1)
        assert votes.loc[name, "right, on average"] == pytest.approx(each.mean(), abs=6e-5)
        assert votes.loc[name, "majority vote"] > each.mean()  # most of them are right about most rows


def test_a_majority_of_independent_members_follows_the_binomial_law(found):
    for _, row in found["majorities"].iterrows():
        for k in (1, 5, 15, 31):
            assert row[f"k = {k}"] == pytest.approx(stats.binom.sf(k // 2, k, row["p"]), abs=6e-5)
    worse, better = found["majorities"].iloc[0], found["majorities"].iloc[2]
    assert worse["k = 31"] < worse["k = 1"]
    assert better["k = 31"] > better["k = 1"]


def test_a_table_of_ones_own(tmp_path):
    X, t = make_regression(90, 3, noise=5.0, random_state=1)
    path = tmp_path / "mine.csv"
    pd.DataFrame(X, columns=["a", "b", "c"]).assign(name="x", yield_=t).to_csv(path, index=False)
    X_read, read = bagging.numbers(str(path), "yield_")
    np.testing.assert_allclose(X_read, X)
    np.testing.assert_allclose(read, (t - t.mean()) / t.std())
    np.testing.assert_allclose(bagging.numbers(str(path), None)[1], read)
