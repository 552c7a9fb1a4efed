"""The lecture notes as a book that computes: every claim on the parts that networks are made of.

A chapter is one file of `chapters`: `compute` returns what it claims as named numbers, `draw` makes pictures of them,
and `TEXT` tells of both, with the numbers of the run that made the page. `contents` orders the chapters, `rows` says
what the notes hold, row by row; `told` fills a text in, `terminal` shows it in the shell, and `book` writes pages.
"""
