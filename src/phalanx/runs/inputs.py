"""What the networks of a run learn from: the columns of a table, its column of texts, or rows of another kind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phalanx.data import Column, Source, infer_columns
from phalanx.errors import InputError
from phalanx.kinds.images import ImageEncoder
from phalanx.kinds.registry import ENCODERS, Encoder
from phalanx.kinds.sounds import SoundEncoder
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts import TextEncoder, text_columns, texts_of_table
from phalanx.runs.config import Config


@dataclass(frozen=True)
class Inputs:
    """The rows that have a target, what each column of a table is, and `notes`; `config` names a column of texts."""

    rows: Any
    kind: str
    columns: tuple[Column, ...]
    config: Config
    notes: tuple[str, ...]

    def encode(self, train: np.ndarray) -> tuple[Encoder, Any]:
        """Return the encoder that the training rows say, and all rows as it encodes them."""
        if self.kind == "texts":
            texts, codes = TextEncoder.fit_transform(self.rows, train)
            return replace(texts, column=self.config.text), codes
        encoder: Encoder
        if self.kind == "table":
            encoder = TableEncoder.fit(self.columns, self.rows.iloc[train], scaling=self.config.scaling)
        else:
            encoder = ENCODERS[self.kind].fit(self.rows[train])
        return encoder, encoder.transform(self.rows)


def check_options(source: Source, config: Config) -> None:
    """Raise `InputError` for options that a source of this kind has not, and for one that has no labels."""
    table = source.kind == "table" or config.text is not None
    what = "is a table" if table else f"holds {source.kind}"
    if config.size is not None and source.kind != "images":
        raise InputError(f"--size is for images, but {config.source} {what}; leave it out")
    if config.scaling != Config.scaling and (source.kind != "table" or config.text is not None):
        raise InputError(
            f"--scaling is for the numbers of a table, but {config.source} holds {source.kind}; leave it out"
        )
    if table:
        if config.strict:
            raise InputError(f"--strict is for many files, but {config.source} {what}; leave it out")
    elif source.target is None:  # a table that names files: its other columns may be targets
        return
    elif source.target not in source.frame:
        raise InputError(f"{config.source} has no labels; put the {source.kind} of each class into a folder of its own")
    elif config.target not in ((), (source.target,)):
        raise InputError(f"target is {', '.join(config.target)}, but {source.kind} have only their label; leave it out")


def named_texts(source: Source, config: Config) -> Source:
    """Return a source as the texts of the column that `--text` names, if any."""
    if config.text is None:
        return source
    if source.kind != "table":
        raise InputError(f"--text names a column of a table, but {config.source} holds {source.kind}; leave it out")
    return texts_of_table(source, config.text)


def choose_inputs(source: Source, present: np.ndarray, names: Sequence[str], config: Config) -> Inputs:
    """Return what to learn from in the rows that are `present`; `names` are the columns that may be inputs.

    A table whose only input would be a column of texts is read as texts. Raises `InputError` where nothing is left to
    learn from.
    """
    if source.kind != "table":
        rows: Any = source.rows
        return Inputs(
            rows if present.all() else rows[present], source.kind, (), config, _left_out(names, source, config)
        )
    table = source.frame.loc[present, list(names)]
    columns = infer_columns(
        table,
        source.readings,
        categories=[name for name in config.category if name in table],
        numbers=[name for name in config.number if name in table],
    )
    table = table.reset_index(drop=True)
    texts = text_columns(table, columns)
    if any(column.used for column in columns):
        return Inputs(table, "table", tuple(_hinted(column, texts) for column in columns), config, ())
    if len(texts) == 1:
        chosen = replace(config, text=texts[0])
        return choose_inputs(texts_of_table(source, texts[0]), present, [], chosen)
    if texts:
        listed = " or ".join(f"--text {name!r}" for name in texts[:3])
        raise InputError(f"{config.source} has {len(texts)} columns of texts and no other input: give {listed}")
    listed = f"target{'s' if len(config.target) > 1 else ''} {', '.join(map(repr, config.target))}"
    raise InputError(f"{config.source} has no column left to learn from besides the {listed}")


def describe(encoder: Encoder, rows: int) -> list[str]:
    """Return the line on what rows are, for those that are no table."""
    if isinstance(encoder, ImageEncoder):
        shape = " x ".join(map(str, encoder.shape[:-1]))
        return [f"images: {rows:,} of {shape} pixels, {'gray' if encoder.shape[-1] == 1 else 'colour'}"]
    if isinstance(encoder, TextEncoder):
        where = f" in column {encoder.column!r}" if encoder.column else ""
        return [f"texts: {rows:,}{where}, of at most {encoder.steps:,} words; {len(encoder.words):,} words are known"]
    if isinstance(encoder, SoundEncoder):
        seconds = ((encoder.steps - 1) * encoder.hop + encoder.window) / encoder.rate
        step = 1000 * encoder.hop / encoder.rate
        return [
            f"sounds: {rows:,} at {encoder.rate:,} samples a second, of at most {seconds:.1f} s: {encoder.steps:,} "
            f"steps of {step:.0f} ms, {encoder.bands} frequency bands"
        ]
    return []


def _left_out(names: Sequence[str], source: Source, config: Config) -> tuple[str, ...]:
    """Return the note that columns beside a column of texts, or of files, are not learned from."""
    names = [name for name in names if name != source.id]
    column = config.text or source.id
    if column is None or not names:
        return ()
    listed = ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    return (f"column {column!r} alone is learned from, not {listed}",)


def _hinted(column: Column, texts: Sequence[str]) -> Column:
    """Return a column with a warning that says how to learn from its texts."""
    if column.name not in texts:
        return column
    return replace(column, warning=f"{column.warning}; --text {column.name!r} learns from its words instead")
