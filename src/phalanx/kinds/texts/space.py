"""What is tried when nothing is said: a space of networks for texts, by their number and their length."""

from collections.abc import Sequence

from phalanx.data.goals import Goal
from phalanx.layers import GRU, Conv, Dropout, Embedding, GlobalAveragePool, Layer, ReLU
from phalanx.network import Network
from phalanx.optimizers import Adam
from phalanx.parts import Cosine, choice, loguniform, uniform
from phalanx.search.effort import Size
from phalanx.search.heads import likelihood_for
from phalanx.stopping import EarlyStopping

_SIZES = (
    Size(3_000, 32, 12, 40),
    Size(20_000, 64, 6, 20),
    Size(float("inf"), 128, 4, 12),
)
UNITS = 32
"""Of an embedding, where layers are given without one."""

_SHORT = 200  # steps up to which recurrent layers are tried: they take the time of a step for each


def text_size(rows: int) -> Size:
    """Return how much to try for this many training texts."""
    return next(size for size in _SIZES if rows <= size.rows)


def text_space(rows: int, shape: tuple[int, ...], goals: Sequence[Goal]) -> Network:
    """Return the space of networks for texts of `shape` = (steps,) codes.

    Words become vectors; what reads them is a mean over all words, a mean over the answers of a convolution to every
    few neighbours, or, for short texts, a recurrent layer in both directions. Searched are which of these, learning
    rate, dropout and weight decay.
    """
    size = text_size(rows)
    rate = uniform(0.2, 0.6, name="dropout")
    readers: list[list[Layer]] = [
        [GlobalAveragePool()],
        [Conv(32), ReLU(), GlobalAveragePool()],
        [GRU(32, both=True, output="mean")],
    ]
    return Network(
        layers=[Embedding(32), choice(*readers[: 3 if shape[0] <= _SHORT else 2], name="reader"), Dropout(rate)],
        likelihood=likelihood_for(goals),
        optimizer=Adam(Cosine(loguniform(3e-3, 1.5e-2), warmup=0.05), weight_decay=loguniform(1e-3, 1e-1)),
        stopping=EarlyStopping(patience=10),
        batch_size=size.batch_size,
    )
