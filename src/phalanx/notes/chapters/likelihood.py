"""Costs are likelihoods: maximum likelihood is least divergence, and each output unit suits one kind of noise."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import log_softmax
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from phalanx import (
    Adam,
    Bernoulli,
    Cosine,
    Dense,
    Gaussian,
    GaussianMixture,
    HeteroscedasticGaussian,
    InputError,
    Multinoulli,
    MultivariateGaussian,
    Network,
    Regressor,
    Tanh,
    choice,
)
from phalanx.engine import Batch, Fold, OutputSize, Trained, Trial, complete, forward, train

ROWS = ("D1", "D2")

TEXT = r"""
The notes do not choose a cost. They assume how the target is distributed, and the cost follows: maximize the
probability of the data, which is to minimize the mean of $-\log p_{\mathrm{model}}$. This chapter follows that line
(book, sections 3.13, 5.5 and 6.2) and then shows that the assumption matters.

## Three names of one thing

Let $\hat p$ be the distribution of the data, each observed value with its share. For any model $p_\theta$,

$$D_{KL}(\hat p \| p_\theta) = \sum_x \hat p(x) \log \frac{\hat p(x)}{p_\theta(x)} = H(\hat p, p_\theta) - H(\hat p).$$

The cross-entropy $H(\hat p, p_\theta) = -\sum_x \hat p(x) \log p_\theta(x)$ is the mean negative log-likelihood, and
the entropy $H(\hat p)$ does not depend on $\theta$. So the three have their best $\theta$ in common. The notes say that
the divergence is called cross-entropy; the two differ by that constant, which is $\log m$ if all $m$ values differ.

A die was thrown «throws» times, and the model is a loaded die with $p_\theta(k) \propto e^{\theta k}$. The likelihood
is largest at $\theta$ = «theta:.4f», where the model expects «model_mean:.3f» pips, the mean of the throws.
Cross-entropy and divergence are least there, too, and everywhere «entropy:.4f» apart.

![Cross-entropy and divergence of the throws from the loaded die, against its parameter.](die)

## The Gaussian

For a Gaussian the mean negative log-likelihood is

$$\frac{1}{2} \log 2\pi\sigma^2 + \frac{1}{2\sigma^2} \cdot \frac{1}{m} \sum_i (x_i - \mu)^2 .$$

The last factor is the mean squared error: the MSE is a cross-entropy, and the best $\mu$ does not depend on $\sigma$.
Its derivatives are 0 where $\hat\mu$ is the mean and $\hat\sigma^2$ the mean squared deviation, divided by $m$ and not
by $m - 1$. Networks without any useful input find the same by descent (`Gaussian` has one variance for both numbers):

«gaussian»

## Which distribution?

Now the target depends on an input. Four made-up worlds have two targets each. In **even** the noise is the same
everywhere, in **growing** it grows with the input, in **correlated** both targets err together, and in **branches**
they lie on one of two branches. One network was trained in each world with four likelihoods and «seeds» seeds, all as
one population.

«source: train_all»

The numbers are the mean negative log-likelihoods of «held» held-out rows, in nats; less is better. "Truth" is the
distribution that made the rows.

«world_table»

The likelihood that fits a world is the best there, or within «regret:.3f» of it, and at most «excess:.2f» above the
truth. With the plain Gaussian one loses «loss[growing]:.2f» nats in growing noise, «loss[correlated]:.2f» for the
correlation, and «loss[branches]:.2f» on the branches, where its mean lies between them and no target ever is. To say
more than is needed costs little: see the first column.

![Left: growing noise, and the 90% interval that a network says. Right: two branches, the mean of a Gaussian, and
samples of a mixture.](noise)

A covariance must be positive definite, for which the notes ask for a more complex network. An output layer suffices
that cannot say anything else: it fills a triangle $L$ with a positive diagonal, and $L L^T$ is the inverse of the
covariance. The correlation comes out as «correlation:.3f» on average (truth: «true_correlation»), and the least
eigenvalue of any row is «eigenvalue:.4f».

## Classes

For classes the distributions are `Bernoulli` and `Multinoulli`. The wrong choice is to take the codes for numbers, and
to make probabilities of the Gaussian's density at 0, 1 and 2.

«class_table»

For two classes that costs little. With three, of which 0 and 2 occur at the same inputs, the codes mislead: between 0
and 2 lies 1, which is another class.

## «own_name»

The same question, asked of a table of real numbers that was held back in part. The least is that of «own_best».

«own»

With `phalanx notes likelihood --data FILE --target COLUMN` it is asked of your own.
"""

_PARTS = (Gaussian(), HeteroscedasticGaussian(), MultivariateGaussian(), GaussianMixture())
LIKELIHOODS = {type(part).__name__: part for part in _PARTS}
GAUSSIAN, LEARNED, FULL, MIXTURE = KINDS = tuple(LIKELIHOODS)
WORLDS = ("even", "growing", "correlated", "branches")
FITTING = dict(zip(WORLDS, KINDS, strict=True))
CORRELATION, NOISE = 0.9, 0.3
TWO, THREE = CLASSES = "two classes", "three classes"
ORIGIN, UNIT = np.array([25.0, 90.0]), np.array([5.0, 15.0])  # of body mass index and blood pressure

Rows = tuple[np.ndarray, np.ndarray]
"""Inputs (rows, 1) and targets: two numbers (rows, 2), or codes (rows,)."""


def compute(
    seeds: int = 3,
    rows: int = 2500,
    held: int = 4000,
    rounds: int = 50,
    data: str | None = None,
    target: str | None = None,
    table: bool = True,
) -> dict[str, Any]:
    """Return the likelihoods of a die and of a Gaussian, and those of networks by likelihood on held-out rows.

    `table`: whether to look at a table of numbers, too, that of `data` or one of people with diabetes.
    """
    own_name, own = on_numbers(data, target, seeds, rounds) if table else ("", pd.DataFrame())
    numbers, codes = measured_people(), code_rows(rows, seed=1)
    problems = {name: world(name, rows, seed=1) for name in WORLDS} | {"people": numbers, "codes": codes}
    networks = train_all(problems, LIKELIHOODS, seeds, rounds)
    held_out = {name: world(name, held, seed=2) for name in WORLDS}
    costs = {name: held_out_costs(name, rows, networks) for name, rows in held_out.items()}
    means = {name: {kind: float(one.mean()) for kind, one in by_kind.items()} for name, by_kind in costs.items()}
    right = {name: means[name][FITTING[name]] for name in WORLDS}
    classes = class_costs(codes, code_rows(held, seed=2), networks["codes", GAUSSIAN][0], seeds, rounds)
    covariance = np.asarray(networks["correlated", FULL][0].covariance(held_out["correlated"][0]))
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    return {
        **throw_die(),
        "people": numbers[1] * UNIT + ORIGIN,
        "gaussian": estimates(numbers, networks),
        "seeds": seeds,
        "held": held,
        "worlds": costs,
        "world_table": pd.DataFrame(means).rename_axis("likelihood"),
        "loss": {name: means[name][GAUSSIAN] - right[name] for name in WORLDS},
        "regret": max(right[name] - min(means[name][kind] for kind in KINDS) for name in WORLDS),
        "excess": max(right[name] - means[name]["truth"] for name in WORLDS),
        "correlation": float((covariance[:, 0, 1] / deviation.prod(1)).mean()),
        "true_correlation": CORRELATION,
        "eigenvalue": float(np.linalg.eigvalsh(covariance).min()),
        "classes": classes,
        "class_table": pd.DataFrame(
            [
                {"target": name} | {kind: own[kind].mean() if kind in own else "–" for kind in classes[TWO]}
                for name, own in classes.items()
            ]
        ),
        "own_name": own_name,
        "own": own,
        "own_best": str(own["likelihood"].iloc[int(own["nats"].argmin())]) if table else "",
        "pictures": picture_rows(networks),
    }


def throw_die() -> dict[str, Any]:
    """Return the likelihood of a loaded die with p(k) ∝ e^(θ k), by its parameter, for throws of another die."""
    pips = np.arange(1, 7)
    throws = np.random.default_rng(0).choice(pips, 60, p=np.array([1, 1, 1, 2, 2, 3]) / 10)
    share = np.array([(throws == k).mean() for k in pips])
    thetas = np.linspace(-0.5, 1, 15_001)
    log_p = log_softmax(thetas[:, None] * pips, axis=1)
    crossed = -log_p @ share
    divergence = (share * (np.log(share) - log_p)).sum(1)
    likelihood = log_p[:, throws - 1].sum(1)
    best = int(likelihood.argmax())
    return {
        "throws": len(throws),
        "thetas": thetas,
        "share": share,
        "entropy": -float(share @ np.log(share)),
        "crossed": crossed,
        "divergence": divergence,
        "likelihood": likelihood,
        "theta": thetas[best],
        "model_mean": float(np.exp(log_p[best]) @ pips),
    }


def measured_people() -> Rows:
    """Return body mass index and blood pressure of people, near standard units, and an input that says nothing."""
    numbers = load_diabetes(scaled=False)["data"][:, 2:4]
    return np.zeros((len(numbers), 1)), (numbers - ORIGIN) / UNIT


def world(name: str, rows: int, seed: int) -> Rows:
    """Return inputs and two targets of a made-up world."""
    rng = np.random.default_rng([seed, WORLDS.index(name)])
    x = rng.uniform(-2, 2, rows)
    sign = rng.choice([-1, 1], rows) if name == "branches" else np.ones(rows)
    noise = rng.normal(size=(rows, 2))
    if name == "correlated":
        noise[:, 1] = CORRELATION * noise[:, 0] + math.sqrt(1 - CORRELATION**2) * noise[:, 1]
    return x[:, None], sign[:, None] * centre_of(name, x) + deviation_of(name, x)[:, None] * noise


def centre_of(name: str, x: np.ndarray) -> np.ndarray:
    """Return the mean of both targets, or with branches the upper one, (rows, 2)."""
    if name == "branches":
        return np.stack([1 + x / 4, 1 - x / 4], axis=1)
    return np.stack([np.sin(2 * x), np.cos(2 * x)], axis=1)


def deviation_of(name: str, x: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise of each target."""
    return {"growing": 0.05 + 0.2 * (x + 2), "branches": np.full(len(x), 0.1)}.get(name, np.full(len(x), NOISE))


def truth(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the log density of targets under the distribution that made them."""
    centre, deviation = centre_of(name, x[:, 0]), deviation_of(name, x[:, 0])[:, None]

    def log_normal(centre: np.ndarray) -> np.ndarray:
        a, b = ((y - centre) / deviation).T
        r = CORRELATION if name == "correlated" else 0.0
        squares = (a**2 - 2 * r * a * b + b**2) / (1 - r**2)
        return -squares / 2 - np.log(2 * np.pi * deviation[:, 0] ** 2) - math.log(1 - r**2) / 2

    if name == "branches":
        return np.logaddexp(log_normal(centre), log_normal(-centre)) - math.log(2)
    return log_normal(centre)


@dataclass(frozen=True)
class Said:
    """A trained network, and the distribution of the target that it says for inputs."""

    member: Trained
    likelihood: Any

    def z(self, x: np.ndarray) -> jax.Array:
        """Return the parameters of the distribution, as the output layer gives them."""
        network = self.member.trial.network
        return forward(network, self.member.params, self.member.states, jnp.asarray(x, jnp.float32)).z[0]

    def costs(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return −log p(y | x) of each row."""
        kind = jnp.int32 if y.ndim == 1 else jnp.float32
        return np.asarray(self.likelihood.nll(self.z(x), jnp.asarray(y, kind)), np.float64)

    def mean(self, x: np.ndarray) -> np.ndarray:
        """Return the expected targets."""
        return np.asarray(self.likelihood.mean(self.z(x)))

    def covariance(self, x: np.ndarray) -> np.ndarray:
        """Return the covariance of the targets of each row."""
        return np.asarray(self.likelihood.covariance(self.z(x)))


def train_all(
    problems: Mapping[str, Rows], likelihoods: Mapping[str, Any], seeds: int, rounds: int
) -> dict[tuple[str, str], list[Said]]:
    """Train the same network with each likelihood on each problem, all as one population."""
    x, y = (np.concatenate(parts) for parts in zip(*problems.values(), strict=True))
    ends = np.cumsum([len(own) for own, _ in problems.values()])
    folds = [Fold(own, own, seed=0) for own in np.split(np.arange(len(x)), ends[:-1])]
    size = OutputSize(int(y.max()) + 1 if y.ndim == 1 else y.shape[1])
    places = list(itertools.product(likelihoods, range(len(problems)), range(seeds)))
    trials = [
        Trial(complete(network_with(likelihoods[kind]), size), seed=seed, fold=fold) for kind, fold, seed in places
    ]
    target = y.astype(np.int32 if y.ndim == 1 else np.float32)
    members = train(
        trials, Batch(x.astype(np.float32), (target,), np.ones(len(x), np.float32)), folds, max_rounds=rounds
    )
    found: dict[tuple[str, str], list[Said]] = {}
    for (kind, fold, _), member in zip(places, members.members, strict=True):
        name = list(problems)[fold]
        found.setdefault((name, kind), []).append(with_variance(member, *problems[name]))
    return found


def network_with(likelihood: Any) -> Network:
    """Return a small network that says the parameters of this likelihood."""
    return Network([Dense(16), Tanh()], likelihood, optimizer=Adam(Cosine(0.05)), stopping=None, batch_size=50)


def with_variance(member: Trained, x: np.ndarray, y: np.ndarray) -> Said:
    """Return a network with the variance, where training held one fixed, that makes the rows most likely."""
    said = Said(member, member.trial.network.likelihood)
    if not said.likelihood.estimated:
        return said
    return replace(said, likelihood=said.likelihood.fitted(np.asarray(said.z(x))[:, None], y, np.ones(len(y))))


def held_out_costs(name: str, rows: Rows, networks: Mapping[tuple[str, str], list[Said]]) -> dict[str, np.ndarray]:
    """Return the cost of each held-out row by likelihood, means over seeds, and under the truth."""
    costs = {kind: np.mean([said.costs(*rows) for said in networks[name, kind]], axis=0) for kind in KINDS}
    return {"truth": -truth(name, *rows), **costs}


def estimates(people: Rows, networks: Mapping[tuple[str, str], list[Said]]) -> pd.DataFrame:
    """Return means, variances and correlation of two measurements, by formula and as networks found them."""
    x, y = people
    found = {"formulas": (y.mean(0), np.cov(y.T, bias=True))}
    for kind in (GAUSSIAN, LEARNED, FULL):
        said = networks["people", kind][0]
        found[f"{kind}"] = (said.mean(x[:1])[0], said.covariance(x[:1])[0])
    lines = []
    for name, (mean, covariance) in found.items():
        covariance = covariance * np.outer(UNIT, UNIT)
        deviation = np.sqrt(np.diag(covariance))
        lines.append(
            {
                "found by": name,
                "mean of BMI": mean[0] * UNIT[0] + ORIGIN[0],
                "variance of BMI": covariance[0, 0],
                "mean of pressure": mean[1] * UNIT[1] + ORIGIN[1],
                "variance of pressure": covariance[1, 1],
                "correlation": covariance[0, 1] / deviation.prod(),
            }
        )
    return pd.DataFrame(lines)


def code_rows(rows: int, seed: int) -> Rows:
    """Return inputs and two targets that are codes of classes: two classes, and three."""
    rng = np.random.default_rng([seed, 5])
    x = rng.uniform(-2, 2, rows)
    drawn = [(rng.random(rows)[:, None] > p.cumsum(1)).sum(1) for p in class_probabilities(x)]
    return x[:, None], np.stack(drawn, axis=1).astype(float)


def class_probabilities(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities of two classes, and of three."""
    wave, zero = 2 * np.cos(2 * x), np.zeros(len(x))
    logits = np.stack([zero, 3 * np.sin(2 * x)], axis=1), np.stack([wave, zero, wave], axis=1)
    return np.exp(log_softmax(logits[0], axis=1)), np.exp(log_softmax(logits[1], axis=1))


def class_costs(rows: Rows, held: Rows, numbers: Said, seeds: int, rounds: int) -> dict[str, dict[str, np.ndarray]]:
    """Return −log P of held-out classes, row by row, by target and likelihood; `numbers` took the codes for numbers."""
    (x, codes), (new, labels) = rows, held
    problems = {name: (x, codes[:, i].astype(int)) for i, name in enumerate(CLASSES)}
    networks = train_all({TWO: problems[TWO]}, {"Bernoulli": Bernoulli()}, seeds, rounds)
    networks |= train_all(problems, {"Multinoulli": Multinoulli()}, seeds, rounds)
    variance = ((codes - numbers.mean(x)) ** 2).mean(0)  # of each code by itself
    mean = numbers.mean(new)
    found = {}
    for i, name in enumerate(CLASSES):
        label = labels[:, i].astype(int)
        true = class_probabilities(new[:, 0])[i]
        log_density = -((np.arange(true.shape[1]) - mean[:, i : i + 1]) ** 2) / (2 * variance[i])
        found[name] = {"truth": -np.log(true[np.arange(len(label)), label])}
        for kind in ("Bernoulli", "Multinoulli"):
            if (name, kind) in networks:
                found[name][kind] = np.mean([said.costs(new, label) for said in networks[name, kind]], axis=0)
        found[name]["Gaussian on codes"] = -log_softmax(log_density, axis=1)[np.arange(len(label)), label]
    return found


def on_numbers(data: str | None, target: str | None, seeds: int, rounds: int) -> tuple[str, pd.DataFrame]:
    """Return what was looked at, and the mean negative log-likelihood of a column of numbers by likelihood."""
    if data is None:
        table = load_diabetes(as_frame=True)["frame"]
        name = "The progress of diabetes"
    else:
        table = pd.read_csv(data)
        target = table.columns[-1] if target is None else target
        name = f"The column {target}"
    column = "target" if target is None else target
    if column not in table or not pd.api.types.is_numeric_dtype(table[column]):
        raise InputError(f"{column!r} is not a column of numbers; name one with `target`")
    table = table[table[column].notna()]
    own, test = train_test_split(table, test_size=0.3, random_state=0)
    kinds = (Gaussian(), HeteroscedasticGaussian(), GaussianMixture())
    net = Regressor([Dense(16), Tanh()], likelihood=choice(*kinds), trials=len(kinds), repeats=seeds, design="grid")
    net.set_params(max_rounds=2 * rounds).fit(own.drop(columns=column), own[column].to_numpy(float))
    nll: dict[str, list[np.ndarray]] = {}
    for member in net.members_:
        log_density = member.estimator.log_density(test.drop(columns=column), test[column].to_numpy(float))
        nll.setdefault(type(member.spec.likelihood).__name__, []).append(-log_density)
    return name, differences({kind: np.mean(each, axis=0) for kind, each in nll.items()})


def differences(nll: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return mean costs, and how much they are above that of the first, with standard errors over rows."""
    first = next(iter(nll.values()))
    lines = []
    for kind, own in nll.items():
        error = (own - first).std(ddof=1) / math.sqrt(len(own))
        lines.append({"likelihood": kind, "nats": own.mean(), "above the first": (own - first).mean(), "± s.e.": error})
    return pd.DataFrame(lines)


def picture_rows(networks: Mapping[tuple[str, str], list[Said]]) -> dict[str, Any]:
    """Return what the pictures show: rows, and what networks say of a line of inputs."""
    x = np.linspace(-2, 2, 101)[:, None]
    growing, mixture = networks["growing", LEARNED][0], networks["branches", MIXTURE][0]
    mean, deviation = growing.mean(x)[:, 0], np.sqrt(growing.covariance(x)[:, 0, 0])
    keys = jax.random.split(jax.random.key(0), 3)
    return {
        "x": x[:, 0],
        "growing": world("growing", 300, 3),
        "interval": (mean - 1.645 * deviation, mean + 1.645 * deviation),
        "branches": world("branches", 300, 3),
        "mean": networks["branches", GAUSSIAN][0].mean(x)[:, 0],
        "samples": np.array([mixture.likelihood.sample(key, mixture.z(x))[:, 0] for key in keys]),
    }


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the costs of the loaded die, and what two networks say."""
    die = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = die.subplots()
    axes.plot(found["thetas"], found["crossed"], "C0", label="cross-entropy")
    axes.plot(found["thetas"], found["divergence"], "C1", label="divergence")
    axes.axvline(found["theta"], color="C2", linestyle="--", label="maximum likelihood")
    axes.set_xlabel("θ")
    axes.set_ylabel("nats")
    axes.legend()

    noise = Figure(figsize=(5.5, 3.0), layout="constrained")
    left, right = noise.subplots(1, 2)
    shown = found["pictures"]
    for axes, name in ((left, "growing"), (right, "branches")):
        x, y = shown[name]
        axes.scatter(x[:, 0], y[:, 0], s=3, color="C0")
        axes.set_xlabel("input")
        axes.set_ylabel("first target")
    for end in shown["interval"]:
        left.plot(shown["x"], end, "C1")
    right.plot(shown["x"], shown["mean"], "C1", label="Gaussian, mean")
    for i, samples in enumerate(shown["samples"]):
        right.plot(shown["x"], samples, "C2x", markersize=3, label="mixture, samples" if i == 0 else None)
    right.legend(fontsize="small", loc="center")
    return {"die": die, "noise": noise}
