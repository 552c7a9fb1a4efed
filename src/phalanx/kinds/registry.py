"""Any source: tables, data sets that ship with scikit-learn, images, sounds, and texts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data.files import Files
from phalanx.data.folder import plain
from phalanx.data.npz import read_npz_table
from phalanx.data.read import Source, load_source
from phalanx.data.reading import Reading
from phalanx.errors import InputError
from phalanx.kinds.codes.encoder import CodeEncoder
from phalanx.kinds.images import ImageEncoder, Images, holds_images, is_images, load_images
from phalanx.kinds.series.encoder import SeriesEncoder
from phalanx.kinds.sounds import SoundEncoder, file_column, holds_sounds, load_sounds, sounds_of_table
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts import TextEncoder, holds_texts, load_texts

LABEL, FILE = "label", "file"
"""Columns of the table beside the rows that come from files."""

_OF_FILES: dict[str, tuple[Callable[..., bool], Callable[..., Files]]] = {
    "sounds": (holds_sounds, load_sounds),
    "texts": (holds_texts, load_texts),
}
"""Of kinds of source that are files: whether paths are of the kind, and what reads them; the first that fits counts."""


def load(
    sources: Sequence[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    strict: bool = False,
    watch: Callable[[int, int], None] | None = None,
    known: Mapping[str, Reading] | None = None,
    missing: Collection[str] | None = None,
) -> Source:
    """Read a source: one path or name, several files of a kind, or the two files of an IDX pair.

    Of images, `size` (height, width) and `channels` are what they become, None: found out; with `strict` a broken file
    is an error; `watch` is called with how many of all are read. Of tables, `known` says how columns are to be
    read, and `missing` which spellings mean missing: see `read_texts`.
    """
    first = sources[0]
    for kind, (are_there, read) in _OF_FILES.items():
        if _are(are_there, sources):
            files = read([Path(source) for source in sources], strict, watch)
            return _of_files(files, plain(Path(first).resolve().stem), kind)
    if len(sources) == 1 and not is_images(first):
        archive = Path(first).suffix.lower() == ".npz" and Path(first).exists()
        if archive:
            return _archive(first)
        return _with_sounds(load_source(first, known, missing), Path(first).parent, strict, watch)
    return _of_images(load_images(sources, size=size, channels=channels, strict=strict, watch=watch))


def _of_images(images: Images) -> Source:
    columns = {LABEL: images.labels, FILE: None if images.files is None else np.array(images.files, object)}
    frame = pd.DataFrame(
        {name: values for name, values in columns.items() if values is not None}, index=range(len(images.pixels))
    )
    return Source(
        images.name,
        frame,
        LABEL,
        images.notes,
        images.pixels,
        "images",
        id=None if images.files is None else FILE,
        test=None if images.test is None else _of_images(images.test),
    )


def _are(of_kind: Callable[[Sequence[Path]], bool], sources: Sequence[str]) -> bool:
    """Tell whether sources are files of a kind, or a folder of them; where it holds images too they count."""
    paths = [Path(source) for source in sources]
    try:
        return of_kind(paths) and not (paths[0].is_dir() and holds_images(paths[0]))
    except OSError as error:
        raise InputError(f"cannot read {str(error.filename or paths[0])!r}: {error.strerror or error}") from error


def _of_files(files: Files, name: str, kind: str) -> Source:
    held = {LABEL: files.labels, FILE: list(files.paths)}
    rows = np.empty(len(files.answers), object)
    rows[:] = files.answers
    return Source(
        name,
        pd.DataFrame({column: values for column, values in held.items() if values is not None}),
        LABEL,
        files.notes,
        rows,
        kind,
        id=FILE,
        test=None if files.test is None else _of_files(files.test, f"{name}-test", kind),
    )


def _with_sounds(table: Source, folder: Path, strict: bool, watch: Callable[[int, int], None] | None) -> Source:
    """Return a table as the sounds whose files a column of it names, if there is one."""
    column = file_column(table.frame)
    return table if column is None else sounds_of_table(table, column, folder, strict, watch)


def _archive(path: str) -> Source:
    """Return the table that the arrays X and y of an archive are."""
    numbers, target = read_npz_table(Path(path))
    frame = pd.DataFrame({f"x{i + 1}": column for i, column in enumerate(numbers.T)})
    if target is not None:
        frame["y"] = target
    return Source(Path(path).stem, frame, None if target is None else "y", ())


def paths_of(source: str) -> list[Path]:
    """Return the files or the folder that a source names; none for a bundled name."""
    given = [Path(source)] if Path(source).exists() else [Path(part.strip()) for part in source.split(",")]
    return given if all(path.exists() for path in given) else []


def check_one(sources: Sequence[str]) -> None:
    """Raise `InputError` for several sources that do not belong together."""
    several = all(map(is_images, sources)) or any(_are(of_kind, sources) for of_kind, _ in _OF_FILES.values())
    if len(sources) > 1 and not several:
        raise InputError(
            f"{len(sources)} sources are given, but only images, sounds or texts can be in several files; give one"
        )


Encoder = TableEncoder | ImageEncoder | SoundEncoder | TextEncoder | SeriesEncoder
"""What turns rows as they are read into the arrays that networks take."""

ENCODERS: dict[str, Any] = {
    "table": TableEncoder,
    "images": ImageEncoder,
    "sounds": SoundEncoder,
    "texts": TextEncoder,
    "series": SeriesEncoder,
    "codes": CodeEncoder,
}
"""The encoder of each kind of source, and of rows of codes, which are given in Python only."""
