"""Texts: read from a folder with a sub-folder per class, files, or a table's column; and turned into codes.

- ``read``: text files; a folder of them; a book.
- ``given``: a list of texts, as Python has it.
- ``table``: a table's column of texts, and which columns look like one.
- ``encoder``: texts to classify as codes of words; as TF-IDF for linear models.
"""
