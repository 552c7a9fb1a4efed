"""What `phalanx notes` does: list the chapters, run one in the terminal, or write the book."""

import time
from pathlib import Path
from typing import Any

from phalanx.display import make_console, make_table
from phalanx.errors import InputError
from phalanx.notes.book import FIRST, run, write_book
from phalanx.notes.chapter import Chapter, chapter, names, opened
from phalanx.notes.contents import CONTENTS
from phalanx.notes.pictures import write_pictures
from phalanx.notes.terminal import readable
from phalanx.notes.told import told

_PICTURES = "notes"


def notes_command(asked: str | None, whole: bool, out: Path | None, data: Path | None, target: str | None) -> None:
    """Run the chapter that is `asked` for, or the `whole` book; without either, list the chapters.

    Raises `InputError` for what cannot be done.
    """
    if whole and asked:
        raise InputError("--all runs every chapter; leave it out, or the name of the chapter")
    if asked is None and not whole:
        if data or out:
            raise InputError("say which chapter, or --all for the book")
        _list()
        return
    if whole and data:
        raise InputError("--data is for one chapter; name it")
    given = {name: str(value) for name, value in (("data", data), ("target", target)) if value is not None}
    if asked is None:
        _write_book(out or Path(_PICTURES), list(map(chapter, names())), {})
        return
    one = opened(asked)
    if given and not one.takes_data:
        taking = [other for other in names() if chapter(other).takes_data]
        raise InputError(f"{one.name} computes on its own data; --data is for {', '.join(taking)}")
    if out is None:
        _show(one, given)
    else:
        _write_book(out, [one], given)


def _list() -> None:
    console = make_console()
    for heading, inside in CONTENTS:
        table = make_table(heading, "chapter", "rows", "what it shows", wrap="what it shows")
        for one in map(chapter, inside):
            table.add_row(one.name, ", ".join(one.rows), f"{one.title}: {one.summary}")
        console.print(table)
        console.print()
    console.print(
        "phalanx notes CHAPTER runs one, by its name or a row; phalanx notes --all --out FOLDER writes the book"
    )


def _show(one: Chapter, given: dict[str, Any]) -> None:
    """Run a chapter and print it; its pictures are files beside."""
    console = make_console()
    with console.status(f"computing {one.name}"):
        ran = run(one, **given)
        folder = Path(_PICTURES) / one.name
        _make(folder)
        pictures = dict(write_pictures(one, ran.found, folder))
    console.print(f"{one.title}: {one.summary}", style="bold")
    console.print()
    console.print(readable(told(one, ran.found), pictures))
    console.print(f"\ncomputed in {ran.seconds:.1f} s; pictures in {folder}")


def _write_book(folder: Path, chapters: list[Chapter], given: dict[str, Any]) -> None:
    """Write pages of chapters, and what joins them, into a folder."""
    console = make_console()
    _make(folder)
    began = time.perf_counter()
    with console.status(f"computing {chapters[0].name if len(chapters) == 1 else 'the book'}"):
        for one, seconds in write_book(folder, chapters, given):
            console.print(f"{seconds:6.1f} s  {one.title}")
    seconds = time.perf_counter() - began
    console.print(f"{len(chapters)} of {len(list(names()))} chapters in {seconds:.0f} s: open {folder / FIRST}")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; give another with --out") from None
