"""A language model that was opened from its folder: what a person asks it in Python."""

from typing import Any

import numpy as np

from phalanx.kinds.language.model import LanguagePredictor
from phalanx.summaries import Summary, summary_of


class OpenedText:
    """A language model that continues and scores texts."""

    def __init__(self, model: LanguagePredictor, load: Any = None) -> None:
        self._model = model

    def generate(self, prompt: str = "", length: int = 200, temperature: float = 1.0, random_state: int = 0) -> str:
        """Return the prompt and `length` tokens that follow it; see `phalanx.LanguageModel.generate`."""
        return self._model.generate(prompt, length, temperature, random_state)

    def evaluate(self, text: str) -> dict[str, float]:
        """Return `nats_per_token`, `bits_per_character` and `perplexity` of a text."""
        return self._model.score(text)

    def log_density(self, texts: list[str]) -> np.ndarray:
        """Return log P(text) of each text, (texts,), in nats; see `phalanx.LanguageModel.log_density`."""
        return np.array([self._model.log_density(text) for text in texts])

    def summary(self) -> Summary:
        """Return the layers of the best network, with parameters and connections; see `phalanx.summary`."""
        return summary_of(self._model, self._model.row_shape)
