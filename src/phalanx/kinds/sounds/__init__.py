"""Sounds: WAV files of a folder, of their own, or named in a table; and turned into spectrograms.

- ``file``: one file as samples of one channel.
- ``read``: a folder of sounds, files, or a table with a column of files.
- ``spectrogram``: samples as the power of frequency bands, step by step.
- ``encoder``: what the training sounds say: rate, steps, and the scale of each band.
"""
