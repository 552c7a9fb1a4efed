"""What all kinds of rows with targets share: tables, images, sounds, texts and whatever else has rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import jax
import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_n_features

from phalanx.config import Config
from phalanx.data import Goal, Reading, Source
from phalanx.data.files import Files
from phalanx.data.folder import FileKind
from phalanx.errors import InputError
from phalanx.kinds.comparison import PLAIN, Baseline
from phalanx.kinds.files import with_files
from phalanx.kinds.folds import together
from phalanx.kinds.kind import Encoder, How, Kind, Learnt, Load, Request, Rows
from phalanx.kinds.labelled import PreparedRows, prepare_rows
from phalanx.kinds.learning import take
from phalanx.kinds.model import GIVEN, RowModel
from phalanx.kinds.opened import OpenedRows
from phalanx.kinds.shown import Shown
from phalanx.kinds.steps import StepModel
from phalanx.population.predict import Final
from phalanx.predictor import Predictor

VOTES = frozenset(("bootstrap", "vote", "samples"))
"""The options of a study on how networks predict together."""

LABELLED = VOTES | {"temperature", "target", "task", "id", "group", "folds"}
"""The options of a study that all rows with targets have."""


class RowEncoder(Encoder):
    """An encoder that is learned from rows, and kept: a frozen dataclass of numbers, texts and tuples of them."""

    fit: ClassVar[Callable[..., Any]]
    """From training rows to the encoder; raises `InputError` where there is nothing to learn from."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def alike(cls, encoders: Sequence[Self]) -> Sequence[Self]:
        """Return encoders, learned from different rows, that make arrays of one shape, so that networks of all of them
        share a program.
        """
        return encoders

    def to_plain(self) -> dict[str, Any]:
        """Return the fields by name, tuples as lists."""
        return {name: list(held) if isinstance(held, tuple) else held for name, held in asdict(self).items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "RowEncoder":
        """Return the encoder whose `to_plain` this is."""
        return cls(**{name: tuple(held) if isinstance(held, list) else held for name, held in plain.items()})


class RowKind(Kind):
    """A kind of rows with targets. What is left to say are its name, its encoder, and either how files of it are read
    (`holds`, `load`), or what it is in Python (`rows`), or both.
    """

    encoder: ClassVar[type[RowEncoder]]
    options: ClassVar[frozenset[str]] = LABELLED

    opened: ClassVar[Callable[..., Any]] = OpenedRows
    model_class: ClassVar[type[RowModel]] = RowModel
    """What predicts after training."""

    unit: ClassVar[str] = "row"
    """What one row is called."""

    baselines: ClassVar[Mapping[str, Baseline]] = PLAIN

    few: ClassVar[int] = 0
    """Rows to learn from below which they are split into folds where nothing is said; 0: they never are."""

    slow: ClassVar[tuple[str, ...]] = ()
    """Plain models that are compared only where they are named: they are slow on hundreds of columns, or thousands."""

    cells: ClassVar[FileKind | None] = None
    """The files that a column of a table may name, if there are such."""

    arrays: ClassVar[str] = ""
    """What rows are of which no file says how to read them, in the words of a message."""

    def rows(self, given: Any, layers: Any = None, known: bool = False) -> Any | None:
        """Return what is given in Python as rows that the encoder takes, None: it is of another kind.

        `layers` are those that are to learn from it. `known`: such rows were learned from already, and what is given
        should be more of them. Raises `InputError` for rows that are of this kind, but cannot be used.
        """
        return None

    def expected(self) -> str:
        """Return what is to be given in Python, in the words of a message."""
        return self.name

    def in_files(self, rows: Any) -> bool:
        """Say whether files may hold more of such rows."""
        return True

    def check(self, estimator: Any, given: Any, rows: Any, reset: bool) -> Any:
        """Return rows that an estimator is given as scikit-learn wants them checked."""
        if getattr(rows, "ndim", 1) > 1:
            _check_n_features(estimator, rows, reset=reset)
        return rows

    def real(self, rows: Any) -> np.ndarray | None:
        """Return which steps of rows exist, (rows, steps), None: rows have no steps; at each a network may answer."""
        return None

    def learn(self, given: Rows, how: How) -> Learnt:
        """Learn an encoder from the training rows of each fold, and encode all rows by each."""
        encoders = self.encoder.alike([self.encoder.fit(take(given.rows, train)) for train in given.trains])
        return Learnt(self, encoders, [encoder.transform(given.rows) for encoder in encoders])

    def learn_column(self, given: Rows, how: How, column: str) -> Learnt:
        """Learn from one column of a table alone."""
        return self.learn(replace(given, rows=self.of_cells(given.rows[column])), how)

    def holds_cells(self, cells: pd.Series) -> bool:
        """Say whether the cells of a column of a table are rows of this kind."""
        return False

    def of_cells(self, cells: pd.Series) -> Any:
        """Return the cells of a column of a table as rows that the encoder takes."""
        return cells.to_numpy(object)

    def open(self, paths: Sequence[Path], request: Request, column: str) -> Files:
        """Read the files that a column of a table names; see `read_files`."""
        raise InputError(f"no file holds {self.name}")

    def source(self, given: Any, encoder: Encoder, readings: Mapping[str, Reading]) -> Source:
        """Return what is given in Python to be predicted; raise `InputError` for what the encoder does not take."""
        rows = self.rows(given, known=True)
        if rows is None:
            raise InputError(f"the model was trained on {self.name}; give {self.expected()}")
        return Source(GIVEN, pd.DataFrame(index=range(len(rows))), None, (), rows, self.name)

    def of_table(self, table: Source, encoder: Encoder, folder: Path) -> Source:
        """Return a table as the rows that the encoder takes: a column of it may hold them, or name their files."""
        if self.cells is None:
            return table
        opened = table if table.opened else with_files(table, folder, Request(like=encoder), [self])
        inputs = opened.inputs
        column = next((str(name) for name in inputs if self.holds_cells(inputs[name])), None)
        if column is None:
            return table
        rows = self.of_cells(inputs[column])
        return replace(opened, rows=rows, kind=self.name, id=column, opened={})

    def reload(self, model: RowModel, sources: Sequence[str], load: Load) -> Source:
        """Read what a model is to predict; a table as the rows that its encoder takes."""
        model.check_files()
        return self.like(sources, Request(known=model.readings, like=model.encoder), load)

    def like(self, sources: Sequence[str], request: Request, load: Load) -> Source:
        """Read sources as an encoder of this kind takes them, the one that the request names."""
        source = load(sources, request)
        assert request.like is not None
        return source if source.rows is not None else self.of_table(source, request.like, Path(sources[0]).parent)

    def kept(self, rows: Any, at: np.ndarray, encoder: Encoder) -> Any | None:
        """Return what a report needs to show the rows at some positions beside their encoding, None: nothing."""
        return None

    def show(self, encoder: Any, inputs: Any, kept: Any, telling: Sequence[str]) -> list[Shown]:
        """Return encoded rows, beside what is `kept` of them, as a person sees them; of a table `telling` columns."""
        return [Shown()] * len(jax.tree.leaves(inputs)[0])

    def prepare(self, config: Config, source: Source, load: Load) -> PreparedRows:
        """Return a source ready for training; see `prepare_rows`."""
        return prepare_rows(self, config, source, load)

    def model(self, plain: Mapping[str, Any], members: dict[str, Final]) -> RowModel:
        """Return the model whose `to_plain` this is."""
        stored = plain["encoder"]
        of_folds = stored.get("folds", [stored])
        encoders = [self.encoder.from_plain({k: v for k, v in one.items() if k != "kind"}) for one in of_folds]
        goals = tuple(Goal.from_plain(goal) for goal in plain["goals"])
        temperatures = tuple(plain.get("temperatures", ()))
        votes = plain["vote"], plain["samples"]
        predictor = Predictor(members, plain["shares"], plain["best"], goals, *votes, temperatures)
        readings = {name: Reading.from_plain(reading) for name, reading in plain["readings"].items()}
        model_class = StepModel if plain.get("each_step") else self.model_class
        return model_class(
            self,
            together(encoders),
            tuple(plain["targets"]),
            plain["id_name"],
            predictor,
            readings,
            plain.get("files", True),
        )

    def write_pictures(self, folder: Path, prepared: PreparedRows, model: RowModel, said: Any) -> None:
        """Write what can be drawn of a run into its folder; `said` are the ensemble's predictions of the test rows."""
