"""The kinds of data, a folder for each."""
