"""Where compiled programs are kept."""

import os

import pytest

from phalanx.population.cache import forget_oldest


@pytest.fixture
def folder(tmp_path):
    for i in range(10):
        path = tmp_path / f"program{i}"
        path.write_bytes(b"x" * 100)
        os.utime(path, (1000 + (i - 3) % 10, 1000))  # the fourth was not read for longest
    return tmp_path


@pytest.mark.parametrize("most", [1000, 5000])
def test_what_fits_stays(folder, most):
    forget_oldest(folder, most)
    assert len(list(folder.iterdir())) == 10


def test_those_that_were_not_read_for_longest_go_until_half_is_free(folder):
    forget_oldest(folder, 900)
    assert sorted(path.name for path in folder.iterdir()) == ["program0", "program1", "program2", "program9"]


def test_a_program_that_another_process_deletes_is_no_error(folder, monkeypatch):
    def gone(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "unlink", gone)
    forget_oldest(folder, 900)
