"""Reading images into arrays, whatever they are in."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import psutil

from phalanx.data.files import held_out_note, labels_kept, left_out_note
from phalanx.data.folder import Listing, holds, list_folder, plain
from phalanx.data.npz import npz_header, read_npz
from phalanx.errors import InputError
from phalanx.kinds.images.arrays import as_pixels, check_array
from phalanx.kinds.images.decoding import Decoded, decode_files
from phalanx.kinds.images.file import IMAGES, SUFFIXES
from phalanx.kinds.images.idx import idx_header, is_idx, labels_beside, named_idx, pairs_in, read_idx, short_name
from phalanx.kinds.images.request import Request


@dataclass(frozen=True)
class Images:
    """Images as read.

    `name`: a short name of the source. `pixels`: (n, height, width, channels), uint8, or float32 where an archive or
    an IDX file holds floats. `labels`: (n,), text for folders, integers for IDX, as given for archives; None where
    there are none. `files`: the path of each row, as text, for rows that come from files of their own, else None.
    `test`: images held out by the source itself, or None. `notes`: sentences on what was noticed or left out.
    """

    name: str
    pixels: np.ndarray
    labels: np.ndarray | None
    files: tuple[str, ...] | None
    test: "Images | None"
    notes: tuple[str, ...]


def is_images(source: str) -> bool:
    """Tell whether a source is for `load_images`.

    True for folders, image files (by suffix), IDX files (by name or first bytes), archives (`.npz`) whose X is not a
    table (also broken ones, about which `load_images` says more), and `images,labels` of IDX; where there is no such
    file, for names like that.
    """
    path = Path(source)
    if os.path.isdir(source):
        return True
    if not os.path.exists(source):
        parts = source.split(",")
        archive_or_image = path.suffix.lower() in (*SUFFIXES, ".npz")
        return archive_or_image or (len(parts) <= 2 and all(named_idx(part.strip()) for part in parts))
    if not os.path.isfile(source):
        return False
    if path.suffix.lower() == ".npz":
        try:
            return len(npz_header(path)[1]) in (3, 4)
        except InputError:
            return True
    return path.suffix.lower() in SUFFIXES or is_idx(path)


def holds_images(folder: Path) -> bool:
    """Tell whether a folder holds image files at any depth, or an IDX pair."""
    return holds(folder, IMAGES) or pairs_in(folder) is not None


def load_images(
    sources: Sequence[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    strict: bool = False,
    memory: int | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> Images:
    """Read images from one source, from several image files, or from the two files of an IDX pair.

    `size` is (height, width) in pixels and `channels` 1 or 3. None: for files, the most common size, scaled down so
    that its longer side is at most 64 pixels, and 3 channels if any image has colour, else 1; for IDX files and
    archives, what they hold. Resizing is antialiased and does not keep proportions: all images get one shape.
    Files that cannot be read are left out with a note, or refused with `strict`. `memory` is the number of bytes that
    are free (None: asked of the system), half of which may be used. `watch(done, total)` is called from the caller's
    thread as images are decoded, at most some 50 times a second.

    Raises InputError for sources that do not exist or hold no images, and for images that do not fit in memory.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/two.npz", X=np.zeros((2, 8, 8), np.uint8), y=["a", "b"])
    ...     images = load_images([f"{folder}/two.npz"])
    >>> images.name, images.pixels.shape, images.labels.tolist()
    ('two', (2, 8, 8, 1), ['a', 'b'])
    """
    if size is not None and min(size) < 1:
        raise InputError(f"the size of images must be at least 1 × 1 pixels, not {size[0]} × {size[1]}")
    if channels not in (None, 1, 3):
        raise InputError(f"images have 1 channel (gray) or 3 (colour), not {channels}")
    free = psutil.virtual_memory().available if memory is None else memory
    request = Request(size, channels, strict, free, watch)
    paths = _paths(sources)
    if len(paths) == 1:
        return _load_one(paths[0], request)
    if all(path.suffix.lower() in SUFFIXES for path in paths):
        return _load_files(paths[0].stem, Listing(paths, None, []), None, request)
    if len(paths) == 2 and all(path.is_file() and is_idx(path) for path in paths):
        return _load_pair(paths, request)
    raise InputError(f"{_quoted(paths)} cannot be read together: give one source, image files, or an IDX pair")


def _load_one(path: Path, request: Request) -> Images:
    if path.is_dir():
        pair = pairs_in(path)
        if pair is None:
            return _load_files(plain(path.resolve().name), *list_folder(path, IMAGES), request)
        images = _load_idx(pair[0], labels_beside(pair[0]), request)
        if pair[1] is None:
            return images
        alike = replace(request, size=images.pixels.shape[1:3], channels=images.pixels.shape[3])
        test = _load_idx(pair[1], labels_beside(pair[1]), alike)
        note = f"{pair[1].name!r} is the test: its {len(test.pixels):,} images are held out"
        return replace(images, test=test, notes=(*images.notes, note))
    if path.suffix.lower() in SUFFIXES:
        return _load_files(plain(path.stem), Listing([path], None, []), None, request)
    if path.suffix.lower() == ".npz":
        dtype, shape = npz_header(path)
        check_array(dtype, shape, f"X of {str(path)!r}", request)
        X, y = read_npz(path)
        return Images(plain(path.stem), as_pixels(X, f"X of {str(path)!r}", request), y, None, None, ())
    if is_idx(path):
        if len(idx_header(path)[1]) == 1:
            raise InputError(f"{str(path)!r} holds labels: give the file of images, beside it or before it")
        return _load_idx(path, labels_beside(path), request)
    raise InputError(f"{str(path)!r} holds no images that can be read ({', '.join(SUFFIXES)}, IDX, .npz)")


def _load_files(name: str, listing: Listing, held_out: Listing | None, request: Request) -> Images:
    """Decode the files of a listing, and of its test, into one array."""
    border = len(listing.files)
    files = listing.files + (held_out.files if held_out else [])
    decoded = decode_files(files, border, request)
    split = sum(i < border for i in decoded.kept)
    paths = tuple(plain(files[i]) for i in decoded.kept)
    notes = list(listing.notes)
    test = None
    if held_out:
        labels = _labels(held_out, decoded, border)
        test = Images(f"{name}-test", decoded.pixels[split:], labels, paths[split:], None, ())
        notes += [*held_out.notes, held_out_note(len(test.pixels), IMAGES)]
    if decoded.broken:
        notes.append(left_out_note(files, decoded.broken, IMAGES))
    if decoded.resized and request.size is None:
        height, width = decoded.pixels.shape[1:3]
        notes.append(
            f"{decoded.resized:,} of {len(paths):,} images are resized to {height} × {width} pixels (height × width); "
            f"--size changes it"
        )
    return Images(name, decoded.pixels[:split], _labels(listing, decoded, 0), paths[:split], test, tuple(notes))


def _labels(listing: Listing, decoded: Decoded, start: int) -> np.ndarray | None:
    """Return the labels of a listing's images that are kept; `start` is the position of its first file."""
    labels = labels_kept(listing, decoded.kept, start, decoded.broken, IMAGES)
    return None if labels is None else np.array(labels)


def _load_pair(paths: list[Path], request: Request) -> Images:
    """Load an IDX pair given in any order: labels have one axis."""
    images, labels = sorted(paths, key=lambda path: len(idx_header(path)[1]), reverse=True)
    if len(idx_header(labels)[1]) != 1 or len(idx_header(images)[1]) == 1:
        kind = "labels" if len(idx_header(images)[1]) == 1 else "images"
        raise InputError(f"{_quoted(paths)} both hold {kind}: give one file of images and one of labels")
    return _load_idx(images, labels, request)


def _load_idx(images: Path, labels: Path | None, request: Request) -> Images:
    check_array(*idx_header(images), repr(str(images)), request)
    y = None
    if labels is not None:
        y = read_idx(labels)
        count = idx_header(images)[1][0]
        if y.shape != (count,):
            raise InputError(
                f"{str(images)!r} holds {count:,} images, but {str(labels)!r} {' × '.join(map(str, y.shape))} labels: "
                f"they do not belong together"
            )
        y = y.astype(np.int64) if y.dtype.kind in "iu" else y
    return Images(plain(short_name(images)), as_pixels(read_idx(images), repr(str(images)), request), y, None, None, ())


def _paths(sources: Sequence[str]) -> list[Path]:
    """Return the paths of the sources, all of which exist; `images,labels` is two, unless it is a path itself."""
    if not sources:
        raise InputError("no source is given: name a folder, image files, IDX files or an archive (.npz)")
    texts = list(sources)
    if len(texts) == 1 and not os.path.exists(texts[0]) and texts[0].count(",") == 1:
        texts = [part.strip() for part in texts[0].split(",")]
    for text in texts:
        if not os.path.exists(text):
            raise InputError(f"no such file: {plain(text)!r}{_nearest(Path(text))}")
    return [Path(text) for text in texts]


def _nearest(path: Path) -> str:
    folder = path.parent
    names = os.listdir(folder) if os.path.isdir(folder) and os.access(folder, os.R_OK) else []
    near = get_close_matches(path.name, names, n=1)
    return f"; did you mean {plain(folder / near[0])!r}?" if near else ""


def _quoted(paths: list[Path]) -> str:
    return " and ".join(repr(plain(path)) for path in paths[:2]) + (" and more" if len(paths) > 2 else "")
