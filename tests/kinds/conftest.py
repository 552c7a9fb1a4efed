"""Runs of the shell, in this process, that are tiny."""

import time

import pytest
import yaml

import phalanx
from phalanx.runs.command import train_command

TINY = {"max_rounds": 2, "batch_size": 16, "baselines": [], "layers": [{"Dense": {"units": 4}}, "Tanh"]}
"""One small network for two rounds, where nothing else is said."""


@pytest.fixture(scope="session")
def train():
    """A function that trains as `phalanx train SOURCE --config FILE` does, by options as YAML has them, and opens the
    run.
    """

    def run(folder, source, out="run", **options):
        (folder / "config.yaml").write_text(yaml.safe_dump(TINY | options))
        given = {"source": str(folder / source)}
        assert train_command(given, folder / "config.yaml", folder / out, time.monotonic()) == 0
        return phalanx.load(folder / out)

    return run
