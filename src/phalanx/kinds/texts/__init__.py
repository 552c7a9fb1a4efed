"""Texts: read from a folder with a sub-folder per class, files, or a table's column; and turned into codes.

- ``read``: text files; a folder of them; a book.
- ``given``: a list of texts, as Python has it.
- ``table``: a table's column of texts, and which columns look like one.
- ``encoder``: texts to classify as codes of words; as TF-IDF for linear models.
"""

from phalanx.kinds.texts.encoder import TextEncoder
from phalanx.kinds.texts.given import texts_of
from phalanx.kinds.texts.read import TEXTS, holds_texts, load_texts, read_book
from phalanx.kinds.texts.table import text_columns, texts_of_table

__all__ = [
    "TEXTS",
    "TextEncoder",
    "holds_texts",
    "load_texts",
    "read_book",
    "text_columns",
    "texts_of",
    "texts_of_table",
]
