"""Reading a source: a table in a file, or a data set that ships with scikit-learn."""

import csv
import io
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from sklearn import datasets

from phalanx.data.cells import is_number, zoned
from phalanx.data.columns import unique_names, unnamed
from phalanx.data.encodings import decode
from phalanx.data.frames import read_frame
from phalanx.data.headers import spelt_units, units_below
from phalanx.data.letters import one_form
from phalanx.data.names import some
from phalanx.data.notes import read_notes
from phalanx.data.reading import Reading, read_texts
from phalanx.errors import InputError

#: Names of data sets that ship with scikit-learn.
BUNDLED: dict[str, Callable[..., Any]] = {
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
}
SUFFIXES = (".csv", ".tsv", ".parquet")

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SNIFFED = 1 << 16  # characters looked at to find the delimiter
_SENTINEL = "end of table"
_LARGEST_BLOCK = (1 << 31) - 1  # bytes, the reader's own limit


@dataclass(frozen=True)
class Source:
    """A source as read: a short name, the cells, the usual target if it has one, and what was noticed.

    `kind` says what the inputs are: the cells of a "table", or else `rows`, beside which the table holds what else is
    known of each, such as the `label`: pixels (n, height, width, channels) of "images".
    `id` is the column that says which file a row comes from, and `test` are rows that the source itself holds out.
    `readings` says of each column of a table how its cells were read, and `opened` holds, of columns that name files,
    what these hold.
    """

    name: str
    frame: pd.DataFrame
    target: str | None
    notes: tuple[str, ...]
    rows: np.ndarray | None = None
    kind: str = "table"
    id: str | None = None
    test: "Source | None" = None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    opened: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def inputs(self) -> Any:
        """What an encoder takes."""
        return self.frame.assign(**self.opened) if self.rows is None else self.rows


def load_source(
    source: str, known: Mapping[str, Reading] | None = None, missing: Collection[str] | None = None
) -> Source:
    """Read a table file, or one of ``digits iris wine breast_cancer diabetes``.

    An existing path wins over a name. Bundled classes are named as scikit-learn names them. ``known`` says how the
    columns of the training table were read, ``missing`` which spellings mean missing: see ``read_texts``.
    Raises InputError where there is no such file or name, or the file cannot be read.

    >>> iris = load_source("iris")
    >>> iris.target, sorted(iris.frame["target"].unique())
    ('target', ['setosa', 'versicolor', 'virginica'])
    """
    path = Path(source)
    if source not in BUNDLED or path.exists():
        frame, readings, notes = _read(path, known, missing)
        if source in BUNDLED:
            notes.insert(0, f"{source!r} is a path here, which wins over the bundled data set of that name")
        return Source(path.stem, frame, None, tuple(notes), readings=readings)
    bunch = BUNDLED[source](as_frame=True)
    frame = bunch.frame
    names = np.asarray(bunch.get("target_names", []))
    if names.dtype.kind == "U":
        frame = frame.assign(target=names[frame["target"]])
    return Source(source, frame, "target", ())


def read_table(path: Path) -> pd.DataFrame:
    """Read a ``.csv``, ``.tsv`` or ``.parquet`` table.

    Text files are separated by commas, semicolons, tabs or vertical bars (found out), with one line of column names.
    Each column becomes numbers, dates (ISO 8601) or text, with missing cells as NaN (see ``read_texts``); repeated
    column names are numbered. Raises InputError for a file that is absent, empty, not a table,
    or whose rows differ in length.
    """
    return _read(path, None, None)[0]


Read = tuple[pd.DataFrame, dict[str, Reading], list[str]]


def _read(path: Path, known: Mapping[str, Reading] | None, missing: Collection[str] | None) -> Read:
    try:
        _check_path(path)
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path, known, missing)
        return _read_text(path, known, missing)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def _check_path(path: Path) -> None:
    if path.is_dir():
        tables = sorted(file.name for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        inside = f"; did you mean {str(path / tables[0])!r}?" if tables else f" and holds no table ({_suffixes()})"
        bundled = "; a path wins over the bundled data set of that name" if str(path) in BUNDLED else ""
        raise InputError(f"{str(path)!r} is a folder{inside}{bundled}")
    if not path.exists():
        raise InputError(f"no such file: {str(path)!r}{_nearest(path)}")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{str(path)!r} is not a kind of table that can be read ({_suffixes()})")


def _suffixes() -> str:
    return ", ".join(SUFFIXES)


def _nearest(path: Path) -> str:
    folder = path.parent
    files = [file.name for file in folder.iterdir()] if folder.is_dir() and os.access(folder, os.R_OK) else []
    names = list(BUNDLED) if path.name == str(path) else []
    near = get_close_matches(path.name, files + names, n=1)
    if near:
        return f"; did you mean {near[0] if near[0] in names else str(folder / near[0])!r}?"
    return f"; the bundled data sets are {', '.join(BUNDLED)}" if names and not path.suffix else ""


def _read_parquet(path: Path, known: Mapping[str, Reading] | None, missing: Collection[str] | None) -> Read:
    # By this pandas teaches pyarrow what periods are, which are read as plain numbers else.
    pa.array(pd.PeriodIndex([], freq="D").array)
    try:
        table = pa.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{str(path)!r} is not a readable Parquet file: {str(error).splitlines()[0]}") from error
    if table.num_columns == 0 or table.num_rows == 0:
        raise InputError(f"{str(path)!r} holds no rows")
    names, notes = _column_names(table.column_names)
    frame = pd.DataFrame({name: column.to_pandas() for name, column in zip(names, table.columns, strict=True)})
    read, readings = read_frame(frame, known, missing)
    read = pd.DataFrame({name: zoned(column) for name, column in read.items()})
    return read, readings, [*notes, *read_notes(readings)]


def _read_text(path: Path, known: Mapping[str, Reading] | None, missing: Collection[str] | None) -> Read:
    text, notes = _decode(path)
    first, _, rest = text.partition("\n")
    said = first.rstrip("\r")[4:] if first.lower().startswith("sep=") else ""
    if said in _DELIMITERS:  # a line by which spreadsheets say what separates cells
        text, delimiter = rest, said
    else:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _sniff(text)
    header = _header(text, delimiter, path)
    cells = _parse(text, delimiter, len(header), path)
    if cells.num_rows == 0:
        raise InputError(f"{str(path)!r} holds column names only, no rows")
    names, renamed = _column_names(header)
    notes += renamed
    texts = {name: column.combine_chunks() for name, column in zip(names, cells.columns, strict=True)}
    if units := units_below(texts):
        below = f"the line below the column names of {path.name!r} holds units, no values: {spelt_units(units)}"
        notes.append(f"{below}; row 1 is the line after it")
        texts = {name: column.slice(1) for name, column in texts.items()}
        if not len(next(iter(texts.values()))):
            raise InputError(f"{str(path)!r} holds column names and units only, no rows")
    read = read_texts(texts, semicolon=delimiter == ";", missing=missing, known=known)
    readings = {name: reading for name, (_, reading) in read.items()}
    notes += read_notes(readings)
    if all(is_number(name) for name in header):
        notes.append(f"the first line of {path.name!r} holds only numbers, but is taken for the column names")
    return pd.DataFrame({name: column for name, (column, _) in read.items()}), readings, notes


def _decode(path: Path) -> tuple[str, list[str]]:
    """Return the text of a file and a note if it is not UTF-8."""
    try:
        text, encoding, line = decode(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not a text file, though it is named {path.suffix}: {error}") from error
    if line:
        return text, [f"line {line} of {path.name!r} is not UTF-8: the file is read as {encoding}"]
    return text, [] if encoding == "UTF-8" else [f"read as {encoding} text"]


def _sniff(text: str) -> str:
    """Return the delimiter under which most of the first records are as long as the header, the longest winning."""

    def fit(delimiter: str) -> tuple[float, int]:
        head = text[:_SNIFFED]
        widths = [len(record) for _, record in _records(head, delimiter)]
        if len(head) < len(text):
            widths = widths[: max(len(widths) - 1, 1)]  # the last record may be cut
        if not widths or widths[0] < 2:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(_DELIMITERS, key=fit)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line (from 1) on which each record begins, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    for record in reader:
        if record:
            yield line, record
        line = reader.line_num + 1


def _header(text: str, delimiter: str, path: Path) -> list[str]:
    try:
        return next(_records(text, delimiter))[1]
    except StopIteration:
        raise InputError(f"{str(path)!r} is empty") from None
    except csv.Error as error:
        raise InputError(f"the first line of {str(path)!r} holds no column names: {error}") from error


def _parse(text: str, delimiter: str, width: int, path: Path) -> pa.Table:
    """Parse the rows after the header as text. Every row must have ``width`` cells."""
    # A quote that is never closed would swallow the rest without a word, this last row with it.
    raw = f"{text}\n{delimiter.join([_SENTINEL] * width)}\n".encode()
    kind = pa.large_string()
    try:
        table = pa.csv.read_csv(
            io.BytesIO(raw),
            read_options=pa.csv.ReadOptions(
                autogenerate_column_names=True, block_size=min(len(raw) + 1, _LARGEST_BLOCK)
            ),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(column_types={f"f{i}": kind for i in range(width)}),
        )
    except pa.ArrowInvalid as error:
        raise _broken(text, delimiter, width, path, error) from error
    last = table.slice(table.num_rows - 1).to_pylist()[0]
    if table.num_columns != width or set(last.values()) != {_SENTINEL}:
        raise _broken(text, delimiter, width, path, None)
    return table.slice(1, table.num_rows - 2)


def _broken(text: str, delimiter: str, width: int, path: Path, reason: Exception | None) -> InputError:
    """Find the line at which a file stops being a table."""
    where = f"of {str(path)!r}"
    line = 1
    try:
        for line, record in _records(text, delimiter):
            if len(record) != width:
                return InputError(
                    f"line {line} {where} has {len(record)} cells, but the header has {width} "
                    f"({_DELIMITERS[delimiter]} separated)"
                )
    except csv.Error as error:
        return InputError(f"after line {line} {where} the rows cannot be told apart: {error}")
    return InputError(f"line {line} {where} cannot be read: {reason or 'a quoted cell begins there and never ends'}")


def _column_names(given: list[str]) -> tuple[list[str], list[str]]:
    """Return usable, unique column names, and a note on those that had to change."""
    notes = []
    named = [one_form(name) or unnamed(position) for position, name in enumerate(given, start=1)]
    names = unique_names(named)
    empty = [name for name, old in zip(named, given, strict=True) if not one_form(old)]
    if empty:
        notes.append(f"columns without a name are called {some(empty)}")
    repeated = [new for new, old in zip(names, named, strict=True) if new != old]
    if repeated:
        notes.append(f"column names occur twice: the later ones are called {some(repeated)}")
    return names, notes
