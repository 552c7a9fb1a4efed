"""Reading a DataFrame: columns of text are read as those of a file, all others are what their type says."""

from collections.abc import Collection, Mapping

import pandas as pd

from phalanx.data.cells import as_text, typed
from phalanx.data.columns import named_columns
from phalanx.data.reading import Reading, read_texts


def read_frame(
    frame: pd.DataFrame, known: Mapping[str, Reading] | None = None, missing: Collection[str] | None = None
) -> tuple[pd.DataFrame, dict[str, Reading]]:
    """Return a table, whose column names are texts and unique, with its text read; and how each column was read.

    `known`: how the columns were read in training. `missing`: see `read_texts`. Categorical columns stay as they are.

    >>> frame, readings = read_frame(pd.DataFrame({"price": ["$1,200", "$900"], "sold": [True, None]}))
    >>> frame["price"].tolist(), readings["price"].unit, dict(readings["sold"].missing)
    ([1200, 900], '$', {'': 1})
    """
    columns = named_columns(frame)
    texts = {name: as_text(column) for name, column in columns.items() if typed(column) is None}
    read = read_texts(texts, known=known, missing=missing)
    readings = {name: read[name][1] if name in read else _of_type(column) for name, column in columns.items()}
    held = {name: read[name][0].set_axis(frame.index) if name in read else column for name, column in columns.items()}
    return pd.DataFrame(held, index=frame.index), readings


def _of_type(column: pd.Series) -> Reading:
    absent = int(column.isna().sum())
    number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    return Reading(bool(number), missing={"": absent} if absent else {})
