"""Weight decay: a polynomial of degree 9 through 10 points, and what a penalty, a limit or a prior makes of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from phalanx import L1, L2, Cosine, Factor, Gaussian, MaxNorm, Momentum, Regressor, choice
from phalanx.notes.intervals import interval

ROWS = ("F1", "F12")

TEXT = r"""
The notes fit $y = w_0 + w_1 x + \dots + w_q x^q$ to points $(x_n, t_n)$ by least squares, bound the sum of the squared
weights, $\|\mathbf{w}\|^2 \le \eta$, and then write the bound as a penalty $\frac{\alpha}{2}\|\mathbf{w}\|^2$ in the
cost. Here the degree is 9 and there are «points» points, so that a curve exists which hits all of them. (The book: 5.2,
7.1 and 7.2.)

## What the penalty does to the coefficients

![Three members of the family: the curve that hits every point, one with a suitable penalty, one with too much.](curves)

«coefficients»

Without a penalty the largest coefficient is «largest:.0f»: large weights of both signs, which cancel each other except
between the points. With $\alpha = 10^{-6}$ it is «light_largest:.0f», although the curve misses the points by
«light_miss:.3f» only (root mean square; the targets have deviation 1). The points are noisy, so hitting them is no aim.
Over «draws» draws of the noise the curve without a penalty was «plain_error:.2f» away from the sine behind the points,
and that with the best of «tried» penalties, $\alpha =$ «best_alpha:.2g», «best_error:.2f»: a gain of
«error_gain[0]:.2f» ± «error_gain[1]:.2f» (95 % interval).

A network without hidden layers on the columns $x, x^2, \dots, x^9$ is this polynomial. For «networks» penalties and
limits as many networks were trained, all as one population:

«source: fit»

Those with `L2` ended within «l2_gap:.0e» of the closed form
$(\mathbf{X}^\top\mathbf{X}/N + \alpha\mathbf{I})^{-1}\mathbf{X}^\top\mathbf{t}/N$ (columns and targets centred).

## Mind the ½

The notes print the cost in two ways, without and with a ½ before the square. With the ½ before the penalty its gradient
is $\alpha\mathbf{w}$. But the same letter then means different penalties. This is what $\alpha$ must be for one and the
same curve:

«halves»

Phalanx takes the mean over the rows, as the last line does, so that $\alpha$ keeps its meaning when rows are added.

## Not the biases

$w_0$ is the weight of a unit that is always 1. It only says where the middle of the targets is, so the notes leave it
out of the penalty. Raise all targets by «raised»: with $\alpha = 1$ the mean prediction rises by «free_rise:.2f» if the
bias is free, and by «bound_rise:.2f» if it is penalized like the rest.

## A limit in place of the penalty

For each $\alpha$ there is an $\eta$ with the same solution: take for $\eta$ the squared norm that the penalty leads to.
`MaxNorm` goes downhill without any penalty and pulls the weights back onto the ball $\|\mathbf{w}\|^2 \le \eta$ after
each step:

«pairs»

The last column is read off the trained network: at its solution the gradient of the error points straight inwards, and
its length is $\alpha\|\mathbf{w}\|$. So $\alpha$ is the Lagrange multiplier of the limit. Which $\eta$ belongs to which
$\alpha$ depends on the points.

## L1 and L2

![The nine coefficients as the penalty grows: L2 shrinks all of them, L1 sets most of them to 0.](paths)

`L2` pulls a weight the less, the smaller it is, and so none reaches 0. `L1` pulls with the same force at any size. At
$\alpha = 0.1$ it left «l1_used» of the 9 weights; `L2` left «l2_used» (a weight counts if it is above 0.01).

## A penalty is a prior

The notes return to this example beside convolution, with the word *prior*: strong if its entropy is low. Give each of
the four weights $(w_0, \dots, w_3)$ of a cubic a Gaussian prior of mean 0 and variance $s^2$, and let the noise of the
targets have the variance $\sigma^2 =$ «noise». The most probable weights:

«priors»

$-\log p(\mathbf{w} \mid \mathbf{t})$ is, up to a constant, $\sum_n (t_n - y_n)^2/2\sigma^2 + \|\mathbf{w}\|^2/2s^2$:
the second term is the penalty. So `L2` with $\alpha$ is the prior of variance $1/\alpha$ if the cost is the *sum* over
the rows and $\sigma^2 = 1$. In general $s^2 = \sigma^2/\alpha$ for the sum of half squares. In Phalanx, whose cost is
the mean of $-\log p$ with the $\sigma^2$ of `Gaussian`, it is $s^2 = 1/(N\alpha)$. The table's weights are those of
networks trained in this way; they are within «prior_gap:.0e» of the exact posterior mean.

Entropy has no lower end. A prior of variance 0 is *infinitely strong*: no data can move the weight. Let the variance of
$w_2$ alone go to 0, or that of the difference $w_1 - w_3$:

«limits»

The first sets a weight to 0, the second ties two weights together. [Convolution](chapter:prior) does both to a dense
layer: it is the limit of a prior, and no longer a penalty that data can overrule.
"""

ALPHAS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
VARIANCES = (10.0, 1.0, 0.1, 0.01, 0.001)
NOISE, RAISED = 0.1, 5
GRID = np.linspace(-1, 1, 201)


def compute(rounds: int = 20, draws: int = 200) -> dict[str, Any]:
    """Return what the chapter claims, computed; `rounds` of 500 steps train the networks."""
    x, t, truth = sample(0)
    found: dict[str, Any] = {
        "points": len(x),
        "x": x,
        "t": t,
        "truth": truth,
        "noise": NOISE,
        "raised": RAISED,
        "draws": draws,
    }
    found |= _closed(x, t) | _errors(draws) | _halves(x, t, 0.01) | _rises(x, t)
    return found | _networks(x, t, rounds) | _priors(x, t, rounds)


def sample(seed: int = 0, count: int = 10, noise: float = 0.35) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points of a noisy sine, targets of mean 0 and deviation 1, and the sine itself in these units."""
    x = np.linspace(-1, 1, count)
    t = np.sin(np.pi * x) + np.random.default_rng(seed).normal(0, noise, count)
    return x, (t - t.mean()) / t.std(), (np.sin(np.pi * GRID) - t.mean()) / t.std()


def powers(x: np.ndarray, degree: int = 9) -> np.ndarray:
    """Return the columns x, x², …, x^degree."""
    return x[:, None] ** np.arange(1, degree + 1)


def fit(x: np.ndarray, t: np.ndarray, penalties: Sequence[Any], rounds: int) -> list[np.ndarray]:
    """Return the weights w₁, w₂, … of a polynomial under each penalty: networks trained side by side."""
    X = powers(x)
    net = Regressor(
        [],
        scaling="none",
        regularizers=[choice(*penalties)],
        optimizer=Momentum(Cosine(0.2), momentum=0.95),
        stopping=None,
        batch_size=len(X),
        trials=len(penalties),
        design="grid",
        max_rounds=rounds,
        round_steps=500,
    ).fit(X, t, validation=(X, t))
    return [member.params["output"]["weight"][:, 0].astype(float) for member in net.members_]


def ridge(x: np.ndarray, t: np.ndarray, alpha: float, degree: int = 9) -> np.ndarray:
    """Return w₀, w₁, … that minimize the mean of ½ (t − y)² plus ½ α ‖w‖², w₀ not penalized."""
    X = powers(x, degree)
    centred, rows = X - X.mean(0), len(x)
    penalty = np.sqrt(rows * alpha) * np.eye(degree)
    w = np.linalg.lstsq(np.vstack([centred, penalty]), np.append(t - t.mean(), np.zeros(degree)), rcond=None)[0]
    return np.append(t.mean() - X.mean(0) @ w, w)


def _value(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.polynomial.Polynomial(w)(x)


def _closed(x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
    """Return the coefficients under a few penalties by the closed form."""
    shown = {"0": 0.0, "1e-6": 1e-6, "1e-4": 1e-4, "1e-2": 1e-2, "1": 1.0}
    curves = {name: ridge(x, t, alpha) for name, alpha in shown.items()}
    table = {f"α = {name}": w for name, w in curves.items()}
    light = curves["1e-6"]
    return {
        "coefficients": pd.DataFrame(table, index=pd.Index([f"w{i}" for i in range(10)], name="weight")).round(2),
        "curves": curves,
        "largest": float(np.abs(curves["0"]).max()),
        "light_largest": float(np.abs(light).max()),
        "light_miss": _rms(_value(light, x) - t),
    }


def _errors(draws: int) -> dict[str, Any]:
    """Return how far from the sine the curve of each penalty is, over many draws of the points."""
    alphas = np.logspace(-8, 2, 41)
    errors = np.array(
        [
            [_rms(_value(w, GRID) - y) for w in (ridge(x, t, a) for a in (0.0, *alphas))]
            for x, t, y in map(sample, range(draws))
        ]
    )
    plain, penalized = errors[:, 0], errors[:, 1:]
    best = int(penalized.mean(0).argmin())
    return {
        "tried": len(alphas),
        "best_alpha": float(alphas[best]),
        "best_error": float(penalized[:, best].mean()),
        "plain_error": float(plain.mean()),
        "error_gain": interval(plain - penalized[:, best]),
        "flat_error": float(penalized[:, -1].mean()),
    }


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def _halves(x: np.ndarray, t: np.ndarray, alpha: float) -> dict[str, Any]:
    """Return what α must be in each way of writing the cost, and ‖w‖² if the letter is taken as it stands."""
    rows = len(x)
    factor = {"Σ (t − y)² + ½ α ‖w‖²": 2 * rows, "Σ ½ (t − y)² + ½ α ‖w‖²": rows, "mean of ½ (t − y)² + ½ α ‖w‖²": 1}
    lines = [(cost, alpha * k, float((ridge(x, t, alpha / k)[1:] ** 2).sum())) for cost, k in factor.items()]
    return {"halves": pd.DataFrame(lines, columns=["cost", "α for the same curve", f"‖w‖² at α = {alpha}"]).round(3)}


def _rises(x: np.ndarray, t: np.ndarray, alpha: float = 1.0) -> dict[str, Any]:
    """Return by how much the mean prediction rises with the targets, if the bias is free, and if it is not."""
    X = np.column_stack([np.ones_like(x), powers(x)])

    def bound(t: np.ndarray) -> np.ndarray:
        return X @ np.linalg.solve(X.T @ X / len(x) + alpha * np.eye(10), X.T @ t / len(x))

    def free(t: np.ndarray) -> np.ndarray:
        return _value(ridge(x, t, alpha), x)

    return {
        "free_rise": float((free(t + RAISED) - free(t)).mean()),
        "bound_rise": float((bound(t + RAISED) - bound(t)).mean()),
    }


def _networks(x: np.ndarray, t: np.ndarray, rounds: int) -> dict[str, Any]:
    """Train under penalties and limits, and compare."""
    exact = {alpha: ridge(x, t, alpha)[1:] for alpha in ALPHAS}
    limits = [MaxNorm(float(np.linalg.norm(w)), per="layer") for w in exact.values()]
    penalties = [*map(L2, ALPHAS), *limits, *map(L1, ALPHAS)]
    found = np.array(fit(x, t, penalties, rounds)).reshape(3, len(ALPHAS), 9)
    decayed, limited, sparse = found
    lines = [
        (a, float(w @ w), float(np.abs(v - w).max()), _multiplier(x, t, v))
        for a, w, v in zip(ALPHAS, exact.values(), limited, strict=True)
    ]
    titles = ["α", "η = ‖w‖²", "largest difference of a weight", "α read off the limit"]
    at = ALPHAS.index(0.1)
    return {
        "networks": len(penalties),
        "l2_gap": float(np.abs(decayed - np.array(list(exact.values()))).max()),
        "pairs": pd.DataFrame(lines, columns=titles),
        "decayed": decayed,
        "limited": limited,
        "sparse": sparse,
        "l1_used": int((np.abs(sparse[at]) > 0.01).sum()),
        "l2_used": int((np.abs(decayed[at]) > 0.01).sum()),
    }


def _multiplier(x: np.ndarray, t: np.ndarray, w: np.ndarray) -> float:
    """Return α of −∇E = α w, where E is the mean of ½ (t − y)² with the best bias."""
    X = powers(x) - powers(x).mean(0)
    slope = X.T @ (X @ w - (t - t.mean())) / len(x)
    return float(-slope @ w / (w @ w))


def cubic(x: np.ndarray, t: np.ndarray, variances: Sequence[float], rounds: int) -> list[np.ndarray]:
    """Return the most probable w₀ … w₃ under Gaussian priors: `L2` of networks whose input has a column of ones."""
    X = x[:, None] ** np.arange(4)
    net = Regressor(
        [],
        scaling="none",
        likelihood=Gaussian(NOISE),
        regularizers=[L2(choice(*(1 / (len(x) * variance) for variance in variances)))],
        optimizer=Momentum(Cosine(NOISE / 10), momentum=0.99, factors=[Factor(0, on=("output.bias",))]),
        stopping=None,
        batch_size=len(X),
        trials=len(variances),
        design="grid",
        max_rounds=rounds,
        round_steps=500,
    ).fit(X, t, validation=(X, t))
    return [member.params["output"]["weight"][:, 0].astype(float) for member in net.members_]


def posterior_mean(x: np.ndarray, t: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return E[w | t] for w ~ N(0, covariance) and t = Σ w_i x^i + noise: S Φᵀ (Φ S Φᵀ + σ² I)⁻¹ t."""
    features = x[:, None] ** np.arange(len(covariance))
    seen = features @ covariance @ features.T + NOISE * np.eye(len(x))
    return covariance @ features.T @ np.linalg.solve(seen, t)


def _priors(x: np.ndarray, t: np.ndarray, rounds: int) -> dict[str, Any]:
    """Return the weights of a cubic under priors of shrinking variance, and in the limit."""
    trained = cubic(x, t, VARIANCES, rounds)
    exact = [posterior_mean(x, t, variance * np.eye(4)) for variance in VARIANCES]
    lines = [(v, 2 * np.log(2 * np.pi * np.e * v), *w) for v, w in zip(VARIANCES, trained, strict=True)]
    titles = ["variance s²", "entropy (nats)", "w0", "w1", "w2", "w3"]
    return {
        "priors": pd.DataFrame(lines, columns=titles).round(3),
        "cubics": np.array(trained),
        "prior_gap": float(np.abs(np.array(trained) - np.array(exact)).max()),
        "limits": _limits(x, t),
    }


def _limits(x: np.ndarray, t: np.ndarray, wide: float = 10.0) -> pd.DataFrame:
    """Return what becomes of w₂, and of w₁ − w₃, as their prior variance shrinks to 0."""
    lines = []
    for variance in (1.0, 1e-2, 1e-4, 0.0):
        single, tied = wide * np.eye(4), wide * np.eye(4)
        single[2, 2] = variance
        tied[1, 3] = tied[3, 1] = wide - variance / 2  # Var(w₁ − w₃) = 2 · wide − 2 · Cov
        difference = posterior_mean(x, t, tied)
        lines.append((variance, posterior_mean(x, t, single)[2], difference[1] - difference[3]))
    return pd.DataFrame(lines, columns=["variance", "w2", "w1 − w3"]).round(4)


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"curves": _curves(found), "paths": _paths(found)}


def _curves(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(GRID, found["truth"], color="C7", linestyle=":", label="the sine behind")
    for i, alpha in enumerate(("0", "1e-2", "1")):
        axes.plot(GRID, _value(found["curves"][alpha], GRID), color=f"C{i}", label=f"α = {alpha}")
    axes.plot(found["x"], found["t"], "o", color="C3", label="points")
    axes.set(xlabel="x", ylabel="y")
    axes.legend(fontsize="small", ncols=2)
    return figure


def _paths(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(6.5, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name, paths in zip(panels, ("L2", "L1"), (found["decayed"], found["sparse"]), strict=True):
        for i in range(9):
            axes.plot(ALPHAS, paths[:, i], marker="o", markersize=3, label=f"w{i + 1}")
        axes.set(xscale="log", xlabel=f"α of {name}")
    panels[0].set_ylabel("weight")
    panels[1].legend(fontsize="x-small", ncols=2)
    return figure
