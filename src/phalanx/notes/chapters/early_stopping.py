"""Early stopping: Algorithm 7.1 step by step, and three ways to then use all the rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import make_friedman1

from phalanx import Adam, Dense, EarlyStopping, Gaussian, Multinoulli, Network, ReLU
from phalanx.engine import Batch, Fold, OutputSize, Trained, Trial, complete, predict, train
from phalanx.notes.intervals import interval

ROWS = ("F3",)

TEXT = r"""
How long to train? The notes want the computing power small and the fit best, and give Algorithm 7.1 of the book
(7.8): train $n$ steps, measure the error on validation rows, keep the best parameters $\theta^*$ and their step
$i^*$, and give up after $p$ measurements in a row that were not better than the best.

## The example, step by step

«source: algorithm_7_1»

The notes' example is $\theta_{100}$ to $\theta_{400}$: the second is better than the first, the third worse, and the
fourth worse than the *second*. With numbers that fit, $n = 100$ and $p = 2$:

«example»

Two things are easy to get wrong here. The notes write "patience" at the 100 steps between two measurements; the
algorithm they copy has $n$ for those, and calls the *number of worse measurements* patience, as everyone does now.
And "worse" means worse than $\theta^*$, not than the measurement before: $\theta_{400}$ is better than
$\theta_{300}$, and counts all the same.

## On real curves

![Cost of one network by step: what three patiences keep (dots), and where they end (lines).](curve)

«seeds» networks were trained on «where», each with patience «patiences», all as one population, in which patience is
a number like any other. Replaying the algorithm above on the curve of the network that never gave up finds the same
step $i^*$, and the same end, as training did: in «agreeing» of «compared» cases. What patience costs and buys:

«bought»

## All the rows

«valid:.0%» of the rows have only been looked at. Three ways to learn from them too:

- **Algorithm 7.2**: start again from the same weights, with all rows, for $i^*$ steps. In Phalanx: `refit="steps"`.
- **Algorithm 7.3**: go on from $\theta^*$ with all rows until the validation cost falls to $\varepsilon$, the training
  cost at $\theta^*$. In Phalanx: `refit="continue"`. Nothing promises that it ever falls so far; here it did for
  «reached» of «seeds» networks within «rounds» further measurements.
- **The notes' further way**: find the number of steps on a small subset, here «subset:.0%» of the rows, and use the
  number to train on everything. The notes leave open what it counts: steps, or passes over the rows. The book raises
  the same question for Algorithm 7.2.

«source: ways»

Costs on rows that nobody saw, each against the same network as it was stopped (negative: better; 95 % intervals over
the networks):

«table»

![Cost on unseen rows against keeping the stopped network: means and 95 % intervals.](ways)

«verdict»

The first measurements on a subset end earlier: after «subset_steps:.0f» steps on average, with most of the rows after
«steps:.0f», since few rows are soon learned by heart. So as a number of *steps* a subset's answer is too small for
all rows; passes, «ratio:.0f» times as many steps here, correct for it.
"""

VALID, SUBSET = 0.2, 0.25
"""Share of rows that validate, and of rows in the small subset."""
EVERY, BATCH = 10, 16
"""Optimizer steps between measurements, n; rows a step."""
PATIENCES = (1, 2, 5, 10, 20)
TRAINING, UNSEEN = 200, 1000
WAYS = {
    "steps": "7.2: afresh, i* steps",
    "continue": "7.3: on from θ* until ε",
    "subset steps": "a subset's steps",
    "subset passes": "a subset's passes",
    "never": "not stopped at all",
}


def compute(seeds: int = 32, rounds: int = 120, data: str | None = None, target: str | None = None) -> dict[str, Any]:
    """Return what the chapter claims, computed; `data`: a CSV file in place of the made rows, `target`: its column."""
    rows, parts, unseen, network, where = made(seeds) if data is None else of_file(data, target, seeds)
    small = [part._replace(train=_first(part.train), valid=_first(part.valid)) for part in parts]
    whole = [part._replace(train=np.concatenate([part.train, part.valid])) for part in parts]
    folds = [*parts, *small, *whole]

    patiences = (*PATIENCES, rounds)  # the last never gives up
    stops = [replace(network, stopping=EarlyStopping(patience)) for patience in patiences]
    trials = [Trial(stop, seed, seed) for seed in range(seeds) for stop in stops]
    trials += [Trial(stops[-2], seed, seeds + seed) for seed in range(seeds)]
    members = train(trials, rows, folds, max_rounds=rounds, round_steps=EVERY).members
    by_seed = [members[i * len(stops) : (i + 1) * len(stops)] for i in range(seeds)]
    kept, on_small = [each[-2] for each in by_seed], members[-seeds:]

    goals = [cost_on(one, rows, part.train) for one, part in zip(kept, parts, strict=True)]
    again = [
        trial
        for one, few, goal in zip(kept, on_small, goals, strict=True)
        for trial in ways(one, few, goal, rounds, seeds).values()
    ]
    most = max(trial.rounds or 0 for trial in again)
    after = train(again, rows, folds, max_rounds=most, round_steps=EVERY).members
    by_way = {way: after[i :: len(WAYS)] for i, way in enumerate(WAYS)}
    begun = [cost_on(one, rows, part.valid) for one, part in zip(kept, parts, strict=True)]
    for i, (goal, now) in enumerate(zip(goals, begun, strict=True)):
        if now <= goal:  # the loop of Algorithm 7.3 ends before its first step
            by_way["continue"][i] = kept[i]

    found: dict[str, Any] = {"seeds": seeds, "rounds": rounds, "where": where, "valid": VALID, "subset": SUBSET}
    found |= {"patiences": ", ".join(map(str, PATIENCES[:-1])) + f" and {PATIENCES[-1]}", "patience": PATIENCES[-1]}
    found |= {"ratio": 1 / (SUBSET * (1 - VALID))}
    found |= {"example": algorithm_7_1([0.30, 0.24, 0.27, 0.26], n=100, patience=2)}
    found |= {"curve": by_seed[0][-1].curve, "goals": np.array(goals)}
    found |= {"reached": sum(one.stopped != "max_rounds" for one in by_way["continue"])}
    found |= {"members": kept, "by_way": by_way, "rows": rows, "folds": folds, "unseen": unseen}
    return found | _replayed(by_seed, rows, unseen) | _compared(kept, on_small, by_way, rows, unseen)


def _first(chosen: np.ndarray) -> np.ndarray:
    return chosen[: round(SUBSET * len(chosen))]


def algorithm_7_1(errors: list[float], n: int, patience: int) -> pd.DataFrame:
    """Return the book's Algorithm 7.1, line by line, given the validation error after each n steps."""
    i = j = best_step = 0
    best = float("inf")
    lines = []
    for error in errors:
        if j >= patience:
            break
        i += n
        if error < best:
            j, best_step, best = 0, i, error
        else:
            j += 1
        lines.append((i, error, best, best_step, j))
    return pd.DataFrame(lines, columns=["step i", "error of θ", "error of θ*", "best step i*", "worse j"])


def made(seeds: int) -> tuple[Batch, list[Fold], list[np.ndarray], Network, str]:
    """Return rows of Friedman's function with noise: of each seed its own to learn from; and rows for all to be judged.

    The function has five inputs that matter and five that do not.
    """
    drawn = [make_friedman1(TRAINING, noise=2, random_state=seed) for seed in range(seeds)]
    X, y = (
        np.concatenate(part) for part in zip(*drawn, make_friedman1(UNSEEN, noise=2, random_state=seeds), strict=True)
    )
    y = ((y - 14.4) / 5)[:, None]
    rows = Batch(((X - 0.5) * np.sqrt(12)).astype(np.float32), (y.astype(np.float32),), np.ones(len(y), np.float32))
    mine = np.arange(seeds * TRAINING).reshape(seeds, TRAINING)
    unseen = [np.arange(seeds * TRAINING, len(y))] * seeds
    where = f"{TRAINING} rows each of Friedman's function with noise"
    return rows, [fold(own, seed) for seed, own in enumerate(mine)], unseen, network_of(Gaussian(), 1), where


def of_file(data: str, target: str | None, seeds: int) -> tuple[Batch, list[Fold], list[np.ndarray], Network, str]:
    """Return the rows of a CSV file as numbers, at most 2,000; each seed learns from 70 % and is judged on the rest."""
    table = pd.read_csv(data)
    table = table.dropna(subset=[target or table.columns[-1]])
    table = table.sample(n=min(len(table), 2000), random_state=0)
    column = table.pop(target or table.columns[-1])
    X = pd.get_dummies(table, dtype=float).fillna(table.mean(numeric_only=True)).to_numpy(np.float32)
    X = (X - X.mean(0)) / np.maximum(X.std(0), 1e-6)
    if pd.api.types.is_float_dtype(column):
        y = ((column - column.mean()) / column.std()).to_numpy(np.float32)[:, None]
        network = network_of(Gaussian(), 1)
    else:
        y, classes = pd.factorize(column)
        y, network = y.astype(np.int32), network_of(Multinoulli(), len(classes))
    orders = [np.random.default_rng(seed).permutation(len(y)) for seed in range(seeds)]
    cut = int(0.7 * len(y))
    where = f"a random 70 % of {len(y)} rows of {data} each"
    folds = [fold(order[:cut], seed) for seed, order in enumerate(orders)]
    return Batch(X, (y,), np.ones(len(y), np.float32)), folds, [order[cut:] for order in orders], network, where


def fold(own: np.ndarray, seed: int) -> Fold:
    """Return rows as those that train and the share that validates."""
    cut = round((1 - VALID) * len(own))
    return Fold(own[:cut], own[cut:], seed)


def network_of(likelihood: Any, size: int) -> Network:
    """Return the network that is trained, without a rule for stopping."""
    plain = Network([Dense(128), ReLU()], likelihood, optimizer=Adam(0.003), stopping=None, batch_size=BATCH)
    return complete(plain, OutputSize(size))


def cost_on(member: Any, rows: Batch, chosen: np.ndarray) -> float:
    """Return the mean cost of a trained network on some rows, in nats: −log p, as in training."""
    said, y = predict(member.final, rows.x[chosen])[0].astype(np.float64), rows.y[0][chosen]
    if y.ndim == 1:
        return float(-np.log(np.maximum(said[np.arange(len(y)), y], 1e-38)).mean())
    return float((0.5 * np.log(2 * np.pi) + 0.5 * (said - y) ** 2).mean())


def ways(kept: Trained, small: Trained, goal: float, rounds: int, seeds: int) -> dict[str, Trial]:
    """Return how a network that was stopped goes on to all rows; `small`: the one that was stopped on a subset."""
    plain = replace(kept.trial, network=replace(kept.trial.network, stopping=None))
    on_all = replace(plain, fold=2 * seeds + plain.fold)
    passes = round(small.best_round / (SUBSET * (1 - VALID)))
    return {
        "steps": replace(on_all, rounds=kept.best_round),
        "continue": replace(on_all, trained=(kept.params, kept.states), goal=goal, rounds=rounds),
        "subset steps": replace(on_all, rounds=small.best_round),
        "subset passes": replace(on_all, rounds=passes),
        "never": replace(plain, rounds=rounds),
    }


def _replayed(by_seed: list[list[Trained]], rows: Batch, unseen: list[np.ndarray]) -> dict[str, Any]:
    """Return whether Algorithm 7.1 on whole curves says what training did, and what each patience costs and buys."""
    agrees, table = [], []
    for k, patience in enumerate(PATIENCES):
        for *few, whole in by_seed:
            told = algorithm_7_1([cost for _, cost in whole.curve], EVERY, patience)
            agrees.append((told["best step i*"].iloc[-1], len(told)) == (EVERY * few[k].best_round, few[k].rounds))
        mine = [each[k] for each in by_seed]
        costs = np.array([cost_on(member, rows, chosen) for member, chosen in zip(mine, unseen, strict=True)])
        steps = EVERY * np.array([[member.best_round, member.rounds] for member in mine])
        table.append((str(patience), *steps.mean(0), *interval(costs)))
    titles = ["patience p", "best step i*", "steps trained", "cost on unseen rows", "± (95 %)"]
    bought = pd.DataFrame(table, columns=titles).round(3)
    return {"agreeing": int(np.sum(agrees)), "compared": len(agrees), "bought": bought}


def _compared(
    kept: list[Trained], small: list[Trained], by_way: dict[str, list[Trained]], rows: Batch, unseen: list[np.ndarray]
) -> dict[str, Any]:
    """Return what each way to use all rows does to the cost on rows that nobody saw."""
    before = np.array([cost_on(member, rows, chosen) for member, chosen in zip(kept, unseen, strict=True)])
    changes, table = {}, []
    for way, members in by_way.items():
        costs = np.array([cost_on(member, rows, chosen) for member, chosen in zip(members, unseen, strict=True)])
        changes[way] = costs - before
        steps = EVERY * np.mean([0 if member in kept else member.rounds for member in members])
        table.append((WAYS[way], steps, costs.mean(), *interval(changes[way])))
    best = min(changes, key=lambda way: changes[way].mean())
    mean, error = interval(changes[best])
    sure = "more than chance explains" if abs(mean) > error else "which may be chance"
    verdict = f'On average "{WAYS[best]}" changed the cost most favourably, by {mean:+.3f} ± {error:.3f}, {sure}.'
    titles = ["way", "further steps", "cost", "against stopped", "± (95 %)"]
    return {
        "table": pd.DataFrame(table, columns=titles).round(3),
        "before": float(before.mean()),
        "changes": changes,
        "verdict": verdict,
        "steps": float(EVERY * np.mean([member.best_round for member in kept])),
        "subset_steps": float(EVERY * np.mean([member.best_round for member in small])),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    cost = np.array(found["curve"])
    steps = EVERY * np.arange(1, len(cost) + 1)
    axes.plot(steps, cost[:, 0], label="training", color="C7")
    axes.plot(steps, cost[:, 1], label="validation", color="C0")
    for i, patience in enumerate(PATIENCES[::2]):
        told = algorithm_7_1(cost[:, 1].tolist(), EVERY, patience)
        best, end = told["best step i*"].iloc[-1], told["step i"].iloc[-1]
        axes.plot(best, cost[best // EVERY - 1, 1], "o", color=f"C{i + 1}", label=f"kept, p = {patience}")
        axes.axvline(end, linestyle=":", color=f"C{i + 1}")
    low, high = cost.min(), cost[3:].max()  # the first measurements are far above
    axes.set(xlabel="step", ylabel="cost (nats a row)", ylim=(low - 0.1 * (high - low), high))
    axes.legend()
    return {"curve": figure, "ways": _draw_ways(found)}


def _draw_ways(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.0), layout="constrained")
    axes = figure.subplots()
    for i, changes in enumerate(found["changes"].values()):
        mean, error = interval(changes)
        axes.errorbar(mean, -i, xerr=error, fmt="o", capsize=4, color="C0")
    axes.axvline(0, linestyle=":", color="C7")
    axes.set_yticks(-np.arange(len(WAYS)), list(WAYS.values()))
    axes.set(xlabel="change of the cost on unseen rows (nats)")
    return figure
