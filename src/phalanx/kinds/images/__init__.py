"""Images: read into arrays from a folder with a sub-folder per class, image files, IDX files, or a NumPy archive.

- ``load``: tells these apart, and returns pixels and labels.
- ``request``: what the caller states, memory.
- ``file``, ``decoding``: one file's header and pixels; many files as one array.
- ``idx``: the format that holds many images in one file. ``arrays``: arrays as images.
- ``encoder``: what the training rows say, and the shape that every image must have.
"""
