"""Language models: one long text, of which a network learns what comes next.

- ``training``: the text as rows, and networks trained on it; what `experiment` is for rows that have targets.
- ``scoring``: the cost of a text, and more text.
- ``speaker``: trained networks with the codec of its tokens.
- ``baselines``: what needs no network.
"""

from phalanx.language.baselines import language_baselines
from phalanx.language.scoring import continuation, nats_per_token, probabilities
from phalanx.language.speaker import Speaker, split_text
from phalanx.language.training import Corpus, fit, prepared, reading, rule_of, scores

__all__ = [
    "Corpus",
    "Speaker",
    "continuation",
    "fit",
    "language_baselines",
    "nats_per_token",
    "prepared",
    "probabilities",
    "reading",
    "rule_of",
    "scores",
    "split_text",
]
