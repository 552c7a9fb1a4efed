"""One hidden layer is enough: any curve can be built, the width may explode, and training need not find it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import Adam, Bernoulli, Cosine, Dense, Gaussian, Network, Regressor, ReLU, choice
from phalanx.engine import Batch, Final, Fold, OutputSize, Trained, Trial, complete, predict, train

ROWS = ("B5",)

TEXT = r"""
The notes state the universal approximation theorem: a function $f: \mathbb{R}^d \to \mathbb{R}$ can be represented by a
network with one hidden layer. Put precisely (book, section 6.4.1), a continuous function on a closed and bounded set
can be *approximated* as closely as one likes, given enough units, with rectifiers as with any activation that is not a
polynomial. The notes add two warnings: the theorem does not give the network, and the number of units is exponential.
All three are checked here.

## Built by hand

Join points of a curve by straight lines: at each point the slope changes, and that change is one rectifier.

«source: built»

For the curve $f(x) = \sin 3\pi x$ on the interval from 0 to 1, $n$ units give $n$ lines. Where they bend evenly, the
largest error is at most

$$\frac{1}{8 n^2} \max |f''(x)|,$$

so twice the units have a quarter of the error. With «widest» units it is «built_errors[6]:.4f».

## Trained

The same widths were trained on «rows» points of the curve, one population of «networks» networks with «seeds» seeds for
each width.

![The largest error on the curve by the number of units: built by hand, the limit of the formula, and trained networks,
with a line through their medians.](widths)

Trained networks do not follow. With «widest» units their median error is «trained_median[6]:.3f», and the best of them
has «trained_best[6]:.3f», «worse:.0f» times the error of the network built by hand, which was there to be found. With 4
units the best trained network errs by «trained_best[2]:.3f», less than the built one («built_errors[2]:.3f»), since its
lines may bend where it pays. But most seeds miss it: the median is «trained_median[2]:.3f». That a good network exists
is one thing, that training finds it another, and the theorem is about the first. The notes add that in practice the
function is not even known, only its values at some points.

## The width that dimension asks for

Take functions of $d$ bits: a label for each of the $2^d$ corners of a cube. Any of them can be built from $2^d - 1$
units. Number the corners along one direction in which no two coincide, and join their labels by lines.

Can one do with fewer? For some functions, yes. **Parity** (is the number of ones odd?) depends on the sum of the bits
alone, which takes $d + 1$ values, so $d$ units suffice. For most functions, no, and that is a matter of counting. There
are $2^{2^d}$ of them. What $w$ rectifiers do is settled by the corners at which each of them is on, and then by the
sign of a function that is linear in $w(d+1) + 1$ numbers. A formula of Cover bounds both numbers of ways. If their
product is under half of $2^{2^d}$, then $w$ units cannot do half of all functions. The column "needed" has the least
width that passes. It is cautious, and grows like $2^d / d^2$.

To see what training needs, networks of «cube_widths» widths learned random functions and parity in «first_dimension» to
«last_dimension» dimensions, as one population of «cube_networks» networks. "Trained" is the least width with which at
least half of the «cube_seeds» seeds got every corner right within «cube_steps:,» steps.

«table»

![Units by dimension: what is needed for most functions, what training took for random functions and for parity, and
what can be built.](dimensions)

The width for random functions grew by a factor of «growth:.2f» with each dimension, and the count asks for a factor of
«needed_growth:.2f» from «first_count» to «last_count» dimensions. So the warning of the notes is right for functions
without structure. It is not right for every function: parity of «last_dimension» bits was built from «last_dimension»
units. Training took «parity_last:.0f» units for it, and «random_last:.0f» for a random function. The small network
exists, and gradient descent does not find it. What helps is structure that the network can use, and
[depth](chapter:regions) is one kind.
"""

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
FINER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
MOST_COUNTED = 12
ROUND_STEPS = 50


def compute(
    seeds: int = 8,
    rounds: int = 300,
    dimensions: Sequence[int] = (2, 3, 4, 5, 6, 7),
    cube_widths: Sequence[int] = FINER,
    cube_seeds: int = 6,
    cube_rounds: int = 60,
) -> dict[str, Any]:
    """Return errors by width, built and trained, and the widths that functions of bits need by dimension."""
    x = np.linspace(0, 1, 1001)
    built_errors = np.array([largest_error(curve_by_hand(width, x), x) for width in WIDTHS])
    trained, rows = errors_of_trained(x, seeds, rounds)
    fits = share_that_fits(dimensions, cube_widths, cube_seeds, cube_rounds)
    any_width, parity_width = (least_width(cube_widths, fits[:, kind]) for kind in (0, 1))
    counted = np.arange(dimensions[0], MOST_COUNTED + 1)
    needed = np.array([needed_width(int(d)) for d in counted])
    table = pd.DataFrame(
        {
            "dimensions": dimensions,
            "needed": needed[: len(dimensions)],
            "trained, random": any_width,
            "built, random": [2**d - 1 for d in dimensions],
            "trained, parity": parity_width,
            "built, parity": dimensions,
        }
    )
    span = dimensions[-1] - dimensions[0]
    best = trained.min(1)
    return {
        "widest": WIDTHS[-1],
        "rows": rows,
        "seeds": seeds,
        "networks": trained.size,
        "built_errors": built_errors,
        "limits": (3 * np.pi) ** 2 / 8 / np.array(WIDTHS) ** 2.0,
        "trained": trained,
        "trained_median": np.median(trained, axis=1),
        "trained_best": best,
        "worse": best[-1] / built_errors[-1],
        "first_dimension": dimensions[0],
        "last_dimension": dimensions[-1],
        "cube_widths": len(cube_widths),
        "cube_seeds": cube_seeds,
        "cube_steps": cube_rounds * ROUND_STEPS,
        "cube_networks": len(cube_widths) * 2 * len(dimensions) * cube_seeds,
        "table": table,
        "fits": fits,
        "counted": counted,
        "needed": needed,
        "growth": float((any_width[-1] / any_width[0]) ** (1 / span)),
        "first_count": MOST_COUNTED - 4,
        "last_count": MOST_COUNTED,
        "needed_growth": float((needed[-1] / needed[-5]) ** (1 / 4)),
        "parity_last": parity_width[-1],
        "random_last": any_width[-1],
    }


def curve(x: np.ndarray) -> np.ndarray:
    """Return the function to approximate."""
    return np.sin(3 * np.pi * x)


def largest_error(found: np.ndarray, x: np.ndarray) -> float:
    """Return how far values are from the curve at worst."""
    return float(np.abs(found - curve(x)).max())


def built(knots: np.ndarray, values: np.ndarray, direction: np.ndarray) -> Final:
    """Return a network of rectifiers whose output, along a direction, joins values at knots by straight lines."""
    slopes = np.diff(values) / np.diff(knots)
    hidden = {"weight": np.outer(direction, np.ones(len(slopes))), "bias": -knots[:-1]}  # max(0, x − knot)
    output = {"weight": np.diff(slopes, prepend=0.0)[:, None], "bias": values[:1]}  # what the slope changes by
    params = {"dense_1": hidden, "relu_1": {}, "output": output}
    network = complete(Network([Dense(len(slopes)), ReLU()], Gaussian()), OutputSize(1))
    return Final(network, single(params), {name: {} for name in params}, progress=1.0)


def single(params: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """Return parameters in single precision."""
    return {layer: {name: value.astype(np.float32) for name, value in held.items()} for layer, held in params.items()}


def curve_by_hand(width: int, x: np.ndarray) -> np.ndarray:
    """Return what the built network of so many units says of x."""
    knots = np.linspace(0, 1, width + 1)
    return predict(built(knots, curve(knots), np.ones(1)), np.float32(x[:, None]))[0][:, 0]


def errors_of_trained(x: np.ndarray, seeds: int, rounds: int) -> tuple[np.ndarray, int]:
    """Return the largest error of trained networks, (widths, seeds), and on how many points they were trained."""
    rows = np.linspace(0, 1, 256)[:, None]
    target = curve(rows[:, 0])
    net = Regressor([Dense(choice(*WIDTHS)), ReLU()], optimizer=Adam(Cosine(0.1)), stopping=None, batch_size=64)
    net.set_params(scaling="standard", trials=len(WIDTHS), repeats=seeds, design="grid", max_rounds=rounds)
    net.fit(rows, target, validation=(rows, target))
    by_width: dict[int, list[float]] = {width: [] for width in WIDTHS}
    for member in net.members_:
        by_width[member.params["dense_1"]["bias"].size].append(largest_error(member.predict(x[:, None]), x))
    return np.array([by_width[width] for width in WIDTHS]), len(rows)


def corners(dimension: int) -> np.ndarray:
    """Return the corners of a cube as bits, (2^dimension, dimension)."""
    return (np.arange(2**dimension)[:, None] >> np.arange(dimension)) & 1


def parity_by_hand(dimension: int) -> Final:
    """Return a network of as many units as dimensions whose output is 1 where an odd number of bits is 1, else 0."""
    ones = np.arange(dimension + 1.0)
    return built(ones, ones % 2, np.ones(dimension))


def any_by_hand(labels: np.ndarray) -> Final:
    """Return a network of 2^d − 1 units whose output at each corner is its label: the bits are read as a number."""
    return built(np.arange(float(len(labels))), labels.astype(float), 2.0 ** np.arange(len(labels).bit_length() - 1))


def needed_width(dimension: int) -> int:
    """Return the least number of rectifiers that may suffice for half of all functions of so many bits."""
    points = 2**dimension

    def patterns(most: int) -> int:
        """Return in how many ways a linear function of `most` + 1 numbers can divide the corners, at most."""
        total, term = 0, 1
        for j in range(min(most, points - 1) + 1):
            total += term
            term = term * (points - 1 - j) // (j + 1)
        return 2 * total

    switched = patterns(dimension)
    width = 1
    while switched**width * patterns(width * (dimension + 1)) < 2 ** (points - 1):
        width += 1
    return width


def share_that_fits(dimensions: Sequence[int], widths: Sequence[int], seeds: int, rounds: int) -> np.ndarray:
    """Return the share of networks that learn every corner, (widths, random or parity, dimensions): one population.

    Cubes of all dimensions stand in one space, the further inputs of smaller ones being 0.
    """
    rng = np.random.default_rng(0)
    inputs: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    folds: list[Fold] = []
    at = 0
    for kind in ("random", "parity"):
        for d in dimensions:
            x = np.zeros((2**d, max(dimensions)), np.float32)
            x[:, :d] = 2 * corners(d) - 1
            for seed in range(seeds):
                inputs.append(x)
                labels.append(rng.integers(0, 2, 2**d) if kind == "random" else corners(d).sum(1) % 2)
                own = np.arange(at, at := at + 2**d)
                folds.append(Fold(own, own, seed))
    networks = [
        complete(Network([Dense(width), ReLU()], Bernoulli(), optimizer=Adam(0.02), stopping=None), OutputSize(2))
        for width in widths
    ]
    trials = [
        Trial(network, seed=i, fold=i, goal=all_right(len(fold.train)))
        for network in networks
        for i, fold in enumerate(folds)
    ]
    rows = Batch(np.concatenate(inputs), (np.concatenate(labels).astype(np.int32),), np.ones(at, np.float32))
    members = train(trials, rows, folds, max_rounds=rounds, round_steps=ROUND_STEPS).members
    return np.array([fits(member) for member in members]).reshape(len(widths), 2, len(dimensions), seeds).mean(-1)


def all_right(rows: int) -> float:
    """Return a mean cost under which no row can be wrong: a wrong one alone costs ln 2 or more."""
    return math.log(2) / rows


def fits(member: Trained) -> bool:
    """Say whether a network learned all of its rows."""
    return member.best_score <= member.trial.goal


def least_width(widths: Sequence[int], shares: np.ndarray) -> np.ndarray:
    """Return for each dimension the least width with which half of the networks fit; NaN where none does."""
    return np.array(
        [next((float(w) for w, share in zip(widths, line, strict=True) if share >= 0.5), np.nan) for line in shares.T]
    )


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return errors by width, and widths by dimension."""
    widths = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = widths.subplots()
    axes.loglog(WIDTHS, found["limits"], "C2--", label="limit of the formula")
    axes.loglog(WIDTHS, found["built_errors"], "C0o-", label="built by hand")
    axes.loglog(WIDTHS, found["trained_median"], "C1-", label="trained, median")
    axes.loglog(WIDTHS, found["trained"], "C1.", alpha=0.5)
    axes.set_xlabel("units of the hidden layer")
    axes.set_ylabel("largest error")
    axes.legend()

    dimensions = Figure(figsize=(5.5, 3.9), layout="constrained")
    axes = dimensions.subplots()
    table = found["table"]
    d = table["dimensions"]
    axes.semilogy(d, table["built, random"], "C2--", label="built, any function")
    axes.semilogy(d, table["trained, random"], "C0o-", label="trained, random function")
    axes.semilogy(d, table["trained, parity"], "C1s-", label="trained, parity")
    axes.semilogy(d, table["built, parity"], "C1--", label="built, parity")
    axes.semilogy(found["counted"], found["needed"], "C3:", label="needed for half of all functions")
    axes.set_xlabel("dimensions (bits)")
    axes.set_ylabel("units of the hidden layer")
    dimensions.legend(loc="outside upper center", ncols=2, fontsize="small")
    return {"widths": widths, "dimensions": dimensions}
