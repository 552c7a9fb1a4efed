"""What is tried when nothing is said: a space of convolutional networks, by the size of the images and their number."""

from collections.abc import Sequence

from phalanx.data.goals import Goal
from phalanx.layers import Conv, CutOut, Dense, Dropout, Flatten, Flip, Layer, MaxPool, ReLU, Shift
from phalanx.network import Network
from phalanx.optimizers import Adam
from phalanx.parts import Cosine, choice, loguniform, uniform
from phalanx.search.effort import Size
from phalanx.search.heads import likelihood_for
from phalanx.stopping import EarlyStopping

_SIZES = (
    Size(2_000, 32, 12, 60),
    Size(10_000, 64, 8, 30),
    Size(float("inf"), 64, 4, 24),
)
_MOST_STAGES, _SMALLEST = 4, 4  # convolutions and poolings; places a side that are left to the dense layers


def image_size(rows: int) -> Size:
    """Return how much to try for this many training images."""
    return next(size for size in _SIZES if rows <= size.rows)


def image_space(rows: int, shape: tuple[int, ...], goals: Sequence[Goal]) -> Network:
    """Return the space of networks for rows of this shape, (*space, channels): images, or arrays of one or three axes.

    A stage is a convolution, a rectifier and a pooling; there are as many as halve the shorter side to 4 places or
    more, at most four, each with twice the channels of the one before. Searched are the channels of the first, learning
    rate, dropout, weight decay, and how much images are shifted, cut into and mirrored while training.
    """
    size = image_size(rows)
    stages = max(1, min(_MOST_STAGES, (min(shape[:-1]) // _SMALLEST).bit_length() - 1))
    first = choice(16, 24, name="channels")
    layers: list[Layer] = [] if len(shape) != 3 else _augmented(min(shape[:-1]))
    for stage in range(stages):
        layers += [Conv(first if stage == 0 else 16 * 2**stage), ReLU()]
        if min(shape[:-1]) >= 2 ** (stage + 1):
            layers.append(MaxPool())
    rate = uniform(0.1, 0.5, name="dropout")
    return Network(
        layers=[*layers, Flatten(), Dropout(rate), Dense(128), ReLU(), Dropout(rate)],
        likelihood=likelihood_for(goals),
        optimizer=Adam(Cosine(loguniform(1e-3, 4e-3), warmup=0.05), weight_decay=loguniform(1e-3, 1e-1)),
        stopping=EarlyStopping(patience=10),
        batch_size=size.batch_size,
    )


def _augmented(side: int) -> list[Layer]:
    """Return what makes noisy copies of images while training, in proportion to their shorter side."""
    return [
        Shift(uniform(0.02 * side, 0.1 * side)),
        Flip(choice(0.0, 0.5)),
        CutOut(uniform(0.0, 0.3 * side)),
    ]
