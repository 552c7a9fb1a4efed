"""Rare features: what is seldom seen but tells much, learned with one step size and with one for each weight."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import SGD, AdaGrad, Adam, Gaussian, Momentum, Network, RMSProp
from phalanx.engine import Batch, Fold, OutputSize, Population, Trial, complete, initialize
from phalanx.notes.intervals import interval

ROWS = ("G4",)

TEXT = r"""
AdaGrad gives each parameter a step size of its own: $\epsilon / (\delta + \sqrt r)$, with $r$ the sum of its squared
gradients so far and $\delta = 10^{-7}$. The notes set the vector out in full, and remark beside Adam that influential
but sparse features get lower updates. This chapter makes such features, and measures how long each takes to be
learned. (The book: 8.5.1.)

## Features whose truth is known

There are «features» features. Feature $j$ is 0 in most rows, and $+1$ or $-1$ in a share $p_j$ of them, from
«common:.0%» down to «rare:.1%». The target is the sum of the features that are there, each times its own weight
$w^*_j$, plus noise (deviation «noise»). All weights are $+1$ or $-1$: a rare feature tells as much as a common one,
*when it is there*.

«source: rows_of»

Networks without hidden layer start at 0 and see «rows» rows once, «batch» at a time, in «steps» steps. «rates» step
sizes for each of «rules» rules, on «seeds» draws of the rows, make one population of «population» networks. Two draws
choose each rule's step size, by the expected cost in the end; the other «fresh» are shown.

## Why one step size is slow

Signs are random, so features do not get into each other's way on average: the mean gradient of weight $j$ is
$p_j (w_j - w^*_j)$. With a single $\epsilon$ the mean weight after $t$ steps of SGD is exactly

$$w_j(t) = w^*_j \left( 1 - (1 - \epsilon p_j)^t \right)$$

so the time to learn half of it grows as $1 / p_j$. And $\epsilon$ cannot be raised for the sake of the rare ones,
since the common ones set the limit. That is the notes' remark as a formula: updates are small where a feature is
*rare*, not where it is unimportant. AdaGrad's $r$ grows only in steps with a gradient, and the first of them moves
the weight by $\epsilon$, whether it comes early or late.

![Mean weight, as a share of the truth, of the commonest and the rarest feature; dots: the formula for SGD.](weights)

## What came out

Steps until the mean weight is half the truth («never»: not within «steps» steps), for some of the features, and the
formula for SGD:

«table»

The rarest feature takes SGD «slow:.0f» steps and AdaGrad «fast:.0f». All rules in the end, each at its best step
size:

«ends»

"Rows with the rarest" is the expected squared error, noise aside, on rows that show the rarest feature. There
AdaGrad's was smaller than SGD's by «gain:.3f» ± «gain_error:.3f», a factor of «factor:.0f».

A larger $\epsilon$ would have let SGD learn the rarest feature sooner, at the cost of more error from the common
ones. So the picture shows all step sizes. Of the «in_time» with which SGD learned half of the rarest weight in time,
«beaten» are beaten by an AdaGrad that learned it no later *and* erred no more in the end.

![All step sizes of all rules: how soon the rarest feature is learned, against the error in the end.](trade)

RMSProp and Adam scale by parameter as well. But at a constant $\epsilon$ their steps do not shrink on arrival, so the
$\epsilon$ that is best in the end is small, and a step is hardly longer than $\epsilon$: they set out slowly.
AdaGrad's falls by itself. On this convex cost that is what one wants; for [other costs](chapter:descent_paths) it is
not.
"""

RULES: dict[str, Any] = {
    "SGD": SGD(),
    "Momentum": Momentum(),
    "AdaGrad": AdaGrad(),
    "RMSProp": RMSProp(),
    "Adam": Adam(),
}
FEATURES, NOISE, BATCH, ROUND = 16, 0.3, 20, 5
SHARES = np.logspace(np.log10(0.5), np.log10(0.005), FEATURES)
"""In what share of the rows each feature is there."""
NEVER = "never"


def compute(seeds: int = 10, rates: int = 21, steps: int = 600) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    found: dict[str, Any] = {"features": FEATURES, "common": SHARES[0], "rare": SHARES[-1], "batch": BATCH}
    found |= {"steps": steps, "rows": steps * BATCH, "rates": rates, "seeds": seeds, "rules": len(RULES)}
    found |= {"population": len(RULES) * rates * seeds, "fresh": seeds - 2, "never": NEVER, "noise": NOISE}
    sizes = np.logspace(-2.75, 0.25, rates)
    truth, paths = learn(seeds, sizes, steps)
    learned = paths / truth  # (rules, rates, seeds, rounds, features), 1 where a weight is right
    excess = expected_excess(learned[..., -1, :])
    best = np.where(np.isfinite(excess), excess, 1e30)[:, :, :2].mean(2).argmin(1)
    chosen = learned[np.arange(len(RULES)), best, 2:]
    means = chosen.mean(1)
    half = {rule: steps_to_half(means[i]) for i, rule in enumerate(RULES)}
    rate = dict(zip(RULES, sizes[best], strict=True))
    found |= {"means": means, "chosen": chosen, "half": half, "best": rate}
    found |= {"slow": half["SGD"][-1], "fast": half["AdaGrad"][-1]}
    return found | _trade(learned[:, :, 2:], excess[:, :, 2:].mean(2)) | _told(half, rate, chosen)


def rows_of(seed: int, count: int, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of sparse features, and the target."""
    rng = np.random.default_rng([1, seed])
    there = rng.random((count, FEATURES)) < SHARES
    X = there * rng.choice([-1.0, 1.0], size=(count, FEATURES))
    return X, X @ truth + NOISE * rng.normal(size=count)


def learn(seeds: int, rates: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the true weights, and those of every network by round: (rules, rates, seeds, rounds, features)."""
    truth = np.random.default_rng(0).choice([-1.0, 1.0], size=FEATURES)
    count = steps * BATCH
    drawn = [rows_of(seed, count, truth) for seed in range(seeds)]
    X, y = (np.concatenate(part) for part in zip(*drawn, strict=True))
    rows = Batch(X.astype(np.float32), (y.astype(np.float32)[:, None],), np.ones(len(y), np.float32))
    folds = [Fold(np.arange(count) + seed * count, np.arange(0), seed) for seed in range(seeds)]
    network = complete(Network([], Gaussian(), stopping=None, batch_size=BATCH), OutputSize(1))
    params, states = initialize(network, 0, (FEATURES,))
    zero = {"output": {name: np.zeros_like(array) for name, array in params["output"].items()}}
    trials = [
        Trial(replace(network, optimizer=replace(rule, learning_rate=float(rate))), seed, seed, trained=(zero, states))
        for rule in RULES.values()
        for rate in rates
        for seed in range(seeds)
    ]
    population = Population(trials, rows, folds, max_rounds=steps // ROUND, round_steps=ROUND)
    seen = []
    for _ in range(steps // ROUND):
        population.note(population.advance(), seconds=0.0)
        seen.append(population.parameters()["output"]["weight"][..., 0])
    shape = len(RULES), len(rates), seeds, FEATURES, len(seen)
    return truth, np.moveaxis(np.stack(seen, axis=-1).reshape(shape), -1, -2).astype(np.float64)


def expected_excess(learned: np.ndarray) -> np.ndarray:
    """Return the expected squared error beyond the noise, on any row, given weights as shares of the truth."""
    with np.errstate(all="ignore"):
        return ((learned - 1) ** 2) @ SHARES


def excess_where_rarest(learned: np.ndarray) -> np.ndarray:
    """Return the same on rows that show the rarest feature."""
    return expected_excess(learned) + (1 - SHARES[-1]) * (learned[..., -1] - 1) ** 2


def _trade(learned: np.ndarray, excess: np.ndarray) -> dict[str, Any]:
    """Return of each rule and step size when the rarest feature is half learned, and the error in the end."""
    half = np.array([[steps_to_half(mean)[-1] for mean in each] for each in learned.mean(2)])
    trade = {rule: (half[i], excess[i]) for i, rule in enumerate(RULES)}
    (slow, worse), (fast, better) = trade["SGD"], trade["AdaGrad"]
    there = np.isfinite(slow)
    beaten = ((fast <= slow[:, None]) & (better <= worse[:, None])).any(1) & there
    return {"trade": trade, "beaten": int(beaten.sum()), "in_time": int(there.sum())}


def steps_to_half(mean: np.ndarray) -> np.ndarray:
    """Return after how many steps each mean weight is half the truth; infinity where it never is."""
    above = mean >= 0.5
    return np.where(above.any(0), ROUND * (above.argmax(0) + 1), np.inf)


def formula_to_half(rate: float) -> np.ndarray:
    """Return after how many steps of SGD the mean weight is half the truth, by the formula."""
    return np.log(0.5) / np.log(1 - rate * SHARES)


def _told(half: dict[str, np.ndarray], rate: dict[str, float], chosen: np.ndarray) -> dict[str, Any]:
    shown = range(0, FEATURES, 3)
    formula = formula_to_half(rate["SGD"])
    table = [(f"{SHARES[j]:.1%}", f"{formula[j]:.0f}", *(_number(half[rule][j]) for rule in RULES)) for j in shown]
    ends = [
        (rule, f"{rate[rule]:.2g}", *interval(expected_excess(last)), *interval(excess_where_rarest(last)))
        for rule, last in zip(RULES, chosen[:, :, -1], strict=True)
    ]
    titles = ["rule", "best ε", "squared error", "± (95 %)", "rows with the rarest", "± (95 %) "]
    sgd, adagrad = (excess_where_rarest(chosen[list(RULES).index(rule), :, -1]) for rule in ("SGD", "AdaGrad"))
    gain, gain_error = interval(sgd - adagrad)
    return {
        "table": pd.DataFrame(table, columns=["in rows", "SGD, formula", *RULES]),
        "ends": pd.DataFrame(ends, columns=titles).round(4),
        "formula": formula,
        "factor": float(sgd.mean() / adagrad.mean()),
        "gain": gain,
        "gain_error": gain_error,
    }


def _number(steps: float) -> str:
    return f"{steps:.0f}" if np.isfinite(steps) else NEVER


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    steps = ROUND * np.arange(1, found["means"].shape[1] + 1)
    for axes, j in zip(panels, (0, FEATURES - 1), strict=True):
        for i, rule in enumerate(RULES):
            axes.plot(steps, found["means"][i, :, j], label=rule)
        formula = 1 - (1 - found["best"]["SGD"] * SHARES[j]) ** steps
        axes.plot(steps[::10], formula[::10], "o", markersize=3, color="C0")
        axes.set(xlabel=f"step (in {SHARES[j]:.1%} of the rows)", ylim=(-0.1, 1.3))
    panels[0].set(ylabel="mean weight / truth")
    panels[0].legend()
    return {"weights": figure, "trade": _draw_trade(found)}


def _draw_trade(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for rule, (half, excess) in found["trade"].items():
        there = np.isfinite(half) & np.isfinite(excess)
        axes.plot(half[there], excess[there], ".-", label=rule)
    axes.set(xlabel="steps until half of the rarest weight is learned", ylabel="squared error in the end")
    axes.set(xscale="log", yscale="log", ylim=(None, 0.1))
    axes.legend()
    return figure
