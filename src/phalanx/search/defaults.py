"""What is tried when nothing is said, for whatever the data are."""

from collections.abc import Sequence

from phalanx.data.goals import Goal
from phalanx.network import Network
from phalanx.search.effort import Size
from phalanx.search.images import image_size, image_space
from phalanx.search.tables import table_size, table_space

Kind = int | tuple[int, ...]
"""What a row is: so many numbers of a table, or an image of this shape (*space, channels)."""


def size_for(rows: int, kind: Kind) -> Size:
    """Return how much to try for this many training rows."""
    return image_size(rows) if isinstance(kind, tuple) else table_size(rows)


def default_space(rows: int, kind: Kind, goals: Sequence[Goal]) -> Network:
    """Return the space of networks to search for this many training rows."""
    return image_space(rows, kind, goals) if isinstance(kind, tuple) else table_space(rows, kind, goals)
