"""Texts in a column of a table."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data.cells import tidy
from phalanx.data.columns import Column
from phalanx.data.read import Source
from phalanx.data.targets import no_column
from phalanx.errors import InputError

_SAMPLE, _WORDS = 1_000, 3  # cells looked at, and how many words most of them must have


def texts_of_table(source: Source, column: str) -> Source:
    """Return a table as texts: those of one column are the rows, and the others stand beside them.

    A missing cell is an empty text. Raises InputError where there is no such column, and where it holds no text.

    >>> table = Source("reviews", pd.DataFrame({"review": ["so good", "so bad"], "stars": [5, 1]}), None, ())
    >>> texts = texts_of_table(table, "review")
    >>> texts.rows.tolist(), list(texts.frame)
    (['so good', 'so bad'], ['stars'])
    """
    if column not in source.frame:
        raise no_column(column, "the texts", list(source.frame.columns))
    cells = tidy(source.frame[column])
    if not types.is_string_dtype(cells.dtype):
        raise InputError(f"column {column!r} holds no text; give another column of texts")
    notes = list(source.notes)
    if lost := int(cells.isna().sum()):
        notes.append(f"{lost:,} row{'s have' if lost > 1 else ' has'} no text in column {column!r}")
    rows = texts_of_column(cells)
    rest = source.frame.drop(columns=column)
    return replace(source, frame=rest, notes=tuple(notes), rows=rows, kind="texts")


def texts_of_column(cells: pd.Series) -> np.ndarray:
    """Return the texts of a column, an array (rows,) of `str`; a missing one is empty."""
    cells = tidy(cells)
    return cells.astype(object).where(~cells.isna(), "").to_numpy(object)


def text_columns(frame: pd.DataFrame, columns: Iterable[Column]) -> list[str]:
    """Return those columns, left out as identifiers, whose cells are texts: most have three words or more."""
    return [c.name for c in columns if c.kind == "identifier" and _is_prose(frame[c.name])]


def _is_prose(cells: pd.Series) -> bool:
    held = tidy(cells).dropna()
    if not types.is_string_dtype(held.dtype):
        return False
    return bool(np.median([len(re.findall(r"[^\W\d_]+", text)) for text in held.iloc[:_SAMPLE]]) >= _WORDS)
