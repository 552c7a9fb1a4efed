"""Language models: one long text, of which a network learns what comes next.

- ``corpus``: the text as a task; what `problem` is for rows that have targets.
- ``scoring``: the cost of a text, and more text.
- ``speaker``: trained networks with the codec of its tokens.
- ``baselines``: what needs no network.
"""

from phalanx.kinds.language.baselines import language_baselines
from phalanx.kinds.language.corpus import Corpus, reading, scores
from phalanx.kinds.language.scoring import continuation, nats_per_token, probabilities
from phalanx.kinds.language.speaker import Speaker, split_text

__all__ = [
    "Corpus",
    "Speaker",
    "continuation",
    "language_baselines",
    "nats_per_token",
    "probabilities",
    "reading",
    "scores",
    "split_text",
]
