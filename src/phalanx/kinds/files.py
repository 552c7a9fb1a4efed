"""Sources that are files: a column for their label, and one for their names, beside the rows that they hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data import Source
from phalanx.data.cells import tidy
from phalanx.data.files import Files
from phalanx.data.folder import FileKind, plain
from phalanx.errors import InputError
from phalanx.kinds.kind import Request

if TYPE_CHECKING:
    from phalanx.kinds.rows import RowKind

LABEL, FILE = "label", "file"
"""Columns of the table beside the rows that come from files."""


def are(of_kind: Callable[[Sequence[Path]], bool], sources: Sequence[str]) -> bool:
    """Tell whether sources are files of a kind, or a folder of them."""
    paths = [Path(source) for source in sources]
    try:
        return of_kind(paths)
    except OSError as error:
        raise InputError(f"cannot read {str(error.filename or paths[0])!r}: {error.strerror or error}") from error


def source_of(files: Files, name: str, kind: str) -> Source:
    """Return files that are read, and those held out for the test, as a source."""
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
        test=None if files.test is None else source_of(files.test, f"{name}-test", kind),
    )


def columns_of_files(frame: pd.DataFrame, files: FileKind) -> list[str]:
    """Return the columns of a table whose cells all name files of a kind.

    >>> wav = FileKind("sound", "sounds", (".wav",))
    >>> columns_of_files(pd.DataFrame({"digit": [3, 4], "recording": ["a/3.wav", "a/4.WAV"]}), wav)
    ['recording']
    """
    found = []
    for name in frame:
        cells = tidy(frame[name]).dropna()
        if len(cells) and types.is_string_dtype(cells.dtype) and all(files.has(Path(cell)) for cell in cells):
            found.append(str(name))
    return found


def with_files(table: Source, folder: Path, request: Request, kinds: "Sequence[RowKind]") -> Source:
    """Return a table with what the files hold that its columns name, relative to `folder`.

    Rows whose file is not named, or cannot be read, are left out with a note, or refused with `request.strict`. Columns
    of which no file is there are left as they are.
    """
    for kind in kinds:
        for column in columns_of_files(table.frame, kind.cells) if kind.cells else ():
            like = None if request.like is None else request.like.of_column(column)
            if column in request.ignore or (like is not None and not isinstance(like, kind.encoder)):
                continue
            if like is not None or any((folder / cell).exists() for cell in table.frame[column].dropna()):
                table = _opened(table, column, folder, request, kind)
            else:
                note = f"column {column!r} names {kind.name}, but none of the files is there (from {str(folder)!r})"
                table = replace(table, notes=(*table.notes, note))
    return table


def _opened(table: Source, column: str, folder: Path, request: Request, kind: "RowKind") -> Source:
    named = table.frame[column].notna().to_numpy()
    notes = list(table.notes)
    if lost := int((~named).sum()):
        if request.strict:
            raise InputError(
                f"{lost:,} row{'s name' if lost > 1 else ' names'} no file in column {column!r}; leave such rows out"
            )
        notes.append(f"{lost:,} row{'s name' if lost > 1 else ' names'} no file in column {column!r}: left out")
    at = np.flatnonzero(named)
    paths = [folder / cell for cell in table.frame[column].iloc[at]]
    files = kind.open(paths, request, column)
    readable = dict(zip(files.paths, files.answers, strict=True))
    kept = np.array([plain(path) in readable for path in paths], bool)
    rows = np.empty(int(kept.sum()), object)
    for place, path in enumerate(path for path, good in zip(paths, kept, strict=True) if good):
        rows[place] = readable[plain(path)]
    at = at[kept]
    return replace(
        table,
        frame=table.frame.iloc[at].reset_index(drop=True),
        notes=(*notes, *files.notes),
        id=table.id or column,
        opened={**{name: held[at] for name, held in table.opened.items()}, column: rows},
    )
