"""A source ready for training, whatever kind of data it is: one run of trials goes on from here."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from phalanx.candidates import Fitted
from phalanx.config import Config
from phalanx.data import Column
from phalanx.display import Display
from phalanx.ensemble import Predictions
from phalanx.experiment import Plan
from phalanx.judged import Judged
from phalanx.kinds.model import Model
from phalanx.metrics import Metric
from phalanx.network import Network
from phalanx.population.train import Clock
from phalanx.report.figures import Figure
from phalanx.task import Task

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Compared:
    """A plain model beside the networks: its validation metrics, the seconds that training took, from how many rows, or
    tokens, it learned, and what it scores on the test.
    """

    valid: dict[str, float]
    seconds: float
    learned: dict[str, int]
    test: Callable[[], dict[str, float]]

    def to_plain(self) -> dict[str, Any]:
        """Return what result.json says of it, without the test."""
        return {"valid": self.valid, "seconds": round(self.seconds, 3), **self.learned}


class Tested(NamedTuple):
    """Test metrics by the id of who predicts; the ensemble's predictions, None: there are none to be drawn; and what
    is told of the test rows, None: there are none.
    """

    scores: dict[str, Scores]
    predictions: Predictions | None = None
    judged: Judged | None = None


@dataclass(frozen=True)
class Prepared(ABC):
    """A source ready for training: the task, and `notes` on what was decided, `warnings` of what was noticed.

    `config` has the targets filled in, and the task if all have the same; `columns` are those of a table.
    """

    config: Config
    name: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    columns: tuple[Column, ...] = field(default=(), kw_only=True)

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the networks learn."""

    @property
    @abstractmethod
    def space(self) -> Network:
        """The space of networks that is searched when nothing is said."""

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """What ranks the networks."""

    @property
    @abstractmethod
    def rows(self) -> dict[str, int]:
        """How many rows train, validate and test."""

    @abstractmethod
    def compare(self, plan: Plan, clock: Clock, display: Display) -> dict[str, Compared]:
        """Train plain models, those named or all that the time allows, and say what they are worth."""

    @abstractmethod
    def model(self, fitted: Fitted) -> Model:
        """Return what predicts."""

    @abstractmethod
    def test(self, fitted: Fitted, model: Model, compared: Mapping[str, Compared]) -> Tested:
        """Use the test rows, once: return what the ensemble, the best member and plain models score; nothing without
        such rows.
        """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what result.json says of the data."""

    def hints(self, fitted: Fitted) -> list[str]:
        """Return what the validation rows say that one should know."""
        return []

    @abstractmethod
    def figures(self, fitted: Fitted, model: Any, tested: Tested, left: Callable[[], float]) -> Iterator[Figure]:
        """Yield what a report shows of the errors, of the test rows, or of the validation rows where none test; `left`
        says how many seconds may still be spent on what takes long.
        """

    @abstractmethod
    def pictures(self, folder: Path, model: Any, tested: Tested) -> None:
        """Write what can be drawn of the run into its folder, if anything can."""
