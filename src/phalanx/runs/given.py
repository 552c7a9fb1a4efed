"""What a model may be given to predict, from Python: files, tables, and the arrays of its kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from phalanx.data import Source
from phalanx.data.frames import read_frame
from phalanx.data.notes import bad_cells
from phalanx.errors import InputError
from phalanx.kinds.codes.encoder import CodeEncoder, code_rows
from phalanx.kinds.images import ImageEncoder
from phalanx.kinds.registry import check_one
from phalanx.kinds.series import SeriesEncoder
from phalanx.kinds.series.given import table_of
from phalanx.kinds.sounds import Sound, SoundEncoder, file_column, sounds_of_table
from phalanx.kinds.tables.encoder import TableEncoder
from phalanx.kinds.texts import TextEncoder, texts_of, texts_of_table
from phalanx.runs.model import Model
from phalanx.runs.prepare import load_like

_NAME = "rows"


def source_of(model: Model, given: Any) -> Source:
    """Return what is to be predicted as a source.

    A `str` or a path is a file or folder as `phalanx predict` takes it, and a list of paths several; a DataFrame is
    read as a table file of its cells would be. Beside these a model takes what it learned from: of numbers an array
    (rows, columns) in the order of training, an array of images, a list of texts, of rows of codes, or of sounds, each
    a pair of samples a second and samples (n,) of one channel; of a series its values, in a pandas Series with dates
    for index where it has times. Raises `InputError` for anything else.
    """
    encoder = model.encoder
    if isinstance(given, (str, Path)):
        return _files(model, [given])
    if isinstance(given, (list, tuple)) and given and all(isinstance(one, Path) for one in given):
        return _files(model, given)
    if isinstance(given, pd.DataFrame):
        return _table(model, given)
    if isinstance(encoder, TextEncoder):
        texts = texts_of(given, expected=True)
        if texts is None:
            raise InputError("the model was trained on texts; give a list of str")
        return _rows(texts, "texts")
    if isinstance(encoder, SeriesEncoder):
        return _series(encoder, given)
    if isinstance(encoder, SoundEncoder):
        return _rows(_sounds(given), "sounds")
    if isinstance(encoder, CodeEncoder):
        return _rows(code_rows(given), "codes")
    if isinstance(encoder, ImageEncoder):
        dtype = None if np.asarray(given).dtype == np.uint8 else np.float32
        return _rows(check_array(given, dtype=dtype, allow_nd=True, input_name="images"), "images")
    return _table(model, _named(encoder, model, given))


def _files(model: Model, paths: Any) -> Source:
    model.check_files()
    sources = [str(path) for path in paths]
    check_one(sources)
    return load_like(model.encoder, sources, model.readings)


def _table(model: Model, frame: pd.DataFrame) -> Source:
    read, readings = read_frame(frame.reset_index(drop=True), model.readings)
    source = Source(_NAME, read, None, tuple(bad_cells(readings)), readings=readings)
    if isinstance(model.encoder, TextEncoder) and model.encoder.column is not None:
        return texts_of_table(source, model.encoder.column)
    if isinstance(model.encoder, SoundEncoder) and (column := file_column(read)) is not None:
        return sounds_of_table(source, column, Path())
    return source


def _rows(rows: np.ndarray, kind: str) -> Source:
    return Source(_NAME, pd.DataFrame(index=range(len(rows))), None, (), rows, kind)


def _named(encoder: TableEncoder, model: Model, given: Any) -> pd.DataFrame:
    """Return an array as a table with the columns of training, in their order."""
    array = np.asarray(given)
    numbers = () if encoder.dates or encoder.categories else encoder.columns
    for names in (tuple(model.readings), numbers):
        if names and array.ndim == 2 and array.shape[1] == len(names):
            return pd.DataFrame(array, columns=list(names)).infer_objects()
    listed = ", ".join(map(repr, encoder.columns[:5])) + (", ..." if len(encoder.columns) > 5 else "")
    raise InputError(
        f"the model was trained on a table, but this has shape {array.shape}; give a DataFrame with columns {listed}"
    )


def _sounds(given: Any) -> np.ndarray:
    rows = np.empty(len(given), object)
    for i, sound in enumerate(given):
        if not isinstance(sound, (tuple, list)) or len(sound) != 2 or np.ndim(sound[1]) != 1 or not np.size(sound[1]):
            raise InputError(
                f"sound {i + 1} is no pair (samples a second, samples), whose samples are an array of one axis"
            )
        rows[i] = Sound(int(sound[0]), np.asarray(sound[1], np.float32))
    return rows


def _series(encoder: SeriesEncoder, given: Any) -> Source:
    """Return the values of a series as a table like that of training."""
    frame, column, time = table_of(given, None)
    layout = encoder.layout
    if layout.time is not None and time is None:
        raise InputError("the model was trained on a series with times; give a pandas Series with dates for index")
    renamed = {column: layout.columns[0]} | ({} if time is None else {time: layout.time})
    return Source(_NAME, frame.rename(columns=renamed), None, ())
