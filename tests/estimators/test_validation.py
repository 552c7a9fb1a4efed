"""Validation rows of one's own, and groups whose rows stay together."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from phalanx import Adam, Classifier, Dense, InputError, MultiTask, Regressor, Tanh
from phalanx.data import split_rows
from phalanx.estimators import base

NET = {"layers": [Dense(4), Tanh()], "optimizer": Adam(0.01), "max_rounds": 3}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    return X, X[:, 0] + 0.1 * rng.normal(size=100)


@pytest.fixture
def problems(monkeypatch):
    """The problems that estimators hand to training."""
    seen, fit = [], base.fit

    def noted(problem, *rest, **options):
        seen.append(problem)
        return fit(problem, *rest, **options)

    monkeypatch.setattr(base, "fit", noted)
    return seen


def test_what_is_given_validates_and_all_else_trains(rows, problems):
    X, y = rows
    Regressor(**NET).fit(X[:70], y[:70], validation=(X[70:], y[70:]))
    (problem,) = problems
    assert sorted(problem.values[0][problem.train, 0]) == sorted(y[:70])
    np.testing.assert_array_equal(problem.values[0][problem.valid, 0], y[70:])


def test_validation_rows_do_not_change_what_is_learned_of_the_others(rows):
    """The encoder, the target's scale and the weights after the last round are those of the training rows."""
    X, y = rows
    net = {**NET, "stopping": None}
    alone = Regressor(**net).fit(X[:70], y[:70])
    beside = Regressor(**net).fit(X[:70], y[:70], validation=(50 + X[70:], 9 * y[70:]))
    assert beside.encoder_ == alone.encoder_
    np.testing.assert_array_equal(beside.predict(X), alone.predict(X))
    error = np.sqrt(np.mean((beside.predict(50 + X[70:]) - 9 * y[70:]) ** 2))
    assert beside.leaderboard_["valid_rmse"].iloc[0] == pytest.approx(error, rel=1e-6)
    assert "valid_rmse" not in alone.leaderboard_


def test_validation_is_read_as_the_rows_of_predict(rows):
    X, y = rows
    frame = pd.DataFrame({"a": X[:, 0], "c": list("uvwu") * 25})
    labels = np.where(y > 0, "up", "down")
    later = frame[60:].assign(c="new")
    with pytest.warns(UserWarning, match="column 'c' has values that training did not"):
        net = Classifier(**NET).fit(frame[:60], labels[:60], validation=(later, labels[60:]))
    with pytest.warns(UserWarning, match="column 'c'"):
        right = (net.predict(later) == labels[60:]).mean()
    assert net.leaderboard_.set_index("id").loc["ensemble", "valid_accuracy"] == pytest.approx(right)


def test_several_targets_and_refitting_with_validation(rows):
    X, y = rows
    targets = pd.DataFrame({"n": y, "s": np.where(y > 0, "+", "-")})
    net = MultiTask(**NET).fit(X[:70], targets[:70], validation=(X[70:], targets[70:]))
    error = np.sqrt(np.mean((net.predict(X[70:])["n"] - y[70:]) ** 2))
    assert net.leaderboard_.set_index("id").loc["ensemble", "valid_n.rmse"] == pytest.approx(error, rel=1e-6)
    again = Regressor(**NET, refit="steps").fit(X[:70], y[:70], validation=(X[70:], y[70:]))
    assert again.leaderboard_["refit_rounds"].max() >= 1


def test_a_group_stays_on_one_side(rows, problems):
    X, y = rows
    groups = np.arange(100) // 10
    order = np.random.default_rng(1).permutation(100)
    Regressor(**NET).fit(X[order], y[order], groups=groups[order])
    (problem,) = problems
    of = dict(zip(y, groups, strict=True))
    train, valid = ({of[v] for v in problem.values[0][part, 0]} for part in (problem.train, problem.valid))
    assert train | valid == set(range(10))
    assert not train & valid
    assert len(valid) == 2  # a fifth of the groups


def test_groups_split_as_those_of_the_shell(rows, problems):
    """The shell's split of the same rows, in the order in which the estimator has them."""
    X, y = rows
    names = np.array(["ann", "bob", "cat", "dan", "eve"])[np.arange(100) // 20]
    Regressor(**NET, random_state=3).fit(X, y, groups=names)
    (problem,) = problems
    of = dict(zip(y, names, strict=True))
    together = np.array([of[value] for value in problem.values[0][:, 0]])
    split = split_rows(100, groups=together, test=0.0, valid=0.2, seed=3)
    assert len(set(together[problem.valid])) == 1
    np.testing.assert_array_equal(problem.valid, split.valid)


def test_copies_of_a_row_are_of_its_group(rows, problems):
    X, y = rows
    Regressor(**NET).fit(X, y, sample_weight=np.full(100, 2.0), groups=np.arange(100) // 10)
    (problem,) = problems
    assert len(problem.values[0]) == 200
    assert not set(problem.values[0][problem.train, 0]) & set(problem.values[0][problem.valid, 0])


def test_the_order_of_rows_does_not_matter_with_groups(rows):
    X, y = rows
    X, groups = np.round(X), np.repeat(["b", "a", "c", "d"], 25)  # equal rows of different groups
    order = np.random.default_rng(2).permutation(100)
    one = Regressor(**NET).fit(X, np.round(y), groups=groups)
    two = Regressor(**NET).fit(X[order], np.round(y)[order], groups=groups[order])
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_what_does_not_fit_is_named(rows):
    X, y = rows
    labels = np.where(y > 0, "up", "down")
    for options, said in (
        ({"groups": np.zeros(99)}, r"groups has shape \(99,\), but X has 100 rows; give one group for each"),
        ({"groups": np.zeros((100, 2))}, r"groups has shape \(100, 2\), but X has 100 rows"),
        ({"groups": np.zeros(100)}, "1 groups are too few"),
        ({"groups": y > 0}, "the training rows hold one class only"),
        ({"validation": X}, r"validation must be a pair \(X, y\)"),
        ({"validation": (X, labels[1:])}, r"validation: Found input .* inconsistent numbers of samples: \[100, 99\]"),
        (
            {"validation": (X, np.where(y > 0, "up", "left"))},
            "validation: y holds the class 'left', which was not seen",
        ),
        ({"validation": (X[:, :1], labels)}, "validation: X has 1 features, but Classifier is expecting 2 features"),
        ({"validation": (X, labels), "groups": labels}, "groups say which rows .* but with validation rows nothing is"),
    ):
        with pytest.raises(InputError, match=f"^{said}"):
            Classifier(**NET).fit(X, labels, **options)
    with pytest.raises(InputError, match=r"^validation: y has 2 columns, but the model predicts 1"):
        Regressor(**NET).fit(X, y, validation=(X, np.column_stack([y, y])))
    with pytest.raises(InputError, match=r"^validation: y lacks the column 's'"):
        MultiTask(**NET).fit(X, pd.DataFrame({"n": y, "s": labels}), validation=(X, pd.DataFrame({"n": y})))


def test_groups_and_weights_are_routed(rows, problems):
    """Through a grid search and a pipeline every fit gets the groups of its own rows."""
    X, y = rows
    groups = np.arange(100) // 10
    with sklearn.config_context(enable_metadata_routing=True):
        net = Regressor(**NET).set_fit_request(groups=True, sample_weight=True).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        search = GridSearchCV(make_pipeline(scaler, net), {"regressor__max_rounds": [1]}, cv=GroupKFold(2))
        search.fit(X, y, groups=groups, sample_weight=np.full(100, 2.0))
    of = dict(zip(y, groups, strict=True))
    assert [len(problem.values[0]) for problem in problems] == [100, 100, 200]  # two folds, and all; each row twice
    for problem in problems:
        train, valid = ({of[v] for v in problem.values[0][part, 0]} for part in (problem.train, problem.valid))
        assert valid
        assert not train & valid


def test_validation_rows_cannot_be_routed():
    with sklearn.config_context(enable_metadata_routing=True), pytest.raises(TypeError, match="validation"):
        Regressor().set_fit_request(validation=True)
