"""Reading many files in threads, and what becomes of those that cannot be read."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import joblib

from phalanx.data.folder import FileKind, Listing, plain
from phalanx.data.names import some
from phalanx.errors import InputError

Watch = Callable[[int, int], None]
"""Called with how many of all files are read, from the caller's thread, at most some 50 times a second."""

_BLOCK = 16  # files a thread takes at a time
_PAUSE = 0.02  # seconds between two calls of a watch

Answer = TypeVar("Answer")


class BrokenFileError(Exception):
    """A file cannot be read; the text says why."""


@dataclass(frozen=True)
class Files:
    """What was read of the files of a source, those that could not be read left out.

    `answers`, `labels` (None: there are none) and `paths` have an entry for each file that is left; `test` are those
    of the source's own test.
    """

    answers: list[Any]
    labels: list[str] | None
    paths: tuple[str, ...]
    test: "Files | None"
    notes: tuple[str, ...]


def read_files(
    listing: Listing,
    held_out: Listing | None,
    read: Callable[[Path], Any],
    kind: FileKind,
    strict: bool = False,
    watch: Watch | None = None,
) -> Files:
    """Read the files of a listing, and of its test; `read` raises `BrokenFileError` for one that cannot be read.

    Such files are left out with a note. Raises InputError with `strict`, where none of the listing can be read, and
    where a class has none left.
    """
    border = len(listing.files)
    files = listing.files + (held_out.files if held_out else [])
    answers = each(lambda i: or_reason(lambda: (read(files[i]),)), len(files), watch)
    broken = {i: answer for i, answer in enumerate(answers) if isinstance(answer, str)}
    refuse(files, broken, border, strict, kind)

    def part(listing: Listing, first: int, test: Files | None, notes: Sequence[str]) -> Files:
        at = [i for i in range(first, first + len(listing.files)) if i not in broken]
        labels = labels_kept(listing, at, first, broken, kind)
        kept = [answers[i][0] for i in at]
        return Files(kept, labels, tuple(plain(files[i]) for i in at), test, tuple(notes))

    notes = list(listing.notes)
    test = None
    if held_out:
        test = part(held_out, border, None, ())
        notes += [*held_out.notes, held_out_note(len(test.answers), kind)]
    if broken:
        notes.append(left_out_note(files, broken, kind))
    return part(listing, 0, test, notes)


def each(job: Callable[[int], Answer], count: int, watch: Watch | None) -> list[Answer]:
    """Return what `job` makes of 0..count-1, in that order, worked out in threads, one for each usable core."""

    def block(start: int) -> list[Answer]:
        return [job(i) for i in range(start, min(start + _BLOCK, count))]

    answers: list[Answer] = []
    told = float("-inf")
    pool = ThreadPoolExecutor(joblib.cpu_count())
    try:
        for some in pool.map(block, range(0, count, _BLOCK)):
            answers += some
            now = time.monotonic()
            if watch and (now - told >= _PAUSE or len(answers) == count):
                watch(len(answers), count)
                told = now
    finally:
        pool.shutdown(cancel_futures=True)
    return answers


def or_reason(job: Callable[[], Answer]) -> Answer | str:
    """Return what a job makes, or why its file cannot be read."""
    try:
        return job()
    except BrokenFileError as error:
        return str(error)


def refuse(files: Sequence[Path], broken: Mapping[int, str], deciding: int, strict: bool, kind: FileKind) -> None:
    """Raise InputError where a file is broken and must not be (`strict`), or each of the first `deciding` is."""
    if strict and broken:
        first = min(broken)
        raise InputError(
            f"{len(broken):,} of {len(files):,} {kind.several} cannot be read, the first being {plain(files[first])!r} "
            f"({broken[first]}): mend or remove them"
        )
    if all(i in broken for i in range(deciding)):
        raise InputError(f"none of the {kind.several} can be read: {_broken_ones(files, broken)}")


def labels_kept(
    listing: Listing, kept: Sequence[int], first: int, broken: Mapping[int, str], kind: FileKind
) -> list[str] | None:
    """Return the labels of a listing's files that are kept; `first` is the position of its first file.

    Every class must still have a file.
    """
    if listing.labels is None:
        return None
    labels = [listing.labels[i - first] for i in kept if 0 <= i - first < len(listing.labels)]
    lost = sorted(set(listing.labels) - set(labels))
    if lost:
        at = listing.labels.index(lost[0])
        raise InputError(
            f"no {kind.one} of {'class' if len(lost) == 1 else 'classes'} {some(lost)} can be read, the first being "
            f"{plain(listing.files[at])!r} ({broken[at + first]}): add {kind.several} or remove the sub-folders"
        )
    return labels


def held_out_note(count: int, kind: FileKind) -> str:
    """Return the note that the folder says what the test is."""
    return f"the folder 'test' is the test: its {count:,} {kind.several} are held out"


def left_out_note(files: Sequence[Path], broken: Mapping[int, str], kind: FileKind) -> str:
    """Return the note that some files cannot be read."""
    return (
        f"{len(broken):,} of {len(files):,} {kind.several} cannot be read and are left out: "
        f"{_broken_ones(files, broken)}"
    )


def _broken_ones(files: Sequence[Path], broken: Mapping[int, str]) -> str:
    """Name up to five files that could not be read, each with the reason."""
    named = [f"{plain(files[i])!r} ({broken[i]})" for i in sorted(broken)[:5]]
    return ", ".join(named) + (f" and {len(broken) - 5:,} more" if len(broken) > 5 else "")
