"""Any source: tables, data sets that ship with scikit-learn, and images."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from phalanx.data.images import Images, is_images, load_images, read_npz_table
from phalanx.data.read import Source, load_source
from phalanx.errors import InputError

LABEL, FILE = "label", "file"
"""Columns of the table beside images."""


def load(
    sources: Sequence[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    strict: bool = False,
    watch: Callable[[int, int], None] | None = None,
) -> Source:
    """Read a source: one path or name, several image files, or the two files of an IDX pair.

    Of images, `size` (height, width) and `channels` are what they become, None: found out; with `strict` a broken one
    is an error; `watch` is called with how many of all are read.
    """
    first = sources[0]
    if len(sources) == 1 and not is_images(first):
        archive = Path(first).suffix.lower() == ".npz" and Path(first).exists()
        return _archive(first) if archive else load_source(first)
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
    if len(sources) > 1 and not all(is_images(source) for source in sources):
        raise InputError(f"{len(sources)} sources are given, but only images can be in several files; give one")
