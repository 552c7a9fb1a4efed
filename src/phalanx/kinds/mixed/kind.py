"""Rows of several parts, columns of a table: what no other kind says, since the kinds of its parts say it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phalanx.data import Column, Source
from phalanx.kinds.files import with_files
from phalanx.kinds.images.kind import IMAGES
from phalanx.kinds.kind import Encoder, How, Learnt, Request, Rows
from phalanx.kinds.mixed.encoder import IN_COLUMNS, ColumnPart, MixedEncoder, part_of_table
from phalanx.kinds.rows import LABELLED, RowKind
from phalanx.kinds.shown import Shown, cells, named_columns_at, text
from phalanx.kinds.sounds.kind import SOUNDS
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts.table import text_columns

_SEEN = (IMAGES.name, SOUNDS.name)
"""Kinds of columns that are shown as they are encoded."""


class MixedKind(RowKind):
    """Tables of which a column holds texts, or names images or sounds, beside others."""

    name = "mixed"
    encoder = MixedEncoder
    options = LABELLED | {"scaling", "missing", "ignore", "category", "number", "strict", "size"}
    slow = ("decision_tree", "svm", "random_forest", "gradient_boosting")

    @property
    def what(self) -> str:
        return "is a table"

    def learn_columns(self, given: Rows, how: How, columns: Sequence[Column], tables: Sequence[TableEncoder]) -> Learnt:
        """Learn from the columns of a table that hold rows of other kinds, beside `tables`, the encoders of all others;
        where one column is all there is, its kind is what is learned from.
        """
        held = [(column.name, IN_COLUMNS[column.kind]) for column in columns if column.kind in IN_COLUMNS]
        if len(held) == 1 and not tables:
            ((name, kind),) = held
            return replace(kind.learn_column(given, how, name), columns=tuple(columns))
        parts = [[part_of_table(encoder) for encoder in tables]] if tables else []
        inputs = [[encoder.transform(given.rows) for encoder in tables]] if tables else []
        for name, kind in held:
            learnt = kind.learn_column(given, how, name)
            parts.append([ColumnPart(name, kind.name, encoder) for encoder in learnt.encoders])
            inputs.append(list(learnt.inputs))
        encoders = [MixedEncoder(each) for each in zip(*parts, strict=True)]
        return Learnt(self, encoders, list(zip(*inputs, strict=True)), tuple(columns))

    def kept(self, rows: Any, at: np.ndarray, encoder: Any) -> Any:
        """Return the columns without those of images and sounds, which are shown as they are encoded."""
        seen = [part.column for part in encoder.of_folds[0].parts if part.kind in _SEEN]
        return named_columns_at(rows, at, [name for name in encoder.raw if name not in seen])

    def show(self, encoder: Any, inputs: Any, kept: Any, telling: Sequence[str]) -> list[Shown]:
        """Return the first image or sound of each row, and its other columns as a text."""
        pictures = [
            IN_COLUMNS[part.kind].show(part.encoder, held, None, ())
            for part, held in zip(encoder.parts, inputs, strict=True)
            if part.kind in _SEEN
        ]
        texts = [text(row) for row in cells(kept, telling)] if len(kept.columns) else [Shown()] * len(kept)
        firsts = pictures[0] if pictures else [Shown()] * len(kept)
        return [one._replace(text=beside.text) for one, beside in zip(firsts, texts, strict=True)]

    def of_table(self, table: Source, encoder: Encoder, folder: Path) -> Source:
        return table if table.opened else with_files(table, folder, Request(like=encoder), list(IN_COLUMNS.values()))


MIXED = MixedKind()


def with_parts(frame: pd.DataFrame, columns: Sequence[Column]) -> list[Column]:
    """Return what columns of a table are, those of texts and of opened files too."""
    texts = text_columns(frame, columns)
    found = []
    for column in columns:
        if column.name in texts:
            found.append(replace(column, kind="texts", warning=""))
        else:
            found.append(column)
    return found


def columns_of_cells(frame: pd.DataFrame) -> list[Column]:
    """Return the columns whose cells are images or sounds."""
    return [
        Column(name, kind.name, f"{len(frame):,} {kind.name}")
        for name in map(str, frame.columns)
        for kind in IN_COLUMNS.values()
        if kind.holds_cells(frame[name])
    ]
