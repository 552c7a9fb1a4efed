"""Noise: on inputs, on weights and on targets, and what each kind does to what is learned."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.datasets import load_diabetes, load_digits

from phalanx import (
    SGD,
    Adam,
    Classifier,
    Cosine,
    Dense,
    GaussianNoise,
    LabelSmoothing,
    Momentum,
    Multinoulli,
    Network,
    Regressor,
    ReLU,
    WeightNoise,
    choice,
)
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, predict, train
from phalanx.notes.intervals import interval

ROWS = ("F2",)

TEXT = r"""
Against overfitting the notes draw several copies of a datum around it: more data, and the target may be taken to be the
same. Then they add noise to the weights themselves, of which they say that it sounds absurd and works. A page later
there is noise on the targets. (The book: 7.4 and 7.5.)

## On inputs

`GaussianNoise` as the first layer shows every datum with fresh noise at each step. For a linear model one can say what
that does. The mean over the noise of $\frac{1}{2}(t - \mathbf{w}^\top(\mathbf{x} + \mathbf{n}))^2$ is
$\frac{1}{2}(t - \mathbf{w}^\top\mathbf{x})^2 + \frac{1}{2}\sigma^2\|\mathbf{w}\|^2$: the penalty `L2` with
$\alpha = \sigma^2$. On the diabetes data («patients» patients), means over «seeds» networks for each $\sigma$:

«inputs»

The same with copies that are made once, as in the notes: least squares on $k$ noisy copies of each row ($\sigma =$
«copy_noise») comes closer to that ridge solution as $k$ grows. Its distance falls as $k^{«copy_slope:.2f»}$; an average
of $k$ things would give $-0.5$. So for a linear model copies are a penalty, got by more work. A network has no such
formula, but the same copies.

## On weights, twice

The update in the notes keeps the noise; the one in the book does not. `WeightNoise` knows both:

- taken at $\mathbf{w} + \mathbf{n}$ and applied to $\mathbf{w}$ (the book):
  $\mathbf{w} \leftarrow \mathbf{w} - \varepsilon \nabla J(\mathbf{w} + \mathbf{n})$;
- added to the update and kept (the notes):
  $\mathbf{w} \leftarrow \mathbf{w} - \varepsilon \nabla J(\mathbf{w}) + \mathbf{n}$.

Where the cost is a parabola of curvature $h$ both are a random walk in a bowl. Its variance can be worked out: with
$r = 1 - (1 - \varepsilon h)^2$ it is $\varepsilon^2 h^2 \sigma^2 / r$ for the first and $\sigma^2 / r$ for the second.
«walkers» networks of two weights each, after «walk_steps» steps with $\sigma =$ «walk_noise»:

«walks»

![Where the weight of curvature 1 was at the end, and the densities by the formula.](walks)

Kept noise moves a weight $1/\varepsilon h$ times as far, and farthest where the cost is flat.

Now networks on «few» handwritten digits, means over «seeds» seeds. The last column is by how much the training cost
rises when all weights are shaken by noise of deviation «shake»; the intervals are of 95 %:

«weights»

Taken noise of $\sigma = 0.1$ makes networks that mind being shaken less, by «flatter[0]:.4f» ± «flatter[1]:.4f»: it has
looked for a flat place. Kept noise is harmless while it is small. After that the weights drift away, since nearly all
directions are flat: «weight_steps» steps of free walking add «weight_steps»$\,\sigma^2$ for each of the «weight_count»
weights to $\|\mathbf{w}\|^2$, which for $\sigma = 0.01$ gives «drift:.1f». Of these «settings» settings «helped»
lowered the test error by more than its interval. So "works" is more than these data say.

## On targets

The target of a class is one-hot: 0 1 0 0 0 0. If it may be wrong with probability $\varepsilon$, say the notes, then
count with that: $1 - \varepsilon$ for the named class and, of six classes, $\varepsilon/5$ for each other. In general
it is $\varepsilon/(k-1)$. `LabelSmoothing` with $\varepsilon = 0.1$ learns «six».

With one-hot targets the cross-entropy has no minimum: the logits move apart for ever. With smooth ones it has, at a
distance of $\ln((1-\varepsilon)(k-1)/\varepsilon)$ between the logits. Networks on «six_rows» digits of six classes:

«smooth»

## Wrong labels

Of the training labels «share:.0%» are replaced by another class at random. Each network is trained twice, with the
right labels and with these; what it loses is the difference of the errors on other rows, whose labels are right
(«noisy_seeds» draws; "by heart" is the share of the wrong labels that the network repeats in the end):

«wrong»

![Error on other rows after training with right and with wrong labels; means and 95 % intervals.](wrong)

With «large» rows one-hot targets lose «large_one_hot:.3f», and smoothing by $\varepsilon =$ «strong» loses less, by
«large_gain[0]:.3f» ± «large_gain[1]:.3f». With «small» rows the difference is «small_gain[0]:+.3f» ±
«small_gain[1]:.3f»: there the networks learn the wrong labels by heart at any smoothing, and the claim does not hold
for the error. The cost on the other rows rises less with smoothing in both cases.
"""

LEVELS = (0.0, 0.25, 0.5, 1.0)
COPIES = (1, 4, 16, 64)
RATE, WALK = 0.1, 0.1
NOISES = (("taken", 0.0), ("taken", 0.1), ("taken", 0.2), ("kept", 0.003), ("kept", 0.01))
SHAKE = 0.1
SMOOTHINGS = (0.0, 0.1, 0.3)
SHARE, SMALL, LARGE = 0.3, 200, 800


def compute(seeds: int = 8, noisy: int = 16, walkers: int = 256, draws: int = 20, rounds: int = 20) -> dict[str, Any]:
    """Return what the chapter claims, computed; `noisy` are draws of wrong labels, `draws` those of noisy copies."""
    found: dict[str, Any] = {"seeds": seeds, "walkers": walkers, "shake": SHAKE, "walk_noise": WALK}
    found |= _inputs(seeds, rounds) | _copies(draws) | _walks(walkers, steps=400)
    return found | _weights(seeds, rounds) | _smooth(rounds) | _wrong(noisy, rounds)


def patients() -> tuple[np.ndarray, np.ndarray]:
    """Return the diabetes data, columns and target of mean 0 and deviation 1."""
    X, t = load_diabetes(return_X_y=True)
    return (X - X.mean(0)) / X.std(0), (t - t.mean()) / t.std()


def with_noise(X: np.ndarray, t: np.ndarray, seeds: int, rounds: int) -> np.ndarray:
    """Return the weights (levels, seeds, columns) of linear networks that see X with noise of each level."""
    net = Regressor(
        [GaussianNoise(choice(*LEVELS))],
        scaling="none",
        optimizer=Momentum(Cosine(0.1), momentum=0.95),
        stopping=None,
        batch_size=len(X),
        trials=len(LEVELS),
        repeats=seeds,
        design="grid",
        max_rounds=rounds,
        round_steps=50,
    ).fit(X, t, validation=(X, t))
    weights = np.array([member.params["output"]["weight"][:, 0] for member in net.members_], float)
    return weights.reshape(len(LEVELS), seeds, -1)


def ridge(X: np.ndarray, t: np.ndarray, alpha: float) -> np.ndarray:
    """Return w that minimizes the mean of ½ (t − Xw)² plus ½ α ‖w‖²."""
    return np.linalg.solve(X.T @ X / len(X) + alpha * np.eye(X.shape[1]), X.T @ t / len(X))


def _inputs(seeds: int, rounds: int) -> dict[str, Any]:
    X, t = patients()
    found = with_noise(X, t, seeds, rounds)
    exact = np.array([ridge(X, t, level**2) for level in LEVELS])
    means = found.mean(1)
    lines = [
        (level, level**2, np.linalg.norm(m), np.linalg.norm(w), np.abs(m - w).max())
        for level, m, w in zip(LEVELS, means, exact, strict=True)
    ]
    titles = ["σ", "α = σ²", "‖w‖ with noise", "‖w‖ of ridge", "largest difference of a weight"]
    return {"patients": len(X), "inputs": pd.DataFrame(lines, columns=titles).round(4), "noisy_weights": found}


def _copies(draws: int, level: float = 0.5) -> dict[str, Any]:
    """Return how far least squares on k noisy copies of each row is from ridge."""
    X, t = patients()
    goal, rng = ridge(X, t, level**2), np.random.default_rng(0)

    def distance(k: int) -> float:
        seen = np.tile(X, (k, 1))
        seen = seen + rng.normal(0, level, seen.shape)
        return float(np.linalg.norm(ridge(seen, np.tile(t, k), 0.0) - goal))

    distances = np.array([[distance(k) for _ in range(draws)] for k in COPIES])
    slope = np.polyfit(np.log(COPIES), np.log(distances.mean(1)), 1)[0]
    return {"copy_noise": level, "copy_distances": distances, "copy_slope": float(slope)}


def walk(kept: Any, walkers: int, steps: int) -> np.ndarray:
    """Return where two weights are after so many steps with noise, (variants, walkers, 2); curvatures are 1 and ¼."""
    X = np.array([[1, 0.5], [1, -0.5], [-1, 0.5], [-1, -0.5]])
    t = X @ [1, 2] / np.sqrt(2)
    net = Regressor(
        [],
        scaling="none",
        regularizers=[WeightNoise(WALK, kept=kept)],
        optimizer=SGD(RATE),
        stopping=None,
        batch_size=4,
        trials=2,
        repeats=walkers,
        design="grid",
        max_rounds=1,
        round_steps=steps,
    ).fit(X, t, validation=(X, t))
    return np.array([member.params["output"]["weight"][:, 0] for member in net.members_], float).reshape(2, walkers, 2)


def _walks(walkers: int, steps: int) -> dict[str, Any]:
    found = walk(choice(False, True), walkers, steps)
    lines, theory = [], {}
    for kind, places in zip(("taken", "kept"), found, strict=True):
        for i, curvature in enumerate((1.0, 0.25)):
            step = WALK * (1 if kind == "kept" else RATE * curvature)
            theory[kind, curvature] = step / np.sqrt(1 - (1 - RATE * curvature) ** 2)
            lines.append((kind, curvature, places[:, i].std(ddof=1), theory[kind, curvature]))
    titles = ["noise", "curvature h", "deviation of the weight", "by the formula"]
    return {
        "walk_steps": steps,
        "places": found,
        "walk_theory": theory,
        "walks": pd.DataFrame(lines, columns=titles).round(4),
    }


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the bundled handwritten digits, pixels from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y.astype(np.int32)


def network(*regularizers: Any, units: int = 64) -> Network:
    """Return a small network for the digits."""
    hidden = [Dense(units), ReLU()]
    return complete(
        Network(hidden, Multinoulli(), regularizers, Adam(0.003), stopping=None, batch_size=25), OutputSize(10)
    )


def logits(params: Any, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return what the network says, with its weights shaken where there is an `rng`."""
    shaken = {
        name: params[name]["weight"] + (0 if rng is None else rng.normal(0, SHAKE, params[name]["weight"].shape))
        for name in ("dense_1", "output")
    }
    hidden = np.maximum(x @ shaken["dense_1"] + params["dense_1"]["bias"], 0)
    return hidden @ shaken["output"] + params["output"]["bias"]


def costs(z: np.ndarray, y: np.ndarray) -> float:
    """Return the mean cross-entropy."""
    return float(-log_softmax(z, axis=1)[np.arange(len(y)), y].mean())


def _weights(seeds: int, rounds: int) -> dict[str, Any]:
    """Train with noise on weights, kept or not, and shake what was trained."""
    x, y = digits()
    splits = [np.split(np.random.default_rng(seed).permutation(len(y)), [SMALL]) for seed in range(seeds)]
    folds = [Fold(mine, mine, seed) for seed, (mine, _) in enumerate(splits)]
    trials = [
        Trial(network(WeightNoise(deviation, kept=kind == "kept"), units=16), seed, fold=seed)
        for kind, deviation in NOISES
        for seed in range(seeds)
    ]
    members = train(trials, Batch(x, (y,), np.ones(len(y), np.float32)), folds, max_rounds=3 * rounds).members

    def measured(params: Any, mine: np.ndarray, others: np.ndarray) -> tuple[float, ...]:
        rng = np.random.default_rng(0)
        plain = costs(logits(params, x[mine]), y[mine])
        rise = np.mean([costs(logits(params, x[mine], rng), y[mine]) for _ in range(20)]) - plain
        error = (logits(params, x[others]).argmax(1) != y[others]).mean()
        norms = np.sqrt(sum((held["weight"] ** 2).sum() for held in params.values() if "weight" in held))
        return float(error), plain, float(norms), float(rise)

    each = [measured(m.params, *split) for m, split in zip(members, splits * len(NOISES), strict=True)]
    table = np.array(each).reshape(len(NOISES), seeds, 4)
    error = table[:, :, 0]
    steps = members[0].rounds * members[0].steps
    count = sum(held["weight"].size for held in members[0].params.values() if "weight" in held)
    changes = [interval(error[i] - error[0]) for i in range(len(NOISES))]
    names = [kind if deviation else "none" for kind, deviation in NOISES]
    deviations = [deviation for _, deviation in NOISES]
    means = table.mean(1)
    lines = list(zip(names, deviations, *means.T[:1], *np.transpose(changes), *means.T[1:], strict=True))
    titles = ["noise", "σ", "test error", "change", "±", "training cost", "‖w‖", "rise when shaken"]
    return {
        "few": SMALL,
        "weights": pd.DataFrame(lines, columns=titles).round(4),
        "shaken": table,
        "flatter": interval(table[0, :, 3] - table[1, :, 3]),
        "weight_steps": steps,
        "weight_count": count,
        "drift": float(np.sqrt((table[0, :, 2] ** 2).mean() + steps * count * NOISES[-1][1] ** 2)),
        "settings": len(NOISES) - 1,
        "helped": sum(mean + half < 0 for mean, half in changes[1:]),
    }


def _smooth(rounds: int, rows: int = 120) -> dict[str, Any]:
    """Return the targets of six classes, and what networks say that learned them."""
    x, y = digits()
    x, y = x[y < 6][:rows], y[y < 6][:rows]
    levels = (0.0, 0.05, 0.1, 0.2)
    net = Classifier(
        [Dense(64), ReLU()],
        scaling="none",
        regularizers=[LabelSmoothing(choice(*levels))],
        optimizer=Adam(Cosine(0.01)),
        stopping=None,
        batch_size=rows,
        trials=len(levels),
        design="grid",
        max_rounds=rounds,
        round_steps=100,
    ).fit(x, y, validation=(x, y))
    said = np.array([member.predict_proba(x) for member in net.members_])
    right = said[:, np.arange(rows), y]
    others = np.sort(said, axis=2)[:, :, :-1].mean(2)
    gaps = np.log(right) - np.log(others)
    theory = [np.log((1 - e) * 5 / e) if e else np.inf for e in levels]
    lines = list(zip(levels, right.mean(1), others.mean(1), gaps.mean(1), theory, strict=True))
    titles = ["ε", "probability of the class", "of each other", "distance of the logits", "by the formula"]
    six = np.asarray(LabelSmoothing(0.1).targets(jnp.array([1]), 6))[0]
    return {
        "six_rows": rows,
        "six": ", ".join(f"{p:.2f}" for p in six),
        "six_targets": six,
        "said": said,
        "smooth": pd.DataFrame(lines, columns=titles).round(3),
    }


def wrong_labels(y: np.ndarray, share: float, seed: int, classes: int = 10) -> np.ndarray:
    """Return labels of which a share is replaced by another class, each other one equally likely."""
    rng = np.random.default_rng(seed)
    other = (y + rng.integers(1, classes, len(y))) % classes
    return np.where(rng.random(len(y)) < share, other, y).astype(y.dtype)


def _wrong(seeds: int, rounds: int) -> dict[str, Any]:
    """Train with right and with wrong labels, smoothed or not, all as one population."""
    x, y = digits()
    labels = [y, *(wrong_labels(y, SHARE, seed) for seed in range(seeds))]
    every = np.ones(len(labels) * len(y), np.float32)
    rows = Batch(np.tile(x, (len(labels), 1)), (np.concatenate(labels),), every)
    orders = [np.random.default_rng(seed).permutation(len(y)) for seed in range(seeds)]
    shapes = [(size, wrong, seed) for size in (SMALL, LARGE) for wrong in (0, 1) for seed in range(seeds)]
    mine = [orders[seed][:size] + wrong * (1 + seed) * len(y) for size, wrong, seed in shapes]
    folds = [Fold(train=own, valid=own, seed=seed) for own, (_, _, seed) in zip(mine, shapes, strict=True)]
    trials = [
        Trial(network(LabelSmoothing(level)), seed, fold=i)
        for level in SMOOTHINGS
        for i, (_, _, seed) in enumerate(shapes)
    ]
    members = train(trials, rows, folds, max_rounds=rounds, round_steps=100).members

    def measured(final: Any, size: int, seed: int) -> tuple[float, ...]:
        told, own, others = predict(final, x)[0].astype(float), orders[seed][:size], orders[seed][LARGE:]
        named, given = told.argmax(1), labels[1 + seed][own]
        false = given != y[own]
        heart = (named[own] == given)[false].mean()
        return float((named != y)[others].mean()), costs(np.log(np.maximum(told[others], 1e-30)), y[others]), heart

    each = [measured(m.final, size, seed) for m, (size, _, seed) in zip(members, shapes * len(SMOOTHINGS), strict=True)]
    table = np.array(each).reshape(len(SMOOTHINGS), 2, 2, seeds, 3)  # smoothing, size, wrong or not, seed, what
    return {"share": SHARE, "noisy_seeds": seeds, "strong": SMOOTHINGS[-1]} | _lost(table)


def _lost(table: np.ndarray) -> dict[str, Any]:
    """Return by how much less each smoothing loses than one-hot targets do, over seeds."""
    error, cost, heart = np.moveaxis(table, -1, 0)
    lost = error[:, :, 1] - error[:, :, 0]
    less = lost[0] - lost  # (smoothing, size, seed)
    rise = (cost[:, :, 1] - cost[:, :, 0]).mean(-1)
    lines = [
        (size, level, *error[i, j].mean(1), *interval(less[i, j]), rise[i, j], heart[i, j, 1].mean())
        for j, size in enumerate((SMALL, LARGE))
        for i, level in enumerate(SMOOTHINGS)
    ]
    titles = ["rows", "ε", "error, right", "error, wrong", "loses less by", "±", "rise of the cost", "by heart"]
    return {
        "wrong": pd.DataFrame(lines, columns=titles).round(4),
        "outcome": table,
        "small": SMALL,
        "large": LARGE,
        "large_one_hot": float(lost[0, 1].mean()),
        "large_gain": interval(less[-1, 1]),
        "small_gain": interval(less[-1, 0]),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"walks": _draw_walks(found), "wrong": _draw_wrong(found)}


def _draw_walks(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    grid = np.linspace(-0.8, 0.8, 401)
    bins, middle = grid[::10].tolist(), 1 / np.sqrt(2)
    for i, kind in enumerate(("taken", "kept")):
        axes.hist(found["places"][i, :, 0] - middle, bins=bins, density=True, alpha=0.5, color=f"C{i}", label=kind)
        axes.plot(grid, norm.pdf(grid, 0, found["walk_theory"][kind, 1.0]), color=f"C{i}")
    axes.set(xlabel="weight, minus its best value", ylabel="density", yscale="log", ylim=(0.05, 40))
    axes.legend()
    return figure


def _draw_wrong(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    sizes: Sequence[int] = (SMALL, LARGE)
    for j, size in enumerate(sizes):
        for wrong, style in ((0, ":"), (1, "-")):
            values = [interval(found["outcome"][i, j, wrong, :, 0]) for i in range(len(SMOOTHINGS))]
            means, halves = np.array(values).T
            label = f"{size} rows, {'wrong' if wrong else 'right'} labels"
            axes.errorbar(SMOOTHINGS, means, halves, color=f"C{j}", linestyle=style, capsize=3, label=label)
    axes.set(xlabel="ε of the smoothing", ylabel="error on other rows", ylim=(0, 0.52))
    axes.legend(fontsize="small", ncols=2, loc="upper center")
    return figure
