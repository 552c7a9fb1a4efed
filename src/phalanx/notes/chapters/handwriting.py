"""Handwriting: networks against a support vector machine, tuned alike, on the same splits."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import t as student
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.svm import SVC

from phalanx import Adam, Conv, Cosine, Dense, Dropout, Flatten, Layer, MaxPool, Multinoulli, Network, ReLU
from phalanx.display import listed
from phalanx.engine import Batch, Fold, OutputSize, Trained, Trial, complete, predict, train

ROWS = ("A5",)

TEXT = r"""
In one line the notes say that deep learning did better than the SVM at recognizing handwriting. Whether it does depends
on the images, on the network, and on how much care went into either side. So here both sides get the same care.

## The rules

The data are the «images:,» digits that come with scikit-learn, 8 × 8 pixels each. They are split into «splits» parts;
each is the test part once, and «valid:.0%» of the other rows choose among the candidates. All sides train on the same
rows, choose on the same rows, and each of them has «tries» candidates:

- the **SVM** with the kernel $e^{-\gamma \|x - x'\|^2}$, with «tries» pairs of $C$ and $\gamma$;
- a **dense** network, two layers of 128 rectifiers with dropout;
- a **convolutional** network, two layers of 3 × 3 kernels with a pooling between them; **average** is the mean over all
  its candidates, which takes no choice.

The candidates of a network are random learning rates and dropout rates. All networks of all splits, «networks» of them,
are one call: each trial names the fold whose rows it trains on.

«source: train_candidates»

## The result

«table»

The columns are shares of right answers at the test rows, means over the «splits» splits. The interval is for the
difference from the SVM, split by split, at 95%. It is widened because training sets of different splits overlap (Nadeau
and Bengio, 2003).

![Share of right answers in each split; a line joins what was measured on the same rows.](splits)

«verdict» Where an interval holds 0, the splits do not decide. So this data set does not show what the notes say.

Two remarks. The images are tiny: the pixels of an 8 × 8 digit are almost features already, and «rows:,» training rows
are few. On MNIST, with 28 × 28 pixels and more rows, the convolutional network wins; a test of this chapter checks that
where the images are at hand. And it is not depth alone that wins there. A dense network knows as little about images as
the SVM does, while a convolutional one has a [prior](chapter:prior): what matters is local and may stand anywhere.
"""

SVM, DENSE, CONVOLUTIONAL, AVERAGE = "SVM", "dense", "convolutional", "average"
VALID = 0.2
"""Of the rows that do not test, the share that chooses."""


@dataclass(frozen=True)
class Split:
    """Rows to train on, to choose on and to test on."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def compute(splits: int = 10, tries: int = 5, rounds: int = 30, images: int | None = None) -> dict[str, Any]:
    """Return the accuracies of SVM and networks on scikit-learn's digits, or the first of them, split by split."""
    x, y = load_digits(return_X_y=True)
    x, y = (x[:images] / 16).reshape(-1, 8, 8, 1).astype(np.float32), y[:images]
    parts = crossed(y, splits)
    scores = compare(x, y, parts, tries, rounds)
    extra = len(parts[0].test) / len(parts[0].train)
    table = summary(scores, extra)
    return {
        "images": len(y),
        "splits": splits,
        "valid": VALID,
        "tries": tries,
        "networks": 2 * tries * splits,
        "rows": len(parts[0].train),
        "table": table,
        "scores": scores,
        "verdict": verdict(table),
    }


def crossed(y: np.ndarray, splits: int) -> list[Split]:
    """Return splits in each of which another part of the rows tests."""
    found = []
    for i, (rest, test) in enumerate(StratifiedKFold(splits, shuffle=True, random_state=0).split(y, y)):
        own, valid = train_test_split(rest, test_size=VALID, stratify=y[rest], random_state=i)
        found.append(Split(own, valid, test))
    return found


def compare(x: np.ndarray, y: np.ndarray, splits: Sequence[Split], tries: int, rounds: int) -> dict[str, np.ndarray]:
    """Return the share of right answers in the test rows of each split, by name."""
    scores = {SVM: np.array([best_svm(x.reshape(len(x), -1), y, split, tries) for split in splits])}
    trained = train_candidates(x, y, splits, tries, rounds)

    def scored(name: str, said: Callable[[Sequence[Trained], Split], np.ndarray]) -> np.ndarray:
        told = [said(trained[name, i], split) for i, split in enumerate(splits)]
        return np.array([share_right(one, y[split.test]) for one, split in zip(told, splits, strict=True)])

    for name in (DENSE, CONVOLUTIONAL):
        scores[name] = scored(
            name, lambda members, split: predict(chosen(members, x, y, split).final, x[split.test])[0]
        )
    scores[AVERAGE] = scored(CONVOLUTIONAL, lambda members, split: mean_of(members, x[split.test]))
    return scores


def best_svm(x: np.ndarray, y: np.ndarray, split: Split, tries: int) -> float:
    """Return the accuracy of the SVM that is best on the rows to choose on."""
    usual = 1 / (x.shape[1] * x[split.train].var())  # γ as scikit-learn takes it by default
    pairs = [(c, usual * times) for times in (1.0, 2.0, 0.5, 4.0, 0.25) for c in (3.0, 30.0)]
    machines = [SVC(C=c, gamma=gamma).fit(x[split.train], y[split.train]) for c, gamma in pairs[:tries]]
    best = max(machines, key=lambda machine: machine.score(x[split.valid], y[split.valid]))
    return best.score(x[split.test], y[split.test])


def hidden_layers(kind: str, dropout: float) -> list[Layer]:
    """Return the hidden layers of a network for images."""
    if kind == DENSE:
        return [Flatten(), Dense(128), ReLU(), Dropout(dropout), Dense(128), ReLU(), Dropout(dropout)]
    return [Conv(16), ReLU(), MaxPool(2), Conv(32), ReLU(), Flatten(), Dropout(dropout)]


def train_candidates(
    x: np.ndarray, y: np.ndarray, splits: Sequence[Split], tries: int, rounds: int
) -> dict[tuple[str, int], list[Trained]]:
    """Train the candidates of both kinds on all splits at once; return them by kind and split."""
    rng = np.random.default_rng(0)
    folds = [Fold(split.train, split.valid, seed=i) for i, split in enumerate(splits)]
    trials, places = [], []
    for kind in (DENSE, CONVOLUTIONAL):
        for seed in range(tries):
            rate, dropout = 10 ** rng.uniform(-2.7, -2), rng.uniform(0, 0.5)
            network = Network(hidden_layers(kind, dropout), Multinoulli(), optimizer=Adam(Cosine(rate)))
            for fold in range(len(folds)):
                trials.append(Trial(complete(network, OutputSize(int(y.max()) + 1)), seed=seed, fold=fold))
                places.append((kind, fold))
    rows = Batch(x, (y.astype(np.int32),), np.ones(len(y), np.float32))
    members = train(trials, rows, folds, max_rounds=rounds).members
    return {place: [m for m, at in zip(members, places, strict=True) if at == place] for place in places}


def chosen(members: Sequence[Trained], x: np.ndarray, y: np.ndarray, split: Split) -> Trained:
    """Return the member with the most right answers on the rows to choose on; of several, the least cost there."""

    def rank(member: Trained) -> tuple[float, float]:
        return share_right(predict(member.final, x[split.valid])[0], y[split.valid]), -member.best_score

    return max(members, key=rank)


def mean_of(members: Iterable[Trained], x: np.ndarray) -> np.ndarray:
    """Return the mean of the probabilities that members give."""
    return np.mean([predict(member.final, x)[0] for member in members], axis=0)


def share_right(probabilities: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows whose most probable class is the right one."""
    return float((probabilities.argmax(1) == y).mean())


def summary(scores: dict[str, np.ndarray], extra: float) -> pd.DataFrame:
    """Return the mean accuracies, and the differences from the SVM with their intervals."""
    lines = []
    for name, own in scores.items():
        low, high = interval(own - scores[SVM], extra)
        line = {"": name, "right": own.mean(), "difference": own.mean() - scores[SVM].mean(), "from": low, "to": high}
        lines.append(line)
    return pd.DataFrame(lines)


def interval(differences: np.ndarray, extra: float) -> tuple[float, float]:
    """Return a 95% interval for the mean of differences over splits; `extra` is test rows / training rows."""
    count = len(differences)
    error = np.sqrt((1 / count + extra) * differences.var(ddof=1))
    half = student.ppf(0.975, count - 1) * error
    return float(differences.mean() - half), float(differences.mean() + half)


def verdict(table: pd.DataFrame) -> str:
    """Say in words who won."""
    phrases = {
        DENSE: "the dense network",
        CONVOLUTIONAL: "the convolutional network",
        AVERAGE: "the average of all convolutional networks",
    }
    told: dict[str, list[str]] = {}
    for name, low, high in table[["", "from", "to"]].iloc[1:].itertuples(index=False):
        how = "did better than" if low > 0 else "did worse than" if high < 0 else "cannot be told apart from"
        told.setdefault(how, []).append(phrases[name])
    return f"On these images {'; '.join(f'{listed(names)} {how} the SVM' for how, names in told.items())}."


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the accuracies of all splits."""
    splits = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = splits.subplots()
    names = list(found["scores"])
    values = 100 * np.array(list(found["scores"].values()))
    axes.plot(range(len(names)), values, color="C0", alpha=0.4, marker="o")
    axes.plot(
        range(len(names)),
        values.mean(1),
        color="C1",
        marker="_",
        markersize=24,
        markeredgewidth=3,
        linestyle="none",
        label="mean",
    )
    axes.set_xticks(range(len(names)), [name.replace(", ", ",\n") for name in names])
    axes.set_ylabel("right answers [%]")
    axes.legend()
    return {"splits": splits}
