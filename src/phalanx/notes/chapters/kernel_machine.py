"""The kernel machine: an SVM taken apart, down to the pairs of examples that it is made of."""

import time
from collections.abc import Callable, Sequence
from math import comb, factorial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import make_moons
from sklearn.svm import SVC

ROWS = ("B1",)

TEXT = r"""
The notes write a support vector machine as a sum over the training examples $x_i$ with their classes $t_i = \pm 1$,

$$y(x) = \sum_{i=1}^n a_i t_i\, k(x, x_i) + b,$$

with any of the famous kernels, such as $e^{-\|x - x'\|^2 / 2\sigma^2}$ (book, section 5.7.2). The sign of $y(x)$ is
the class. Here an SVM of scikit-learn, trained on two moons of «rows» noisy examples, is taken apart.

## Where the multipliers come from

$$\max_a \; \sum_i a_i - \frac{1}{2} \sum_i \sum_j a_i a_j t_i t_j\, k(x_i, x_j), \qquad 0 \le a_i \le C, \qquad
\sum_i a_i t_i = 0$$

The notes print $k_i k_j$ for $t_i t_j$. They have no upper limit $C$ either; it lets examples lie on the wrong side.
At the optimum each example is of one of three kinds (the conditions of Karush, Kuhn and Tucker):

«places»

They hold to within «kkt:.0e», and the value of this dual, «dual:.4f», is that of the problem behind it,
$\frac{1}{2}\|w\|^2 + C \sum_i \max(0, 1 - t_i y(x_i))$ = «primal:.4f». Examples with $a_i = 0$ drop out of the sum.
The other «supports» are the *support vectors* $S$, and those of them with $a_i < C$ have $t_i y(x_i) = 1$, which
gives

$$b = \frac{1}{N} \sum_{i:\, 0 < a_i < C} \Big( t_i - \sum_{j \in S} a_j t_j\, k(x_i, x_j) \Big).$$

The notes lost the $t_j$ here. With it $b$ is «b:.4f», and the sum

«source: decision»

is the library's answer to within «rebuilt:.0e» at «points:,» new points, of which «accuracy:.0%» get their class.
Without it $b$ would be «b_misprinted:.1f», and «misprint_accuracy:.0%» would.

## A kernel is an inner product

$k(x, x') = \phi(x)^\mathsf{T} \phi(x')$. For $k(x, x') = (1 + x^\mathsf{T} x')^2$ and two inputs,
$\phi(x) = (1, \sqrt{2}\, x_1, \sqrt{2}\, x_2, x_1^2, \sqrt{2}\, x_1 x_2, x_2^2)$: both sides agree to within
«trick:.0e», and a *linear* SVM on $\phi(x)$ says the same as one with the kernel, to within «same_machine:.0e». The
trick is never to build $\phi$. One inner product of the inputs and one power stand for as many features as this:

«features»

The Gaussian kernel has infinitely many. With one input they are $e^{-x^2/2\sigma^2} (x/\sigma)^m / \sqrt{m!}$ for
$m = 0, 1, \dots$, and «terms» of them give it to within «series:.0e» where $|x| \le 2\sigma$. An SVM learns none of
its features; the kernel fixes them, as a person fixes [basis functions](chapter:basis_functions).

## All pairs

The notes name the disadvantage: the cost grows as $n^2$. The dual has a term for each pair of examples.

![Kernel entries, and the processor time to compute them, against the number of examples.](cost)

Each doubling multiplied the entries by «entries_growth:.0f» and the time, on the machine that wrote this page, by
«seconds_growth:.1f». For a million examples the table of pairs takes «terabytes:.0f» TB.

## How wide a kernel

The notes say that with a kernel each vector is a support vector, and so it overfits. That depends on the width.

![Share of the examples that are support vectors, and accuracy on training and test examples, against the width of the
Gaussian kernel (C = 1).](width)

At $\sigma$ = «narrow:g» it is so: no two examples are similar, each speaks for itself alone, and «narrow_share:.0%»
are support vectors. Of the training examples «narrow_train:.0%» are right, of the test examples «narrow_test:.0%». At
$\sigma$ = «best:g» the share is «best_share:.0%», and «best_test:.0%» of the test is right. But at $\sigma$ =
«wide:g» it is «wide_share:.0%» again, for the opposite reason: everything looks alike, «wide_bound:.0%» of the
examples have $a_i = C$, and «wide_train:.0%» of the training examples are right. That is underfitting. The number of
support vectors alone tells neither.

![The line y(x) = 0 between the classes, and dashed where y(x) is −1 or 1. With a kernel of width 0.05 on the left one
class is a group of islands; on the right is the best kernel. Filled points are support vectors.](regions)
"""

C = 1.0
BLOCK = 50
ISLANDS = 0.05
"""Width of a kernel under which each example is an island."""

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def compute(
    rows: int = 200,
    noise: float = 0.25,
    widths: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50),
    sizes: Sequence[int] = (500, 1000, 2000, 4000),
) -> dict[str, Any]:
    """Return an SVM and its parts, the kernel trick, the growth of the cost, and what the width of a kernel does."""
    x, t = moons(rows, noise, seed=0)
    test_x, test_t = moons(2000, noise, seed=1)
    kernel = gaussian(0.5)
    machine = SVC(C=C, kernel=kernel, tol=1e-6).fit(x, t)
    a = multipliers(machine, rows)
    b = bias(a, t, kernel(x, x))
    wrong_b = bias(a, t, kernel(x, x), misprinted=True)
    said = decision(test_x, x, t, a, b, kernel)
    margins = t * decision(x, x, t, a, b, kernel)
    by_width = pd.DataFrame([at_width(width, x, t, test_x, test_t) for width in widths])
    best = by_width.iloc[int(by_width["test"].to_numpy().argmax())]
    costs = pd.DataFrame([cost_of(size) for size in sizes])
    narrow, wide = by_width.iloc[0], by_width.iloc[-1]
    return {
        "rows": rows,
        "points": len(test_x),
        "places": places(a, margins),
        "kkt": float(violation(a, margins)),
        "dual": dual(a, t, kernel(x, x)),
        "primal": primal(a, t, kernel(x, x), margins),
        "supports": int((a > 0).sum()),
        "multipliers": a,
        "b": b,
        "b_misprinted": wrong_b,
        "rebuilt": float(np.abs(said - machine.decision_function(test_x)).max()),
        "accuracy": float((np.sign(said) == test_t).mean()),
        "misprint_accuracy": float((np.sign(said - b + wrong_b) == test_t).mean()),
        "trick": float(np.abs(polynomial(x, test_x) - phi(x) @ phi(test_x).T).max()),
        "same_machine": difference_of_machines(x, t, test_x),
        "features": feature_counts(),
        "terms": 30,
        "series": series_error(30),
        "costs": costs,
        "entries_growth": growth(costs["entries"]),
        "seconds_growth": growth(costs["seconds"]),
        "terabytes": 8 * (10**6) ** 2 / 1e12,
        "by_width": by_width,
        **{f"narrow_{name}": float(narrow[name]) for name in ("share", "train", "test")},
        **{f"best_{name}": float(best[name]) for name in ("share", "test")},
        **{f"wide_{name}": float(wide[name]) for name in ("share", "train", "bound")},
        "narrow": float(narrow["sigma"]),
        "best": float(best["sigma"]),
        "wide": float(wide["sigma"]),
        "surfaces": [surface(sigma, x, t) for sigma in (ISLANDS, float(best["sigma"]))],
        "examples": (x, t),
    }


def moons(rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two moons and their classes, −1 and 1."""
    x, y = make_moons(rows, noise=noise, random_state=seed)
    return x, 2.0 * y - 1


def gaussian(sigma: float) -> Kernel:
    """Return the kernel exp(−‖x − x'‖² / 2σ²) of two arrays of rows: a matrix of all pairs."""
    return lambda x, other: np.exp(-((x[:, None] - other[None]) ** 2).sum(-1) / (2 * sigma**2))


def polynomial(x: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (1 + xᵀx')² of all pairs."""
    return (1 + x @ other.T) ** 2


def phi(x: np.ndarray) -> np.ndarray:
    """Return the features of which `polynomial` is the inner product, of two inputs."""
    root, (x1, x2) = np.sqrt(2), x.T
    return np.stack([np.ones(len(x)), root * x1, root * x2, x1**2, root * x1 * x2, x2**2], axis=1)


def multipliers(machine: SVC, rows: int) -> np.ndarray:
    """Return a_i of all examples; scikit-learn keeps a_i t_i of the support vectors."""
    a = np.zeros(rows)
    a[machine.support_] = np.abs(machine.dual_coef_[0])
    return a


def decision(new: np.ndarray, x: np.ndarray, t: np.ndarray, a: np.ndarray, b: float, kernel: Kernel) -> np.ndarray:
    """Return y of new rows: a sum over the support vectors."""
    supports = a > 0
    return kernel(new, x[supports]) @ (a * t)[supports] + b


def bias(a: np.ndarray, t: np.ndarray, kernel: np.ndarray, misprinted: bool = False) -> float:
    """Return b, the mean over the support vectors with a < C of what they miss; `misprinted`: as the notes have it."""
    free = (a > 1e-6 * C) & (a < (1 - 1e-6) * C)
    return float((t - kernel @ (a if misprinted else a * t))[free].mean())


def dual(a: np.ndarray, t: np.ndarray, kernel: np.ndarray) -> float:
    """Return Σ a_i − ½ ΣΣ a_i a_j t_i t_j k(x_i, x_j)."""
    return float(a.sum() - 0.5 * (a * t) @ kernel @ (a * t))


def primal(a: np.ndarray, t: np.ndarray, kernel: np.ndarray, margins: np.ndarray) -> float:
    """Return ½‖w‖² + C Σ max(0, 1 − t_i y(x_i)), where ‖w‖² = ΣΣ a_i a_j t_i t_j k(x_i, x_j)."""
    return float(0.5 * (a * t) @ kernel @ (a * t) + C * np.maximum(0, 1 - margins).sum())


def kinds(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which a are 0, which lie between, and which are C."""
    none, bound = a <= 1e-6 * C, a >= (1 - 1e-6) * C
    return none, ~(none | bound), bound


def violation(a: np.ndarray, margins: np.ndarray) -> float:
    """Return by how much the conditions are missed at most."""
    none, _, bound = kinds(a)
    missed = np.where(none, 1 - margins, np.where(bound, margins - 1, np.abs(margins - 1)))
    return float(max(missed.max(), 0.0))


def places(a: np.ndarray, margins: np.ndarray) -> pd.DataFrame:
    """Return where examples of each kind must lie, how many there are, and where they do lie."""
    kind = kinds(a)
    return pd.DataFrame(
        {
            "multiplier": ["a = 0", "0 < a < C", "a = C"],
            "must have": ["t y(x) ≥ 1", "t y(x) = 1", "t y(x) ≤ 1"],
            "examples": [int(one.sum()) for one in kind],
            "smallest t y(x)": [float(margins[one].min()) if one.any() else np.nan for one in kind],
            "largest t y(x)": [float(margins[one].max()) if one.any() else np.nan for one in kind],
        }
    )


def difference_of_machines(x: np.ndarray, t: np.ndarray, new: np.ndarray) -> float:
    """Return how far an SVM with the polynomial kernel, and a linear one on its features, differ."""
    by_kernel = SVC(C=C, kernel=polynomial, tol=1e-8).fit(x, t).decision_function(new)
    linear = SVC(C=C, kernel="linear", tol=1e-8).fit(phi(x), t).decision_function(phi(new))
    return float(np.abs(by_kernel - linear).max())


def feature_counts() -> pd.DataFrame:
    """Return how many features (1 + xᵀx')^degree stands for: all products of up to so many of d inputs."""
    found = pd.DataFrame({"inputs": [2, 10, 784]})
    for degree in (2, 3, 5):
        found[f"degree {degree}"] = [f"{comb(inputs + degree, degree):,}" for inputs in found["inputs"]]
    return found


def series_error(terms: int) -> float:
    """Return by how much the first features of the Gaussian kernel miss it, for one input between −2σ and 2σ."""
    x = np.linspace(-2, 2, 41)
    features = np.stack([np.exp(-(x**2) / 2) * x**m / np.sqrt(float(factorial(m))) for m in range(terms)], axis=1)
    return float(np.abs(features @ features.T - gaussian(1.0)(x[:, None], x[:, None])).max())


def cost_of(rows: int) -> dict[str, float]:
    """Return the kernel entries for so many examples, and a processor's seconds to compute them, block by block."""
    x, _ = moons(rows, 0.25, seed=0)
    squares, seconds, entries = (x**2).sum(1), [], 0
    for _ in range(5):
        began, entries = time.process_time(), 0
        for first in range(0, rows, BLOCK):
            block = slice(first, first + BLOCK)
            entries += np.exp(2 * x[block] @ x.T - squares[block, None] - squares).size
        seconds.append(time.process_time() - began)
    return {"rows": rows, "entries": entries, "seconds": min(seconds)}


def growth(values: pd.Series) -> float:
    """Return the mean factor from one value to the next."""
    return float((values.iloc[-1] / values.iloc[0]) ** (1 / (len(values) - 1)))


def at_width(sigma: float, x: np.ndarray, t: np.ndarray, test_x: np.ndarray, test_t: np.ndarray) -> dict[str, float]:
    """Return what becomes of an SVM whose kernel has a width."""
    machine = SVC(C=C, gamma=1 / (2 * sigma**2)).fit(x, t)
    _, _, bound = kinds(multipliers(machine, len(x)))
    return {
        "sigma": sigma,
        "share": len(machine.support_) / len(x),
        "bound": float(bound.mean()),
        "train": float(machine.score(x, t)),
        "test": float(machine.score(test_x, test_t)),
    }


def surface(sigma: float, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
    """Return the answers of an SVM on a grid, and which examples support it."""
    machine = SVC(C=C, gamma=1 / (2 * sigma**2)).fit(x, t)
    across, up = np.linspace(-1.8, 2.8, 200), np.linspace(-1.4, 1.9, 150)
    points = np.stack(np.meshgrid(across, up), axis=-1)
    said = machine.decision_function(points.reshape(-1, 2)).reshape(points.shape[:2])
    return {"across": across, "up": up, "said": said, "supports": machine.support_}


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the cost by the number of examples, the effect of the width, and two machines."""
    cost = Figure(figsize=(5.5, 3.0), layout="constrained")
    left, right = cost.subplots(1, 2)
    for axes, name, label in ((left, "entries", "kernel entries"), (right, "seconds", "seconds")):
        axes.loglog(found["costs"]["rows"], found["costs"][name], "o-")
        axes.set_xticks(found["costs"]["rows"], found["costs"]["rows"])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("examples")
        axes.set_ylabel(label)

    width = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes, table = width.subplots(), found["by_width"]
    for name, label, style in (
        ("share", "support vectors", "C0o-"),
        ("bound", "of them at C", "C0--"),
        ("train", "accuracy, training", "C1s-"),
        ("test", "accuracy, test", "C2^-"),
    ):
        axes.semilogx(table["sigma"], table[name], style, label=label)
    axes.set_xlabel("width σ of the kernel")
    axes.set_ylabel("share")
    axes.set_ylim(-0.03, 1.03)
    axes.legend(fontsize="small")

    regions = Figure(figsize=(6.2, 3.0), layout="constrained")
    x, t = found["examples"]
    for axes, held in zip(regions.subplots(1, 2, sharey=True), found["surfaces"], strict=True):
        lines = {"levels": [-1, 0, 1], "colors": ["C0", "C2", "C1"], "linestyles": ["dashed", "solid", "dashed"]}
        axes.contour(held["across"], held["up"], held["said"], **lines)
        for sign, colour in ((-1, "C0"), (1, "C1")):
            mine = t == sign
            supports = mine & np.isin(np.arange(len(t)), held["supports"])
            axes.scatter(*x[mine].T, s=9, facecolors="none", edgecolors=colour, linewidths=0.7)
            axes.scatter(*x[supports].T, s=9, color=colour)
        axes.set_xlabel("x₁")
    regions.axes[0].set_ylabel("x₂")
    return {"cost": cost, "width": width, "regions": regions}
