"""Speakers: what is said apart from who says it, by a head that learns backwards and by what is known of voices."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import t as student
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from phalanx import (
    Adam,
    Cosine,
    Dense,
    Factor,
    Flatten,
    Head,
    InstanceNorm,
    Joint,
    Multinoulli,
    MultiTask,
    ReLU,
    ReverseGradient,
    Tanh,
    choice,
)
from phalanx.model import forward, initialize

ROWS = ("A2",)

TEXT = r"""
"""

STEPS, BANDS, WORDS, SPEAKERS = 8, 12, 8, 6
STRENGTHS = (0.0, 0.1, 0.3, 1.0)


def compute(worlds: int = 6, seeds: int = 2, said: int = 100, rounds: int = 30) -> dict[str, Any]:
    """Return what the chapter claims, computed; in each of the `worlds` other people speak, `said` words each."""
    arms: dict[str, list[np.ndarray]] = {}
    for number in range(worlds):
        known, new = recordings(number, SPEAKERS, said), recordings(1000 + number, 20, 20)
        for name, net in nets(seeds, rounds).items():
            arms.setdefault(name, []).append(scores(net, seeds, known, new))
    told = {name: np.array(each) for name, each in arms.items()}
    return told


def recordings(seed: int, speakers: int, said: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sounds of people who say random words, (sounds, steps, bands), the words, and who speaks."""
    rng = np.random.default_rng(seed)
    words, who = rng.integers(0, WORDS, speakers * said), np.repeat(np.arange(speakers), said)
    voices = np.array([voice(rng) for _ in range(speakers)])
    sounds = [spoken(word, rng) + voices[speaker] for word, speaker in zip(words, who, strict=True)]
    order = rng.permutation(len(who))
    return np.array(sounds, np.float32)[order], words[order], who[order]


def spoken(word: int, rng: np.random.Generator) -> np.ndarray:
    """Return how loud each band is at each step: two peaks that move as the word has it, not always alike, and noise."""
    ways = np.random.default_rng(word).uniform(1, BANDS - 2, (2, 3))
    at = np.linspace(0, 2, STEPS)
    sound = rng.normal(0, 1, (STEPS, BANDS))
    for way in ways:
        peak = np.interp(at, [0, 1, 2], way) + rng.normal(0, 0.3)
        sound += 2 * np.exp(-((np.arange(BANDS) - peak[:, None]) ** 2) / 2)
    return sound


def voice(rng: np.random.Generator) -> np.ndarray:
    """Return what a throat adds to each band, the same at all steps."""
    bands = np.pi * np.arange(BANDS) / BANDS
    return sum(rng.normal() * np.cos(k * bands + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3)) / np.sqrt(1.5)


def nets(seeds: int, rounds: int) -> dict[str, MultiTask]:
    """Return what is compared: the strength of the reversal, a head that learns forwards, and InstanceNorm."""
    backwards = ReverseGradient(choice(*STRENGTHS))
    options = {"trials": len(STRENGTHS), "design": "grid", "repeats": seeds, "max_rounds": rounds}
    return {
        "backwards": network([], heads([backwards], 1.0), **options),
        "forwards": network([], heads([], choice(0.3, 1.0)), **options | {"trials": 2}),
        "norm": network([InstanceNorm()], heads([], 0.0), **options | {"trials": 1}),
    }


def network(first: list[Any], likelihood: Joint, **options: Any) -> MultiTask:
    """Return a network whose layer `shared` says what was said, and who said it."""
    trunk = [*first, Flatten(), Dense(48), Tanh(), Dense(24), Tanh(name="shared")]
    fast = Factor(5.0, on=("speaker.asked", "speaker.output"))
    return MultiTask(
        trunk, likelihood=likelihood, optimizer=Adam(Cosine(0.002), factors=[fast]), stopping=None, batch_size=32, **options
    )


def heads(before: list[Any], weight: Any) -> Joint:
    """Return a head for the word and one for the speaker."""
    asked = [*before, Dense(24, name="asked"), ReLU()]
    return Joint(
        [
            Head(Multinoulli(), targets=("word",), name="word"),
            Head(Multinoulli(), asked, weight=weight, targets=("speaker",), name="speaker"),
        ]
    )


def scores(net: MultiTask, seeds: int, known: Any, new: Any) -> np.ndarray:
    """Return, by trial, shares of words named of known and of new speakers, and of speakers that the head names, and
    that can be read off the shared layer: by (trial, score).
    """
    X, words, who = known
    first = 4 * len(X) // 5
    y = pd.DataFrame({"word": words.astype(str), "speaker": who.astype(str)})
    net.fit(X[:first], y[:first], validation=(X[first:], y[first:]))
    found = []
    for member in net.members_:
        told, of_new = member.predict(X[first:]), member.predict(new[0])["word"]
        h = shared(member, X)
        probe = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()).fit(h[:first], who[:first])
        right = [told[name].to_numpy() == y[name][first:].to_numpy() for name in ("word", "speaker")]
        found.append([np.mean(right[0]), np.mean(of_new == new[1].astype(str)), np.mean(right[1]), probe.score(h[first:], who[first:])])
    return np.reshape(found, (-1, seeds, 4)).mean(1)


def shared(member: Any, X: np.ndarray) -> np.ndarray:
    """Return what the shared layer makes of sounds."""
    _, states = initialize(member.spec, 0, X.shape[1:])
    return np.asarray(forward(member.spec, member.params, states, jnp.asarray(X), keep=("shared",)).kept["shared"])
