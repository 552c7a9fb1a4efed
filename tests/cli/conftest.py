"""The command line, called in this process: a process of its own costs seconds of imports."""

import contextlib
import io
import signal
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from phalanx.cli import main

TINY = """
trials: 1
max_rounds: 2
batch_size: 16
baselines: [dummy]
layers: [{Dense: {units: 4}}, Tanh]
"""
"""One small network for two rounds; for tables of the same encoded shape its program is compiled once."""


class Ended(NamedTuple):
    """How a command ended: its exit status, and what it printed."""

    status: int
    out: str
    err: str


def call(folder, *words):
    """Run `phalanx WORDS` in a folder."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
            patch.setattr(sys, "argv", ["phalanx", *map(str, words)])
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Ended(ended.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def in_folder():
    """The function `call`."""
    return call


@pytest.fixture
def phalanx(tmp_path):
    """A function that runs `phalanx WORDS` in a folder with `good.csv` and `tiny.yaml`."""
    write_folder(tmp_path)
    return lambda *words: call(tmp_path, *words)


@pytest.fixture(scope="session")
def folder_with_run(tmp_path_factory):
    """A folder with `good.csv`, `tiny.yaml` and a run on them, `run`."""
    folder = tmp_path_factory.mktemp("trained")
    write_folder(folder)
    ended = call(folder, "train", "good.csv", "--target", "y", "--config", "tiny.yaml", "--out", "run")
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture(scope="session")
def table():
    """Two numbers, a category of three values, and two classes that a number decides: 60 rows."""
    return make_table()


def make_table():
    rng = np.random.default_rng(0)
    a = rng.normal(size=60).round(3)
    return pd.DataFrame(
        {
            "a": a,
            "b": rng.normal(size=60).round(3),
            "c": np.tile(["u", "v", "w"], 20),
            "y": np.where(a > 0, "yes", "no"),
        }
    )


def write_folder(folder):
    make_table().to_csv(folder / "good.csv", index=False)
    (folder / "tiny.yaml").write_text(TINY)
