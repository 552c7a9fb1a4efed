"""Figures of classes against what is counted by hand, by the definitions, and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from phalanx.judged import ClassErrors
from phalanx.report.errors.classes import bins_of, calibration, confusion, precision_recall, roc
from phalanx.report.errors.members import agreement


def said(found, classes, sure=0.7):
    """Probabilities of which the largest is that of the class that is found."""
    p = np.full((len(found), classes), (1 - sure) / (classes - 1))
    p[np.arange(len(found)), found] = sure
    return p


@pytest.fixture
def animals():
    """Seven rows: one cat is taken for a dog, two dogs for a cow, and all else is right."""
    truth, found = np.array([0, 0, 1, 1, 1, 2, 2]), np.array([0, 1, 2, 2, 1, 2, 2])
    return ClassErrors("animal", ("cat", "dog", "cow"), truth, said(found, 3))


def test_a_confusion_matrix_by_hand(animals, check_figure):
    figure = confusion(animals, "7 test rows").to_plain()
    check_figure(figure)
    assert figure["draw"]["values"] == [[1, 1, 0], [0, 1, 2], [0, 0, 2]]
    assert (figure["draw"]["rows"], figure["draw"]["y"], figure["draw"]["x"]) == (
        ["cat", "dog", "cow"],
        "truth",
        "said",
    )
    assert figure["says"] == "Of 7 test rows 4 are right (57.1%); most often dog is taken for cow (2 times)."
    assert figure["table"]["rows"][1] == ["dog", 0, 1, 2]


def test_nothing_is_taken_for_another_where_all_are_right(check_figure):
    errors = ClassErrors("y", ("a", "b"), np.array([0, 1]), said(np.array([0, 1]), 2))
    figure = confusion(errors, "2 test rows").to_plain()
    check_figure(figure)
    assert figure["says"] == "Of 2 test rows 2 are right (100%)."


def test_of_many_classes_the_most_confused_have_names(check_figure):
    truth = np.concatenate([np.arange(30), [29, 28]])
    found = np.concatenate([np.arange(30), [0, 1]])
    errors = ClassErrors("y", tuple(f"c{i}" for i in range(30)), truth, said(found, 30))
    figure = confusion(errors, "32 test rows").to_plain()
    check_figure(figure)
    named = figure["draw"]["rows"]
    assert {"c0", "c1", "c28", "c29"} <= set(named)
    assert len(named) == 21
    assert named[-1] == "10 others"
    values = np.array(figure["draw"]["values"])
    assert values.sum() == 32
    assert values[-1, -1] == 10  # those that are right
    assert values[named.index("c29"), named.index("c0")] == 1
    assert "the 20 most confused classes have a row of their own" in figure["says"]


def test_points_of_a_roc_curve_by_hand(check_figure):
    # from the surest down: hit, false alarm, hit, false alarm
    errors = ClassErrors(
        "y", ("no", "yes"), np.array([1, 0, 1, 0]), np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.9, 0.1]])
    )
    figure = roc(errors, "4 test rows").to_plain()
    check_figure(figure)
    (line,) = figure["draw"]["lines"]
    corners = list(zip(line["x"], line["y"], strict=True))
    assert corners[0] == (0, 0)
    assert corners[1:] == [(0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert line["name"] == "yes"
    assert figure["table"]["rows"] == [["yes", 0.75, 0.5]]
    assert "0.7500 (of yes)" in figure["says"]


def test_areas_are_those_of_the_library(rng, check_figure):
    truth = rng.integers(0, 4, 300)
    p = rng.dirichlet(np.ones(4), 300) + 0.3 * np.eye(4)[truth]
    p /= p.sum(1, keepdims=True)
    figure = roc(ClassErrors("y", tuple("abcd"), truth, p), "300 test rows").to_plain()
    check_figure(figure)
    areas = [row[1] for row in figure["table"]["rows"]]
    np.testing.assert_allclose(areas, [roc_auc_score(truth == i, p[:, i]) for i in range(4)])
    lowest = "abcd"[int(np.argmin(areas))]
    assert (
        f"{np.mean(areas):.4f} on average over 4 classes, each against the rest, and lowest for {lowest}"
        in figure["says"]
    )


def test_of_more_than_ten_classes_curves_are_averaged(rng, check_figure):
    truth = np.repeat(np.arange(12), 4)
    p = rng.dirichlet(np.ones(12), 48)
    for curve in (roc, precision_recall):
        figure = curve(ClassErrors("y", tuple("abcdefghijkl"), truth, p), "48 test rows").to_plain()
        check_figure(figure)
        assert [line["name"] for line in figure["draw"]["lines"]] == ["mean over 12 classes"]
        assert len(figure["table"]["rows"]) == 12


def test_precision_and_recall_by_hand(check_figure):
    errors = ClassErrors("y", ("no", "yes"), np.array([1, 0, 1]), np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]))
    figure = precision_recall(errors, "3 test rows").to_plain()
    check_figure(figure)
    (line,) = figure["draw"]["lines"]
    assert sorted(zip(line["x"], line["y"], strict=True)) == [(0, 1), (0.5, 0.5), (0.5, 1), (1, 2 / 3)]
    assert figure["table"]["rows"][0][1:] == pytest.approx([0.5 * 1 + 0.5 * 2 / 3, 2 / 3])


def test_there_is_no_curve_of_rows_of_one_class():
    errors = ClassErrors("y", ("no", "yes"), np.zeros(3, int), np.array([[0.1, 0.9]] * 3))
    assert roc(errors, "3 test rows") is None
    assert precision_recall(errors, "3 test rows") is None


def test_the_calibration_error_by_hand():
    said_of = np.repeat([0.2, 0.8], 20)
    came = np.concatenate([np.arange(20) < 6, np.arange(20) < 15])  # 0.3 and 0.75
    found = bins_of(came, said_of)
    np.testing.assert_allclose(found.said, [0.2, 0.8])
    np.testing.assert_allclose(found.came, [0.3, 0.75])
    assert found.rows.tolist() == [20, 20]
    assert found.error == pytest.approx(0.5 * 0.1 + 0.5 * 0.05)
    np.testing.assert_allclose(found.chance, np.sqrt(0.16 / 20))


def forecaster(rng, rows, exponent):
    """Probabilities of two classes, and what came of them: as they say, where the exponent is 1."""
    p = rng.random(rows)
    came = rng.random(rows) < p**exponent / (p**exponent + (1 - p) ** exponent)
    return ClassErrors("rain", ("dry", "wet"), came.astype(int), np.column_stack([1 - p, p]))


def test_a_made_forecaster_is_to_be_believed_and_one_that_overstates_is_not(rng, check_figure):
    honest, bold = (calibration(forecaster(rng, 20_000, e), "20,000 test rows").to_plain() for e in (1, 0.5))
    for figure in (honest, bold):
        check_figure(figure)
        assert sum(row[2] for row in figure["table"]["rows"]) == 20_000
    outside = [int(figure["says"].partition(" of 10 bins")[0].rpartition(" ")[2]) for figure in (honest, bold)]
    assert outside[0] <= 2
    assert outside[1] >= 8
    assert "(expected calibration error 0.00" in honest["says"]
    (line,) = bold["draw"]["lines"]
    assert line["y"][0] > line["x"][0]
    assert line["y"][-1] < line["x"][-1]


def test_of_many_classes_it_is_the_one_that_is_said(animals, check_figure):
    figure = calibration(animals, "7 test rows").to_plain()
    check_figure(figure)
    assert figure["table"]["rows"] == [pytest.approx([0.7, 4 / 7, 7, np.sqrt(0.21 / 7)])]


def test_members_that_say_the_same(check_figure):
    truth = np.array([0, 1, 0, 1])
    votes = {"m1": truth, "m2": np.array([0, 1, 0, 0]), "m3": np.array([1, 1, 0, 1])}
    errors = ClassErrors("y", ("a", "b"), truth, said(np.array([0, 1, 0, 0]), 2), votes)
    figure = agreement(errors, "4 test rows").to_plain()
    check_figure(figure)
    assert figure["draw"]["values"] == [[1, 0.75, 0.75], [0.75, 1, 0.5], [0.75, 0.5, 1]]
    assert figure["says"] == (
        "Over 4 test rows, two of the 3 members of the ensemble say the same in 66.7% of cases, and least often m2 and "
        "m3 (50.0%); where all say the same, 100% is right, and where not, 50.0%."
    )
    alone = ClassErrors("y", ("a", "b"), truth, errors.said, {"m1": truth})
    assert agreement(alone, "4 test rows") is None
