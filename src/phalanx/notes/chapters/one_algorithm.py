"""One algorithm: the same call learns from a table, from images, from sounds and from texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import binomtest, ttest_ind
from sklearn.datasets import load_digits, load_wine

from phalanx import Classifier, Conv, Dense, Flatten, MaxPool, ReLU

ROWS = ("A1",)

TEXT = r"""
Perception in the brain, the notes say, may be due to *one* learning algorithm: the areas for sight, hearing and touch
can take over each other's work, so there may be one rule behind them all. (The book: 1.2.1.) The claim about the brain
cannot be computed. The one about networks can: here one and the same call is given four kinds of data.

«source: learner»

- a table: «about»;
- images: digits of 8 × 8 pixels (scikit-learn's);
- sounds: notes of random pitch, length and loudness by four made instruments, as samples;
- texts: made sentences that state or ask, "the cat does see a dog", "does the cat see a dog": only the order tells.

Nothing in the call says which sense it is. The hidden layer sees numbers and has no idea which of them are neighbours;
the rule is gradient descent on the likelihood of the classes, with the steps of `Adam`. What differs stands before the
first layer and is no learning rule: a column is scaled, samples become loudness by band and time, a word becomes the
vector that belongs to it, and this vector is learned by the same descent.

«table»

![Share of the test examples that each seed names, and what always saying the commonest class would get.](scores)

A third of the examples teach, the others test. Each kind has «seeds» seeds, and each seed is far above always saying
the commonest class: the column *at least* is the lower end of an exact 99.9 % interval for the worst of them.

## It does not know that it sees

Mix up the pixels of all images, each image in the same way. To an eye nothing is left. The network names «mixed:.1%»
of the mixed digits, and «straight:.1%» with the pixels in their places: a difference of «mixing[0]:+.1%» ±
«mixing[1]:.1%» (95 %, over seeds). A hidden unit is joined to all pixels, so their order means nothing to it, and
nothing is lost.

A layer that is made for a sense is another matter. With a [convolution](chapter:prior) in front, which joins
neighbours only, «convolved[0]:.1%» are named with the pixels in their places, a gain of «gain[0]:.1%» ± «gain[1]:.1%».
With mixed pixels it is «convolved[1]:.1%», «loss[0]:.1%» ± «loss[1]:.1%» less. Part of what is known about sight sits
in the layers, and not in the algorithm.

## How far the hypothesis carries

One algorithm served four senses here. That is not to say that one *setting* is best for all: the notes themselves go
on to say that the algorithm has to be tuned to the problem, and that there is none for everything. The last is a
theorem, and has [a chapter](chapter:no_free_lunch). Nor does it follow that what was learned on one sense helps with
another; that is [computed elsewhere](chapter:rewired), and comes out differently.
"""

INSTRUMENTS = ("flute", "clarinet", "string", "bell")
MOODS = ("statement", "question")
BEINGS = ("the cat", "a dog", "my friend", "the old man", "she", "a bird")
VERBS = ("see", "like", "hear", "follow", "know")
ENDINGS = ("", " today", " again", " in the garden")


def compute(
    seeds: int = 6, pictures: int = 900, examples: int = 450, data: str | None = None, target: str | None = None
) -> dict[str, Any]:
    """Return what the chapter claims, computed; `data`: a CSV in the place of the wines."""
    digits = images(pictures)
    kinds: dict[str, Any] = {
        "table": wines() if data is None else own(data, target),
        "images": digits,
        "sounds": sounds(examples),
        "texts": texts(examples),
    }
    found = {name: taught(learner(seeds), *rows) for name, rows in kinds.items()}
    mixed, *looked = (
        taught(net(seeds), X, digits[1])[0]
        for net, X in ((learner, scrambled(digits[0])), (looker, digits[0]), (looker, scrambled(digits[0])))
    )
    straight = found["images"][0]
    return {
        "about": "thirteen measurements of wines, from three growers (scikit-learn's)" if data is None else data,
        "seeds": seeds,
        "scores": {name: scores for name, (scores, _, _) in found.items()},
        "commonest": {name: share for name, (_, share, _) in found.items()},
        "tested": {name: count for name, (_, _, count) in found.items()},
        "table": _table(found),
        "straight": float(np.mean(straight)),
        "mixed": float(np.mean(mixed)),
        "mixing": _difference(mixed, straight),
        "convolved": [float(np.mean(scores)) for scores in looked],
        "gain": _difference(looked[0], straight),
        "loss": _difference(looked[0], looked[1]),
    }


def learner(seeds: int) -> Classifier:
    """Return what learns, whatever the data are."""
    return Classifier([Flatten(), Dense(64), ReLU()], repeats=seeds, max_rounds=40)


def looker(seeds: int) -> Classifier:
    """Return what learns from images, by a layer that joins neighbouring pixels."""
    return Classifier([Conv(16, 3), ReLU(), MaxPool(2), Flatten(), Dense(64), ReLU()], repeats=seeds, max_rounds=40)


def taught(net: Classifier, X: Any, y: np.ndarray) -> tuple[list[float], float, int]:
    """Return the shares of the last two thirds of the examples that networks name which learn from the first, that of
    the commonest class there, and how many these are.
    """
    first = len(y) // 3
    net.fit(X[:first], y[:first])
    told = y[first:]
    scores = [float(np.mean(member.predict(X[first:]) == told)) for member in net.members_]
    return scores, float(np.unique(told, return_counts=True)[1].max() / len(told)), len(told)


def wines() -> tuple[np.ndarray, np.ndarray]:
    """Return a table of wines, and who grew each."""
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(y))
    return X[order], y[order]


def own(data: str, target: str | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table of a reader's own, and its column of classes, the last if no other is named."""
    frame = pd.read_csv(data).sample(frac=1, random_state=1, ignore_index=True)
    name = frame.columns[-1] if target is None else target
    return frame.drop(columns=name), frame[name].astype(str).to_numpy()


def images(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of digits, and which these are."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(y))[:examples]
    return X[order].reshape(-1, 8, 8, 1), y[order]


def scrambled(X: np.ndarray) -> np.ndarray:
    """Return images whose pixels are mixed up, in all in the same way."""
    return X.reshape(len(X), -1)[:, np.random.default_rng(2).permutation(64)].reshape(X.shape)


def sounds(examples: int) -> tuple[list[tuple[int, np.ndarray]], np.ndarray]:
    """Return notes, each as samples a second and samples, and the instrument of each."""
    rng = np.random.default_rng(3)
    y = rng.choice(INSTRUMENTS, examples)
    return [note(name, rng) for name in y], y


def note(instrument: str, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """Return a note by its overtones: their pitches as multiples of the lowest, and how loud they are."""
    rate = 8000
    t = np.arange(rng.integers(1600, 2400)) / rate
    overtones: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        "flute": ([1], [1]),
        "clarinet": ([1, 3, 5, 7], [1, 0.6, 0.4, 0.3]),
        "string": (range(1, 9), [1 / n for n in range(1, 9)]),
        "bell": ([1, 2.76, 5.4], [1, 0.6, 0.4]),
    }
    pitches, loudness = overtones[instrument]
    hertz, held = rng.uniform(200, 500), np.exp(-t / 0.08) if instrument == "bell" else 1.0
    waves = [
        a * np.sin(2 * np.pi * n * hertz * t + rng.uniform(0, 2 * np.pi))
        for n, a in zip(pitches, loudness, strict=True)
    ]
    samples = rng.uniform(0.1, 1) * (held * np.sum(waves, axis=0) + rng.normal(0, 0.5, len(t)))
    return rate, samples.astype(np.float32)


def texts(examples: int) -> tuple[list[str], np.ndarray]:
    """Return sentences, and whether each states or asks."""
    rng = np.random.default_rng(4)
    y = rng.choice(MOODS, examples)
    return [sentence(mood, rng) for mood in y], y


def sentence(mood: str, rng: np.random.Generator) -> str:
    """Return a sentence, whose mood shows in the order of its words only."""
    one, other = rng.choice(BEINGS, 2, replace=False)
    first = f"does {one}" if mood == "question" else f"{one} does"
    return f"{first} {rng.choice(VERBS)} {other}{rng.choice(ENDINGS)}"


def _table(found: dict[str, tuple[list[float], float, int]]) -> pd.DataFrame:
    rows = []
    for name, (scores, commonest, count) in found.items():
        worst = binomtest(round(min(scores) * count), count).proportion_ci(0.999).low
        cells = (f"{share:.2f}" for share in (np.mean(scores), worst, commonest))
        rows.append((name, count, *cells))
    return pd.DataFrame(rows, columns=["data", "test examples", "named", "at least", "commonest class"])


def _difference(one: list[float], other: list[float]) -> tuple[float, float]:
    """Return the difference of two means over seeds, and the half width of its 95 % interval (Welch)."""
    interval = ttest_ind(one, other, equal_var=False).confidence_interval()
    return float(np.mean(one) - np.mean(other)), float(interval.high - interval.low) / 2


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 2.9), layout="constrained")
    axes = figure.subplots()
    for place, (name, scores) in enumerate(found["scores"].items()):
        axes.plot([place] * len(scores), scores, "o", color="C0", label=None if place else "each seed")
        axes.plot(
            place, found["commonest"][name], "_", color="C1", ms=24, label=None if place else "the commonest class"
        )
    axes.set(ylim=(0, 1.05), ylabel="test examples named")
    axes.set_xticks(range(len(found["scores"])), list(found["scores"]))
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return {"scores": figure}
