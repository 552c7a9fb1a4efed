"""The page of a run, made from what its folder holds."""

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from phalanx.report.page import Contents, page
from phalanx.runs.folder import check_folder, read_curves, read_figures, read_leaderboard, read_result, reading, writing

PAGE = "report.html"


def report_command(run: Path, out: Path | None) -> None:
    """Make the page of a run again, and say where it is."""
    print(f"written to {write_report(run, out)}")


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the page of a run, RUN/report.html or another file, and return its path.

    Raises `InputError` where the folder holds no run, or the disk refuses.
    """
    path = folder / PAGE if out is None else out
    write_page(path, page(_contents(folder)))
    return path


def write_page(path: Path, text: str) -> None:
    """Write a page in one piece: whoever reads the file sees the page that was there, or this one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path, "another place"):
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


def _contents(folder: Path) -> Contents:
    check_folder(folder)
    result = read_result(folder)
    config = folder / "config.yaml"
    text = ""
    if config.exists():
        with reading(config):
            text = config.read_text(encoding="utf-8")
    return Contents(
        folder.resolve().name,
        result,
        read_leaderboard(folder),
        read_curves(folder),
        [figure.to_plain() for figure in read_figures(folder)],
        text,
        uses_of_run(str(folder), result),
    )


_FOLDERS = {"images": "images", "sounds": "recordings", "texts": "texts"}
"""What may come in folders, by kind of data, where no table names it."""


def uses_of_run(folder: str, result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is typed to use a run, for the shell and in Python."""
    run, load = shlex.quote(folder), f"import phalanx\n\nrun = phalanx.load({folder!r})"
    if result["task"] == "language":
        shell = [
            f'phalanx generate {run} --prompt "Once" --length 500',
            f"phalanx evaluate {run} other.txt",
        ]
        python = [load, 'text = run.generate("Once", 500)', 'scores = run.evaluate("other.txt")']
        return [("shell", "\n".join(shell)), ("Python", "\n".join(python))]
    if not result.get("files", True):
        return [("Python", f"{load}\npredictions = run.predict(X)")]
    folder_of = None if result.get("columns") else _FOLDERS.get(result.get("kind", ""))
    if result["task"] == "forecast":
        new = known = "newer.csv"
    else:
        new, known = (f"{word}-{folder_of}" if folder_of else f"{word}.csv" for word in ("new", "labelled"))
    python = [f"predictions = run.predict({new!r})"]
    if result["task"] in ("classify", "mixed"):
        python.append(f"probabilities = run.predict_proba({new!r})")
    if result["task"] in ("regress", "forecast", "mixed"):
        python.append(f"low, high = run.predict_interval({new!r}, 0.9)")
    python.append(f"members = run.members  # {', '.join(result.get('ensemble') or [result['best_member']['id']])}")
    shell = [f"phalanx predict {run} {new} --out predictions.csv", f"phalanx evaluate {run} {known}"]
    return [("shell", "\n".join(shell)), ("Python", "\n".join([load, *python]))]
