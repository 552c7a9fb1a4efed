"""Units: the notes' map by hand, a bias as a weight, and activations against SciPy, differences and other formulas."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from phalanx.notes.chapters import units as chapter

ROUNDING = 2**-23  # of single precision
Z = np.arange(-800, 801) / 40


@pytest.fixture(scope="module")
def found():
    return chapter.compute(rows=20)


EXACT = {
    "linear": Z,
    "ReLU": Z.clip(0),
    "leaky ReLU": np.where(Z > 0, Z, 0.1 * Z),
    "absolute": np.abs(Z),
    "PReLU": np.where(Z > 0, Z, 0.25 * Z),
    "softplus": np.logaddexp(0, Z),
    "hard tanh": Z.clip(-1, 1),
    "sigmoid": expit(Z),
    "tanh": np.tanh(Z),
    "maxout of 2": np.maximum(-0.5 * Z, Z),
    "maxout of 3": np.maximum(np.abs(Z) - 1, 0),
    "maxout of 9": np.max([t * Z / 2 - t**2 / 4 for t in range(-4, 5)], axis=0),
    "RBF": np.exp(-(Z**2) / 2),
    "softmax": softmax(np.stack([Z, 0 * Z]), axis=0)[0],
}
CORNERS = {"hard tanh": (-1, 1), "maxout of 3": (-1, 1), "maxout of 9": np.arange(-3.5, 4)}


@pytest.mark.row("C6")
def test_the_map_of_the_notes(found):
    x1, x2 = 2, 1
    assert found["image"].tolist() == [3 * x1 + 4 * x2, x1 + 2 * x2, 5 * x1 + 6 * x2] == [10, 4, 16]


@pytest.mark.row("C3")
def test_the_affine_layer(rng):
    """Sums of 5 terms of the order of 1, so of 5 roundings."""
    x, weight, c = (np.float32(rng.normal(size=shape)) for shape in ((6, 4), (4, 3), 3))
    said, _ = chapter.answers_and_gradients(x, {"weight": weight, "bias": c})
    by_hand = [[sum(x[i, k] * weight[k, j] for k in range(4)) + c[j] for j in range(3)] for i in range(6)]
    np.testing.assert_allclose(said, by_hand, atol=5 * 8 * ROUNDING)


@pytest.mark.row("C6")
def test_a_bias_is_the_weight_of_a_unit_that_is_always_1(found, rng):
    """A gradient sums 20 products of the order of 1: 20 roundings of a sum below 32."""
    assert found["bias_off"] <= 5 * 8 * ROUNDING
    assert found["gradient_off"] <= 20 * 32 * ROUNDING
    x, weight, c, slope = (np.float32(rng.normal(size=shape)) for shape in ((20, 4), (4, 3), 3, (20, 3)))
    _, gradients = chapter.answers_and_gradients(x, {"weight": weight, "bias": c}, slope)
    np.testing.assert_allclose(gradients["weight"], np.float64(x).T @ slope, atol=20 * 32 * ROUNDING)
    np.testing.assert_allclose(gradients["bias"], np.float64(slope).sum(0), atol=20 * 32 * ROUNDING)


@pytest.mark.row("C4")
@pytest.mark.parametrize("name", EXACT)
def test_an_activation_and_its_derivative(found, name):
    """Values of at most 40, so within 40 roundings; derivatives against central differences of the exact function,
    whose error is h²/6 times the third derivative, which is below 2, but for a step across a corner.
    """
    np.testing.assert_allclose(found["values"][name], EXACT[name], atol=40 * ROUNDING, rtol=4 * ROUNDING)
    h = Z[1] - Z[0]
    differences = (EXACT[name][2:] - EXACT[name][:-2]) / (2 * h)
    smooth = np.abs(Z[1:-1][:, None] - np.atleast_1d(CORNERS.get(name, 0))).min(1) > h / 2
    np.testing.assert_allclose(found["slopes"][name][1:-1][smooth], differences[smooth], atol=2 * h**2 / 6 + 1e-6)


@pytest.mark.row("C4")
def test_at_a_corner_the_left_derivative_is_the_default(found):
    at = found["table"].set_index("activation")["at 0"]
    assert at[["ReLU", "leaky ReLU", "absolute", "PReLU"]].tolist() == pytest.approx([0, 0.1, -1, 0.25])
    assert found["right_slope"] == 1


@pytest.mark.row("C4")
def test_what_is_another_in_disguise(found):
    assert found["leaky_off"] == found["maxout_relu"] == found["maxout_absolute"] == 0
    assert found["parabola_off"] == pytest.approx(1 / 16, abs=4 * ROUNDING)  # (z − t)²/4 half way between two tangents
    assert max(found["tanh_off"], found["softplus_off"], found["softmax_off"]) < 8 * ROUNDING
    assert found["sigmoid_slope"] == pytest.approx(expit(5) * (1 - expit(5)), rel=1e-5)
    assert found["tanh_slope"] == pytest.approx(1 - np.tanh(5) ** 2, rel=1e-3)  # cancels to 2⁻¹² of 1


@pytest.mark.row("C4")
def test_the_slope_of_a_prelu_unit_is_learned(found):
    assert found["start"] == 0.25
    assert found["learned"] == pytest.approx(-1, abs=1e-3)  # |x| = max(0, x) − min(0, x); Adam's last steps are small


@pytest.mark.row("C6")
def test_deep_from_five_layers_on(found):
    assert (found["called"], found["called_more"]) == ("not called deep", "called deep")
