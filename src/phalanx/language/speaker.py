"""What speaks after training: a language model with the codec of its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from phalanx.data.texts import CODECS, Codec
from phalanx.errors import InputError
from phalanx.experiment import Fitted
from phalanx.language.scoring import continuation, nats_per_token
from phalanx.language.training import scores
from phalanx.leaderboard import leaderboard
from phalanx.metrics import NATS
from phalanx.population.predict import Final


@dataclass(frozen=True)
class Speaker:
    """A trained network that says which token comes next, and how a text becomes tokens."""

    codec: Codec
    final: Final

    def score(self, text: str) -> dict[str, float]:
        """Return `nats_per_token`, `bits_per_character` and `perplexity` of a text; it must have 2 tokens or more."""
        codes = self.codec.encode(text)
        return scores(nats_per_token(self.final, codes), len(text) / max(len(codes), 1))

    def generate(self, prompt: str = "", length: int = 200, temperature: float = 1.0, seed: int = 0) -> str:
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
        drawn = continuation(self.final, read, length, temperature, seed)
        return prompt + self.codec.decode(drawn)

    def unknown(self, prompt: str) -> list[str]:
        """Return the characters of a prompt that training never saw."""
        return [
            character
            for character in dict.fromkeys(prompt)
            if self.codec.decode(self.codec.encode(character)) != character
        ]

    def to_plain(self) -> dict[str, Any]:
        """Return the codec as plain data."""
        kind = next(name for name, cls in CODECS.items() if isinstance(self.codec, cls))
        return {"tokens": kind, "codec": self.codec.to_plain()}

    @staticmethod
    def from_plain(plain: Mapping[str, Any], final: Final) -> "Speaker":
        """Return the speaker whose `to_plain` this is."""
        return Speaker(CODECS[plain["tokens"]].from_plain(plain["codec"]), final)


def ranked(
    fitted: Fitted,
    baselines: Mapping[str, Mapping[str, Any]] | None = None,
    test: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """Return the leaderboard of language models, in which there is no ensemble: one network speaks.

    Arguments are those of `leaderboard`.
    """
    board = leaderboard(fitted, NATS, fitted.best.metrics, baselines, test)
    board = board[board["kind"] != "ensemble"].reset_index(drop=True)
    return board.assign(rank=range(1, len(board) + 1))


def split_text(text: str, test: float) -> tuple[str, str]:
    """Return what is learned from, and the last share of a text, which tests.

    >>> split_text("abcdefghij", 0.2)
    ('abcdefgh', 'ij')
    """
    cut = len(text) - round(len(text) * test)
    return text[:cut], text[cut:]
