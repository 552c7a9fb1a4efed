"""What the chapter on gates claims, against stored answers of PyTorch, closed forms and what chance gives."""

from pathlib import Path

import jax
import numpy as np
import pytest

from phalanx import GRU
from phalanx.notes.chapters.gates import compute, gru_step, lstm_step, population, recall

LENGTH, TESTED = 40, 500


@pytest.fixture(scope="module")
def found():
    return compute(repeats=0)


def truth_of(name, order):
    """What PyTorch answers, its weights with the gates as blocks of columns in our order, and the two biases."""
    with np.load(Path(__file__).parents[1] / "truths" / "pytorch.npz") as stored:
        truth = {key.partition(".")[2]: stored[key] for key in stored if key.startswith(f"{name}.")}

    def turned(key):
        parts = np.split(truth[key], len(order))
        return np.concatenate([parts[i].T for i in order], axis=-1)

    weights = [turned(key) for key in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")]
    return truth["x"], truth["y"], *weights


@pytest.mark.row("I5")
def test_the_lstm_written_out_is_that_of_pytorch():
    x, y, U, W, first, second = truth_of("LSTM", (0, 1, 3, 2))
    h = s = np.zeros(y[:, 0].shape)
    for t in range(x.shape[1]):
        h, s = lstm_step(x[:, t], h, s, U, W, first + second, "tanh")
        np.testing.assert_allclose(h, y[:, t], rtol=1e-10, atol=1e-12)


@pytest.mark.row("I6")
def test_the_gru_that_resets_after_the_product_is_that_of_pytorch():
    x, y, U, W, first, second = truth_of("GRU", (0, 1, 2))
    h, units = np.zeros(y[:, 0].shape), y.shape[-1]
    bias = np.concatenate([(first + second)[: 2 * units], first[2 * units :]])
    for t in range(x.shape[1]):
        h = gru_step(x[:, t], h, U, W, bias, second[2 * units :], GRU(units))
        np.testing.assert_allclose(h, y[:, t], rtol=1e-10, atol=1e-12)


@pytest.mark.row("I6")
def test_a_gru_by_hand_that_resets_before():
    """r = u = ½, h = 2: u h + (1 − u) tanh(w r h) = 1 + ½ tanh(0.3 · ½ · 2)."""
    W = np.array([[0.0, 0.0, 0.3]])
    h = gru_step(np.zeros(1), np.array([2.0]), np.zeros((1, 3)), W, np.zeros(3), np.zeros(1), GRU(1, reset="before"))
    assert h[0] == pytest.approx(1 + 0.5 * np.tanh(0.3))


@pytest.mark.row("I5")
@pytest.mark.row("I6")
def test_the_layers_are_their_formulas_and_a_sigmoid_candidate_never_falls_below_0(found):
    table = found["formulas"]
    assert (table["apart from the formula"].astype(float) < 6 * 20 * 2.0**-24).all()  # 6 steps, 20 roundings each
    for (_, candidate, _), h in found["states"].items():
        assert (h.min() >= 0) == (candidate == "sigmoid")
    assert found["resets"] > 1e-3


@pytest.mark.row("I5")
def test_of_one_step_the_slope_is_a_sum_and_of_many_a_product(found):
    whole, gate, through = found["one_step"]
    assert whole == pytest.approx(gate + through, abs=1e-9)
    assert abs(through) > 1e-3
    assert found["lasting"] == pytest.approx(np.exp(100 * np.log1p(-0.01)))
    assert found["gone"] == 2.0**-100
    gates = found["biases"].set_index("bias")["gate"].astype(float)
    assert gates[0.0] == 0.5
    assert gates[1.0] == pytest.approx(np.e / (1 + np.e), abs=1e-4)


@pytest.mark.row("I5")
def test_through_h_the_slope_of_an_lstm_explodes(found):
    # around s = h = 0: ds' = ½ ds + ½ · 10 · dh and dh = ½ ds, once ½ alone as h_0 does not move, and h_n = ½ tanh(s_n)
    assert found["exploded"] == pytest.approx(0.5 * 0.5 * 3.0**19, rel=20 * 2.0**-22)
    assert found["exploded_formula"] == 0.25 * 3.0**19


@pytest.mark.row("I5")
def test_over_40_steps_an_lstm_whose_gates_begin_open_learns_and_one_with_bias_0_does_not():
    """Of the whole population only these two are trained here; the others when slow tests are."""
    net = population(12, repeats=2, rounds=4)
    kinds = net.layers[0].options
    scores = {}
    test = recall(TESTED, LENGTH, LENGTH, seed=2)
    net.set_params(layers=[kinds[1]], trials=3).fit(*recall(1500, LENGTH, LENGTH, seed=1), validation=test)
    accuracy = net.leaderboard_.set_index("id")["valid_accuracy"]
    for member in net.members_:
        bias = next(layer.forget_bias for layer in member.spec.layers if hasattr(layer, "forget_bias"))
        scores.setdefault(bias, []).append(accuracy[member.id])
    assert min(scores[3.0]) > 0.9
    assert max(scores[0.0]) < 0.5 + 4 * np.sqrt(0.25 / TESTED)


@pytest.mark.slow
@pytest.mark.row("I5")
@pytest.mark.row("I6")
def test_the_whole_population():
    jax.config.update("jax_disable_most_optimizations", False)  # this much training earns them
    found = compute()
    chance = 0.5 + 4 * np.sqrt(0.25 / TESTED)
    long = found["long_scores"]
    assert all(len(of) == 4 for of in long.values())
    for closed in ("LSTM, tanh, bias 0", "LSTM, sigmoid, bias 0", "GRU, reset after", "GRU, reset before"):
        assert max(long[closed]) < chance
    assert min(long["LSTM, tanh, bias 1"]) > 0.9
    assert min(long["LSTM, tanh, bias 3"]) > 0.9
    assert found["worst"] > chance
    assert found["lowest_mixed"] > 0.9
    assert found["arrives"] == pytest.approx((2.0**-40, (1 / (1 + np.exp(-3.0))) ** 40))
