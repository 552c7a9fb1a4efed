"""What is tried when nothing is said: a space of networks for sounds, by their number and their length."""

from collections.abc import Sequence

from phalanx.data.goals import Goal
from phalanx.layers import (
    GRU,
    Conv,
    Dropout,
    GlobalMaxPool,
    HideBlocks,
    InstanceNorm,
    Layer,
    MaxPool,
    ReLU,
    ShiftBands,
)
from phalanx.network import Network
from phalanx.optimizers import Adam
from phalanx.parts import Cosine, choice, loguniform, uniform
from phalanx.search.effort import Size
from phalanx.search.heads import likelihood_for
from phalanx.stopping import EarlyStopping

_SIZES = (
    Size(3_000, 32, 8, 40),
    Size(20_000, 64, 6, 20),
    Size(float("inf"), 128, 4, 12),
)
_SHORT, _LONG = 16, 200  # steps from which two are pooled as one, and up to which recurrent layers are tried


def sound_size(rows: int) -> Size:
    """Return how much to try for this many training sounds."""
    return next(size for size in _SIZES if rows <= size.rows)


def sound_space(rows: int, shape: tuple[int, ...], goals: Sequence[Goal]) -> Network:
    """Return the space of networks for sounds of `shape` = (steps, bands).

    Convolutions over the steps see all bands at once; what reads their answers is the maximum over all steps or, of
    sounds that are not long, a recurrent layer in both directions. Searched are which of these, whether each sound is
    first freed of its own colour (which helps with new voices and microphones, and hurts where the colour is what
    matters), learning rate, dropout, weight decay, and how much bands are shifted and blocks hidden while training.
    """
    size = sound_size(rows)
    rate = uniform(0.1, 0.5, name="dropout")
    start: list[Layer] = [
        ShiftBands(uniform(0.0, 2.0, name="shift")),
        HideBlocks(
            uniform(0.0, 0.2 * shape[0], name="hidden_steps"), uniform(0.0, 0.15 * shape[1], name="hidden_bands")
        ),
        Conv(64, 5),
        ReLU(),
        *([MaxPool()] if shape[0] >= _SHORT else []),
        Dropout(rate),
    ]
    readers: list[list[Layer]] = [
        [*start, Conv(96, 5), ReLU(), GlobalMaxPool()],
        [*start, GRU(48, both=True, output="mean")],
    ]
    tried = readers[: 2 if shape[0] <= _LONG else 1]
    both_ways = [[*first, *reader] for reader in tried for first in ([InstanceNorm()], [])]
    return Network(
        layers=[choice(*both_ways, name="reader"), Dropout(rate)],
        likelihood=likelihood_for(goals),
        optimizer=Adam(Cosine(loguniform(1e-3, 5e-3), warmup=0.05), weight_decay=loguniform(1e-3, 1e-1)),
        stopping=EarlyStopping(patience=10),
        batch_size=size.batch_size,
    )
