"""Which images a folder holds, and of which class each is."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from phalanx.data.images.file import SUFFIXES
from phalanx.errors import InputError

_PARTS = {"train", "training", "test", "val", "valid", "validation"}
_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Listing:
    """Image files in sorted order, the label of each (None: no labels), and what was noticed."""

    files: list[Path]
    labels: list[str] | None
    notes: list[str]


def list_folder(folder: Path) -> tuple[Listing, Listing | None]:
    """List the images of a folder, and those held out for the test if it says so.

    One sub-folder per class, whose name is the label, holds images at any depth. Without sub-folders there are no
    labels. Sub-folders `train` and `test` that each hold sub-folders per class, with no images beside them, are the
    source and its test. Raises InputError for a folder without images, classes without any, and a `train` beside
    other parts of a split.
    """
    try:
        held_out = _test_folder(folder)
        if held_out is None:
            return _list(folder), None
        return _list(folder / "train"), _list(held_out)
    except OSError as error:
        raise InputError(f"cannot read {str(error.filename or folder)!r}: {error.strerror or error}") from error


def plain(path: Path | str) -> str:
    """Return a path as text that can be written as UTF-8: bytes that are not become the replacement character."""
    return os.fsencode(path).decode("utf-8", "replace")


def some(names: list[str]) -> str:
    """Quote up to five names."""
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more


def _test_folder(folder: Path) -> Path | None:
    """Return the folder of the test's images where `folder` is a split, not a folder of classes."""
    parts = {sub.name: sub for sub in _folders(folder)}
    if "train" not in parts or not _folders(parts["train"]):
        return None
    others = sorted(name for name, sub in parts.items() if name != "train" and _holds_images(sub))
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


def _list(folder: Path) -> Listing:
    classes = _folders(folder)
    strangers = 0
    files: list[Path] = []
    labels: list[str] = []
    empty: list[str] = []
    loose = [file for file in _children(folder) if not file.is_dir()]
    for place in classes or [folder]:
        found = list(_files(place))
        images = [file for file in found if _is_image(file)]
        strangers += len(found) - len(images)
        files += images
        labels += [plain(place.name)] * len(images)
        if not images:
            empty.append(plain(place.name))
    if not files:
        hint = _table(loose)
        raise InputError(
            f"{plain(folder)!r} " + (f"is a folder{hint}" if hint else f"holds no images ({', '.join(SUFFIXES)})")
        )
    if empty:
        raise InputError(
            f"{len(empty)} of the {len(classes)} classes in {plain(folder)!r} hold no image: {some(empty)}; "
            f"add images or remove the sub-folders"
        )
    notes = []
    if classes:
        unlabelled = sum(map(_is_image, loose))
        strangers += len(loose) - unlabelled
        if unlabelled:
            notes.append(f"{unlabelled:,} images beside the classes' sub-folders have no label and are left out")
    if strangers:
        notes.append(f"{strangers:,} files in {plain(folder.resolve().name)!r} are not images by their suffix")
    return Listing(files, labels if classes else None, notes)


def _table(files: list[Path]) -> str:
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv", ".parquet")]
    return f"; did you mean {plain(tables[0])!r}?" if tables else ""


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


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
        elif path.is_file() or not path.exists():  # a broken link is an image that cannot be read
            yield path


def _holds_images(folder: Path) -> bool:
    return any(map(_is_image, _files(folder)))
