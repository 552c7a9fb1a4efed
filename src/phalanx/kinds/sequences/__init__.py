"""Sequences of numbers, each as long as it is: given in Python, or in a NumPy archive.

- ``container``: many of them in one padded array.
- ``given``: as they come in Python, and in an archive.
- ``frames``: what sequences share with sounds.
- ``encoder``: what the training rows say: the scale of each channel, and the steps of the longest.
"""
