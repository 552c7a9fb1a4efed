"""Texts to learn a class or a number from: files, folders of them, a table's column, and lists of `str`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phalanx.config import Config
from phalanx.data import Source
from phalanx.data.folder import plain
from phalanx.errors import InputError
from phalanx.kinds.files import are, source_of
from phalanx.kinds.images.load import holds_images
from phalanx.kinds.kind import Encoder, How, Learnt, Request, Rows
from phalanx.kinds.rows import LABELLED, RowKind
from phalanx.kinds.shown import Shown, text
from phalanx.kinds.texts.encoder import TextEncoder
from phalanx.kinds.texts.given import texts_of
from phalanx.kinds.texts.read import holds_texts, load_texts
from phalanx.kinds.texts.table import texts_of_column, texts_of_table


class TextKind(RowKind):
    """Texts of any length."""

    name = "texts"
    encoder = TextEncoder
    options = LABELLED | {"strict", "text", "missing", "ignore"}
    several = True
    slow = ("decision_tree", "svm", "random_forest", "gradient_boosting")

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        return are(holds_texts, sources) and not (Path(sources[0]).is_dir() and holds_images(Path(sources[0])))

    def load(self, sources: Sequence[str], request: Request) -> Source:
        if request.text is not None:
            raise InputError(f"--text names a column of a table, but {sources[0]} holds texts; leave it out")
        files = load_texts([Path(source) for source in sources], request.strict, request.watch)
        return source_of(files, plain(Path(sources[0]).resolve().stem), self.name)

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> Any | None:
        return texts_of(given, expected=known)

    def expected(self) -> str:
        return "a list of str"

    def learn(self, given: Rows, how: How) -> Learnt:
        return Learnt(self, *TextEncoder.fit_each(given.rows, given.trains, how.column))

    def learn_column(self, given: Rows, how: How, column: str) -> Learnt:
        """Learn from a column of a table alone."""
        return Learnt(self, *TextEncoder.fit_each(self.of_cells(given.rows[column]), given.trains, column))

    def kept(self, rows: Any, at: np.ndarray, encoder: Any) -> np.ndarray:
        return self.of_cells(rows[encoder.of_folds[0].column].iloc[at]) if isinstance(rows, pd.DataFrame) else rows[at]

    def show(self, encoder: Any, inputs: Any, kept: Any, telling: Sequence[str]) -> list[Shown]:
        return [text(written) for written in kept]

    def of_cells(self, cells: pd.Series) -> np.ndarray:
        return texts_of_column(cells)

    def of_table(self, table: Source, encoder: Encoder, folder: Path) -> Source:
        column = encoder.of_folds[0].column  # type: ignore[attr-defined]
        return table if column is None else texts_of_table(table, column)


TEXTS = TextKind()
