"""One network to train, and what has become of it."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from phalanx.network import Network
from phalanx.population.predict import Final


@dataclass(frozen=True)
class Trial:
    """One network to train: a specification without distributions, the seed of its weights and noise, its fold.

    `rounds` bounds its training (None: the run's `max_rounds`), and so does `goal`, a validation cost that is low
    enough. `trained` are parameters and states to begin with, or to go on from, with a fresh optimizer.
    """

    network: Network
    seed: int
    fold: int = 0
    rounds: int | None = None
    goal: float = float("-inf")
    trained: tuple[Any, Any] | None = None


@dataclass
class Trained:
    """A trained network: its best parameters and states (NumPy), and how it went. Rounds, of `steps`, count from 1.

    `curve` has (training cost, validation cost) of each round, `layers` its diagnostics; `stopped` is the reason:
    patience, max_rounds, goal, diverged, time, interrupt, or what a `Decision` names. `seconds` is its share of the
    time of its rounds. Where the time was over before its first round, it has no parameters; `left_out`: it was not
    even compiled.
    """

    trial: Trial
    max_rounds: int
    steps: int
    params: Any = None
    states: Any = None
    best_score: float = float("inf")
    best_round: int = 0
    stopped: str = ""
    left_out: bool = False
    seconds: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)
    layers: list[np.ndarray] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """Rounds trained."""
        return len(self.curve)

    @property
    def structure(self) -> Any:
        """What members of one population share; equal for equal structures."""
        return jax.tree.structure(self.trial.network)

    @property
    def final(self) -> Final:
        """What predicts: the best parameters, and where in the run they were found."""
        return Final(self.trial.network, self.params, self.states, self.best_round / self.max_rounds)
