"""A text as a task: networks say which token comes next.

The text is read as a circle by as many readers as a batch has rows. Each row is a stretch of `steps` tokens, and the
memory of a layer goes on from row to row, so that context is longer than the gradient's reach (truncated
back-propagation through time).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log

import jax
import numpy as np

from phalanx.data import Goal
from phalanx.ensemble import Errors, PairCosts, Predictions
from phalanx.errors import InputError
from phalanx.kinds.language.scoring import nats, nats_per_token, probabilities
from phalanx.kinds.language.space import REFIT, language_size
from phalanx.layers import Embedding
from phalanx.metrics import NATS, Metric
from phalanx.model import Batch, check_rows
from phalanx.network import Network, OutputSize, complete, layers_of
from phalanx.population.predict import Final
from phalanx.predictive import NetworkPrediction, Predictive
from phalanx.row_scores import RowScores, token_scores
from phalanx.search.effort import Size
from phalanx.task import Evaluated, FoldRows, Scored


@dataclass(frozen=True)
class Corpus:
    """A text as codes 0 … `tokens` − 1, cut into stretches of `steps` tokens; the first of them train, the next
    validate, and `test` is what comes after.

    `codes`: (n,) int32, of what trains and validates. `share`: of the stretches, those that validate.
    `characters`: how many characters a token stands for, on average.
    """

    codes: np.ndarray
    test: np.ndarray
    tokens: int
    steps: int
    share: float
    characters: float = 1.0

    def __post_init__(self) -> None:
        if self.stretches < 3:
            raise InputError(
                f"the text holds {len(self.codes):,} tokens to learn from, too few for {self.steps} steps a row; "
                "give a longer text, or fewer steps"
            )

    @property
    def stretches(self) -> int:
        """The rows that the text is cut into."""
        return (len(self.codes) - 1) // self.steps

    @property
    def border(self) -> int:
        """The rows that train; those after them validate."""
        return min(max(round(self.stretches * (1 - self.share)), 1), self.stretches - (self.share > 0))

    @property
    def valid_codes(self) -> np.ndarray:
        """The text that validates, read as one; empty where none does."""
        return self.codes[self.border * self.steps :] if self.share else self.codes[:0]

    @cached_property
    def rows(self) -> Batch:
        """Codes, the codes that follow each of them, and weights."""
        end = self.stretches * self.steps
        x, y = (self.codes[i : i + end].reshape(self.stretches, self.steps) for i in (0, 1))
        return Batch(x, (y,), np.ones(self.stretches, np.float32))

    @property
    def input_layer(self) -> Embedding:
        """The layer that takes the codes, where a network has none of its own."""
        return Embedding(64, tokens=self.tokens, padding=False)

    @property
    def fold_rows(self) -> list[FoldRows]:
        """The rows that train, and those that validate."""
        return [FoldRows(np.arange(self.border), np.arange(self.border, self.stretches))]

    @property
    def between(self) -> None:
        """Every row trains or validates."""

    @property
    def valid_weight(self) -> None:
        """Each row counts once."""

    @property
    def goals(self) -> tuple[Goal, ...]:
        """There is no target beside the text."""
        return ()

    @property
    def size(self) -> Size:
        """How much to try when nothing is said."""
        return language_size(len(self.codes))

    @property
    def again(self) -> str:
        """How the networks that speak train again on the whole text when nothing is said."""
        return REFIT

    def networks(self, drawn: Sequence[Network]) -> list[Network]:
        """Return the networks with a memory and their output layers; see `Task`."""
        networks = [complete(reading(network), OutputSize(self.tokens)) for network in drawn]
        for one in {jax.tree.structure(network): network for network in networks}.values():
            check_rows(one, self.rows.x, each_step=True)
        return networks

    def evaluate_networks(self, finals: Sequence[Final], samples: int) -> list[Evaluated]:
        """Return what trained networks are worth: each says the probability of each token of the validation text but
        the first.
        """
        validates, codes = self.border < self.stretches, self.valid_codes
        said = [(probabilities([(final, 1.0)], codes),) if validates else () for final in finals]
        return [
            Evaluated(final, NetworkPrediction(one, ()), self._metrics(one))
            for final, one in zip(finals, said, strict=True)
        ]

    def together(self, folds: Sequence[Evaluated]) -> dict[str, float]:
        """Return the metrics: a text has no folds."""
        return folds[0].metrics

    def errors(self, evaluated: Sequence[Sequence[Evaluated]], metric: Metric) -> list[Errors | PairCosts]:
        """Return what networks say as the ensemble hears it; see `Task`."""
        said = [one.said.predictions[0] for (one,) in evaluated if one.said.predictions]
        return [Errors("log", np.stack(said))] if said else []

    def row_scores(self, voices: Sequence[Sequence[Evaluated]], metric: Metric) -> RowScores | None:
        """Return what the metric says of voices by how often stretches of the text count; see `Task`."""
        said = [one.said.predictions[0] for (one,) in voices if one.said.predictions]
        return token_scores([nats(one) for one in said], np.arange(len(said[0])) // self.steps) if said else None

    def score(
        self,
        evaluated: Sequence[Sequence[NetworkPrediction]],
        shares: Sequence[float],
        vote: bool,
        temperatures: Sequence[float] = (),
    ) -> Scored:
        """Return what an ensemble is worth; see `Task`."""
        said = Predictive.of(
            {i: one for i, (one,) in enumerate(evaluated)}, dict(enumerate(shares)), (), None, vote
        ).means
        return Scored(self._metrics(said), said)

    def temperatures(self, predictions: Predictions) -> tuple[float, ...]:
        """Return nothing: there is no goal."""
        return ()

    def _metrics(self, said: Predictions) -> dict[str, float]:
        """Return all metrics of what is predicted for the tokens that validate; none where none do."""
        return self.metrics(nats_per_token(said[0])) if said else {}

    def metrics(self, nats: float) -> dict[str, float]:
        """Return all metrics of a mean cost of a token."""
        return scores(nats, self.characters)


def scores(nats: float, characters: float) -> dict[str, float]:
    """Return all metrics of a mean cost of a token, which stands for so many characters on average."""
    return {
        NATS.name: nats,
        "bits_per_character": nats / log(2) / characters,
        "perplexity": float(np.exp(min(nats, 700.0))),
    }


def reading(network: Network) -> Network:
    """Return a network whose recurrent layers answer at every step, and whose layers that look back keep their memory.

    Raises `InputError` for a layer, inside another too, that sees other steps than by a memory, and where none
    has a memory.
    """
    layers = [layer for _, layer in layers_of(network)]
    for layer in (*network.layers, *layers):  # what a person wrote is named before what is inside it
        if layer.reach == "row" or (layer.reach == "past" and not layer.remembers):
            what = "also reads backwards" if layer.unrolls else "looks at several steps at once"
            raise InputError(
                f"a language model reads one token after the other, but has {type(layer).__name__}, which {what}; "
                "leave it out"
            )
    if not any(layer.remembers for layer in layers):
        raise InputError("a language model needs a layer with a memory; give it a Recurrent, LSTM or GRU")
    return replace(network, layers=tuple(layer.carried() for layer in network.layers))
