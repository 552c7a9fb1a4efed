"""Tables: columns of numbers, dates and categories.

- ``scales``: how numbers and dates are scaled.
- ``encoder``: what the training rows say of each column, and any rows as arrays.
"""
