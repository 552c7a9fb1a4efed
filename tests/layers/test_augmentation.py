"""Image augmentation: against SciPy's image functions and by hand, with the draws read back from the images."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage

from phalanx.errors import InputError
from phalanx.layers import EVALUATE, At
from phalanx.layers.augmentation import Augmentation, Brightness, CutOut, Flip, uniform
from phalanx.layers.resampling import Crop, Rotate, Shift, sample

ROWS, HEIGHT, WIDTH = 4000, 8, 9
CHANGING = [Shift(2.0), Flip(0.5), Rotate(20.0), Crop(0.7), Brightness(0.3), CutOut(3.0)]
IDLE = [Shift(0.0), Flip(0.0), Rotate(0.0), Crop(1.0), Brightness(0.0), CutOut(0.0)]


def at(bits):
    return At(train=True, noise=jnp.asarray(bits))


def bytes_for(layer, rows, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, layer.noise((HEIGHT, WIDTH, 1))), np.uint8)


def bytes_of(*numbers):
    """The random bytes of one row whose numbers in (−1, 1) are nearest to these."""
    levels = np.round((np.array(numbers) + 1) * 32768 - 0.5).clip(0, 65535).astype(int)
    return np.stack([levels // 256, levels % 256], axis=-1).reshape(1, -1).astype(np.uint8)


def drawn_of(bits):
    """The numbers in (−1, 1) that bytes stand for, by NumPy."""
    pairs = bits.reshape(len(bits), -1, 2).astype(float)
    return (256 * pairs[..., 0] + pairs[..., 1] + 0.5) / 32768 - 1


def apply(layer, x, bits):
    """The changed images."""
    return np.asarray(jax.jit(lambda x, bits: layer({}, {}, x, at(bits))[0])(jnp.asarray(x), jnp.asarray(bits)))


def ramps(rows):
    """Images whose channels hold the row and the column of each pixel, so that a result says where it was read."""
    grid = np.stack(np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), indexing="ij"), axis=-1)
    return np.broadcast_to(grid, (rows, HEIGHT, WIDTH, 2)).astype(np.float32)


@pytest.fixture
def images(rng):
    return rng.normal(size=(6, HEIGHT, WIDTH, 2)).astype(np.float32)


def test_no_augmentation_is_left_out(part_classes):
    assert {type(layer) for layer in CHANGING} == {type(layer) for layer in IDLE} == set(part_classes(Augmentation))


def test_random_numbers_are_uniform():
    everything = np.arange(65536)
    bits = np.stack([everything // 256, everything % 256], axis=1).astype(np.uint8)
    numbers = np.asarray(uniform(jnp.asarray(bits), 1, np.float32))[:, 0]
    np.testing.assert_allclose(numbers, np.linspace(-1, 1, 65537)[:-1] + 1 / 65536, atol=1e-7)
    assert (abs(numbers) < 1).all()
    more = np.concatenate([bits[:3], bits[7:10], bits[:3]], axis=1)  # what is left over is not looked at
    np.testing.assert_allclose(uniform(jnp.asarray(more), 2, np.float32), numbers[[[0, 7], [1, 8], [2, 9]]])


@pytest.mark.parametrize("layer", CHANGING, ids=repr)
def test_the_identity_outside_training(layer, images):
    y, state = layer({}, {}, jnp.asarray(images), EVALUATE)
    np.testing.assert_array_equal(y, images)
    assert state == {}
    assert layer.output_shape(images.shape[1:]) == images.shape[1:]


@pytest.mark.parametrize("layer", IDLE, ids=repr)
def test_an_amount_of_nothing_changes_nothing(layer, images):
    np.testing.assert_array_equal(apply(layer, images, bytes_for(layer, 6)), images)


@pytest.mark.parametrize("layer", CHANGING, ids=repr)
def test_rows_are_changed_differently_and_by_their_own_bytes(layer, rng):
    x = np.broadcast_to(rng.normal(size=(HEIGHT, WIDTH, 2)), (40, HEIGHT, WIDTH, 2)).astype(np.float32)
    bits = bytes_for(layer, 40)
    y = apply(layer, x, bits)
    assert len({row.tobytes() for row in y}) >= (2 if isinstance(layer, Flip) else 15)
    np.testing.assert_allclose(apply(layer, x[3:5], bits[3:5]), y[3:5], atol=1e-6)


@pytest.mark.parametrize("layer", CHANGING, ids=repr)
def test_members_have_their_own_knobs_and_bytes(layer, images):
    knob = next(f.name for f in dataclasses.fields(layer) if layer.kinds[f.name].knob)
    amounts = [getattr(layer, knob), getattr(layer, knob) / 2]
    bits = np.stack([bytes_for(layer, 6, seed) for seed in range(2)])

    @jax.jit
    @jax.vmap
    def members(amount, bits):
        return dataclasses.replace(layer, **{knob: amount})({}, {}, jnp.asarray(images), at(bits))[0]

    both = members(jnp.array(amounts), jnp.asarray(bits))
    for i, amount in enumerate(amounts):
        alone = apply(dataclasses.replace(layer, **{knob: amount}), images, bits[i])
        np.testing.assert_allclose(both[i], alone, atol=1e-5)


@pytest.mark.parametrize("layer", CHANGING, ids=repr)
def test_gradients_are_finite_differences(layer, rng):
    with jax.enable_x64(True):
        x, bits = rng.normal(size=(2, HEIGHT, WIDTH, 2)), bytes_for(layer, 2)
        output = jax.jit(lambda x: layer({}, {}, x, at(bits))[0])
        check_grads(output, (x,), order=1, modes=["rev"], eps=1e-6)


def test_sampling_is_that_of_scipy(images, rng):
    rows = rng.uniform(-3, HEIGHT + 2, (6, HEIGHT, WIDTH)).astype(np.float32)
    columns = rng.uniform(-3, WIDTH + 2, (6, HEIGHT, WIDTH)).astype(np.float32)
    y = jax.jit(sample)(jnp.asarray(images), jnp.asarray(rows), jnp.asarray(columns))
    for i, c in np.ndindex(6, 2):
        expected = ndimage.map_coordinates(images[i, ..., c], [rows[i], columns[i]], order=1, mode="nearest")
        np.testing.assert_allclose(y[i, ..., c], expected, atol=1e-5)


def test_sampling_from_one_row_of_pixels():
    y = jax.jit(sample)(jnp.array([[[[1.0], [3.0]]]]), jnp.array([[[0.7]]]), jnp.array([[[0.5, 9.0]]]))
    assert y.ravel().tolist() == [2, 3]


def test_shift_is_that_of_scipy(images):
    layer = Shift(2.5)
    bits = bytes_for(layer, 6)
    y = apply(layer, images, bits)
    for i, c in np.ndindex(6, 2):
        moved = np.round(2.5 * drawn_of(bits)[i])
        expected = ndimage.shift(images[i, ..., c], -moved, order=1, mode="nearest")
        np.testing.assert_allclose(y[i, ..., c], expected, atol=1e-6)


def test_shifts_are_uniform_over_whole_pixels():
    layer = Shift(2.5)
    y = apply(layer, ramps(ROWS), bytes_for(layer, ROWS))
    moved = y[:, 4, 4] - 4
    for axis in range(2):
        values, counts = np.unique(moved[:, axis], return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2]
        np.testing.assert_allclose(counts / ROWS, 0.2, atol=0.03)
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.06


@pytest.mark.parametrize("part", [-1, -0.3, 0.6, 1])
def test_rotation_is_that_of_scipy(part, images):
    y = apply(Rotate(30.0), images, np.repeat(bytes_of(part), 6, axis=0))
    for i, c in np.ndindex(6, 2):
        one = images[i, ..., c]
        expected = ndimage.rotate(one, 30 * part, reshape=False, order=1, mode="nearest")
        np.testing.assert_allclose(y[i, ..., c], expected, atol=5e-3)  # the angle is rounded to 30° / 32768


def test_angles_are_uniform():
    layer = Rotate(20.0)
    y = apply(layer, ramps(ROWS), bytes_for(layer, ROWS))
    down, across = (y[:, 4, 5] - y[:, 4, 3]).T  # what two pixels to the right of each other read
    angles = np.degrees(np.arctan2(down, across))
    assert abs(angles).max() < 20.001
    np.testing.assert_allclose([angles.mean(), angles.std()], [0, 20 / math.sqrt(3)], atol=0.7)
    np.testing.assert_allclose(np.hypot(down, across), 2, atol=1e-4)


def test_crop_by_hand():
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 4, 1)
    for place, expected in ((-1, [0, 0.25, 0.75, 1.25]), (1, [1.75, 2.25, 2.75, 3])):
        # Half of four pixels: windows from 0 to 2 and from 2 to 4, read in steps of a half from a quarter on, where
        # the middle of the first pixel is at 0.5; the outermost is nearer to the border than any middle.
        y = apply(Crop(0.5), x, bytes_of(1, 0, place))
        np.testing.assert_allclose(y.ravel(), expected, atol=1e-3)


def test_crops_are_of_uniform_size_and_place():
    layer = Crop(0.6)
    y = apply(layer, ramps(ROWS), bytes_for(layer, ROWS))
    share = y[:, 5, 4, 0] - y[:, 4, 4, 0]
    assert share.min() >= 0.6 - 1e-5
    assert share.max() <= 1 + 1e-5
    np.testing.assert_allclose([share.mean(), share.std()], [0.8, 0.4 / math.sqrt(12)], atol=0.01)
    np.testing.assert_allclose(y[:, 4, 5, 1] - y[:, 4, 4, 1], share, atol=1e-5)  # proportions are kept
    for axis, length in enumerate((HEIGHT, WIDTH)):
        first = y[:, 4, 4, axis] + 0.5 - share * 4.5  # the window's border, from that of the image
        room = (1 - share) * length
        assert (first > -1e-4).all()
        assert (first < room + 1e-4).all()
        np.testing.assert_allclose((first / room)[share < 0.95].mean(), 0.5, atol=0.02)


@pytest.mark.parametrize("rate", [0.25, 1.0])
def test_flips_are_as_frequent_as_asked(rate, rng):
    x = rng.normal(size=(ROWS, 2, 3, 1)).astype(np.float32)
    y = apply(Flip(rate), x, bytes_for(Flip(rate), ROWS))
    flipped = (y == x[:, :, ::-1]).all((1, 2, 3))
    assert (flipped | (y == x).all((1, 2, 3))).all()
    assert flipped.mean() == pytest.approx(rate, abs=0.03)


def test_brightness_is_one_number_a_row():
    layer = Brightness(0.3)
    added = apply(layer, np.ones((ROWS, 2, 2, 3), np.float32), bytes_for(layer, ROWS)) - 1
    assert np.ptp(added, axis=(1, 2, 3)).max() == 0
    assert abs(added).max() < 0.3 + 1e-6
    np.testing.assert_allclose([added.mean(), added.std()], [0, 0.3 / math.sqrt(3)], atol=0.01)


def test_squares_are_cut_out_by_hand():
    x = np.ones((1, 5, 6, 2), np.float32)
    cut = apply(CutOut(2.0), x, bytes_of(0.01, -1))[0, ..., 0]
    # Centre near row 2.025 and column −0.5: rows from 1.025 on below 3.025, columns below 0.5.
    assert np.argwhere(cut == 0).tolist() == [[2, 0], [3, 0]]
    assert (apply(CutOut(2.0), x, bytes_of(0.5, 0.5)) == 0).sum() == 2 * 2 * 2
    assert (apply(CutOut(99.0), x, bytes_of(1, -1)) == 0).all()


def test_squares_lie_anywhere():
    layer = CutOut(3.0)
    cut = apply(layer, np.ones((ROWS, HEIGHT, WIDTH, 1), np.float32), bytes_for(layer, ROWS))[..., 0] == 0
    heights, widths = cut.any(2).sum(1), cut.any(1).sum(1)
    assert (cut.sum((1, 2)) == heights * widths).all()  # rectangles
    assert heights.max() == widths.max() == 3
    assert heights.min() >= 1
    # A pixel inside is covered where the centre is within 1.5 of it, in both directions.
    np.testing.assert_allclose(cut[:, 2:-2, 2:-2].mean(), 3 / HEIGHT * 3 / WIDTH, atol=0.015)


@pytest.mark.parametrize("layer", CHANGING, ids=repr)
def test_only_images_are_taken(layer):
    message = rf"^{type(layer).__name__} needs rows of shape \(height, width, channels\), but gets \(28, 28\)$"
    with pytest.raises(InputError, match=message):
        layer.output_shape((28, 28))
