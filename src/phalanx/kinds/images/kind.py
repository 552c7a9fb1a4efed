"""Images: files, folders, IDX pairs, archives and arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from sklearn.utils import check_array

from phalanx.config import Config
from phalanx.data import Source
from phalanx.data.files import Files, left_out_note
from phalanx.data.folder import plain
from phalanx.data.npz import is_archive
from phalanx.errors import InputError
from phalanx.kinds.files import FILE, LABEL
from phalanx.kinds.images.decoding import decode_files
from phalanx.kinds.images.encoder import ImageEncoder
from phalanx.kinds.images.file import IMAGES as IMAGE_FILES
from phalanx.kinds.images.load import Images, is_images, load_images
from phalanx.kinds.images.request import Request as ImageRequest
from phalanx.kinds.kind import Load, Request
from phalanx.kinds.labelled import PreparedRows
from phalanx.kinds.rows import LABELLED, RowKind
from phalanx.kinds.shown import Shown, pictures


class ImageKind(RowKind):
    """Images, (rows, height, width, channels), and arrays of one or three axes of space."""

    name = "images"
    encoder = ImageEncoder
    options = LABELLED | {"size", "strict"}
    several = True
    cells = IMAGE_FILES
    slow = ("gradient_boosting",)
    arrays = "images that were arrays of floats"

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        return all(map(is_images, sources))

    def load(self, sources: Sequence[str], request: Request) -> Source:
        like = None if request.like is None else request.like.of_folds[0]
        size, channels = _size(like) if isinstance(like, ImageEncoder) else (request.size, None)
        return _source(load_images(sources, size=size, channels=channels, strict=request.strict, watch=request.watch))

    def like(self, sources: Sequence[str], request: Request, load: Load) -> Source:
        """Read an archive as images, whatever its values look like."""
        return self.load(sources, request) if is_archive(sources) else super().like(sources, request, load)

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> Any | None:
        if isinstance(given, pd.DataFrame) or (not known and getattr(given, "ndim", 2) < 3):
            return None
        array = np.asarray(given)
        return check_array(given, dtype=None if array.dtype == np.uint8 else np.float32, allow_nd=True)

    def expected(self) -> str:
        return "an array of images, or their files"

    def holds_cells(self, cells: pd.Series) -> bool:
        first = next((cell for cell in cells if cell is not None), None)
        return isinstance(first, np.ndarray) and first.ndim in (2, 3)

    def of_cells(self, cells: pd.Series) -> Any:
        shapes = {cell.shape for cell in cells}
        if len(shapes) > 1:
            raise InputError(f"the images of column {cells.name!r} have {len(shapes)} shapes; give them one")
        rows = np.stack(list(cells)) if len(cells) else np.zeros((0, 1, 1, 1), np.uint8)
        return self.rows(rows[..., None] if rows.ndim == 3 else rows, known=True)

    def open(self, paths: Sequence[Path], request: Request, column: str) -> Files:
        like = None if request.like is None else request.like.of_column(column)
        size, channels = _size(like) if isinstance(like, ImageEncoder) else (request.size, None)
        free = psutil.virtual_memory().available
        decoded = decode_files(
            list(paths), len(paths), ImageRequest(size, channels, request.strict, free, request.watch)
        )
        notes = (left_out_note(paths, decoded.broken, IMAGE_FILES),) if decoded.broken else ()
        kept = tuple(plain(paths[i]) for i in decoded.kept)
        return Files(list(decoded.pixels), None, kept, None, notes)

    def in_files(self, rows: Any) -> bool:
        return rows.dtype == np.uint8

    def show(self, encoder: Any, inputs: np.ndarray, kept: Any, telling: Sequence[str]) -> list[Shown]:
        return pictures(inputs)

    def draw(self, model: Any, source: Source, out: Path, title: str) -> None:
        from phalanx.kinds.images.pictures import draw_image

        draw_image(model, source, out, title)

    def write_pictures(self, folder: Path, prepared: PreparedRows, model: Any, predictions: Any) -> None:
        from phalanx.kinds.images.pictures import write_pictures  # the library that draws takes long to load

        write_pictures(folder, prepared, model, predictions)


IMAGES = ImageKind()


def _size(encoder: ImageEncoder) -> tuple[tuple[int, int] | None, int | None]:
    """Return the size and the channels that images must have."""
    if len(encoder.shape) != 3:
        return None, None
    height, width, channels = encoder.shape
    return (height, width), channels


def _source(images: Images) -> Source:
    columns = {LABEL: images.labels, FILE: None if images.files is None else np.array(images.files, object)}
    frame = pd.DataFrame(
        {name: values for name, values in columns.items() if values is not None}, index=range(len(images.pixels))
    )
    return Source(
        images.name,
        frame,
        LABEL,
        images.notes,
        images.pixels,
        IMAGES.name,
        id=None if images.files is None else FILE,
        test=None if images.test is None else _source(images.test),
    )
