"""What is tried when nothing is said, for whatever the data are."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from phalanx.data.goals import Goal
from phalanx.kinds.images.space import image_size, image_space
from phalanx.kinds.series.space import series_size, series_space
from phalanx.kinds.sounds.space import sound_size, sound_space
from phalanx.kinds.tables.space import table_size, table_space
from phalanx.kinds.texts.space import text_size, text_space
from phalanx.layers import Columns, Embedding, Frames, Layer, Past, Pixels
from phalanx.network import Network
from phalanx.search.effort import Size


class Kind(NamedTuple):
    """What a row is: the layer that takes it, and its shape."""

    entry: type[Layer]
    shape: tuple[int, ...]


class Defaults(NamedTuple):
    """How much to try for so many training rows, and the space of networks for rows of a shape."""

    size: Callable[[int], Size]
    space: Callable[[int, tuple[int, ...], Sequence[Goal]], Network]


_DEFAULTS: dict[type[Layer], Defaults] = {
    Columns: Defaults(table_size, table_space),
    Past: Defaults(series_size, series_space),
    Pixels: Defaults(image_size, image_space),
    Embedding: Defaults(text_size, text_space),
    Frames: Defaults(sound_size, sound_space),
}


REFIT: dict[type[Layer], str] = {Past: "steps"}
"""How the networks that predict are trained again on the validation rows when nothing is said, where rows are in the
order of time: there the validation rows are the newest. See `phalanx.population.refit`."""


def size_for(rows: int, kind: Kind) -> Size:
    """Return how much to try for this many training rows."""
    return _DEFAULTS[kind.entry].size(rows)


def default_space(rows: int, kind: Kind, goals: Sequence[Goal]) -> Network:
    """Return the space of networks to search for this many training rows."""
    return _DEFAULTS[kind.entry].space(rows, kind.shape, goals)
