"""What is tried when nothing is said: spaces of networks for sequences, by their number and their length."""

from collections.abc import Sequence

from phalanx.data.goals import Goal
from phalanx.layers import GRU, LSTM, Conv, Dropout, GlobalMaxPool, Layer, ReLU
from phalanx.network import Network
from phalanx.optimizers import Adam, ClipNorm
from phalanx.parts import Cosine, Distribution, choice, loguniform, uniform
from phalanx.search.effort import Size
from phalanx.search.heads import likelihood_for
from phalanx.stopping import EarlyStopping

_SIZES = (
    Size(3_000, 32, 8, 60),
    Size(20_000, 64, 6, 30),
    Size(float("inf"), 128, 4, 15),
)
_SHORT = 200  # steps up to which recurrent layers are tried: they take the time of a step for each


def sequence_size(rows: int) -> Size:
    """Return how much to try for this many training sequences."""
    return next(size for size in _SIZES if rows <= size.rows)


def sequence_space(rows: int, steps: int, goals: Sequence[Goal]) -> Network:
    """Return the space of networks for sequences of at most so many steps.

    What reads them are two convolutions, which find patterns wherever they are, and the maximum over all steps, or, of
    sequences that are not long, a recurrent layer in both directions, which keeps what came before. Searched are which
    of these, learning rate, dropout and weight decay.
    """
    rate = uniform(0.0, 0.4, name="dropout")
    readers: list[list[Layer]] = [
        [Conv(64, 5), ReLU(), Dropout(rate), Conv(64, 5, dilation=2), ReLU(), GlobalMaxPool()],
        [GRU(64, both=True)],
    ]
    return _network(rows, [choice(*readers[: 2 if steps <= _SHORT else 1], name="reader"), Dropout(rate)], goals)


def step_space(rows: int, goals: Sequence[Goal]) -> Network:
    """Return the space of networks that answer at each step of a sequence.

    Recurrent layers in both directions, so that an answer may depend on all steps, before and after. Searched are one
    LSTM or two GRUs, learning rate, dropout and weight decay.
    """
    rate = uniform(0.0, 0.4, name="dropout")
    readers: list[list[Layer]] = [
        [LSTM(64, "all", both=True)],
        [GRU(48, "all", both=True), Dropout(rate), GRU(48, "all", both=True)],
    ]
    return _network(rows, [choice(*readers, name="reader"), Dropout(rate)], goals)


def _network(rows: int, layers: Sequence[Layer | Distribution], goals: Sequence[Goal]) -> Network:
    return Network(
        layers=layers,
        likelihood=likelihood_for(goals),
        optimizer=Adam(
            Cosine(loguniform(2e-3, 1e-2), warmup=0.05), weight_decay=loguniform(1e-3, 1e-1), clip=ClipNorm(1.0)
        ),
        stopping=EarlyStopping(patience=10),
        batch_size=sequence_size(rows).batch_size,
    )
