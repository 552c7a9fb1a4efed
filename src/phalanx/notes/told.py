"""A chapter's text with what was computed in it, as Markdown: numbers, tables, and the code that made them."""

import inspect
import re
from typing import Any

import pandas as pd

from phalanx.notes.chapter import Chapter

_FIELD = re.compile("«([^»]+)»")
_SOURCE = "source: "
_NUMBER = re.compile(r"[-−+]?[\d.,]+(e[-+]?\d+)?\s?%?( ± .*)?|[-−+]?inf|nan|[-–−]?")
_NEGATIVE = re.compile(r"(?<![\w.,-])-(?=[\d.,]+(?![\d.,e]))")
"""The hyphen before a number in decimals, in the place of which stands a minus sign."""


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
        return table(value) if isinstance(value, pd.DataFrame) else _signed(f"{{{inside}}}".format_map(found))

    return _FIELD.sub(said, chapter.text).strip() + "\n"


def table(frame: pd.DataFrame) -> str:
    """Return a frame as a table of Markdown: its columns, and its index where that has a name; numbers stand right.

    >>> print(table(pd.DataFrame({"rule": ["SGD", "Adam"], "cost": [-0.25, 12.0], "share": ["7%", "–"]})))
    | rule | cost | share |
    |---|--:|--:|
    | SGD | −0.25 | 7% |
    | Adam | 12 | – |
    """
    frame = frame.reset_index() if frame.index.name else frame
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    right = [all(_NUMBER.fullmatch(row[at]) for row in rows) for at in range(len(frame.columns))]
    lines = [list(map(str, frame.columns)), ["--:" if it else "---" for it in right], *rows]
    heading, ends, *rest = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([heading, ends.replace(" ", ""), *rest])


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return _signed(text.replace("|", "\\|"))


def _signed(text: str) -> str:
    return _NEGATIVE.sub("−", text)
