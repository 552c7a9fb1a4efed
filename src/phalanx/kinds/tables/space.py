"""What is tried when nothing is said: a space of networks for tables, sized by the rows to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

from phalanx.data.goals import Goal
from phalanx.layers import Columns, Dense, Dropout, ReLU
from phalanx.network import Network
from phalanx.optimizers import Adam
from phalanx.parts import Cosine, choice, loguniform, repeat, uniform
from phalanx.search.effort import Size
from phalanx.search.heads import likelihood_for
from phalanx.stopping import EarlyStopping


@dataclass(frozen=True)
class TableSize(Size):
    """Defaults for tables: how much to try, and what the networks look like."""

    depths: tuple[int, ...]
    units: int


_SIZES = (
    TableSize(2_000, 32, 24, 100, (1, 2), 128),
    TableSize(8_000, 64, 16, 60, (2, 3), 128),
    TableSize(40_000, 256, 12, 60, (2, 3), 256),
    TableSize(float("inf"), 512, 8, 40, (2, 3), 256),
)


def table_size(rows: int) -> TableSize:
    """Return the defaults for a table of this many training rows."""
    return next(size for size in _SIZES if rows <= size.rows)


def table_space(rows: int, shape: tuple[int, ...], goals: Sequence[Goal]) -> Network:
    """Return the space of networks for a table whose rows hold `shape` = (columns of numbers,).

    Searched are depth, learning rate, dropout and weight decay, and the spread of the periodic embeddings of
    numbers, which tables of few columns get. The learning rate follows a cosine.
    """
    size = table_size(rows)
    periodic = 16 if 0 < shape[0] <= 32 and rows > 1_000 else 0
    columns = Columns(frequencies=periodic, spread=loguniform(0.1, 1.0) if periodic else 0.1)
    rate = uniform(0.05, 0.35, name="dropout")
    return Network(
        layers=[columns, repeat(choice(*size.depths), [Dense(size.units), ReLU(), Dropout(rate)])],
        likelihood=likelihood_for(goals),
        optimizer=Adam(Cosine(loguniform(1e-3, 1.5e-2), warmup=0.05), weight_decay=loguniform(1e-3, 1e-1)),
        stopping=EarlyStopping(patience=15),
        batch_size=size.batch_size,
    )
