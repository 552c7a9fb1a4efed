"""Reading a DataFrame: columns of text are read as those of a file, all others are what their type says."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from pandas.api import types

from phalanx.data.cells import as_text, text_of, typed
from phalanx.data.columns import named_columns
from phalanx.data.reading import Reading, read_texts


def read_frame(
    frame: pd.DataFrame, known: Mapping[str, Reading] | None = None, missing: Collection[str] | None = None
) -> tuple[pd.DataFrame, dict[str, Reading]]:
    """Return a table, whose column names are texts and unique, with its text read; and how each column was read.

    `known`: how the columns were read in training. `missing`: see `read_texts`; what is spelt so is missing among
    numbers and categories too. Other columns stay as they are.

    >>> frame, readings = read_frame(pd.DataFrame({"price": ["$1,200", "$900"], "sold": [True, None]}))
    >>> frame["price"].tolist(), readings["price"].unit, dict(readings["sold"].missing)
    ([1200, 900], '$', {'': 1})
    """
    columns = named_columns(frame)
    texts = {name: as_text(column) for name, column in columns.items() if typed(column) is None}
    read = read_texts(texts, known=known, missing=missing)
    held, readings = {}, {}
    for name, column in columns.items():
        if name in read:
            found, readings[name] = read[name]
            held[name] = found.set_axis(frame.index)
        else:
            words = known[name].words if known and name in known else tuple(sorted(missing or ()))
            held[name], readings[name] = _of_type(column, words)
    return pd.DataFrame(held, index=frame.index), readings


def _of_type(column: pd.Series, words: tuple[str, ...]) -> tuple[pd.Series, Reading]:
    """Return a column that its type says how to read, without the cells that some words say are missing."""
    absent = int(column.isna().sum())
    number = types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)
    lost = {"": absent} if absent else {}
    for word in words:
        meant = _equal(column, word, number)
        if count := int(meant.sum()):
            column, lost[word] = column.mask(meant), count
    return column, Reading(number, words=words, missing=lost)


def _equal(column: pd.Series, word: str, number: bool) -> np.ndarray:
    """Say which cells of a column of numbers, or of categories, a word is."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.isin([category for category in column.cat.categories if text_of(category) == word]).to_numpy()
    try:
        value = float(word) if number else np.nan
    except ValueError:
        value = np.nan
    return (column == value).fillna(False).to_numpy(bool) if value == value else np.zeros(len(column), bool)
