"""What is tried when nothing is said: language models, few and large, for there the time goes into one network."""

from phalanx.layers import LSTM, Dropout, Embedding
from phalanx.likelihoods import Multinoulli
from phalanx.network import Network
from phalanx.optimizers import Adam, ClipNorm
from phalanx.parts import Cosine, loguniform, uniform
from phalanx.search.effort import Size
from phalanx.stopping import EarlyStopping

REFIT = "steps"
"""How the networks that speak are trained again on the validation text when nothing is said: it is the newest. See
`phalanx.population.refit`."""

_SIZES = (
    Size(100_000, 16, 2, 40),
    Size(3_000_000, 32, 2, 16),
    Size(float("inf"), 64, 2, 8),
)


def language_size(tokens: int) -> Size:
    """Return how much to try for a text of so many tokens."""
    return next(size for size in _SIZES if tokens <= size.rows)


def language_space(tokens: int) -> Network:
    """Return the space of language models for a text of so many tokens: an LSTM each, which differ in learning rate,
    dropout and weight decay. Without much of these two, a text of a million characters is soon learned by heart.
    """
    size = language_size(tokens)
    return Network(
        layers=[
            Embedding(64),
            Dropout(uniform(0.02, 0.12)),
            LSTM(320, output="all"),
            Dropout(uniform(0.4, 0.55)),
        ],
        likelihood=Multinoulli(),
        optimizer=Adam(
            Cosine(loguniform(4e-3, 7e-3), warmup=0.02), weight_decay=loguniform(2e-2, 1e-1), clip=ClipNorm(1.0)
        ),
        stopping=EarlyStopping(patience=4),
        batch_size=size.batch_size,
    )
