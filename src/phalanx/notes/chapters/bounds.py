"""Bounds on learning: what is promised for a finite class of hypotheses, and how far from the truth it is."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from phalanx import Adam, Classifier, Dense, ReLU, choice

ROWS = ("A6",)

TEXT = r"""
The notes have a line that reads "pack learning, bounce of learning". It means PAC learning (probably approximately
correct) and bounds on learning (book, section 5.2, without the formulas). Such a bound says how far the error on the
training rows can be from the true error, whatever the data are.

## The bound

Take a finite class $H$ of hypotheses and $m$ independent training rows. For one hypothesis that was fixed beforehand,
the training error is a mean of $m$ coin tosses, and Hoeffding's inequality says how far it strays from its expectation.
A learner chooses its hypothesis after it has seen the rows, so all of $H$ must behave at once. The probabilities of the
single failures are added (the union bound), and what comes out is: with probability $1 - \delta$, for every $h \in H$,

$$|\mathrm{training\ error}(h) - \mathrm{true\ error}(h)| \le \sqrt{\frac{\ln |H| + \ln (2 / \delta)}{2m}}.$$

Size enters by its logarithm, and the number of rows by its square root: to halve the gap takes four times as many rows.

## Simulated

Rows are «features» bits, and $H$ holds all conjunctions of them ("the first bit is 1 and the fourth is 0"), «size» in
all. The labels follow one of them, and «flips:.0%» of the labels are wrong. As there are only «cells» different rows,
the true error of each hypothesis is known exactly. For each $m$, «samples:,» training sets are drawn, and in each the
largest deviation of any hypothesis is noted.

«source: largest_deviations»

«table»

The bound with $\delta$ = «delta» held: it may fail in «delta:.0%» of the training sets, and it failed in at most
«worst:.2%» of them. It is loose, too. The column "measured" is what no hypothesis exceeds in «confidence:.0%» of the
training sets, and the bound is «tightest:.2f» to «loosest:.2f» times as large; a learner that trusts it takes
«wasted:.1f» times as many rows as it needs. Two things are given away. The union bound adds failures as if no two
hypotheses failed together, but many of them are nearly the same. Hoeffding's inequality allows for errors near one
half, where a mean varies most.

![The largest deviation in all but a share δ of the training sets, and the bound, both against the number of
rows.](deviations)

## Without wrong labels

If some hypothesis has no error at all, a learner keeps one that is right on every training row. The probability that
any hypothesis with a true error above $\varepsilon$ survives is at most $|H| e^{-\varepsilon m}$. So $m \ge (\ln |H| +
\ln (1/\delta)) / \varepsilon$ rows suffice: «promised» for $\varepsilon$ = «epsilon» and $\delta$ = «delta». Simulated,
«sufficient» rows were enough.

## A network

A network that computes in single precision is a member of a finite class, too: with $p$ parameters of 32 bits, $|H| \le
2^{32 p}$. Here are networks of three widths, one population of «networks» members, on «rows» handwritten digits and
tested on as many others:

«digits»

An error is at most 1, and for the smallest of these networks the bound promises a gap below «vacuous:.1f»: it says
nothing. To promise 0.1 for that network it would take «needed:,.0f» rows. The measured gaps are at most «gap:.2f». The
bound knows neither the data nor which hypotheses a learner prefers, and the larger networks, for which it promises
least, have the smaller test errors. The notes remark that not much can be said about deep learning, and this is one
reason. In practice the gap is measured on rows that were held back. Of those only one hypothesis is asked, and with
$|H| = 1$ the same formula gives «held_out:.3f» for «rows» test rows.
"""


def compute(
    features: int = 6,
    flips: float = 0.1,
    samples: int = 2000,
    delta: float = 0.05,
    epsilon: float = 0.1,
    seeds: int = 8,
    rounds: int = 60,
) -> dict[str, Any]:
    """Return how far training errors are from true errors, and how far the bound allows."""
    predictions = conjunctions(features)
    truth = predictions[target_of(features)]
    size, cells = predictions.shape
    sizes = 25 * 4 ** np.arange(5)
    deviations = [largest_deviations(predictions, truth, flips, int(m), samples) for m in sizes]
    bounds = np.array([bound(math.log(size), int(m), delta) for m in sizes])
    measured = np.array([np.quantile(found, 1 - delta) for found in deviations])
    failures = np.array([(found > limit).mean() for found, limit in zip(deviations, bounds, strict=True)])
    table = pd.DataFrame(
        {
            "rows": sizes,
            "bound": bounds,
            "measured": measured,
            "bound / measured": bounds / measured,
            "failures": failures,
        }
    )
    promised = math.ceil((math.log(size) + math.log(1 / delta)) / epsilon)
    tries = np.arange(2, promised + 1, 2)
    survivals = np.array([survival(predictions, truth, epsilon, int(m), samples) for m in tries])
    digits, networks, rows = on_digits(delta, seeds, rounds)
    parameters = digits["parameters"].to_numpy()
    return {
        "features": features,
        "flips": flips,
        "samples": samples,
        "delta": delta,
        "confidence": 1 - delta,
        "epsilon": epsilon,
        "size": size,
        "cells": cells,
        "sizes": sizes,
        "bounds": bounds,
        "measured": measured,
        "failures": failures,
        "worst": float(failures.max()),
        "loosest": float((bounds / measured).max()),
        "tightest": float((bounds / measured).min()),
        "wasted": float(((bounds / measured) ** 2).mean()),
        "table": table,
        "promised": promised,
        "tries": tries,
        "survivals": survivals,
        "sufficient": int(tries[np.flatnonzero(survivals > delta).max() + 1]),
        "digits": digits,
        "networks": networks,
        "rows": rows,
        "vacuous": float(digits["bound"].iloc[0]),
        "gap": float(digits["gap"].max()),
        "needed": (bits(int(parameters[0])) + math.log(2 / delta)) / (2 * 0.1**2),
        "held_out": bound(0.0, rows, delta),
    }


def bound(log_size: float, rows: int, delta: float) -> float:
    """Return how far training and true error may be apart, but for a probability δ, given ln |H|."""
    return math.sqrt((log_size + math.log(2 / delta)) / (2 * rows))


def conjunctions(features: int) -> np.ndarray:
    """Return what every conjunction says of every row of bits, (3^features, 2^features).

    A hypothesis wants each bit to be 0, to be 1, or does not mind: the digits of its number to the base 3.
    """
    rows = (np.arange(2**features)[:, None] >> np.arange(features)) & 1
    wanted = (np.arange(3**features)[:, None] // 3 ** np.arange(features)) % 3
    return ((wanted[:, None] == 2) | (wanted[:, None] == rows[None])).all(-1)


def target_of(features: int) -> int:
    """Return the number of the conjunction that wants the first bit to be 1 and the second to be 0."""
    return 1 + sum(2 * 3**i for i in range(2, features))


def largest_deviations(predictions: np.ndarray, truth: np.ndarray, flips: float, rows: int, samples: int) -> np.ndarray:
    """Return the largest |training error − true error| of any hypothesis in each of many training sets."""
    wrong = np.concatenate([predictions != truth, predictions == truth], axis=1).astype(
        float
    )  # label right, or flipped
    cell = np.repeat([1 - flips, flips], len(truth)) / len(truth)
    drawn = np.random.default_rng(rows).multinomial(rows, cell, size=samples)
    return np.abs(drawn @ wrong.T / rows - wrong @ cell).max(1)


def survival(predictions: np.ndarray, truth: np.ndarray, epsilon: float, rows: int, samples: int) -> float:
    """Return the share of training sets on which a hypothesis with a true error above ε makes no mistake."""
    wrong = predictions != truth
    bad = wrong[wrong.mean(1) > epsilon].astype(float)
    drawn = np.random.default_rng(rows).multinomial(rows, np.full(len(truth), 1 / len(truth)), size=samples)
    return float(((drawn @ bad.T) == 0).any(1).mean())


def bits(parameters: int) -> float:
    """Return ln |H| of networks with so many parameters of 32 bits."""
    return 32 * parameters * math.log(2)


def on_digits(delta: float, seeds: int, rounds: int) -> tuple[pd.DataFrame, int, int]:
    """Return training and test error of networks by width beside the bound, how many they are, and the rows."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    first, second = np.array_split(order, 2)
    first = first[: len(second)]
    widths = (4, 16, 64)
    net = Classifier([Dense(choice(*widths)), ReLU()], optimizer=Adam(0.01), scaling="standard", stopping=None)
    net.set_params(trials=len(widths), repeats=seeds, design="grid", max_rounds=rounds)
    net.fit(x[first], y[first], validation=(x[first], y[first]))
    lines = []
    for width in widths:
        members = [member for member in net.members_ if member.params["dense_1"]["bias"].size == width]
        train, test = ([np.mean(m.predict(x[rows]) != y[rows]) for m in members] for rows in (first, second))
        parameters = sum(array.size for held in members[0].params.values() for array in held.values())
        lines.append(
            {
                "units": width,
                "parameters": parameters,
                "training error": np.mean(train),
                "test error": np.mean(test),
                "gap": np.mean(test) - np.mean(train),
                "bound": bound(bits(parameters), len(first), delta),
            }
        )
    return pd.DataFrame(lines), len(net.members_), len(first)


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the largest deviations and the bound by the number of rows."""
    deviations = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = deviations.subplots()
    axes.loglog(found["sizes"], found["bounds"], "C1", label="bound")
    axes.loglog(found["sizes"], found["measured"], "C0o-", label=f"measured, all but {found['delta']:.0%}")
    axes.set_xlabel("training rows m")
    axes.set_ylabel("|training error − true error|")
    axes.legend()
    return {"deviations": deviations}
