"""What is to be learned, whatever the data are: rows with targets (`Problem`) or one text (`Corpus`)."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from phalanx.data import Goal
from phalanx.ensemble import Pairs, Voice
from phalanx.layers import Layer
from phalanx.metrics import Costs, Metric
from phalanx.model import Batch
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.predictive import Said
from phalanx.search.effort import Size


class Judged(NamedTuple):
    """A trained network as it `final`ly predicts, what it says of the validation rows, its metrics, and what each of
    these rows costs it.
    """

    final: Final
    said: Said
    metrics: dict[str, float]
    costs: Sequence[Costs | None] = ()


class Task(Protocol):
    """What `experiment` trains networks for.

    `rows`: all of them, encoded; `train` and `valid`: positions of those that train and validate; `between`: of those
    that do neither, and are learned from when networks are trained again. `valid_weight`: None: each counts once.
    `goals`: what each head predicts; none where a network says what comes next. `entry`: the layer that takes rows.
    `size`: how much to try, and `again` how the networks that predict train again on all rows, where nothing is said.
    """

    @property
    def rows(self) -> Batch: ...
    @property
    def train(self) -> np.ndarray: ...
    @property
    def valid(self) -> np.ndarray: ...
    @property
    def between(self) -> np.ndarray | None: ...
    @property
    def valid_weight(self) -> np.ndarray | None: ...
    @property
    def goals(self) -> tuple[Goal, ...]: ...
    @property
    def entry(self) -> Layer: ...
    @property
    def size(self) -> Size: ...
    @property
    def again(self) -> str | None: ...

    def networks(self, drawn: Sequence[Network]) -> list[Network]:
        """Return the networks that are trained for those drawn, which have a layer that takes the rows.

        Raises `InputError` where names, heads or the shapes of rows do not fit.
        """
        ...

    def judge(self, finals: Sequence[Final], samples: int) -> list[Judged]:
        """Return what trained networks are worth; `samples`: so many dropout masks are averaged, see `predictive`."""
        ...

    def voices(self, judged: Sequence[Judged], metric: Metric) -> list[Voice | Pairs]:
        """Return what networks say of the validation rows as the ensemble hears it; nothing without such rows."""
        ...
