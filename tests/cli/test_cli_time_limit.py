"""A time limit covers the whole command, imports, compiling, baselines and writing included."""

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ADULT = Path(__file__).parents[2] / "../shared/data/tables/adult-train.csv"
MAIN = [sys.executable, "-c", "from phalanx.cli import main; main()"]


@pytest.mark.slow
@pytest.mark.skipif(not ADULT.exists(), reason="needs the census table of the shared data")
def test_the_limit_is_kept_and_the_run_repeats_to_the_bit(tmp_path):
    began = time.monotonic()
    words = ["train", str(ADULT), "--target", "income", "--minutes", "0.5", "--out", "run"]
    subprocess.run([*MAIN, *words], cwd=tmp_path, check=True, capture_output=True)
    assert time.monotonic() - began < 30 + 10
    assert json.loads((tmp_path / "run" / "result.json").read_text())["test"]["accuracy"] > 0.8
    subprocess.run([*MAIN, "train", "--config", "run/config.yaml", "--out", "again"], cwd=tmp_path, check=True)
    one, other = ((tmp_path / run / "model" / "parameters.safetensors").read_bytes() for run in ("run", "again"))
    assert one == other


@pytest.mark.slow
@pytest.mark.skipif(not ADULT.exists(), reason="needs the census table of the shared data")
def test_a_pipe_hears_something_every_ten_seconds(tmp_path):
    words = ["train", str(ADULT), "--target", "income", "--minutes", "0.5"]
    with subprocess.Popen([*MAIN, *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        heard = [time.monotonic()]
        for _ in process.stdout:
            heard.append(time.monotonic())
    assert process.returncode == 0
    assert max(later - earlier for earlier, later in itertools.pairwise(heard)) < 10
