"""No free lunch: counted over all labelings of nine points."""

import itertools
import math

import numpy as np
import pytest

from phalanx.notes.chapters import no_free_lunch as chapter

SIDE, SEEN, STRONG = 3, 4, 1.0


@pytest.fixture(scope="module")
def found():
    return chapter.compute(side=SIDE, seen=SEEN, strong=STRONG, rounds=60)


@pytest.mark.row("A3")
def test_over_all_labelings_every_learner_errs_in_exactly_half_of_the_cases(found):
    unseen = SIDE**2 - SEEN
    assert len(found["mistakes"]) == 6
    for name, wrong in found["mistakes"].items():
        assert len(wrong) == 2 ** (SIDE**2)
        assert 2 * wrong.sum() == len(wrong) * unseen, name
        spread = [2**SEEN * math.comb(unseen, j) for j in range(unseen + 1)]  # each pattern of mistakes occurs once
        assert found["counts"][name].tolist() == spread, name


def test_the_network_learns_the_labels_that_it_is_given():
    """Its answers at the training points are the labels, for every labeling, so that the count is about a learner."""
    points = chapter.grid_points(SIDE)[[0, 2, 4, 7]]
    trainings = chapter.all_labelings(4)
    np.testing.assert_array_equal(chapter.train_networks(points, points, trainings, 100), trainings)


def by_loops(beta, answer, seen):
    """The expected error of a learner, by loops over labelings: `answer(labels of seen points, unseen point)`."""
    points = list(itertools.product(range(SIDE), repeat=2))
    pairs = [(a, b) for a, b in itertools.combinations(range(len(points)), 2) if math.dist(points[a], points[b]) == 1]
    unseen = [i for i in range(len(points)) if i not in seen]
    total = wrong = 0.0
    for labels in itertools.product([0, 1], repeat=len(points)):
        weight = math.exp(beta * sum(labels[a] == labels[b] for a, b in pairs))
        told = [labels[i] for i in seen]
        total += weight
        wrong += weight * sum(answer(told, i) != labels[i] for i in unseen) / len(unseen)
    return wrong / total


@pytest.mark.row("A3")
@pytest.mark.parametrize("end", [0, -1])
def test_expected_errors_under_smoothness_are_those_of_a_sum_by_loops(found, end):
    seen, beta = found["train_points"].tolist(), found["betas"][end]
    found_by_loops = by_loops(beta, lambda told, i: int(sum(told) > len(told) / 2), seen)
    assert found["expected"]["majority"][end] == pytest.approx(found_by_loops, rel=1e-12)  # float64, 512 terms


@pytest.mark.row("A3")
def test_learners_differ_where_labelings_are_smooth_and_turn_around_where_they_are_rough(found):
    smooth, rough = found["smooth"], found["rough"]
    assert found["betas"][[0, 10, -1]].tolist() == [-STRONG, 0, STRONG]
    for errors in found["expected"].values():
        assert errors[10] == pytest.approx(0.5, abs=1e-12)
    assert max(smooth[name] for name in smooth if name != "contrary") < 0.5 < smooth["contrary"]
    assert rough["contrary"] < 0.5 < min(rough[name] for name in rough if name != "contrary")
    assert smooth["contrary"] == pytest.approx(1 - smooth["nearest neighbour"], abs=1e-12)
    assert len({round(error, 6) for error in smooth.values()}) == len(smooth)
