"""What a watcher is shown of training after each round, and what it may answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from phalanx.population.trial import Trial


class Standing(NamedTuple):
    """How a population stands: of each member the best score, its rounds, and whether it still trains; and how many
    seconds the last round of all took.
    """

    scores: np.ndarray
    rounds_of: np.ndarray
    trains: np.ndarray
    seconds: float

    @property
    def members(self) -> int:
        """Networks."""
        return len(self.scores)

    @property
    def alive(self) -> int:
        """Networks that still train."""
        return int(self.trains.sum())

    @property
    def rounds(self) -> int:
        """Rounds of the member that trained the most."""
        return int(self.rounds_of.max())

    @property
    def best_score(self) -> float:
        """The best score of any."""
        return float(self.scores.min())


@dataclass(frozen=True)
class View:
    """How the populations that train in turn stand after a round, which one just moved, and the seconds left."""

    populations: tuple[Standing, ...]
    moved: int
    left: float


@dataclass(frozen=True)
class Decision:
    """What a watcher wants, by population: positions of members to `drop`, for a `reason`, and trials to `enter` in
    the places of those that have stopped (see `Population.enter`); or that all training `stop`.
    """

    drop: Mapping[int, Sequence[int]] = field(default_factory=dict)
    enter: Mapping[int, Sequence[Trial]] = field(default_factory=dict)
    stop: bool = False
    reason: str = "dropped"


Watch = Callable[[View], Decision | None]
