"""Seven regularizers: the list in the margin of the notes, all on the same data, against none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from phalanx import (
    L1,
    L2,
    Adam,
    Adversarial,
    Bernoulli,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    Head,
    Joint,
    Multinoulli,
    Network,
    ReLU,
    Rotate,
)
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, predict, train
from phalanx.notes.intervals import interval

ROWS = ("F11",)

TEXT = r"""
In the margin of the notes, beside an optimizer, stands a list: L1, L2, dropout, early stopping, data augmentation,
multitasking, adversarial training. It reads like a shelf of equal jars. Here all seven are opened on one data set.

## The trial

Handwritten digits, but «rows» training rows only, so that a network with two layers of «units» rectifiers learns them
by heart: without any regularizer its training error was «plain_training:.3f» and its test error «plain_error:.3f». Each
method gets «choices» strengths, and no more: which one counts is chosen, for each split by itself, by the cost on
«valid» validation rows. Early stopping watches the same rows. The remaining «held» rows are the test. Splits, initial
weights and batches are the same for all methods, so differences are paired: for each split, none minus method.

«source: arms»

- `L1`, `L2`: the penalty $\alpha$ on all weights.
- `Dropout`: its rate, behind both layers.
- `EarlyStopping`: its patience, in rounds. All others train for «rounds» rounds.
- Augmentation: `Rotate` turns each image by a random angle, anew in each step.
- Multitasking: two further heads on the shared layers, which tell whether the digit has a loop and whether it is odd
  (`Joint`, each `Head` with a weight).
- `Adversarial`: $\varepsilon$, half of the cost on the changed images.

That makes «networks» networks on each of «splits» splits, trained together.

## The outcome

Gains against none, means over the splits with 95 % intervals; above 0 is better. The cost is the mean cross-entropy:

«outcome»

![What each method gains against none, with 95 % intervals over the splits: test error and test cost.](gains)

By the error «error_helps» of the seven were better than none by more than their interval: «error_names». By the cost
«cost_helps» were: «cost_names». Seven comparisons at 95 % are a few chances to be lucky, so an interval that barely
misses 0 says little.

What can be read off, beyond the winners:

- An overfitted network is first of all too sure of itself. Without a regularizer the class that it names has the
  probability «sure:.3f» on average, with `L2` «sure_l2:.3f»; right are «right:.3f» and «right_l2:.3f» of the answers.
  So the cost falls, while most images stay on the side where they were.
- Early stopping changed the error by «early[0]:+.4f» ± «early[1]:.4f» (a plus is better): it looks for the lowest cost,
  not for the lowest error.
- The other tasks brought «multi[0]:+.4f» ± «multi[1]:.4f» in the error: loop and parity are functions of the digit, so
  their labels hold nothing that the digit's does not. Multitasking pays where the other task brings
  [data of its own](chapter:sharing).

Which jar is best is a property of the data, not of the jar: [dropout](chapter:dropout) did a lot where targets were
noisy.
"""

UNITS, ROUNDS, BATCH = 64, 100, 25
STRENGTHS: Mapping[str, Sequence[float]] = {
    "none": (0.0,),
    "L1": (1e-4, 3e-4, 1e-3),
    "L2": (1e-3, 3e-3, 1e-2),
    "dropout": (0.1, 0.25, 0.5),
    "early stopping": (3, 10, 30),
    "augmentation": (5, 10, 20),
    "multitasking": (0.1, 0.3, 1.0),
    "adversarial training": (0.05, 0.1, 0.2),
}


def compute(splits: int = 16, rounds: int = ROUNDS, rows: int = 100) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    X, y = load_digits(return_X_y=True)
    x = (X / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    parts = [np.split(np.random.default_rng(s).permutation(len(y)), [rows, rows + 150]) for s in range(splits)]
    measured = measure(x, y.astype(np.int32), parts, rounds)
    found: dict[str, Any] = {"rows": rows, "units": UNITS, "valid": 150, "held": len(parts[0][2]), "rounds": rounds}
    found |= {"splits": splits, "choices": 3, "networks": sum(map(len, STRENGTHS.values())), "measured": measured}
    return found | _told(measured)


def network(method: str, strength: float) -> Network:
    """Return the network of one method, with a strength of it; all others are the same."""
    degrees, rate = (strength if method == name else 0.0 for name in ("augmentation", "dropout"))
    hidden = [Dense(UNITS), ReLU(), Dropout(rate), Dense(UNITS), ReLU(), Dropout(rate)]
    penalties = {"L1": L1, "L2": L2, "adversarial training": Adversarial}
    weight = strength if method == "multitasking" else 0.0
    tasks = Joint([Head(Multinoulli()), Head(Bernoulli(), weight=weight), Head(Bernoulli(), weight=weight)])
    plain = Network(
        [Rotate(degrees), Flatten(), *hidden],
        tasks,
        regularizers=[penalties[method](strength)] if method in penalties else [],
        optimizer=Adam(0.003),
        stopping=EarlyStopping(strength) if method == "early stopping" else None,
        batch_size=BATCH,
    )
    return complete(plain, OutputSize(10), OutputSize(2), OutputSize(2))


def arms() -> list[tuple[str, Network]]:
    """Return every method with every strength."""
    return [(method, network(method, strength)) for method, tried in STRENGTHS.items() for strength in tried]


def measure(x: np.ndarray, y: np.ndarray, parts: Sequence[Any], rounds: int) -> dict[str, np.ndarray]:
    """Train every method with every strength on every split; return of each (strengths, splits, parts, what): error,
    cost and mean probability of the named class, on training, validation and test rows.
    """
    loop, odd = np.isin(y, (0, 6, 8, 9)).astype(np.int32), y % 2
    folds = [Fold(train=mine, valid=valid, seed=seed) for seed, (mine, valid, _) in enumerate(parts)]
    trials = [Trial(one, seed=i, fold=i) for _, one in arms() for i in range(len(parts))]
    members = train(trials, Batch(x, (y, loop, odd), np.ones(len(y), np.float32)), folds, max_rounds=rounds).members

    def of(p: np.ndarray, rows: np.ndarray) -> tuple[float, ...]:
        costs = -np.log(np.maximum(p[rows, y[rows]].astype(float), 1e-30))
        return float((p[rows].argmax(1) != y[rows]).mean()), float(costs.mean()), float(p[rows].max(1).mean())

    said = [predict(member.final, x)[0] for member in members]
    each = np.array([[of(p, rows) for rows in parts[i % len(parts)]] for i, p in enumerate(said)])
    table = each.reshape(-1, len(parts), 3, 3)
    ends = np.cumsum([len(tried) for tried in STRENGTHS.values()])[:-1]
    return dict(zip(STRENGTHS, np.split(table, ends), strict=True))


def chosen(table: np.ndarray) -> np.ndarray:
    """Return which strength has the lowest validation cost on each split."""
    return table[:, :, 1, 1].argmin(0)


def tested(table: np.ndarray) -> np.ndarray:
    """Return what was measured on the test rows of each split, (splits, what), at the strength chosen for it."""
    return table[chosen(table), np.arange(table.shape[1]), 2]


def _told(measured: dict[str, np.ndarray]) -> dict[str, Any]:
    plain = tested(measured["none"])
    error, cost, _ = plain.mean(0)
    lines, gains = [("none", "", error, 0.0, 0.0, cost, 0.0, 0.0)], {}
    for method in list(STRENGTHS)[1:]:
        test, picks = tested(measured[method]), np.bincount(chosen(measured[method]), minlength=3)
        gains[method] = [interval(plain[:, what] - test[:, what]) for what in (0, 1)]
        often = STRENGTHS[method][int(picks.argmax())]
        lines.append((method, f"{often:g}", test[:, 0].mean(), *gains[method][0], test[:, 1].mean(), *gains[method][1]))
    titles = ["method", "most chosen", "error", "gain", "±", "cost", "gain of cost", "± of it"]
    helped = [[name for name, each in gains.items() if each[what][0] > each[what][1]] for what in (0, 1)]
    return {
        "plain_training": float(measured["none"][0, :, 0, 0].mean()),
        "plain_error": float(plain[:, 0].mean()),
        "outcome": pd.DataFrame(lines, columns=titles).round(4),
        "gains": gains,
        "error_helps": len(helped[0]),
        "error_names": ", ".join(helped[0]) or "none of them",
        "cost_helps": len(helped[1]),
        "cost_names": ", ".join(helped[1]) or "none of them",
        "sure": float(plain[:, 2].mean()),
        "right": float(1 - plain[:, 0].mean()),
        "sure_l2": float(tested(measured["L2"])[:, 2].mean()),
        "right_l2": float(1 - tested(measured["L2"])[:, 0].mean()),
        "early": gains["early stopping"][0],
        "multi": gains["multitasking"][0],
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(6.5, 3.2), layout="constrained")
    names = list(found["gains"])
    for what, axes in enumerate(figure.subplots(1, 2, sharey=True)):
        means, halves = np.array([found["gains"][name][what] for name in names]).T
        axes.axvline(0, color="C7", linestyle=":")
        axes.errorbar(means, range(len(names)), xerr=halves, fmt="o", capsize=3, color=f"C{what}")
        axes.set(xlabel=("gain in test error", "gain in test cost")[what], yticks=range(len(names)), yticklabels=names)
        axes.invert_yaxis() if what == 0 else None
    return {"gains": figure}
