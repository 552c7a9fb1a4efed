"""WAV files: formats, folders, tables that name files, and files that are broken."""

import io
import struct
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from phalanx.config import Config
from phalanx.data.files import BrokenFileError
from phalanx.errors import InputError
from phalanx.kinds import registry
from phalanx.kinds.files import columns_of_files
from phalanx.kinds.kind import Request
from phalanx.kinds.model import RowModel
from phalanx.kinds.sounds.file import SOUNDS, read_sound
from phalanx.kinds.sounds.read import load_sounds
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.tables.kind import TABLES
from phalanx.predictor import Predictor

REAL = Path(__file__).parents[2] / "../shared/data/audio/spoken-digits.tar.gz"
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the shared recordings are not beside this checkout")

WAVE = np.array([0.0, 0.5, -0.5, 0.25])


@pytest.fixture
def write(tmp_path):
    """Write files: path -> samples, (rate, samples), or bytes; return the folder."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                rate, samples = content if isinstance(content, tuple) else (8_000, content)
                wavfile.write(path, rate, np.asarray(samples, np.float32))
        return tmp_path

    return write


def load(sources, **options):
    return registry.load(sources, Request(**options))


def refusal(job, *given, **options):
    with pytest.raises(InputError) as caught:
        job(*given, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def in_memory(samples, rate=8_000):
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples)
    return buffer.getvalue()


def wav(form, channels, bits, data, rate=8_000, extra=b""):
    """Return the bytes of a WAV file, put together by hand."""
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", form, channels, rate, rate * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + extra + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


# One file


@pytest.mark.parametrize(
    ("form", "bits", "data"),
    [
        (1, 8, bytes([128, 192, 64, 160])),
        (1, 16, struct.pack("<4h", 0, 1 << 14, -(1 << 14), 1 << 13)),
        (1, 24, b"".join(v.to_bytes(3, "little", signed=True) for v in (0, 1 << 22, -(1 << 22), 1 << 21))),
        (1, 32, struct.pack("<4i", 0, 1 << 30, -(1 << 30), 1 << 29)),
        (3, 32, struct.pack("<4f", *WAVE)),
        (3, 64, struct.pack("<4d", *WAVE)),
    ],
)
def test_every_format_of_samples(write, form, bits, data):
    sound = read_sound(write({"a.wav": wav(form, 1, bits, data)}) / "a.wav")
    assert (sound.rate, sound.samples.dtype) == (8_000, np.float32)
    assert sound.samples.tolist() == WAVE.tolist()


def test_channels_become_their_mean(write):
    folder = write({"a.wav": in_memory(np.array([[0.5, 0.0], [-0.5, 0.25]], np.float32), 44_100)})
    sound = read_sound(folder / "a.wav")
    assert (sound.rate, sound.samples.tolist()) == (44_100, [0.25, -0.125])


def test_blocks_that_hold_no_samples_are_passed_over(write):
    data, extra = struct.pack("<4f", *WAVE), b"odd " + struct.pack("<I", 4) + b"text"
    folder = write({"a.wav": wav(3, 1, 32, data, extra=extra), "b.wav": wav(3, 1, 32, data) + extra})
    for name in ("a.wav", "b.wav"):
        assert read_sound(folder / name).samples.tolist() == WAVE.tolist()


def test_a_length_that_was_never_filled_in(write):
    raw = wav(3, 1, 32, struct.pack("<4f", *WAVE))
    streamed = raw.replace(b"data" + struct.pack("<I", 16), b"data" + b"\xff" * 4)
    assert read_sound(write({"a.wav": streamed}) / "a.wav").samples.tolist() == WAVE.tolist()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"no sound at all", "not a WAV file that can be read: File format b'no s' not understood"),
        (in_memory(np.zeros(0, np.float32)), "empty: it holds no samples"),
        (in_memory(WAVE)[:-8], "it breaks off: 32 bytes of samples are announced, 24 are there"),
        (in_memory(WAVE)[:40], "not a WAV file that can be read: "),
        (in_memory(np.array([0.0, np.nan])), "it holds values that are not finite"),
        (in_memory(WAVE, rate=20), "20 samples a second; there must be 1,000 to 400,000"),
        (wav(7, 1, 8, b"abcd"), "not a WAV file that can be read: Unknown wave file format: MULAW"),
    ],
)
def test_a_broken_file_says_why(write, raw, reason):
    path = write({"a.wav": raw}) / "a.wav"
    with pytest.raises(BrokenFileError) as caught:
        read_sound(path)
    assert str(caught.value).startswith(reason)
    assert refusal(load_sounds, [path]).startswith(f"none of the sounds can be read: {str(path)!r} ({reason}")


@st.composite
def damaged(draw):
    content = bytearray(in_memory(draw(st.sampled_from([np.int16, np.uint8, np.int32, np.float32]))([1, 2, 3, 4] * 9)))
    for _ in range(draw(st.integers(1, 4))):
        content[draw(st.integers(0, min(len(content), 60) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(1, len(content)))]) if draw(st.booleans()) else bytes(content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(content=st.one_of(st.binary(max_size=80), damaged()))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    path = tmp_path / "any.wav"
    path.write_bytes(content)
    sentence, samples = "", np.ones(1)
    try:
        samples = read_sound(path).samples
    except BrokenFileError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert samples.ndim == 1
    assert len(samples) > 0
    assert np.isfinite(samples).all()


# Folders and files


def test_a_sub_folder_per_class(write):
    folder = write({"sounds/yes/1.wav": WAVE, "sounds/no/a/2.WAV": -WAVE, "sounds/readme.txt": b"x"}) / "sounds"
    found = load([str(folder)])
    assert (found.name, found.kind, found.target, found.id) == ("sounds", "sounds", "label", "file")
    assert found.frame["label"].tolist() == ["no", "yes"]
    assert found.frame["file"].tolist() == [str(folder / "no/a/2.WAV"), str(folder / "yes/1.wav")]
    assert [sound.samples.tolist() for sound in found.rows] == [(-WAVE).tolist(), WAVE.tolist()]
    assert found.notes == ("1 files in 'sounds' are not sounds by their suffix",)


def test_train_and_test_folders(write):
    folder = write({f"{part}/{label}/1.wav": WAVE for part in ("train", "test") for label in "ab"})
    found = load([str(folder)])
    assert found.frame["label"].tolist() == found.test.frame["label"].tolist() == ["a", "b"]
    assert found.notes == ("the folder 'test' is the test: its 2 sounds are held out",)


def test_files_in_the_order_given(write):
    folder = write({"a.wav": WAVE, "b.wav": -WAVE})
    found = load([str(folder / "b.wav"), str(folder / "a.wav")])
    assert [sound.samples[1] for sound in found.rows] == [-0.5, 0.5]
    assert list(found.frame) == ["file"]
    assert list(load([str(folder)]).frame) == ["file"]


def test_texts_beside_sounds_do_not_count_but_images_do(write):
    folder = write({"a/1.wav": WAVE, "a/1.txt": b"what is said", "b/1.wav": WAVE})
    assert load([str(folder)]).kind == "sounds"
    write({"b/1.png": b"no picture"})
    assert "hold no image" in refusal(load, [str(folder)])


def test_rates_that_differ_are_told(write):
    folder = write({"a.wav": WAVE, "b.wav": (16_000, WAVE), "c.wav": WAVE})
    assert load([str(folder)]).notes == (
        "sounds differ in samples a second: 8,000 (2), 16,000 (1); all are brought to one rate",
    )


def test_broken_sounds_are_left_out_or_refused(write):
    folder = write({"a/1.wav": WAVE, "a/2.wav": b"", "b/1.wav": WAVE, "b/2.wav": b"RIFF"})
    found = load([str(folder)])
    assert found.frame["label"].tolist() == ["a", "b"]
    assert found.notes[0].startswith(
        f"2 of 4 sounds cannot be read and are left out: {str(folder / 'a/2.wav')!r} (empty), "
    )
    assert "2 of 4 sounds cannot be read, the first being" in refusal(load, [str(folder)], strict=True)


def test_what_is_not_there(write):
    folder = write({"a.wav": WAVE, "b.csv": b"x"})
    assert refusal(load_sounds, [folder / "c.wav"]) == f"no such file: {str(folder / 'c.wav')!r}"
    assert refusal(load_sounds, [folder / "b.csv"]).endswith("b.csv' is not a WAV file (.wav, .wave)")
    two = [str(folder / "a.wav"), str(folder / "b.csv")]
    model = RowModel(TABLES, TableEncoder.fit_numbers(np.ones((2, 1))), ("y",), None, Predictor({}, {}, "", ()))
    assert "only images, sounds or texts" in refusal(registry.load_like, model, two)


# Tables


def test_a_table_that_names_files(write):
    folder = write({"x/1.wav": WAVE, "x/2.wav": -WAVE, "x/3.wav": b""})
    table = pd.DataFrame({"digit": [1, 2, 3, 2], "at": ["x/1.wav", "x/2.wav", "x/3.wav", None], "who": list("abca")})
    table.to_csv(folder / "t.csv", index=False)
    found = load([str(folder / "t.csv")])
    assert (found.kind, found.id, found.target) == ("table", "at", None)
    assert found.frame.to_dict("list") == {"digit": [1, 2], "at": ["x/1.wav", "x/2.wav"], "who": ["a", "b"]}
    assert [sound.samples[1] for sound in found.inputs["at"]] == [0.5, -0.5]
    assert found.notes == (
        "1 row names no file in column 'at': left out",
        f"1 of 3 sounds cannot be read and are left out: {str(folder / 'x/3.wav')!r} (empty)",
    )
    unnamed = "1 row names no file in column 'at'; leave such rows out"
    assert refusal(load, [str(folder / "t.csv")], strict=True) == unnamed
    table.dropna().to_csv(folder / "t.csv", index=False)
    assert "mend or remove them" in refusal(load, [str(folder / "t.csv")], strict=True)


def test_a_file_may_be_named_twice_or_not_exist(write):
    folder = write({"1.wav": WAVE, "t.csv": b"file,y\n1.wav,2\ngone.wav,3\n1.wav,4\ngone.wav,5\n"})
    found = load([str(folder / "t.csv")])
    assert found.frame["y"].tolist() == [2, 4]
    assert "gone.wav' (no such file or directory)" in found.notes[0]


def test_a_table_that_names_files_may_be_tested_on_another(write):
    folder = write({f"{i}.wav": WAVE * (1 + i % 2) for i in range(8)})
    rows = [f"{i}.wav,{'ab'[i % 2]}\n" for i in range(8)]
    write({"t.csv": "".join(["file,y\n", *rows[:6]]).encode(), "later.csv": "".join(["file,y\n", *rows[6:]]).encode()})
    found = registry.prepare(Config(source=str(folder / "t.csv"), target=("y",), test=str(folder / "later.csv")))
    assert found.kind.name == "sounds"
    assert found.test_values[0].tolist() == [0, 1]
    assert len(found.test_inputs) == 2


def test_which_column_names_files():
    frame = pd.DataFrame({"a": ["1.wav", "2.txt"], "b": [1, 2], "c": ["1.WAV", None], "d": ["3.wav", "4.wav"]})
    assert columns_of_files(frame, SOUNDS) == ["c", "d"]
    assert columns_of_files(frame[["a", "b"]], SOUNDS) == []
    assert columns_of_files(pd.DataFrame({"a": [None, None]}), SOUNDS) == []


def test_nothing_warns(write):
    folder = write({"a.wav": in_memory(WAVE) + b"odd ", "b.wav": WAVE})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load([str(folder)]).rows) == 2


@needs_real
def test_real_recordings(tmp_path):
    with tarfile.open(REAL) as archive:
        archive.extractall(tmp_path, filter="data", members=[m for m in archive if "_1" in m.name])
    found = load([str(tmp_path / "spoken-digits")])
    assert len(found.rows) > 100
    assert {sound.rate for sound in found.rows} == {8_000}
    assert all(0.1 < len(sound.samples) / sound.rate < 2 for sound in found.rows)
    _, samples = wavfile.read(found.frame["file"][7])
    assert np.allclose(found.rows[7].samples, samples / 2**15)
