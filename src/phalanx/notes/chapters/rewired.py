"""Rewired: what a network learned by sight serves it a little for sound, and lost units are made up for."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.signal import spectrogram
from sklearn.datasets import load_digits

from phalanx import Adam, Classifier, Dense, Factor, Flatten, ReLU, choice
from phalanx.notes.intervals import interval

ROWS = ("A8",)

TEXT = r"""
The notes argue for one learning algorithm from the cortex: areas for sight, hearing or touch take over other senses
when their own nerve is cut, and a damaged area is made up for. (The book tells of the ferrets in 1.2.1; it calls the
matter transfer learning in 15.2.) Two questions can be computed. Does what was learned on one sense help with another?
And does a network that loses units make up for them?

## Two senses

Sight: scikit-learn's digits, 8 × 8 pixels. Sound: «kinds» kinds of tones, rising, falling, in steps and so on, made as
samples, and heard as loudness in 8 bands at 8 times. Both are brought to the same mean and deviation and covered with
noise of deviation «noise», so that it matters what the hidden layers look for.

![Two senses of 64 numbers each: digits above; tones below, time to the right and pitch upwards.](senses)

A network with two hidden layers learns one sense from 1000 examples: «sight_all:.0%» of new digits, or «sound_all:.0%»
of new tones. Then it is given «few» examples of each class of the *other* sense. Its hidden layers are handed over by
name; the output layer is new:

«source: rewired»

The rate of the hidden layers is a knob: 0 keeps them, 1 lets them learn freely, 0.1 is between. `start=` has an entry
for each seed, None being a network that knows nothing. So the nine cells of a sense are one population. Shares of new
examples named, over «draws» draws of the examples, with 95 % intervals:

«table»

Kept as they are, layers learned on the other sense are better than random ones: by «sound_kept[0]:.2f» ±
«sound_kept[1]:.2f» when a seeing network hears, and by «sight_kept[0]:.2f» ± «sight_kept[1]:.2f» when a hearing one
sees. Something carries over. But they are far from layers that know this sense, and as soon as the layers may learn,
the head start is gone: against a network that begins from nothing they are at «sound_free[0]:+.3f» ±
«sound_free[1]:.3f» and «sight_free[0]:+.3f» ± «sight_free[1]:.3f». Learning adds «sound_learning[0]:.2f» and
«sight_learning[0]:.2f» to what was brought along, and from nothing it gets as far. With «many» examples of each class
the rewired networks are at «sound_many[0]:+.3f» ± «sound_many[1]:.3f» and «sight_many[0]:+.3f» ± «sight_many[1]:.3f»
against one that begins from nothing.

That is the notes' hypothesis, read closely. The rewired cortex did not see with what it had learned by hearing; it
*learned* to see, by the same rule. What serves every sense is the algorithm. Layers serve another task in so far as
the tasks are alike, and the last lines of the table, the same sense again, show how much that can be.

## Lost units

From the networks that see, a third of the units of both hidden layers is taken away at random: of «units[0]» and
«units[1]» are left «small[0]» and «small[1]», with the weights that they had. Of «before[0]:.0%» the digits named,
«lost[0]:.0%» ± «lost[1]:.0%» remain. Then the rest goes on training on the same images.

![Test images named by networks that lost a third of their units, and by networks of the size that is left.](recovery)

After one pass it is back at «first_pass[0]:.0%», after «last» at «recovered[0]:.1%»: a difference of «made_up[0]:+.3f»
± «made_up[1]:.3f» from before the loss (whole networks that go on as long reach «whole[0]:.1%»). A network as small
that begins from nothing has «afresh_first[0]:.0%» after the first pass. Here what was learned is a head start indeed:
the units that are left still know their task. They had room to spare, which is why the loss can be made up for;
[dropout](chapter:dropout) counts on this.
"""

KINDS = ("rising", "falling", "arch", "dip", "warble", "step up", "step down", "steady")
SAMPLES_A_SECOND = 8000
NOISE = 0.4
UNITS = (64, 32)
BEFORE = ("drawn at random", "learned on the other sense", "learned on this sense")
PACES = {"kept": 0.0, "slow": 0.1, "free": 1.0}


def compute(
    seeds: int = 3, draws: int = 5, few: int = 10, many: int = 80, passes: tuple[int, ...] = (1, 2, 4, 8)
) -> dict[str, Any]:
    """Return what the chapter claims, computed; `few` and `many`: examples of each class, drawn `draws` times."""
    senses = {"sight": sights(1600), "sound": sounds(1600)}
    nets = {sense: learned(data, seeds) for sense, data in senses.items()}
    found: dict[str, Any] = {
        "few": few,
        "many": many,
        "draws": draws,
        "seeds": seeds,
        "kinds": len(KINDS),
        "noise": NOISE,
    }
    scores = {}
    for sense, other in (("sound", "sight"), ("sight", "sound")):
        with_few, with_many = (
            np.array([rewired(senses[sense], count, draw, nets[other], nets[sense]) for draw in range(draws)])
            for count in (few, many)
        )
        scores[sense] = with_few
        kept, free = (scores[sense][:, :, pace] for pace in (0, -1))
        found[f"{sense}_kept"] = interval(kept[:, 1] - kept[:, 0])
        found[f"{sense}_free"] = interval(free[:, 1] - free[:, 0])
        found[f"{sense}_learning"] = interval(free[:, 1] - kept[:, 1])
        found[f"{sense}_many"] = interval(with_many[:, 1, -1] - with_many[:, 0, -1])
        found[f"{sense}_all"] = float(np.mean([correct(member, senses[sense]) for member in nets[sense]]))
    found |= {"scores": scores, "table": _table(scores)}
    found["examples"] = [data[0][:4, :, :, 0] for data in senses.values()]
    return found | damaged(senses["sight"], nets["sight"], passes)


def sights(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of 8 × 8 pixels: digits, from 0 to 1, under noise; and their classes."""
    rng = np.random.default_rng(0)
    X, y = load_digits(return_X_y=True)
    chosen = rng.permutation(len(y))[:count]
    return _noisy(X[chosen] / 16, rng), y[chosen]


def sounds(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spectrograms of 8 times and 8 bands: tones of eight kinds, from 0 to 1, under noise; and their kinds."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, len(KINDS), count)
    return _noisy(np.stack([heard(tone(KINDS[kind], rng)).ravel() for kind in y]), rng), y


def tone(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return the samples of a tone of half a second between two random pitches, which moves as its kind says."""
    u = np.linspace(0, 1, 4096)
    way = {
        "rising": u,
        "falling": 1 - u,
        "arch": np.sin(np.pi * u),
        "dip": 1 - np.sin(np.pi * u),
        "warble": 0.5 + 0.5 * np.sin(2 * np.pi * (rng.uniform(1.7, 2.3) * u + rng.uniform())),
        "step up": (u > rng.uniform(0.35, 0.65)).astype(float),
        "step down": (u < rng.uniform(0.35, 0.65)).astype(float),
        "steady": np.full_like(u, rng.uniform()),
    }[kind]
    low, high = rng.uniform(400, 900), rng.uniform(1800, 3200)
    hertz = low * (high / low) ** way
    samples = np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLES_A_SECOND + rng.uniform(0, 2 * np.pi))
    return rng.uniform(0.3, 1) * samples + rng.normal(0, 0.5, len(u))


def heard(samples: np.ndarray) -> np.ndarray:
    """Return how loud 8 bands are at 8 times, from 0 to 1, in 30 decibels below the loudest."""
    hertz, _, power = spectrogram(samples, SAMPLES_A_SECOND, nperseg=512, noverlap=0)
    edges = np.geomspace(300, 3600, 9)
    bands = np.stack([power[(hertz >= edges[i]) & (hertz < edges[i + 1])].mean(0) for i in range(8)])
    return np.clip(1 + 10 * np.log10(bands / bands.max() + 1e-9) / 30, 0, 1).T


def _noisy(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows of 64 numbers as images of the same mean and deviation, with noise."""
    same = 0.3 + 0.38 * (X - X.mean()) / X.std()
    return (same + rng.normal(0, NOISE, X.shape)).astype(np.float32).reshape(-1, 8, 8, 1)


def network(units: tuple[int, int] = UNITS, **options: Any) -> Classifier:
    """Return a classifier with two hidden layers, the lower of which sees the pixels or bands."""
    layers = [Flatten(), Dense(units[0], name="low"), ReLU(), Dense(units[1], name="high"), ReLU()]
    return Classifier(layers, stopping=None, batch_size=16, **options)


def learned(data: Any, seeds: int) -> list[Any]:
    """Return networks that have learned from 1000 examples."""
    X, y = data[0][:1000], data[1][:1000]
    net = network(optimizer=Adam(0.003), repeats=seeds, max_rounds=10)
    return net.fit(X, y, validation=(X[:2], y[:2])).members_


def rewired(data: Any, few: int, draw: int, other: list[Any], same: list[Any]) -> np.ndarray:
    """Return the share of test examples that are named after a few examples of each class, by what the hidden layers
    were before (of `BEFORE`) and how they go on (of `PACES`), all as one population.
    """
    (X, y), rng = data, np.random.default_rng(draw)
    at = rng.permutation([i for c in np.unique(y) for i in rng.choice(np.flatnonzero(y[:1000] == c), few, False)])
    pace = Factor(choice(*PACES.values()), on=("low", "high"))
    net = network(
        optimizer=Adam(0.003, factors=[pace]),
        start=[*[None] * len(other), *map(hidden, other + same)],
        repeats=3 * len(other),
        trials=len(PACES),
        design="grid",
        max_rounds=1,
        round_steps=200,
    )
    members = net.fit(X[at], y[at], validation=(X[at[:2]], y[at[:2]])).members_
    return np.reshape([correct(member, data) for member in members], (len(PACES), 3, len(other))).mean(-1).T


def hidden(member: Any) -> dict[str, Any]:
    """Return the weights of the hidden layers."""
    return {name: member.params[name] for name in ("low", "high")}


def correct(member: Any, data: Any) -> float:
    """Return the share of the examples that did not train which a network names."""
    return float(np.mean(member.predict(data[0][1000:]) == data[1][1000:]))


def damaged(data: Any, members: list[Any], passes: tuple[int, ...]) -> dict[str, Any]:
    """Return how networks do that lose a third of their units, at once and after further passes over their examples,
    beside networks as small that train afresh, and whole ones that go on.
    """
    X, y = data[0][:1000], data[1][:1000]
    left = [without_a_third(member.params, seed) for seed, member in enumerate(members)]
    small = (len(left[0]["low"]["bias"]), len(left[0]["high"]["bias"]))
    again: dict[int, np.ndarray] = {}
    for rounds in passes:
        net = network(
            small,
            optimizer=Adam(choice(0.0, 0.003)),
            start=[*left, *[None] * len(left)],
            repeats=2 * len(left),
            trials=2,
            design="grid",
            max_rounds=rounds,
        )
        still_and_moved = net.fit(X, y, validation=(X[:2], y[:2])).members_
        again[rounds] = np.reshape([correct(member, data) for member in still_and_moved], (2, 2, len(left)))
    net = network(optimizer=Adam(0.003), start=members, repeats=len(members), max_rounds=passes[-1])
    whole = net.fit(X, y, validation=(X[:2], y[:2])).members_
    lost = again[passes[0]][0, 0]
    recovered = np.array([again[rounds][1, 0] for rounds in passes])
    return {
        "before": interval([correct(member, data) for member in members]),
        "lost": interval(lost),
        "recovered": interval(recovered[-1]),
        "first_pass": interval(recovered[0]),
        "made_up": interval(recovered[-1] - [correct(member, data) for member in members]),
        "whole": interval([correct(member, data) for member in whole]),
        "afresh_first": interval(again[passes[0]][1, 1]),
        "passes": passes,
        "last": passes[-1],
        "recovery": np.vstack([lost, recovered]),
        "afresh": np.array([again[rounds][1, 1] for rounds in passes]),
        "units": UNITS,
        "small": small,
    }


def without_a_third(params: Any, seed: int) -> dict[str, Any]:
    """Return the weights of a network that is left when a third of the units of each hidden layer are lost."""
    rng = np.random.default_rng(seed)
    low, high = (np.sort(rng.choice(count, count - count // 3, replace=False)) for count in UNITS)
    return {
        "low": {"weight": params["low"]["weight"][:, low], "bias": params["low"]["bias"][low]},
        "high": {"weight": params["high"]["weight"][np.ix_(low, high)], "bias": params["high"]["bias"][high]},
        "output": {"weight": params["output"]["weight"][high], "bias": params["output"]["bias"]},
    }


def _table(scores: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = []
    for sense, each in scores.items():
        for i, before in enumerate(BEFORE):
            cells = ("{:.2f} ± {:.2f}".format(*interval(each[:, i, pace])) for pace in range(len(PACES)))
            rows.append((sense, before, *cells))
    return pd.DataFrame(rows, columns=["sense", "hidden layers", *PACES])


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"senses": _senses(found["examples"]), "recovery": _recovery(found)}


def _senses(examples: list[np.ndarray]) -> Figure:
    """Return a picture of a line of images above a line of spectrograms, turned so that time runs to the right."""
    shown = np.full((17, 35), np.nan)
    for row, images in enumerate(examples):
        for column, image in enumerate(images):
            shown[9 * row : 9 * row + 8, 9 * column : 9 * column + 8] = image.T[::-1] if row else image
    figure = Figure(figsize=(5.5, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shown, cmap="viridis")
    axes.set_yticks([3.5, 12.5], ["sight", "sound"])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _recovery(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    passes = np.array(found["passes"])
    axes.plot([0, *passes], found["recovery"].mean(1), "o-", color="C0", label="lost a third of its units")
    axes.plot(passes, found["afresh"].mean(1), "s--", color="C1", label="as small, trained afresh")
    axes.axhline(found["before"][0], color="C2", linewidth=1, label="before the loss")
    axes.set(xlabel="passes over the training images", ylabel="test images named")
    axes.legend(frameon=False, loc="lower right")
    return figure
