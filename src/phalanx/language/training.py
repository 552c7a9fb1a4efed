"""Language models: from a text as codes to networks that say which token comes next, what they cost, and more text.

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

from phalanx.candidates import Fitted, candidates, rank, shares, trained_ones
from phalanx.ensemble import Predictions, Voice
from phalanx.errors import InputError
from phalanx.experiment import Settings, fewest_rounds, plan_draws, trials_of
from phalanx.language.scoring import nats_per_token, probabilities
from phalanx.layers import Embedding
from phalanx.metrics import NATS
from phalanx.model import Batch, check_rows
from phalanx.network import Aim, Network, complete, layers_of
from phalanx.population.batches import Fold
from phalanx.population.predict import Final
from phalanx.population.rows import Rows
from phalanx.population.train import Clock, train
from phalanx.population.view import Watch
from phalanx.predictive import Said
from phalanx.refitting import TRAINING, refit_rule, refit_used
from phalanx.search.designs import Draw
from phalanx.search.language import REFIT, language_size


@dataclass(frozen=True)
class Corpus:
    """A text as codes 0 … `tokens` − 1, cut into stretches of `steps` tokens; the first of them train, the next
    validate, and `test` is what comes after.

    `codes`: (n,) int32, of what trains and validates. `valid`: the share of the stretches that validate.
    `characters`: how many characters a token stands for, on average.
    """

    codes: np.ndarray
    test: np.ndarray
    tokens: int
    steps: int
    valid: float
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
        return min(max(round(self.stretches * (1 - self.valid)), 1), self.stretches - (self.valid > 0))

    @property
    def valid_codes(self) -> np.ndarray:
        """The text that validates, read as one; empty where none does."""
        return self.codes[self.border * self.steps :] if self.valid else self.codes[:0]

    @cached_property
    def rows(self) -> Batch:
        """Codes, the codes that follow each of them, and weights."""
        end = self.stretches * self.steps
        x, y = (self.codes[i : i + end].reshape(self.stretches, self.steps) for i in (0, 1))
        return Batch(x, (y,), np.ones(self.stretches, np.float32))

    @property
    def entry(self) -> Embedding:
        """The layer that takes the codes, where a network has none of its own."""
        return Embedding(64, tokens=self.tokens, padding=False)

    def score(self, said: Predictions) -> dict[str, float]:
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
    for layer in layers:
        if layer.reach == "row" or (layer.reach == "past" and not layer.remembers):
            what = "also reads backwards" if layer.unrolls else "looks at several steps at once"
            raise InputError(
                f"a language model reads one token after the other, but has {type(layer).__name__}, which {what}; "
                "leave it out"
            )
    if not any(layer.remembers for layer in layers):
        raise InputError("a language model needs a layer with a memory; give it a Recurrent, LSTM or GRU")
    return replace(network, layers=tuple(layer.carried() for layer in network.layers))


def prepared(space: Network, corpus: Corpus, settings: Settings) -> tuple[list[Draw], list[Network]]:
    """Return the points of a space to train, and their networks; raise `InputError` for what does not fit."""
    draws = plan_draws(space, corpus.entry, settings, language_size(len(corpus.codes)))
    networks = [complete(reading(draw.spec), Aim(corpus.tokens)) for draw in draws]
    for one in {jax.tree.structure(network): network for network in networks}.values():
        check_rows(one, corpus.rows.x, each_step=True)
    return draws, networks


def fit(
    corpus: Corpus,
    space: Network,
    settings: Settings,
    *,
    clock: Clock | None = None,
    rounds: Sequence[int] | None = None,
    widths: Sequence[int] | None = None,
    cut: Sequence[int] | None = None,
    watch: Watch | None = None,
) -> Fitted:
    """Train language models drawn from a space as populations, rank the members, and choose the ensemble.

    Arguments are those of `experiment.fit`. What a member predicts for the validation text is the probability of each
    token but the first. The validation costs of a round, which stop it, are those of as many readers as a batch has
    rows, each of which begins without context. Where `rule_of` names a rule, the members that speak are in the end
    trained again on the whole text; what is said of the validation text stays from before.
    """
    draws, networks = prepared(space, corpus, settings)
    everyone = np.arange(corpus.stretches)
    folds = [Fold(everyone[: corpus.border], everyone[corpus.border :], 0)] * settings.repeats
    rule = rule_of(draws, corpus, settings)
    clock, rows = Clock() if clock is None else clock, Rows(corpus.rows)
    max_rounds = settings.max_rounds or language_size(len(corpus.codes)).max_rounds
    outcome = train(
        trials_of(networks, settings),
        rows,
        folds,
        max_rounds=max_rounds,
        round_steps=settings.round_steps,
        clock=clock,
        share=TRAINING if rule else 1.0,
        fewest=fewest_rounds(max_rounds) if len(corpus.valid_codes) else None,
        cut=cut,
        rounds=rounds,
        widths=widths,
        watch=watch,
    )

    validates = len(corpus.valid_codes) > 0

    def judge(finals: Sequence[Final]) -> list[tuple[Final, Said, dict[str, float], tuple[()]]]:
        said = [(probabilities([(final, 1.0)], corpus.valid_codes),) if validates else () for final in finals]
        return [(final, Said(one, ()), corpus.score(one), ()) for final, one in zip(finals, said, strict=True)]

    members = candidates(outcome, draws, settings.repeats, judge)
    said = [members[i].valid.predictions[0] for i in trained_ones(members)] if validates else []
    heard = [Voice("log", np.stack(said))] if said else []
    fitted = Fitted(members, rank(members, NATS), shares(members, heard), outcome.rounds, outcome.widths, ())
    fitted.cut = outcome.cut
    if rule:
        refit_used(fitted, rows, rule, folds, clock, rounds, widths, watch)
    return fitted


def rule_of(draws: Sequence[Draw], corpus: Corpus, settings: Settings) -> str | None:
    """Return by which rule the networks that speak are trained again on the whole text; see `refit_rule`."""
    return refit_rule(settings.refit, REFIT, draws, corpus.stretches - corpus.border)
