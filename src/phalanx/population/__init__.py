"""Populations: networks of one structure trained together as one compiled program. See README.md in this folder."""
