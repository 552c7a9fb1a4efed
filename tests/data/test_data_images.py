"""Folders of images, several files, and the flags of the reader."""

import io
import tarfile
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from phalanx.errors import InputError
from phalanx.kinds.images.load import is_images, load_images

REAL = Path(__file__).parents[2] / "../shared/data/images/mnist-folder.tar.gz"
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the shared images are not beside this checkout")


@pytest.fixture
def draw(tmp_path):
    """Write images of one shade or colour each: path -> shade, (shade, height, width), bytes or text."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
                continue
            shade, height, width = content if isinstance(content, tuple) else (content, 4, 4)
            Image.new("L" if isinstance(shade, int) else "RGB", (width, height), shade).save(path)
        return str(tmp_path)

    return write


def refusal(*sources, **options):
    with pytest.raises(InputError) as caught:
        load_images(sources, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def shades(images):
    return images.pixels[:, 0, 0, 0].tolist()


# Folders


def test_a_sub_folder_per_class_in_sorted_order(draw, tmp_path):
    folder = draw({"b/2.png": 5, "b/10.png": 4, "a/x/y/z.PNG": 3, "a/w.png": 2, "B/1.png": 1})
    found = load_images([folder])
    assert found.labels.tolist() == ["B", "a", "a", "b", "b"]
    assert shades(found) == [1, 2, 3, 4, 5]
    assert found.files == tuple(
        str(tmp_path / name) for name in ("B/1.png", "a/w.png", "a/x/y/z.PNG", "b/10.png", "b/2.png")
    )
    assert found.name == tmp_path.name
    assert found.test is None
    assert found.notes == ()


def test_names_in_any_script(draw):
    assert load_images([draw({"猫/一 二.png": 1, "Ärger/ñ.png": 2})]).labels.tolist() == ["Ärger", "猫"]


def test_a_folder_without_sub_folders_has_no_labels(draw):
    found = load_images([draw({"b.png": 2, "a.png": 1, "list.txt": b"a b"})])
    assert found.labels is None
    assert shades(found) == [1, 2]
    assert found.notes[0].endswith("are not images by their suffix")


def test_what_is_not_an_image(draw, tmp_path):
    litter = {"a/.DS_Store": b"x", "__MACOSX/a/1.png": b"x", "b/Thumbs.db": b"x", ".git/1.png": b"x", "a/.1.png": b"x"}
    folder = draw({"a/1.png": 1, "b/1.png": 2} | litter)
    assert load_images([folder]).notes == ()
    draw({"a/1.txt": b"x", "b/deep/1.wav": b"x", "README.md": b"x", "loose.png": 9})
    found = load_images([folder])
    assert shades(found) == [1, 2]
    assert found.notes == (
        "1 images beside the classes' sub-folders have no label and are left out",
        f"3 files in {tmp_path.name!r} are not images by their suffix",
    )


def test_links_are_followed_but_not_in_circles(draw, tmp_path):
    folder = draw({"data/a/1.png": 1, "data/b/1.png": 2, "elsewhere/2.png": 3})
    (tmp_path / "data/a/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/b/circle").symlink_to(tmp_path / "data/b")
    (tmp_path / "data/b/gone.png").symlink_to(tmp_path / "nowhere.png")
    found = load_images([f"{folder}/data"])
    assert found.labels.tolist() == ["a", "a", "b"]
    assert "gone.png' (no such file or directory)" in found.notes[0]


def test_folders_without_images(draw, tmp_path):
    assert "holds no images (.png, .jpg" in refusal(draw({"a.wav": b"x"}))
    draw({"table.csv": b"a,b"})
    assert refusal(str(tmp_path)).endswith(f"; did you mean {str(tmp_path / 'table.csv')!r}?")


def test_classes_without_images(draw, tmp_path):
    folder = draw({"a/1.png": 1, "b/1.png": b"", "b/2.png": b"x"})
    assert f"no image of class 'b' can be read, the first being {str(tmp_path / 'b/1.png')!r} (empty)" in refusal(
        folder
    )
    for name in ("c", "d"):
        (tmp_path / name).mkdir()
    assert "2 of the 4 classes" in refusal(folder)
    assert "hold no image: 'c', 'd'; add images or remove the sub-folders" in refusal(folder)


# Train and test


def test_train_and_test_folders(draw):
    files = {"train/a/1.png": 1, "train/b/1.png": 2, "test/b/1.png": (4, 9, 9), "test/a/1.png": (3, 8, 8)}
    found = load_images([draw(files | {"docs/about.txt": b"x"})])
    assert found.labels.tolist() == ["a", "b"]
    assert found.pixels.shape == (2, 4, 4, 1)
    assert found.test.labels.tolist() == ["a", "b"]
    assert found.test.pixels.shape == (2, 4, 4, 1)
    assert shades(found.test) == [3, 4]
    assert found.test.files[0].endswith("test/a/1.png")
    assert "the folder 'test' is the test: its 2 images are held out" in found.notes


def test_broken_images_among_train_and_test(draw):
    files = {f"{part}/{label}/{i}.png": 10 * i for part in ("train", "test") for label in "ab" for i in range(3)}
    found = load_images([draw(files | {"train/a/0.png": b"", "test/b/1.png": b"x"})])
    assert shades(found) == [10, 20, 0, 10, 20]
    assert found.labels.tolist() == ["a", "a", "b", "b", "b"]
    assert shades(found.test) == [0, 10, 20, 0, 20]
    assert found.test.labels.tolist() == ["a", "a", "a", "b", "b"]
    assert "2 of 12 images cannot be read" in found.notes[1]


@pytest.mark.parametrize("others", [["valid"], ["test", "val"], ["validation"]])
def test_other_parts_of_a_split_are_not_classes(draw, others):
    files = {f"{part}/{label}/1.png": 1 for part in ["train", *others] for label in "ab"}
    message = refusal(draw(files))
    assert f"holds 'train' beside {', '.join(map(repr, sorted(others)))}, which look like parts of a split" in message


def test_a_test_without_classes_is_not_a_class(draw):
    assert "holds 'train' beside 'test'" in refusal(draw({"train/a/1.png": 1, "train/b/1.png": 1, "test/1.png": 1}))


def test_train_may_be_a_class(draw):
    assert load_images([draw({"train/1.png": 1, "test/1.png": 1})]).labels.tolist() == ["test", "train"]
    assert load_images([draw({"car/1.png": 1, "train/1.png": 1})]).test is None


# Sizes and channels


def test_the_most_common_size(draw):
    files = {"a/1.png": (1, 4, 6), "a/2.png": (2, 4, 6), "b/1.png": (3, 9, 9), "b/2.png": (4, 5, 5)}
    found = load_images([draw(files)])
    assert found.pixels.shape == (4, 4, 6, 1)
    assert found.notes == ("2 of 4 images are resized to 4 × 6 pixels (height × width); --size changes it",)
    stated = load_images([draw(files)], size=(3, 2))
    assert stated.pixels.shape == (4, 3, 2, 1)
    assert stated.notes == ()


@pytest.mark.parametrize(
    ("given", "taken"),
    [((64, 64), (64, 64)), ((128, 96), (64, 48)), ((50, 100), (32, 64)), ((65, 3), (64, 3)), ((1000, 2), (64, 1))],
)
def test_a_longer_side_of_64_pixels_at_most(draw, given, taken):
    assert load_images([draw({"a.png": (1, *given)})]).pixels.shape[1:3] == taken


def test_of_equally_common_sizes_the_largest(draw):
    assert load_images([draw({"a.png": (1, 4, 4), "b.png": (1, 5, 5)})]).pixels.shape == (2, 5, 5, 1)


def test_one_image_in_colour_makes_all_three_channels(draw):
    folder = draw({"a/1.png": 50, "b/1.png": ((10, 20, 30), 4, 4)})
    assert load_images([folder]).pixels[:, 0, 0].tolist() == [[50, 50, 50], [10, 20, 30]]
    assert load_images([folder], channels=1).pixels[:, 0, 0].tolist() == [[50], [18]]  # 2.99 + 11.74 + 3.42


def test_what_is_asked_for_must_make_sense(draw):
    folder = draw({"a.png": 1})
    assert refusal(folder, size=(0, 4)) == "the size of images must be at least 1 × 1 pixels, not 0 × 4"
    assert refusal(folder, channels=2) == "images have 1 channel (gray) or 3 (colour), not 2"


def test_memory_is_estimated_before_decoding(draw):
    folder = draw({"a/1.png": 1, "b/1.png": 2})
    assert load_images([folder], memory=64).pixels.nbytes == 32
    assert refusal(folder, memory=62) == (
        "2 images of 4 × 4 pixels and 1 channel need 32 bytes of memory, but only 31 bytes (half of what is free) may "
        "be used: give a smaller --size, or fewer images"
    )
    assert "2 images of 1000 × 1000 pixels" in refusal(folder, memory=10**6, size=(1000, 1000))


# Broken images


def test_broken_images_are_named_and_left_out(draw, tmp_path):
    files = {f"a/{i}.png": i for i in range(20)} | {f"a/{i}.png": b"" for i in range(10, 17)} | {"b/1.png": 99}
    found = load_images([draw(files)])
    assert shades(found) == [0, 1, 17, 18, 19, *range(2, 10), 99]
    assert len(found.files) == len(found.labels) == 14
    named = ", ".join(f"{str(tmp_path / f'a/{i}.png')!r} (empty)" for i in range(10, 15))
    assert found.notes == (f"7 of 21 images cannot be read and are left out: {named} and 2 more",)
    assert refusal(str(tmp_path), strict=True) == (
        f"7 of 21 images cannot be read, the first being {str(tmp_path / 'a/10.png')!r} (empty): mend or remove them"
    )


def test_images_that_break_off_are_found_while_decoding(draw, tmp_path):
    folder = draw({"a/1.png": 1, "a/2.png": 2, "a/3.png": 3})
    noise = np.random.default_rng(0).integers(0, 256, (4, 4), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a/2.png")
    (tmp_path / "a/2.png").write_bytes((tmp_path / "a/2.png").read_bytes()[:50])
    found = load_images([folder])
    assert shades(found) == [1, 3]
    assert "1 of 3 images cannot be read" in found.notes[0]
    assert "mend or remove them" in refusal(folder, strict=True)


def test_nothing_left(draw):
    assert "none of the images can be read: " in refusal(draw({"1.png": b"", "2.png": b"x"}))


# Several files, and what there is not


def test_several_files_in_the_order_given(draw, tmp_path):
    draw({"a.png": 1, "b.png": 2})
    sources = [str(tmp_path / name) for name in ("b.png", "a.png", "b.png")]
    found = load_images(sources)
    assert shades(found) == [2, 1, 2]
    assert found.files == tuple(sources)
    assert found.labels is None
    assert found.name == "b"


def test_what_there_is_not(draw, tmp_path):
    folder = draw({"cats/1.png": 1})
    assert refusal(f"{folder}/cat") == f"no such file: {f'{folder}/cat'!r}; did you mean {str(tmp_path / 'cats')!r}?"
    assert refusal(f"{folder}/nowhere/1.png") == f"no such file: {f'{folder}/nowhere/1.png'!r}"
    assert "cannot be read together" in refusal(folder, f"{folder}/cats/1.png")
    assert refusal().startswith("no source is given")
    (tmp_path / "a.txt").touch()
    assert "holds no images that can be read" in refusal(f"{folder}/a.txt")


def test_sources_for_this_reader(draw, tmp_path):
    folder = draw(
        {"a.JPG": b"", "odd": b"\0\0\x08\x01", "table.csv": b"a,b\n1,2", "plain": b"text", "x-idx3-ubyte": b""}
    )
    for name in ("", "a.JPG", "odd", "x-idx3-ubyte"):
        assert is_images(str(Path(folder, name))), name
    for name in ("table.csv", "plain", "nothing", "nothing.csv", "nothing.csv.gz", "a,b"):
        assert not is_images(str(Path(folder, name))), name
    for name in ("no.png", "no.npz", "no-images-idx3-ubyte.gz", "a-images.idx3-ubyte, a-labels.idx1-ubyte"):
        assert is_images(str(Path(folder, name))), name
    assert not is_images("digits")
    assert not is_images("")
    assert not is_images("a" * 5000)


# Threads


def test_results_do_not_depend_on_the_number_of_threads(draw, monkeypatch):
    folder = draw({f"{i % 3}/{i}.png": (i, 3 + i % 2, 5) for i in range(100)} | {"0/3.png": b""})
    found = []
    for count in (1, 7):
        monkeypatch.setattr(joblib, "cpu_count", lambda count=count: count)
        found.append(load_images([folder]))
    assert np.array_equal(found[0].pixels, found[1].pixels)
    assert found[0].files == found[1].files
    assert found[0].notes == found[1].notes


def test_progress_is_told_in_the_callers_thread(draw):
    told = []
    load_images(
        [draw({f"{i}.png": i for i in range(100)})],
        watch=lambda done, total: told.append((done, total, threading.current_thread())),
    )
    assert told[-1] == (100, 100, threading.current_thread())
    assert [done for done, *_ in told] == sorted({done for done, *_ in told})


def test_an_interruption_ends_the_threads(draw):
    def interrupt(done, total):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        load_images([draw({f"{i}.png": i for i in range(100)})], watch=interrupt)
    assert threading.active_count() == before


# Any bytes, and real images

_SAMPLES = {}


def sample(kind):
    """Return the bytes of a sound image."""
    if kind not in _SAMPLES:
        buffer = io.BytesIO()
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, kind)
        _SAMPLES[kind] = buffer.getvalue()
    return _SAMPLES[kind]


@st.composite
def damaged(draw):
    content = bytearray(sample(draw(st.sampled_from(["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"]))))
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.integers(0, min(len(content) - 1, 300)))
        content[position] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(1, len(content)))]) if draw(st.booleans()) else bytes(content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(content=st.one_of(st.binary(max_size=80), damaged()), suffix=st.sampled_from([".png", ".jpg", ".tif", ".gif"]))
def test_any_bytes_are_read_or_refused(tmp_path, content, suffix):
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    sentence = ""
    try:
        assert len(load_images([str(path)]).pixels) == 1
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence


@needs_real
def test_real_folder(tmp_path):
    with tarfile.open(REAL) as archive:
        archive.extractall(tmp_path, filter="data")
    found = load_images([str(tmp_path / "mnist-folder")])
    assert found.pixels.shape == (1000, 28, 28, 1)
    assert found.test.pixels.shape == (200, 28, 28, 1)
    labels, counts = np.unique(found.labels, return_counts=True)
    assert labels.tolist() == list("0123456789")
    assert set(counts) == {100}
    assert found.files[0] == str(tmp_path / "mnist-folder/train/0" / Path(found.files[0]).name)
    with Image.open(found.files[500]) as image:
        assert np.array_equal(found.pixels[500, ..., 0], np.asarray(image))
    assert len(found.notes) == 1
