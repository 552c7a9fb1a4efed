"""Sharing: one weight at two places, one set of word vectors for two tasks, and a penalty on what units say."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

from phalanx import (
    ActivityL1,
    Adam,
    Classifier,
    Cosine,
    Dense,
    Embedding,
    Factor,
    Flatten,
    Gaussian,
    GlobalAveragePool,
    Head,
    Joint,
    Multinoulli,
    MultiTask,
    Network,
    Regressor,
    ReLU,
    Tanh,
    Tied,
    choice,
)
from phalanx.model import Batch, Noise, cost, initialize
from phalanx.notes.intervals import interval

ROWS = ("F5", "F7", "F8")

TEXT = r"""
Three places of the notes have one thought: a network is held back from learning its examples by heart if its parts are
not free of each other. Weights are shared between places, a representation is shared between tasks, and a penalty
$\lambda\,\Omega(\mathbf{h})$ is put on what the units say. (The book: 7.9, 7.7 and 7.10.)

## One weight, two places

An autoencoder of «pixels» pixels and «code» units has a weight on the way in and another on the way out. Why not the
same, transposed? `Tied` learns one; its gradient is the sum of those at its two places,

$$\frac{\partial J}{\partial W} = \frac{\partial J}{\partial W_\mathrm{in}} + \left(\frac{\partial J}{\partial
W_\mathrm{out}}\right)^\top,$$

and measured, the two sides differ by «gap:.0e», where the largest slope is «steepest:.2f». How much of the variance of
new images is lost, with «draws» draws of the training images and 95 % intervals:

«copies»

With few images the shared weight is the better one, by «few_gain[0]:.3f» ± «few_gain[1]:.3f»; with many it is in the
way, by «many_loss[0]:.3f» ± «many_loss[1]:.3f». To share is a prior: it says something before the data do, and is
worth most where they say little. [Convolution](chapter:prior) and [recurrence](chapter:unrolled) share far more.

## One set of word vectors, two tasks

The notes have sentences that go to two heads, whether they are kind and whether they mock. They warn of vectors
learned for one of these alone: such vectors are prejudiced. Here each of «vocabulary» made words has two meanings, two
numbers, of which the network knows nothing. A sentence of «length» words is as kind, or as mocking, as the sum of its
words.

«source: two_tasks»

The weight of a head is a knob. So vectors learned for one task, for the other, for both, and for none are one
population. What a linear function can read off them, as shares of the variance of each meaning:

«meanings»

What a task does not ask for, its vectors do not hold. Now a third task comes, with only «few» sentences to learn from,
and the vectors are kept. In one case a kind sentence that mocks means the opposite, so that both meanings are needed.
In the other, the sentiment is asked for once more:

«third»

![Sentences of the third task that are understood, by what the word vectors were learned for.](third)

Where both meanings count, shared vectors are better than those of sentiment alone by «shared[0]:.3f» ±
«shared[1]:.3f», and better than if they learn on with the few sentences, by «learned_on[0]:.3f» ± «learned_on[1]:.3f».
Where sentiment alone counts, they are at «same[0]:+.3f» ± «same[1]:.3f» against its own, while those of sarcasm are
hardly better than none: that is the prejudice. For the two first tasks themselves sharing changed little: sentiment is
named for «own[0]:.1%» of new sentences if learned alone and for «own[1]:.1%» if learned with sarcasm. The two have
nothing to do with each other here. The gain is in what comes later.

## A penalty on what the units say

`ActivityL1` adds $\alpha \sum_j |h_j|$ to the cost of a row: not on the weights, but on what the «hidden» rectifiers
of a layer say.

![Rectifiers that are active for an image, and digits that are named, as the penalty grows.](sparse)

Without a penalty «active[0]:.0%» of the units are active for a new digit; with $\alpha =$ «alphas[2]» only
«active[2]:.0%», and «named[2]:.1%» of the digits are named, where it was «named[0]:.1%» (a difference of
«dense[0]:+.3f» ± «dense[1]:.3f» over the seeds). At $\alpha =$ «alphas[3]» there are «active[3]:.0%» left, and the
names begin to suffer («named[3]:.1%»).
"""

PIXELS, CODE = 64, 16
VOCABULARY, LENGTH = 60, 6
LEARNED_FOR = ("nothing", "sarcasm", "sentiment", "both")
FEW_AND_MANY = (50, 1000)
THIRD = {"both meanings": lambda kind, mocking: kind - mocking, "sentiment": lambda kind, mocking: kind}
ALPHAS = (0.0, 0.001, 0.01, 0.1)


def compute(seeds: int = 4, draws: int = 4, steps: int = 1500) -> dict[str, Any]:
    """Return what the chapter claims, computed; `draws` of the examples, `steps` of the autoencoders."""
    few, many = (copied(count, seeds, draws, steps) for count in FEW_AND_MANY)
    found: dict[str, Any] = {
        "pixels": PIXELS,
        "code": CODE,
        "draws": draws,
        "few_gain": interval(few[:, 0] - few[:, 1]),
        "many_loss": interval(many[:, 1] - many[:, 0]),
        "errors": {"few": few, "many": many},
        "copies": _copies(few, many),
    }
    found |= word_vectors(seeds, draws) | sparse(seeds)
    together, way_in, way_out = slopes()
    gap, steepest = np.abs(together - way_in - way_out).max(), np.abs(together).max()
    return found | {"gap": float(gap), "steepest": float(steepest)}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images of digits, from 0 to 1, in a random order, and which these are."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).astype(np.float32).reshape(-1, 8, 8, 1), y[order]


TIED = Tied(on=("encoder", "output"), transpose=True)


def autoencoder(regularizers: Any, **options: Any) -> Regressor:
    """Return a network that gives its pixels back through a narrow layer."""
    layers = [Flatten(), Dense(CODE, name="encoder"), Tanh()]
    return Regressor(layers, regularizers=regularizers, stopping=None, **options)


def copied(few: int, seeds: int, draws: int, steps: int) -> np.ndarray:
    """Return the error of autoencoders that learned from so many images, with weights of their own and shared ones: in
    shares of the variance of new images, by (draw, kind).
    """
    X, _ = digits()
    flat, new = X.reshape(len(X), PIXELS), slice(1000, None)
    variance = np.mean((flat[new] - flat[:1000].mean(0)) ** 2)
    errors = np.zeros((draws, 2))
    for number in range(draws):
        at = np.random.default_rng(number).choice(1000, few, replace=False)
        for kind, regularizers in enumerate(([], [TIED])):
            options = {"optimizer": Adam(Cosine(0.01)), "repeats": seeds, "max_rounds": 1, "round_steps": steps}
            net = autoencoder(regularizers, batch_size=32, **options)
            members = net.fit(X[at], flat[at], validation=(X[at[:2]], flat[at[:2]])).members_
            errors[number, kind] = np.mean([np.mean((m.predict(X[new]) - flat[new]) ** 2) for m in members]) / variance
    return errors


def slopes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradient in a shared weight, and those in two weights of its own at the same place, as it stands."""
    X, _ = digits()
    rows = X[:100].reshape(100, PIXELS)
    batch = Batch(jnp.asarray(rows), (jnp.asarray(rows),), jnp.ones(100))
    layers = [Dense(CODE, name="encoder"), Tanh(), Dense(PIXELS, name="output")]
    shared, own = (Network(layers, Gaussian(), regularizers) for regularizers in ([TIED], []))
    params, states = initialize(shared, 0, (PIXELS,))
    apart = {**params, "output": {**params["output"], "weight": params["encoder"]["weight"].T}}
    slope = jax.grad(cost, argnums=1, has_aux=True)
    one, _ = slope(shared, params, states, batch, Noise({}, {}, {}))
    two, _ = slope(own, apart, states, batch, Noise({}, {}, {}))
    way_in, way_out = (two[layer]["weight"] for layer in ("encoder", "output"))
    return np.asarray(one["encoder"]["weight"]), np.asarray(way_in), np.asarray(way_out).T


def language(rng: np.random.Generator, count: int, meanings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sentences of words by their numbers, how kind and how mocking each is, with some noise of its own."""
    sentences = rng.integers(0, VOCABULARY, (count, LENGTH))
    kind, mocking = (meanings[sentences].sum(1) + rng.normal(0, 0.5, (count, 2))).T
    return sentences, kind, mocking


def two_tasks(seeds: int, tasks: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[Any]:
    """Return networks that learned sentiment, sarcasm, both or neither: the weights of the heads are knobs."""
    sentences, kind, mocking = tasks
    heads = [
        Head(Multinoulli(), [Dense(8), Tanh()], weight=choice(0.0, 1.0), targets=(name,), name=name)
        for name in ("sentiment", "sarcasm")
    ]
    net = MultiTask(
        [Embedding(4, tokens=VOCABULARY, name="words"), GlobalAveragePool()],
        likelihood=Joint(heads),
        optimizer=Adam(0.01),
        stopping=None,
        batch_size=32,
        repeats=seeds,
        trials=4,
        design="grid",
        max_rounds=40,
    )
    labels = pd.DataFrame({"sentiment": kind > 0, "sarcasm": mocking > 0}).astype(str)
    return net.fit(sentences, labels, validation=(sentences[:2], labels[:2])).members_


def third_task(members: list[Any], sentences: np.ndarray, y: np.ndarray, new: np.ndarray) -> list[np.ndarray]:
    """Return what networks say of new sentences that learned a third task from a few, with the vectors that they were
    given and kept, or learned on.
    """
    pace = Factor(choice(0.0, 1.0), on=("words",))
    net = Classifier(
        [Embedding(4, tokens=VOCABULARY, name="words"), GlobalAveragePool(), Dense(8), Tanh()],
        optimizer=Adam(0.01, factors=[pace]),
        start=[{"words": member.params["words"]} for member in members],
        repeats=len(members),
        trials=2,
        design="grid",
        stopping=None,
        batch_size=16,
        max_rounds=60,
    )
    return [member.predict(new) for member in net.fit(sentences, y, validation=(sentences[:2], y[:2])).members_]


def word_vectors(seeds: int, draws: int, few: int = 64) -> dict[str, Any]:
    """Return what the word vectors hold, and what they are worth for a third task with few examples."""
    rng = np.random.default_rng(0)
    meanings = rng.normal(0, 1, (VOCABULARY, 2))
    members = two_tasks(seeds, language(rng, 800, meanings))
    held = np.array([read_off(member.params["words"], meanings) for member in members])
    new, kind, _ = language(rng, 1000, meanings)
    own = [np.mean((member.predict(new)["sentiment"] == "True") == (kind > 0)) for member in members]
    right = []
    for number in range(draws):
        rng = np.random.default_rng(1 + number)
        learn, test = language(rng, few, meanings), language(rng, 1000, meanings)
        for asks in THIRD.values():
            y, truth = (asks(*part[1:]) > 0 for part in (learn, test))
            right.append([np.mean(told == truth) for told in third_task(members, learn[0], y, test[0])])
    scores = np.reshape(right, (draws, len(THIRD), 2, len(LEARNED_FOR), seeds)).mean(-1)
    kept = scores[:, :, 0]
    by_task = np.reshape(own, (len(LEARNED_FOR), seeds)).mean(1)
    return {
        "vocabulary": VOCABULARY,
        "length": LENGTH,
        "few": few,
        "held": held.reshape(len(LEARNED_FOR), seeds, 2).mean(1),
        "meanings": _meanings(held.reshape(len(LEARNED_FOR), seeds, 2).mean(1)),
        "scores": scores,
        "third": _third(scores),
        "shared": interval(kept[:, 0, 3] - kept[:, 0, 2]),
        "learned_on": interval(kept[:, 0, 3] - scores[:, 0, 1, 3]),
        "same": interval(kept[:, 1, 3] - kept[:, 1, 2]),
        "own": (float(by_task[2]), float(by_task[3])),
    }


def read_off(words: Any, meanings: np.ndarray) -> list[float]:
    """Return which share of the variance of each meaning a linear function of the word vectors says."""
    vectors = words["weight"][-VOCABULARY:]
    return [float(LinearRegression().fit(vectors, column).score(vectors, column)) for column in meanings.T]


def sparse(seeds: int) -> dict[str, Any]:
    """Return how many units are active for an image, and how many images are named, by the penalty on activity."""
    X, y = digits()
    net = Classifier(
        [Flatten(), Dense(64, name="features"), ReLU(name="active")],
        regularizers=[ActivityL1(choice(*ALPHAS), on=("active",))],
        optimizer=Adam(0.003),
        stopping=None,
        batch_size=32,
        repeats=seeds,
        trials=len(ALPHAS),
        design="grid",
        max_rounds=20,
    )
    members = net.fit(X[:1000], y[:1000], validation=(X[:2], y[:2])).members_
    encoder: Any = net.encoder_
    flat = (X[1000:].reshape(-1, PIXELS) - encoder.mean) / encoder.deviation
    active = [np.mean(flat @ m.params["features"]["weight"] + m.params["features"]["bias"] > 0) for m in members]
    named = [np.mean(m.predict(X[1000:]) == y[1000:]) for m in members]
    shape = len(ALPHAS), seeds
    of_alphas = [np.reshape(values, shape) for values in (active, named)]
    return {
        "hidden": 64,
        "alphas": ALPHAS,
        "active": of_alphas[0].mean(1).tolist(),
        "named": of_alphas[1].mean(1).tolist(),
        "each": of_alphas,
        "dense": interval(of_alphas[1][2] - of_alphas[1][0]),
    }


def _copies(few: np.ndarray, many: np.ndarray) -> pd.DataFrame:
    rows = [
        (count, *("{:.3f} ± {:.3f}".format(*interval(each[:, kind])) for kind in range(2)))
        for count, each in zip(FEW_AND_MANY, (few, many), strict=True)
    ]
    return pd.DataFrame(rows, columns=["training images", "two weights", "one shared weight"])


def _meanings(held: np.ndarray) -> pd.DataFrame:
    rows = [(name, *(f"{share:.2f}" for share in each)) for name, each in zip(LEARNED_FOR, held, strict=True)]
    return pd.DataFrame(rows, columns=["vectors learned for", "kind", "mocking"])


def _third(scores: np.ndarray) -> pd.DataFrame:
    cells = {
        f"{name}, {pace}": ["{:.2f} ± {:.2f}".format(*interval(scores[:, i, j, k])) for k in range(len(LEARNED_FOR))]
        for i, name in enumerate(THIRD)
        for j, pace in enumerate(("kept", "learn on"))
    }
    return pd.DataFrame({"vectors learned for": LEARNED_FOR, **cells})


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"third": _by_vectors(found["scores"]), "sparse": _by_penalty(found)}


def _by_vectors(scores: np.ndarray) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(THIRD):
        kept = scores[:, i, 0]
        halves = [interval(kept[:, k])[1] for k in range(len(LEARNED_FOR))]
        places = np.arange(len(LEARNED_FOR)) + 0.1 * (2 * i - 1)
        axes.errorbar(places, kept.mean(0), halves, fmt="os"[i], color=f"C{i}", capsize=3, label=f"asked for: {name}")
    axes.axhline(0.5, color="C7", linewidth=0.8)
    axes.set_xticks(range(len(LEARNED_FOR)), LEARNED_FOR)
    axes.set(xlabel="what the kept vectors were learned for", ylabel="sentences understood", ylim=(0.45, 1))
    axes.legend(frameon=False, loc="upper left")
    return figure


def _by_penalty(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.0), layout="constrained")
    axes = figure.subplots()
    places = range(len(ALPHAS))
    for i, (values, label) in enumerate(zip(found["each"], ("units active", "digits named"), strict=True)):
        axes.plot(places, values, "o", color=f"C{i}", alpha=0.4)
        axes.plot(places, values.mean(1), color=f"C{i}", label=label)
    axes.set_xticks(places, [f"{alpha:g}" for alpha in ALPHAS])
    axes.set(xlabel="penalty α", ylabel="share", ylim=(0, 1.02))
    axes.legend(frameon=False, loc="center right")
    return figure
