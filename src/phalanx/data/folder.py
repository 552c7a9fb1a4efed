"""Which files of a kind a folder holds, and of which class each is."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from phalanx.data.letters import one_form
from phalanx.data.names import some
from phalanx.errors import InputError

_PARTS = {"train", "training", "test", "val", "valid", "validation"}
_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}


class FileKind(NamedTuple):
    """What files are read for: what one and several are called, and their suffixes, in lower case."""

    one: str
    several: str
    suffixes: tuple[str, ...]

    def has(self, file: Path) -> bool:
        """Tell by its suffix whether a file is of this kind."""
        return file.suffix.lower() in self.suffixes


@dataclass(frozen=True)
class Listing:
    """Files in sorted order, the label of each (None: no labels), and what was noticed."""

    files: list[Path]
    labels: list[str] | None
    notes: list[str]


def list_folder(folder: Path, kind: FileKind) -> tuple[Listing, Listing | None]:
    """List the files of a kind in a folder, and those held out for the test if it says so.

    One sub-folder per class, whose name is the label, holds files at any depth. Without sub-folders there are no
    labels. Sub-folders `train` and `test` that each hold sub-folders per class, with no files of the kind beside them,
    are the source and its test. Raises InputError for a folder without such files, classes without any, and a `train`
    beside other parts of a split.
    """
    try:
        held_out = _test_folder(folder, kind)
        if held_out is None:
            return _list(folder, kind), None
        return _list(folder / "train", kind), _list(held_out, kind)
    except OSError as error:
        raise InputError(f"cannot read {str(error.filename or folder)!r}: {error.strerror or error}") from error


def holds(folder: Path, kind: FileKind) -> bool:
    """Tell whether a folder holds a file of a kind at any depth."""
    return any(map(kind.has, _files(folder)))


def plain(path: Path | str) -> str:
    """Return a path as text that can be written as UTF-8: bytes that are not become the replacement character."""
    return os.fsencode(path).decode("utf-8", "replace")


def _test_folder(folder: Path, kind: FileKind) -> Path | None:
    """Return the folder of the test's files where `folder` is a split, not a folder of classes."""
    parts = {sub.name: sub for sub in _folders(folder)}
    if "train" not in parts or not _folders(parts["train"]):
        return None
    others = sorted(name for name, sub in parts.items() if name != "train" and holds(sub, kind))
    if others == ["test"] and _folders(parts["test"]):
        return parts["test"]
    split = [name for name in others if name.lower() in _PARTS]
    if split:
        raise InputError(
            f"{plain(folder)!r} holds 'train' beside {some(others)}, which look like parts of a split, not classes: "
            f"give {plain(parts['train'])!r} as the source, or leave only 'train' and 'test', a sub-folder per class "
            f"in each"
        )
    return None


def _list(folder: Path, kind: FileKind) -> Listing:
    classes = _folders(folder)
    strangers = 0
    files: list[Path] = []
    labels: list[str] = []
    empty: list[str] = []
    loose = [file for file in _children(folder) if not file.is_dir()]
    for place in classes or [folder]:
        found = list(_files(place))
        of_kind = [file for file in found if kind.has(file)]
        strangers += len(found) - len(of_kind)
        files += of_kind
        labels += [one_form(plain(place.name))] * len(of_kind)
        if not of_kind:
            empty.append(plain(place.name))
    if not files:
        hint = _table(loose)
        raise InputError(
            f"{plain(folder)!r} "
            + (f"is a folder{hint}" if hint else f"holds no {kind.several} ({', '.join(kind.suffixes)})")
        )
    if empty:
        raise InputError(
            f"{len(empty)} of the {len(classes)} classes in {plain(folder)!r} hold no {kind.one}: {some(empty)}; "
            f"add {kind.several} or remove the sub-folders"
        )
    notes = []
    if classes:
        unlabelled = sum(map(kind.has, loose))
        strangers += len(loose) - unlabelled
        if unlabelled:
            notes.append(
                f"{unlabelled:,} {kind.several} beside the classes' sub-folders have no label and are left out"
            )
    if strangers:
        notes.append(f"{strangers:,} files in {plain(folder.resolve().name)!r} are not {kind.several} by their suffix")
    return Listing(files, labels if classes else None, notes)


def _table(files: list[Path]) -> str:
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv", ".parquet")]
    return f"; did you mean {plain(tables[0])!r}?" if tables else ""


def _children(folder: Path) -> list[Path]:
    """List what a folder holds, sorted by name, without what operating systems leave there."""
    inside = [path for path in folder.iterdir() if path.name.lower() not in _LITTER and path.name[0] != "."]
    return sorted(inside, key=lambda path: path.name)


def _folders(folder: Path) -> list[Path]:
    return [path for path in _children(folder) if path.is_dir()]


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the files at any depth, through links too, but never into a folder that leads here."""
    here = folder.resolve()
    if here in above:
        return
    for path in _children(folder):
        if path.is_dir():
            yield from _files(path, (*above, here))
        elif path.is_file() or not path.exists():  # a broken link is a file that cannot be read
            yield path
