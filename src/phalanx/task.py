"""What is to be learned, whatever the data are: rows with targets (`Problem`) or one text (`Corpus`)."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from phalanx.data import Goal
from phalanx.ensemble import Errors, PairCosts, Predictions
from phalanx.layers import Layer
from phalanx.metrics import Costs, Metric
from phalanx.model import Batch
from phalanx.network import Network
from phalanx.population.predict import Final
from phalanx.predictive import NetworkPrediction
from phalanx.row_scores import RowScores
from phalanx.search.effort import Size


class FoldRows(NamedTuple):
    """Positions of the rows that train, and of those that validate: all there are, or one of several folds."""

    train: np.ndarray
    valid: np.ndarray


class Evaluated(NamedTuple):
    """A trained network as it `final`ly predicts, what it says of its validation rows, its metrics, and what each of
    these rows costs it.
    """

    final: Final
    said: NetworkPrediction
    metrics: dict[str, float]
    costs: Sequence[Costs | None] = ()


class Scored(NamedTuple):
    """Metrics of the validation rows, and the predictions for them."""

    metrics: dict[str, float]
    predictions: Predictions


class Task(Protocol):
    """What `experiment` trains networks for.

    `rows`: all of them, encoded, those of one fold after those of another where each has its own encoding; `parts`:
    which of them train and validate, of each fold; `between`: positions of those that do neither, and are learned from
    when networks are trained again. `valid_weight`: of the validation rows of all folds, None: each counts once.
    `goals`: what each head predicts; none where a network says what comes next. `input_layer`: what takes the rows.
    `size`: how much to try, and `again` how the networks that predict train again on all rows, where nothing is said.
    """

    @property
    def rows(self) -> Batch: ...
    @property
    def fold_rows(self) -> Sequence[FoldRows]: ...
    @property
    def between(self) -> np.ndarray | None: ...
    @property
    def valid_weight(self) -> np.ndarray | None: ...
    @property
    def goals(self) -> tuple[Goal, ...]: ...
    @property
    def input_layer(self) -> Layer: ...
    @property
    def size(self) -> Size: ...
    @property
    def again(self) -> str | None: ...

    def networks(self, drawn: Sequence[Network]) -> list[Network]:
        """Return the networks that are trained for those drawn, which have a layer that takes the rows.

        Raises `InputError` where names, heads or the shapes of rows do not fit.
        """
        ...

    def evaluate_networks(self, finals: Sequence[Final], samples: int) -> list[Evaluated]:
        """Return what trained networks are worth, each on the validation rows of its `fold`; `samples`: so many dropout
        masks are averaged, see `predictive`.
        """
        ...

    def together(self, folds: Sequence[Evaluated]) -> dict[str, float]:
        """Return the metrics over the validation rows of all folds, in each of which another network predicts."""
        ...

    def errors(self, evaluated: Sequence[Sequence[Evaluated]], metric: Metric) -> list[Errors | PairCosts]:
        """Return what networks, one of each fold that belong together, say of the validation rows as the ensemble hears
        it; nothing without such rows.
        """
        ...

    def row_scores(self, voices: Sequence[Sequence[Evaluated]], metric: Metric) -> RowScores | None:
        """Return what the metric says of voices, each the networks of all folds, by how often validation rows count;
        None without such rows.
        """
        ...

    def score(
        self,
        evaluated: Sequence[Sequence[NetworkPrediction]],
        shares: Sequence[float],
        vote: bool,
        temperatures: Sequence[float] = (),
    ) -> Scored:
        """Return what an ensemble is worth on the validation rows, given what its members, one of each fold, say of
        them, their shares, and the temperature of what they say of each goal.
        """
        ...

    def temperatures(self, predictions: Predictions) -> tuple[float, ...]:
        """Return for what is predicted of the validation rows the temperature of each goal of the least log loss, 1 of
        numbers.
        """
        ...
