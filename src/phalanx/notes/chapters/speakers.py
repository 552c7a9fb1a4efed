"""Speakers: what is said apart from who says it, by a head that learns backwards and by what is known of voices."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
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
from phalanx.notes.intervals import interval

ROWS = ("A2",)

TEXT = r"""
The notes open with this: deep learning can disentangle the accent from the voice and keep the pronunciation alone, by
layers that represent the accent. (The book calls it factors of variation, in 1.2 and 15.4.) What would count as
success? That the network understands people whom it has never heard. So the test is on new speakers.

The speech is made, so that it is known what is in it. A sound has «steps» steps of «bands» bands. A word is two peaks
that move through the bands, never twice quite alike. A speaker adds a pattern over the bands, the same at all steps,
as a throat or a microphone does. Noise comes on top. In each of «worlds» worlds «speakers» people teach a network
«words» words, and twenty others come to the test.

## A head that learns backwards

Beside the head for the word stands one for the speaker. `ReverseGradient` in front of it turns its gradient around, so
that the shared layers go down

$$L_\mathrm{word} - \lambda\,L_\mathrm{speaker},$$

while the head itself goes on trying to find out who speaks. The strength $\lambda$ is a knob: all strengths and seeds
are one population.

«source: heads»

«table»

![New speakers understood, and speakers told apart, by the strength of the reversal.](strength)

At $\lambda =$ «little» the words of new speakers are understood more often than by the network that has no second task
($\lambda = 0$), by «gain[0]:+.3f» ± «gain[1]:.3f» (over the worlds, 95 %). At $\lambda =$ «most» it is «harm[0]:+.3f»
± «harm[1]:.3f». A little helps, much does not.

Did the layers forget the speaker? The head says so: it names «told[0]:.0%» of the speakers at $\lambda =$ «little»,
and guessing has «chance:.0%». But a head that is fooled is no proof. Train a fresh linear reader on what the finished
layers say, and it names «read[0]:.0%»; without reversal it was «read[1]:.0%», and at $\lambda =$ «most» it is
«read[2]:.0%». The layers learned to mislead this one head, and the speaker is still there, at high strengths even more
plainly. Whoever reports that a network "no longer knows" something should say who asked.

## The other ways

The same head without reversal makes the layers tell speakers *apart*. The words of new speakers are then at
«forwards[0]:+.3f» ± «forwards[1]:.3f» against no second task: to share a layer with a task that asks for the opposite
costs a little. ([Sharing](chapter:sharing) has tasks that gain.)

And if one knows what a voice is? Here it is something added to each band at all steps. `InstanceNorm` subtracts from
each band its mean over the steps, and divides by its deviation. What a speaker adds is gone before the first layer:
words of new speakers come to «norm[0]:+.3f» ± «norm[1]:.3f» above the plain network, as good as those of known ones,
and the fresh reader is down to «read[3]:.0%».

So the notes' hope is right as a hope: what is said can be told from who says it. That layers find out by themselves
which is which, with a second head as the only hint, succeeded by a small step here. One line of knowledge about voices
was worth, in these worlds, about «ratio:.0f» times as much. The catch is that real voices differ by more than
something added; where nobody can say by what, the head that learns backwards is what is left, and the test on new
speakers is what decides.
"""

STEPS, BANDS, WORDS, SPEAKERS = 8, 12, 8, 6
STRENGTHS = (0.0, 0.1, 0.3, 1.0)
WEIGHTS = (0.3, 1.0)
SCORES = ("words of known speakers", "words of new ones", "speakers, by the head", "speakers, by a fresh reader")


def compute(worlds: int = 6, seeds: int = 2, said: int = 100, rounds: int = 25) -> dict[str, Any]:
    """Return what the chapter claims, computed; in each of the `worlds` other people speak, `said` words each."""
    arms: dict[str, list[np.ndarray]] = {}
    for number in range(worlds):
        known, new = recordings(number, SPEAKERS, said), recordings(1000 + number, 20, 20)
        for name, net in nets(seeds, rounds).items():
            arms.setdefault(name, []).append(scores(net, seeds, known, new))
    back, forth, norm = (np.array(arms[name]) for name in ("backwards", "forwards", "norm"))
    gain, better = interval(back[:, 1, 1] - back[:, 0, 1]), interval(norm[:, 0, 1] - back[:, 0, 1])
    means = back.mean(0)
    return {
        "steps": STEPS,
        "bands": BANDS,
        "words": WORDS,
        "speakers": SPEAKERS,
        "chance": 1 / SPEAKERS,
        "worlds": worlds,
        "little": STRENGTHS[1],
        "most": STRENGTHS[-1],
        "scores": {"backwards": back, "forwards": forth, "norm": norm},
        "gain": gain,
        "harm": interval(back[:, -1, 1] - back[:, 0, 1]),
        "forwards": interval(forth[:, -1, 1] - back[:, 0, 1]),
        "norm": better,
        "ratio": better[0] / gain[0],
        "told": (means[1, 2], means[0, 2]),
        "read": (means[1, 3], means[0, 3], means[-1, 3], float(norm[:, 0, 3].mean())),
        "table": _table(back, forth, norm),
    }


def recordings(seed: int, speakers: int, said: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sounds of people who say random words, (sounds, steps, bands), the words, and who speaks."""
    rng = np.random.default_rng(seed)
    words, who = rng.integers(0, WORDS, speakers * said), np.repeat(np.arange(speakers), said)
    voices = np.array([voice(rng) for _ in range(speakers)])
    sounds = [spoken(word, rng) + voices[speaker] for word, speaker in zip(words.tolist(), who, strict=True)]
    order = rng.permutation(len(who))
    return np.array(sounds, np.float32)[order], words[order], who[order]


def spoken(word: int, rng: np.random.Generator) -> np.ndarray:
    """Return how loud each band is at each step: two peaks, which move as the word says, and noise."""
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
    return 1.2 * np.sum([rng.normal() * np.cos(k * bands + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3)], axis=0)


def nets(seeds: int, rounds: int) -> dict[str, MultiTask]:
    """Return what is compared: the strength of the reversal, a head that learns forwards, and InstanceNorm."""
    backwards = ReverseGradient(choice(*STRENGTHS))
    options = {"trials": len(STRENGTHS), "design": "grid", "repeats": seeds, "max_rounds": rounds}
    return {
        "backwards": network([], heads([backwards], 1.0), **options),
        "forwards": network([], heads([], choice(*WEIGHTS)), **options | {"trials": 2}),
        "norm": network([InstanceNorm()], heads([], 0.0), **options | {"trials": 1}),
    }


def network(first: list[Any], likelihood: Joint, **options: Any) -> MultiTask:
    """Return a network whose layer `shared` says what was said, and who said it."""
    trunk = [*first, Flatten(), Dense(48), Tanh(), Dense(24), Tanh(name="shared")]
    fast = Factor(5.0, on=("speaker.asked", "speaker.output"))
    return MultiTask(
        trunk,
        likelihood=likelihood,
        optimizer=Adam(Cosine(0.002), factors=[fast]),
        stopping=None,
        batch_size=32,
        **options,
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
        found.append(
            [
                np.mean(right[0]),
                np.mean(of_new == new[1].astype(str)),
                np.mean(right[1]),
                probe.score(h[first:], who[first:]),
            ]
        )
    return np.reshape(found, (-1, seeds, 4)).mean(1)


def shared(member: Any, X: np.ndarray) -> np.ndarray:
    """Return what the shared layer makes of sounds."""
    _, states = initialize(member.spec, 0, X.shape[1:])
    return np.asarray(forward(member.spec, member.params, states, jnp.asarray(X), keep=("shared",)).kept["shared"])


def _table(back: np.ndarray, forth: np.ndarray, norm: np.ndarray) -> pd.DataFrame:
    named = [(f"backwards, λ = {strength:g}", back[:, i]) for i, strength in enumerate(STRENGTHS)]
    named += [(f"forwards, weight {weight:g}", forth[:, i]) for i, weight in enumerate(WEIGHTS)]
    named[0] = "no second task", named[0][1]
    lines = [
        (name, *(f"{share:.2f}" for share in each.mean(0))) for name, each in [*named, ("InstanceNorm", norm[:, 0])]
    ]
    return pd.DataFrame(lines, columns=["network", *SCORES])


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    means, places = found["scores"]["backwards"].mean(0), np.arange(len(STRENGTHS))
    for i, (score, style) in enumerate(zip(SCORES[1:], ("o-", "s--", "^-"), strict=True), start=1):
        axes.plot(places, means[:, i], style, color=f"C{i - 1}", label=score)
    axes.axhline(found["chance"], color="C7", linewidth=0.8, label="guessing the speaker")
    axes.set_xticks(places, [f"{strength:g}" for strength in STRENGTHS])
    axes.set(xlabel="strength λ of the reversal", ylabel="share named", ylim=(0, 1.02))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    return {"strength": figure}
