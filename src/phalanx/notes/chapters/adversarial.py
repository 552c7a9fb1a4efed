"""Adversarial examples: a change too small to see turns an answer, why it does, and what resists it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from phalanx import RBF, Adam, Adversarial, Bernoulli, Dense, Multinoulli, Network, ReLU, attack
from phalanx.engine import Batch, Fold, Noise, OutputSize, Trial, complete, cost, forward, train
from phalanx.layers import EVALUATE
from phalanx.notes.intervals import interval

ROWS = ("F6",)

TEXT = r"""
Szegedy and others (2014) found images that a network takes for something else after a change that nobody sees.
Goodfellow and others (2014) explained it, and the notes follow them: networks of rectifiers are, most of the time,
close to linear. The attack is *white-box*, since it uses the gradient of the model's own cost (the book: 7.13):

$$\mathbf{x}' = \mathbf{x} + \varepsilon\,\mathrm{sign}(\nabla_{\mathbf{x}} J(\mathbf{x}))$$

No number changes by more than $\varepsilon$. In Phalanx `attack` computes it. Here the data are handwritten digits with
pixels from 0 to 1, «rows» of them for training, and $\varepsilon =$ «epsilon» throughout.

![A digit, what is added (enlarged), and the sum, which one of the networks takes for the digit «taken_for».](example)

## A linear model moves by ε‖w‖₁

With $\delta_i = \varepsilon\,\mathrm{sign}(w_i)$ the output changes from $\mathbf{w}^\top\mathbf{x}$ to
$\mathbf{w}^\top\mathbf{x} + \varepsilon\|\mathbf{w}\|_1$. A linear network that tells threes from eights had
$\varepsilon\|\mathbf{w}\|_1 =$ «l1_move:.4f»; the attack moved its logits by «moved_least:.4f» to «moved_most:.4f».
Noise of the same size with random signs moves them by «random_move:.2f» (root mean square, which is
$\varepsilon\|\mathbf{w}\|_2$). Many small steps in the right direction add up; with random signs they cancel.

## Layer by layer

«growth_seeds» networks of «depth» layers of rectifiers were attacked. At each layer, by how much had the change grown,
relative to the values themselves ($\|\Delta\mathbf{h}\| / \|\mathbf{h}\|$, mean over images and networks)?

![Relative change at the input and after each layer, for the attack and for random signs.](growth)

At the input both are «input_change:.2f», behind the last layer «last_change:.2f» for the attack and «last_random:.2f»
for random signs. In «grew» of «layer_steps» steps from layer to layer (all networks together) the change of the attack
grew.

## With a square it vanishes?

If $f$ is quadratic, say the notes, $\varepsilon$ becomes $\varepsilon^2$ and vanishes. Measured as the power of
$\varepsilon$ with which the output changes:

«powers»

So it is true where the slope is 0, and there only: $(x + \varepsilon)^2 - x^2 = 2x\varepsilon + \varepsilon^2$. An
`RBF` unit is in that place when the input is at its template, and far from it both value and slope are nearly 0.

## Who resists

All on the same images and the same $\varepsilon$, «seeds» splits. The first attack is one step along the sign of the
gradient. The second takes «steps» smaller steps towards the margin of the nearest wrong class (`attack` with `steps`);
an image counts as right if it survived both. A model must not look safe only because one step is misled by a flat cost:

«models»

The notes say that SVMs are linear too but have large decision regions, and so do not face the problem. The linear SVM
does: of «linear_svm_clean:.2f» right answers it keeps «linear_svm:.2f», and the linear network «linear:.2f». The SVM
with an RBF kernel, which is not linear, keeps «rbf_svm:.2f», and a network of `RBF` units «rbf_units:.2f», where
rectifiers keep «rectifiers:.2f». Resist means: fall less. At twice the $\varepsilon$ the RBF machine keeps
«rbf_svm_twice:.2f».

## Training on them

`Adversarial` minimizes $\alpha J(\mathbf{x}) + (1 - \alpha) J(\mathbf{x}')$, with new examples $\mathbf{x}'$ at each
step. One population over $\alpha$; at $\alpha = 1$ it is plain training:

![Share of right answers of rectifier networks by the mix α, for images as they are and under both attacks.](mix)

With $\alpha = \frac{1}{2}$ the share that survives rose by «robust_gain[0]:.3f» ± «robust_gain[1]:.3f» (95 % interval
over the splits). It also regularizes: on images that nobody attacked the error changed by «clean_gain[0]:+.4f» ±
«clean_gain[1]:.4f», where plain training has «clean_error:.3f». The explanation by linearity is no proof, as the notes
say themselves; what was measured agrees with it.
"""

EPSILON, STEPS = 0.1, 20
SIGMA: Any = 2.0
MIXES = (1.0, 0.75, 0.5, 0.25, 0.0)
HIDDEN = (Dense(64), ReLU(), Dense(64), ReLU())
DEPTH, CLASSES = 5, 10
KINDS = ("linear network", "RBF units", "linear network, trained on them")


def compute(seeds: int = 6, rounds: int = 40, rows: int = 500) -> dict[str, Any]:
    """Return what the chapter claims, computed."""
    x, y = digits()
    found: dict[str, Any] = {"rows": rows, "epsilon": EPSILON, "seeds": seeds, "steps": STEPS}
    splits = [np.split(np.random.default_rng(s).permutation(len(y)), [rows, rows + 500])[:2] for s in range(seeds)]
    found |= _linear(x, y) | {"powers": powers()} | _growth(x, y, splits, rounds)
    return found | _models(x, y, splits, rounds)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the bundled handwritten digits, pixels from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y.astype(np.int32)


def trained(networks: Sequence[Network], x: np.ndarray, y: np.ndarray, splits: Any, rounds: int) -> list[Any]:
    """Return each network trained on the first part of each split, all side by side."""
    folds = [Fold(train=mine, valid=mine, seed=seed) for seed, (mine, _) in enumerate(splits)]
    trials = [Trial(network, seed, fold=seed) for network in networks for seed in range(len(splits))]
    return train(trials, Batch(x, (y,), np.ones(len(y), np.float32)), folds, max_rounds=rounds).members


def network(layers: Sequence[Any], *regularizers: Any) -> Network:
    """Return a network for the ten digits."""
    plain = Network(layers, Multinoulli(), regularizers, Adam(0.003), stopping=None, batch_size=32)
    return complete(plain, OutputSize(CLASSES))


def _linear(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Attack a linear network that tells threes from eights."""
    x, y = x[(y == 3) | (y == 8)], (y[(y == 3) | (y == 8)] == 8).astype(np.int32)
    every = np.arange(len(y))
    linear = complete(Network([], Bernoulli(), optimizer=Adam(0.01), stopping=None), OutputSize(2))
    rows = Batch(x, (y,), np.ones(len(y), np.float32))
    (member,) = train([Trial(linear, seed=0)], rows, [Fold(every, every, 0)], max_rounds=40).members
    params, states, batch = jax.tree.map(jnp.asarray, (member.params, member.states, rows))

    def of_inputs(x: Any) -> Any:
        return cost(linear, params, states, batch._replace(x=x), Noise({}, {}, {}))

    def logits(x: Any) -> np.ndarray:
        return np.asarray(forward(linear, params, states, x).z[0][:, 0], float)

    moved = np.abs(logits(attack(of_inputs, batch.x, EPSILON)) - logits(batch.x))
    w = member.params["output"]["weight"][:, 0].astype(float)
    return {
        "weights": w,
        "moved": moved,
        "l1_move": EPSILON * float(np.abs(w).sum()),
        "moved_least": float(moved.min()),
        "moved_most": float(moved.max()),
        "random_move": EPSILON * float(np.linalg.norm(w)),
    }


def powers() -> pd.DataFrame:
    """Return with which power of ε the output changes, where a straight line and squares have slope 0 or not."""
    template = jnp.linspace(0, 1, 8, dtype=jnp.float32)[None]

    def unit(x: Any) -> Any:
        return RBF(1, sigma=SIGMA)({"centre": template}, {}, jnp.asarray(x, jnp.float32), EVALUATE)[0][0, 0]

    places: dict[str, tuple[Callable[[Any], Any], Any]] = {
        "3x, at x = 0": (lambda x: 3 * x, 0.0),
        "x², at x = 1": (lambda x: x**2, 1.0),
        "x², at x = 0": (lambda x: x**2, 0.0),
        "x² of x², at x = 0": (lambda x: (x**2) ** 2, 0.0),
        "RBF unit, at its template": (unit, np.asarray(template)),
        "RBF unit, 0.5 beside it": (unit, np.asarray(template) + 0.5),
    }
    lines = []
    for name, (f, x) in places.items():
        small, large = (abs(float(f(x + e)) - float(f(x))) for e in (0.025, 0.05))
        lines.append((name, small, large, np.log2(large / small)))
    titles = ["output", "change by ε = 0.025", "by ε = 0.05", "power of ε"]
    return pd.DataFrame(lines, columns=titles)


def _growth(x: np.ndarray, y: np.ndarray, splits: Any, rounds: int) -> dict[str, Any]:
    """Return the relative change at each layer of deep networks, attacked or moved at random."""
    deep = network([layer for _ in range(DEPTH) for layer in (Dense(64), ReLU())])
    members = trained([deep], x, y, splits, rounds)
    names = [f"relu_{i + 1}" for i in range(DEPTH)]

    @jax.jit
    def layers(params: Any, states: Any, x: Any) -> list[Any]:
        kept = forward(deep, params, states, x, keep=names).kept
        return [x, *(kept[name] for name in names)]

    hit = jax.jit(partial(attacked, partial(scores, deep), 1, cross_entropy))
    found = []
    for member, (_, held) in zip(members, splits, strict=True):
        rng = np.random.default_rng(0)
        params, states, here = jax.tree.map(jnp.asarray, (member.params, member.states, x[held]))
        random = here + EPSILON * jnp.asarray(np.where(rng.random(here.shape) < 0.5, -1, 1), jnp.float32)
        before = layers(params, states, here)
        moved = hit((params, states), here, jnp.asarray(y[held]), EPSILON), random
        found.append([relative(before, layers(params, states, near)) for near in moved])
    change = np.array(found)  # network, attack or random, layer
    return {
        "growth_seeds": len(members),
        "depth": DEPTH,
        "change": change,
        "input_change": float(change[:, :, 0].mean()),
        "last_change": float(change[:, 0, -1].mean()),
        "last_random": float(change[:, 1, -1].mean()),
        "grew": int((np.diff(change[:, 0], axis=1) > 0).sum()),
        "layer_steps": change[:, 0, 1:].size,
    }


def relative(before: Sequence[Any], after: Sequence[Any]) -> list[float]:
    """Return the mean over rows of ‖after − before‖ / ‖before‖, of each layer."""
    pairs = [(np.asarray(b, float), np.asarray(a, float)) for b, a in zip(before, after, strict=True)]
    return [float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).mean()) for b, a in pairs]


def scores(network: Network, trained: Any, x: Any) -> Any:
    """Return the logits of a network, given its parameters and states."""
    params, states = trained
    return forward(network, params, states, x).z[0]


def cross_entropy(z: Any, y: Any) -> Any:
    """Return the mean cost of scores z of classes y."""
    return (jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], 1)[:, 0]).mean()


def margin(z: Any, y: Any) -> Any:
    """Return by how much the best wrong class is ahead of the right one, the mean over rows."""
    right = y[:, None] == jnp.arange(z.shape[1])[None]
    return (jnp.where(right, -jnp.inf, z).max(1) - jnp.where(right, z, 0).sum(1)).mean()


def attacked(said: Callable[..., Any], steps: int, of_scores: Any, trained: Any, x: Any, y: Any, epsilon: Any) -> Any:
    """Return inputs near x at which a cost of the scores that a model gives is high."""
    return attack(lambda x: (of_scores(said(trained, x), y), None), x, epsilon, steps=steps)


def survivors(said: Callable[..., Any]) -> Callable[..., Any]:
    """Return what says of each row whether a model is right: as it is, after one step, and after both attacks."""

    @jax.jit
    def right(trained: Any, x: Any, y: Any, epsilon: Any) -> Any:
        one = attacked(said, 1, cross_entropy, trained, x, y, epsilon)
        many = attacked(said, STEPS, margin, trained, x, y, epsilon)
        plain, once, often = (said(trained, near).argmax(1) == y for near in (x, one, many))
        return jnp.stack([plain, once, plain & once & often])

    return right


def support_vectors(kernel: str, x: np.ndarray, y: np.ndarray) -> Any:
    """Return what ten SVMs, one for each class against the rest, have learned: a_i t_i, b, the rows, and γ."""
    machines = [SVC(C=10, kernel=kernel).fit(x, y == c) for c in range(CLASSES)]
    a = np.zeros((len(x), CLASSES), np.float32)
    for c, machine in enumerate(machines):
        a[machine.support_, c] = machine.dual_coef_[0]
    b = np.array([machine.intercept_[0] for machine in machines], np.float32)
    gamma = 1 / (x.shape[1] * x.var())  # as scikit-learn scales it
    return jax.tree.map(jnp.asarray, (a, b, x, np.float32(gamma)))


def linear_machine(trained: Any, x: Any) -> Any:
    """Return Σ a_i t_i xᵀx_i + b of each class."""
    a, b, rows, _ = trained
    return x @ rows.T @ a + b[None]


def rbf_machine(trained: Any, x: Any) -> Any:
    """Return Σ a_i t_i exp(−γ ‖x − x_i‖²) + b of each class."""
    a, b, rows, gamma = trained
    squares = (x**2).sum(1, keepdims=True) - 2 * x @ rows.T + (rows**2).sum(1)[None]
    return jnp.exp(-gamma * jnp.maximum(squares, 0)) @ a + b[None]


def _models(x: np.ndarray, y: np.ndarray, splits: Any, rounds: int) -> dict[str, Any]:
    """Attack every kind of model on every split."""
    networks = [network([]), network([RBF(100, sigma=SIGMA)]), network([], Adversarial(EPSILON))]
    networks += [network(HIDDEN, Adversarial(EPSILON, mix=mix)) for mix in MIXES]
    members = trained(networks, x, y, splits, rounds)
    names = [*KINDS, *(f"α = {mix}" for mix in MIXES)]

    def of_split(right: Any, trained: Any, split: int, epsilon: float = EPSILON) -> np.ndarray:
        held = splits[split][1]
        return np.asarray(right(trained, jnp.asarray(x[held]), jnp.asarray(y[held]), epsilon)).mean(1)

    found: dict[str, list[np.ndarray]] = {}
    plain = [networks[0], networks[1], networks[0], *len(MIXES) * [network(HIDDEN)]]  # what predicts
    asked = {one: survivors(partial(scores, one)) for one in dict.fromkeys(plain)}
    for i, (name, one) in enumerate(zip(names, plain, strict=True)):
        mine = members[i * len(splits) : (i + 1) * len(splits)]
        learned = [jax.tree.map(jnp.asarray, (member.params, member.states)) for member in mine]
        found[name] = [of_split(asked[one], own, s) for s, own in enumerate(learned)]
    twice = np.array([])
    for name, kernel, machine in (("linear SVM", "linear", linear_machine), ("RBF SVM", "rbf", rbf_machine)):
        right = survivors(machine)
        vectors = [support_vectors(kernel, x[mine], y[mine]) for mine, _ in splits]
        found[name] = [of_split(right, own, s) for s, own in enumerate(vectors)]
        twice = np.array([of_split(right, own, s, 2 * EPSILON)[2] for s, own in enumerate(vectors)])
    first, held = members[(len(KINDS) + MIXES.index(1.0)) * len(splits)], splits[0][1]
    return _told({name: np.array(each) for name, each in found.items()}, twice) | _example(first, x[held], y[held])


def _told(found: dict[str, np.ndarray], twice: np.ndarray) -> dict[str, Any]:
    plain, half = found["α = 1.0"], found["α = 0.5"]
    shown = {
        "linear network": found["linear network"],
        "linear SVM": found["linear SVM"],
        "rectifiers": plain,
        "RBF units": found["RBF units"],
        "RBF SVM": found["RBF SVM"],
        "linear network, trained on them": found["linear network, trained on them"],
        "rectifiers, trained on them": half,
    }
    lines = [(name, *each.mean(0), interval(each[:, 2])[1]) for name, each in shown.items()]
    return {
        "models": pd.DataFrame(lines, columns=["model", "right", "after one step", "after both", "±"]).round(3),
        "shares": shown,
        "mixes": np.array([found[f"α = {mix}"] for mix in MIXES]),
        "linear": float(found["linear network"][:, 2].mean()),
        "linear_svm": float(found["linear SVM"][:, 2].mean()),
        "linear_svm_clean": float(found["linear SVM"][:, 0].mean()),
        "rbf_svm": float(found["RBF SVM"][:, 2].mean()),
        "rbf_svm_twice": float(twice.mean()),
        "rbf_units": float(found["RBF units"][:, 2].mean()),
        "rectifiers": float(plain[:, 2].mean()),
        "robust_gain": interval(half[:, 2] - plain[:, 2]),
        "clean_gain": interval(plain[:, 0] - half[:, 0]),
        "clean_error": float(1 - plain[:, 0].mean()),
    }


def _example(member: Any, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return the first image that a network knew and that one step turned into another class."""
    said = partial(scores, network(HIDDEN))
    own = jax.tree.map(jnp.asarray, (member.params, member.states))
    near = attacked(said, 1, cross_entropy, own, jnp.asarray(x), jnp.asarray(y), EPSILON)
    before, after = (np.asarray(said(own, jnp.asarray(here))).argmax(1) for here in (x, near))
    first = int(np.flatnonzero((before == y) & (after != y))[0])
    return {"pictured": (x[first], np.asarray(near)[first]), "is": int(y[first]), "taken_for": int(after[first])}


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"example": _draw_example(found), "growth": _draw_growth(found), "mix": _draw_mix(found)}


def _draw_example(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 1.9), layout="constrained")
    before, after = found["pictured"]
    shown = (before, after - before, after)
    for axes, image, most in zip(figure.subplots(1, 3), shown, (1, EPSILON, 1), strict=True):
        axes.imshow(image.reshape(8, 8), cmap="gray", vmin=min(0.0, image.min()), vmax=most)
        axes.set_axis_off()
    return figure


def _draw_growth(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(("attack", "random signs")):
        values = [interval(each) for each in found["change"][:, i].T]
        means, halves = np.array(values).T
        axes.errorbar(range(DEPTH + 1), means, halves, capsize=3, color=f"C{i}", label=name)
    axes.set(xlabel="layer (0: the image)", ylabel="relative change", ylim=(0, None))
    axes.legend()
    return figure


def _draw_mix(found: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for i, (what, name) in enumerate(((0, "images as they are"), (2, "under both attacks"))):
        values = [interval(each) for each in found["mixes"][:, :, what]]
        means, halves = np.array(values).T
        axes.errorbar(MIXES, means, halves, capsize=3, marker="o", color=f"C{i}", label=name)
    axes.set(xlabel="α", ylabel="share of right answers", ylim=(0, 1.02))
    axes.legend()
    return figure
