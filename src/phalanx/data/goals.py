"""Goals: what each head of a network predicts, as the data has it and as the network sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from phalanx.data.anchor import Anchor
from phalanx.data.targets import ClassTarget, NumberTarget
from phalanx.errors import InputError

TargetKind = Literal["classes", "numbers", "counts"]


@dataclass(frozen=True)
class Forecast:
    """What a goal knows whose columns are one number at the steps ahead: from where its windows measure it, and the
    mean absolute error of the seasonal naive forecast in training, which is the unit of `mase`.
    """

    anchor: Anchor
    naive: float


@dataclass(frozen=True)
class Goal:
    """What one head predicts: one column of classes, or columns of numbers or counts, or a `forecast` of numbers.

    Values are class codes (rows,) int32, or numbers (rows, columns) float64 in their own units. A network sees numbers
    standardized, and counts as they are; those of a forecast relative to the anchor of its `inputs`, the windows. Steps
    of a forecast without a value are NaN.

    >>> goal = Goal(("price",), (NumberTarget.fit([1.0, 3.0]),))
    >>> goal.encode(np.array([[1.0], [4.0]])).tolist(), goal.decode(np.array([[2.0]])).tolist()
    ([[-1.0], [2.0]], [[4.0]])
    """

    names: tuple[str, ...]
    columns: tuple[ClassTarget | NumberTarget, ...]
    counts: bool = False
    forecast: Forecast | None = None

    @property
    def kind(self) -> TargetKind:
        """Return the kind of likelihood that fits."""
        return "classes" if self.classes else "counts" if self.counts else "numbers"

    @property
    def classes(self) -> int:
        """Return the number of classes, 0: numbers."""
        return len(self.columns[0].labels) if isinstance(self.columns[0], ClassTarget) else 0

    @property
    def pooled(self) -> bool:
        """Return whether its columns are one number, at several steps, which are scored together."""
        return self.forecast is not None

    @property
    def naive(self) -> float:
        """Return the mean absolute error of the naive forecast in training, the unit of `mase`; 0: there is none."""
        return self.forecast.naive if self.forecast else 0.0

    @property
    def size(self) -> int:
        """Return the number of classes, or of numbers a row."""
        return self.classes or len(self.columns)

    @property
    def mean(self) -> float:
        """Return the mean count of the training rows; 1 for anything else."""
        return float(np.mean([c.mean for c in self._numbers()])) if self.counts else 1.0

    @property
    def deviations(self) -> np.ndarray:
        """Return the unit in which the network sees each column of numbers; of a forecast, relative to its anchor."""
        return np.array([1.0 if self.counts else c.deviation for c in self._numbers()])

    def encode(self, values: np.ndarray, inputs: Any = None) -> np.ndarray:
        """Return what the network learns: codes (int32), or float32 (rows, columns)."""
        if self.classes:
            return values.astype(np.int32)
        if self.counts:
            _check_counts(self.names, values)
            return values.astype(np.float32)
        if self.forecast:
            relative = self.forecast.anchor.relative(values, inputs)
            means = np.array([c.mean for c in self._numbers()])
            return ((relative - means) / self.deviations).astype(np.float32)
        return np.stack([c.encode(values[:, j], self.names[j]) for j, c in enumerate(self._numbers())], axis=1)

    def decode(self, found: np.ndarray, inputs: Any = None) -> np.ndarray:
        """Return a network's numbers in their own units, float64; probabilities as they are."""
        if self.classes or self.counts:
            return found.astype(np.float64)
        values = np.stack([c.decode(found[..., j]) for j, c in enumerate(self._numbers())], axis=-1)
        return self.forecast.anchor.absolute(values, inputs) if self.forecast else values

    def units(self, inputs: Any = None) -> np.ndarray:
        """Return how much 1 of the network's numbers is in their own units, (columns,) or (rows, columns)."""
        return self.deviations * self.forecast.anchor.unit(inputs) if self.forecast else self.deviations

    def log_slope(self, inputs: Any = None) -> np.ndarray:
        """Return log |du/dy| of the network's numbers u by those in their own units y, (columns,) or (rows, columns),
        which is added to a log density of u to make one of y.
        """
        return -np.log(self.units(inputs))

    def to_plain(self) -> dict[str, Any]:
        """Return the goal as plain data."""
        plain = {"names": list(self.names), "kind": self.kind, "columns": [c.to_plain() for c in self.columns]}
        return {**plain, "forecast": asdict(self.forecast)} if self.forecast else plain

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Goal":
        """Return the goal whose `to_plain` this is."""
        kind: Any = ClassTarget if plain["kind"] == "classes" else NumberTarget
        columns = tuple(kind.from_plain(column) for column in plain["columns"])
        ahead = plain.get("forecast")
        forecast = Forecast(Anchor(**ahead["anchor"]), ahead["naive"]) if ahead else None
        return Goal(tuple(plain["names"]), columns, plain["kind"] == "counts", forecast)

    def _numbers(self) -> tuple[NumberTarget, ...]:
        return tuple(c for c in self.columns if isinstance(c, NumberTarget))


def each_column(goals: Sequence[Goal], *arrays: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return (name, column, its part of each array) for every column of all goals.

    `arrays` hold one array a goal: values or predictions, whose last axis counts the columns of numbers.
    """
    found: list[tuple[Any, ...]] = []
    for goal, *held in zip(goals, *arrays, strict=True):
        for j, (name, column) in enumerate(zip(goal.names, goal.columns, strict=True)):
            found.append((name, column, *(array if goal.classes else array[..., j] for array in held)))
    return found


def _check_counts(names: Sequence[str], values: np.ndarray) -> None:
    for j, name in enumerate(names):
        known = values[~np.isnan(values[:, j]), j]
        wrong = (known < 0) | (known != np.floor(known))
        if wrong.any():
            value = known[wrong][0]
            raise InputError(f"target {name!r} holds {value:g}, but counts are 0, 1, 2, ...; use another likelihood")
