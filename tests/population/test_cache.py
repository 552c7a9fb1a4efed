"""Where compiled programs are kept."""

import os

import jax
import jax.numpy as jnp
import pytest

from phalanx.population import cache
from phalanx.population.cache import forget_oldest, forget_programs
from phalanx.population.compilation import compilations


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


@pytest.mark.skipif(not cache._MAPS.exists(), reason="only Linux counts maps")
def test_programs_are_forgotten_where_they_take_too_many_maps(tmp_path, monkeypatch):
    program, limit = jax.jit(lambda x: x @ x + 1), tmp_path / "limit"
    monkeypatch.setattr(cache, "_MOST_MAPS", limit)

    def compiled_again():
        before = compilations.programs
        program(jnp.ones((2, 2))).block_until_ready()
        return compilations.programs > before

    assert compiled_again()
    limit.write_text("1000000")
    assert not forget_programs()
    assert not compiled_again()
    limit.write_text("100")
    assert forget_programs()
    assert compiled_again()


def test_without_a_count_of_maps_nothing_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_MOST_MAPS", tmp_path / "missing")
    assert not forget_programs()
