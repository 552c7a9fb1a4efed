"""Back-propagation: each number against finite differences of a cost that is written out here."""

import re

import numpy as np
import pytest

from phalanx.notes.chapters.back_propagation import ALPHA, back_propagation, compute, cost, jacobians


@pytest.fixture(scope="module")
def found():
    return compute(rows=6)


def differences(function, at, step=1e-6):
    """The gradient of a number by central differences: its error is near step² · f‴ / 6 + 1e-16 / step < 1e-9."""
    slope = np.zeros_like(at)
    for i in np.ndindex(at.shape):
        shift = np.zeros_like(at)
        shift[i] = step
        slope[i] = (function(at + shift) - function(at - shift)) / (2 * step)
    return slope


def written_out(found, layers):
    """J of the rows, one by one."""
    total = 0.0
    for row, target in zip(found["x"], found["y"], strict=True):
        for weight, bias in layers:
            row = np.tanh(sum(row[i] * weight[i] for i in range(len(row))) + bias)
        total += 0.5 * (target[0] - row[0]) ** 2 / len(found["x"])
    return total + 0.5 * ALPHA * sum(np.sum(weight**2) for weight, _ in layers)


@pytest.mark.row("E3")
def test_the_gradients_by_hand_and_by_the_program_are_those_of_the_cost(found):
    layers = found["layers"]
    for k in range(3):
        for part in (0, 1):

            def moved(value, k=k, part=part):
                changed = [list(layer) for layer in layers]
                changed[k][part] = value
                return written_out(found, changed)

            truth = differences(moved, layers[k][part])
            np.testing.assert_allclose(found["gradients"][k][part], truth, atol=1e-8)
            np.testing.assert_allclose(found["program"][k][part], truth, atol=1e-8)
    assert found["program_off"] < 1e-14  # sums of a few numbers below 1 in double precision


@pytest.mark.row("E3")
def test_the_penalty_does_not_reach_the_output_and_enters_at_each_weight(found):
    assert found["at_output"] == 0
    assert found["at_biases"] == 0
    assert found["at_weights"] < 1e-15
    with_penalty, _ = back_propagation(found["layers"], found["x"], found["y"], ALPHA)
    without, _ = back_propagation(found["layers"], found["x"], found["y"], 0.0)
    for (w, b), (w0, b0), (weight, _) in zip(with_penalty, without, found["layers"], strict=True):
        np.testing.assert_allclose(w - w0, ALPHA * weight, atol=1e-15)
        np.testing.assert_array_equal(b, b0)


@pytest.mark.row("E3")
def test_counting_the_penalty_into_the_loss_changes_nothing_at_the_output(found):
    """∂/∂ŷ of (L + Ω) with the weights held: that of ½ (ŷ − y)² / rows, which is (ŷ − y) / rows."""
    predicted = found["x"]
    for weight, bias in found["layers"]:
        predicted = np.tanh(predicted @ weight + bias)
    shifted = differences(
        lambda shift: cost(found["layers"], found["x"], found["y"], ALPHA, shift), np.zeros_like(predicted)
    )
    np.testing.assert_allclose(shifted, (predicted - found["y"]) / 6, atol=1e-9)
    assert found["however"] < 1e-9


@pytest.mark.row("E2")
def test_the_jacobian_of_a_product_is_that_of_its_long_vectors(found):
    A, B = found["A"], found["B"]
    for i in range(2):
        for j in range(2):
            row = [(i2 == i) * B[m, j] for i2 in range(2) for m in range(3)]  # ∂ Σ_m A_im B_mj / ∂ A_i2,m
            assert found["jacobian"].loc[f"C{i + 1}{j + 1}"].tolist() == row
    G = np.array([[1.0, -2.0], [0.5, 3.0]])

    def s(A, B):
        return float(sum(G[i, j] * A[i, m] * B[m, j] for i in range(2) for j in range(2) for m in range(3)))

    np.testing.assert_allclose(differences(lambda A: s(A, B), A), G @ B.T, atol=1e-8)
    np.testing.assert_allclose(differences(lambda B: s(A, B), B), A.T @ G, atol=1e-8)
    assert found["product_off"] < 1e-13
    assert found["zeros"] == 0.5
    assert found["large"] == (32 * 128) * (784 * 128)


@pytest.mark.row("E2")
def test_jacobians_multiply(found):
    def answer(row):
        for weight, bias in found["layers"]:
            row = np.tanh(row @ weight + bias)
        return row[0]

    first, second, third = jacobians(found["layers"], found["x"][0])
    assert [one.shape for one in (first, second, third)] == [(4, 3), (3, 4), (1, 3)]
    np.testing.assert_allclose(third @ second @ first, differences(answer, found["x"][0])[None], atol=1e-8)
    assert found["chain_off"] < 1e-14


@pytest.mark.row("E1")
def test_in_the_graph_a_weight_has_two_edges_and_a_bias_one(found):
    for layer in ("a1", "a2", "output"):
        assert found["uses"][f"{layer}.weight"] == [layer, "l2_1"]
        assert found["uses"][f"{layer}.bias"] == [layer]
    assert found["uses"]["h3"] == ["−log p"]  # and not the penalty
    # x, y; a weight and a bias for each of 3 layers; 3 affine maps and 3 tanh; −log p, L, the penalty, J
    assert len(found["uses"]) == 2 + 6 + 6 + 4
    # into each of 3 affine maps 3, of 3 tanh 1, of −log p 2, of L 1, of the penalty 3, of J 2
    assert len(re.findall('class="way"', found["svg"])) == 9 + 3 + 2 + 1 + 3 + 2


@pytest.mark.row("E1")
def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_edges(found):
    prediction, _ = back_propagation(found["layers"], found["x"], found["y"], 0.0)
    penalty = ALPHA * found["layers"][-1][0]
    assert found["through_prediction"] == pytest.approx(np.linalg.norm(prediction[-1][0]), rel=1e-9)
    assert found["through_penalty"] == pytest.approx(np.linalg.norm(penalty), rel=1e-12)
    assert found["through_both"] == pytest.approx(np.linalg.norm(prediction[-1][0] + penalty), rel=1e-9)
