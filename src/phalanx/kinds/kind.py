"""What a kind of data is: an `Encoder` makes numbers of its rows, and a `Kind` finds, reads, and answers for them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from phalanx.config import Config
from phalanx.data import Column, Goal, Reading, Source
from phalanx.data.encoded import Encoded
from phalanx.declared import declared
from phalanx.errors import InputError
from phalanx.layers import Flatten, Layer
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.search.effort import Size

if TYPE_CHECKING:
    from phalanx.kinds.rows import RowKind


class Encoder(ABC):
    """What turns rows of a kind into the arrays that networks take.

    It is learned from training rows alone, and holds plain numbers and texts, which pass through JSON unchanged.
    """

    refit: ClassVar[str | None] = None
    """How the networks that predict train again on all rows when nothing is said; see `phalanx.study.RULES`. It is said
    of rows in the order of time, whose validation rows are the newest."""

    @property
    @abstractmethod
    def input_layer(self) -> Layer:
        """The layer that takes the rows, where a network has none of its kind."""

    @property
    @abstractmethod
    def row_shape(self) -> Any:
        """The shape of a row as networks take it, see `phalanx.model.row_shape`."""

    @abstractmethod
    def size(self, rows: int) -> Size:
        """Return how much to try for so many training rows."""

    @abstractmethod
    def space(self, rows: int, goals: Sequence[Goal]) -> Network:
        """Return the space of networks that is searched for so many training rows when nothing is said."""

    @abstractmethod
    def transform(self, rows: Any) -> Any:
        """Return rows as networks take them: an array, or a tuple of arrays, whose first axis counts the rows.

        Raises `InputError` for rows of another kind.
        """

    @abstractmethod
    def as_numbers(self, inputs: Any) -> Encoded:
        """Return encoded rows as plain models take them."""

    @property
    def of_folds(self) -> tuple["Encoder", ...]:
        """The encoders of each fold: this one, where there are no folds."""
        return (self,)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """The number of codes of each column of `Encoded.codes`."""
        return ()

    @property
    def raw(self) -> tuple[str, ...]:
        """The columns of a table that rows are made of, which `shuffled` takes; none where they are no table."""
        return ()

    def shuffled(self, inputs: Any, column: str, order: np.ndarray) -> Any:
        """Return encoded rows of which a raw column, whatever it became, is that of the rows in another order."""
        raise NotImplementedError

    @property
    def vector(self) -> list[Layer]:
        """Layers that make one vector of a row, by which it stands beside other parts of the same row."""
        return [self.input_layer, Flatten()]

    def of_column(self, column: str) -> "Encoder":
        """Return the encoder that takes a column of a table, where rows have several parts."""
        return self

    def describe(self, rows: int) -> list[str]:
        """Return the lines that say what so many rows are."""
        return []

    def unseen(self, rows: Any) -> list[str]:
        """Return what rows hold that training did not, a sentence each."""
        return []

    @abstractmethod
    def to_plain(self) -> dict[str, Any]:
        """Return the state as maps, lists, numbers and texts."""


@dataclass(frozen=True)
class Request:
    """How a source is to be read.

    `size`: (height, width) of images, None: found out. `strict`: a broken file is an error. `watch` is called with how
    many of all files are read. `missing`: which spellings mean missing in a table, None: found out. `text`: the
    column of texts that is learned from alone. `ignore`: columns that nobody needs. `known`: how the columns of the
    training table were read. `like`: the encoder that is to take the rows, None: one is learned.
    """

    size: tuple[int, int] | None = None
    strict: bool = False
    watch: Callable[[int, int], None] | None = None
    missing: Collection[str] | None = None
    text: str | None = None
    ignore: Collection[str] = ()
    known: Mapping[str, Reading] = field(default_factory=dict)
    like: Encoder | None = None


Load = Callable[[Sequence[str], Request], Source]
"""Reads any source."""


@dataclass(frozen=True)
class How:
    """By what options rows are learned from, whatever the door; see `phalanx.study`.

    `test`: share of the rows that test. `folds`: 1: one part of the rows validates; None: by the rows. `column`: the
    column of a table that the rows are, if any. `readings`: how the columns of a table were read. `ignore`: how a
    column is left out at this door, for hints, where {} is its name.
    """

    seed: int = 0
    test: float = 0.0
    valid: float = 0.2
    folds: int | None = 1
    likelihood: Any = None
    column: str | None = None
    scaling: str = "robust"
    category: Collection[str] = ()
    number: Collection[str] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    ignore: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows to learn an encoder from: all of them, positions of those that train in each fold, the `weight` of each
    (None: each counts once); `seen` are those that train or validate, in the order given.
    """

    rows: Any
    trains: Sequence[np.ndarray]
    seen: Any
    weight: np.ndarray | None = None


@dataclass(frozen=True)
class Learnt:
    """The kind that rows turned out to be, encoders, one of each fold, all rows as each of them makes them, what the
    columns of a table are, and `notes` on what was decided.
    """

    kind: "RowKind"
    encoders: Sequence[Encoder]
    inputs: Sequence[Any]
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()


class Kind(ABC):
    """A kind of data. One instance of each stands in `phalanx.kinds.registry`, where both doors find it.

    A kind of rows with targets derives from `phalanx.kinds.rows.RowKind`, which knows how to learn from them.
    """

    name: ClassVar[str]
    """What its rows are called, and what model.json calls it."""

    options: ClassVar[frozenset[str]] = frozenset()
    """The options of a study that it has, of those that not every kind has: `Option.of` says whose they are."""

    opened: ClassVar[Callable[..., Any]]
    """What a person asks a model of this kind in Python, given the model and what reads files for it."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Defaults of options that differ from those of a study."""

    baselines: ClassVar[Mapping[str, Any]] = {}
    """The plain models that networks are compared with, by name, the quickest first."""

    counted: ClassVar[str] = "rows"
    """What is counted of a source."""

    several: ClassVar[bool] = False
    """Whether its rows may come from several sources together."""

    @property
    def what(self) -> str:
        """What a source of this kind is, in the words of a message: "is a table", "holds images"."""
        return f"holds {self.name}"

    def holds(self, sources: Sequence[str], config: Config | None = None) -> bool:
        """Say whether sources are of this kind, given the options of a run; kinds are asked in order."""
        return False

    def load(self, sources: Sequence[str], request: Request) -> Source:
        """Read sources of this kind; raise `InputError` for what cannot be read."""
        raise InputError(f"no file holds {self.name}")

    def reload(self, model: Any, sources: Sequence[str], load: Load) -> Source:
        """Read what a model of this kind is to predict or to be scored on; `load` reads sources of any kind."""
        return self.load(sources, Request())

    def draw(self, model: Any, source: Source, out: Path, title: str) -> None:
        """Draw what a model makes of the first row of a source, as a PNG file."""
        raise InputError(
            f"the run learned from a source that {self.what}, of which nothing is drawn; give a run on images"
        )

    @abstractmethod
    def prepare(self, config: Config, source: Source, load: Load) -> Any:
        """Return a source ready for training, a `phalanx.kinds.prepared.Prepared`; raise `InputError` for one that
        cannot be learned from. `load` reads a further one, to test on.
        """

    @abstractmethod
    def model(self, plain: Mapping[str, Any], members: dict[str, Final]) -> Any:
        """Return the model whose `to_plain` this is, with its networks; see `phalanx.kinds.model`."""


def check_options(kind: Kind, config: Config) -> None:
    """Raise `InputError` for options that a kind of data has not."""
    for one in declared(Config):
        if one.option.of and one.name not in kind.options and getattr(config, one.name) != one.default:
            raise InputError(f"--{one.name} is for {one.option.of}, but {config.source} {kind.what}; leave it out")
