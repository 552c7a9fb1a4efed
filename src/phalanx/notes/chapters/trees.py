"""Trees, and the curse of dimensionality: as many regions as examples, and how few that are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from phalanx import Adam, Cosine, Dense, Gaussian, Network, ReLU
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, predict, train

ROWS = ("B2", "B3")

TEXT = r"""
A decision tree asks of one attribute at a time whether it is above a number. The notes look at one that is grown
until every leaf holds one kind of example, on «rows:,» examples (book, sections 5.7.3 and 5.11).

## Up to as many leaves as examples

«leaves»

With two inputs, full trees for four kinds of targets: where all numbers are different each example gets a leaf of its
own, as the notes say. Labels that follow a rule need few leaves, and wrong ones need some of their own. Where a fifth
of the labels is wrong, the full tree errs on «noisy_full:.0%» of new examples, one of «small» leaves on
«noisy_small:.0%», and «floor:.0%» cannot be avoided. The notes write "no overfitting" beside the full tree, but it
does overfit; what it has is no error in training.

## Boxes

A question about one attribute cuts along an axis, so each leaf is a box. Read off the tree,

«source: boxes_of»

the «boxes» boxes of the picture answer as the tree does at each of «points:,» points.

![The boxes of a full tree for a rule with a slanted border and one in ten labels wrong. It follows the border in
steps, and single examples have boxes of their own.](regions)

Within a box the answer is constant, so $n$ examples give at most $n$ regions. Whether «bits» bits hold an odd number
of ones has $2^{«bits»}$ = «corners:,» regions. Given half of the corners, a tree is right on «parity:.0%» of the
others («parity_low:.0%» to «parity_high:.0%» over «halves» random halves). That is worse than a coin, since here
neighbours never agree. The notes say that the leaves would have to be exponentially many, and the tree does not work.

## Losing attributes

$n$ leaves are $n - 1$ questions, and these are about at most $n - 1$ attributes. Here are «attributes:,» of them, and
as many examples, all with different targets, as the first column says:

«features»

This is how features are lost: the number of examples bounds how many a tree can use. On real data (here «table_name»,
«table_rows» training examples with «table_columns» attributes) rules are simpler: «table_leaves» leaves that ask
«table_asked» attributes, and a score of «table_right:.3f» on unseen examples.

## The curse of dimensionality

Cut each attribute into ten values and ask for an example in every cell: with $d$ attributes there are $10^d$.

«cells»

The share of cells that «samples:,» uniform examples fall into is $1 - (1 - 10^{-d})^n$; the last column was counted.
For the notes' thirty attributes, a billion examples a second would need «years:.0e» years to be as many as the cells.

Whoever answers from what is nearby meets this. Take «train_rows:,» examples with $d$ attributes, and as a target a
smooth sum of all, $\sqrt{2/d} \sum_j \sin(\pi (x_j - \frac{1}{2}))$, whose variance is 1 for every $d$:

![Left: the mean distance of a new example to the nearest one, and to one at random. Right: squared errors on new
examples of the nearest example, a full tree, and networks.](dimensions)

At $d$ = «last» the nearest example is «near_share:.0%» as far away as any, and to copy its answer costs «nearest:.2f»
of the variance. Networks, trained for all $d$ and «seeds» seeds as one population, err by «network:.2f» (at most
«network_most:.2f»). They do not defeat the counting, which holds where nothing is assumed; see
[no free lunch](chapter:no_free_lunch). They assume something else than that neighbours agree: that a few weighted
sums matter.
"""

SEEDS = 4
COUNTED = 7
"""Attributes up to which cells are counted one by one."""

DIMENSIONS = (1, 2, 3, 5, 8, 12, 20, 30)
SECONDS_A_YEAR = 365.25 * 24 * 3600


def compute(
    rows: int = 2000,
    bits: int = 10,
    samples: int = 1_000_000,
    train_rows: int = 1000,
    rounds: int = 80,
    data: str | None = None,
    target: str | None = None,
) -> dict[str, Any]:
    """Return how many leaves and attributes full trees have, and what becomes of neighbours in many dimensions."""
    leaves, noisy_full, noisy_small, small = leaves_by_target(rows)
    picture = slanted(300)
    points = np.random.default_rng(9).uniform(0, 1, (5000, 2))
    tree = DecisionTreeClassifier(random_state=0).fit(*picture)
    boxes, right = boxes_of(tree, 2), parity(bits)
    dimensions = by_dimension(train_rows, rounds)
    last = dimensions.iloc[-1]
    return {
        "rows": rows,
        "leaves": leaves,
        "noisy_full": noisy_full,
        "noisy_small": noisy_small,
        "small": small,
        "floor": WRONG,
        "boxes": len(boxes),
        "box_list": boxes,
        "points": len(points),
        "box_differences": int((answers_of(boxes, points) != tree.predict(points)).sum()),
        "picture": picture,
        "bits": bits,
        "corners": 2**bits,
        "parity": float(right.mean()),
        "halves": len(right),
        "parity_low": float(right.min()),
        "parity_high": float(right.max()),
        "features": features_asked(),
        "attributes": ATTRIBUTES,
        **on_table(data, target),
        "samples": samples,
        "cells": cells(samples),
        "years": 10.0**30 / 1e9 / SECONDS_A_YEAR,
        "train_rows": train_rows,
        "dimensions": dimensions,
        "last": int(last["attributes"]),
        "near_share": float(last["nearest distance"] / last["random distance"]),
        "nearest": float(last["nearest example"]),
        "network": float(last["network"]),
        "network_most": float(last["worst network"]),
        "seeds": SEEDS,
    }


WRONG = 0.2
"""Share of the labels that are turned around."""


def leaves_by_target(rows: int) -> tuple[pd.DataFrame, float, float, int]:
    """Return the leaves of full trees by the kind of target; and with wrong labels the errors of a full tree and of the
    one of few leaves that errs least, and its leaves.
    """
    rng = np.random.default_rng(0)
    x, test = rng.uniform(-1, 1, (2, rows, 2))
    inside, test_inside = ((np.hypot(*one.T) < 0.8).astype(int) for one in (x, test))
    coin, flip = rng.integers(0, 2, rows), rng.random(rows) < WRONG
    test_noisy = np.where(rng.random(rows) < WRONG, 1 - test_inside, test_inside)
    targets = {
        "numbers, all different": rng.permutation(rows).astype(float),
        "a coin's labels": coin,
        "inside a circle": inside,
        "inside a circle, one in five wrong": np.where(flip, 1 - inside, inside),
    }
    found, trees = [], {}
    for name, y in targets.items():
        model = DecisionTreeRegressor if y.dtype == float else DecisionTreeClassifier
        tree = trees[name] = model(random_state=0).fit(x, y)
        wrong = float((tree.predict(x) != y).mean())
        found.append({"target": name, "leaves": int(tree.get_n_leaves()), "wrong in training": wrong})
    noisy = targets["inside a circle, one in five wrong"]
    small = 16
    pruned = DecisionTreeClassifier(max_leaf_nodes=small, random_state=0).fit(x, noisy)
    full = float((trees["inside a circle, one in five wrong"].predict(test) != test_noisy).mean())
    return pd.DataFrame(found), full, float((pruned.predict(test) != test_noisy).mean()), small


def slanted(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of the unit square, and on which side of a diagonal they lie, one in ten labels wrong."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 1, (rows, 2))
    above = (x[:, 1] > x[:, 0]).astype(int)
    return x, np.where(rng.random(rows) < 0.1, 1 - above, above)


def boxes_of(tree: Any, inputs: int) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Return the leaves of a tree: low and high end of each attribute, and the answer."""
    found, held = [], tree.tree_
    ahead = [(0, np.full(inputs, -np.inf), np.full(inputs, np.inf))]
    while ahead:
        node, low, high = ahead.pop()
        if held.children_left[node] < 0:
            found.append((low, high, float(held.value[node].argmax())))
            continue
        attribute, border = held.feature[node], held.threshold[node]
        left_high, right_low = high.copy(), low.copy()
        left_high[attribute] = right_low[attribute] = border
        ahead += [(held.children_left[node], low, left_high), (held.children_right[node], right_low, high)]
    return found


def answers_of(boxes: list[tuple[np.ndarray, np.ndarray, float]], points: np.ndarray) -> np.ndarray:
    """Return the answer of the box that each point lies in, NaN unless it is exactly one."""
    inside = np.array([((points > low) & (points <= high)).all(1) for low, high, _ in boxes])
    answer = np.array([answer for _, _, answer in boxes])
    return np.where(inside.sum(0) == 1, answer @ inside, np.nan)


def parity(bits: int, halves: int = 20) -> np.ndarray:
    """Return the share of unseen corners on which a full tree says rightly whether bits are odd, for random halves that
    it was given.
    """
    corners = (np.arange(2**bits)[:, None] >> np.arange(bits)) & 1
    odd, found = corners.sum(1) % 2, []
    for seed in range(halves):
        seen = np.random.default_rng(seed).permutation(len(corners)) < len(corners) // 2
        tree = DecisionTreeClassifier(random_state=0).fit(corners[seen], odd[seen])
        found.append((tree.predict(corners[~seen]) == odd[~seen]).mean())
    return np.array(found)


ATTRIBUTES = 1000


def features_asked() -> pd.DataFrame:
    """Return how many questions full trees ask, and of how many different attributes, by the number of examples."""
    found = []
    for rows in (10, 30, 100, 300):
        rng = np.random.default_rng(rows)
        tree = DecisionTreeRegressor(random_state=0).fit(rng.normal(size=(rows, ATTRIBUTES)), rng.normal(size=rows))
        asked = tree.tree_.feature[tree.tree_.feature >= 0]
        found.append({"examples": rows, "questions": len(asked), "attributes asked": len(np.unique(asked))})
    return pd.DataFrame(found)


def on_table(data: str | None, target: str | None) -> dict[str, Any]:
    """Return what a full tree on a table looks like: of the reader's file, or of breast cancers."""
    if data is None:
        x, y = load_breast_cancer(return_X_y=True)
        name = "breast cancers"
    else:
        frame = pd.read_csv(data).dropna()
        target = target or str(frame.columns[-1])
        x, y = frame.drop(columns=target).select_dtypes("number").to_numpy(), frame[target].to_numpy()
        name = data.replace("\\", "/").split("/")[-1]
    number = y.dtype.kind == "f"
    x, new, y, new_y = train_test_split(x, y, test_size=0.3, random_state=0)
    tree = (DecisionTreeRegressor if number else DecisionTreeClassifier)(random_state=0).fit(x, y)
    asked = np.unique(tree.tree_.feature[tree.tree_.feature >= 0])
    return {
        "table_name": name,
        "table_rows": len(x),
        "table_columns": x.shape[1],
        "table_leaves": int(tree.get_n_leaves()),
        "table_asked": len(asked),
        "table_right": float(tree.score(new, new_y)),
    }


def cells(samples: int) -> pd.DataFrame:
    """Return the number of cells by attributes, and the share with an example: by the formula, and counted."""
    rng, found = np.random.default_rng(0), []
    for d in (1, 2, 3, 5, 6, 7, 10, 30):
        share = -np.expm1(samples * np.log1p(-(10.0**-d)))
        number = f"{10**d:,}" if d <= COUNTED else f"10^{d}"
        row: dict[str, Any] = {"attributes": d, "cells": number, "share with an example": f"{share:.5g}"}
        if d <= COUNTED:
            taken = np.zeros(10**d, bool)
            taken[(rng.integers(0, 10, (samples, d), np.int8) @ (10 ** np.arange(d)))] = True
            row["counted"] = f"{taken.mean():.5g}"
        found.append(row)
    return pd.DataFrame(found).fillna("")


def smooth(x: np.ndarray) -> np.ndarray:
    """Return √(2/d) Σ_j sin(π (x_j − ½))."""
    return np.sqrt(2 / x.shape[1]) * np.sin(np.pi * (x - 0.5)).sum(1)


def by_dimension(rows: int, rounds: int) -> pd.DataFrame:
    """Return by the number of attributes how far examples lie apart, and the squared errors of three learners."""
    rng, found, tables = np.random.default_rng(0), [], []
    for d in DIMENSIONS:
        x, new = rng.uniform(0, 1, (2, rows, d))
        tables.append((x, new))
        nearest = KNeighborsRegressor(1).fit(x, smooth(x))
        tree = DecisionTreeRegressor(random_state=0).fit(x, smooth(x))
        distance, _ = nearest.kneighbors(new)
        found.append(
            {
                "attributes": d,
                "nearest distance": float(distance.mean()),
                "random distance": float(np.linalg.norm(x - new, axis=1).mean()),
                "nearest example": float(((nearest.predict(new) - smooth(new)) ** 2).mean()),
                "tree": float(((tree.predict(new) - smooth(new)) ** 2).mean()),
            }
        )
    errors = errors_of_networks(tables, rounds)
    return pd.DataFrame(found).assign(**{"network": errors.mean(1), "worst network": errors.max(1)})


def errors_of_networks(tables: Sequence[tuple[np.ndarray, np.ndarray]], rounds: int) -> np.ndarray:
    """Train networks on each table, all as one population, and return their squared errors on the new examples.

    Narrower tables are filled up with columns of zeros, so that all networks have one shape.
    """
    width = max(x.shape[1] for x, _ in tables)

    def filled(x: np.ndarray) -> np.ndarray:
        centred = (x - 0.5) * np.sqrt(12)  # uniform numbers of mean 0 and deviation 1
        return np.pad(centred, ((0, 0), (0, width - x.shape[1]))).astype(np.float32)

    layers = [Dense(64), ReLU(), Dense(64), ReLU()]
    network = Network(layers, Gaussian(), optimizer=Adam(Cosine(0.005)), stopping=None, batch_size=50)
    made = complete(network, OutputSize(1))
    trials = [Trial(made, seed, fold) for fold in range(len(tables)) for seed in range(SEEDS)]
    x = np.concatenate([filled(one) for one, _ in tables])
    y = np.concatenate([smooth(one) for one, _ in tables])[:, None].astype(np.float32)
    own = np.arange(len(x)).reshape(len(tables), -1)
    folds = [Fold(rows, rows[:0], seed=0) for rows in own]
    members = train(trials, Batch(x, (y,), np.ones(len(x), np.float32)), folds, max_rounds=rounds).members
    errors = []
    for member in members:
        _, new = tables[member.trial.fold]
        errors.append(((predict(member.final, filled(new))[0][:, 0] - smooth(new)) ** 2).mean())
    return np.array(errors).reshape(len(tables), SEEDS)


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the boxes of a tree, and distances and errors by dimension."""
    regions = Figure(figsize=(4.6, 3.6), layout="constrained")
    axes, (x, y) = regions.subplots(), found["picture"]
    for low, high, answer in found["box_list"]:
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        box = ([low[0], high[0]], [low[1]] * 2, [high[1]] * 2)
        axes.fill_between(*box, color=f"C{int(answer)}", alpha=0.35, linewidth=0.6)
    for kind in (0, 1):
        axes.scatter(x[y == kind, 0], x[y == kind, 1], s=7, color=f"C{kind}")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="x₁", ylabel="x₂")
    axes.grid(False)

    dimensions = Figure(figsize=(6.2, 3.2), layout="constrained")
    table, (left, right) = found["dimensions"], dimensions.subplots(1, 2)
    for name, label in (("random distance", "two at random"), ("nearest distance", "nearest")):
        left.plot(table["attributes"], table[name], "o-", label=label)
    left.set_ylabel("distance")
    for colour, learner in enumerate(("nearest example", "tree", "network"), 2):
        right.semilogy(table["attributes"], table[learner], f"C{colour}o-", label=learner)
    right.set_ylabel("squared error")
    for axes in (left, right):
        axes.set_xlabel("attributes")
        axes.legend(fontsize="small")
    return {"regions": regions, "dimensions": dimensions}
