"""What speaks after training: language models with the codec of their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from phalanx.candidates import Fitted
from phalanx.errors import InputError
from phalanx.kinds.language.codecs import CODECS, Codec
from phalanx.kinds.language.corpus import scores
from phalanx.kinds.language.scoring import Voices, continuation, nats_per_token, probabilities
from phalanx.population.predict import Final


@dataclass(frozen=True)
class Speaker:
    """Trained networks by id that say which token comes next, their shares in the ensemble, the id of the best, and how
    a text becomes tokens.
    """

    codec: Codec
    members: dict[str, Final]
    shares: dict[str, float]
    best: str

    @staticmethod
    def of(fitted: Fitted, codec: Codec) -> "Speaker":
        """Return what speaks of trained members: those of the ensemble, and the best one."""
        members = {fitted.members[i].id: fitted.members[i].final for i in fitted.used}
        shares = {fitted.members[i].id: share for i, share in fitted.shares.items()}
        return Speaker(codec, members, shares, fitted.best.id)

    def alone(self, id_: str, final: Final) -> "Speaker":
        """Return what speaks by one network only."""
        return replace(self, members={id_: final}, shares={id_: 1.0}, best=id_)

    def score(self, text: str, ensemble: bool = True) -> dict[str, float]:
        """Return `nats_per_token`, `bits_per_character` and `perplexity` of a text; it must have 2 tokens or more."""
        codes = self.codec.encode(text)
        said = probabilities(self._voices(ensemble), codes)
        return scores(nats_per_token(said), len(text) / len(codes))

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

    def unknown(self, prompt: str) -> list[str]:
        """Return the characters of a prompt that training never saw."""
        return [
            character
            for character in dict.fromkeys(prompt)
            if self.codec.decode(self.codec.encode(character)) != character
        ]

    def to_plain(self) -> dict[str, Any]:
        """Return what is no network as plain data."""
        kind = next(name for name, cls in CODECS.items() if isinstance(self.codec, cls))
        return {"tokens": kind, "codec": self.codec.to_plain(), "best": self.best, "shares": self.shares}

    @staticmethod
    def from_plain(plain: Mapping[str, Any], members: dict[str, Final]) -> "Speaker":
        """Return the speaker whose `to_plain` this is, with its networks."""
        codec = CODECS[plain["tokens"]].from_plain(plain["codec"])
        return Speaker(codec, members, plain["shares"], plain["best"])

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
