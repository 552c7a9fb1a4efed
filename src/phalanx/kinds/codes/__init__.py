"""Rows of codes."""
