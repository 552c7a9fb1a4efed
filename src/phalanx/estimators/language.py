"""The estimator of language models."""

import time
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_is_fitted

from phalanx.errors import InputError
from phalanx.estimators.callbacks import Watched
from phalanx.estimators.members import keep
from phalanx.estimators.parameters import OfText, PartsEstimator, documented
from phalanx.experiment import fit, plan
from phalanx.kinds.language.codecs import CODECS
from phalanx.kinds.language.corpus import Corpus
from phalanx.kinds.language.judged import read_in_validation
from phalanx.kinds.language.kind import LANGUAGE
from phalanx.kinds.language.model import LanguagePredictor
from phalanx.kinds.language.space import language_space
from phalanx.metrics import NATS
from phalanx.network import Network
from phalanx.parts.fields import unknown
from phalanx.population.predict import Final
from phalanx.population.train import Clock
from phalanx.summaries import Summary, summary_of


@documented
class LanguageModel(OfText, Watched, PartsEstimator):
    """Say which token of a text comes next, with recurrent networks, and continue texts.

    The text is read in stretches of `steps` tokens, in whose order a network keeps its memory, while the gradient
    reaches back to the beginning of a stretch (truncated back-propagation through time). Distributions in any part
    make a search, as for `Classifier`; the ensemble speaks whose mean probabilities cost least on the validation
    tokens, the end of the text.

    Attributes
    ----------
    leaderboard_, curves_, diagnostics_ : DataFrame
        The members as they rank, their costs by round, and what their layers did.
    hints_ : list of str
        What seems wrong with the networks.
    importances_ : DataFrame
        What each choice was worth for the rank of a network, see `phalanx.search.importance`.
    mattered_ : list of str
        The same in words, as far as so many networks support it.
    members_, best_ : list of FittedMember, FittedMember
        The trained networks, and the best of them, see `winner`.
    optimism_ : dict or None
        How good the best of several trials looks on the validation rows, and what it is worth without that luck.
    ensemble_ : dict
        The shares of the members that speak, by id.
    codec_ : Characters, Words or BytePairs
        What turns a text into codes and back.

    Examples
    --------
    >>> from phalanx import LSTM, Adam, LanguageModel
    >>> net = LanguageModel([LSTM(32)], optimizer=Adam(0.03), steps=16, max_rounds=20, batch_size=4).fit("hello " * 400)
    >>> net.generate("he", length=10, temperature=0)
    'hello hello '
    """

    @with_callbacks
    def fit(self, text: Any, y: Any = None) -> "LanguageModel":
        """Learn from one text, a `str`; `y` is not used. Returns the estimator."""
        if not isinstance(text, str):
            raise InputError(f"LanguageModel learns from one text, a str, not from {type(text).__name__}; join them")
        if isinstance(self.tokens, str) and self.tokens not in CODECS:
            raise unknown("LanguageModel", "tokens", self.tokens, CODECS)
        settings = self._settings(NATS)
        self.codec_ = CODECS[self.tokens].fit(text)
        codes = self.codec_.encode(text)
        nothing = np.zeros(0, np.int32)
        each = len(text) / max(len(codes), 1)
        corpus = Corpus(codes, nothing, self.codec_.tokens, self.steps, self.validation_fraction, each)
        clock = Clock(None if settings.minutes is None else time.monotonic() + 60 * settings.minutes)
        planned = plan(corpus, self._space(len(codes)), settings)
        with self._watching(planned, text, y) as watch:
            fitted = fit(corpus, planned, clock=clock, watch=watch)
            self._predictor = LanguagePredictor.of(LANGUAGE, fitted, self.codec_)
            keep(self, fitted, NATS, corpus)
            self._told = read_in_validation(corpus, fitted, self.codec_)
        return self

    def summary(self) -> Summary:
        """Return the layers of the best network, with parameters and connections; see `phalanx.summary`."""
        check_is_fitted(self)
        return summary_of(self._predictor, self._predictor.row_shape)

    def save(self, folder: str | Path) -> None:
        """Write what predicts, the leaderboard and the curves into a new folder, as plain data and arrays.

        `phalanx.load` opens it, and `phalanx generate` reads it. Raises `InputError` where the folder exists already or
        cannot be made; then nothing is left of it.
        """
        from phalanx.estimators.saving import save_language  # what it needs of runs takes long to load

        check_is_fitted(self)
        save_language(self, folder)

    def report(self, path: str | Path) -> None:
        """Write the page of the training, as `phalanx train` does: one HTML file that needs nothing from anywhere.

        A file that is there already is replaced. Raises `InputError` where it cannot be written.
        """
        from phalanx.estimators.saving import report_language

        check_is_fitted(self)
        report_language(self, path)

    def _alone(self, id_: str, final: Final) -> Self:
        """Return the estimator with one member that speaks."""
        alone = copy(self)
        alone._predictor = self._predictor.speaking(id_, final)
        return alone

    def score(self, text: str, y: Any = None) -> float:
        """Return the mean of log p(token | all before it) over the tokens of a text, in nats: higher is better."""
        return -self.evaluate(text)[NATS.name]

    def evaluate(self, text: str) -> dict[str, float]:
        """Return `nats_per_token`, `bits_per_character` and `perplexity` of a text."""
        check_is_fitted(self)
        return self._predictor.score(text)

    def log_density(self, X: Any) -> np.ndarray:
        """Return log P(text) of each text of a list, (texts,), in nats.

        It is the sum over the tokens of log p(token | all before it), where each text begins a line, as a prompt of
        `generate` does: P sums to 1 over all texts of as many tokens. Of a text of more than 2^15 tokens parts of at
        most as many are read, each without what was before.

        >>> from phalanx import LSTM, LanguageModel
        >>> net = LanguageModel([LSTM(8)], steps=16, max_rounds=2, batch_size=4).fit("hello " * 400)
        >>> bool(net.log_density(["hello"])[0] > net.log_density(["hello hello"])[0])
        True
        """
        check_is_fitted(self)
        if isinstance(X, str) or not all(isinstance(text, str) for text in X):
            raise InputError("log_density takes texts, a list of str; give [text] for one")
        return np.array([self._predictor.log_density(text) for text in X])

    def generate(self, prompt: str = "", length: int = 200, temperature: float = 1.0, random_state: int = 0) -> str:
        """Return the prompt and `length` tokens that follow it, drawn one after the other.

        p(token) ∝ p(token | before)^(1 / temperature): below 1 likelier tokens are preferred, and at 0 the likeliest is
        always taken.
        """
        check_is_fitted(self)
        return self._predictor.generate(prompt, length, temperature, random_state)

    def _space(self, tokens: int) -> Network:
        default = language_space(tokens)
        given = {
            name: getattr(self, name)
            for name in ("layers", "optimizer", "batch_size", "precision")
            if getattr(self, name) is not None
        }
        stopping = default.stopping if self.stopping == "auto" else self.stopping
        return replace(default, regularizers=self.regularizers, stopping=stopping, **given)
