"""One image file: modes, depths, transparency, orientation, resizing, and files that are broken."""

import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import ExifTags, Image

from phalanx.data.files import BrokenFileError
from phalanx.errors import InputError
from phalanx.kinds.images.file import read_header, read_pixels
from phalanx.kinds.images.load import load_images


@pytest.fixture
def save(tmp_path):
    def save(image, name="image.png", **options):
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def pixels(path, channels=None, **options):
    """Return the one image of a file."""
    return load_images([str(path)], channels=channels, **options).pixels[0]


def palette_image(entries, indices):
    image = Image.fromarray(np.array([indices], np.uint8)).convert("P")
    image.frombytes(bytes(indices))
    image.putpalette([value for entry in entries for value in entry])
    return image


# Modes


def test_gray_keeps_one_channel_and_its_values(save):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = pixels(save(values))
    assert found.shape == (3, 4, 1)
    assert np.array_equal(found[..., 0], values)


def test_colour_keeps_three_channels_and_their_order(save):
    values = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(pixels(save(values)), values)


def test_colour_as_gray_and_gray_as_colour(save):
    path = save(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))
    assert pixels(path, channels=1).ravel().tolist() == [76, 150, 29]  # 255 times 0.299, 0.587, 0.114
    gray = save(np.array([[7, 9]], np.uint8), "gray.png")
    assert pixels(gray, channels=3).tolist() == [[[7, 7, 7], [9, 9, 9]]]


def test_black_and_white(save):
    path = save(Image.fromarray(np.array([[True, False]])))
    assert pixels(path).tolist() == [[[255], [0]]]


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep.pgm"])
def test_16_bits_become_8(save, name):
    path = save(np.array([[0, 128, 129, 257, 32896, 65535]], np.uint16), name)
    assert pixels(path).ravel().tolist() == [0, 0, 1, 1, 128, 255]  # v / 257: 0, 0.498, 0.502, 1, 128, 255


def test_whole_numbers_of_32_bits_are_taken_as_16(save):
    assert pixels(save(np.array([[0, 2570]], np.int32), "a.tif")).ravel().tolist() == [0, 10]
    with pytest.raises(InputError, match=r"its whole numbers are not within 0\.\.65535"):
        pixels(save(np.array([[0, 70_000]], np.int32), "b.tif"))


def test_floats_are_from_0_to_1(save):
    path = save(np.array([[0, 0.5, 1]], np.float32), "a.tif")
    assert pixels(path).ravel().tolist() == [0, 128, 255]  # 127.5 goes to the even neighbour
    for wrong in (1.5, -0.1, np.nan):
        with pytest.raises(InputError, match=r"floating-point numbers are not within 0\.\.1"):
            pixels(save(np.array([[0, wrong]], np.float32), "b.tif"))


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("RGBA", (10, 20, 30, 255), [10, 20, 30]),
        ("RGBA", (10, 20, 30, 0), [255, 255, 255]),
        ("RGBA", (0, 0, 255, 51), [204, 204, 255]),  # a fifth blue, four fifths white
        ("LA", (10, 255), [10]),
        ("LA", (10, 0), [255]),
        ("LA", (0, 51), [204]),
    ],
)
def test_transparency_shows_white(save, mode, pixel, expected):
    assert pixels(save(Image.new(mode, (1, 1), pixel))).ravel().tolist() == expected


def test_a_transparent_shade_of_gray_shows_white(save):
    path = save(np.array([[5, 6]], np.uint8), transparency=5)
    assert pixels(path).ravel().tolist() == [255, 6]


def test_palettes(save):
    coloured = save(palette_image([(255, 0, 0), (0, 0, 255)], [1, 0]), "coloured.png")
    assert pixels(coloured).tolist() == [[[0, 0, 255], [255, 0, 0]]]
    gray = save(palette_image([(9, 9, 9), (200, 200, 200)], [1, 0]), "gray.png")
    assert pixels(gray).tolist() == [[[200], [9]]]
    clear = save(palette_image([(255, 0, 0), (0, 0, 255)], [1, 0]), "clear.png", transparency=1)
    assert pixels(clear).tolist() == [[[255, 255, 255], [255, 0, 0]]]


def test_cmyk(save):
    found = pixels(save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "ink.jpg", quality=100))
    assert np.abs(found.astype(int) - [255, 0, 0]).max() <= 3  # magenta and yellow ink make red


def test_first_frame_of_an_animation(save):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert pixels(save(frames[0], "moving.gif", save_all=True, append_images=frames[1:]))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("suffix", ["png", "JPEG", "jpg", "BMP", "gif", "WebP", "tif", "tiff", "ppm"])
def test_kinds_of_files(save, suffix):
    path = save(Image.new("RGB", (6, 5), (250, 10, 10)), f"image.{suffix}")
    found = pixels(path)
    assert found.shape == (5, 6, 3)
    assert np.abs(found.astype(int) - [250, 10, 10]).max() <= 4


# Orientation

SHOWN = {  # the corners of [[1, 2], [3, 4]] as EXIF's definition of each orientation shows them
    1: [[1, 2], [3, 4]],
    2: [[2, 1], [4, 3]],
    3: [[4, 3], [2, 1]],
    4: [[3, 4], [1, 2]],
    5: [[1, 3], [2, 4]],
    6: [[3, 1], [4, 2]],
    7: [[4, 2], [3, 1]],
    8: [[2, 4], [1, 3]],
}


@pytest.mark.parametrize("name", ["turned.png", "turned.tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(save, name, orientation):
    stored = np.kron(np.array([[1, 2], [3, 4]], np.uint8), np.ones((2, 3), np.uint8))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = save(stored, name, exif=exif)
    block = (2, 3) if orientation < 5 else (3, 2)
    expected = np.kron(np.array(SHOWN[orientation]), np.ones(block, int))
    assert read_header(path).size == expected.shape
    assert np.array_equal(pixels(path)[..., 0], expected)


def test_a_broken_exif_block_leaves_the_image(save):
    path = save(np.full((3, 5), 100, np.uint8), "odd.jpg", exif=b"Exif\0\0nonsense, not TIFF")
    assert pixels(path).shape == (3, 5, 1)


# Resizing


def test_resizing_averages_and_does_not_keep_proportions(save):
    corners = np.array([[0, 100], [200, 60]], np.uint8)
    found = pixels(save(np.kron(corners, np.ones((40, 80), np.uint8))), size=(2, 2))
    # A triangle as wide as two halves, cut off at the edge: areas 30 of 40 in its own half, 5 in the other.
    reach = np.array([[6, 1], [1, 6]]) / 7
    assert np.abs(found[..., 0] - reach @ corners @ reach.T).max() <= 1
    fine = np.indices((64, 64)).sum(0) % 2 * 200
    assert np.abs(pixels(save(fine.astype(np.uint8), "fine.png"), size=(7, 9)).astype(int) - 100).max() <= 8


def test_a_large_jpeg_may_be_decoded_smaller(save):
    shades = np.linspace(0, 255, 1000).astype(np.uint8)
    found = pixels(save(np.tile(shades, (600, 1)), "large.jpg"), size=(6, 10))
    assert np.abs(found[..., 0].astype(int) - np.linspace(12.75, 242.25, 10)).max() <= 3


# Broken files


def broken(path):
    """Return why a file's pixels cannot be read; its header must not fail in another way."""
    with suppress(BrokenFileError):
        read_header(path)
    with pytest.raises(BrokenFileError) as caught:
        read_pixels(path, (2, 2), 3)
    return str(caught.value)


def test_reasons(tmp_path, save):
    (tmp_path / "empty.png").touch()
    assert broken(tmp_path / "empty.png") == "empty"
    (tmp_path / "text.png").write_text("not an image")
    assert broken(tmp_path / "text.png") == "not an image of a known kind"
    assert broken(tmp_path / "absent.png") == "no such file or directory"
    assert broken(tmp_path) == "is a directory"


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tif", "ppm"])
def test_truncated(save, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    path = save(noise, f"cut.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert broken(path)


def declared(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 60_000])  # above Pillow's limit, and above twice that
def test_a_huge_declared_size_is_left_out(tmp_path, save, side):
    (tmp_path / "huge.png").write_bytes(declared(side, side))
    small = save(np.zeros((4, 4), np.uint8))
    images = load_images([str(small), str(tmp_path / "huge.png")])
    assert images.pixels.shape == (1, 4, 4, 1)
    assert f"'{tmp_path / 'huge.png'}' (more than 89,478,485 pixels)" in images.notes[0]


def test_files_that_may_start_programs_are_not_opened(tmp_path):
    (tmp_path / "script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    assert broken(tmp_path / "script.png") == "not an image of a known kind"


def test_the_callers_warnings_stay_as_they_were(save):
    before = list(warnings.filters)
    pixels(save(np.zeros((4, 4), np.uint8)))
    assert warnings.filters == before
