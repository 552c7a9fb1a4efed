import importlib.metadata
import subprocess
import sys

import pytest

COMMANDS = (
    "train",
    "predict",
    "evaluate",
    "compare",
    "generate",
    "report",
    "features",
    "summary",
    "graph",
    "notes",
    "check",
)


@pytest.mark.parametrize("words", [(), ("--help",), *((command, "--help") for command in COMMANDS)])
def test_help_fits_a_terminal(in_folder, tmp_path, words):
    ended = in_folder(tmp_path, *words)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("Usage: ")
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "..." not in ended.out.partition("Commands:")[2]


def test_the_overview_names_every_command(in_folder, tmp_path):
    listed = in_folder(tmp_path, "--help").out.split("Commands:")[1].split("\n")
    assert tuple(line.split()[0] for line in listed if line) == COMMANDS


def test_version(in_folder, tmp_path):
    assert in_folder(tmp_path, "--version").out == f"phalanx {importlib.metadata.version('phalanx')}\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["train", "--trails", "3"], "No such option: --trails (Possible options: --strict, --task, --trials)"),
        (["train", "good.csv", "--seed", "x"], "Invalid value for '--seed': 'x' is not a whole number"),
        (["train", "good.csv", "--minutes", "soon"], "Invalid value for '--minutes': 'soon' is not a number"),
        (["train", "good.csv", "--samples", "few"], "Invalid value for '--samples': 'few' is not a whole number"),
        (["predict", "run", "good.csv", "--level", "x"], "Invalid value for '--level': 'x' is not a number"),
        (["predict"], "Missing argument 'RUN'."),
    ],
)
def test_words_that_make_no_command(in_folder, tmp_path, words, error):
    ended = in_folder(tmp_path, *words)
    assert ended == (2, "", f"error: {error}\n")


def test_check(in_folder, tmp_path):
    ended = in_folder(tmp_path, "check")
    assert ended.status == 0
    assert ended.out.startswith("phalanx ")
    assert ended.out.endswith("all is well\n")


def test_the_installed_command(tmp_path):
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="phalanx")
    module, function = entry.value.split(":")
    code = f"from {module} import {function}; {function}()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "train", "nosuch.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "error: no such file: 'nosuch.csv'\n")
