"""What is tried when nothing is said: a space of networks for series, by the number of windows."""

from collections.abc import Sequence

from phalanx.data.goals import Goal
from phalanx.layers import Dense, Dropout, Flatten, Past, ReLU, Residual
from phalanx.network import Network
from phalanx.optimizers import Adam
from phalanx.parts import Cosine, choice, loguniform, repeat, uniform
from phalanx.search.effort import Size
from phalanx.search.heads import likelihood_for
from phalanx.stopping import EarlyStopping

_SIZES = (
    Size(5_000, 32, 12, 60),
    Size(40_000, 128, 12, 40),
    Size(float("inf"), 256, 8, 30),
)
_FEATURES = 16  # numbers of a window from which all steps ahead are made


def series_size(rows: int) -> Size:
    """Return how much to try for this many training windows."""
    return next(size for size in _SIZES if rows <= size.rows)


def series_space(rows: int, shape: tuple[int, ...], goals: Sequence[Goal]) -> Network:
    """Return the space of networks for windows of this shape, (steps, channels).

    A window becomes a few numbers by a linear map and, added to it, a network: what is linear in the past, which of
    many series is most, goes on beyond the values seen in training, where a network levels off. Searched are depth,
    dropout, learning rate and weight decay.
    """
    rate = uniform(0.2, 0.6, name="dropout")
    return Network(
        layers=[
            Past(),
            Flatten(),
            Residual([repeat(choice(1, 2), [Dense(128), ReLU(), Dropout(rate)]), Dense(_FEATURES)]),
        ],
        likelihood=likelihood_for(goals),
        optimizer=Adam(Cosine(loguniform(3e-4, 1e-2), warmup=0.05), weight_decay=loguniform(1e-3, 1e0)),
        stopping=EarlyStopping(patience=12),
        batch_size=series_size(rows).batch_size,
    )
