"""No free lunch: over all labelings every learner errs alike, over smooth ones they differ."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from phalanx import Adam, Bernoulli, Dense, Network, Tanh
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, predict, train

ROWS = ("A3",)

TEXT = r"""
The notes state the no-free-lunch theorem: averaged over all distributions that could have made the data, every
classification algorithm has the same error rate on points that it has not seen. They conclude that one should not look
for a universal learning algorithm (book, section 5.2.1), and add that there is a proof. On a small domain the proof is
a count, and here it is carried out.

## A world that can be counted

The world is a grid of «points» points, and a labeling gives each of them the class 0 or 1. That makes «labelings:,»
labelings, and all of them are looked at. «seen» points are training points; the other «unseen» are never seen. A
learner is given the labels of the training points and answers for the rest. Six learners take part:

- the **majority** answers the more frequent training class everywhere;
- the **nearest neighbour** answers the class of the closest training point, and the **contrary** answers the other one;
- a **line** is logistic regression;
- a **tree** is a fully grown decision tree;
- the **network** has one hidden layer of tanh units.

There are «trainings» ways to label the training points, so the network has to be trained «trainings» times. That is one
population: each member is a network with training rows of its own.

«source: train_networks»

## The average over everything

Count the wrong answers at unseen points over all labelings:

«table»

Every learner is wrong in exactly half of the cases: «wrong:,» of «answers:,». The reason is short. A learner's answers
depend on the training labels alone. Whatever it answers at an unseen point, half of the labelings that agree with the
training labels have a 0 there, and half have a 1. More than the average is equal: the number of labelings on which a
learner makes $j$ mistakes is $\binom{n}{j}$ with $n$ = «unseen», times the number of training labelings, for every
learner. So a network and the contrary of a good learner do not even differ in how their scores are spread.

## Not all labelings are equally likely

Now let a labeling $f$ have a probability that depends on how smooth it is:

$$p(f) = \frac{1}{Z} e^{\beta s(f)},$$

where $s(f)$ is the number of neighbouring pairs of the grid with equal labels. With $\beta = 0$ all labelings are
equally likely. With $\beta > 0$ neighbours tend to agree, with $\beta < 0$ they tend to differ. The expected error of
each learner is again a sum over all labelings, without any sampling.

![Expected error at unseen points against the smoothness of the world: the lines of all learners cross at one half,
where every labeling is equally likely.](smoothness)

All lines meet at $\beta = 0$, and nowhere else do all learners agree. At $\beta$ = «strong:g» the nearest neighbour
errs in «smooth[nearest neighbour]:.3f» of the cases, the network in «smooth[network]:.3f», the line in
«smooth[line]:.3f» and the contrary in «smooth[contrary]:.3f». At $\beta$ = −«strong:g» the order is turned around: the
contrary errs in «rough[contrary]:.3f», the nearest neighbour in «rough[nearest neighbour]:.3f». What a learner gains in
one world it pays for in another.

![A labeling of each kind: neighbours agree on the left, and nothing ties them together on the right. Rings mark the
training points.](labelings)

## What this does and does not say

The theorem is about an average in which a labeling without any regularity counts as much as one with it. The problems
that people have are not drawn from that average, so it does not say that all learners are equally good at them. It says
that to be good at them is a match between a learner's preference, here the one for smoothness, and the world.
Regularization is such a preference, and so is [convolution](chapter:prior). Which preference fits has to be tried.
"""


def compute(side: int = 4, seen: int = 6, strong: float = 1.0, rounds: int = 150) -> dict[str, Any]:
    """Return the error of each learner over all labelings of a grid, evenly weighted and weighted by smoothness."""
    grid = grid_points(side)
    order = np.random.default_rng(2).permutation(len(grid))
    train_points, unseen_points = np.sort(order[:seen]), np.sort(order[seen:])
    labelings = all_labelings(len(grid))
    answers = answers_of_learners(grid[train_points], grid[unseen_points], rounds)
    code = labelings[:, train_points] @ (1 << np.arange(seen))  # which training labeling each labeling contains
    mistakes = {
        name: (told[code] != labelings[:, unseen_points]).sum(1, dtype=np.int64) for name, told in answers.items()
    }
    agreeing = equal_neighbours(labelings.reshape(-1, side, side))
    betas = np.linspace(-strong, strong, 21)
    unseen = len(unseen_points)
    expected = {
        name: np.array([expected_error(wrong / unseen, agreeing, beta) for beta in betas])
        for name, wrong in mistakes.items()
    }
    total = len(labelings) * unseen
    table = pd.DataFrame({"learner": list(mistakes), "wrong answers": [int(w.sum()) for w in mistakes.values()]})
    table["share"] = table["wrong answers"] / total
    return {
        "points": len(grid),
        "labelings": len(labelings),
        "seen": seen,
        "unseen": unseen,
        "trainings": 2**seen,
        "answers": total,
        "wrong": int(mistakes["network"].sum()),
        "table": table,
        "mistakes": mistakes,
        "counts": {name: np.bincount(wrong, minlength=unseen + 1) for name, wrong in mistakes.items()},
        "betas": betas,
        "expected": expected,
        "strong": strong,
        "smooth": {name: float(errors[-1]) for name, errors in expected.items()},
        "rough": {name: float(errors[0]) for name, errors in expected.items()},
        "grid": grid,
        "train_points": train_points,
        "examples": (labelings[likely_labeling(agreeing, strong)], labelings[likely_labeling(agreeing, 0.0)]),
    }


def grid_points(side: int) -> np.ndarray:
    """Return the points of a square grid, (points, 2), from −1 to 1."""
    line = np.linspace(-1, 1, side)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def all_labelings(points: int) -> np.ndarray:
    """Return every labeling of so many points, (2^points, points): the binary digits of the whole numbers."""
    return ((np.arange(2**points)[:, None] >> np.arange(points)) & 1).astype(np.int8)


def equal_neighbours(labels: np.ndarray) -> np.ndarray:
    """Return the number of neighbouring pairs with equal labels in each labeling, (labelings, side, side)."""
    return (labels[:, 1:] == labels[:, :-1]).sum((1, 2)) + (labels[:, :, 1:] == labels[:, :, :-1]).sum((1, 2))


def expected_error(errors: np.ndarray, agreeing: np.ndarray, beta: float) -> float:
    """Return the mean error over all labelings, each weighted by e^(β · neighbours that agree)."""
    weight = np.exp(beta * (agreeing - agreeing.max() * (beta > 0)))
    return float((weight * errors).sum() / weight.sum())


def likely_labeling(agreeing: np.ndarray, beta: float) -> int:
    """Return a labeling drawn with probability proportional to e^(β · neighbours that agree)."""
    weight = np.exp(beta * (agreeing - agreeing.max()))
    return int(np.random.default_rng(0).choice(len(weight), p=weight / weight.sum()))


def answers_of_learners(points: np.ndarray, unseen: np.ndarray, rounds: int) -> dict[str, np.ndarray]:
    """Return what each learner says of the unseen points for every training labeling, (2^seen, unseen)."""
    trainings = all_labelings(len(points))

    def fitted(model: Any) -> np.ndarray:
        told = [model.fit(points, y).predict(unseen) if np.ptp(y) else y[:1].repeat(len(unseen)) for y in trainings]
        return np.array(told)

    nearest = fitted(KNeighborsClassifier(1))
    majority = (trainings.mean(1) > 0.5).astype(np.int8)[:, None].repeat(len(unseen), axis=1)
    return {
        "majority": majority,
        "nearest neighbour": nearest,
        "contrary": 1 - nearest,
        "line": fitted(LogisticRegression(C=100.0)),
        "tree": fitted(DecisionTreeClassifier(random_state=0)),
        "network": train_networks(points, unseen, trainings, rounds),
    }


def train_networks(points: np.ndarray, unseen: np.ndarray, trainings: np.ndarray, rounds: int) -> np.ndarray:
    """Train one network for each training labeling, all as one population, and return their answers."""
    network = complete(
        Network([Dense(16), Tanh()], Bernoulli(), optimizer=Adam(0.03), stopping=None, batch_size=len(points)),
        OutputSize(2),
    )
    labels = trainings.reshape(-1).astype(np.int32)
    x = np.tile(points, (len(trainings), 1)).astype(np.float32)
    own = np.arange(len(x)).reshape(len(trainings), len(points))  # the rows of each labeling
    folds = [Fold(rows, rows, seed=0) for rows in own]
    trials = [Trial(network, seed=i, fold=i) for i in range(len(trainings))]
    members = train(trials, Batch(x, (labels,), np.ones(len(x), np.float32)), folds, max_rounds=rounds).members
    return np.array([predict(member.final, unseen.astype(np.float32))[0].argmax(1) for member in members])


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the expected errors by smoothness, and two labelings."""
    smoothness = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = smoothness.subplots()
    for i, (name, errors) in enumerate(found["expected"].items()):
        axes.plot(found["betas"], errors, f"C{i}", label=name)
    axes.set_xlabel("β: how much more likely equal neighbours are")
    axes.set_ylabel("expected error at unseen points")
    axes.legend(ncols=2, fontsize="small")

    labelings = Figure(figsize=(5.5, 2.8), layout="constrained")
    grid, seen = found["grid"], found["grid"][found["train_points"]]
    for axes, labels in zip(labelings.subplots(1, 2), found["examples"], strict=True):
        for label in (0, 1):
            axes.scatter(*grid[labels == label].T, s=90, color=f"C{label}", marker="os"[label], label=f"class {label}")
        axes.scatter(*seen.T, s=300, facecolors="none", edgecolors="C2", linewidths=1.5)
        axes.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
        axes.set_xlabel("first feature")
        axes.set_ylabel("second feature")
    return {"smoothness": smoothness, "labelings": labelings}
