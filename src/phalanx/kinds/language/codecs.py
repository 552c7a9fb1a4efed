"""One long text as codes and back exactly, for language models: by characters, words or byte pairs.

Of characters and words code 0 is what training never saw.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from phalanx.errors import InputError
from phalanx.study import TOKENS

_UNKNOWN, _FIRST = 0, 1  # the code of what training never saw, and that of the first token
_REPLACEMENT = "\ufffd"  # Unicode's own sign for what is unknown
_PIECE = re.compile(r" ?\w+| ?[^\w\s]+|\s")  # every character is in a piece
_LEAST_WORDS = 2  # times that a piece must occur
_BYTES = 256


@dataclass(frozen=True)
class Characters:
    """A code for each character (code point) of the training text, in order.

    >>> codec = Characters.fit("banana")
    >>> codec.encode("nab").tolist(), codec.decode(codec.encode("nab"))
    ([3, 1, 2], 'nab')
    """

    alphabet: str

    @staticmethod
    def fit(text: str) -> "Characters":
        """Learn the characters of a text."""
        return Characters("".join(sorted(set(text))))

    @property
    def tokens(self) -> int:
        """The number of codes."""
        return len(self.alphabet) + _FIRST

    def encode(self, text: str) -> np.ndarray:
        """Return a code (int32) for each character."""
        known, given = _points(self.alphabet), _points(text)
        at = np.minimum(np.searchsorted(known, given), len(known) - 1)
        return np.where(known[at] == given, at + _FIRST, _UNKNOWN).astype(np.int32)

    def decode(self, codes: np.ndarray) -> str:
        """Return the text of codes; an unknown character is the replacement character."""
        return _joined(self.alphabet, codes)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"alphabet": self.alphabet}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Characters":
        """Return the codec whose `to_plain` this is."""
        return Characters(plain["alphabet"])


@dataclass(frozen=True)
class Words:
    """A code for each common word or sign with the space before it; others are spelled by their characters.

    >>> codec = Words.fit("to be or not to be, to be", size=2)
    >>> [codec.decode(code) for code in codec.encode("to be not")[:, None]]
    ['t', 'o', ' be', ' ', 'n', 'o', 't']
    """

    pieces: tuple[str, ...]

    @staticmethod
    def fit(text: str, size: int = 4_000) -> "Words":
        """Learn from a text its `size` most frequent words and signs that occur twice or more, and its characters."""
        counts = Counter(_PIECE.findall(text))
        words = [piece for piece, count in counts.most_common(size) if count >= _LEAST_WORDS]
        return Words(tuple(sorted({*text, *words})))

    @property
    def tokens(self) -> int:
        """The number of codes."""
        return len(self.pieces) + _FIRST

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {piece: code for code, piece in enumerate(self.pieces, start=_FIRST)}

    def encode(self, text: str) -> np.ndarray:
        """Return a code (int32) for each word and sign, or for each character of one that is not known."""
        known = self._codes
        codes: list[int] = []
        for piece in _PIECE.findall(text):
            if piece in known:
                codes.append(known[piece])
            else:
                codes += [known.get(character, _UNKNOWN) for character in piece]
        return np.array(codes, np.int32)

    def decode(self, codes: np.ndarray) -> str:
        """Return the text of codes; an unknown character is the replacement character."""
        return _joined(self.pieces, codes)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {"pieces": list(self.pieces)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Words":
        """Return the codec whose `to_plain` this is."""
        return Words(tuple(plain["pieces"]))


@dataclass(frozen=True)
class BytePairs:
    """Byte-pair encoding: pairs that occur often are merged, beginning with bytes, so that nothing is ever unknown.

    It is the byte-level variant of the package `tokenizers`, which must be installed. `state`: its own plain data.

    Source: Sennrich et al. 2016; Radford et al. 2019.
    """

    state: Mapping[str, Any]

    @staticmethod
    def fit(text: str, size: int = 1_000) -> "BytePairs":
        """Learn merges from a text until there are `size` tokens, of which the first 256 are bytes."""
        library = _tokenizers()
        if size < _BYTES:
            raise InputError(f"{size} tokens are too few for byte pairs: there are {_BYTES} bytes to begin with")
        tokenizer = library.Tokenizer(library.models.BPE())
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = library.decoders.ByteLevel()
        alphabet = library.pre_tokenizers.ByteLevel.alphabet()
        trainer = library.trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator([text], trainer)
        return BytePairs(json.loads(tokenizer.to_str()))

    @cached_property
    def _tokenizer(self) -> Any:
        return _tokenizers().Tokenizer.from_str(json.dumps(self.state))

    @property
    def tokens(self) -> int:
        """The number of codes."""
        return int(self._tokenizer.get_vocab_size())

    def encode(self, text: str) -> np.ndarray:
        """Return the codes (int32) of a text."""
        return np.array(self._tokenizer.encode(text).ids, np.int32)

    def decode(self, codes: np.ndarray) -> str:
        """Return the text of codes; bytes that are no character are the replacement character."""
        return str(self._tokenizer.decode(codes.tolist(), skip_special_tokens=False))

    def to_plain(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return dict(self.state)

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "BytePairs":
        """Return the codec whose `to_plain` this is."""
        return BytePairs(plain)


Codec = Characters | Words | BytePairs
"""What turns a text into codes and back."""

CODECS: dict[str, type[Codec]] = dict(zip(TOKENS, (Characters, Words, BytePairs), strict=True))
"""The codecs by name."""


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _joined(tokens: str | tuple[str, ...], codes: np.ndarray) -> str:
    return "".join(tokens[code - _FIRST] if code >= _FIRST else _REPLACEMENT for code in codes.tolist())


def _tokenizers() -> Any:
    """Return the package that learns byte pairs; it is an extra, since it brings clients of a network along."""
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError:
        raise InputError("byte pairs need the package tokenizers: pip install 'phalanx[bpe]'") from None
    return tokenizers
