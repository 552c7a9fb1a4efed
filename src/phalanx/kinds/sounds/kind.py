"""Sounds: WAV files, folders of them, tables that name them, and samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phalanx.config import Config
from phalanx.data import Source
from phalanx.data.files import Files
from phalanx.data.folder import plain
from phalanx.errors import InputError
from phalanx.kinds.files import are, source_of
from phalanx.kinds.images.load import holds_images
from phalanx.kinds.kind import Request
from phalanx.kinds.rows import LABELLED, RowKind
from phalanx.kinds.shown import Shown, bytes_of
from phalanx.kinds.sounds.encoder import SoundEncoder
from phalanx.kinds.sounds.file import SOUNDS as SOUND_FILES
from phalanx.kinds.sounds.file import Sound
from phalanx.kinds.sounds.read import holds_sounds, load_sounds, open_sounds


class SoundKind(RowKind):
    """Recordings of one channel."""

    name = "sounds"
    encoder = SoundEncoder
    options = LABELLED | {"strict", "missing", "ignore"}
    several = True
    cells = SOUND_FILES

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        return are(holds_sounds, sources) and not (Path(sources[0]).is_dir() and holds_images(Path(sources[0])))

    def load(self, sources: Sequence[str], request: Request) -> Source:
        files = load_sounds([Path(source) for source in sources], request.strict, request.watch)
        return source_of(files, plain(Path(sources[0]).resolve().stem), self.name)

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> Any | None:
        """Return pairs of samples a second and samples (n,) of one channel as sounds."""
        if not known and not _are_pairs(given):
            return None
        rows = np.empty(len(given), object)
        for i, sound in enumerate(given):
            if not _is_pair(sound) or np.ndim(sound[1]) != 1 or not np.size(sound[1]):
                raise InputError(
                    f"sound {i + 1} is no pair (samples a second, samples), whose samples are an array of one axis"
                )
            rows[i] = Sound(int(sound[0]), np.asarray(sound[1], np.float32))
        return rows

    def show(self, encoder: Any, inputs: np.ndarray, kept: Any, telling: Sequence[str]) -> list[Shown]:
        """Return spectrograms: time to the right, frequency upwards."""
        ended = [row[~np.isnan(row[:, 0])] for row in inputs]
        return [Shown(picture=bytes_of(row.T[None, ::-1, :, None])[0]) for row in ended]

    def expected(self) -> str:
        return "pairs (samples a second, samples), or their files"

    def holds_cells(self, cells: pd.Series) -> bool:
        first: Any = next((cell for cell in cells if cell is not None), None)
        return isinstance(first, Sound) or (_is_pair(first) and isinstance(first[1], np.ndarray))

    def of_cells(self, cells: pd.Series) -> Any:
        if not any(isinstance(cell, Sound) for cell in cells):
            return self.rows(list(cells), known=True)
        return cells.to_numpy(object)

    def open(self, paths: Sequence[Path], request: Request, column: str) -> Files:
        return open_sounds(paths, request.strict, request.watch)


SOUNDS = SoundKind()


def _are_pairs(given: Any) -> bool:
    """Say whether rows are a list of pairs of a number and an array."""
    return (
        isinstance(given, (list, tuple, np.ndarray))
        and getattr(given, "ndim", 1) == 1
        and len(given) > 0
        and all(_is_pair(one) and np.ndim(one[0]) == 0 and isinstance(one[1], np.ndarray) for one in given)
    )


def _is_pair(sound: Any) -> bool:
    return isinstance(sound, (tuple, list)) and len(sound) == 2
