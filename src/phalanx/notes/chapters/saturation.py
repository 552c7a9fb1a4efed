"""Saturation: which output units and costs stop learning where they are wrong, and which only where they are right."""

import math
from functools import cache
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit, softmax
from sklearn.datasets import load_digits, make_moons

from phalanx import SGD, Adam, Bernoulli, ClassLikelihood, Dense, Multinoulli, Network, Sigmoid, Tanh, part
from phalanx.engine import Batch, Fold, Noise, OutputSize, Trial, complete, cost, forward, initialize, train

ROWS = ("D3", "D4", "D5")

TEXT = r"""
A network answers a question of yes or no by a probability that it makes of its last number $z$. Gradient descent can
correct a wrong answer only if the cost still slopes where the answer is wrong. The notes ask for a cost that saturates
at right answers and nowhere else, and derive one (book, sections 3.10 and 6.2.2.2).

## The units

![Output units: linear, clipped linear, sigmoid, tanh, and one output of a softmax whose other two numbers are
0.](units)

The **clipped linear unit** $P(y = 1) = \max(0, \min(1, z))$ is a probability, but flat wherever $z$ is not between 0
and 1: its derivative there is exactly 0, whatever the cost. The **sigmoid**

$$\sigma(z) = \frac{1}{1 + e^{-z}} = \frac{e^z}{1 + e^z}, \qquad \frac{d\sigma}{dz} = \sigma(z)(1 - \sigma(z)),$$

is nowhere flat, but nearly so. With the squared error its slope is $(\sigma - y)\,\sigma(1 - \sigma)$, which vanishes
on *both* sides: a confidently wrong answer is corrected as little as a right one.

## The cost derived

The notes begin with an unnormalized probability, $\log \tilde P(y) = yz$. Dividing by the sum over $y = 0$ and $y = 1$
gives $P(y) = \sigma((2y - 1)z)$. With the softplus $\zeta(z) = \log(1 + e^z)$ and the identity $\log \sigma(z) =
-\zeta(-z)$ the cost is

$$-\log P(y) = \zeta((1 - 2y)z), \qquad \frac{\partial J}{\partial z} = (1 - 2y)\,\sigma((1 - 2y)z) = \sigma(z) - y.$$

The same with $k$ classes and $\log \tilde P(y = i) = z_i$ gives softmax; with two classes it is the sigmoid of $z_1 -
z_0$. Both agree with the parts `Bernoulli` and `Multinoulli` to «derived:.0e» on a grid.

![Cost (left) and its slope (right) for a row of class 1: wrong on the left of 0, right on the right.](costs)

«slopes»

Of these, only the last has a slope where the answer is wrong and none where it is right; softmax behaves like it. (A
linear output with the squared error has a slope wherever it is wrong, but also where it is more than right.) The notes
write that the slope tends to $\infty$ for a confidently wrong answer. It tends to $-1$, or to $+1$ for class 0: it is
the cost that grows without bound, along a straight line.

## The same function, computed badly

The notes then reject $-[y \log \sigma(z) + (1 - y)\log(1 - \sigma(z))]$, because $\sigma$ saturates. On paper it is the
same function: in double precision the two differ by at most «same:.0e» for $|z| \le 15$. What fails is the arithmetic.
In single precision $1 + e^{-z}$ rounds to 1 from $z$ = «first_inf» on; then $1 - \sigma(z)$ is 0, its logarithm
$-\infty$ and the gradient NaN, and one such row ruins all weights:

«naive»

So the warning is right for programs and not for the formula. `Bernoulli` computes $\zeta$ from $z$ itself, without such
an end: at $z = 10^4$ its cost for class 0 is «huge_cost:g» and the slope «huge_slope:g».

## Does it matter?

Networks of 16 tanh units learned two moons. Then the signs of their output weights were turned around, which makes
every answer wrong, and scaled to a chosen mean of $|z|$. From there they were trained on with each cost. Counted are
the steps until the cost is below that of answering ½ everywhere. A single number $z$, without any network, was sent the
same way. All of it is one population of «members» members.

«source: wrong_costs»

![Steps from a confidently wrong start until the answer is better than a coin's: networks (points, medians of seeds) and
a single number (lines are theory).](steps)

From $-z_0$ a single number needs a time of $z_0 + 1 - e^{-z_0}$ with the softplus cost, and about $e^{z_0}$ with
sigmoid and squared error. At $|z|$ = «strong:g» the networks needed «softplus_steps:.0f» steps with the softplus cost
and «squared_steps:.0f» with the squared error. Of the «clipped_count» clipped runs that began at $|z|$ = 2 or more,
«clipped_moved» got there within «steps:,» steps: their gradient is 0.

## tanh in hidden layers

The notes advise tanh rather than the sigmoid, since it saturates less. As $\tanh z = 2\sigma(2z) - 1$, both saturate at
their ends. But in the middle tanh has slope 1, the sigmoid ¼, and tanh is centred at 0. In networks of «depth» hidden
layers the gradient of the first weights has a norm of «sigmoid_gradient:.2g» at the start with sigmoids and of
«tanh_gradient:.2g» with tanh (medians of «seeds» seeds). After equal training on handwritten digits «sigmoid_right:.0%»
and «tanh_right:.0%» of «tested» held-out ones are right.
"""


def compute(seeds: int = 5, steps: int = 4000, rounds: int = 15, depth: int = 5) -> dict[str, Any]:
    """Return costs, slopes and what they do to training."""
    runs = from_wrong_starts(seeds, steps)
    return {**derivations(), **slopes(), **in_float32(), **runs, **hidden_units(seeds, rounds, depth)}


@cache
def wrong_costs() -> tuple[type[ClassLikelihood], type[ClassLikelihood]]:
    """Return two costs to compare with: the squared error of a clipped linear unit, and that of a sigmoid."""

    @part
    class Squared(ClassLikelihood):
        internal: ClassVar[bool] = True

        def units(self, size: int) -> int:
            return 1

        def probability_of_one(self, z: jax.Array) -> jax.Array:
            return jax.nn.sigmoid(z[:, 0])

        def nll_of_codes(self, z: jax.Array, y: jax.Array) -> jax.Array:
            return 0.5 * (self.probability_of_one(z) - y.astype(z.dtype)) ** 2

        def log_probabilities(self, z: jax.Array) -> jax.Array:
            p = self.probability_of_one(z)
            return jnp.log(jnp.stack([1 - p, p], axis=1))

    @part
    class Clipped(Squared):
        def probability_of_one(self, z: jax.Array) -> jax.Array:
            return jnp.maximum(0, jnp.minimum(1, z[:, 0]))

    return Clipped, Squared


CLIPPED, SQUARED, SOFTPLUS = COSTS = "clipped, squared", "sigmoid, squared", "sigmoid, softplus"
STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)
SINGLE = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
RATE, ROUND = 0.2, 10
GRID = np.linspace(-8, 8, 641)


def likelihoods() -> dict[str, ClassLikelihood]:
    """Return the output units with their costs, by name."""
    clipped, squared = wrong_costs()
    return dict(zip(COSTS, (clipped(), squared(), Bernoulli()), strict=True))


def cost_of(likelihood: ClassLikelihood, z: np.ndarray, y: int) -> np.ndarray:
    """Return the cost of each z for a row of class y, in single precision."""
    return np.asarray(likelihood.nll(jnp.asarray(z, jnp.float32)[:, None], jnp.full(len(z), y, jnp.int32)))


def slope_of(likelihood: ClassLikelihood, z: np.ndarray, y: int) -> np.ndarray:
    """Return ∂J/∂z at each z for a row of class y."""

    def total(z: jax.Array) -> jax.Array:
        return likelihood.nll(z[:, None], jnp.full(len(z), y, jnp.int32)).sum()

    return np.asarray(jax.grad(total)(jnp.asarray(z, jnp.float32)))


def derivations() -> dict[str, Any]:
    """Return how far what is derived from unnormalized probabilities is from the parts."""
    z = np.linspace(-15, 15, 301)
    unnormalized = np.exp(np.stack([0 * z, z], axis=1))  # e^(y z) for y = 0 and y = 1
    two = np.asarray(Bernoulli().mean(jnp.asarray(z, jnp.float32)[:, None]))
    several = np.random.default_rng(0).normal(scale=5, size=(300, 4))
    raised = np.exp(several)
    many = np.asarray(Multinoulli().mean(jnp.asarray(several, jnp.float32)))
    pair = softmax(several[:, :2], axis=1)[:, 1] - expit(several[:, 1] - several[:, 0])
    return {
        "derived": max(
            np.abs(two - unnormalized / unnormalized.sum(1, keepdims=True)).max(),
            np.abs(many - raised / raised.sum(1, keepdims=True)).max(),
            np.abs(pair).max(),
        )
    }


def slopes() -> dict[str, Any]:
    """Return cost and slope of each unit with its cost for a row of class 1, on a grid and at a few points."""
    few = np.array([-10.0, -4.0, -1.0, 0.5, 1.0, 4.0, 10.0])
    table = pd.DataFrame({"z": few} | {name: slope_of(one, few, 1) + 0.0 for name, one in likelihoods().items()})
    on_grid = {name: (cost_of(one, GRID, 1), slope_of(one, GRID, 1)) for name, one in likelihoods().items()}
    on_grid["softmax, logarithm"] = np.log(1 + 2 * np.exp(-GRID)), -2 / (2 + np.exp(GRID))  # of (z, 0, 0)
    on_grid["linear, squared"] = (GRID - 1) ** 2 / 2, GRID - 1
    return {"slopes": table, "on_grid": on_grid}


def naive(z: jax.Array, y: jax.Array) -> jax.Array:
    """Return −[y log σ(z) + (1 − y) log(1 − σ(z))], computed as it stands."""
    p = jax.nn.sigmoid(z)  # its derivative is p (1 - p)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def in_float32() -> dict[str, Any]:
    """Return where the formula with logarithms fails in single precision, and that the part does not."""
    z = np.arange(0.0, 41.0)
    single, zero = jnp.asarray(z, jnp.float32), jnp.zeros(len(z), jnp.float32)
    costs, gradients = np.asarray(naive(single, zero)), np.asarray(jax.vmap(jax.grad(naive))(single, zero))
    own, own_slopes = cost_of(Bernoulli(), z, 0), slope_of(Bernoulli(), z, 0)
    shown = [10, 16, 17, 30]
    table = pd.DataFrame(
        {
            "z, for class 0": shown,
            "logarithms, cost": costs[shown],
            "gradient": gradients[shown],
            "softplus, cost": own[shown],
            "slope": own_slopes[shown],
        }
    )
    double = np.linspace(-15, 15, 3001)
    p = 1 / (1 + np.exp(-double))
    huge = np.array([1e4])
    return {
        "naive": table,
        "first_inf": int(z[np.isinf(costs)][0]),
        "not_a_number": int(z[np.isnan(gradients)][0]),
        "same": float(np.abs(-np.log(1 - p) - np.logaddexp(0, double)).max()),
        "huge_cost": float(cost_of(Bernoulli(), huge, 0)[0]),
        "huge_slope": float(slope_of(Bernoulli(), huge, 0)[0]),
    }


def theory(name: str, z: Any) -> Any:
    """Return the time that gradient flow takes a single number from −z to 0 for a row of class 1."""
    if name == SOFTPLUS:
        return z + 1 - np.exp(-z)
    return 3 * z + 3 * (1 - np.exp(-z)) + (1 - np.exp(-2 * z)) / 2 + np.exp(z) - 1


def from_wrong_starts(seeds: int, steps: int) -> dict[str, Any]:
    """Return the steps that networks, and single numbers, take from confidently wrong to better than a coin."""
    x, y = make_moons(200, noise=0.1, random_state=0)
    x = (x - x.mean(0)) / x.std(0)
    rows = Batch(
        np.concatenate([x, np.zeros((1, 2))]).astype(np.float32),  # the last row: a network that is only its bias
        (np.append(y, 1).astype(np.int32),),
        np.ones(len(y) + 1, np.float32),
    )
    folds = [Fold(own, own, seed=0) for own in (np.arange(len(y)), np.array([len(y)]))]
    networks = {
        name: complete(
            Network([Dense(16), Tanh()], likelihood, optimizer=SGD(RATE), stopping=None, batch_size=50), OutputSize(2)
        )
        for name, likelihood in likelihoods().items()
    }
    right = train([Trial(networks[SOFTPLUS], seed) for seed in range(seeds)], rows, folds, max_rounds=200).members
    trials, places = [], []
    for name, network in networks.items():
        goal = math.log(2) if name == SOFTPLUS else 1 / 8  # the cost of answering ½
        for seed, member in enumerate(right):
            for strength in STRENGTHS:
                start = turned_around(network, member.params, x, strength)
                trials.append(Trial(network, seed, 0, goal=goal, trained=(start, member.states)))
                places.append((name, "network", strength))
        for z in SINGLE:
            start = only_bias(right[0].params, -z)
            trials.append(Trial(network, 0, 1, goal=goal, trained=(start, right[0].states)))
            places.append((name, "number", z))
    members = train(trials, rows, folds, max_rounds=steps // ROUND, round_steps=ROUND).members
    taken: dict[tuple[str, str, float], list[float]] = {}
    for place, member in zip(places, members, strict=True):
        taken.setdefault(place, []).append(ROUND * member.rounds if member.stopped == "goal" else math.inf)
    middle = {place: float(np.median(counts)) for place, counts in taken.items()}
    outside = [place for place in taken if place[0] == CLIPPED and place[2] >= 2]
    strong = STRENGTHS[-2]
    return {
        "members": len(members),
        "steps": steps,
        "taken": taken,
        "middle": middle,
        "clipped_count": sum(len(taken[place]) for place in outside),
        "clipped_moved": sum(math.isfinite(count) for place in outside for count in taken[place]),
        "strong": strong,
        "softplus_steps": middle[SOFTPLUS, "network", strong],
        "squared_steps": middle[SQUARED, "network", strong],
    }


def turned_around(network: Network, params: Any, x: np.ndarray, strength: float) -> Any:
    """Return parameters whose output has the opposite sign, at a chosen mean of |z|."""
    states: dict[str, Any] = {name: {} for name in params}
    z = forward(network, params, states, jnp.asarray(x, jnp.float32)).z[0]
    scale = np.float32(-strength / np.abs(np.asarray(z)).mean())
    return {**params, "output": {name: scale * value for name, value in params["output"].items()}}


def only_bias(params: Any, z: float) -> Any:
    """Return parameters that are 0, but for the output's bias."""
    zeros = jax.tree.map(np.zeros_like, params)
    return {**zeros, "output": {**zeros["output"], "bias": np.full_like(params["output"]["bias"], z)}}


def hidden_units(seeds: int, rounds: int, depth: int) -> dict[str, Any]:
    """Return gradients at the start, and accuracies after training, of deep networks of sigmoid and of tanh units."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    rows = Batch((x[order] / 8 - 1).astype(np.float32), (y[order].astype(np.int32),), np.ones(len(y), np.float32))
    fold = Fold(np.arange(1200), np.arange(1200, len(y)), seed=0)
    kinds = {"sigmoid": Sigmoid(), "tanh": Tanh()}
    networks = {
        name: complete(
            Network([Dense(32, "glorot"), kind] * depth, Multinoulli(), optimizer=Adam(0.003), stopping=None),
            OutputSize(10),
        )
        for name, kind in kinds.items()
    }
    trials = [Trial(network, seed) for network in networks.values() for seed in range(seeds)]
    members = train(trials, rows, [fold], max_rounds=rounds).members
    found: dict[str, Any] = {"depth": depth, "seeds": seeds, "tested": len(fold.valid), "right": {}, "gradients": {}}
    for i, (name, network) in enumerate(networks.items()):
        own = members[i * seeds : (i + 1) * seeds]
        found["gradients"][name] = [gradient_norms(network, seed, rows, depth) for seed in range(seeds)]
        found["right"][name] = [share_right(member, rows, fold.valid) for member in own]
        found[f"{name}_gradient"] = float(np.median(found["gradients"][name], axis=0)[0])
        found[f"{name}_right"] = float(np.median(found["right"][name]))
    return found


def gradient_norms(network: Network, seed: int, rows: Batch, depth: int) -> list[float]:
    """Return the norm of the gradient of each hidden layer's weight before the first step."""
    params, states = initialize(network, seed, rows.x.shape[1:])
    few = jax.tree.map(lambda a: jnp.asarray(a[:200]), rows)
    gradient, _ = jax.grad(cost, argnums=1, has_aux=True)(network, params, states, few, Noise({}, {}, {}))
    return [float(np.linalg.norm(gradient[f"dense_{i}"]["weight"])) for i in range(1, depth + 1)]


def share_right(member: Any, rows: Batch, at: np.ndarray) -> float:
    """Return the share of right answers."""
    z = forward(member.trial.network, member.params, member.states, jnp.asarray(rows.x[at])).z[0]
    return float((np.asarray(z).argmax(1) == rows.y[0][at]).mean())


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return units, costs with their slopes, and the steps from wrong starts."""
    units = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = units.subplots()
    axes.plot(GRID, GRID, "C4--", label="linear")
    axes.plot(GRID, np.clip(GRID, 0, 1), "C0", label="clipped linear")
    axes.plot(GRID, expit(GRID), "C1", label="sigmoid")
    axes.plot(GRID, np.tanh(GRID), "C2", label="tanh")
    axes.plot(
        GRID, softmax(np.stack([GRID, 0 * GRID, 0 * GRID], axis=1), axis=1)[:, 0], "C3--", label="softmax of (z, 0, 0)"
    )
    axes.set_xlabel("z")
    axes.set_ylabel("output")
    axes.set_ylim(-1.3, 1.5)
    axes.legend()

    costs = Figure(figsize=(5.5, 3.6), layout="constrained")
    for axes, which, what in zip(costs.subplots(1, 2), (0, 1), ("cost J", "slope ∂J/∂z"), strict=True):
        for i, (name, drawn) in enumerate(found["on_grid"].items()):
            axes.plot(GRID, drawn[which], f"C{i}" + "-" * (1 + (i > 2)), label=name)
        axes.set_xlabel("z, for a row of class 1")
        axes.set_ylabel(what)
        axes.set_ylim((-0.3, 8.3) if which == 0 else (-1.4, 1.4))
    costs.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")

    steps = Figure(figsize=(5.5, 4.4), layout="constrained")
    axes = steps.subplots()
    z = np.linspace(SINGLE[0], SINGLE[-1], 100)
    for i, name in enumerate(COSTS):
        for kind, marker, places in (("network", "o", STRENGTHS), ("number", "x", SINGLE)):
            middle = np.array([found["middle"][name, kind, place] for place in places])
            there = np.isfinite(middle)
            axes.semilogy(places, np.where(there, middle, np.nan), f"C{i}{marker}", label=f"{name}: {kind}")
            axes.semilogy(places, np.where(there, np.nan, found["steps"]), f"C{i}^")
        if name != CLIPPED:
            axes.semilogy(z, theory(name, z) / RATE, f"C{i}-")
    axes.axhline(found["steps"], color="C7", linestyle=":", label="end of the run, not there yet (triangles)")
    axes.set_xlabel("|z| at the start")
    axes.set_ylabel("steps")
    steps.legend(loc="outside upper center", ncols=2, fontsize="small")
    return {"units": units, "costs": costs, "steps": steps}
