"""The encoder of texts to learn from: the words of the training texts, and any text as codes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from phalanx.data.encoded import Encoded
from phalanx.data.letters import composed
from phalanx.errors import InputError
from phalanx.kinds.codes.tokens import TokenEncoder
from phalanx.kinds.texts.table import texts_of_column

_PADDING, _UNKNOWN, _FIRST = 0, 1, 2
"""The code after the end of a text, that of a word not seen in training, and that of the first word."""

_PATTERN = r"\w+(?:['’]\w+)*"
_MOST_WORDS, _LEAST_TEXTS = 20_000, 2  # words kept, and training texts in which each must occur
_MOST_STEPS, _WHOLE = 1_000, 0.95  # steps kept of a text, and the share of training texts kept whole


def _plain(text: str) -> str:
    return composed(text.lower())


_words = CountVectorizer(token_pattern=_PATTERN, preprocessor=_plain).build_analyzer()

_Cut = list[list[str]]
"""The words of each text."""


@dataclass(frozen=True)
class TextEncoder(TokenEncoder):
    """Turns texts into rows of `steps` int32 codes, one a word: 0 after the end, 1 for an unknown word.

    Words are runs of letters and digits in lower case, apostrophes inside them included. Known are the 20,000
    commonest of those that occur in at least two training texts. `steps` is as long as 95 of 100 training texts, at
    most 1,000; of a longer text the first and the last half of so many words are kept.

    `documents`: how many of the `texts` trained on hold each word. `column`: the table's column of texts, if any.
    `most`: codes that there are in any case.

    >>> encoder = TextEncoder.fit(np.array(["A good film.", "a bad film"], object))
    >>> encoder.words, encoder.transform(np.array(["Film: good!"], object)).tolist()
    (('a', 'film'), [[3, 1, 0]])
    """

    words: tuple[str, ...]
    documents: tuple[int, ...]
    texts: int
    steps: int
    column: str | None = None
    most: int = 0

    def widened(self, steps: int, tokens: int) -> "TextEncoder":
        return replace(self, steps=steps, most=tokens)

    def describe(self, rows: int) -> list[str]:
        where = f" in column {self.column!r}" if self.column else ""
        return [f"texts: {rows:,}{where}, of at most {self.steps:,} words; {len(self.words):,} words are known"]

    @staticmethod
    def fit(rows: np.ndarray) -> "TextEncoder":
        """Learn from training texts, an array (n,) of `str`; raise InputError where no two of them share a word."""
        return TextEncoder._of(_cut(rows))

    @staticmethod
    def fit_each(
        rows: np.ndarray, trains: Sequence[np.ndarray], column: str | None = None
    ) -> tuple[list["TextEncoder"], list[np.ndarray]]:
        """Learn from the texts at the positions that train in each fold, and return all of them as codes too, each
        (n, steps); a text is cut into words once.
        """
        held = _cut(rows)
        learned = [replace(TextEncoder._of([held[i] for i in train]), column=column) for train in trains]
        encoders = list(TextEncoder.alike(learned))
        return encoders, [encoder._coded(held) for encoder in encoders]

    @staticmethod
    def _of(held: _Cut) -> "TextEncoder":
        counter = CountVectorizer(analyzer=list, min_df=min(_LEAST_TEXTS, len(held)), max_features=_MOST_WORDS)
        try:
            counts = counter.fit_transform(held)
        except ValueError:  # its word for an empty vocabulary
            raise InputError("no word occurs in two of the training texts: give more of them, or longer ones") from None
        documents = np.bincount(counts.indices, minlength=counts.shape[1])
        words = tuple(str(word) for word in counter.get_feature_names_out())
        longest = int(np.quantile([len(words) for words in held], _WHOLE, method="higher"))
        steps = min(max(longest, 1), _MOST_STEPS)
        return TextEncoder(words, tuple(documents.tolist()), len(held), steps)

    @property
    def tokens(self) -> int:  # type: ignore[override]
        """The number of codes."""
        return max(len(self.words) + _FIRST, self.most)

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words, start=_FIRST)}

    def transform(self, rows: Any) -> np.ndarray:
        """Return texts as codes (n, steps); raise `InputError` for anything but texts.

        A text without words is one unknown word, so that every row has a step.
        """
        if self.column is not None and isinstance(rows, pd.DataFrame):
            rows = texts_of_column(rows[self.column])
        if not isinstance(rows, np.ndarray) or rows.ndim != 1:
            raise InputError("the model was trained on texts; give texts")
        return self._coded(_cut(rows))

    def _coded(self, held: _Cut) -> np.ndarray:
        codes = np.full((len(held), self.steps), _PADDING, np.int32)
        first = (self.steps + 1) // 2
        for row, words in zip(codes, held, strict=True):
            known = [self._codes.get(word, _UNKNOWN) for word in words] or [_UNKNOWN]
            if len(known) > self.steps:
                known = known[:first] + known[len(known) - self.steps + first :]
            row[: len(known)] = known
        return codes

    def as_numbers(self, rows: np.ndarray) -> Encoded:
        """Return TF-IDF (sparse) of codes, for models that take no sequences.

        A word that occurs n > 0 times in a row, and in d of m training texts, has the number
        (1 + ln n) (1 + ln((1 + m) / (1 + d))); then each row is divided by its length as a vector.
        """
        row, step = np.nonzero(rows >= _FIRST)
        word = rows[row, step] - _FIRST
        shape = (len(rows), len(self.words))
        counts = sparse.coo_array((np.ones(len(word)), (row, word)), shape).tocsr()  # adds up what occurs twice
        rarity = 1 + np.log((1 + self.texts) / (1 + np.array(self.documents)))
        counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
        return Encoded(normalize(counts), np.zeros((len(rows), 0), np.int32))


def _cut(rows: Iterable[str]) -> _Cut:
    """Return the words of each text; a word that occurs again is the same object, so that it takes room once."""
    seen: dict[str, str] = {}
    return [[seen.setdefault(word, word) for word in _words(text)] for text in rows]
