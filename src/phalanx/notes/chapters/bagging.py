"""Bagging: the average of several models is never worse than they are on average, and by how much it is better."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from phalanx import Adam, Classifier, Dense, Regressor, ReLU, Tanh, choice, loguniform

ROWS = ("F9",)

TEXT = r"""
Draw $n$ rows out of $n$ with replacement, train a model on them, do this $k$ times, and let all of them speak: that is
*bagging* (bootstrap aggregating). The notes let classifiers vote, average numbers, and ask what the average is worth if
the errors of the members, $\epsilon_1, \dots, \epsilon_k$, have variance $v$ and covariance $c$. (The book: 7.11.)

$$E\Big[\Big(\frac{1}{k}\sum_i \epsilon_i\Big)^2\Big] = \frac{v}{k} + \frac{k-1}{k}\,c$$

## A sample with replacement

Each sample leaves rows out: a given row is in it with probability $1 - (1 - 1/n)^n$, which tends to $1 - 1/e$. For the
«rows» training rows of «source» that is «distinct_theory:.4f»; in «bags» samples a share of «distinct:.4f» was there.
So every member knows another part of the data.

## The formula, on real members

Take for $v$ the mean over members of $E[\epsilon_i^2]$ and for $c$ the mean over pairs of $E[\epsilon_i \epsilon_j]$,
both on «held» rows that no member saw. Then the formula needs none of the assumptions of the notes, neither a normal
distribution nor errors of mean 0 and equal variance; it is the square, multiplied out. Three bags of «k» members, and
one of four kinds of model:

«source: bag_of_networks»

«bags_table»

The bag's error is what the formula says (largest relative difference: «identity:.0e»). Since $c \le v$, it is at most
$v$: never worse than the members *on average*, and as bad as that only if all of them are the same. One member may be
better than its bag: in «beaten:.0%» of random bags of three of these networks it was, though one would have to know
which.

![The error of a bag by its number of members: averages over random bags, and the formula.](growth)

## Why not v/k

With $c = 0$ the error would be $v/k$, which the notes call impressive; the table has it in the last column. Errors are
not independent, though. All members miss the same noise in the targets, and what none of them can learn. That part is
in $c$, and no number of members takes it away. What helps is members that differ: a bag takes away the share
$(1 - \frac{1}{k})(1 - c/v)$ of $v$. For networks that were trained alike $c/v$ is «network_share:.2f» and the gain
«network_gain:.0%»; with other widths, activations and learning rates the gain is «different_gain:.0%». Full-grown trees
follow each chance of their sample: $c/v$ is «tree_share:.2f», and the gain «tree_gain:.0%». This is why bags are made
of trees, as in the notes.

## Votes

For classes the notes let the majority decide, on the ground that most models are not wrong. On «vote_held» handwritten
digits, after «vote_rows» training rows, «vote_k» members each:

«votes»

(A full-grown tree is always sure, so for trees the two ways are one.)

The vote is only as good as its condition. Of $k$ independent members that are each right with probability $p$, more
than half are right with this probability:

«majorities»

Below one half a vote makes things worse. (With ten classes less than half can be enough: the right class needs the most
votes only.)

To bag your own numbers: `phalanx notes bagging --data table.csv --target column`.
"""

GROWTH = 300


def compute(
    k: int = 16, rounds: int = 40, vote_rows: int = 300, data: str | None = None, target: str | None = None
) -> dict[str, Any]:
    """Return what the chapter claims, computed; `data` is a CSV of numbers, `target` its column to predict."""
    X, t = numbers(data, target)
    order = np.random.default_rng(0).permutation(len(t))
    cut = (2 * len(t)) // 3
    mine, others = order[:cut], order[cut:]
    found: dict[str, Any] = {"source": data or "the diabetes data", "rows": cut, "held": len(others), "k": k}
    bags = _bags(X[mine], t[mine], X[others], k, rounds)
    errors = {name: said - t[others] for name, said in bags.items()}
    return found | _distinct(cut) | _told(errors) | _votes(vote_rows, k - 1) | {"majorities": _majorities()}


def numbers(data: str | None, target: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns of numbers, and the target of mean 0 and deviation 1, of a CSV or of the diabetes data."""
    if data is None:
        X, t = load_diabetes(return_X_y=True)
    else:
        frame = pd.read_csv(data).select_dtypes("number").dropna()
        name = target or frame.columns[-1]
        X, t = frame.drop(columns=name).to_numpy(float), frame[name].to_numpy(float)
    return X, (t - t.mean()) / t.std()


def bag_of_networks(X: np.ndarray, t: np.ndarray, k: int, rounds: int, different: bool) -> Regressor:
    """Return k networks, each trained on its own bootstrap sample, alike or of different structure."""
    layers = [Dense(choice(4, 16, 64)), choice(Tanh(), ReLU())] if different else [Dense(16), Tanh()]
    return Regressor(
        layers,
        optimizer=Adam(loguniform(3e-3, 3e-2) if different else 1e-2),
        stopping=None,
        max_rounds=rounds,
        trials=k if different else 1,
        repeats=1 if different else k,
        bootstrap=True,
    ).fit(X, t, validation=(X, t))


def bootstrap(rows: int, seed: int) -> np.ndarray:
    """Return as many numbers of rows, drawn with replacement."""
    return np.random.default_rng(seed).integers(0, rows, rows)


def bag(make: Callable[[int], Any], X: np.ndarray, t: np.ndarray, k: int) -> list[Any]:
    """Return models of scikit-learn, the i-th that `make(i)` returns, each fitted to a bootstrap sample."""
    samples = [bootstrap(len(t), i) for i in range(k)]
    return [make(i).fit(X[sample], t[sample]) for i, sample in enumerate(samples)]


def _bags(X: np.ndarray, t: np.ndarray, held: np.ndarray, k: int, rounds: int) -> dict[str, np.ndarray]:
    """Return what the members of each bag say of the rows held out, (members, rows)."""
    alike, different = (bag_of_networks(X, t, k, rounds, kind) for kind in (False, True))
    trees = bag(lambda i: DecisionTreeRegressor(random_state=i), X, t, k)
    kinds = (DecisionTreeRegressor(random_state=0), KNeighborsRegressor(5), LinearRegression())
    mixed = [*bag(lambda i: kinds[i], X, t, 3), alike.members_[0]]
    bags = {
        "networks, alike": alike.members_,
        "networks, different": different.members_,
        "trees": trees,
        "a tree, neighbours, a line, a network": mixed,
    }
    return {name: np.array([member.predict(held) for member in members]) for name, members in bags.items()}


def moments(errors: np.ndarray) -> tuple[float, float]:
    """Return v and c: the mean over members of E[ε_i²], and over pairs of E[ε_i ε_j]."""
    products = errors @ errors.T / errors.shape[1]
    apart = ~np.eye(len(errors), dtype=bool)
    return float(np.diag(products).mean()), float(products[apart].mean())


def _told(errors: dict[str, np.ndarray]) -> dict[str, Any]:
    lines, gains = [], {}
    for name, each in errors.items():
        k, (v, c) = len(each), moments(each)
        bagged = float((each.mean(0) ** 2).mean())
        lines.append((name, k, v, c, v / k + (k - 1) * c / k, bagged, (each**2).mean(1).min(), v / k))
        gains[name] = 1 - bagged / v, c / v
    titles = ["bag", "k", "v", "c", "formula", "error of the bag", "best member", "v/k"]
    frame = pd.DataFrame(lines, columns=titles)
    alike, different, trees, _ = gains.values()
    return {
        "errors": errors,
        "identity": float((frame["error of the bag"] / frame["formula"] - 1).abs().max()),
        "bags_table": frame.round(3),
        "network_gain": alike[0],
        "network_share": alike[1],
        "different_gain": different[0],
        "tree_gain": trees[0],
        "tree_share": trees[1],
        "beaten": float(np.mean([_beaten(each) for each in list(errors.values())[:2]])),
        "growth": {name: _growth(each) for name, each in list(errors.items())[:3]},
    }


def _growth(errors: np.ndarray) -> np.ndarray:
    """Return the mean error of random bags of 1, 2, … members."""
    rng, k = np.random.default_rng(0), len(errors)
    picks = [[rng.permutation(k)[:size] for _ in range(GROWTH)] for size in range(1, k + 1)]
    return np.array([np.mean([(errors[p].mean(0) ** 2).mean() for p in sized]) for sized in picks])


def _beaten(errors: np.ndarray, size: int = 3) -> float:
    """Return the share of random bags that one of their members is better than."""
    rng = np.random.default_rng(1)
    picks = [errors[rng.permutation(len(errors))[:size]] for _ in range(GROWTH)]
    return float(np.mean([(p**2).mean(1).min() < (p.mean(0) ** 2).mean() for p in picks]))


def _distinct(rows: int, bags: int = 200) -> dict[str, Any]:
    shares = [len(np.unique(bootstrap(rows, seed))) / rows for seed in range(bags)]
    return {"bags": bags, "distinct": float(np.mean(shares)), "distinct_theory": 1 - (1 - 1 / rows) ** rows}


def voters(X: np.ndarray, y: np.ndarray, k: int, vote: bool) -> Classifier:
    """Return k networks, each trained on its own bootstrap sample, that vote, or average their probabilities."""
    return Classifier(
        [Dense(16), ReLU()],
        scaling="none",
        optimizer=Adam(0.01),
        stopping=None,
        max_rounds=20,
        repeats=k,
        bootstrap=True,
        vote=vote,
    ).fit(X, y)


def _votes(rows: int, k: int) -> dict[str, Any]:
    """Return how often members, their vote and the mean of their probabilities are right."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    mine, others = order[:rows], order[rows:]
    averaging, voting = (voters(X[mine] / 16, y[mine], k, vote) for vote in (False, True))
    trees = bag(lambda i: DecisionTreeClassifier(random_state=i), X[mine], y[mine], k)
    said = {
        "networks": np.array([member.predict_proba(X[others] / 16) for member in averaging.members_]),
        "trees": np.array([tree.predict_proba(X[others]) for tree in trees]),
    }
    right = {name: (of_each.argmax(2) == y[others]).mean(1) for name, of_each in said.items()}
    lines = [
        (name, right[name].mean(), right[name].max(), *(_accuracy(p, y[others]) for p in (majority(p), p.mean(0))))
        for name, p in said.items()
    ]
    titles = ["members", "right, on average", "best member", "majority vote", "mean of probabilities"]
    return {
        "vote_rows": rows,
        "vote_held": len(others),
        "vote_k": k,
        "votes": pd.DataFrame(lines, columns=titles).round(4),
        "said": said,
        "labels": y[others],
        "vote": voting.predict(X[others] / 16),
    }


def majority(said: np.ndarray) -> np.ndarray:
    """Return the share of votes of each class, given probabilities (members, rows, classes)."""
    return np.eye(said.shape[2])[said.argmax(2)].mean(0)


def _accuracy(p: np.ndarray, y: np.ndarray) -> float:
    return float((p.argmax(1) == y).mean())


def right_majority(k: int, p: float) -> float:
    """Return the probability that more than half of k independent members are right, each with probability p."""
    return sum(comb(k, i) * p**i * (1 - p) ** (k - i) for i in range(k // 2 + 1, k + 1))


def _majorities() -> pd.DataFrame:
    sizes = (1, 5, 15, 31)
    lines = [(p, *(right_majority(k, p) for k in sizes)) for p in (0.4, 0.5, 0.6, 0.8)]
    return pd.DataFrame(lines, columns=["p", *(f"k = {k}" for k in sizes)]).round(4)


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for i, (name, measured) in enumerate(found["growth"].items()):
        v, c = moments(found["errors"][name])
        size = np.arange(1, len(measured) + 1)
        axes.plot(size, v / size + (size - 1) * c / size, color=f"C{i}", label=name)
        axes.plot(size, measured, "o", markersize=4, color=f"C{i}")
        axes.axhline(c, color=f"C{i}", linestyle=":", linewidth=1)
    axes.set(xlabel="members of the bag (dotted: c)", ylabel="mean squared error, target of variance 1")
    axes.legend()
    return {"growth": figure}
