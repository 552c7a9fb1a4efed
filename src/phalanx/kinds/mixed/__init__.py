"""Rows of several parts: numbers and categories of a table beside texts, images or sounds."""
