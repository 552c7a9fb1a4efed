"""Metrics against scikit-learn's own, and hand-made predictions."""

import numpy as np
import pytest
from sklearn import metrics as sk

from phalanx.data import ClassTarget, Goal, NumberTarget
from phalanx.errors import InputError
from phalanx.metrics import SCORE, evaluate, metric_named, metrics_for, metrics_of

CLASSES = Goal(("c",), (ClassTarget(("x", "y", "z")),))
NUMBERS = Goal(("a", "b"), (NumberTarget(0.0, 1.0, -1.0, 1.0), NumberTarget(5.0, 2.0, 1.0, 9.0)))
ONE = Goal(("a",), NUMBERS.columns[:1])


@pytest.fixture
def said(rng):
    """Codes with probabilities, numbers with predictions, and weights: 40 rows."""
    codes, p = rng.integers(0, 3, 40), rng.dirichlet([1, 1, 1], 40)
    numbers = rng.normal(size=(40, 2))
    return codes, p, numbers, numbers + rng.normal(size=(40, 2)), rng.uniform(0.1, 2, 40)


@pytest.mark.parametrize("weighted", [False, True])
def test_classes(said, weighted):
    codes, p, _, _, weight = said
    w = weight if weighted else None
    assert evaluate([CLASSES], [codes], [p], w) == pytest.approx(
        {
            "accuracy": sk.accuracy_score(codes, p.argmax(1), sample_weight=w),
            "balanced_accuracy": sk.balanced_accuracy_score(codes, p.argmax(1), sample_weight=w),
            "f1": sk.f1_score(codes, p.argmax(1), average="macro", sample_weight=w),
            "log_loss": sk.log_loss(codes, p, sample_weight=w),
            "roc_auc": sk.roc_auc_score(codes, p, multi_class="ovr", sample_weight=w),
            "average_precision": sk.average_precision_score(codes, p, sample_weight=w),
        }
    )


@pytest.mark.parametrize("classes", [2, 5])
def test_classes_that_are_not_there_or_never_said(classes, rng):
    p = rng.dirichlet(np.ones(classes), 30)
    p[:, 0] = 0  # never said
    y = np.minimum(rng.integers(0, classes, 30), 3)  # of five the last is not there
    found = {name: metrics_of(True)[name].score(y, p, None) for name in ("accuracy", "balanced_accuracy", "f1")}
    said = p.argmax(1)
    f1 = sk.f1_score(y, said, labels=[1] if classes == 2 else None, average="macro", zero_division=0.0)
    recall = sk.recall_score(y, said, labels=np.unique(y), average="macro")
    assert found == pytest.approx({"accuracy": (said == y).mean(), "balanced_accuracy": recall, "f1": f1})


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_scores_and_rows_that_weigh_nothing(classes, weighted, rng):
    y = rng.integers(0, classes, 60)
    p = rng.integers(1, 4, (60, classes)) / 4
    p /= p.sum(1, keepdims=True)
    w = np.where(p[:, 1] == p[:, 1].max(), 0, rng.integers(0, 3, 60)) if weighted else None
    found = {name: metrics_of(True)[name].score(y, p, w) for name in ("roc_auc", "average_precision")}
    expected = [p[:, 1]] if classes == 2 else list(p.T)
    of = [y == 1] if classes == 2 else [y == i for i in range(classes)]
    pairs = list(zip(of, expected, strict=True))
    assert found["roc_auc"] == pytest.approx(np.mean([sk.roc_auc_score(*pair, sample_weight=w) for pair in pairs]))
    precision = np.mean([sk.average_precision_score(*pair, sample_weight=w) for pair in pairs])
    assert found["average_precision"] == pytest.approx(precision)


@pytest.mark.parametrize("weighted", [False, True])
def test_numbers(said, weighted):
    _, _, y, p, weight = said
    w = weight if weighted else None
    assert evaluate([ONE], [y[:, :1]], [p[:, :1]], w) == pytest.approx(
        {
            "rmse": sk.root_mean_squared_error(y[:, 0], p[:, 0], sample_weight=w),
            "mae": sk.mean_absolute_error(y[:, 0], p[:, 0], sample_weight=w),
            "r2": sk.r2_score(y[:, 0], p[:, 0], sample_weight=w),
        }
    )


def test_several_targets(said):
    codes, p, y, q, _ = said
    found = evaluate([NUMBERS, CLASSES], [y, codes], [q, p])
    needs_costs = [name for name in metrics_for([NUMBERS, CLASSES]) if name.endswith(("nll", "crps"))]
    assert list(found) == [name for name in metrics_for([NUMBERS, CLASSES]) if name not in needs_costs]
    accuracy = (p.argmax(1) == codes).mean()
    each = [sk.r2_score(y[:, 0], q[:, 0]), sk.r2_score(y[:, 1], q[:, 1]), accuracy]
    assert found["score"] == pytest.approx(np.mean(each))
    assert [found["a.r2"], found["b.r2"], found["c.accuracy"]] == pytest.approx(each)


def test_what_cannot_be_computed_is_no_number():
    p = np.full((2, 3), 1 / 3)
    assert np.isnan(evaluate([CLASSES], [np.array([0, 1])], [p])["roc_auc"])  # a class is not there
    assert np.isnan(evaluate([ONE], [np.array([[1.0]])], [np.array([[1.0]])])["r2"])  # a single row
    best = metric_named("roc_auc", [CLASSES])
    assert best.loss(float("nan")) == float("inf")


def test_a_class_that_was_thought_impossible_has_a_finite_cost():
    found = evaluate([CLASSES], [np.array([1])], [np.array([[1.0, 0.0, 0.0]])])
    assert 80 < found["log_loss"] < 90  # −log of the smallest normal float32


def test_defaults_and_names():
    assert metric_named(None, [CLASSES]).name == "accuracy"
    assert metric_named(None, [ONE]).name == "rmse"
    assert metric_named(None, [NUMBERS]) is SCORE
    named = metric_named("b.rmse", [NUMBERS, CLASSES])
    assert (named.name, named.direction) == ("b.rmse", "minimize")
    assert (named.loss(2.0), metric_named("a.r2", [NUMBERS]).loss(2.0)) == (2.0, -2.0)


@pytest.mark.parametrize(
    ("name", "goals", "error"),
    [
        (
            "rmse",
            [CLASSES],
            "metric rmse is for regression, but this is classification; "
            "use one of accuracy, balanced_accuracy, f1, log_loss, roc_auc, average_precision",
        ),
        (
            "log_loss",
            [ONE],
            "metric log_loss is for classification, but this is regression; use one of rmse, mae, r2, nll, crps",
        ),
        ("mea", [ONE], "metric: unknown metric `mea`; did you mean `mae`?"),
        ("b.accuracy", [NUMBERS, CLASSES], "metric: unknown metric `b.accuracy`; did you mean `c.accuracy`?"),
    ],
)
def test_metrics_that_do_not_fit(name, goals, error):
    with pytest.raises(InputError) as told:
        metric_named(name, goals)
    assert str(told.value) == error
