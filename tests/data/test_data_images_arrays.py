"""Images in one file: IDX and NumPy archives."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from phalanx.data.npz import read_npz_table
from phalanx.errors import InputError
from phalanx.kinds.images.idx import read_idx
from phalanx.kinds.images.load import is_images, load_images

REAL = Path(__file__).parents[2] / "../shared/data/images"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the shared images are not beside this checkout")
anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx_bytes(array):
    array = np.asarray(array)
    start = bytes([0, 0, CODES[array.dtype.name], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return start + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        content = content if isinstance(content, bytes) else idx_bytes(content)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return str(tmp_path / name)

    return write


@pytest.fixture
def archive(tmp_path):
    def archive(**held):
        np.savez(tmp_path / "some.npz", **held)
        return str(tmp_path / "some.npz")

    return archive


def refusal(*sources, **options):
    with pytest.raises(InputError) as caught:
        load_images(sources, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([7, 1], np.uint8)

# IDX


def test_idx_worked_by_hand(write):
    path = Path(write("a.idx", bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0xFF, 0xFE])))
    assert read_idx(path).tolist() == [[256, -2]]
    assert read_idx(path).dtype == np.int16


@anew
@given(
    array=arrays.arrays(st.sampled_from(sorted(CODES)), arrays.array_shapes(min_dims=1, max_dims=5)),
    packed=st.booleans(),
)
def test_idx_round_trip(write, array, packed):
    found = read_idx(Path(write("a.idx.gz" if packed else "a.idx", array)))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels.idx1-ubyte"),
        ("own.idx3", "own.idx1"),
    ],
)
def test_the_labels_are_found_by_name(write, images, labels):
    write(labels, LABELS)
    found = load_images([write(images, PIXELS)])
    assert found.name == images.split(".")[0].removesuffix("-idx3-ubyte")
    assert found.pixels[..., 0].tolist() == PIXELS.tolist()
    assert found.labels.tolist() == [7, 1]
    assert found.files is None


def test_a_pair_in_any_order(write):
    images, labels = write("first", PIXELS), write("second", LABELS)
    for sources in ([images, labels], [labels, images], [f"{images},{labels}"], [f"{labels}, {images}"]):
        assert load_images(sources).labels.tolist() == [7, 1]
    assert load_images([images]).labels is None


def test_what_does_not_belong_together(write):
    images, labels = write("images.idx", PIXELS), write("labels.idx", LABELS[:1])
    assert "holds 2 images, but" in refusal(images)
    assert refusal(labels).endswith("holds labels: give the file of images, beside it or before it")
    assert refusal(images, images).endswith("both hold images: give one file of images and one of labels")
    assert refusal(labels, labels).endswith("both hold labels: give one file of images and one of labels")
    assert "cannot be read together" in refusal(images, labels, images)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"",
            "is not an IDX file: its first four bytes should be 0, 0, a type (8, 9, 11 to 14) and the number of axes",
        ),
        (b"\0\0\x0a\x03" + b"\0" * 20, "but are 0, 0, 10, 3"),
        (b"\0\0\x08\x03\0\0", "is cut short within its header"),
        (idx_bytes(PIXELS)[:-1], "is cut short: its header promises 24 bytes of data (2 × 3 × 4)"),
        (idx_bytes(PIXELS) + b"!", "goes on: its header promises 24 bytes of data (2 × 3 × 4)"),
        (b"\0\0\x08\x03" + struct.pack(">III", 0, 28, 28), "holds no values: its header says 0 × 28 × 28"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "of memory, but only"),
        (idx_bytes(np.zeros((2, 2), np.uint8)), "has the shape (2, 2); images are (n, height, width)"),
    ],
)
def test_idx_that_is_none(write, content, sentence):
    assert sentence in refusal(write("images.idx", content))
    assert sentence in refusal(write("images.idx.gz", content))


def test_broken_gzip(write):
    packed = Path(write("images.idx.gz", PIXELS))
    packed.write_bytes(packed.read_bytes()[:-9])
    assert "is not a sound gzip file" in refusal(str(packed))


def test_a_folder_of_idx_files(write, tmp_path):
    write("train-images-idx3-ubyte", PIXELS)
    write("train-labels-idx1-ubyte", LABELS)
    assert load_images([str(tmp_path)]).test is None
    write("train-images-idx3-ubyte.gz", PIXELS)  # a compressed copy
    write("t10k-images-idx3-ubyte.gz", PIXELS[1:] + 100)
    write("t10k-labels-idx1-ubyte.gz", LABELS[1:])
    found = load_images([str(tmp_path)])
    assert found.labels.tolist() == [7, 1]
    assert found.test.labels.tolist() == [1]
    assert found.test.pixels[0, 0, 0, 0] == 112
    assert found.notes == ("'t10k-images-idx3-ubyte.gz' is the test: its 1 images are held out",)
    write("letters-images-idx3-ubyte", PIXELS)
    assert "holds several IDX files of images" in refusal(str(tmp_path))


def test_other_types_of_numbers(write):
    assert load_images([write("a.idx", PIXELS.astype(np.int32))]).pixels.dtype == np.uint8
    assert load_images([write("b.idx", PIXELS / 10)]).pixels.dtype == np.float32
    assert "holds integers from -1 to 22" in refusal(write("c.idx", PIXELS.astype(np.int16) - 1))


@needs_real
def test_real_idx():
    found = load_images([str(REAL)])
    assert found.pixels.shape == (60_000, 28, 28, 1)
    assert found.labels[:5].tolist() == [5, 0, 4, 1, 9]  # as on the data's own page
    assert np.bincount(found.labels)[0] == 5923
    assert found.pixels.mean() / 255 == pytest.approx(0.1307, abs=5e-5)  # the mean that everyone standardizes with
    assert found.test.pixels.shape == (10_000, 28, 28, 1)
    assert found.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


# Archives


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint16, np.int8, bool])
def test_integers_and_booleans_keep_their_values(archive, kind):
    X = PIXELS.astype(kind)
    found = load_images([archive(X=X, y=LABELS)])
    assert found.pixels.dtype == np.uint8
    assert np.array_equal(found.pixels[..., 0], X.astype(int))
    assert found.name == "some"


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_floats_become_float32(archive, kind, channels):
    X = np.linspace(-1, 1, 24 * channels).reshape(2, 3, 4, channels).astype(kind)
    found = load_images([archive(X=X)])
    assert found.pixels.dtype == np.float32
    assert np.array_equal(found.pixels, X.astype(np.float32))
    assert found.labels is None


@pytest.mark.parametrize("y", [["a", "b"], [1, 2], [0.5, -1.5], [True, False]])
def test_labels_are_as_given(archive, y):
    assert load_images([archive(X=PIXELS, y=y)]).labels.tolist() == y


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ({"x": PIXELS, "z": LABELS}, "holds no array 'X', but 'x', 'z'"),
        ({"X": PIXELS, "y": LABELS[:1]}, "has the shape (1,), but X holds 2 rows: y must hold a value for each"),
        ({"X": PIXELS, "y": LABELS[:, None]}, "has the shape (2, 1)"),
        ({"X": PIXELS, "y": np.array([1j, 2])}, "is of type complex128; it must be text, integers, floats or booleans"),
        ({"X": PIXELS.astype(int) * 100}, "holds integers from 0 to 2300; images hold 0 to 255"),
        ({"X": PIXELS * 1j}, "is of type complex128; images are of integers within 0..255, floats or booleans"),
        ({"X": np.array([[["a"]]])}, "is of type <U1"),
        ({"X": PIXELS * np.nan}, "holds values that are missing, infinite or beyond float32"),
        ({"X": PIXELS * 1e300}, "holds values that are missing, infinite or beyond float32"),
        ({"X": PIXELS[:0]}, "holds no images: its shape is (0, 3, 4)"),
        ({"X": PIXELS.reshape(2, 1, 1, 12)}, "with 1 to 4 channels last"),
        ({"X": PIXELS.ravel()}, "has the shape (24,)"),
    ],
)
def test_archives_that_do_not_fit(archive, held, sentence):
    assert sentence in refusal(archive(**held))


def test_objects_are_not_unpickled(archive):
    thing = np.array([[[{}]]], dtype=object)
    assert "is an array of objects, which are not read" in refusal(archive(X=thing))
    assert "not a readable NumPy archive" in refusal(archive(X=PIXELS, y=np.array([{}, {}], dtype=object)))


def test_archives_that_are_none(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"")
    assert "is not a readable NumPy archive (.npz)" in refusal(str(path))
    np.savez(path, X=PIXELS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is not a readable NumPy archive (.npz)" in refusal(str(path))


def test_a_huge_declared_shape_is_not_read(tmp_path):
    start = io.BytesIO()
    np.lib.format.write_array_header_1_0(start, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 999, 999)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("X.npy", start.getvalue())
    assert "1,000,000,000 images of 999 × 999 pixels need 998,001.0 GB of memory" in refusal(str(tmp_path / "a.npz"))


def test_size_and_channels_of_archives(archive):
    gray = load_images([archive(X=PIXELS)], size=(6, 8), channels=3)
    expected = Image.fromarray(PIXELS[1]).convert("RGB").resize((8, 6), Image.Resampling.BILINEAR)
    assert np.array_equal(gray.pixels[1], np.asarray(expected))
    red = np.zeros((1, 2, 2, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    assert load_images([archive(X=red)], channels=1).pixels.ravel().tolist() == [76] * 4
    four = np.broadcast_to(np.array([1, 2, 3, 4], np.uint8), (2, 4, 4, 4))
    assert np.array_equal(load_images([archive(X=four)], size=(2, 2)).pixels, four[:, :2, :2])
    assert "has 4 channels of uint8, which cannot become 3" in refusal(archive(X=four), channels=3)
    assert "has 1 channels of float32, which cannot become 3" in refusal(archive(X=PIXELS / 2), channels=3)
    assert "floats of 3 × 4 pixels, which are not resized to 5 × 5" in refusal(archive(X=PIXELS / 2), size=(5, 5))
    assert load_images([archive(X=PIXELS / 2)], size=(3, 4), channels=1).pixels.shape == (2, 3, 4, 1)


def test_memory_of_arrays(archive, write):
    assert load_images([archive(X=PIXELS)], memory=48).pixels.nbytes == 24
    assert (
        "2 images of 3 × 4 pixels need 24 bytes of memory, but only 23 bytes (half of what is free) may be used: "
        in (refusal(archive(X=PIXELS), memory=47))
    )
    assert "need 24 bytes" in refusal(write("a.idx", PIXELS), memory=47)
    assert "need 1.8 kB of memory" in refusal(archive(X=PIXELS), memory=48, size=(30, 30))


def test_tables(archive):
    table = np.array([[1.5, 2], [3, 4]])
    X, y = read_npz_table(Path(archive(X=table, y=["a", "b"])))
    assert X.tolist() == table.tolist()
    assert y.tolist() == ["a", "b"]
    assert read_npz_table(Path(archive(X=table)))[1] is None
    for held, sentence in [
        (PIXELS, "has 3 axes: a table has 2, sequences and gray images have 3, images 4"),
        (table * 1j, "is of type complex128; it must be numbers, booleans or text"),
        (table[:0], r"is empty: its shape is \(0, 2\)"),
    ]:
        with pytest.raises(InputError, match=sentence):
            read_npz_table(Path(archive(X=held)))


def test_archives_for_this_reader(archive, tmp_path):
    assert is_images(archive(X=PIXELS))
    assert not is_images(archive(X=PIXELS[0]))
    assert not is_images(archive(X=PIXELS[0, 0]))
    (tmp_path / "broken.npz").write_bytes(b"PK")
    assert is_images(str(tmp_path / "broken.npz"))


# Any bytes


@settings(anew, max_examples=150)
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.binary(max_size=40).map(lambda rest: b"\0\0\x08\x03" + rest),
        st.tuples(st.integers(0, 250), st.binary(max_size=8)).map(lambda cut: damaged(*cut)),
    ),
    suffix=st.sampled_from([".npz", ".idx", ".idx.gz", "-idx3-ubyte"]),
)
def test_any_bytes_are_read_or_refused(tmp_path, content, suffix):
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    assert is_images(str(path)) in (True, False)
    sentence = ""
    try:
        load_images([str(path)])
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence


def damaged(position, patch):
    """Return a sound archive with some bytes overwritten."""
    buffer = io.BytesIO()
    np.savez(buffer, X=PIXELS)
    whole = bytearray(buffer.getvalue())
    whole[position : position + len(patch)] = patch
    return bytes(whole)
