"""Layers for spectrograms: against NumPy, with the draws read back, and padding that changes nothing."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phalanx.errors import InputError
from phalanx.layers import EVALUATE, At, HideBlocks, InstanceNorm, ShiftBands, SpectralAugmentation

ROWS, STEPS, BANDS = 3000, 12, 9
CHANGING = [ShiftBands(2.0), HideBlocks(4.0, 3.0)]
IDLE = [ShiftBands(0.0), HideBlocks(0.0, 0.0)]


def changed(layer, x, bits):
    return np.asarray(jax.jit(lambda x, bits: layer({}, {}, x, At(train=True, noise=bits))[0])(x, bits))


def bytes_for(layer, rows=ROWS):
    return np.random.default_rng(0).integers(0, 256, (rows, layer.noise((STEPS, BANDS))), np.uint8)


def drawn_of(bits):
    """The numbers in (−1, 1) that bytes stand for, by NumPy."""
    pairs = bits.reshape(len(bits), -1, 2).astype(float)
    return (256 * pairs[..., 0] + pairs[..., 1] + 0.5) / 32768 - 1


def test_every_augmentation_is_here(part_classes):
    assert (
        {type(layer) for layer in CHANGING}
        == {type(layer) for layer in IDLE}
        == set(part_classes(SpectralAugmentation))
    )


@pytest.mark.parametrize("layer", CHANGING, ids=repr)
def test_outside_training_nothing_changes(layer, rng):
    x = rng.normal(size=(5, STEPS, BANDS)).astype(np.float32)
    assert (np.asarray(layer({}, {}, jnp.asarray(x), EVALUATE)[0]) == x).all()
    assert not (changed(layer, x, bytes_for(layer, 5)) == x).all()


@pytest.mark.parametrize("layer", IDLE, ids=repr)
def test_a_strength_of_zero_changes_nothing(layer, rng):
    x = rng.normal(size=(50, STEPS, BANDS)).astype(np.float32)
    np.testing.assert_allclose(changed(layer, x, bytes_for(layer, 50)), x, atol=1e-6)


@pytest.mark.parametrize("layer", [*CHANGING, InstanceNorm()], ids=repr)
def test_rows_of_another_shape_are_refused(layer):
    with pytest.raises(InputError, match=rf"{type(layer).__name__} needs rows of shape \(.*, but gets \(5,\)"):
        layer.output_shape((5,))


def test_shifted_bands_are_read_between_their_neighbours(rng):
    x, bits = rng.normal(size=(ROWS, STEPS, BANDS)).astype(np.float32), bytes_for(ShiftBands())
    found = changed(ShiftBands(2.0), x, bits)
    for row in range(20):
        place = np.arange(BANDS) + 2.0 * drawn_of(bits)[row, 0]
        expected = [np.interp(place, np.arange(BANDS), step) for step in x[row]]  # which repeats the outermost
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_hidden_blocks_are_as_long_as_drawn():
    layer = HideBlocks(4.0, 3.0)
    bits = bytes_for(layer)
    hidden = changed(layer, np.ones((ROWS, STEPS, BANDS), np.float32), bits) == 0
    steps, bands = hidden.all(2), hidden.all(1)
    np.testing.assert_array_equal(hidden, steps[:, :, None] | bands[:, None, :])
    for blocks, longest, length in ((steps, 4.0, drawn_of(bits)[:, 0]), (bands, 3.0, drawn_of(bits)[:, 2])):
        assert (np.abs(np.diff(np.pad(blocks, ((0, 0), (1, 1))).astype(int))).sum(1) <= 2).all()  # one block
        assert np.abs(blocks.sum(1) - longest * (length + 1) / 2).max() <= 1
        assert blocks.sum(1).mean() == pytest.approx(longest / 2, rel=0.05)
        assert blocks[:, [0, -1]].any(0).all()


def test_knobs_may_differ_between_members():
    bits, x = bytes_for(HideBlocks(), 8), jnp.ones((8, STEPS, BANDS))
    lengths = jnp.array([0.0, 6.0])

    def hidden(length):
        layer = dataclasses.replace(HideBlocks(), steps=length, bands=0.0)
        return (layer({}, {}, x, At(train=True, noise=jnp.asarray(bits)))[0] == 0).sum()

    none, some = jax.vmap(hidden)(lengths)
    assert none == 0 < some


def test_each_row_and_channel_has_mean_0_and_deviation_1(rng):
    x = rng.normal(3.0, 5.0, size=(4, STEPS, BANDS)).astype(np.float32)
    y = np.asarray(InstanceNorm(1e-6)({}, {}, jnp.asarray(x), EVALUATE)[0])
    np.testing.assert_allclose(y, (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True), atol=1e-5)
    image = rng.normal(size=(4, 5, 6, 2)).astype(np.float32)
    y = np.asarray(InstanceNorm(0.5)({}, {}, jnp.asarray(image), EVALUATE)[0])
    centred = image - image.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(y, centred / np.sqrt(image.var((1, 2), keepdims=True) + 0.5), atol=1e-5)


def test_padding_does_not_count(rng):
    x = rng.normal(3.0, 5.0, size=(3, STEPS, BANDS)).astype(np.float32)
    padded = np.concatenate([x, np.full((3, 4, BANDS), 1e6, np.float32)], 1)
    mask = jnp.arange(STEPS + 4)[None] < jnp.full((3, 1), STEPS)
    short, long = (InstanceNorm()({}, {}, jnp.asarray(a), At(False, mask=m))[0] for a, m in ((x, None), (padded, mask)))
    np.testing.assert_allclose(long[:, :STEPS], short, atol=1e-5)
    nothing = InstanceNorm()({}, {}, jnp.asarray(x), At(False, mask=jnp.zeros((3, STEPS), bool)))[0]
    assert np.isfinite(nothing).all()
