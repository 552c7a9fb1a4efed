"""Tables: numbers, dates and categories in columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from phalanx.config import Config
from phalanx.data import Reading, Source, load_source
from phalanx.data.columns import infer_columns, warnings_of
from phalanx.data.npz import read_npz_table
from phalanx.errors import InputError
from phalanx.kinds.files import with_files
from phalanx.kinds.images.load import is_images
from phalanx.kinds.kind import Encoder, How, Learnt, Request, Rows
from phalanx.kinds.learning import take
from phalanx.kinds.mixed.encoder import IN_COLUMNS
from phalanx.kinds.mixed.kind import MIXED, columns_of_cells, with_parts
from phalanx.kinds.model import GIVEN, as_table
from phalanx.kinds.rows import LABELLED, RowKind
from phalanx.kinds.shown import Shown, cells, named_columns_at, text
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts.table import texts_of_table


class Tables(RowKind):
    """Tables of a file, a data set that ships with scikit-learn, an archive, a DataFrame, or an array of numbers."""

    name = "table"
    encoder = TableEncoder
    few = 1_000
    options = LABELLED | {"scaling", "missing", "ignore", "category", "number"}

    @property
    def what(self) -> str:
        return "is a table"

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        return len(sources) == 1 and not is_images(sources[0])

    def load(self, sources: Sequence[str], request: Request) -> Source:
        path = Path(sources[0])
        if path.suffix.lower() == ".npz" and path.exists():
            return _archive(path)
        table = load_source(sources[0], request.known, request.missing)
        if request.text is not None:
            if request.strict:
                raise InputError(f"--strict is for many files, but {sources[0]} is a table; leave it out")
            return texts_of_table(table, request.text)
        return with_files(table, path.parent, request, list(IN_COLUMNS.values()))

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> Any:
        return given

    def check(self, estimator: Any, given: Any, rows: Any, reset: bool) -> Any:
        """Return a DataFrame with its text read, or an array of floats.

        After `fit`, an array is read by the position of a DataFrame's columns, and a DataFrame by that of an array's,
        both with scikit-learn's warning.
        """
        if estimator._framed:
            table = Source(GIVEN, estimator._read_frame(rows, reset), None, ())
            request = Request(strict=True, like=None if reset else getattr(estimator, "encoder_", None))
            return with_files(table, Path(), request, list(IN_COLUMNS.values())).inputs
        least = 2 if reset else 1
        return validate_data(
            estimator, rows, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=least
        )

    def learn(self, given: Rows, how: How) -> Learnt:
        """Learn from the columns that say something: numbers, dates and categories by this kind, those of texts, images
        and sounds each by its own.
        """
        if not isinstance(given.rows, pd.DataFrame):
            arrays = [
                TableEncoder.fit_numbers(take(given.rows, train), _at(given.weight, train), how.scaling)
                for train in given.trains
            ]
            return self._learnt(TableEncoder.alike(arrays), given.rows, ())
        cells = columns_of_cells(given.seen)
        table = given.seen.drop(columns=[column.name for column in cells])
        inferred = infer_columns(table, how.readings, categories=how.category, numbers=how.number)
        columns = [*with_parts(table, inferred), *cells]
        tabular = [column for column in columns if column.tabular]
        if not any(column.used for column in columns):
            raise InputError(f"no column is left to learn from: {'; '.join(warnings_of(columns))}")
        fitted = [
            TableEncoder.fit(tabular, take(given.rows, train), _at(given.weight, train), how.scaling)
            for train in given.trains
            if tabular
        ]
        encoders = TableEncoder.alike(fitted)
        if len(tabular) < sum(column.used for column in columns):
            return MIXED.learn_columns(given, how, columns, encoders)
        return self._learnt(encoders, given.rows, columns)

    def kept(self, rows: Any, at: np.ndarray, encoder: Encoder) -> Any:
        return named_columns_at(rows, at, encoder.raw) if isinstance(rows, pd.DataFrame) else rows[at]

    def show(self, encoder: Any, inputs: Any, kept: Any, telling: Sequence[str]) -> list[Shown]:
        return [text(row) for row in cells(kept, telling)]

    def source(self, given: Any, encoder: Encoder, readings: Mapping[str, Reading]) -> Source:
        """Return an array whose columns are those of training, in their order, as a table."""
        return as_table(_named(encoder.of_folds[0], readings, given), readings)

    def _learnt(self, encoders: Sequence[TableEncoder], rows: Any, columns: Any) -> Learnt:
        return Learnt(self, encoders, [encoder.transform(rows) for encoder in encoders], tuple(columns))


TABLES = Tables()


def _at(weight: np.ndarray | None, train: np.ndarray) -> np.ndarray | None:
    return None if weight is None else weight[train]


def _archive(path: Path) -> Source:
    """Return the table that the arrays X and y of an archive are."""
    numbers, target = read_npz_table(path)
    frame = pd.DataFrame({f"x{i + 1}": column for i, column in enumerate(numbers.T)})
    if target is not None:
        frame["y"] = target
    return Source(path.stem, frame, None if target is None else "y", ())


def _named(encoder: Any, readings: Mapping[str, Reading], given: Any) -> pd.DataFrame:
    """Return an array as a table with the columns of training, in their order."""
    array = np.asarray(given)
    numbers = () if encoder.dates or encoder.categories else encoder.columns
    for names in (tuple(readings), numbers):
        if names and array.ndim == 2 and array.shape[1] == len(names):
            return pd.DataFrame(array, columns=list(names)).infer_objects()
    listed = ", ".join(map(repr, encoder.columns[:5])) + (", ..." if len(encoder.columns) > 5 else "")
    raise InputError(
        f"the model was trained on a table, but this has shape {array.shape}; give a DataFrame with columns {listed}"
    )
