"""Ctrl-C and SIGTERM: at once before anything has trained, after the round from then on."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import phalanx.cli
from phalanx.display import Display

WORDS = ("train", "good.csv", "--target", "y", "--config", "endless.yaml", "--out", "deep/run")
NOTE = "stopping after this round, to write what was trained (again: stop at once)\n"
MAIN = [sys.executable, "-c", "from phalanx.cli import main; main()"]


@pytest.fixture
def endless(phalanx, tmp_path):
    text = (tmp_path / "tiny.yaml").read_text().replace("max_rounds: 2", "max_rounds: 1000000")
    (tmp_path / "endless.yaml").write_text(text + "stopping: null\n")
    return phalanx


@pytest.fixture
def at_once(monkeypatch):
    """Let leaving at once end the command, but not the tests."""

    class Left(BaseException):
        pass

    def leave(status):
        raise Left(status)

    monkeypatch.setattr(phalanx.cli.os, "_exit", leave)
    return Left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_after_the_first_round_what_was_trained_is_written(endless, tmp_path, monkeypatch, capfd, number):
    update, rounds = Display.update, []

    def interrupting(self, view):
        update(self, view)
        rounds.append(1)
        if len(rounds) == 3:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Display, "update", interrupting)
    ended = endless(*WORDS)
    assert ended.status == 130
    assert capfd.readouterr().err == NOTE
    assert ended.out.endswith("interrupted: the run holds what was trained until then\nwritten to deep/run\n")
    result = json.loads((tmp_path / "deep" / "run" / "result.json").read_text())
    assert result["interrupted"] is True
    board = pd.read_csv(tmp_path / "deep" / "run" / "leaderboard.csv").set_index("id")
    assert board.loc["m001", ["rounds", "stopped"]].tolist() == [3, "interrupt"]
    assert endless("predict", "deep/run", "good.csv").status == 0


def test_the_second_one_stops_at_once(endless, tmp_path, monkeypatch, at_once, capfd):
    def interrupting(self, view):
        self.view = view
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Display, "update", interrupting)
    with pytest.raises(at_once) as left:
        endless(*WORDS)
    assert left.value.args == (130,)
    assert capfd.readouterr().err == NOTE
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("where", ["runs.command.prepare", "kinds.labelled.compare"])
def test_before_the_first_round_nothing_is_written(endless, tmp_path, monkeypatch, at_once, where):
    def interrupted(*_):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.setattr(f"phalanx.{where}", interrupted)
    with pytest.raises(at_once) as left:
        endless(*WORDS)
    assert left.value.args == (130,)
    assert not (tmp_path / "deep").exists()


@pytest.mark.slow
def test_in_a_process_of_its_own(endless, tmp_path):
    with subprocess.Popen(
        [*MAIN, *WORDS], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("round "):  # the first comes after some seconds of training
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, NOTE)
    assert out.endswith("written to deep/run\n")
    assert (tmp_path / "deep" / "run" / "model" / "parameters.safetensors").exists()


@pytest.mark.slow
def test_while_it_reads_in_a_process_of_its_own(endless, tmp_path):
    os.mkfifo(tmp_path / "waiting.csv")  # reading it never ends
    with (
        subprocess.Popen(
            [*MAIN, "train", "waiting.csv", "--target", "y"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        open(tmp_path / "waiting.csv", "wb"),
    ):  # returns when the other side reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"interrupted: nothing was written\n")


def test_a_reader_that_leaves_is_no_error(folder_with_run, table):
    pd.concat([table] * 2000).to_csv(folder_with_run / "long.csv", index=False)
    with subprocess.Popen(
        [*MAIN, "predict", "run", "long.csv"], cwd=folder_with_run, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"prediction,probability_no,probability_yes\n"
        process.stdout.close()
        assert process.stderr.read() == b""
