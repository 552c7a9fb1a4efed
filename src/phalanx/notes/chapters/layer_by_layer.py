"""Layer by layer: what began the third wave, with labels and without, and why it is no longer needed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import ttest_ind
from sklearn.datasets import load_digits

from phalanx import (
    Adam,
    Classifier,
    Dense,
    Factor,
    Flatten,
    Gaussian,
    Head,
    Joint,
    Momentum,
    Multinoulli,
    MultiTask,
    Network,
    Pixels,
    Regressor,
    ReLU,
    Sigmoid,
    choice,
)
from phalanx.model import Batch, Noise, cost, initialize
from phalanx.notes.intervals import interval

ROWS = ("A7", "A9")

TEXT = r"""
The notes name three waves: cybernetics, connectionism, and deep learning, since 2006, "layerwise training, big data".
(The book tells the story in 1.2.1 and gives layerwise pretraining its own section, 15.1.) Here the trick of 2006 is
repeated, with labels and without, beside what came before it and what came after. The network has «depth» hidden
layers of «width» units, which is where the notes begin to say *deep*; the data are «rows» of scikit-learn's
handwritten digits.

## The second wave, all layers at once

Sigmoids, weights of Glorot's size, gradient descent with momentum. Start at random and train everything together, for
«long» passes: «mean[joint]:.0%» of the test digits come out right, and always saying the commonest has «guess:.0%».
The cost stands still for most of that time.

![The size of the cost's gradient in the weights of each layer, before the first step.](slopes)

The gradient explains it. On the way down it meets a factor $\sigma'(z) \le \frac{1}{4}$ at each layer, while such
weights keep its length about as it is; so each layer should see about a quarter of what the layer above sees.
Measured: the lowest layer gets «sigmoid_ratio:.0f» times less than the highest. With rectifiers and He's weights, the
two differ by a factor of «relu_ratio:.1f».

## The third wave, one layer after the other

Put an output above each of the layers. Train the first layer with its output; then keep the first as it is, train the
second with its own, and so on. Between the layer that learns and the cost there is never more than an output.

«source: layer_by_layer»

«source: only»

Each stage begins with `start=`, where the stage before ended. `Factor(0)` keeps a layer, and which output counts is
the weight of its head: both are knobs, so all stages of all «seeds» seeds are one compiled program. With labels
(`by_labels`) the outputs name the digit. Without labels (`by_pixels`) they give back the pixels, and the layers below
form an autoencoder, which learns from images alone. At last all layers train together for «joint» passes, as they did
in vain before:

«arms»

![The training cost after each pass. Those trained layer by layer come in after as many passes, at the line.](costs)

The intervals are of the mean over seeds, 95 %; the rates were chosen on other digits than the «tested» of the score.
Layer by layer, with labels or without, the same sigmoids with the same rule get «mean[labels]:.1%» and
«mean[pixels]:.1%». The layers were able to do it all along; only the way to it was closed.

That depth helps, this does not show: above the first layer alone the output already named «first:.1%» of the digits,
and above the fifth «last:.1%» before all were trained together. The digits are too easy to need five layers.

## Why it is no longer needed

Rectifiers with He's weights, trained at once by the very same rule, get «mean[rectifiers]:.1%», and with `Adam`
«mean[modern]:.1%»; the last is at «against[0]:+.1%» ± «against[1]:.1%» against layer by layer without labels. A step
size for each weight helps the sigmoids too: `Adam` alone brings them to «mean[adam]:.1%», though not all the way. So
the third wave's trick answered a question that better units have removed. What is left of it is training without
labels where labels are few; [the next chapter](chapter:rewired) carries layers from one task to another, and [the one
before](chapter:connections) has the machine with $10^4$ connections a unit, which the notes mention because it, too,
learned without labels.
"""

DEPTH, WIDTH, COUNT = 5, 32, 64
RATES = (0.03, 0.1, 0.3)
OF_ADAM = (0.001, 0.003, 0.01)
SIGMOID: dict[str, Any] = {"activation": Sigmoid, "initializer": "glorot"}
RECTIFIER: dict[str, Any] = {"activation": ReLU, "initializer": "he"}
NAMED = {
    "joint": "sigmoid, all layers at once",
    "labels": "sigmoid, layer by layer with labels, then all",
    "pixels": "sigmoid, layer by layer without labels, then all",
    "rectifiers": "ReLU and He's weights, all at once",
    "adam": "sigmoid and Adam, all at once",
    "modern": "ReLU, He's weights and Adam, all at once",
}


def compute(seeds: int = 4, rows: int = 1000, stage: int = 10, joint: int = 20) -> dict[str, Any]:
    """Return what the chapter claims, computed; each layer trains for `stage` rounds, all of them for `joint`."""
    train, valid, test = images(rows)
    named = by_labels(train, seeds, stage)
    seen = by_pixels(train, seeds, stage)
    long = DEPTH * stage + joint
    rates, of_adam = Momentum(choice(*RATES)), Adam(choice(*OF_ADAM))
    arms = {
        "joint": together(train, seeds, long, SIGMOID, rates),
        "labels": together(train, seeds, joint, SIGMOID, rates, named[-1]),
        "pixels": together(train, seeds, joint, SIGMOID, rates, seen[-1]),
        "rectifiers": together(train, seeds, long, RECTIFIER, rates),
        "adam": together(train, seeds, long, SIGMOID, of_adam),
        "modern": together(train, seeds, long, RECTIFIER, of_adam),
    }
    chosen = {name: of_best_rate(net, seeds, valid, test) for name, net in arms.items()}
    scores = {name: [correct(member, test) for member in members] for name, members in chosen.items()}
    grown = [np.mean([_read_off(member, k, test) for member in of]) for k, of in enumerate(named, start=1)]
    sizes = {"sigmoid": slopes(SIGMOID, train), "ReLU and He's weights": slopes(RECTIFIER, train)}
    return {
        "depth": DEPTH,
        "width": WIDTH,
        "rows": rows,
        "tested": len(test[1]),
        "seeds": seeds,
        "joint": joint,
        "long": long,
        "offset": DEPTH * stage,
        "guess": float(np.bincount(test[1]).max() / len(test[1])),
        "scores": scores,
        "mean": {name: float(np.mean(values)) for name, values in scores.items()},
        "against": _difference(scores["modern"], scores["pixels"]),
        "first": grown[0],
        "last": grown[-1],
        "arms": _table(scores, chosen),
        "curves": {NAMED[name]: _curve(arms[name], members) for name, members in chosen.items()},
        "slopes": sizes,
        "sigmoid_ratio": sizes["sigmoid"][-1] / sizes["sigmoid"][0],
        "relu_ratio": sizes["ReLU and He's weights"].max() / sizes["ReLU and He's weights"].min(),
    }


def images(rows: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return digits, of 8 × 8 pixels from 0 to 1, and their classes: to train, to choose the rate, and to test."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = (X[order] / 16).astype(np.float32).reshape(-1, 8, 8, 1), y[order]
    parts = (slice(0, rows), slice(1000, 1300), slice(1300, None))
    return tuple((X[part], y[part]) for part in parts)


def hidden(activation: Any, initializer: str) -> list[Any]:
    """Return the hidden layers, h1 to h5 with their activations a1 to a5."""
    layers: list[Any] = [Flatten()]
    for k in range(1, DEPTH + 1):
        layers += [Dense(WIDTH, initializer, name=f"h{k}"), activation(name=f"a{k}")]
    return layers


def outputs(counts: int, likelihood: Any, columns: int) -> Joint:
    """Return an output above each layer, each of so many columns of the target; that of one layer alone counts."""
    names = np.arange(DEPTH * columns).reshape(DEPTH, columns).astype(str)
    return Joint(
        [
            Head(likelihood, after=f"a{k}", weight=float(k == counts), targets=names[k - 1].tolist(), name=f"top{k}")
            for k in range(1, DEPTH + 1)
        ]
    )


def only(layer: int, rate: float) -> Momentum:
    """Return the rule that trains one hidden layer, and the outputs, and leaves the other layers as they are."""
    return Momentum(rate, factors=[Factor(float(k == layer), on=(f"h{k}",)) for k in range(1, DEPTH + 1)])


def by_labels(data: Any, seeds: int, rounds: int, rate: float = 0.1) -> list[Any]:
    """Train one layer after the other to name the digit; return the networks after each."""
    labels = pd.DataFrame({str(k): data[1] for k in range(DEPTH)})
    return layer_by_layer(MultiTask, data[0], labels, Multinoulli(), 1, seeds, rounds, rate)


def by_pixels(data: Any, seeds: int, rounds: int, rate: float = 0.03) -> list[Any]:
    """Train one layer after the other so that the pixels can be read off it; return the networks after each."""
    pixels = np.tile(data[0].reshape(len(data[0]), COUNT), DEPTH)
    return layer_by_layer(Regressor, data[0], pixels, Gaussian(), COUNT, seeds, rounds, rate)


def layer_by_layer(
    door: Any, X: Any, y: Any, likelihood: Any, columns: int, seeds: int, rounds: int, rate: float
) -> list[Any]:
    """Return the networks after each stage, which begin where those of the stage before ended."""
    stages: list[Any] = []
    for k in range(1, DEPTH + 1):
        net = door(
            hidden(**SIGMOID),
            likelihood=outputs(k, likelihood, columns),
            optimizer=only(k, rate),
            start=stages[-1] if stages else None,
            **_options(seeds, rounds),
        )
        stages.append(net.fit(X, y, validation=(X[:2], y[:2])).members_)
    return stages


def together(data: Any, seeds: int, rounds: int, units: Any, optimizer: Any, begun: Any = None) -> Any:
    """Train all layers together, of networks that have begun or of new ones, at each of three rates."""
    start = begun and [{k: held for k, held in member.params.items() if k.startswith("h")} for member in begun]
    net = Classifier(
        hidden(**units), optimizer=optimizer, start=start, trials=3, design="grid", **_options(seeds, rounds)
    )
    return net.fit(*data, validation=(data[0][:2], data[1][:2]))


def of_best_rate(net: Any, seeds: int, valid: Any, test: Any) -> list[Any]:
    """Return the networks of the rate at which they were best on the digits that choose."""
    of_rates = [net.members_[i : i + seeds] for i in range(0, len(net.members_), seeds)]
    return max(of_rates, key=lambda members: np.mean([correct(member, valid) for member in members]))


def correct(member: Any, data: Any) -> float:
    """Return the share of digits that a network names."""
    return float(np.mean(member.predict(data[0]) == data[1]))


def _options(seeds: int, rounds: int) -> dict[str, Any]:
    return {"repeats": seeds, "max_rounds": rounds, "stopping": None, "batch_size": 32}


def slopes(units: Any, data: Any, seeds: int = 8) -> np.ndarray:
    """Return the root mean square of the cost's gradient in the weights of each hidden layer, before any training."""
    X, y = data[0][:256], data[1][:256]
    first = Pixels(float(X.mean()), float(X.std()))
    network = Network([first, *hidden(**units), Dense(10, "glorot", name="output")], Multinoulli())
    rows = Batch(jnp.asarray(X), (jnp.asarray(y, jnp.int32),), jnp.ones(len(y)))
    found = []
    for seed in range(seeds):
        params, states = initialize(network, seed, X.shape[1:])
        gradient, _ = jax.grad(cost, argnums=1, has_aux=True)(network, params, states, rows, Noise({}, {}, {}))
        found.append([float(np.sqrt(np.mean(gradient[f"h{k}"]["weight"] ** 2))) for k in range(1, DEPTH + 1)])
    return np.sqrt(np.mean(np.square(found), axis=0))


def _read_off(member: Any, k: int, data: Any) -> float:
    """Return the share of digits that the output above hidden layer k names."""
    return float(np.mean(member.predict(data[0])[str(k - 1)] == data[1]))


def _curve(net: Any, members: Any) -> np.ndarray:
    """Return the mean training cost after each round."""
    of = net.curves_[net.curves_["id"].isin([member.id for member in members])]
    return of.groupby("round")["train_cost"].mean().to_numpy()


def _table(scores: Any, chosen: Any) -> pd.DataFrame:
    """Return the scores as a table, with 95 % intervals of the mean over seeds (Student's t)."""
    rows = []
    for name, values in scores.items():
        mean, half = interval(values)
        rate = chosen[name][0].spec.optimizer.learning_rate
        rows.append((NAMED[name], rate, f"{mean:.3f} ± {half:.3f}", f"{min(values):.3f}"))
    return pd.DataFrame(rows, columns=["how it was trained", "best rate", "correct", "worst seed"])


def _difference(one: list[float], other: list[float]) -> tuple[float, float]:
    """Return the difference of two means over seeds, and the half width of its 95 % interval (Welch)."""
    interval = ttest_ind(one, other, equal_var=False).confidence_interval()
    return float(np.mean(one) - np.mean(other)), float(interval.high - interval.low) / 2


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the pictures by name."""
    return {"costs": _costs(found["curves"], found["offset"]), "slopes": _slopes(found["slopes"])}


def _costs(curves: Any, offset: int) -> Figure:
    figure = Figure(figsize=(5.5, 4.4), layout="constrained")
    axes = figure.subplots()
    styles = ("-", "-", "--", "-", "--", ":")
    for i, ((name, cost_of), style) in enumerate(zip(curves.items(), styles, strict=True)):
        first = offset if "layer by layer" in name else 0
        axes.plot(first + 1 + np.arange(len(cost_of)), cost_of, style, color=f"C{i}", label=name)
    axes.axvline(offset, color="C7", linewidth=0.8)
    axes.set(yscale="log", xlabel="passes over the training digits", ylabel="training cost (nats)")
    figure.legend(loc="outside lower center", ncols=1, fontsize="small", frameon=False)
    return figure


def _slopes(slopes_of: Any) -> Figure:
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for i, (name, values) in enumerate(slopes_of.items()):
        axes.plot(np.arange(1, DEPTH + 1), values, "o-", color=f"C{i}", label=name)
    axes.set(yscale="log", xlabel="hidden layer, from the bottom", ylabel="size of the gradient")
    axes.set_xticks(range(1, DEPTH + 1))
    axes.legend(frameon=False)
    return figure
