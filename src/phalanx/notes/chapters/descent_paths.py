"""Paths of descent: every rule on bowls, in a valley and on real networks, each at its own best step size."""

from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import lax
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from phalanx import (
    SGD,
    AdaGrad,
    Adam,
    Cosine,
    Dense,
    Exponential,
    Factor,
    Momentum,
    Multinoulli,
    Nesterov,
    Network,
    Optimizer,
    ReLU,
    RMSProp,
    RMSPropNesterov,
)
from phalanx.engine import Batch, Fold, OutputSize, Trial, complete, train
from phalanx.notes.intervals import interval
from phalanx.parts import at_progress

ROWS = ("G2", "G3", "G5", "G6", "G7", "G8", "G9")

TEXT = r"""
The notes write seven rules down and say that some are better "at times". When? To compare rules, each needs a step
size that suits it. So each runs with «rates» step sizes at once, as one population, and counts with its best. (The
book: 8.3 to 8.5.)

## The rules

«source: step»

That is all of them. Beside Phalanx's own steps, over «steps_compared» steps in the valley below, the largest
difference in any coordinate was «numpy_difference:.0e»: single precision. (AdaGrad has
[a chapter](chapter:rare_features) of its own.)

## Bowls and a valley

A bowl is $\frac{1}{2} \theta^\top A\, \theta$ with curvatures 1 and «curvature»; there are «starts» with random
starts, once lying along the axes and once turned by random angles. The valley is Rosenbrock's,
$(1 - x)^2 + 100\,(y - x^2)^2$. Each rule has one step size for all starts. The table shows powers of ten, mean
$\log_{10}$ of the cost at the end over the cost at the start («bowl_steps» steps in bowls, «steps» in the valley;
«floor» is as low as was counted):

«table»

![Three rules on one turned bowl, each at its best step size.](paths)

**Momentum** beats plain SGD on «momentum_sgd_aligned» of «starts» bowls along the axes and on «momentum_sgd_turned»
of «starts» turned ones. It beats AdaGrad on «momentum_adagrad_aligned» and «momentum_adagrad_turned». So the notes'
"at times" can be made precise: AdaGrad scales each *coordinate*. Where a bowl lies along the coordinates, that undoes
its narrowness; where it lies across, it cannot.

**RMSProp and AdaGrad.** AdaGrad divides by the root of a sum over all time, so its step sizes only ever fall. In the
valley, whose sides are steep at the start, $\epsilon / \sqrt r$ of $y$ was at the end «adagrad_change:.2g» times that
of the first step; RMSProp's, which forgets, «rmsprop_change:.2g» times. The last steps were «adagrad_length:.0e» and
«rmsprop_length:.0e» long. That RMSProp's do not die out has a price where one wants to arrive: with a constant
$\epsilon$ it hovers about the minimum. On the convex bowls along the axes both came to a thousandth of the cost
quickly, within «adagrad_fast:.0f» and «rmsprop_fast:.0f» steps (medians).

![How the step sizes of the second coordinate change along the way through the valley.](sizes)

## Steps that change

Let $\epsilon$ fall during the run (`Exponential`), and RMSProp arrives in the bowls: the table's last row. The notes
leave out why a step size should not be constant. With noise of variance $\sigma^2$ in each gradient, and curvature 1,
a constant $\epsilon$ never gets closer than $\epsilon \sigma^2 / (2 - \epsilon)$ in mean square: measured
«hover:.4f», in theory «hover_theory:.4f». With the same start and a falling step (`Cosine`): «cosine:.5f».

And why by parameter: the notes say that a weight with a larger derivative gets larger updates, and hint that the
opposite is wanted. On a bowl along the axes the best step for each coordinate is 1 over its curvature. With that as a
`Factor`, SGD arrives in one step, at a cost of «factor_cost:.0e».

## Adam's small constant

The notes' Adam has $\sqrt{\hat r + \delta}$, the book's $\sqrt{\hat r} + \delta$. Both are in Phalanx
(`Adam(inside=True)`). The first step, in units of $\epsilon$, for a gradient $g$ and $\delta = 10^{-8}$:

«deltas»

Inside the root $\delta$ counts in units of $g^2$: gradients below $10^{-4}$ hardly move a weight.

## Real networks

Softmax regression on digits has a convex cost; a network with a hidden layer has not. Two seeds choose among
«net_rates» step sizes, «fresh» others are averaged. Training cost after «passes» passes:

«nets»

RMSProp's cost was «net_ratio:.2f» ± «net_ratio_error:.2f» times AdaGrad's with the hidden layer, and
«convex_ratio:.2f» ± «convex_ratio_error:.2f» times without: the division of labour that the notes give the two.
"""

RULES: dict[str, Any] = {
    "SGD": SGD(),
    "Momentum": Momentum(),
    "Nesterov": Nesterov(),
    "AdaGrad": AdaGrad(),
    "RMSProp": RMSProp(),
    "RMSPropNesterov": RMSPropNesterov(),
    "Adam": Adam(),
}
FALLING = "RMSProp, ε falling"
CURVATURE, STEPS, BOWL_STEPS, FLOOR = 100, 1000, 150, -12


def step(rule: str, theta: np.ndarray, gradient: Any, rate: float, state: Any) -> np.ndarray:
    """Return θ after a step; `state` remembers v, s, r and t, which begin at 0."""
    looks_ahead = rule in ("Nesterov", "RMSPropNesterov")
    g = gradient(theta + 0.9 * state["v"] if looks_ahead else theta)
    if rule == "SGD":
        return theta - rate * g
    if rule in ("Momentum", "Nesterov"):
        state["v"] = 0.9 * state["v"] - rate * g
        return theta + state["v"]
    if rule == "AdaGrad":
        state["r"] = state["r"] + g * g
        return theta - rate / (1e-7 + np.sqrt(state["r"])) * g
    if rule in ("RMSProp", "RMSPropNesterov"):
        state["r"] = 0.9 * state["r"] + 0.1 * g * g
        state["v"] = 0.9 * looks_ahead * state["v"] - rate / np.sqrt(1e-6 + state["r"]) * g
        return theta + state["v"]
    state["t"] += 1  # Adam
    state["s"] = 0.9 * state["s"] + 0.1 * g
    state["r"] = 0.999 * state["r"] + 0.001 * g * g
    s, r = state["s"] / (1 - 0.9 ** state["t"]), state["r"] / (1 - 0.999 ** state["t"])
    return theta - rate * s / (np.sqrt(r) + 1e-8)


def compute(starts: int = 24, rates: int = 81, seeds: int = 6, passes: int = 10, net_rates: int = 17) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    found: dict[str, Any] = {"starts": starts, "rates": rates, "curvature": CURVATURE, "steps": STEPS}
    found |= {"bowl_steps": BOWL_STEPS, "floor": f"{FLOOR}"}
    found |= networks(seeds, passes, net_rates)  # first, since Phalanx takes all cores where JAX was not used before
    runs = walk_all(landscapes(starts), np.logspace(-4, 1, rates))
    return found | _told(runs) | _against_numpy() | noisy() | by_parameter() | {"deltas": deltas()}


def landscapes(starts: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return of each landscape the matrix of each bowl (0: the valley) and where descent starts."""
    rng = np.random.default_rng(0)
    circle = rng.uniform(0, 2 * np.pi, starts)
    around = np.stack([np.cos(circle), np.sin(circle)], axis=1)
    straight, turned = ([bowl(angle) for angle in angles] for angles in (np.zeros(starts), rng.uniform(0, 180, starts)))
    near = np.array([-1.2, 1.0]) + 0.3 * rng.normal(size=(starts, 2))
    return {
        "bowls along the axes": (np.array(straight), around),
        "turned bowls": (np.array(turned), around),
        "the valley": (np.zeros((starts, 2, 2)), near),
    }


def bowl(degrees: float) -> np.ndarray:
    """Return the matrix of a bowl that is turned."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag([1.0, CURVATURE]) @ turn.T


def height(matrix: Any, at: Any) -> Any:
    """Return the cost of a bowl, or in Rosenbrock's valley if the matrix is 0."""
    x, y = at[..., 0], at[..., 1]
    a, b, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
    return 0.5 * (a * x * x + 2 * b * x * y + d * y * y) + (a + d == 0) * ((1 - x) ** 2 + 100 * (y - x * x) ** 2)


def slope(matrix: Any, at: Any) -> Any:
    """Return the gradient of `height`."""
    x, y = at[0], at[1]
    inside = y - x * x
    valley = jnp.stack([-2 * (1 - x) - 400 * x * inside, 200 * inside])
    return jnp.where(matrix[0, 0] + matrix[1, 1] == 0, valley, matrix @ at)


@jax.jit
def walk(rules: Optimizer, matrix: Any, start: Any, horizon: Any) -> Any:
    """Return the path of each of a population of rules from a start, (rules, steps, 2); `horizon` ends schedules."""
    progress = jnp.minimum(jnp.arange(STEPS, dtype=jnp.float32) / horizon, 1.0)

    def one(rule: Optimizer) -> Any:
        params = {"point": {"at": start}}

        def move(carry: Any, progress: Any) -> Any:
            (params, state), now = carry, at_progress(rule, progress)
            ahead = now.look(params, state)["point"]["at"]
            params, state = now.step({"point": {"at": slope(matrix, ahead)}}, state, params)
            return (params, state), params["point"]["at"]

        return lax.scan(move, (params, rule.init(params)), progress)[1]

    return jax.vmap(one)(rules)


def population(rule: Any, rates: np.ndarray, falls: bool = False) -> Optimizer:
    """Return a rule with each of many step sizes, stacked."""
    each = [replace(rule, learning_rate=Exponential(float(r), 0.001) if falls else float(r)) for r in rates]
    return jax.tree.map(lambda *numbers: np.array(numbers, np.float32), *each)


def walk_all(lands: dict[str, tuple[np.ndarray, np.ndarray]], rates: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return of each landscape and rule the best step size for all starts, the paths with it, and their costs."""
    runs: dict[str, dict[str, Any]] = {name: {} for name in lands}
    many = jax.jit(jax.vmap(walk, in_axes=(None, 0, 0, None)))
    for rule in (*RULES, FALLING):
        part = population(RULES[rule.partition(",")[0]], rates, falls=rule == FALLING)
        for name, (matrices, starts) in lands.items():
            end = STEPS if name == "the valley" else BOWL_STEPS
            given = matrices.astype(np.float32), starts.astype(np.float32), np.float32(end)
            paths = np.asarray(many(part, *given), np.float64)
            begun = np.broadcast_to(starts[:, None, None], (*paths.shape[:2], 1, 2))
            paths = np.concatenate([begun, paths], axis=2)
            with np.errstate(all="ignore"):
                costs = height(matrices[:, None, None], paths) / height(matrices, starts)[:, None, None]
            logs = np.log10(np.maximum(np.where(np.isfinite(costs), costs, 1e30), 10.0**FLOOR))
            best = logs[:, :, end].mean(0).argmin()
            runs[name][rule] = {"rate": rates[best], "paths": paths[:, best], "logs": logs[:, best], "end": end}
    return runs


def _told(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the table, who beats whom, and how steps of AdaGrad and RMSProp change."""
    ends = {name: {rule: one["logs"][:, one["end"]] for rule, one in each.items()} for name, each in runs.items()}
    rows = [(rule, *(number for name in runs for number in _cell(runs[name][rule]))) for rule in (*RULES, FALLING)]
    titles = ["rule", *(title for name in runs for title in (name, f"ε{' ' * len(name)}"))]
    found: dict[str, Any] = {"table": pd.DataFrame(rows, columns=titles), "runs": runs, "ends": ends}
    for name, key in (("bowls along the axes", "aligned"), ("turned bowls", "turned")):
        for other in ("SGD", "AdaGrad"):
            found[f"momentum_{other.lower()}_{key}"] = int((ends[name]["Momentum"] < ends[name][other]).sum())
    for rule in ("AdaGrad", "RMSProp"):
        one = runs["the valley"][rule]
        sizes = effective_rates(rule, one["paths"], one["rate"])
        found[f"{rule.lower()}_change"] = float(np.median(sizes[:, -1] / sizes[:, 0]))
        found[f"{rule.lower()}_length"] = float(
            np.median(np.linalg.norm(np.diff(one["paths"], axis=1)[:, -1], axis=-1))
        )
        found[f"{rule.lower()}_sizes"] = sizes
        below = runs["bowls along the axes"][rule]["logs"] <= -3
        found[f"{rule.lower()}_fast"] = float(np.median(np.where(below.any(1), below.argmax(1), np.inf)))
    return found


def _cell(one: dict[str, Any]) -> tuple[float, str]:
    return round(float(one["logs"][:, one["end"]].mean()), 2), f"{one['rate']:.2g}"


def effective_rates(rule: str, paths: np.ndarray, rate: float) -> np.ndarray:
    """Return ε / √r of the second coordinate along paths in the valley, (paths, steps)."""
    x, y = paths[..., 0], paths[..., 1]
    g = 200 * (y - x * x)
    if rule == "AdaGrad":
        return rate / np.sqrt(np.cumsum(g * g, axis=1))
    r, sizes = np.zeros(len(g)), []
    for now in g.T:
        r = 0.9 * r + 0.1 * now * now
        sizes.append(rate / np.sqrt(r + 1e-6))
    return np.array(sizes).T


def product_path(rule: Optimizer, matrix: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """Return the path of one rule as Phalanx steps it."""
    one = jax.tree.map(lambda number: np.array([number], np.float32), rule)
    return np.asarray(
        walk(one, matrix.astype(np.float32), start.astype(np.float32), np.float32(STEPS))[0, :steps], np.float64
    )


def numpy_path(rule: str, matrix: np.ndarray, start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """Return the path of one rule as `step` steps it."""
    theta, path, state = start, [], defaultdict[str, Any](float)
    for _ in range(steps):
        theta = step(rule, theta, lambda at: np.asarray(slope(matrix, at)), rate, state)
        path.append(theta)
    return np.array(path)


def _against_numpy(steps: int = 100) -> dict[str, Any]:
    start, differences = np.array([-1.2, 1.0]), {}
    for name, rule in RULES.items():
        rate = 0.01 if name in ("AdaGrad", "Adam") else 5e-4
        ours = product_path(replace(rule, learning_rate=rate), np.zeros((2, 2)), start, steps)
        differences[name] = float(np.abs(ours - numpy_path(name, np.zeros((2, 2)), start, rate, steps)).max())
    return {"steps_compared": steps, "numpy_difference": max(differences.values()), "differences": differences}


@partial(jax.jit, static_argnames="count")
def shaken(rule: Optimizer, seed: Any, start: Any, count: int, steps: Any) -> Any:
    """Return where many copies of a rule are after so many steps on ½θ² with noise in each gradient."""
    at = jnp.full(count, start)

    def move(i: Any, carry: Any) -> Any:
        params, state = carry
        noise = jax.random.normal(jax.random.fold_in(jax.random.key(seed), i), (count,))
        now = at_progress(rule, i.astype(jnp.float32) / steps.astype(jnp.float32))
        return now.step({"point": {"at": params["point"]["at"] + noise}}, state, params)

    params = {"point": {"at": at}}
    return lax.fori_loop(0, steps, move, (params, rule.init(params)))[0]["point"]["at"]


def noisy(rate: float = 0.1, count: int = 20_000, steps: int = 400) -> dict[str, Any]:
    """Return the mean square distance from the minimum with a constant step size, and with one that falls."""
    constant, falling = (
        np.asarray(shaken(rule, 0, np.float32(1), count, np.int32(steps)), np.float64)
        for rule in (SGD(rate), SGD(Cosine(rate)))
    )
    return {
        "hover": float((constant**2).mean()),
        "hover_error": float((constant**2).std() / np.sqrt(count)),
        "hover_theory": rate / (2 - rate),
        "cosine": float((falling**2).mean()),
    }


def by_parameter() -> dict[str, Any]:
    """Return the cost after a single step in which each coordinate has the step size that suits its curvature."""
    params = {"flat": {"at": jnp.ones(1)}, "steep": {"at": jnp.ones(1)}}
    rule = SGD(1.0, factors=[Factor(1 / CURVATURE, on=("steep",))])
    gradient = {"flat": params["flat"], "steep": {"at": CURVATURE * params["steep"]["at"]}}
    after, _ = rule.step(gradient, rule.init(params), params)
    flat, steep = (float(after[name]["at"][0]) for name in ("flat", "steep"))
    return {"factor_cost": 0.5 * (flat**2 + CURVATURE * steep**2)}


def deltas() -> pd.DataFrame:
    """Return the length of Adam's first step for gradients of many sizes, with δ outside and inside the root."""
    rows = []
    for g in (1.0, 1e-3, 1e-4, 1e-6, 1e-8):
        params = {"point": {"at": jnp.zeros(1)}}
        gradient = {"point": {"at": jnp.full(1, g)}}
        lengths = []
        for rule in (Adam(1.0), Adam(1.0, inside=True)):
            after, _ = rule.step(gradient, rule.init(params), params)
            lengths.append(float(-after["point"]["at"][0]))
        rows.append((f"{g:.0e}", *lengths))
    return pd.DataFrame(rows, columns=["gradient", "outside (book)", "inside (notes)"]).round(4)


def networks(seeds: int, passes: int, rates: int, rows: int = 500) -> dict[str, Any]:
    """Return the training cost of each rule at its best step size, on a convex and a non-convex cost."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:rows]
    data = Batch((X[order] / 16).astype(np.float32), (y[order].astype(np.int32),), np.ones(rows, np.float32))
    sizes = np.logspace(-3.5, 1.5, rates)
    costs = {}
    for name, layers in (("no hidden layer", []), ("a hidden layer", [Dense(32), ReLU()])):
        plain = complete(Network(layers, Multinoulli(), stopping=None, batch_size=20), OutputSize(10))
        trials = [
            Trial(replace(plain, optimizer=replace(rule, learning_rate=float(size))), seed)
            for rule in RULES.values()
            for size in sizes
            for seed in range(2 + seeds)
        ]
        members = train(trials, data, [Fold(np.arange(rows), np.arange(rows), 0)], max_rounds=passes).members
        reached = np.array([_last(member) for member in members]).reshape(len(RULES), len(sizes), 2 + seeds)
        best = reached[:, :, :2].mean(2).argmin(1)
        costs[name] = reached[np.arange(len(RULES)), best, 2:], sizes[best]
    table = [
        (rule, *(number for own, best in costs.values() for number in (*interval(own[i]), f"{best[i]:.2g}")))
        for i, rule in enumerate(RULES)
    ]
    titles = ["rule", "no hidden layer", "± (95 %)", "ε", "a hidden layer", "± (95 %) ", "ε "]
    where = [list(RULES).index(rule) for rule in ("RMSProp", "AdaGrad")]
    ratios = {name: interval(own[where[0]] / own[where[1]]) for name, (own, _) in costs.items()}
    return {
        "nets": pd.DataFrame(table, columns=titles).round(4),
        "net_costs": {name: own for name, (own, _) in costs.items()},
        "net_rates": rates,
        "fresh": seeds,
        "passes": passes,
        "net_ratio": ratios["a hidden layer"][0],
        "net_ratio_error": ratios["a hidden layer"][1],
        "convex_ratio": ratios["no hidden layer"][0],
        "convex_ratio_error": ratios["no hidden layer"][1],
    }


def _last(member: Any) -> float:
    """Return the cost on the rows after the last round; a large number where it diverged."""
    value = member.curve[-1][1]
    return 1e9 if member.stopped == "diverged" or not np.isfinite(value) else value


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    one, matrices, starts = found["runs"]["turned bowls"], *landscapes(found["starts"])["turned bowls"]
    x, y = np.meshgrid(np.linspace(-1.3, 1.3, 120), np.linspace(-1.3, 1.3, 120))
    axes.contour(
        x, y, np.sqrt(height(matrices[0], np.stack([x, y], -1))), levels=8, colors="C7", alpha=0.5, linewidths=0.6
    )
    for rule in ("SGD", "Momentum", "AdaGrad"):
        path = one[rule]["paths"][0, : BOWL_STEPS + 1]
        axes.plot(*path.T, ".-", markersize=3, linewidth=1, label=rule)
    axes.plot(*starts[0], "o", color="C7")
    axes.set(xlabel="θ₁", ylabel="θ₂", xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal")
    axes.legend()
    return {"paths": figure, "sizes": _draw_sizes(found)}


def _draw_sizes(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for rule in ("AdaGrad", "RMSProp"):
        axes.plot(np.median(found[f"{rule.lower()}_sizes"], axis=0), label=rule)
    axes.set(xlabel="step in the valley", ylabel="ε / √r, median over the starts", xscale="log", yscale="log")
    axes.legend()
    return figure
