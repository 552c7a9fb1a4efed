"""Pictures hold what they say: kernels, feature maps and captions, at their places, and open as PNG files."""

import gzip
import inspect
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from scipy.signal import correlate2d

from phalanx.layers import Conv, Dense, Flatten, Pixels, ReLU, Residual
from phalanx.likelihoods import Multinoulli
from phalanx.model import initialize
from phalanx.network import Network, OutputSize, complete
from phalanx.population.predict import Final
from phalanx.regularizers import Tied
from phalanx.report.pictures import (
    draw_features,
    draw_kernels,
    draw_wrong,
    features_figure,
    kernels_figure,
    wrong_figure,
)

DATA = Path(__file__).parents[2] / "../shared/data/images"


def final(layers, shape, **parts):
    """Return a network with random parameters."""
    network = complete(Network([*layers, Flatten()], Multinoulli(), **parts), OutputSize(3))
    params, states = initialize(network, 0, shape)
    rng = np.random.default_rng(0)
    return Final(network, jax.tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32), params), states, 0.5)


def arrays(figure):
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def check_png(path):
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert 900 <= image.width <= 1800
        assert 150 <= image.height <= 3000
        assert np.asarray(image.convert("L"))[0].min() == 255  # dark on white
        assert np.asarray(image.convert("L")).min() < 100


def check_no_overlap(figure):
    """No text meets another, or an image, or leaves the sheet."""
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    sheet = figure.bbox
    for i, box in enumerate(boxes):
        assert sheet.x0 <= box.x0 < box.x1 <= sheet.x1
        assert sheet.y0 <= box.y0 < box.y1 <= sheet.y1
        others = [*boxes[i + 1 :], *(image.get_window_extent() for image in figure.axes[0].images)]
        assert not any(box.overlaps(other) for other in others), texts(figure)[i]


def test_kernels_of_one_input_share_a_scale_with_a_bar(tmp_path):
    network = final([Conv(20, size=5), ReLU(), Conv(4)], (8, 8, 1))
    figure = kernels_figure(network)
    weight = network.params["conv_1"]["weight"]
    shown, bar = arrays(figure)[:-1], arrays(figure)[-1]
    np.testing.assert_array_equal(shown, np.moveaxis(weight[:, :, 0], -1, 0))
    largest = np.abs(weight).max()
    assert {image.get_clim() for image in figure.axes[0].images} == {(-largest, largest)}
    assert bar[0, 0] == -bar[-1, 0] == pytest.approx(largest)
    assert texts(figure)[0] == "conv_1: 20 kernels of size 5 × 5"
    assert texts(figure)[-3:] == [f"{largest:.2g}", "0", f"{-largest:.2g}"]
    check_no_overlap(figure)
    assert draw_kernels(network, tmp_path / "kernels.png") is True
    check_png(tmp_path / "kernels.png")


def test_kernels_of_three_inputs_are_colours_each_on_its_own_scale():
    network = final([Conv(5, size=(3, 2))], (8, 8, 3))
    kernel = np.moveaxis(network.params["conv_1"]["weight"], -1, 0)[4]
    shown = arrays(kernels_figure(network))
    assert [each.shape for each in shown] == [(3, 2, 3)] * 5
    assert (shown[4].min(), shown[4].max()) == (0, 255)
    at = np.unravel_index(kernel.argmax(), kernel.shape)
    assert shown[4][at] == 255


def test_of_many_inputs_and_channels_the_first_make_rows_and_columns():
    network = final([Conv(40, size=3)], (6, 6, 10))
    figure = kernels_figure(network)
    images = figure.axes[0].images[:-1]
    assert len(images) == 8 * 32
    np.testing.assert_array_equal(images[32 * 7 + 5].get_array(), network.params["conv_1"]["weight"][:, :, 7, 5])
    assert images[5].get_extent()[0] == images[32 * 7 + 5].get_extent()[0] > images[4].get_extent()[0]
    assert images[32].get_extent()[2] > images[0].get_extent()[2]
    assert "(the first 32 of 40)" in texts(figure)[1]
    assert "(the first 8 of 10)" in texts(figure)[1]
    check_no_overlap(figure)


def test_three_inputs_in_groups_are_no_colours():
    assert len(arrays(kernels_figure(final([Conv(4, groups=2)], (6, 6, 6))))) == 3 * 4 + 1


def test_kernels_of_a_series_are_lines_and_of_a_volume_slices():
    network = final([Conv(3, size=5)], (9, 2))
    figure = kernels_figure(network)
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 5]
    assert len(curves) == 3 * 2
    second = np.asarray(curves[3].get_ydata())  # the second input of the second kernel; up is less from the top
    assert np.corrcoef(second, network.params["conv_1"]["weight"][:, 1, 1])[0, 1] == pytest.approx(-1)
    assert texts(figure)[0] == "conv_1: 3 kernels of size 5"
    network = final([Conv(2, size=3)], (4, 4, 4, 1))
    figure = kernels_figure(network)
    np.testing.assert_array_equal(arrays(figure)[1], network.params["conv_1"]["weight"][1, :, :, 0, 1])
    assert texts(figure)[1].startswith("the middle slice of each")


def test_kernels_are_shown_as_they_lie_on_the_image_and_as_shared():
    network = final([Conv(1, flip=True)], (6, 6, 1))
    weight = network.params["conv_1"]["weight"][:, :, 0, 0]
    np.testing.assert_array_equal(arrays(kernels_figure(network))[0], weight[::-1, ::-1])
    layers = [Conv(1, name="a"), Conv(1, name="b")]
    network = final(layers, (6, 6, 1), regularizers=[Tied(on=("b", "a"))])
    assert "weight" not in network.params["a"]
    weight = network.params["b"]["weight"][:, :, 0, 0]
    np.testing.assert_array_equal(arrays(kernels_figure(network))[0], weight)


def test_kernels_that_are_all_zero_have_a_picture(tmp_path):
    network = final([Conv(1)], (6, 6, 1))
    network.params["conv_1"]["weight"][:] = 0
    assert draw_kernels(network, tmp_path / "zero.png")


def test_without_a_convolution_nothing_is_written(tmp_path):
    network = final([Dense(4)], (6,))
    assert draw_kernels(network, tmp_path / "none.png") is False
    assert draw_features(network, np.zeros((1, 6, 1), np.float32), tmp_path / "none.png") is False
    assert list(tmp_path.iterdir()) == []


def test_features_are_the_outputs_of_every_convolution(tmp_path):
    network = final([Pixels(100.0, 50.0), Residual([Conv(1)]), ReLU(), Conv(20, stride=2)], (12, 12, 1))
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 1), np.uint8)
    figure = features_figure(network, pixels, "a $x_1$.png")
    image, first, *second = arrays(figure)
    np.testing.assert_array_equal(image, pixels[..., 0])
    held = network.params["residual_1.conv_1"]
    truth = correlate2d((pixels[..., 0] - 100.0) / 50.0, held["weight"][:, :, 0, 0], "same") + held["bias"]
    np.testing.assert_allclose(first, truth, atol=1e-4)
    assert [each.shape for each in second] == [(6, 6)] * 16
    largest = np.abs(truth).max()
    assert texts(figure)[0] == "a $x_1$.png"
    assert texts(figure)[2] == f"residual_1.conv_1: 12 × 12 × 1; from {-largest:.2g} to {largest:.2g}"
    assert texts(figure)[3].startswith("conv_1: 6 × 6 × 20 (the first 16 of 20); from ")
    check_no_overlap(figure)
    assert draw_features(network, pixels, tmp_path / "features.png") is True
    check_png(tmp_path / "features.png")


def test_wrong_images_are_sorted_by_how_sure_the_answer_was(tmp_path):
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((5, 4, 6, 1), np.uint8)
    truth, said = ["4", "7", "1", "2", "3"], ["9", "7", "7", "0", "8"]
    confidence = np.array([0.5, 1.0, 0.998, 0.5, 0.9])
    names = [f"{i}.png" for i in range(5)]
    figure = wrong_figure(pixels, truth, said, confidence, names, most=3)
    assert [int(each[0, 0]) for each in arrays(figure)] == [2, 4, 0]  # of equals, 0 and 3, the first
    assert texts(figure) == [
        "The 3 surest of 4 wrong answers",
        "4 of 5 images; in brackets the probability of what was said",
        *("truth 1, said 7 (99.8%)", "2.png"),
        *("truth 3, said 8 (90.0%)", "4.png"),
        *("truth 4, said 9 (50.0%)", "0.png"),
    ]
    assert draw_wrong(pixels, truth, said, confidence, None, tmp_path / "wrong.png") is True
    check_png(tmp_path / "wrong.png")
    assert draw_wrong(pixels, truth, truth, confidence, names, tmp_path / "none.png") is False
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.png"]
    assert inspect.signature(draw_wrong).parameters["most"].default == 24


def test_labels_are_no_formulas_and_long_ones_are_shortened_in_the_middle(tmp_path):
    labels = ["$x_1$", "{\\frac", "W" * 60, "a_long_label_that_ends_in_some_way", "北\ud800", "two\nlines"]
    said = labels[1:] + labels[:1]
    pixels = np.zeros((6, 4, 4, 1), np.uint8)
    names = [f"some/quite_long/$folder$/of_the_user/number_{i}.png" for i in range(6)]
    figure = wrong_figure(pixels, labels, said, np.linspace(1, 0.9, 6), names)
    shown = texts(figure)
    assert shown[2:4] == ["truth $x_1$", "said {\\frac (100.0%)"]  # too long for one line
    assert any(text.startswith("truth a_long") and text.endswith("some_way") and "…" in text for text in shown)
    assert shown[shown.index("truth □□") + 1] == "said two lines (92.0%)"
    assert all(text.startswith("some/") and text.endswith(".png") for text in shown if "number" in text)
    check_no_overlap(figure)
    assert draw_wrong(pixels, labels, said, np.linspace(1, 0.9, 6), names, tmp_path / "labels.png")
    check_png(tmp_path / "labels.png")


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [
        (np.array([[[7], [200]]], np.uint8), [[7, 200]]),
        (np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), [[[1, 2, 3], [4, 5, 6]]]),
        (np.array([[[1, 2, 3, 255], [4, 5, 6, 0]]], np.uint8), [[[1, 2, 3, 255], [4, 5, 6, 0]]]),
        (np.array([[[9, 1], [8, 2]]], np.uint8), [[9, 8]]),
        (np.array([[[-1.0], [1.0], [3.0]]]), [[0, 128, 255]]),
        (np.array([[[0.5], [0.5]]], np.float32), [[0, 0]]),
        (np.array([[[0, 5, 10, 1]]], np.uint16), [[[0, 128, 255]]]),
    ],
    ids=["gray", "colour", "opacity", "two channels", "floats", "flat", "no bytes"],
)
def test_pixels_of_every_kind_are_shown(pixels, shown):
    figure = wrong_figure(pixels[None], ["a"], ["b"], np.array([1.0]))
    np.testing.assert_array_equal(arrays(figure)[0], shown)
    figure.canvas.draw()


def test_pictures_of_real_digits(tmp_path):
    if not DATA.exists():
        pytest.skip("the shared data with images of digits is not here")
    with gzip.open(DATA / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + 30 * 784)[16:], np.uint8).reshape(-1, 28, 28, 1)
    with gzip.open(DATA / "t10k-labels-idx1-ubyte.gz") as file:
        labels = [str(label) for label in file.read(8 + 30)[8:]]
    sure = np.linspace(0, 1, 30)
    figure = wrong_figure(images, labels, ["no digit"] * 30, sure)
    np.testing.assert_array_equal(arrays(figure)[0], images[29, ..., 0])
    assert f"truth {labels[29]}, said no digit (100.0%)" in texts(figure)
    assert len(arrays(figure)) == 24
    check_no_overlap(figure)
