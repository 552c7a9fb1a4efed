"""The surrogate: what is descended in place of the error, and how few rows say where down is."""

from itertools import pairwise
from math import comb, log10
from typing import Any

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import log_softmax
from sklearn.datasets import load_digits

from phalanx import SGD, Adam, Bernoulli, Dense, Multinoulli, Network, ReLU, Tanh
from phalanx.engine import Batch, Fold, Noise, OutputSize, Population, Trial, complete, cost, forward, predict, train
from phalanx.engine import initialize as start
from phalanx.notes.intervals import interval

ROWS = ("G1",)

TEXT = r"""
The aim of a classifier is few errors: the 0–1 loss, 1 for a wrong row and 0 for a right one. The notes call its
minimization an integer problem, very hard, and say that people solve a *surrogate* in its place. Then the mean over
$n$ rows replaces the expectation over all $(x, y)$, and a minibatch the rows. This chapter measures the three
replacements. (The book: 8.1.)

## The error is a staircase

![The error and the cross-entropy of one network as its parameters move along a straight line.](staircase)

Move the parameters of a trained network along a line. The error stays where it is until some row changes sides, and
then jumps by $1/n$. Its derivative is 0 wherever it exists: at «asked» random places the gradient of the error was
never anything else (largest absolute value: «largest_gradient:.0f»). Descent has nothing to go by. To search means to
try every way to sort the rows: for a single linear unit on these «rows» rows of «inputs» numbers there are up to
$2\sum_{k \le d} \binom{n-1}{k} \approx 10^{«cells_digits:.0f»}$ of them (Cover's count).

The cross-entropy has a slope, and lies above the error, in bits, at every row. That makes it a surrogate.

## It goes on improving after the error is 0

«seeds» networks with «units» rectifiers were trained on «few» handwritten digits, all at once. Their training error
was 0 after «zero_round:.0f» rounds on average. From there to round «rounds» the training cost still fell from
«cost_then:.4f» to «cost_end:.4f», and the smallest margin of any training row (the right logit minus the next) rose
from «margin_then:.2f» to «margin_end:.2f». The error on «held» rows that no network saw changed by «gain:+.4f» ±
«gain_error:.4f» (95 % interval over the seeds).

![Training error, training cost and test error by round, means over the networks.](after)

## The rows against the expectation

The expectation $\iint p(x, y)\, L\, dx\, dy$ is never computed, say the notes, because nobody knows $p$. Here $p$ is
made up, so it can be: $x$ is a standard normal number, $P(y = 1) = \sigma(3 \sin 2x)$, and the integral is a sum over
«nodes» quadrature nodes. Networks trained on $n$ rows look better on their rows than they are:

«risks»

The gap shrinks with $n$. For parameters that never saw the rows there is none: the mean of the «seeds» empirical
risks of one fixed network, each over «fixed_rows» rows, was «fixed_empirical:.4f» against an expectation of
«fixed_expected:.4f», «fixed_z:.1f» standard errors apart.

## The minibatch against the rows

«source: row_gradients»

A minibatch of $m$ rows, drawn at random, gives a gradient that is right on average and off by
$\sqrt{\mathrm{tr}\,\Sigma / m}$, where $\Sigma$ is the covariance of the gradients of single rows. Measured over
«draws» minibatches for each $m$ on a real network of «parameters» parameters, the deviation falls as
$m^{«slope:.3f»}$. So the notes' question, whether a bigger batch is a better estimate, has the answer: yes, but a
hundred times the work buys one digit. Batches of one pass, which share no row, average to the full gradient exactly
(«pass_error:.0e» apart, rounding).

![How far a minibatch's gradient is from that of all rows, by the size of the batch; the line is theory.](gradient)

## Batch, minibatch, online

The same network, «passes» passes over «rows» rows, each kind at the best of «rates» step sizes, then «fresh» fresh
seeds:

«kinds»

A pass costs the same gradients in each case, but is one step in the first, and a step for each row in the last. Exact
steps are too few: hundreds of noisy ones got much further. What online learning is for when the newest rows matter
most is [another chapter](chapter:online).
"""

NODES = 200
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SIZES = (20, 80, 320, 1280)
UNITS, FIXED, RATES = 16, 200, 10


def compute(
    seeds: int = 16, rows: int = 500, rounds: int = 120, draws: int = 1000, passes: int = 10, steps: int = 1500
) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    digits = _digits()
    found: dict[str, Any] = {"seeds": seeds, "rows": rows, "rounds": rounds, "draws": draws, "passes": passes}
    found |= {"inputs": digits.x.shape[1], "units": UNITS, "few": rows, "held": len(digits.x) - rows, "nodes": NODES}
    found["cells_digits"] = log10(linear_sortings(rows, digits.x.shape[1]))
    after, early = beyond_zero(digits, rows, seeds, rounds)
    found |= after | _staircase(digits, rows, early) | risks(seeds, steps) | _gradients(digits, rows, early, draws)
    return found | batch_kinds(digits, rows, passes, fresh=seeds // 2)


def _digits() -> Batch:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return Batch((X[order] / 16).astype(np.float32), (y[order].astype(np.int32),), np.ones(len(y), np.float32))


def digits_network(**parts: Any) -> Network:
    """Return a small network for handwritten digits."""
    return complete(Network([Dense(UNITS), ReLU()], Multinoulli(), stopping=None, **parts), OutputSize(10))


def linear_sortings(rows: int, inputs: int) -> int:
    """Return into how many pairs of sides a plane can divide rows in general position (Cover 1965)."""
    return 2 * sum(comb(rows - 1, k) for k in range(inputs + 1))


def logits_of(network: Network, params: Any, x: np.ndarray) -> np.ndarray:
    """Return the logits of many networks, (networks, rows, classes)."""
    at, states = jax.device_put(x), start(network, 0, x.shape[1:])[1]
    return np.asarray(jax.vmap(lambda one: forward(network, one, states, at).z[0])(params), np.float64)


def beyond_zero(digits: Batch, rows: int, seeds: int, rounds: int) -> tuple[dict[str, Any], Any]:
    """Train past the round where the error is 0; return what was seen, and the parameters of an early round."""
    network = digits_network(optimizer=Adam(0.003), batch_size=20)
    trials, fold = [Trial(network, seed) for seed in range(seeds)], Fold(np.arange(rows), np.arange(rows), 0)
    population = Population(trials, digits, [fold], max_rounds=rounds, round_steps=None)
    seen, early = [], None
    for i in range(rounds):
        population.note(population.advance(), seconds=0.0)
        params = population.parameters()
        early = params if i == 2 else early
        seen.append(_measured(logits_of(network, params, digits.x), digits.y[0], rows))
    error, loss, margin, test = np.moveaxis(np.array(seen), 0, -1)  # each (seeds, rounds)
    first = (error == 0).argmax(1)
    at = np.arange(seeds), first
    gain, gain_error = interval(test[:, -1] - test[at])
    return {
        "zero_rounds": first + 1,
        "zero_round": float(first.mean() + 1),
        "all_zero": bool((error == 0).any(1).all()),
        "cost_then": float(loss[at].mean()),
        "cost_end": float(loss[:, -1].mean()),
        "margin_then": float(margin[at].mean()),
        "margin_end": float(margin[:, -1].mean()),
        "gain": gain,
        "gain_error": gain_error,
        "curves": {"training error": error, "training cost": loss, "test error": test},
    }, early


def _measured(z: np.ndarray, y: np.ndarray, rows: int) -> np.ndarray:
    """Return of each network: training error, training cost, smallest training margin, test error."""
    right = np.take_along_axis(z, y[None, :, None], 2)[..., 0]
    others = np.where(np.arange(z.shape[2]) == y[:, None], -np.inf, z).max(2)
    wrong = right <= others
    costs = -np.take_along_axis(log_softmax(z, axis=2), y[None, :, None], 2)[..., 0]
    margin = (right - others)[:, :rows].min(1)
    return np.array([wrong[:, :rows].mean(1), costs[:, :rows].mean(1), margin, wrong[:, rows:].mean(1)])


def error_share(network: Network, params: Any, states: Any, x: Any, y: Any) -> Any:
    """Return the 0–1 loss of one network, as a function that can be differentiated (to no use)."""
    z = forward(network, params, states, x).z[0]
    return jax.numpy.mean((z.argmax(-1) != y).astype(z.dtype))


def _staircase(digits: Batch, rows: int, early: Any, asked: int = 50) -> dict[str, Any]:
    """Move the first network along a line, and ask for gradients of its error at random places."""
    network, rng = digits_network(batch_size=rows), np.random.default_rng(1)
    x, y = digits.x[:rows], digits.y[0][:rows]
    params, states = jax.tree.map(lambda a: a[0], early), start(network, 0, x.shape[1:])[1]
    way = jax.tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32) * np.std(a), params)
    line = np.linspace(-2, 2, 801).astype(np.float32)
    moved = jax.tree.map(lambda a, d: a[None] + line.reshape(-1, *[1] * a.ndim) * d[None], params, way)
    z = np.concatenate([logits_of(network, part, x) for part in _parts(moved, 9)])
    errors = (z.argmax(2) != y).mean(1)
    costs = -np.take_along_axis(log_softmax(z, axis=2), y[None, :, None], 2)[..., 0]
    given = jax.device_put((x, y))
    slope = jax.jit(jax.grad(lambda one: error_share(network, one, states, *given)))
    largest = 0.0
    for _ in range(asked):
        place = jax.tree.map(lambda a: a + rng.normal(size=a.shape).astype(np.float32) * np.std(a), params)
        largest = max([largest, *(float(np.abs(g).max()) for g in jax.tree.leaves(slope(place)))])
    above = bool((costs / np.log(2) >= (z.argmax(2) != y)).all())
    return {
        "asked": asked,
        "largest_gradient": largest,
        "line": (line, errors, costs.mean(1)),
        "bits_above_error": above,
    }


def _parts(tree: Any, count: int) -> list[Any]:
    size = len(jax.tree.leaves(tree)[0])
    cuts = np.linspace(0, size, count + 1).astype(int)
    return [jax.tree.map(lambda a, i=i, j=j: a[i:j], tree) for i, j in pairwise(cuts)]


def truth(x: np.ndarray) -> np.ndarray:
    """Return P(y = 1) at x."""
    return 1 / (1 + np.exp(-3 * np.sin(2 * x)))


def expected_cost(said: np.ndarray, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the expectation of the cost of networks that say P(y = 1) = `said` at the nodes of a quadrature."""
    p = truth(nodes)
    return -(p * np.log(said) + (1 - p) * np.log(1 - said)) @ weights


def risks(seeds: int, steps: int) -> dict[str, Any]:
    """Return the mean cost on n rows against the expectation, of networks trained on them, and of one that was not."""
    rng = np.random.default_rng(2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    x = rng.normal(size=seeds * sum(SIZES))
    y = (rng.random(len(x)) < truth(x)).astype(np.int32)
    rows = Batch(x[:, None].astype(np.float32), (y,), np.ones(len(x), np.float32))
    cuts = np.split(np.arange(len(x)), np.cumsum(np.repeat(SIZES, seeds))[:-1])
    folds = [Fold(mine, mine, seed=i) for i, mine in enumerate(cuts)]
    plain = Network([Dense(16), Tanh()], Bernoulli(), optimizer=Adam(0.01), stopping=None, batch_size=20)
    network = complete(plain, OutputSize(2))
    trials = [Trial(network, seed=i, fold=i) for i in range(len(folds))]
    members = train(trials, rows, folds, max_rounds=5, round_steps=steps // 5).members
    at = nodes[:, None].astype(np.float32)
    expected = expected_cost(np.array([predict(m.final, at)[0][:, 1] for m in members], np.float64), nodes, weights)
    empirical = np.array([m.curve[-1][1] for m in members])
    table = [(n, *_compared(empirical[i : i + seeds], expected[i : i + seeds])) for i, n in _blocks(seeds)]
    titles = ["rows n", "on the rows", "expectation", "gap", "± (95 %)"]
    entropy = float(expected_cost(truth(nodes)[None], nodes, weights)[0])
    other = members[2 * seeds].final  # it never saw the last rows
    still = predict(other, np.concatenate([rows.x[-seeds * FIXED :], at]))[0][:, 1].astype(np.float64)
    told, labels = still[: seeds * FIXED], y[-seeds * FIXED :]
    fixed = -np.where(labels == 1, np.log(told), np.log(1 - told)).reshape(seeds, FIXED).mean(1)
    fixed_expected = float(expected_cost(still[None, seeds * FIXED :], nodes, weights)[0])
    return {
        "risks": pd.DataFrame(table, columns=titles).round(4),
        "entropy": entropy,
        "risk_lines": (empirical.reshape(len(SIZES), seeds), expected.reshape(len(SIZES), seeds)),
        "fixed_rows": FIXED,
        "fixed_empirical": float(fixed.mean()),
        "fixed_expected": fixed_expected,
        "fixed_z": float(abs(fixed.mean() - fixed_expected) / (fixed.std(ddof=1) / np.sqrt(seeds))),
    }


def _blocks(seeds: int) -> list[tuple[int, int]]:
    return [(i * seeds, n) for i, n in enumerate(SIZES)]


def _compared(empirical: np.ndarray, expected: np.ndarray) -> tuple[float, ...]:
    return float(empirical.mean()), float(expected.mean()), *interval(expected - empirical)


def row_gradients(network: Network, params: Any, states: Any, rows: Batch) -> np.ndarray:
    """Return the gradient of the cost of each single row, (rows, parameters)."""

    def of_one(row: Batch) -> Any:
        alone = jax.tree.map(lambda a: a[None], row)
        return jax.grad(lambda p: cost(network, p, states, alone, Noise({}, {}, {}))[0])(params)

    gradients = jax.jit(jax.vmap(of_one))(rows)
    return np.concatenate([g.reshape(len(g), -1) for g in jax.tree.leaves(gradients)], axis=1).astype(np.float64)


def _gradients(digits: Batch, rows: int, early: Any, draws: int) -> dict[str, Any]:
    network, rng = digits_network(batch_size=rows), np.random.default_rng(3)
    few = jax.tree.map(lambda a: a[:rows], digits)
    params, states = jax.tree.map(lambda a: a[0], early), start(network, 0, few.x.shape[1:])[1]
    each = row_gradients(network, params, states, few)
    whole = each.mean(0)
    trace = float(((each - whole) ** 2).sum(1).mean())
    deviation, bias = [], []
    for m in BATCHES:
        drawn = rng.multinomial(m, np.full(rows, 1 / rows), size=draws) / m  # m rows, with replacement
        off = drawn @ each - whole
        deviation.append(np.sqrt((off**2).sum(1).mean()))
        bias.append((off.mean(0) ** 2).sum() / (trace / (m * draws)))
    size = rows // 20
    parts = [each[part].mean(0) for part in np.split(rng.permutation(rows)[: 20 * size], size)]
    return {
        "parameters": each.shape[1],
        "trace": trace,
        "spread": float(((each - whole) ** 2).sum(1).std() / trace),  # of the squared distances of single rows
        "deviation": np.array(deviation),
        "bias": np.array(bias),
        "slope": float(np.polyfit(np.log(BATCHES), np.log(deviation), 1)[0]),
        "pass_error": float(np.abs(np.mean(parts, axis=0) - whole).max()),
        "whole_gradient": whole,
    }


def batch_kinds(digits: Batch, rows: int, passes: int, fresh: int) -> dict[str, Any]:
    """Return how far batch, minibatch and online descent come in as many passes, each at its own best step size."""
    rates, fold = np.logspace(-2.5, 0.5, RATES), Fold(np.arange(rows), np.arange(rows), 0)
    sizes = {"batch": rows, "minibatch": 20, "online": 1}
    trials = [
        Trial(digits_network(batch_size=size, optimizer=SGD(float(rate))), seed)
        for size in sizes.values()
        for rate in rates
        for seed in range(2 + fresh)
    ]
    members = train(trials, digits, [fold], max_rounds=passes).members
    reached = np.array([_last(member) for member in members]).reshape(len(sizes), len(rates), -1)
    best = reached[:, :, :2].mean(2).argmin(1)  # two seeds choose the step size, the others say what it is worth
    costs = reached[np.arange(len(sizes)), best, 2:]
    table = [
        (kind, size, passes * (rows // size), rates[i], *interval(mine))
        for (kind, size), i, mine in zip(sizes.items(), best, costs, strict=True)
    ]
    titles = ["kind", "rows a step", "steps", "best step size", "training cost", "± (95 %)"]
    return {"kinds": pd.DataFrame(table, columns=titles).round(4), "kind_costs": costs, "rates": RATES, "fresh": fresh}


def _last(member: Any) -> float:
    """Return the cost on the rows after the last round; infinity where it diverged."""
    value = member.curve[-1][1]
    return float("inf") if member.stopped == "diverged" or not np.isfinite(value) else value


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"staircase": _draw_line(found), "after": _draw_after(found), "gradient": _draw_gradient(found)}


def _draw_line(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots(1, 2)
    line, errors, costs = found["line"]
    near = np.abs(line) < 0.3
    axes[0].step(line[near], errors[near], where="mid", label="error")
    axes[0].set(xlabel="way along the line", ylabel="share of wrong rows")
    axes[1].plot(line, errors, label="error")
    axes[1].plot(line, costs, label="cross-entropy, nats")
    axes[1].set(xlabel="way along the line")
    axes[1].legend()
    return figure


def _draw_after(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    rounds = np.arange(1, found["rounds"] + 1)
    for name, values in found["curves"].items():
        mean = values.mean(0)
        axes.plot(rounds, np.where(mean > 0, mean, np.nan), label=name)
    axes.axvline(found["zero_round"], linestyle=":", color="C7")
    axes.set(xlabel="round (passes over the rows)", ylabel="error (share), cost (nats)", yscale="log", xscale="log")
    axes.legend()
    return figure


def _draw_gradient(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    sizes = np.array(BATCHES)
    axes.plot(sizes, found["deviation"], "o", label="measured")
    axes.plot(sizes, np.sqrt(found["trace"] / sizes), label="√(tr Σ / m)")
    axes.axhline(
        float(np.linalg.norm(found["whole_gradient"])), linestyle=":", color="C2", label="norm of the full gradient"
    )
    axes.set(xlabel="rows in the minibatch, m", ylabel="distance from the full gradient", xscale="log", yscale="log")
    axes.legend()
    return figure
