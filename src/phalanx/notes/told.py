"""A chapter's text with what was computed in it, as Markdown: numbers, tables, and the code that made them."""

import inspect
import re
from typing import Any

import pandas as pd

from phalanx.notes.chapter import Chapter

_FIELD = re.compile("«([^»]+)»")
_SOURCE = "source: "


def told(chapter: Chapter, found: dict[str, Any]) -> str:
    """Return the text with every `«name:format»` in the place of which stands what was found, in Python's format.

    `«name»` of a DataFrame is a table, `«source: name»` the code of a function or class of the chapter.
    """

    def said(match: re.Match[str]) -> str:
        inside = match[1]
        if inside.startswith(_SOURCE):
            code = inspect.getsource(getattr(chapter.module, inside.removeprefix(_SOURCE)))
            return f"```python\n{code.rstrip()}\n```"
        value = found.get(inside)
        return table(value) if isinstance(value, pd.DataFrame) else f"{{{inside}}}".format_map(found)

    return _FIELD.sub(said, chapter.text).strip() + "\n"


def table(frame: pd.DataFrame) -> str:
    """Return a frame as a table of Markdown: its columns, and its index where that has a name.

    >>> print(table(pd.DataFrame({"rule": ["SGD", "Adam"], "cost": [0.25, 12.0]})))
    | rule | cost |
    |---|--:|
    | SGD | 0.25 |
    | Adam | 12 |
    """
    frame = frame.reset_index() if frame.index.name else frame
    ends = ["--:" if pd.api.types.is_numeric_dtype(frame[name]) else "---" for name in frame]
    lines = [map(str, frame.columns), *([_cell(value) for value in row] for row in frame.itertuples(index=False))]
    heading, *rows = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([heading, f"|{'|'.join(ends)}|", *rows])


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")
