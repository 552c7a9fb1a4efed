"""Runs: from options to a folder that holds everything about a training, and back. See `command` for the flow."""
