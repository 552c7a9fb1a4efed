"""What speaks after training: language models with the codec of their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from phalanx.candidates import Fitted
from phalanx.data import Source
from phalanx.errors import InputError
from phalanx.kinds.kind import Kind
from phalanx.kinds.language.codecs import CODECS, Codec
from phalanx.kinds.language.corpus import scores
from phalanx.kinds.language.scoring import Voices, continuation, nats_per_token, probabilities
from phalanx.population.predict import Final


@dataclass(frozen=True)
class LanguagePredictor:
    """Trained networks by id that say which token comes next, their shares in the ensemble, the id of the best, and how
    a text becomes tokens.
    """

    kind: Kind
    codec: Codec
    members: Mapping[str, Final]
    shares: Mapping[str, float]
    best: str

    @staticmethod
    def of(kind: Kind, fitted: Fitted, codec: Codec) -> "LanguagePredictor":
        """Return what speaks of trained members: those of the ensemble, and the best one."""
        members = {fitted.members[i].id: fitted.members[i].final for i in fitted.used}
        shares = {fitted.members[i].id: share for i, share in fitted.shares.items()}
        return LanguagePredictor(kind, codec, members, shares, fitted.best.id)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row: networks that speak read a token at a time."""
        return (1,)

    def alone(self, id_: str) -> "LanguagePredictor":
        """Return what speaks by one network only."""
        return self.speaking(id_, self.members[id_])

    def speaking(self, id_: str, final: Final) -> "LanguagePredictor":
        """Return what speaks by a network alone, which need not be among those that are kept."""
        return replace(self, members={id_: final}, shares={id_: 1.0}, best=id_)

    def score(self, text: str, ensemble: bool = True) -> dict[str, float]:
        """Return `nats_per_token`, `bits_per_character` and `perplexity` of a text; it must have 2 tokens or more."""
        return self.read(text, ensemble)[0]

    def read(self, text: str, ensemble: bool = True) -> tuple[dict[str, float], np.ndarray]:
        """Return the metrics of a text, see `score`, and how probable each token but the first was said to be."""
        codes = self.codec.encode(text)
        said = probabilities(self._voices(ensemble), codes)
        return scores(nats_per_token(said), len(text) / len(codes)), said

    def log_density(self, text: str, ensemble: bool = True) -> float:
        """Return log P(text), in nats: the sum over its tokens of log p(token | a line feed and all before it), so that
        the text begins a line, as a prompt does; 0 for one without tokens.

        A probability that rounds to 0 counts as the smallest that single precision holds.
        """
        codes = self.codec.encode("\n" + text)
        if len(codes) < 2:
            return 0.0
        said = probabilities(self._voices(ensemble), codes)
        return float(-nats_per_token(said) * len(said))

    def generate(
        self, prompt: str = "", length: int = 200, temperature: float = 1.0, seed: int = 0, ensemble: bool = True
    ) -> str:
        """Return the prompt and `length` tokens that follow it, each drawn given all before it.

        p(token) ∝ p(token | before)^(1 / temperature): below 1 likelier tokens are preferred, and at 0 the likeliest is
        always taken. The prompt begins a line. Raises InputError for numbers out of range.
        """
        if not 1 <= length <= 10_000_000:
            raise InputError(f"length is {length!r}, but must be a whole number of tokens from 1 to 10,000,000")
        if not 0 <= temperature < float("inf"):
            raise InputError(f"temperature is {temperature!r}, but must be a number at least 0")
        if not 0 <= seed < 2**32:
            raise InputError(f"seed is {seed!r}, but must be a whole number from 0 to {2**32 - 1:,}")
        read = self.codec.encode("\n" + prompt)
        drawn = continuation(self._voices(ensemble), read, length, temperature, seed)
        return prompt + self.codec.decode(drawn)

    def continued(
        self, prompt: str, length: int, temperature: float, seed: int, ensemble: bool
    ) -> tuple[str, list[str]]:
        """Return a prompt and what follows it, see `generate`, and warnings."""
        return self.generate(prompt, length, temperature, seed, ensemble), self._never_seen(prompt)

    def table(self, source: Source, level: float = 0.9, ensemble: bool = True) -> pd.DataFrame:
        """Raise `InputError`: there is no table to predict."""
        raise InputError("the run is a language model, which predicts no table: use `phalanx generate` or `evaluate`")

    def evaluate(self, source: Source, ensemble: bool = True) -> tuple[dict[str, float], int, list[str]]:
        """Return all metrics of a text, its characters, and warnings."""
        text = source.inputs[0]
        return self.score(text, ensemble), len(text), []

    def unseen(self, source: Source) -> list[str]:
        """Return which characters of a text training never saw, in a sentence."""
        return self._never_seen(source.inputs[0])

    def _never_seen(self, text: str) -> list[str]:
        unknown = self.unknown(text)
        listed = ", ".join(map(repr, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
        return (
            [f"the text that was learned from never holds {listed}: read as one unknown character"] if unknown else []
        )

    def unknown(self, prompt: str) -> list[str]:
        """Return the characters of a prompt that training never saw."""
        return [
            character
            for character in dict.fromkeys(prompt)
            if self.codec.decode(self.codec.encode(character)) != character
        ]

    def to_plain(self) -> dict[str, Any]:
        """Return what is no network as plain data."""
        name = next(name for name, cls in CODECS.items() if isinstance(self.codec, cls))
        return {"language": {"tokens": name, "codec": self.codec.to_plain(), "best": self.best, "shares": self.shares}}

    def _voices(self, ensemble: bool) -> Voices:
        shares = self.shares if ensemble else {self.best: 1.0}
        return [(self.members[id_], share) for id_, share in shares.items()]


def split_text(text: str, test: float) -> tuple[str, str]:
    """Return what is learned from, and the last share of a text, which tests.

    >>> split_text("abcdefghij", 0.2)
    ('abcdefgh', 'ij')
    """
    cut = len(text) - round(len(text) * test)
    return text[:cut], text[cut:]
