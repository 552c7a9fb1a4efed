"""Implicit regularization: which of many solutions descent finds, and what its noise adds."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from phalanx import SGD, AdaGrad, Adam, Dense, Gaussian, Momentum, Multinoulli, Network, Optimizer, ReLU
from phalanx.engine import Batch, Fold, OutputSize, Population, Trial, complete, initialize, predict, train
from phalanx.notes.intervals import interval

ROWS = ("F4",)

TEXT = r"""
Beside early stopping the notes say in passing: SGD does implicit regularization. Nothing in the cost asks for small
weights, and yet descent does not return just any weights that fit. There is a case in which this is exact, and there
is the real network, where one has to look. (The book has no section on it; the nearest is 7.8.)

## Exact: the shortest solution

Take least squares with «inputs» inputs and a bias, but only «rows» rows. Infinitely many weights fit them without any
error. Descent on $\frac{1}{2n} \lVert X w - y \rVert^2$ starts at $w_0$, and each gradient $X^\top (X w - y) / n$ is
a sum of rows of $X$. So all that descent can ever add is a sum of rows. Among the perfect fits just one differs from
$w_0$ by a sum of rows, and it is the one nearest to $w_0$. From $w_0 = 0$ it is the shortest of all:

$$\hat w = X^\top (X X^\top)^{-1} y$$

«source: nearest_solution»

Networks without a hidden layer, trained by each rule from 0 and from random weights, as one population. All fit the
rows (largest cost: «worst_cost:.0e»). The shortest solution has the norm «shortest:.4f»:

«exact»

It does not matter whether all rows are used in each step or a single one, since every single row's gradient is a row.
Momentum adds up gradients and stays among sums of rows too. AdaGrad and Adam divide each coordinate by a number of
its own, which leads out of them: they find solutions that fit as well and are longer. So *which* rule descends is a
regularizer, before anyone has written down a penalty. And from random weights the part that no row can see stays as
it was drawn: the shortest solution needs a start at 0, or near it.

![Norm of the weights by step, on the way to a perfect fit; the dotted line is the shortest solution.](norms)

## A real network

It is often said that the *noise* of small batches, or large steps, regularizes. Here «seeds» networks of «units»
rectifiers learn «digits» handwritten digits, from the same weights in every cell of the table, until their training
cost is «goal». So all fit equally well, and what is left to compare is where they ended:

«real»

![Norm and error on unseen rows, against full batches with the smallest step: means and 95 % intervals.](real)

The random weights that all start from have a norm of «start_norm:.2f» on average; descent adds the rest. At equal
training cost smaller batches or larger steps ended at visibly shorter weights in «shorter» of the «others» other
cells, and at visibly *longer* ones in «longer», by up to «most:.2f». The error on «unseen» unseen rows was visibly
lower than in the first cell in «lower» of them, and higher in «higher».

So the notes' sentence holds for what is exact: descent prefers the solution near its start, whatever the batches.
That the noise of small batches shortens the weights further is not what happened here. It does not follow that noise
never helps: this is one small network on one data set, and norm is one measure among many.
"""

INPUTS, FEW = 40, 20
ROUNDS, ROUND = 250, 20
"""Rounds, and steps of a round."""
RULES: dict[str, Optimizer] = {
    "SGD": SGD(0.1),
    "Momentum": Momentum(0.02),
    "AdaGrad": AdaGrad(0.3),
    "Adam": Adam(0.01),
}
STEPS = (0.05, 0.15, 0.3)
FEWER = (20, 4)
UNITS, GOAL, LOOK = 32, 0.05, 4
"""Rectifiers; the training cost to reach; steps after which it is looked at."""


def compute(seeds: int = 8, digits: int = 200) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    found: dict[str, Any] = {"inputs": INPUTS, "rows": FEW, "seeds": seeds, "units": UNITS, "goal": GOAL}
    return found | shortest(seeds) | real(seeds, digits)


def nearest_solution(X: np.ndarray, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the perfect fit that is nearest to where descent starts."""
    return start + X.T @ np.linalg.solve(X @ X.T, y - X @ start)


def shortest(seeds: int) -> dict[str, Any]:
    """Return where each rule ends on rows fewer than inputs, from 0 and from random weights."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(FEW, INPUTS)).astype(np.float32), rng.normal(size=(FEW, 1)).astype(np.float32)
    rows, fold = Batch(X, (y,), np.ones(FEW, np.float32)), Fold(np.arange(FEW), np.arange(FEW), 0)
    runs = [(name, rule, 0.0) for name, rule in RULES.items()]
    runs += [("SGD from random weights", RULES["SGD"], 0.2)] * seeds
    trials = [_begun(rule, FEW, scale, seed) for seed, (_, rule, scale) in enumerate(runs)]
    population, norms = Population(trials, rows, [fold], max_rounds=ROUNDS, round_steps=ROUND), []
    for _ in range(ROUNDS):
        population.note(population.advance(), seconds=0.0)
        output = population.parameters()["output"]
        norms.append(np.hypot(np.linalg.norm(output["weight"], axis=(1, 2)), np.abs(output["bias"][:, 0])))
    members = population.finish("done")
    alone = _begun(SGD(0.01), 1, 0.0, 0)
    members += train([alone], rows, [fold], max_rounds=1, round_steps=10 * ROUND * ROUNDS).members
    names = [*(name for name, *_ in runs), "SGD, a row a step"]
    starts = [*(drawn(scale, seed) for seed, (_, _, scale) in enumerate(runs)), drawn(0.0, 0)]
    seen = np.c_[X, np.ones(FEW)].astype(np.float64)  # the bias is the weight of an input that is always 1
    table, ends = [], []
    for name, begun, member in zip(names, starts, members, strict=True):
        start, end = weights_of({"output": begun}), weights_of(member.params)
        nearest = nearest_solution(seen, y[:, 0].astype(np.float64), start)
        moved = end - start
        outside = moved - np.linalg.pinv(seen) @ (seen @ moved)
        ends.append((np.linalg.norm(end), np.linalg.norm(end - nearest), np.linalg.norm(outside)))
        table.append((name, *ends[-1]))
    titles = ["rule", "norm", "distance from the nearest fit", "way outside the rows"]
    together = pd.DataFrame(table, columns=titles).groupby("rule", sort=False).mean().reset_index()
    return {
        "exact": together.round(5),
        "ends": pd.DataFrame(table, columns=titles),
        "members": members,
        "data": (seen, y[:, 0].astype(np.float64)),
        "shortest": float(np.linalg.norm(nearest_solution(seen, y[:, 0].astype(np.float64), np.zeros(INPUTS + 1)))),
        "worst_cost": float(max(misfit(seen, y[:, 0], member.params) for member in members)),
        "norms": np.array(norms)[:, : len(RULES)],
    }


def _begun(rule: Optimizer, size: int, scale: float, seed: int) -> Trial:
    """Return a network without hidden layers that starts from normal weights of some scale."""
    plain = Network([], Gaussian(), optimizer=rule, stopping=None, batch_size=size)
    network = complete(plain, OutputSize(1))
    _, states = initialize(network, seed, (INPUTS,))
    return Trial(network, seed, trained=({"output": drawn(scale, seed)}, states))


def drawn(scale: float, seed: int) -> dict[str, np.ndarray]:
    """Return the weights and the bias to start from."""
    numbers = (scale * np.random.default_rng(seed).normal(size=INPUTS + 1)).astype(np.float32)
    return {"weight": numbers[:-1, None], "bias": numbers[-1:]}


def weights_of(params: Any) -> np.ndarray:
    """Return the weights of a network without hidden layers, the bias last."""
    return np.concatenate([params["output"]["weight"][:, 0], params["output"]["bias"]]).astype(np.float64)


def misfit(X: np.ndarray, y: np.ndarray, params: Any) -> float:
    """Return the mean of ½ (prediction − y)²."""
    return float((0.5 * (X @ weights_of(params) - y) ** 2).mean())


def real(seeds: int, digits: int) -> dict[str, Any]:
    """Return where networks end that learn digits to the same training cost, by rows a step and step size."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = (X[order] / 16).astype(np.float32), y[order].astype(np.int32)
    rows, few, unseen = Batch(X, (y,), np.ones(len(y), np.float32)), np.arange(digits), np.arange(digits, len(y))
    cells = [(size, step) for size in (digits, *FEWER) for step in STEPS]
    trials = [
        Trial(digits_network(size, step), seed, goal=GOAL)  # the rows that train are watched: their cost ends it
        for size, step in cells
        for seed in range(seeds)
    ]
    members = train(trials, rows, [Fold(few, few, 0)], max_rounds=500, round_steps=LOOK).members
    norms = np.array([norm_of(member.params) for member in members]).reshape(len(cells), seeds)
    errors = [(predict(member.final, X[unseen])[0].argmax(1) != y[unseen]).mean() for member in members]
    return {
        "digits": len(few),
        "unseen": len(unseen),
        "others": len(cells) - 1,
        "start_norm": float(
            np.mean([norm_of(initialize(t.network, t.seed, (X.shape[1],))[0]) for t in trials[:seeds]])
        ),
        "at_goal": [member.stopped == "goal" for member in members],
        "costs": np.array([member.curve[-1][1] for member in members]),
        "trained": members,
        **_against_reference(cells, norms, np.array(errors).reshape(len(cells), seeds), members),
    }


def digits_network(size: int, step: float) -> Network:
    """Return a network for handwritten digits that takes steps of a size, of so many rows."""
    plain = Network([Dense(UNITS), ReLU()], Multinoulli(), optimizer=SGD(step), stopping=None, batch_size=size)
    return complete(plain, OutputSize(10))


def norm_of(params: Any) -> float:
    """Return the norm of all weights together, without biases."""
    return float(np.sqrt(sum((held["weight"].astype(np.float64) ** 2).sum() for held in params.values() if held)))


def _against_reference(
    cells: list[tuple[int, float]], norms: np.ndarray, errors: np.ndarray, members: list[Any]
) -> dict[str, Any]:
    """Return norms and errors by cell, and their differences from the first cell, seed by seed."""
    more, worse = ([interval(each - values[0]) for each in values] for values in (norms, errors))
    steps = LOOK * np.array([member.rounds for member in members]).reshape(norms.shape).mean(1)
    table = [
        (size, step, steps[i], norms[i].mean(), *more[i], errors[i].mean(), *worse[i])
        for i, (size, step) in enumerate(cells)
    ]
    titles = ["rows a step", "step size", "steps", "norm", "against first", "± (95 %)", "error", "against first ", "± "]
    sure = [mean - error > 0 for mean, error in more[1:]]
    return {
        "real": pd.DataFrame(table, columns=titles).round(4),
        "lowest": float(norms.mean(1).min()),
        "highest": float(norms.mean(1).max()),
        "longer": int(np.sum(sure)),
        "shorter": int(np.sum([mean + error < 0 for mean, error in more[1:]])),
        "most": float(max(mean for mean, _ in more)),
        "higher": int(np.sum([mean - error > 0 for mean, error in worse[1:]])),
        "lower": int(np.sum([mean + error < 0 for mean, error in worse[1:]])),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    steps = ROUND * np.arange(1, ROUNDS + 1)
    for name, norms in zip(RULES, found["norms"].T, strict=True):
        axes.plot(steps, norms, label=name)
    axes.axhline(found["shortest"], linestyle=":", color="C7")
    axes.set(xlabel="step", ylabel="norm of the weights", xscale="log")
    axes.legend(loc="center", bbox_to_anchor=(0.75, 0.7))
    return {"norms": figure, "real": _draw_real(found["real"])}


def _draw_real(table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, mean, error in ((panels[0], "against first", "± (95 %)"), (panels[1], "against first ", "± ")):
        axes.errorbar(table[mean], -np.arange(len(table)), xerr=table[error], fmt="o", capsize=3)
        axes.axvline(0, linestyle=":", color="C7")
    cells = zip(table["rows a step"], table["step size"], strict=True)
    panels[0].set_yticks(-np.arange(len(table)), [f"{size} rows, {step}" for size, step in cells])
    panels[0].set(xlabel="norm of the weights")
    panels[1].set(xlabel="error on unseen rows")
    return figure
