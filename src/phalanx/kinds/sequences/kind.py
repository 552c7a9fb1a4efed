"""Sequences of numbers: lists of arrays, `Sequences`, and archives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phalanx.config import Config
from phalanx.data import Source
from phalanx.data.folder import plain
from phalanx.data.npz import holds_sequences, is_archive, read_npz, read_npz_lengths
from phalanx.errors import InputError
from phalanx.kinds.files import LABEL
from phalanx.kinds.kind import Load, Request
from phalanx.kinds.labelled import PreparedRows
from phalanx.kinds.rows import RowKind
from phalanx.kinds.sequences.container import Sequences
from phalanx.kinds.sequences.encoder import SequenceEncoder
from phalanx.kinds.sequences.given import sequences_of
from phalanx.kinds.shown import Shown, lines


class SequenceKind(RowKind):
    """Sequences of numbers, (steps, channels), each as long as it is."""

    name = "sequences"
    encoder = SequenceEncoder

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        try:
            return is_archive(sources) and holds_sequences(Path(sources[0]))
        except InputError:  # images say more about a broken archive
            return False

    def load(self, sources: Sequence[str], request: Request) -> Source:
        path = Path(sources[0])
        if not is_archive(sources):
            raise InputError(f"the model was trained on sequences, but {plain(path)!r} is no archive (.npz) of them")
        X, y = read_npz(path)
        try:
            rows = sequences_of(Sequences(X, read_npz_lengths(path)), known=True)
        except InputError as error:
            raise InputError(f"X of {str(path)!r}: {error}") from None
        frame = pd.DataFrame({} if y is None else {LABEL: y}, index=range(len(X)))
        return Source(plain(path.stem), frame, LABEL, (), rows, self.name)

    def like(self, sources: Sequence[str], request: Request, load: Load) -> Source:
        """Read an archive as sequences, whatever its values look like."""
        return self.load(sources, request)

    def prepare(self, config: Config, source: Source, load: Load) -> PreparedRows:
        """Return sequences ready for training; raise `InputError` where they have no labels."""
        if LABEL not in source.frame:
            raise InputError(f"{config.source} holds no array 'y', of a class or a number to learn for each sequence")
        return super().prepare(config, source, load)

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> Any | None:
        return sequences_of(given, known)

    def show(self, encoder: Any, inputs: np.ndarray, kept: Any, telling: Sequence[str]) -> list[Shown]:
        """Return the channels as lines, in their own units."""
        return [lines(row * np.array(encoder.deviation) + np.array(encoder.mean)) for row in inputs]

    def expected(self) -> str:
        return "a list of arrays (steps, channels), or Sequences"

    def check(self, estimator: Any, given: Any, rows: Any, reset: bool) -> Any:
        if reset:
            estimator.n_features_in_ = rows[0].shape[1]
        return rows

    def real(self, rows: np.ndarray) -> np.ndarray:
        lengths = np.array([len(row) for row in rows], int)
        return np.arange(lengths.max(initial=0)) < lengths[:, None]


SEQUENCES = SequenceKind()
