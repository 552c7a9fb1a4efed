"""What a run, or a saved estimator, predicts with: from sources to tables of predictions and scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

from phalanx.data import ClassTarget, Reading, Source, each_column
from phalanx.data.cells import holds_objects
from phalanx.data.columns import unique_names
from phalanx.data.frames import read_frame
from phalanx.data.notes import bad_cells
from phalanx.errors import InputError
from phalanx.kinds.kind import Encoder, Kind
from phalanx.kinds.targets import rows_with_targets
from phalanx.population.predict import Final
from phalanx.predictor import Predictor

Column = tuple[str, np.ndarray]

GIVEN = "rows"
"""What a source is called that is given in Python."""


@runtime_checkable
class Model(Protocol):
    """Trained networks with all that they need to answer for data of their `kind`."""

    @property
    def kind(self) -> Kind: ...
    @property
    def members(self) -> Mapping[str, Final]:
        """The networks that are kept, by id."""
        ...

    @property
    def shares(self) -> Mapping[str, float]:
        """Their shares in the ensemble, by id."""
        ...

    @property
    def best(self) -> str:
        """The id of the best."""
        ...

    @property
    def row_shape(self) -> Any:
        """The shape of a row as the networks take it."""
        ...

    def alone(self, id_: str) -> Self:
        """Return the model of which one member alone predicts."""
        ...

    def to_plain(self) -> dict[str, Any]:
        """Return what is no network as plain data."""
        ...

    def unseen(self, source: Source) -> list[str]:
        """Return what a source holds that training did not, a sentence each."""
        ...

    def table(self, source: Source, level: float = 0.9, ensemble: bool = True) -> pd.DataFrame:
        """Return predictions as a table; raise `InputError` where there is none."""
        ...

    def evaluate(self, source: Source, ensemble: bool = True) -> tuple[dict[str, float], int, list[str]]:
        """Return all metrics of a source, on how many rows or characters, and warnings."""
        ...

    def continued(
        self, prompt: str, length: int, temperature: float, seed: int, ensemble: bool
    ) -> tuple[str, list[str]]:
        """Return a prompt and what follows it, and warnings; raise `InputError` where no language was learned."""
        ...


@dataclass(frozen=True)
class RowModel:
    """The model of rows with targets: how rows are encoded, the targets in their order, the trained networks, and how
    the columns of a table are read.

    `files`: whether rows may come from files; not where no file says what an array holds.
    """

    kind: Any  # a `RowKind`
    encoder: Encoder
    targets: tuple[str, ...]
    id_name: str | None
    predictor: Predictor
    readings: Mapping[str, Reading] = field(default_factory=dict)
    files: bool = True

    @property
    def members(self) -> dict[str, Final]:
        """The networks that are kept, by id."""
        return self.predictor.members

    @property
    def shares(self) -> dict[str, float]:
        """Their shares in the ensemble, by id."""
        return self.predictor.shares

    @property
    def best(self) -> str:
        """The id of the best."""
        return self.predictor.best

    @property
    def row_shape(self) -> Any:
        """The shape of a row as the networks take it."""
        return self.encoder.row_shape

    @property
    def named(self) -> tuple[str, ...]:
        """What is predicted: the columns of the target."""
        return self.targets

    @property
    def classes(self) -> dict[str, np.ndarray]:
        """The classes of each target that has some, in the order of their probabilities."""
        found = each_column(self.predictor.goals)
        labels = {name: np.array(column.labels) for name, column in found if isinstance(column, ClassTarget)}
        return {name: labels[name] for name in self.named if name in labels}

    def alone(self, id_: str) -> Self:
        """Return the model of which one member alone predicts."""
        return replace(self, predictor=self.predictor.alone(id_, self.predictor.members[id_]))

    def to_plain(self) -> dict[str, Any]:
        """Return what is no network as plain data."""
        return {
            "encoder": {"kind": self.kind.name, **self.encoder.to_plain()},
            "targets": list(self.targets),
            "goals": [goal.to_plain() for goal in self.predictor.goals],
            "id_name": self.id_name,
            "readings": {name: reading.to_plain() for name, reading in self.readings.items()},
            "best": self.best,
            "shares": self.shares,
            "vote": self.predictor.vote,
            "samples": self.predictor.samples,
            **({"temperatures": list(self.predictor.temperatures)} if self.predictor.temperatures else {}),
            **({} if self.files else {"files": False}),
        }

    def check_files(self) -> None:
        """Raise `InputError` where no file holds what the model takes."""
        if not self.files:
            raise InputError(
                f"the model was trained on {self.kind.arrays}, which no file holds; give an array, in Python"
            )

    def unseen(self, source: Source) -> list[str]:
        """Return what a source holds that training did not."""
        return self.encoder.unseen(source.inputs)

    def continued(
        self, prompt: str, length: int, temperature: float, seed: int, ensemble: bool
    ) -> tuple[str, list[str]]:
        """Raise `InputError`: no language was learned."""
        raise InputError("the run is no language model: train one on a text file (.txt)")

    def predict(self, source: Source) -> dict[str, Any]:
        """Return of each target the most probable class, or the expected number, of each row."""
        found = {}
        for name, column, said in self._each(source, lambda predicted: predicted.means):
            found[name] = column.decode(said.argmax(1)) if isinstance(column, ClassTarget) else said
        return found

    def probabilities(self, source: Source) -> dict[str, np.ndarray]:
        """Return the probabilities (rows, classes) float32 of each target that has classes."""
        said = self._each(source, lambda predicted: predicted.means)
        return {name: p.astype(np.float32) for name, column, p in said if isinstance(column, ClassTarget)}

    def interval(self, source: Source, level: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the ends of the interval that holds each number with probability `level`, by target."""
        goals = [goal for goal in self.predictor.goals if not goal.classes]
        ends = self._ask(source, lambda predicted: predicted.interval(level))
        low, high = ({name: said for name, _, said in each_column(goals, [end[k] for end in ends])} for k in (0, 1))
        return low, high

    def shaped(self, found: Mapping[str, Any]) -> Any:
        """Return what is predicted of the only target, (rows,), or of several as a DataFrame."""
        if len(self.named) == 1:
            return found[self.named[0]]
        return pd.DataFrame({name: found[name] for name in self.named if name in found})

    def table(self, source: Source, level: float = 0.9, ensemble: bool = True) -> pd.DataFrame:
        """Return predictions as a table: the identifier, or the file, if there is one, then columns for each target.

        These are `prediction`, and of classes `probability_LABEL` each, of numbers `lower` and `upper`, between which
        the number lies with probability `level`. With several targets the name of each follows the first word:
        `prediction_TARGET`, `probability_TARGET_LABEL`, `lower_TARGET`, `upper_TARGET`. An identifier called like one
        of them is `prediction.1`.
        """
        frame, id_name = source.frame, self.id_name or source.id
        if id_name is not None and id_name not in frame:
            raise InputError(f"the table lacks the column {id_name!r}, which identifies rows")
        found = self._columns(source, level, ensemble)
        listed = [column for target in self.targets for column in found[target]]
        # Named last, since a label or the identifier may make two of the names equal.
        names = unique_names([*(name for name, _ in listed), *([] if id_name is None else [id_name])])
        table = pd.DataFrame(dict(zip(names, (values for _, values in listed), strict=False)))
        if id_name is not None:
            # Whole numbers are shown as such, though missing cells make pandas hold them as floats.
            held = frame[id_name].reset_index(drop=True).convert_dtypes()
            table.insert(0, names[-1], held)
        return table

    def evaluate(self, source: Source, ensemble: bool = True) -> tuple[dict[str, float], int, list[str]]:
        """Return all metrics on the rows of a source that have every target, how many have, and warnings.

        Of several targets, those that the source lacks, or whose classes the model cannot have, are not scored.
        """
        inputs, values, _, warnings = rows_with_targets(source, self.encoder, self.predictor.goals)
        rows = next(len(known) for known in values if known is not None)
        return self.predictor.scores(inputs, values, ensemble=ensemble), rows, warnings

    def inputs(self, source: Source) -> Any:
        """Return the rows of a source as the networks are asked about them."""
        return self.encoder.transform(source.inputs)

    def _ask(self, source: Source, question: Callable[..., Any]) -> Any:
        return self.predictor.ask(self.inputs(source), question)

    def _each(self, source: Source, question: Callable[..., Any]) -> Any:
        """Return the name, the target and the answer of each column."""
        return each_column(self.predictor.goals, self._ask(source, question))

    def _columns(self, source: Source, level: float, ensemble: bool) -> dict[str, list[Column]]:
        """Return the named columns of predictions for each target."""
        goals = self.predictor.goals
        inputs = self.inputs(source)
        found: dict[str, list[Column]] = {}
        of_numbers = [goal for goal in goals if not goal.classes]
        means, ends = self.predictor.ask(
            inputs, lambda predicted: (predicted.means, predicted.interval(level)), ensemble
        )
        for name, column, said in each_column(goals, means):
            suffix = "" if len(self.targets) == 1 else f"_{name}"
            if isinstance(column, ClassTarget):
                labelled = [(f"probability{suffix}_{label}", said[:, i]) for i, label in enumerate(column.labels)]
                found[name] = [(f"prediction{suffix}", column.decode(said.argmax(1))), *labelled]
            else:
                found[name] = [(f"prediction{suffix}", said)]
        for name, _, low, high in each_column(of_numbers, [low for low, _ in ends], [high for _, high in ends]):
            suffix = "" if len(self.targets) == 1 else f"_{name}"
            found[name] += [(f"lower{suffix}", low), (f"upper{suffix}", high)]
        return found


def as_table(frame: pd.DataFrame, readings: Mapping[str, Reading]) -> Source:
    """Return a DataFrame as a table file of its cells would be read."""
    frame = frame.reset_index(drop=True)
    objects = [name for name in frame.columns if holds_objects(frame[name])]
    read, found = read_frame(frame.drop(columns=objects), readings)
    read = read.assign(**frame[objects].rename(columns=str))
    return Source(GIVEN, read, None, tuple(bad_cells(found)), readings=found)
