"""What JAX computes is tested before anything trains."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from phalanx import InputError, configure
from phalanx.population import arithmetic
from phalanx.population.backend import devices


def test_what_is_installed_computes_rightly():
    arithmetic.check_arithmetic.__wrapped__()


@pytest.mark.parametrize("place", range(len(arithmetic.programs())))
def test_a_wrong_number_anywhere_is_seen(monkeypatch, place):
    every = arithmetic.programs()
    program, arguments, right = every[place]
    every[place] = (lambda *a: program(*a).at[(-1,) * right.ndim].add(1 + abs(right).max() * 1e-3), arguments, right)
    monkeypatch.setattr(arithmetic, "programs", lambda: every)
    with pytest.raises(InputError, match=r"computes wrong sums .* install another release .* XLA_FLAGS=--xla_cpu"):
        arithmetic.check_arithmetic.__wrapped__()


def test_what_is_right_is_known_from_elsewhere():
    rows, products, higher, gradient = (right for _, _, right in arithmetic.programs())
    assert rows[-1] == 32768**2
    assert products.ndim == 6
    assert higher.ndim == 7
    _, (x, y), _ = arithmetic.programs()[3]
    by_hand = sum(float(x[2, r, 5]) * float(y[2, r, 7]) for r in range(32)) / 32
    assert gradient[2, 5, 7] == pytest.approx(by_hand)
    assert not arithmetic.wrong(jnp.float32([1]) / 3, np.ones(1) / 3)


@pytest.mark.parametrize("version", ["0.10.2", "0.11.0"])
def test_a_release_that_ends_the_process_is_named(monkeypatch, version):
    monkeypatch.setattr(arithmetic.jaxlib, "__version__", version)
    with pytest.raises(InputError, match=f"jaxlib {version} ends the process"):
        arithmetic.check_arithmetic.__wrapped__()
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=-reduce")
    arithmetic.check_arithmetic.__wrapped__()


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (-11, "", "ends the process in sums"),
        (1, "Traceback\nphalanx.errors.InputError: jaxlib 1 is wrong\n", "^jaxlib 1 is wrong$"),
    ],
)
def test_a_process_that_ends_is_no_answer(monkeypatch, status, said, message):
    ended = subprocess.CompletedProcess([], status, "", said)
    monkeypatch.setattr(arithmetic.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(InputError, match=message):
        arithmetic.check_apart()


def test_settings_come_before_the_first_training():
    devices()
    with pytest.raises(InputError, match="configure comes too late"):
        configure(devices=1)
    for wrong in (0, -1, True):
        with pytest.raises(InputError, match="must be a whole number from 1"):
            configure(devices=wrong)


def test_settings_are_kept(tmp_path):
    program = f"""
import jax, phalanx
phalanx.configure(devices=3, cache={str(tmp_path)!r})
from phalanx.population.backend import devices
assert len(devices()) == 3
jax.jit(lambda x: x + 1)(2.0)
"""
    subprocess.run(["python", "-W", "error", "-c", program], check=True)
    assert any(tmp_path.iterdir())
    late = "import jax, phalanx; jax.devices(); phalanx.configure(devices=2, cache=False)"
    late += "; from phalanx.population.backend import devices; devices()"
    late += "; assert jax.config.values.get('jax_compilation_cache_dir') is None"
    done = subprocess.run(["python", "-c", late], capture_output=True, text=True, check=True)
    assert "training on 1 of 2 cores" in done.stderr


def test_the_backend_starts_with_all_cores_whoever_asks_first():
    """The test is the first that computes anything: had it started JAX by itself, one core would train."""
    program = (
        "import phalanx, jax; phalanx.configure(devices=2); "
        "from phalanx.population.arithmetic import check_arithmetic; check_arithmetic(); print(len(jax.devices()))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "2"
